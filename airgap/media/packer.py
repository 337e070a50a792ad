"""Where an exported bundle goes: into one file or into parts, with recovery files or without.

Nothing is written twice: parts are cut while the bundle is made, and recovery reads what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from airgap.bundle.carrier import Output
from airgap.bundle.erasure import require_erasure_coding
from airgap.bundle.extents import Extent
from airgap.bundle.format import PART_CLOSING_SIZE, PART_OPENING_SIZE
from airgap.bundle.parts import PartWriter, WrittenPart
from airgap.bundle.recovery import plan_recovery
from airgap.bundle.writer import Written
from airgap.digest import Digest
from airgap.files import Whole, pending_files, replacing, require_room
from airgap.media.recutter import part_opener, part_path, stale_notes, write_bundle_checksum, write_part_checksums
from airgap.media.repairer import WrittenRecovery, add_recovery
from airgap.progress import Progress


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
    write: Callable[[Output], Written],
    id_: Digest,
    output: Path,
    volume: int | None,
    percent: int | None,
    least_size: int,
    progress: Progress,
) -> Packed:
    """Write the bundle that ``write`` makes. ``volume`` and ``least_size`` in bytes.

    Raises HostError(disk-full) before the first byte where there is not even room for ``least_size``.
    """
    if percent is not None:
        require_erasure_coding()
    require_room(output.absolute().parent, least_size * (100 + (percent or 0)) // 100)
    parts: list[WrittenPart] = []
    if volume is None:
        with replacing(output) as file:
            written = write(Whole(file))
        write_bundle_checksum(output, written.file_digest)
        extents = [Extent(output, 0, 0, written.size)]
    else:
        with pending_files() as create:
            writer = PartWriter(id_, volume, part_opener(create, output))
            written = write(writer)
            parts = writer.finish()
        write_part_checksums(output, parts)
        extents = _extents(parts, output)
    recovery = None
    if percent is not None:
        recovery = add_recovery(written, extents, output, percent, volume, progress)
    return Packed(written, parts, recovery, stale_notes(output, len(parts)))


def _extents(parts: Sequence[WrittenPart], output: Path) -> list[Extent]:
    found: list[Extent] = []
    start = 0
    for part in parts:
        length = part.size - PART_OPENING_SIZE - PART_CLOSING_SIZE
        found.append(Extent(part_path(output, part.number), PART_OPENING_SIZE, start, length))
        start += length
    return found
