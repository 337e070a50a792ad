"""``scripts/assurance``: all rows, one table, and docs/assurance.md."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from assuring.counting import Result, results, run_commands, run_tests
from assuring.rows import ROOT, ROWS
from tests.damage.damages import SEED as DAMAGE_SEED
from tests.faults.test_faults import SEED as FAULTS_SEED


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/assurance", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="samples, the same in every run, in place of all of all")
    parser.add_argument("--only", action="append", default=[], metavar="ROW", help="R1 … R12; may be repeated")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "assurance.md", metavar="FILE")
    options = parser.parse_args()
    rows = [row for row in ROWS if not options.only or row.id in options.only]
    if not rows:
        parser.error(f"no row is called {', '.join(options.only)}")
    started, commit = time.monotonic(), _commit()  # of what is run, not of what it became meanwhile
    paths = sorted({path for row in rows for path in row.present_tests})
    with tempfile.TemporaryDirectory() as folder:
        cases = run_tests(paths, quick=options.quick, report=Path(folder) / "report.xml") if paths else []
    found = results(rows, cases)
    for one in found:
        run_commands(one)
    print("\n".join(_table(found)))
    for one in found:
        for failure in one.failed:
            print(f"{one.row.id} {failure}")
    text = _document(found, time.monotonic() - started, commit, options)
    options.output.write_text(text, encoding="utf-8")
    return any(one.failed for one in found)


def _table(found: Sequence[Result]) -> list[str]:
    lines = ["| | goal | counted | CPU seconds |", "|---|---|---|---|"]
    return lines + [f"| {one.row.id} | {one.row.goal} | {one.verdict} | {one.seconds:.0f} |" for one in found]


def _commit() -> str:
    """With -dirty, if it is not the commit that is run."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def _document(found: Sequence[Result], seconds: float, commit: str, options: argparse.Namespace) -> str:
    about = {
        "command": " ".join(["scripts/assurance", *sys.argv[1:]]),
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit,
        "seeds": f"{DAMAGE_SEED!r}, {FAULTS_SEED!r}; Hypothesis derandomised",
        "Python": f"{platform.python_version()}, {len(os.sched_getaffinity(0))} cores, {seconds:.0f} s in all",
        "extent": "samples" if options.quick else "all of all",
    }
    lines = [
        "# What was counted",
        "",
        "Written by `scripts/assurance`; do not edit. The goals are those of reliability and security, R1 to R12.",
        "A row that says *not counted here* has no tests in this tree; what was skipped is named below it.",
        "",
        *(f"- {name}: {value}" for name, value in about.items()),
        "",
        *_table(found),
    ]
    for one in found:
        if one.counts or one.failed or one.missing:
            lines += ["", f"## {one.row.id}", ""]
        if one.counts:
            lines += ["| what | held | |", "|---|---|---|"]
            lines += [f"| {count.what} | {count.held} of {count.of} | {count.note} |" for count in one.counts]
        lines += [f"- failed: {text}" for text in one.failed]
        lines += [f"- not counted: {text}" for text in sorted(set(one.missing))]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
