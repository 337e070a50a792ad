"""One verdict, byte for byte, wherever and whenever it is asked for (R9).

Clocks are turned by replacing Python's, in the process that judges: airgap reads none but that one, and with --at none
at all, so that libfaketime would tell no more. Other versions of Python are tried where this machine has them.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.attacks.catalogue import attack
from tests.attacks.lab import IMAGE, Lab, by
from tests.cli.site import ROOT, process

CLOCKS = (0, 1_764_000_000, 4_070_908_800)
LOCALES = ("C", "C.UTF-8", "tr_TR.UTF-8", "ja_JP.EUC-JP")
ZONES = ("UTC", "Pacific/Chatham", "America/St_Johns")
VERSIONS = ("3.11", "3.12", "3.13")


@pytest.fixture(scope="module")
def bundles(lab: Lab) -> dict[str, bytes]:
    """An accepted one, one without quorum and with odd bytes in a claim, and a damaged one."""
    good = lab.good().packed()
    bad = [by("anna"), by("bert", reference="docker.io/stagex/İıǅ"), by("carl", digest=IMAGE.configs[0].digest)]
    return {"accepted": good, "refused": lab.signed(*bad).packed(), "damaged": good[:-40]}


def everywhere() -> Iterator[tuple[int, str, str]]:
    """Every clock with every locale and every zone would be 36 processes a bundle: each pair comes up instead."""
    for number, (clock, locale) in enumerate(itertools.product(CLOCKS, LOCALES)):
        yield clock, locale, ZONES[(number + number // len(LOCALES)) % len(ZONES)]


def test_each_pair_comes_up() -> None:
    found = list(everywhere())
    for one, other in ((0, 1), (1, 2), (0, 2)):
        every = itertools.product(*((CLOCKS, LOCALES, ZONES)[place] for place in (one, other)))
        assert set(every) == {(case[one], case[other]) for case in found}


@attack("TUF-17")
@pytest.mark.parametrize("name", ["accepted", "refused", "damaged"])
def test_everywhere(lab: Lab, bundles: dict[str, bytes], name: str) -> None:
    expected = lab.site.verify(bundle="-", stdin=bundles[name])
    assert expected.code == {"accepted": 0, "refused": 30, "damaged": 20}[name]
    for clock, locale, zone in everywhere():
        before = f"import time; time.time = lambda: {clock}; time.time_ns = lambda: {clock * 10**9}"
        env = {"TZ": zone, "LC_ALL": locale, "LANG": locale, "PYTHONHASHSEED": str(clock % 1000)}
        found = process(*lab.site.verify_line(bundle="-"), stdin=bundles[name], before=before, env=env)
        assert found == expected, (clock, locale, zone)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_python(lab: Lab, bundles: dict[str, bytes], version: str) -> None:
    """An interpreter that can import what airgap needs: that of this environment, or one beside it."""
    mine = sys.executable if version == f"{sys.version_info.major}.{sys.version_info.minor}" else None
    python = mine or shutil.which(f"python{version}")
    if python is None:
        pytest.skip(f"python{version} is not on this machine")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    if subprocess.run([python, "-c", "import pgpy, zstandard"], env=env, capture_output=True, check=False).returncode:
        pytest.skip(f"python{version} cannot import what airgap needs")
    for data in bundles.values():
        expected = lab.site.verify(bundle="-", stdin=data)
        line = [python, "-m", "airgap", *map(str, lab.site.verify_line(bundle="-"))]
        done = subprocess.run(line, input=data, env=env, capture_output=True, check=False)
        assert (done.returncode, done.stdout) == (expected.code, expected.stdout)
