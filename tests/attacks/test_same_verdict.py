"""One verdict, byte for byte, wherever and whenever it is asked for (R9).

Clocks are turned by replacing Python's, in the process that judges: airgap reads none but that one, and with --at none
at all, so that libfaketime would tell no more.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.catalogue import attack
from tests.attacks.lab import IMAGE, Lab, by
from tests.cli.site import ROOT, process
from tests.kit.pythons import PYTHONS, python

CLOCKS = (0, 1_764_000_000, 4_070_908_800)
LOCALES = ("C", "C.UTF-8", "tr_TR.UTF-8", "ja_JP.EUC-JP")
ZONES = ("UTC", "Pacific/Chatham", "America/St_Johns")


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


@pytest.mark.engines
@pytest.mark.parametrize("version", PYTHONS)
def test_every_python(lab: Lab, bundles: dict[str, bytes], tmp_path: Path, version: str) -> None:
    """Each in an environment of its own, with the packages that airgap needs."""
    subprocess.run([python(version), "-m", "venv", tmp_path], check=True)
    program = tmp_path / "bin" / "python"
    subprocess.run([program, "-m", "pip", "install", "--quiet", ROOT], check=True, capture_output=True)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for data in bundles.values():
        expected = lab.site.verify(bundle="-", stdin=data)
        line = [str(program), "-I", "-m", "airgap", *map(str, lab.site.verify_line(bundle="-"))]
        done = subprocess.run(line, input=data, env=env, capture_output=True, check=False)
        assert (done.returncode, done.stdout) == (expected.code, expected.stdout)
