"""Counts that tests report: how many of how many, for a row of the assurance table (scripts/assurance).

They travel as pytest's own properties, so that ``--junitxml`` and the workers of xdist carry them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

PROPERTY = "tally"


@dataclass(frozen=True, slots=True)
class Tally:
    """Give a count. ``row`` is that of the assurance table, ``note`` what a reader of the table must know."""

    keep: Callable[[str, object], None]

    def __call__(self, row: str, what: str, held: int, of: int, note: str = "") -> None:
        assert 0 < held <= of, (row, what, held, of)
        counted = {"row": row, "what": what, "held": held, "of": of, "note": note}
        self.keep(PROPERTY, json.dumps(counted, sort_keys=True))
        print(f"\n{row} {what}: {held} of {of}{f' ({note})' if note else ''}")
