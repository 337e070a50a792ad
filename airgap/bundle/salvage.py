"""What is left of a bundle on damaged media: which file holds which bytes of it, as far as can be told.

Unlike the search for parts to be read (partset.py), nothing is refused here for being damaged: what a label no longer
says follows from its neighbours, and every block is checked against the recovery records anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from airgap.bundle.extents import Extent
from airgap.bundle.format import FRAME_MAGIC, PART_CLOSING_SIZE, PART_OPENING_SIZE, RECOVERY_MAGIC, SUFFIX
from airgap.bundle.labels import Opening
from airgap.bundle.partset import PART_NAME, PartFile, read_labels
from airgap.bundle.recordset import RecordFile, open_records
from airgap.digest import Digest
from airgap.disk.paths import is_folder, regular_files, resolved
from airgap.disk.reading import RandomAccess
from airgap.errors import FormatError, IntegrityError

_RECOVERY_NAME: Final = re.compile(r"(.+)\.rec\.([0-9]{3})")
_FILES_MAX: Final = 20_000


@dataclass(slots=True)
class Salvage:
    """The recovery files, and the bundle's bytes as layers: in each, no two pieces overlap."""

    recovery: list[RecordFile]
    layers: list[list[Extent]]
    notes: list[str] = field(default_factory=list)


def find_salvage(paths: Sequence[Path]) -> Salvage:
    """Look through files and folders; a file stands for what belongs to it and lies beside it.

    Raises IntegrityError(recovery-missing) where no recovery record can be found.
    """
    recovery: list[RecordFile] = []
    parts: list[PartFile] = []
    whole: list[PartFile] = []
    notes: list[str] = []
    for path in _files(paths):
        start = _first_bytes(path)
        if _RECOVERY_NAME.fullmatch(path.name) or start == RECOVERY_MAGIC:
            found = open_records(path)
            if found is None:
                notes.append(f"no recovery record in {path} can be read")
            else:
                recovery.append(found)
            continue
        part = read_labels(path)
        if part.opening is not None or part.closing is not None or PART_NAME.fullmatch(path.name):
            parts.append(part)
        elif start == FRAME_MAGIC or path.name.endswith(SUFFIX):
            whole.append(part)
    if not recovery:
        raise IntegrityError(
            "recovery-missing",
            f"no recovery file can be read beside {', '.join(map(str, paths[:5]))}",
            path=str(paths[0]),
        )
    layout = recovery[0].layout
    mine: list[PartFile] = []
    for part in parts:
        if _bundle(part) in (None, layout.bundle):
            mine.append(part)
        else:
            notes.append(f"ignored {part.path}: it is a part of another bundle")
    extents = [Extent(one.path, 0, 0, min(one.size, layout.size)) for one in whole]
    return Salvage(recovery, _layers([*_extents(mine), *extents]), notes)


def _files(paths: Sequence[Path]) -> list[Path]:
    found: dict[Path, None] = {}
    for given in paths:
        path = resolved(given)
        if is_folder(path):
            found |= dict.fromkeys(regular_files(path))
            continue
        found[path] = None
        stem = _stem(path.name)
        found |= dict.fromkeys(other for other in regular_files(path.parent) if _stem(other.name) == stem)
    if len(found) > _FILES_MAX:
        raise FormatError("limit-exceeded", f"over {_FILES_MAX} files to look through", limit=_FILES_MAX)
    return [path for path in found if path.suffix != ".sha256"]


def _stem(name: str) -> str:
    """The name of the bundle that a file belongs to."""
    match = _RECOVERY_NAME.fullmatch(name) or PART_NAME.fullmatch(name)
    return name if match is None else match.group(1)


def _first_bytes(path: Path) -> bytes:
    file = RandomAccess(path)
    try:
        return file.read_at(0, len(FRAME_MAGIC)) or b""
    finally:
        file.close()


def _label(part: PartFile) -> Opening | None:
    return part.opening if part.opening is not None or part.closing is None else part.closing.opening


def _bundle(part: PartFile) -> Digest | None:
    label = _label(part)
    return None if label is None else label.bundle


def _extents(parts: Iterable[PartFile]) -> list[Extent]:
    """Where each part's frames lie in the bundle. A part whose labels are both lost lies between its neighbours."""
    known: dict[int, Extent] = {}
    found: list[Extent] = []
    unknown: list[PartFile] = []
    for part in parts:
        label = _label(part)
        if label is None:
            unknown.append(part)
            continue
        held = max(0, part.size - PART_OPENING_SIZE)
        length = held if part.closing is None else min(held, part.closing.length)
        extent = Extent(part.path, PART_OPENING_SIZE, label.offset, length)
        known.setdefault(label.number, extent)
        found.append(extent)
    for part in sorted(unknown, key=_number):
        number, length = _number(part), max(0, part.size - PART_OPENING_SIZE - PART_CLOSING_SIZE)
        before, after = known.get(number - 1), known.get(number + 1)
        start = 0 if number == 1 else None
        if before is not None:
            start = before.start + before.length
        elif after is not None:
            start = max(0, after.start - length)
        if start is not None:
            extent = Extent(part.path, PART_OPENING_SIZE, start, length)
            known.setdefault(number, extent)
            found.append(extent)
    return found


def _number(part: PartFile) -> int:
    match = PART_NAME.fullmatch(part.path.name)
    return 0 if match is None else int(match.group(2))


def _layers(extents: Iterable[Extent]) -> list[list[Extent]]:
    """Every piece in the first layer where it has room; a piece whose end is uncertain is cut where the next begins."""
    layers: list[list[Extent]] = []
    ordered = sorted(extents, key=lambda extent: extent.start)
    for number, extent in enumerate(ordered, 1):
        following = ordered[number] if number < len(ordered) else None
        end = extent.start + extent.length
        overlap = end - following.start if following is not None and following.start > extent.start else 0
        if 0 < overlap <= PART_CLOSING_SIZE:  # what was taken for frames is a closing label that cannot be read
            extent = replace(extent, length=extent.length - overlap)
        if not extent.length:
            continue
        for layer in layers:
            last = layer[-1]
            if last.start + last.length <= extent.start:
                layer.append(extent)
                break
        else:
            layers.append([extent])
    return layers
