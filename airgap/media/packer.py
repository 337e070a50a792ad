"""Where an exported bundle goes: into one file or into parts, with recovery files or without.

Nothing is written twice: parts are cut while the bundle is made, and recovery reads what was written.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final

from airgap.bundle.carrier import Output
from airgap.bundle.erasure import require_erasure_coding
from airgap.bundle.extents import Extent
from airgap.bundle.format import PART_CLOSING_SIZE, PART_OPENING_SIZE, PARTS_MAX
from airgap.bundle.manifest import BundleManifest
from airgap.bundle.parts import PartWriter, WrittenPart
from airgap.bundle.recovery import plan_recovery
from airgap.bundle.writer import Content, Written
from airgap.disk.continued import continued_files
from airgap.disk.host import host_error, host_errors
from airgap.disk.lock import held
from airgap.disk.paths import file_size, is_folder, is_there, regular_files, require_room
from airgap.disk.writing import temporary_name
from airgap.errors import AirgapError, HostError
from airgap.media.earlier import Earlier
from airgap.media.recutter import part_opener, part_path, stale_notes, write_bundle_checksum, write_part_checksums
from airgap.media.repairer import WrittenRecovery, add_recovery
from airgap.progress import Progress

_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS})


@dataclass(frozen=True, slots=True)
class Packed:
    """What was written: the bundle, its parts if it was cut, and recovery if it was asked for."""

    written: Written
    parts: Sequence[WrittenPart] = ()
    recovery: WrittenRecovery | None = None
    notes: Sequence[str] = ()

    @property
    def covers_one_part(self) -> bool:
        """Whether recovery makes up for the loss of any one part."""
        return self.recovery is not None and bool(self.parts) and self.recovery.layout.longest_run >= self._largest

    @property
    def percent_for_one_part(self) -> int | None:
        """The least recovery that would; None if none can."""
        written = self.written
        for percent in range(1, 101):
            layout = plan_recovery(written.id, written.file_digest, written.size, percent)
            if self.parts and layout.longest_run >= self._largest:
                return percent
        return None

    @property
    def _largest(self) -> int:
        return max(part.size for part in self.parts) - PART_OPENING_SIZE - PART_CLOSING_SIZE


def pack(
    write: Callable[[Output, Callable[[Content], Content]], Written],
    manifest: BundleManifest,
    output: Path,
    volume: int | None,
    percent: int | None,
    least_size: int,
    progress: Progress,
) -> Packed:
    """Write the bundle that ``write`` makes. ``volume`` and ``least_size`` in bytes.

    What an export of the same plan left behind when it was stopped is gone on with. Raises HostError(disk-full) before
    the first byte where there is not even room for ``least_size``.
    """
    if percent is not None:
        require_erasure_coding()
    with _held(output):
        begun = _begun(output, volume)
        needed = least_size * (100 + (percent or 0)) // 100 - sum(map(file_size, begun))
        require_room(output.absolute().parent, max(0, needed))
        parts: list[WrittenPart] = []
        with (
            Earlier(begun, manifest, are_parts=volume is not None) as earlier,
            _telling_what_is_kept(output, volume),
            continued_files(earlier.stop, _can_go_on) as create,
        ):
            if volume is None:
                written = write(create(output), earlier.before)
            else:
                writer = PartWriter(manifest.id, volume, part_opener(create, output))
                written = write(writer, earlier.before)
                parts = writer.finish()
        _remove_begun(output)
        if volume is None:
            write_bundle_checksum(output, written.file_digest)
            extents = [Extent(output, 0, 0, written.size)]
        else:
            write_part_checksums(output, parts)
            extents = _extents(parts, output)
        recovery = None
        if percent is not None:
            recovery = add_recovery(written, extents, output, percent, volume, progress)
    notes = stale_notes(output, len(parts))
    if earlier.taken:
        notes.append(f"went on: {earlier.taken} bytes of the contents had been written by an export that was stopped")
    return Packed(written, parts, recovery, notes)


@contextlib.contextmanager
def _held(output: Path) -> Iterator[None]:
    """Two exports to one place would write into each other's files. Raises HostError(store-locked).

    A file system that knows no locks cannot tell; there one writes without.
    """
    folder = output.absolute().parent
    if not (is_there(folder) and is_folder(folder)):
        raise HostError(
            "file-not-found",
            f"{output}: there is no folder {folder}",
            hint="Make it, or choose another.",
            path=str(output),
        )
    lock = output.with_name(f"{output.name}.airgap-lock")
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(lock, folder, create=True))
        except HostError as error:
            if error.kind == "store-locked":
                raise HostError(error.kind, f"{output}: another airgap is writing this file") from error
            cause = error.__cause__
            if not isinstance(cause, OSError):
                raise
            if cause.errno not in _NO_LOCKS:
                _remove(lock)
                raise host_error(cause, str(output)) from error
        stack.callback(_remove, lock)
        yield


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _begun(output: Path, volume: int | None) -> list[Path]:
    """What an export that was stopped left under temporary names: the whole file, or parts from the first on."""
    names = (output,) if volume is None else _part_paths(output)
    with host_errors(str(output)):
        return list(takewhile(lambda path: path.is_file() and not path.is_symlink(), map(temporary_name, names)))


def _remove_begun(output: Path) -> None:
    """What was begun in another form, and is not gone on with now that this one is whole."""
    others = {temporary_name(path).name for path in (output, *_part_paths(output))}
    for path in regular_files(output.absolute().parent):
        if path.name in others:
            _remove(path)


def _part_paths(output: Path) -> Iterator[Path]:
    return (part_path(output, number) for number in range(1, PARTS_MAX + 1))


def _can_go_on(error: BaseException) -> bool:
    """Whether the same command may come to an end another time. No file system learns to hold larger files."""
    if isinstance(error, HostError):
        return not (isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EFBIG)
    if isinstance(error, AirgapError):
        return error.kind == "registry-unreachable"
    return isinstance(error, OSError | MemoryError | KeyboardInterrupt | SystemExit)


@contextlib.contextmanager
def _telling_what_is_kept(output: Path, volume: int | None) -> Iterator[None]:
    try:
        yield
    except AirgapError as error:
        size = sum(map(file_size, _begun(output, volume)))
        if size:
            error.hint += (
                f" {size} bytes are kept as {temporary_name(output).name}; the same command goes on from there."
            )
        raise


def _extents(parts: Sequence[WrittenPart], output: Path) -> list[Extent]:
    found: list[Extent] = []
    start = 0
    for part in parts:
        length = part.size - PART_OPENING_SIZE - PART_CLOSING_SIZE
        found.append(Extent(part_path(output, part.number), PART_OPENING_SIZE, start, length))
        start += length
    return found
