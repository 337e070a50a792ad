"""Cutting a bundle anew: into parts, or parts into one file. Neither changes a byte of the bundle itself.

The bundle is read as the importer reads it, every hash included, so that damage is not carried on; whether anybody
signed what it holds is not asked here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from airgap.bundle.carrier import Input, Output
from airgap.bundle.parts import PartOutput, PartWriter, WrittenPart
from airgap.bundle.partset import open_bundle, part_names
from airgap.bundle.reader import BundleReader
from airgap.bundle.writer import Written
from airgap.digest import Digest
from airgap.disk.paths import require_room
from airgap.disk.writing import PendingFile, pending_files, write_whole
from airgap.errors import IntegrityError, UsageError
from airgap.progress import Progress, Silent


def part_path(output: Path, number: int) -> Path:
    """FILE.001 and so on."""
    return output.with_name(f"{output.name}.{number:03d}")


def write_checksums(path: Path, files: Iterable[tuple[str, Digest]]) -> None:
    """A file for ``sha256sum -c``. Its name is none that ``cat FILE.0*`` takes for a part."""
    write_whole(path, "".join(f"{digest.hex}  {name}\n" for name, digest in files).encode())


def write_part_checksums(output: Path, parts: Iterable[WrittenPart]) -> None:
    """FILE.parts.sha256: all parts, so that it is the same on every medium."""
    path = output.with_name(f"{output.name}.parts.sha256")
    write_checksums(path, ((part_path(output, part.number).name, part.digest) for part in parts))


def write_bundle_checksum(output: Path, digest: Digest) -> None:
    """FILE.sha256."""
    write_checksums(output.with_name(f"{output.name}.sha256"), [(output.name, digest)])


def bundle_id(source: Input) -> Digest:
    """The id of a bundle whose first member alone is read."""
    with BundleReader(source, jobs=1, progress=Silent()) as reader:
        return reader.read_manifest()[1]


def read_through(source: Input, copy: Output | None, *, jobs: int, progress: Progress) -> Digest:
    """Read a bundle to its end, checking every byte; ``copy`` gets its frames. Returns the id."""
    with BundleReader(source, jobs=jobs, progress=progress, copy=copy) as reader:
        _, id_ = reader.read_manifest()
        reader.read_ahead()
        while reader.next is not None:
            reader.stream(None)
        reader.finish()
    return id_


def split_bundle(
    paths: Sequence[str], output: Path, volume: int, only: int | None, *, jobs: int, progress: Progress
) -> tuple[Digest, list[WrittenPart], list[str]]:
    """Cut a bundle into parts of at most ``volume`` bytes, or make one of them alone. Returns id, parts and notes."""
    with open_bundle(paths) as opened:  # the id comes before the first part; so the bundle is opened twice
        id_ = bundle_id(opened.source)
    with open_bundle(paths) as opened, pending_files() as create:
        require_room(output.absolute().parent, (opened.size or 0) if only is None else min(volume, opened.size or 0))
        writer = PartWriter(id_, volume, part_opener(create, output, only))
        if read_through(opened.source, writer, jobs=jobs, progress=progress) != id_:
            raise IntegrityError("member-differs", "the bundle changed while it was read")
        written = writer.finish()
        if only is not None and only > len(written):
            raise UsageError("usage", f"there is no part {only}: with this volume size there are {len(written)}")
    write_part_checksums(output, written)
    made = [part for part in written if only in (None, part.number)]
    return id_, made, [*opened.notes, *stale_notes(output, len(written))]


def join_bundle(paths: Sequence[str], output: Path, *, jobs: int, progress: Progress) -> tuple[Written, list[str]]:
    """Write the one file that the parts were cut from. Returns what was written, and notes."""
    with open_bundle(paths) as opened, pending_files() as create:
        require_room(output.absolute().parent, opened.size or 0)
        copy = MeasuredOutput(create(output))
        id_ = read_through(opened.source, copy, jobs=jobs, progress=progress)
    write_bundle_checksum(output, copy.digest)
    return Written(id_, copy.digest, copy.size), list(opened.notes)


def stale_notes(output: Path, total: int) -> list[str]:
    """Parts of an earlier run under the same name: nothing is deleted, but it is said that they are none of these."""
    present = {path.name for path in part_names(output.parent, output.name)}
    ours = {part_path(output, number).name for number in range(1, total + 1)}
    return [f"{output.with_name(name)} is of an earlier run, and was left alone" for name in sorted(present - ours)]


class MeasuredOutput:
    """A file whose digest and size are known when it is written."""

    def __init__(self, file: PendingFile) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> Digest:
        return Digest(self._digest.hexdigest())

    def write(self, data: bytes, /) -> None:
        self._digest.update(data)
        self.size += len(data)
        self._file.write(data)


def part_opener(
    create: Callable[[Path], PendingFile], output: Path, only: int | None = None
) -> Callable[[int], PartOutput]:
    """Makes FILE.001 and so on, or one of them alone."""

    def open_part(number: int) -> PartOutput:
        return create(part_path(output, number)) if only in (None, number) else _Nowhere()

    return open_part


class _Nowhere:
    """The part that is not wanted."""

    def write(self, data: bytes, /) -> None:
        pass

    def pause(self) -> None:
        pass
