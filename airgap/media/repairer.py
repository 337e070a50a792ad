"""Recovery on both sides: making recovery files for a bundle, and making a damaged bundle whole with them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from airgap.bundle.carrier import Input
from airgap.bundle.erasure import require_erasure_coding
from airgap.bundle.extents import Copy, Extent, Pool
from airgap.bundle.recordset import collect_records
from airgap.bundle.recovery import Layout, places, plan_recovery, write_recovery
from airgap.bundle.repair import Repair, repair, require_enough
from airgap.bundle.salvage import find_salvage
from airgap.bundle.writer import Written
from airgap.digest import Digest
from airgap.disk.paths import require_room
from airgap.disk.reading import BUFFER
from airgap.disk.writing import PendingFile, pending_files
from airgap.errors import FormatError, IntegrityError
from airgap.media.recutter import read_through, write_bundle_checksum, write_checksums
from airgap.progress import Progress


@dataclass(frozen=True, slots=True)
class WrittenRecovery:
    """Recovery files as they were written: (path, digest, bytes) of each."""

    layout: Layout
    files: Sequence[tuple[Path, Digest, int]]

    @property
    def size(self) -> int:
        return sum(size for _, _, size in self.files)


def recovery_path(output: Path, number: int) -> Path:
    """FILE.rec.001 and so on."""
    return output.with_name(f"{output.name}.rec.{number:03d}")


def add_recovery(
    written: Written, extents: Sequence[Extent], output: Path, percent: int, volume: int | None, progress: Progress
) -> WrittenRecovery:
    """Write recovery files for a bundle that lies in these pieces, reading it once more. ``volume`` in bytes."""
    require_erasure_coding()
    layout = plan_recovery(written.id, written.file_digest, written.size, percent)
    pool = Pool()
    copy = Copy(extents, pool)

    def read_at(position: int, size: int) -> bytes:
        length = max(0, min(size, layout.size - position))
        data = copy.read(position, length) if length else b""
        if data is None:
            raise IntegrityError("bundle-truncated", "the bundle cannot be read back from where it was written")
        return data

    try:
        with pending_files() as create:
            files = [(place, create(recovery_path(output, place.number))) for place in places(layout, volume)]
            write_recovery(layout, files, read_at, progress)
            done = [(file.path, *_measured(file)) for _, file in files]
    finally:
        pool.close()
    checksums = output.with_name(f"{output.name}.rec.sha256")
    write_checksums(checksums, ((path.name, digest) for path, digest, _ in done))
    return WrittenRecovery(layout, done)


@dataclass(frozen=True, slots=True)
class Repaired:
    """A bundle that was written anew: what was wrong, and where: (file, bytes); None for a file that is missing."""

    written: Written
    repair: Repair
    damage: Sequence[tuple[str | None, int]]
    notes: Sequence[str]


def repair_bundle(paths: Sequence[Path], output: Path, *, jobs: int, progress: Progress) -> Repaired:
    """Write a whole bundle to ``output`` from damaged files and recovery files, which are only read.

    The file appears under its name only if it is, byte for byte, the one that recovery was made for, and every hash in
    it holds. Who signed its images is judged afterwards, as for any bundle.
    """
    require_erasure_coding()
    found = find_salvage(paths)
    pool = Pool()
    try:
        records = collect_records(found.recovery, pool)
        copies = [Copy(layer, pool) for layer in found.layers]
        require_enough(records, copies)
        require_room(output.absolute().parent, records.layout.size)
        with pending_files() as create:
            file = create(output)
            done = repair(records, copies, file.write_at, pool, progress)
            written = _judged(file, records.layout, done, jobs, progress)
    finally:
        pool.close()
    write_bundle_checksum(output, written.file_digest)
    notes = list(found.notes)
    if records.damaged:
        notes.append(f"{records.damaged} recovery blocks are damaged or missing in the recovery files that were given")
    if len(found.recovery) < records.files:
        notes.append(f"{records.files - len(found.recovery)} of {records.files} recovery files were not given")
    return Repaired(written, done, _damage(done, copies), notes)


def _judged(file: PendingFile, layout: Layout, done: Repair, jobs: int, progress: Progress) -> Written:
    """Read the result as any bundle. Raises IntegrityError if it is not the one that was protected."""
    try:
        with file.reading() as source:
            hashing = HashingInput(source)
            id_ = read_through(hashing, None, jobs=jobs, progress=progress)
    except (FormatError, IntegrityError) as error:
        raise _not_the_one(done) from error
    if hashing.digest != layout.file_digest or id_ != layout.bundle:
        raise _not_the_one(done)
    return Written(id_, hashing.digest, layout.size)


def _not_the_one(done: Repair) -> IntegrityError:
    if done.unchecked:
        return IntegrityError(
            "recovery-not-enough",
            f"{done.unchecked} blocks could not be checked, as every recovery block of their columns is damaged; "
            "at least one of them is damaged, too",
            unchecked=done.unchecked,
        )
    return IntegrityError("recovery-damaged", "the repaired file is not the one that recovery was made for")


class HashingInput:
    """Digests what is read through it."""

    def __init__(self, source: Input) -> None:
        self._source = source
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> Digest:
        return Digest(self._digest.hexdigest())

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self._digest.update(data)
        self.size += len(data)
        return data


def _measured(file: PendingFile) -> tuple[Digest, int]:
    with file.reading() as source:
        hashing = HashingInput(source)
        while hashing.read(BUFFER):
            pass
    return hashing.digest, hashing.size


def _damage(done: Repair, copies: Sequence[Copy]) -> list[tuple[str | None, int]]:
    """How many bytes were lost in which file, in the order of the bundle."""
    found: dict[str | None, int] = {}
    for run_start, run_size in done.runs:
        start, end = run_start, run_start + run_size
        while start < end:
            extent = copies[0].at(start) if copies else None
            following = copies[0].after(start) if copies else None
            stop = extent.start + extent.length if extent is not None else following if following is not None else end
            name = None if extent is None else str(extent.path)
            found[name] = found.get(name, 0) + min(stop, end) - start
            start = min(stop, end)
    return list(found.items())
