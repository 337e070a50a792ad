"""Every way in which a medium or a wire damages a file in one place, and what became of each."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from airgap.errors import AirgapError
from tests.tally import Tally

KINDS: Final = ("bit flipped", "byte deleted", "byte doubled", "byte inserted", "cut")
SAMPLE: Final = 150  # places of each kind in the short run
SEED: Final = "airgap damage 1"


def places(size: int, kind: str) -> range:
    """One number for each damage of a kind that a file of so many bytes can take."""
    if kind == "bit flipped":
        return range(size * 8)
    return range(size + 1 if kind == "byte inserted" else size)


def damaged(data: bytes, kind: str, place: int) -> bytes:
    match kind:
        case "bit flipped":
            at = place // 8
            return data[:at] + bytes([data[at] ^ 1 << place % 8]) + data[at + 1 :]
        case "byte deleted":
            return data[:place] + data[place + 1 :]
        case "byte doubled":
            return data[:place] + data[place : place + 1] + data[place:]
        case "byte inserted":  # other than its neighbours, or it could not be told from a doubled one
            near = data[max(0, place - 1) : place + 1]
            strange = next(value for value in range(0x5A, 0x60) if value not in near)
            return data[:place] + bytes([strange]) + data[place:]
        case "cut":
            return data[:place]
    raise ValueError(kind)


def chosen(size: int, kind: str, every: bool) -> Iterator[int]:
    """All places, or a sample that is the same in every run."""
    found = places(size, kind)
    if every or len(found) <= SAMPLE:
        yield from found
    else:
        yield from random.Random(f"{SEED} {kind} {size}").sample(found, SAMPLE)


def endure(
    tally: Tally,
    row: str,
    name: str,
    data: bytes,
    kind: str,
    judge: Callable[[bytes], str],
    good: str,
    *,
    every: bool,
    spared: Callable[[int], bool] = lambda _: False,
) -> Counter[str]:
    """Damage a file in one place after the other; each must be refused with a typed error, or change nothing.

    ``judge`` gives the verdict in words of its own, and raises AirgapError; ``good`` is the verdict on the whole file.
    Whatever else is raised fails the test, and so does another verdict. ``spared`` names places
    that are not tried.
    """
    outcomes: Counter[str] = Counter()
    same: list[int] = []
    total = 0
    for place in chosen(len(data), kind, every):
        hostile = damaged(data, kind, place)
        if hostile == data or spared(place):
            continue
        total += 1
        verdict = _verdict(judge, hostile)
        if isinstance(verdict, AirgapError):
            assert verdict.exit_status not in (0, 1, 2), (kind, place, verdict)
            assert verdict.message, (kind, place)
            outcomes[verdict.kind] += 1
        else:
            assert verdict == good, (name, kind, place, verdict)
            same.append(place)
    refused = sum(outcomes.values())
    assert refused + len(same) == total
    note = f"{refused} refused" + (f", {len(same)} without any effect" if same else "")
    tally(row, f"{name}: {kind}", total, total, note)
    return outcomes


def _verdict(judge: Callable[[bytes], str], data: bytes) -> str | AirgapError:
    try:
        return judge(data)
    except AirgapError as error:
        return error
