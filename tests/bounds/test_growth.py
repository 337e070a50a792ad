"""Work grows as the number of images does, and no faster (counted in lines of code that run: no clock is asked)."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.bounds.streams import many_images
from tests.bundle.simulator import encode
from tests.cli.site import run
from tests.tally import Tally

AT = "2025-07-01T00:00:00Z"
FEW = (40, 80, 160)
MANY = (250, 500, 1000)  # enough to see one line of code that runs for each image and each other: 2.3
GROWTH = 2.1  # twice as many images more are twice the work more

COMMANDS: dict[str, list[str]] = {
    "verify": ["verify", "{bundle}", "--trust", "{trust}"],
    "import": ["import", "{bundle}", "--trust", "{trust}", "--store", "{store}", "--to", "oci:{out}"],
    "import again": ["import", "{bundle}", "--trust", "{trust}", "--store", "{store}", "--to", "oci:{out}"],
    "verify --store": ["verify", "--store", "{store}", "--trust", "{trust}"],
    "check-digest": ["check-digest", "oci:{out}", "--store", "{store}", "--trust", "{trust}"],
    "trust drill": ["trust", "drill", "--store", "{store}", "--trust", "{trust}", "--revoke", "alice"],
    "policy write": ["policy", "write", "--store", "{store}", "--trust", "{trust}", "-o", "{policy}"],
    "diff": ["diff", "{store}", "{bundle}", "--trust", "{trust}"],
    "store list": ["store", "list", "--store", "{store}"],
    "store gc": ["store", "gc", "--store", "{store}"],
    "log show": ["log", "show", "--trust", "{trust}"],
}
TIMELESS = ("store list", "store gc", "log show")  # take no --at


def lines_of(*arguments: object) -> int:
    """How many lines of Python the command runs, in the thread that leads it. Generated code is not ours."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if event == "line":
            count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        result = run(*arguments)
    finally:
        sys.settrace(before)
    assert result.code == 0, result
    return count


def works(folder: Path, trust: Path, count: int) -> dict[str, int]:
    """Lines by command, each in its turn on the same disk."""
    folder.mkdir()
    places = {name: str(folder / name) for name in ("bundle", "trust", "store", "out", "policy")}
    Path(places["bundle"]).write_bytes(encode(many_images(count)))
    shutil.copytree(trust, places["trust"])
    found = {}
    for name, line in COMMANDS.items():
        options = ["--format", "json", *([] if name in TIMELESS else ["--at", AT])]
        found[name] = lines_of(*(one.format(**places) for one in line), *options)
    return found


@pytest.mark.parametrize("counts", [FEW, pytest.param(MANY, marks=pytest.mark.exhaustive)])
def test_growth(tally: Tally, tmp_path: Path, trust_folder: Path, counts: tuple[int, int, int]) -> None:
    works(tmp_path / "first", trust_folder, 1)  # what is imported and made once
    found = [works(tmp_path / str(count), trust_folder, count) for count in counts]
    growths = {name: (found[2][name] - found[1][name]) / (found[1][name] - found[0][name]) for name in COMMANDS}
    for name, growth in growths.items():
        tally("R7", f"{name}: work for twice as many images", int(growth <= GROWTH), 1, f"{growth:.2f} times as much")
    assert max(growths.values()) <= GROWTH, growths
