"""Running the tests and reading what they counted, from pytest's own report (--junitxml) and not from prose."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assuring.rows import ROOT, Row
from tests.tally import PROPERTY


@dataclass(frozen=True, slots=True)
class Count:
    """So many of so many held."""

    what: str
    held: int
    of: int
    note: str = ""


@dataclass(slots=True)
class Result:
    """What is known of one row. ``missing`` says what was not counted, and why."""

    row: Row
    counts: list[Count] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def held(self) -> int:
        return sum(count.held for count in self.counts)

    @property
    def of(self) -> int:
        return sum(count.of for count in self.counts)

    @property
    def verdict(self) -> str:
        if self.failed:
            return f"FAILED: {len(self.failed)}"
        if not self.counts:
            return "not counted here"
        return f"{self.held} of {self.of}"


@dataclass(frozen=True, slots=True)
class _Case:
    """One test of the report."""

    name: str
    seconds: float
    failure: str | None
    skipped: str | None
    tallies: tuple[dict[str, object], ...]


def run_tests(paths: Sequence[str], *, quick: bool, report: Path) -> list[_Case]:
    """Each test once, on all cores."""
    select = ["-m", "not slow and not exhaustive"] if quick else []
    jobs = os.environ.get("AIRGAP_TEST_JOBS", "auto")
    line = ["-m", "pytest", "-q", "-n", jobs, *select, f"--junitxml={report}", "-p", "no:cacheprovider", *paths]
    done = subprocess.run([sys.executable, *line], cwd=ROOT, check=False, stdout=sys.stderr)
    if done.returncode not in (0, 1, 5):
        raise RuntimeError(f"pytest ended with {done.returncode}")
    return [_case(element) for element in ElementTree.parse(report).getroot().iter("testcase")]


def _case(element: ElementTree.Element) -> _Case:
    failure = next((one for name in ("failure", "error") if (one := element.find(name)) is not None), None)
    skipped = element.find("skipped")
    properties = element.iter("property")
    tallies = tuple(json.loads(one.attrib["value"]) for one in properties if one.attrib["name"] == PROPERTY)
    return _Case(
        f"{element.attrib['classname']}.{element.attrib['name']}",
        float(element.attrib["time"]),
        None if failure is None else failure.attrib.get("message", "")[:300],
        None if skipped is None else skipped.attrib.get("message", ""),
        tallies,
    )


def results(rows: Iterable[Row], cases: Sequence[_Case]) -> list[Result]:
    """Give each test to the rows that name its file; a tally goes to the row that it names."""
    return [_result(row, [case for case in cases if _is_of(row, case)]) for row in rows]


def _is_of(row: Row, case: _Case) -> bool:
    prefixes = (path.removesuffix(".py").replace("/", ".") for path in row.tests)
    return any(case.name == prefix or case.name.startswith(f"{prefix}.") for prefix in prefixes)


def _result(row: Row, cases: Sequence[_Case]) -> Result:
    found = Result(row)
    plain = 0
    for case in cases:
        mine = [one for one in case.tallies if one["row"] == row.id]
        if case.tallies and not mine:
            continue  # it counts for another row
        found.seconds += case.seconds
        if case.failure is not None:
            found.failed.append(f"{case.name}: {case.failure}")
        elif case.skipped is not None:
            found.missing.append(f"{case.name}: {case.skipped}")
        elif mine:
            found.counts += [_count(one) for one in mine]
        else:
            plain += 1
    found.counts = _without_samples(found.counts)
    if plain:
        found.counts.append(Count("other tests", plain, plain))
    found.missing += [f"{path} is not there" for path in row.tests if path not in row.present_tests]
    return found


def _without_samples(counts: Iterable[Count]) -> list[Count]:
    """One of each, by name: where all were tried, the sample that others try in every run is among them."""
    most: dict[str, Count] = {}
    for count in counts:
        if count.what not in most or count.of > most[count.what].of:
            most[count.what] = count
    return [most[what] for what in sorted(most)]


def _count(tally: dict[str, object]) -> Count:
    return Count(str(tally["what"]), int(str(tally["held"])), int(str(tally["of"])), str(tally["note"]))


def run_commands(found: Result) -> None:
    """A command holds if it ends with 0."""
    for command in found.row.present_commands:
        started = time.monotonic()
        done = subprocess.run([ROOT / command[0], *command[1:]], cwd=ROOT, check=False, stdout=sys.stderr)
        found.seconds += time.monotonic() - started
        if done.returncode:
            found.failed.append(f"{' '.join(command)} ended with {done.returncode}")
        else:
            found.counts.append(Count(" ".join(command), 1, 1, "ended with 0"))
    found.missing += [f"{one[0]} is not there" for one in found.row.commands if one not in found.row.present_commands]
