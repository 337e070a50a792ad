"""The goals, and which tests and commands count them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Row:
    """One goal. ``tests`` are paths of pytest, ``commands`` end with 0 if the goal holds.

    Tests that give a tally are counted by it, others by their number. What is not there is left out, and said so.
    """

    id: str
    goal: str
    tests: tuple[str, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()

    @property
    def present_tests(self) -> list[str]:
        return [path for path in self.tests if (ROOT / path).exists()]

    @property
    def present_commands(self) -> list[tuple[str, ...]]:
        return [command for command in self.commands if (ROOT / command[0]).exists()]


ROWS: Final = (
    Row(
        "R1",
        "every flipped bit, every deleted, doubled, inserted and cut byte of a small bundle, its parts and recovery "
        "records: refused with a typed error, or without any effect",
        ("tests/damage/test_bundle.py", "tests/damage/test_recovery.py"),
    ),
    Row(
        "R2",
        "the same for signatures, certificates, the trust folder and the store: never a first use",
        ("tests/damage/test_trust.py",),
    ),
    Row("R3", "attack catalogue: each attack refused, and nothing changed by it", ("tests/attacks",)),
    Row("R4", "OpenPGP: nothing is accepted that sqv refuses", ("tests/differential/test_differential.py",)),
    Row(
        "R5",
        "faults at every file call, once and from then on; strange surroundings: no wrong verdict, nothing half, and "
        "the next run ends where an undisturbed one does",
        ("tests/faults",),
    ),
    Row("R6", "SIGKILL at every file call that changes something, and two imports at once", ("tests/faults",)),
    Row("R7", "peak memory of any command at most 256 MiB", ("tests/bounds",)),
    Row("R8", "fuzzing: only typed errors escape", ("tests/fuzz",)),
    Row(
        "R9",
        "the same verdict under other clocks, locales, time zones and versions",
        ("tests/attacks/test_same_verdict.py",),
    ),
    Row("R10", "no network while verifying and importing", ("tests/engines/test_offline.py",)),
    Row("R11", "each engine is read back; one that lies is caught", ("tests/engines/test_fakes.py",)),
    Row("R12", "branch coverage of what decides", commands=(("scripts/coverage",),)),
)
