"""What the pictures of a report show, in numbers: places on a time line, and lengths of bars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from airgap.timestamp import day, parse_rfc3339

_ROWS_MAX: Final = 40  # people on a time line; what the others signed is in one row
_TICKS: Final = 5
_BARS_MAX: Final = 24
_OTHERS: Final = "others"


@dataclass(frozen=True, slots=True)
class Dot:
    """One signature. ``x`` is in thousandths of the width."""

    x: int
    good: bool
    words: str


@dataclass(frozen=True, slots=True)
class TimeLine:
    """Signatures by who made them; ``now`` is where the reference time is."""

    rows: tuple[tuple[str, tuple[Dot, ...]], ...]
    ticks: tuple[tuple[int, str], ...]
    now: int


def time_line(images: Iterable[Mapping[str, Any]], name: str, reference_time: int) -> TimeLine | None:
    """When which signatures were made; None if no file says when. ``name`` is the member that names an image."""
    found: list[tuple[str, int, bool, str]] = []
    for image in images:
        for one in image["signatures"]:
            if one["created"] is not None:
                good = one["status"] == "good"
                words = f"{one['created'][:10]} {image[name]}: {'good' if good else one['reason']}"
                found.append((one["maintainer"] or _OTHERS, parse_rfc3339(one["created"]), good, words))
    if not found:
        return None
    times = [time for _, time, _, _ in found] + [reference_time]
    first, last = min(times), max(times)
    width = max(last - first, 1)

    def place(time: int) -> int:
        return (time - first) * 1000 // width

    rows: dict[str, dict[tuple[int, bool], Dot]] = {}
    people = sorted({who for who, _, _, _ in found} - {_OTHERS})[:_ROWS_MAX]
    for who, time, good, words in sorted(found, key=lambda one: (one[2], one[1])):
        row = rows.setdefault(who if who in people else _OTHERS, {})
        row.setdefault((place(time), good), Dot(place(time), good, words))  # one dot for what falls together
    ticks = tuple((at * 1000 // (_TICKS - 1), day(first + width * at // (_TICKS - 1))) for at in range(_TICKS))
    ordered = [*people, *([_OTHERS] if _OTHERS in rows else [])]
    return TimeLine(tuple((who, tuple(rows[who].values())) for who in ordered), ticks, place(reference_time))


@dataclass(frozen=True, slots=True)
class Bar:
    """``length`` is in thousandths of the longest."""

    name: str
    octets: int
    length: int


def bars(sizes: Sequence[tuple[str, int]]) -> list[Bar]:
    """The largest as bars, longest first, and the rest in one."""
    ordered = sorted(sizes, key=lambda pair: (-pair[1], pair[0]))
    shown, rest = ordered[:_BARS_MAX], ordered[_BARS_MAX:]
    if rest:
        shown.append((f"{len(rest)} more", sum(octets for _, octets in rest)))
    longest = max([octets for _, octets in shown] or [1]) or 1
    return [Bar(name, octets, max(octets * 1000 // longest, 2)) for name, octets in shown]
