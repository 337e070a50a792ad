"""Finding the records in recovery files that may be damaged themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from airgap.bundle.extents import Pool
from airgap.bundle.format import RECOVERY_CHECK_SIZE, RECOVERY_HEADER_SIZE, RECOVERY_MAGIC, RECOVERY_MARKER
from airgap.bundle.recovery import Layout, Place, Record, parse_record, parse_record_header
from airgap.disk.reading import BUFFER, RandomAccess
from airgap.errors import FormatError, IntegrityError

_TRIES_MAX: Final = 1000  # places in one file where a record seems to begin, before it is taken to hold none
_PIECE: Final = 2048  # bytes: what is read at once around a bad sector


@dataclass(frozen=True, slots=True)
class RecordFile:
    """A recovery file: its layout and place in the set, from the first whole record that was found in it."""

    path: Path
    size: int
    layout: Layout
    place: Place

    def records(self, pool: Pool) -> Iterator[Record | None]:
        """Every record that the file has room for; None in the place of one that is damaged."""
        size = self.layout.record_size
        for number in range(min(self.place.count, -(-self.size // size))):
            data = pool.read_at(self.path, number * size, size)
            record = parse_record(data) if data is not None else None
            fits = record is not None and (record.layout, record.place) == (self.layout, self.place)
            yield record if record is not None and fits and record.index == self.place.first + number else None


def open_records(path: Path) -> RecordFile | None:
    """What a file holds if it is a recovery file; None if no whole record can be found in it."""
    file = RandomAccess(path)
    try:
        size = file.size
        for position in _beginnings(file, size):
            found = parse_record_header(file.read_at(position, RECOVERY_HEADER_SIZE) or b"")
            if found is None:
                continue
            layout, place, index = found
            if position == (index - place.first) * layout.record_size:
                record = parse_record(file.read_at(position, layout.record_size) or b"")
                if record is not None:
                    return RecordFile(path, size, layout, place)
    finally:
        file.close()
    return None


def _beginnings(file: RandomAccess, size: int) -> Iterator[int]:
    """Where a record seems to begin. A bounded number of places: a hostile file may be full of them."""
    wanted = RECOVERY_MARKER
    ahead = len(RECOVERY_MAGIC) + 4  # bytes of the frame header before the marker
    tail = b""
    tries = 0
    position = 0
    while position < size:
        piece = file.read_at(position, BUFFER)
        if piece is None:  # a bad sector in it: go on piece by piece
            piece = b"".join(file.read_at(position + at, _PIECE) or bytes(_PIECE) for at in range(0, BUFFER, _PIECE))
        data = tail + piece
        at = data.find(wanted)
        while at >= 0:
            if position - len(tail) + at >= ahead:
                yield position - len(tail) + at - ahead
                tries += 1
                if tries == _TRIES_MAX:
                    return
            at = data.find(wanted, at + 1)
        tail = data[-(len(wanted) - 1) :]
        position += BUFFER


@dataclass(slots=True)
class RecordSet:
    """All records of one set that are whole: where they are, and the checksums of every column that they tell."""

    layout: Layout
    files: int = 0  # how many files the set has
    damaged: int = 0  # records that the files that were given should hold, and that cannot be used
    intact: int = 0  # records that can be used
    _checks: dict[int, bytes] = field(default_factory=dict)
    _where: dict[int, dict[int, tuple[Path, int]]] = field(default_factory=dict)

    def add(self, file: RecordFile, pool: Pool) -> None:
        self.damaged += file.place.count
        for number, record in enumerate(file.records(pool)):
            if record is None:
                continue
            self.damaged -= 1
            self._checks.setdefault(record.column, record.checks)
            rows = self._where.setdefault(record.column, {})
            if record.row not in rows:
                self.intact += 1
                rows[record.row] = (file.path, number * self.layout.record_size)

    def check(self, column: int, shard: int) -> bytes | None:
        """The checksum of a block; None if no record of its column is left."""
        checks = self._checks.get(column)
        return None if checks is None else checks[shard * RECOVERY_CHECK_SIZE : (shard + 1) * RECOVERY_CHECK_SIZE]

    def rows_left(self, column: int) -> int:
        return len(self._where.get(column, ()))

    def blocks(self, column: int, count: int, pool: Pool) -> dict[int, bytes]:
        """``count`` recovery blocks of a column by row, read again. Raises IntegrityError if the medium got worse."""
        found: dict[int, bytes] = {}
        for row, (path, position) in sorted(self._where.get(column, {}).items()):
            if len(found) == count:
                break
            record = parse_record(pool.read_at(path, position, self.layout.record_size) or b"")
            if record is not None and (record.row, record.column) == (row, column):
                found[row] = record.block
        if len(found) < count:
            raise IntegrityError("recovery-damaged", "a recovery file cannot be read as it could a moment ago")
        return found


def collect_records(files: Sequence[RecordFile], pool: Pool) -> RecordSet:
    """The records of all files, which must be of one set. Raises FormatError(parts-of-several-bundles)."""
    first = files[0]
    for file in files:
        if file.layout != first.layout:
            raise FormatError(
                "parts-of-several-bundles",
                f"{first.path} and {file.path} are recovery files of different bundles, or of different runs",
            )
    found = RecordSet(first.layout, first.place.total)
    for file in files:
        found.add(file, pool)
    return found
