"""The table that scripts/attacks prints: every attack, the tests that bear its id, and whether all of them passed."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.attacks.catalogue import CATALOGUE, OWN


@dataclass
class Tally:
    """How the tests of each attack ended. The hook is pytest's."""

    ends: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            for name, value in report.user_properties:
                if name == "attack":
                    self.ends[str(value)][report.outcome] += 1

    def covers(self, id_: str) -> bool:
        """At least one test passed, and none did anything else."""
        return self.ends[id_]["passed"] > 0 and set(self.ends[id_]) == {"passed"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 if every attack is covered, 1 if not."""
    parser = argparse.ArgumentParser(prog="scripts/attacks", description=__doc__)
    parser.add_argument("-j", "--jobs", default="1", help="processes to run the tests in (default 1)")
    parser.add_argument("--all", action="store_true", help="the slow, exhaustive variants, too")
    parser.add_argument(
        "--second-opinion", action="store_true", help="ask scripts/second-opinion about each bundle, too (slow)"
    )
    options = parser.parse_args(arguments)
    if options.second_opinion:
        os.environ["AIRGAP_SECOND_OPINION"] = "1"
    tally = Tally()
    line = ["-q", "--no-header", "-n", options.jobs if options.jobs != "1" else "0", str(Path(__file__).parent)]
    status = pytest.main([*line, *([] if options.all else ["-m", "not slow and not exhaustive"])], plugins=[tally])
    print("\n".join(table(tally)))
    found = [id_ for id_ in (*CATALOGUE, *OWN) if tally.covers(id_)]
    print(f"covered {sum(id_ in CATALOGUE for id_ in found)} of {len(CATALOGUE)}", end=", ")
    print(f"and {sum(id_ in OWN for id_ in found)} of {len(OWN)} of our own")
    return 0 if status == 0 and len(found) == len(CATALOGUE) + len(OWN) else 1


def table(tally: Tally) -> list[str]:
    lines = []
    for id_, title in {**CATALOGUE, **OWN}.items():
        ends = ", ".join(f"{count} {end}" for end, count in sorted(tally.ends[id_].items())) or "no test"
        lines.append(f"{'✓' if tally.covers(id_) else '✗'} {id_:<7} {title:<52} {ends}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
