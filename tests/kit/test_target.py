"""What a kit may be for, and which wheels run there."""

from __future__ import annotations

import pytest

from airgap.errors import UsageError
from airgap.kit.closure import Resolved
from airgap.kit.content import packages, requirements
from airgap.kit.target import PYTHONS, Target, parse_targets, this_platform
from airgap.kit.wheel import Wheel
from tests.cli.site import run
from tests.kit.forged import wheel


def test_defaults_are_all_pythons_on_this_machine() -> None:
    assert [(one.python, one.platform) for one in parse_targets((), ())] == [(one, this_platform()) for one in PYTHONS]


def test_targets_have_one_order_and_no_doubles() -> None:
    given = parse_targets(("3.13", "3.11", "3.13"), ("musllinux_1_2_x86_64", "manylinux2014_aarch64"))
    assert [str(one) for one in given] == [
        f"Python {python} on {platform}"
        for python in ("3.11", "3.13")
        for platform in ("manylinux2014_aarch64", "musllinux_1_2_x86_64")
    ]


@pytest.mark.parametrize(
    ("platform", "tags"),
    [
        ("manylinux2014_x86_64", ["manylinux2014_x86_64", "manylinux_2_17_x86_64"]),
        ("manylinux_2_18_s390x", ["manylinux_2_18_s390x", "manylinux_2_17_s390x", "manylinux2014_s390x"]),
        ("musllinux_1_2_aarch64", ["musllinux_1_2_aarch64", "musllinux_1_1_aarch64"]),
    ],
)
def test_tags_are_those_of_older_c_libraries_too(platform: str, tags: list[str]) -> None:
    [target] = parse_targets(("3.12",), (platform,))
    assert list(target.tags) == tags


@pytest.mark.parametrize(
    "platform",
    ["", "linux", "win_amd64", "macosx_11_0_arm64", "manylinux2014", "manylinux2014_", "manylinux2010_x86_64",
     "manylinux_2_16_x86_64", "musllinux_1_0_x86_64", "manylinux_2_99999_x86_64", "manylinux_2_28_x86_64 --pre"],
)  # fmt: skip
def test_no_platform(platform: str) -> None:
    result = run("kit", "-o", "never", "--platform", platform, "--format", "json")
    assert (result.code, result.kinds) == (2, ["usage"])


def resolved(target: Target, *wheels: Wheel) -> Resolved:
    return Resolved(target, wheels, {})


def test_a_marker_stands_where_not_all_targets_want_a_package() -> None:
    targets = parse_targets(("3.11", "3.13"), ("manylinux2014_aarch64", "manylinux2014_x86_64"))
    own, old, new = wheel("airgap"), wheel("lib", "1"), wheel("lib", "2")
    rows = [resolved(one, own, new if one.python == "3.13" and one.machine == "x86_64" else old) for one in targets]
    text = requirements(packages(rows), targets, own, ["recovery"]).decode()
    assert text.splitlines()[::2] == [
        "airgap[recovery]==1 \\",
        'lib==1 ; python_version == "3.11" and platform_machine == "aarch64"'
        ' or python_version == "3.11" and platform_machine == "x86_64"'
        ' or python_version == "3.13" and platform_machine == "aarch64" \\',
        'lib==2 ; python_version == "3.13" and platform_machine == "x86_64" \\',
    ]


def test_versions_that_no_marker_tells_apart_are_refused() -> None:
    targets = parse_targets(("3.11",), ("manylinux2014_x86_64", "musllinux_1_2_x86_64"))
    own = wheel("airgap")
    rows = [resolved(targets[0], own, wheel("lib", "1")), resolved(targets[1], own, wheel("lib", "2"))]
    with pytest.raises(UsageError):
        requirements(packages(rows), targets, own, [])
