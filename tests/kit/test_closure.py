"""What a target needs, found by pip and by what pip forgets: markers that hold there and not here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from airgap.errors import SourceError
from airgap.kit.closure import Resolved, closure, resolve
from airgap.kit.target import PYTHONS, Target, parse_targets
from tests.kit.forged import pip_with, wheel

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
ELSEWHERE = next(python for python in PYTHONS if python != HERE)


def target(python: str = HERE, platform: str = "manylinux2014_x86_64") -> Target:
    [found] = parse_targets((python,), (platform,))
    return found


def names(found: Resolved) -> list[str]:
    return [f"{one.name} {one.version}" for one in found.wheels]


def test_what_is_needed_there_alone_is_found_and_what_is_needed_here_alone_is_left_out(tmp_path: Path) -> None:
    there, here = (f"python_version == '{python}'" for python in (ELSEWHERE, HERE))
    own = wheel("airgap", "1", "deep")
    index = [
        wheel("deep", "1", f"for-there; {there}", f"for-here; {here}"),
        wheel("for-there", "1", "below-there"),
        wheel("below-there"),
        wheel("for-here"),
    ]
    pip = pip_with(tmp_path / "index", index)
    found = resolve(target(ELSEWHERE), own, [], pip, tmp_path)
    assert names(found) == ["airgap 1", "below-there 1", "deep 1", "for-there 1"]
    assert found.needs["deep"] == {"for-there"}  # type: ignore[index]  # names are normalized strings
    assert names(resolve(target(HERE), own, [], pip, tmp_path)) == ["airgap 1", "deep 1", "for-here 1"]


def test_a_requirement_that_only_another_marker_states_bounds_the_version(tmp_path: Path) -> None:
    """The first round takes lib 2; a marker of another Python asks for lib < 2, so the second takes lib 1."""
    own = wheel("airgap", "1", "lib", "other")
    index = [wheel("lib"), wheel("lib", "2"), wheel("other", "1", f"lib<2; python_version == '{ELSEWHERE}'")]
    found = resolve(target(ELSEWHERE), own, [], pip_with(tmp_path / "index", index), tmp_path)
    assert names(found) == ["airgap 1", "lib 1", "other 1"]


def test_extras_are_those_that_were_asked_for(tmp_path: Path) -> None:
    own = wheel("airgap", "1", "base", "mend; extra == 'recovery'", "net; extra == 'registry'")
    pip = pip_with(tmp_path / "index", [wheel("base"), wheel("mend"), wheel("net")])
    assert names(resolve(target(), own, ["recovery"], pip, tmp_path)) == ["airgap 1", "base 1", "mend 1"]


def test_airgap_is_never_asked_of_an_index(tmp_path: Path) -> None:
    """There, the name may be somebody else's: here a newer one, that needs what does not exist."""
    own = wheel("airgap", "1", "base")
    pip = pip_with(tmp_path / "index", [wheel("base", "1", "airgap"), wheel("airgap", "2", "evil")])
    with pytest.raises(SourceError) as caught:
        resolve(target(), own, [], pip, tmp_path)
    assert caught.value.kind == "packages-not-found"
    assert "evil" in caught.value.message


def test_a_wheel_for_another_machine_is_none(tmp_path: Path) -> None:
    own = wheel("airgap", "1", "base")
    pip = pip_with(tmp_path / "index", [wheel("base", tag="cp311-abi3-manylinux2014_aarch64")])
    with pytest.raises(SourceError) as caught:
        resolve(target(), own, [], pip, tmp_path)
    assert caught.value.kind == "packages-not-found"
    assert "base" in caught.value.message
    found = resolve(target(platform="manylinux_2_28_aarch64"), own, [], pip, tmp_path)
    assert names(found) == ["airgap 1", "base 1"]


def test_a_source_is_not_taken_for_a_wheel(tmp_path: Path) -> None:
    """Building it would run its code, and need a compiler."""
    pip = pip_with(tmp_path / "index", [])
    (tmp_path / "index" / "base-1.tar.gz").write_bytes(b"not looked at")
    with pytest.raises(SourceError) as caught:
        resolve(target(), wheel("airgap", "1", "base"), [], pip, tmp_path)
    assert caught.value.kind == "packages-not-found"


def test_names_are_compared_in_their_normal_form() -> None:
    wheels = [wheel("airgap", "1", "Some.Thing"), wheel("some-thing")]
    needs, lacking = closure(Requirement("airgap"), {one.name: one for one in wheels}, target())
    assert sorted(needs) == ["airgap", "some-thing"]
    assert not lacking


def test_packages_that_need_each_other_end() -> None:
    wheels = [wheel("airgap", "1", "left"), wheel("left", "1", "right"), wheel("right", "1", "left")]
    needs, lacking = closure(Requirement("airgap"), {one.name: one for one in wheels}, target())
    assert sorted(needs) == ["airgap", "left", "right"]
    assert not lacking
