"""Recovery files: what they hold, and writing them (bundles/FORMAT.md §10).

The bundle is cut into ``shards`` runs of equal length, each of ``columns`` blocks. The blocks at the same place of
every run make a column; each column gets ``rows`` recovery blocks. So blocks that lie together are of different
columns: bad sectors here and there, and a long run such as a lost part, are the same to the code.

A record holds one recovery block, and checksums of all data blocks of its column: what can be repaired at all can also
be found. Records are sorted by row, so that damage to a recovery file is spread over columns, too.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from airgap.bundle.erasure import SYMBOLS_MAX, Code
from airgap.bundle.format import (
    PARTS_MAX,
    RECOVERY_BLOCK_MAX,
    RECOVERY_BLOCK_MIN,
    RECOVERY_CHECK_SIZE,
    RECOVERY_DIGEST_SIZE,
    RECOVERY_HEADER_SIZE,
    RECOVERY_MAGIC,
    RECOVERY_MARKER,
    RECOVERY_ROWS_MAX,
)
from airgap.digest import Digest
from airgap.errors import FormatError
from airgap.limits import LIMITS, MIB
from airgap.progress import Progress

_HEADER: Final = struct.Struct("<4sI16s32s32sQIHHIIQIQ")
_FRAME_HEADER: Final = 8  # bytes: magic and size of a skippable frame
_CHECKS_SHARE: Final = 8  # checksums take at most one byte for so many of the block
_COLUMNS_MIN: Final = 16  # columns that a larger block must leave
_WINDOW: Final = 64 * MIB  # bytes of blocks that are coded at once


def check_of(block: bytes | memoryview) -> bytes:
    """What tells whether a block is what it was: enough against accidents; the result is verified as a whole."""
    return hashlib.sha256(block).digest()[:RECOVERY_CHECK_SIZE]


@dataclass(frozen=True, slots=True)
class Layout:
    """What is protected and how: ``size`` of the bundle and ``block`` in bytes."""

    bundle: Digest
    file_digest: Digest
    size: int
    block: int
    shards: int
    rows: int

    @property
    def columns(self) -> int:
        return -(-self.size // (self.block * self.shards))

    @property
    def shard_size(self) -> int:
        return self.columns * self.block

    @property
    def records(self) -> int:
        return self.columns * self.rows

    @property
    def record_size(self) -> int:
        return RECOVERY_HEADER_SIZE + self.shards * RECOVERY_CHECK_SIZE + self.block + RECOVERY_DIGEST_SIZE

    @property
    def longest_run(self) -> int:
        """Bytes that may be lost in one run, wherever it begins, if nothing else is."""
        return max(0, self.rows * self.columns - 1) * self.block

    @property
    def window(self) -> int:
        """Columns that are worked on at once."""
        return max(1, min(self.columns, _WINDOW // ((self.shards + self.rows) * self.block)))

    def is_sound(self) -> bool:
        """Whether these numbers can be worked with at all: they come from a file."""
        return (
            0 < self.size <= LIMITS.blob
            and RECOVERY_BLOCK_MIN <= self.block <= RECOVERY_BLOCK_MAX
            and not self.block & (self.block - 1)
            and self.shards > 0
            and 0 < self.rows <= RECOVERY_ROWS_MAX
            and self.shards + self.rows <= SYMBOLS_MAX
        )


def plan_recovery(bundle: Digest, file_digest: Digest, size: int, percent: int) -> Layout:
    """The layout for a bundle of ``size`` bytes: as many columns and shards as the checksums leave worth while."""
    block = RECOVERY_BLOCK_MAX
    while block > RECOVERY_BLOCK_MIN and size < _COLUMNS_MIN * block * _shards(block, percent):
        block //= 2
    blocks = -(-size // block)
    columns = -(-blocks // _shards(block, percent))
    shards = -(-blocks // columns)
    rows = min(-(-shards * percent // 100), RECOVERY_ROWS_MAX)
    return Layout(bundle, file_digest, size, block, shards, rows)


def _shards(block: int, percent: int) -> int:
    """The most shards that the field, the checksums and the number of rows allow, and for which rows come out even."""
    most = min(
        SYMBOLS_MAX * 100 // (100 + percent),
        block // (RECOVERY_CHECK_SIZE * _CHECKS_SHARE),
        RECOVERY_ROWS_MAX * 100 // percent,
    )
    return min(most, 100 * max(1, most * percent // 100) // percent)


@dataclass(frozen=True, slots=True)
class Place:
    """Which file of the recovery set this is: files are counted from 1; ``first`` and ``count`` are records in it."""

    number: int
    total: int
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Record:
    """One recovery block and the checksums of its column. ``index`` counts all records of the set."""

    layout: Layout
    place: Place
    index: int
    checks: bytes
    block: bytes

    @property
    def row(self) -> int:
        return self.index // self.layout.columns

    @property
    def column(self) -> int:
        return self.index % self.layout.columns

    def encode(self) -> bytes:
        layout, place = self.layout, self.place
        data = _HEADER.pack(
            RECOVERY_MAGIC,
            layout.record_size - _FRAME_HEADER,
            RECOVERY_MARKER,
            bytes.fromhex(layout.bundle.hex),
            bytes.fromhex(layout.file_digest.hex),
            layout.size,
            layout.block,
            layout.shards,
            layout.rows,
            place.number,
            place.total,
            place.first,
            place.count,
            self.index,
        )
        data = b"".join((data, self.checks, self.block))
        return data + hashlib.sha256(data).digest()


def parse_record_header(data: bytes) -> tuple[Layout, Place, int] | None:
    """Layout, place and index from the beginning of a record; None if it cannot be one. Its digest is not checked."""
    if len(data) < RECOVERY_HEADER_SIZE:
        return None
    magic, size, marker, bundle, digest, total_size, block, shards, rows, *rest, index = _HEADER.unpack_from(data)
    layout = Layout(Digest(bundle.hex()), Digest(digest.hex()), total_size, block, shards, rows)
    if (magic, marker) != (RECOVERY_MAGIC, RECOVERY_MARKER) or not layout.is_sound():
        return None
    place = Place(*rest)
    if size != layout.record_size - _FRAME_HEADER or not 0 < place.number <= place.total <= PARTS_MAX:
        return None
    if not place.first <= index < place.first + place.count <= layout.records:
        return None
    return layout, place, index


def parse_record(data: bytes) -> Record | None:
    """The record in exactly these bytes; None if they are damaged or none."""
    found = parse_record_header(data)
    if found is None or len(data) != found[0].record_size:
        return None
    layout, place, index = found
    if hashlib.sha256(data[:-RECOVERY_DIGEST_SIZE]).digest() != data[-RECOVERY_DIGEST_SIZE:]:
        return None
    end = RECOVERY_HEADER_SIZE + layout.shards * RECOVERY_CHECK_SIZE
    return Record(layout, place, index, data[RECOVERY_HEADER_SIZE:end], data[end:-RECOVERY_DIGEST_SIZE])


class RecordOutput(Protocol):
    """A recovery file that is written out of order. ``position`` in bytes."""

    def write_at(self, data: bytes, position: int) -> object: ...


def places(layout: Layout, volume: int | None) -> list[Place]:
    """The recovery files, none larger than ``volume`` bytes. Raises FormatError(limit-exceeded)."""
    per_file = layout.records if volume is None else volume // layout.record_size
    total = -(-layout.records // per_file)
    if total > PARTS_MAX:
        raise FormatError("limit-exceeded", f"recovery would need more than {PARTS_MAX} files", limit=PARTS_MAX)
    return [
        Place(number + 1, total, number * per_file, min(per_file, layout.records - number * per_file))
        for number in range(total)
    ]


def write_recovery(
    layout: Layout,
    files: Sequence[tuple[Place, RecordOutput]],
    read_at: Callable[[int, int], bytes],
    progress: Progress,
) -> None:
    """Write all records. ``read_at(position, size)`` gives bytes of the bundle, fewer at its end."""
    code = Code(layout.shards, layout.rows)
    per_file = files[0][0].count
    progress.stage("adding recovery", layout.size)
    for first in range(0, layout.columns, layout.window):
        width = min(layout.window, layout.columns - first) * layout.block
        runs = []
        for shard in range(layout.shards):
            run = read_at(shard * layout.shard_size + first * layout.block, width)
            progress.advance(len(run))
            runs.append(run if len(run) == width else run + bytes(width - len(run)))
        rows = code.encode(runs)
        for at in range(0, width, layout.block):
            checks = b"".join(check_of(memoryview(run)[at : at + layout.block]) for run in runs)
            for row, coded in enumerate(rows):
                index = row * layout.columns + first + at // layout.block
                place, output = files[index // per_file]
                record = Record(layout, place, index, checks, coded[at : at + layout.block])
                output.write_at(record.encode(), (index - place.first) * layout.record_size)
