"""Finding the parts of one bundle, in any order and in any folders, and reading them as one stream.

Parts are found by their labels, not by their names; names only say which files are looked at. Nothing is joined on
disk. The rule: the parts that are read all belong to one set (bundle, volume size, number of parts, seek table). A file
that the operator named must belong to it; one that only lay beside it is left alone, and mentioned.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from airgap.bundle.carrier import Input
from airgap.bundle.format import PART_CLOSING_SIZE, PART_LABEL_MAGIC, PART_OPENING_SIZE, SUFFIX
from airgap.bundle.labels import Closing, Opening, parse_closing, parse_opening
from airgap.disk.host import host_errors
from airgap.disk.paths import file_size, is_folder, regular_files, resolved
from airgap.disk.reading import ErrorTyping, RandomAccess, open_input, open_regular
from airgap.errors import FormatError, HostError, IntegrityError, UsageError

PART_NAME: Final = re.compile(r"(.+)\.([0-9]{3})")
_FILES_MAX: Final = 20_000  # files whose labels are read
_NAMED_MAX: Final = 20  # parts or files named in one message


@dataclass(frozen=True, slots=True)
class PartFile:
    """A file that may be a part, with what can be read of its labels. ``size`` in bytes."""

    path: Path
    size: int
    opening: Opening | None
    closing: Closing | None
    digest: bytes = b""

    @property
    def is_whole(self) -> bool:
        """Whether both labels are there, agree, and fit the size of the file."""
        return self.closing is not None and self.closing.opening == self.opening and self.closing.size == self.size


def read_labels(path: Path) -> PartFile:
    """What the two labels of a file say. What a medium cannot read counts as missing."""
    file = RandomAccess(path)
    try:
        size = file.size
        opening = parse_opening(file.read_at(0, PART_OPENING_SIZE) or b"")
        found = parse_closing(file.read_at(max(0, size - PART_CLOSING_SIZE), PART_CLOSING_SIZE) or b"")
    finally:
        file.close()
    closing, digest = found if found is not None else (None, b"")
    return PartFile(path, size, opening, closing, digest)


@dataclass(frozen=True, slots=True)
class OpenedBundle:
    """A bundle that can be read, and what is to be said about the files it was found in."""

    source: Input
    size: int | None = None  # bytes of all files; None for a stream
    notes: Sequence[str] = ()


@contextlib.contextmanager
def open_bundle(paths: Sequence[str]) -> Iterator[OpenedBundle]:
    """The bundle that an operator named: a file, ``-``, or parts: one of them, several, or folders that hold them.

    Raises IntegrityError(part-missing, part-doubled, part-foreign), FormatError(parts-of-several-bundles), HostError.
    """
    if len(paths) == 1 and (paths[0] == "-" or not _may_be_parts(Path(paths[0]))):
        with open_input(paths[0]) as source:
            yield OpenedBundle(source, None if paths[0] == "-" else file_size(Path(paths[0])))
        return
    if "-" in paths:
        raise UsageError("usage", "standard input is a bundle by itself; it cannot be named with other files")
    found = find_parts([Path(path) for path in paths])
    stream = _PartStream(found.files)
    try:
        yield OpenedBundle(stream, sum(part.size for part in found.files), found.notes)
    finally:
        stream.close()


@dataclass(slots=True)
class PartSet:
    """The files of one set, in their order, and what was left out."""

    files: list[PartFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_parts(paths: Sequence[Path]) -> PartSet:
    """All parts of the one set that these files and folders are about; a file stands for those beside it, too."""
    named, beside = _candidates(paths)
    for part in named:
        if not part.is_whole:
            raise _broken(part)
    whole = [part for part in (*named, *beside) if part.is_whole]
    found = PartSet(notes=[f"ignored {part.path}: its labels cannot be read" for part in beside if not part.is_whole])
    sets = list(dict.fromkeys(_closing(part).set for part in whole))
    if not whole:
        raise _no_part(paths)
    if len(sets) > 1 and not named:
        raise _several(whole)
    wanted = sets[0]
    chosen: dict[int, PartFile] = {}
    for part in whole:
        if _closing(part).set != wanted:
            if part in named:
                raise IntegrityError("part-foreign", f"{part.path} is {_stranger(part, whole[0])}", path=str(part.path))
            found.notes.append(f"ignored {part.path}: it is {_stranger(part, whole[0])}")
            continue
        number = _closing(part).opening.number
        other = chosen.setdefault(number, part)
        if other.digest != part.digest:
            raise IntegrityError(
                "part-doubled",
                f"{other.path} and {part.path} both say that they are part {number}, and differ",
                path=str(part.path),
            )
        if other is not part:
            found.notes.append(f"part {number} is there twice: read {other.path}, not {part.path}")
    _require_all(chosen, _closing(whole[0]).total, found.notes)
    found.files = [chosen[number] for number in sorted(chosen)]
    return found


def _may_be_parts(path: Path) -> bool:
    """A folder, or a file that begins like a part, or is named like one and ends like one.

    Anything else is for the reader to refuse.
    """
    if is_folder(path):
        return True
    path = resolved(path)
    with host_errors(str(path)), open_regular(path) as file, contextlib.suppress(OSError):
        if file.read(len(PART_LABEL_MAGIC)) == PART_LABEL_MAGIC:
            return True
    return PART_NAME.fullmatch(path.name) is not None and read_labels(path).closing is not None


def _candidates(paths: Sequence[Path]) -> tuple[list[PartFile], list[PartFile]]:
    """The files that were named, and those that lie beside them or in the folders that were named."""
    named: dict[Path, None] = {}
    beside: dict[Path, None] = {}
    for given in paths:
        path = resolved(given)
        if is_folder(path):
            beside |= dict.fromkeys(part_names(path))
            continue
        named[path] = None
        match = PART_NAME.fullmatch(path.name)
        if match is not None:
            beside |= dict.fromkeys(part_names(path.parent, match.group(1)))
    others = [path for path in beside if path not in named]
    if len(named) + len(others) > _FILES_MAX:
        raise FormatError("limit-exceeded", f"over {_FILES_MAX} files may be parts", limit=_FILES_MAX)
    return [read_labels(path) for path in named], [read_labels(path) for path in others]


def part_names(folder: Path, stem: str | None = None) -> Iterable[Path]:
    """The files of a folder that are named like parts; of one bundle, if ``stem`` is given."""
    for path in regular_files(folder):
        match = PART_NAME.fullmatch(path.name)
        if match is not None and not match.group(1).endswith(".rec") and stem in (None, match.group(1)):
            yield path


def _require_all(chosen: dict[int, PartFile], total: int, notes: list[str]) -> None:
    missing = [number for number in range(1, total + 1) if number not in chosen]
    if missing:
        shown = ", ".join(map(str, missing[:_NAMED_MAX])) + (", …" if len(missing) > _NAMED_MAX else "")
        remarks = "".join(f"; {note}" for note in notes[:_NAMED_MAX])
        noun = "part" if len(missing) == 1 else "parts"
        raise IntegrityError(
            "part-missing",
            f"{noun} {shown} of {total} missing (found {len(chosen)}){remarks}",
            missing=[str(number) for number in missing],
        )


def _broken(part: PartFile) -> FormatError | IntegrityError:
    if part.opening is None and part.closing is None:
        return FormatError(
            "not-a-bundle",
            f"{part.path} is not a part of a bundle",
            hint="Files that are named together are the parts of one bundle; name a whole bundle by itself.",
            path=str(part.path),
        )
    return IntegrityError(
        "part-damaged", f"{part.path}: one of its labels is damaged, or its end is missing", path=str(part.path)
    )


def _no_part(paths: Sequence[Path]) -> HostError:
    """A bundle that was never cut is read by its own name only: whoever named its folder is told that name."""
    where = ", ".join(map(str, paths[:_NAMED_MAX]))
    with contextlib.suppress(OSError):
        whole = sorted(str(file) for path in paths for file in path.glob("*" + SUFFIX))[:_NAMED_MAX]
        if whole:
            return HostError(
                "file-not-found",
                f"{where}: no part of a bundle is there, but a whole one: {', '.join(whole)}",
                hint="Name the bundle itself, not its folder.",
                path=str(paths[0]),
            )
    return HostError("file-not-found", f"{where}: no part of a bundle is there", path=str(paths[0]))


def _several(whole: Sequence[PartFile]) -> FormatError:
    firsts = {_closing(part).set: part for part in reversed(whole)}
    rows = [f"{part.path} of {_closing(part).opening.bundle.short}" for part in list(firsts.values())[:_NAMED_MAX]]
    return FormatError("parts-of-several-bundles", f"there are parts of {len(firsts)} sets: {'; '.join(rows)}")


def _stranger(part: PartFile, ours: PartFile) -> str:
    theirs = _closing(part)
    if theirs.opening.bundle != _closing(ours).opening.bundle:
        return f"part {theirs.opening.number} of another bundle ({theirs.opening.bundle.short})"
    return f"a stale part: number {theirs.opening.number} of {theirs.total} of another run for the same bundle"


def _closing(part: PartFile) -> Closing:
    if part.closing is None:
        raise RuntimeError("only whole parts are looked at here")
    return part.closing


class _PartStream:
    """The bytes of the parts one after the other, labels and all."""

    def __init__(self, parts: Sequence[PartFile]) -> None:
        self._waiting = [part.path for part in reversed(parts)]
        self._last = parts[-1]
        self.size = sum(_closing(part).length for part in parts)
        self._file: BinaryIO | None = None
        self._source: ErrorTyping | None = None

    def read(self, size: int, /) -> bytes:
        while True:
            if self._source is not None and (data := self._source.read(size)):
                return data
            self.close()
            if not self._waiting:
                return b""
            path = self._waiting.pop()
            self._file = open_regular(path)
            self._source = ErrorTyping(self._file, str(path))

    def skip(self, size: int) -> None:
        if self._file is None:
            raise RuntimeError("nothing was read yet")
        with host_errors("a part"):
            self._file.seek(size, os.SEEK_CUR)

    def tail(self, size: int) -> bytes:
        file = RandomAccess(self._last.path)
        try:
            at = self._last.size - PART_CLOSING_SIZE - size
            return (file.read_at(at, size) or b"") if at > 0 else b""
        finally:
            file.close()

    def close(self) -> None:
        if self._file is not None:
            with host_errors("a part of the bundle"):
                self._file.close()
        self._file = self._source = None
