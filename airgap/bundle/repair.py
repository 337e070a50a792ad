"""Making a damaged bundle whole again, in new bytes; the medium is only read (bundles/FORMAT.md §10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from airgap.bundle.erasure import Code
from airgap.bundle.extents import Copy, Pool
from airgap.bundle.recordset import RecordSet
from airgap.bundle.recovery import check_of
from airgap.errors import IntegrityError
from airgap.progress import Progress


@dataclass(slots=True)
class Repair:
    """What was found and done. Blocks are those of the layout; ``runs`` are (start, bytes) in the bundle, in order."""

    blocks: int = 0
    bytes: int = 0
    unchecked: int = 0  # blocks that no record tells anything about: only the whole file's digest covers them
    runs: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Column:
    """The blocks of one column: those that are good, by shard."""

    good: dict[int, bytes]
    lost: list[int]


def repair(
    records: RecordSet,
    copies: Sequence[Copy],
    write_at: Callable[[bytes, int], object],
    pool: Pool,
    progress: Progress,
) -> Repair:
    """Write the whole bundle, every block from a copy that has it, or from recovery. Ask require_enough() first.

    Raises IntegrityError(recovery-not-enough) with the count of what is missing, after all of it was counted.
    """
    layout = records.layout
    code = Code(layout.shards, layout.rows)
    done = Repair()
    lost: list[tuple[int, int]] = []  # (shard, column)
    short: list[int] = []  # for each column that cannot be repaired, how many blocks it lacks
    progress.stage("repairing", layout.size)
    for first in range(0, layout.columns, layout.window):
        width = min(layout.window, layout.columns - first)
        columns = _read(records, copies, first, width, done, progress)
        for number, column in enumerate(columns, first):
            missing = len(column.lost)
            lost += [(shard, number) for shard in column.lost]
            if missing > records.rows_left(number):
                short.append(missing - records.rows_left(number))
            elif missing and not short:
                column.good |= code.decode(column.good, records.blocks(number, missing, pool))
        if not short:
            _write(columns, first, layout.block, layout.shard_size, layout.size, write_at)
    if short:
        raise IntegrityError(
            "recovery-not-enough",
            f"{len(lost)} blocks of {layout.block} bytes cannot be read, and recovery lacks {sum(short)} blocks: "
            f"{len(short)} of {layout.columns} columns lost more than their recovery blocks make up for "
            f"(each has {layout.rows}; {records.damaged} recovery blocks are damaged)",
            lost=len(lost),
            missing=sum(short),
            columns=len(short),
        )
    done.blocks = len(lost)
    done.runs = _runs(sorted(shard * layout.columns + column for shard, column in lost), layout.block, layout.size)
    done.bytes = sum(size for _, size in done.runs)
    return done


def require_enough(records: RecordSet, copies: Sequence[Copy]) -> None:
    """Refuse at once what cannot succeed; so the work is bounded by what was given, whatever a record claims."""
    layout = records.layout
    lost = -(-(layout.size - sum(copy.size for copy in copies)) // layout.block)
    if lost > records.intact:
        raise IntegrityError(
            "recovery-not-enough",
            f"at least {lost} blocks of {layout.block} bytes are missing, and recovery lacks {lost - records.intact} "
            f"blocks: only {records.intact} recovery blocks can be read",
            lost=lost,
            missing=lost - records.intact,
        )


def _read(
    records: RecordSet, copies: Sequence[Copy], first: int, width: int, done: Repair, progress: Progress
) -> list[_Column]:
    """The blocks of ``width`` columns, each checked where a record tells how."""
    layout = records.layout
    columns = [_Column({}, []) for _ in range(width)]
    for shard in range(layout.shards):
        start = shard * layout.shard_size + first * layout.block
        size = max(0, min(width * layout.block, layout.size - start))
        run = copies[0].read(start, size) if copies and size else None  # most often all of it is good
        progress.advance(size)
        for number, column in enumerate(columns):
            at = number * layout.block
            length = max(0, min(layout.block, size - at))
            expected = records.check(first + number, shard)
            if length and expected is None:
                done.unchecked += 1
            block = None
            if not length:
                block = b""
            elif run is not None and _is_good(run[at : at + length], layout.block, expected):
                block = run[at : at + length]
            else:
                block = _from_any(copies, start + at, length, layout.block, expected)
            if block is None:
                column.lost.append(shard)
            else:
                column.good[shard] = block + bytes(layout.block - length)
    return columns


def _from_any(copies: Sequence[Copy], start: int, length: int, size: int, expected: bytes | None) -> bytes | None:
    for copy in copies:
        block = copy.read(start, length)
        if block is not None and _is_good(block, size, expected):
            return block
    return None


def _is_good(block: bytes, size: int, expected: bytes | None) -> bool:
    return expected is None or check_of(block + bytes(size - len(block))) == expected


def _write(
    columns: Sequence[_Column],
    first: int,
    block: int,
    shard_size: int,
    total: int,
    write_at: Callable[[bytes, int], object],
) -> None:
    for shard in sorted(columns[0].good):
        start = shard * shard_size + first * block
        run = b"".join(column.good[shard] for column in columns)[: max(0, total - start)]
        if run:
            write_at(run, start)


def _runs(blocks: Sequence[int], size: int, total: int) -> list[tuple[int, int]]:
    """Neighbouring blocks put together: (start, bytes) in the bundle."""
    runs: list[tuple[int, int]] = []
    for number in blocks:
        start = number * size
        length = min(size, total - start)
        if runs and sum(runs[-1]) == start:
            runs[-1] = (runs[-1][0], runs[-1][1] + length)
        else:
            runs.append((start, length))
    return runs
