"""One file of a bundle judged alone: a part, a whole bundle, or a recovery file; from memory or from its medium.

What is judged is integrity: the file is what it says of itself and what the .sha256 file beside it says. Nobody's
signature is looked at, so this needs no trust root and says nothing about acceptance.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from airgap.bundle.carrier import Input
from airgap.bundle.format import (
    FRAME_MAGIC,
    PART_CLOSING_SIZE,
    PART_LABEL_MAGIC,
    PART_OPENING_SIZE,
    RECOVERY_HEADER_SIZE,
    RECOVERY_MAGIC,
)
from airgap.bundle.labels import parse_closing, parse_opening
from airgap.bundle.recovery import parse_record, parse_record_header
from airgap.digest import Digest
from airgap.disk.paths import file_size, is_folder, is_there, regular_files
from airgap.disk.reading import BUFFER, open_input, read_bounded
from airgap.disk.uncached import HowRead, open_uncached
from airgap.errors import AirgapError, FormatError, HostError, IntegrityError
from airgap.limits import LIMITS
from airgap.media.recutter import read_through
from airgap.media.repairer import HashingInput
from airgap.progress import Progress

_CHECKSUM: Final = re.compile(rb"([0-9a-f]{64}) [ *]([^\n]+)")  # sha256sum(1)
_NO_PART: Final = "Judge other files of a bundle with --media, and whole bundles with --trust."
_NUMBERED: Final = re.compile(r"(.+)\.[0-9]{3}")


@dataclass(slots=True)
class Judgement:
    """What is known of one file. ``kind`` is part, bundle, recovery or None; ``read`` is how it was read."""

    file: str
    kind: str | None = None
    bundle: Digest | None = None
    number: int | None = None
    total: int | None = None
    size: int = 0
    digest: Digest | None = None
    read: HowRead = HowRead.CACHED
    checksum_file: bool = False  # whether a .sha256 file was there to compare with
    error: AirgapError | None = None


def judge_files(
    paths: Sequence[Path], *, around_cache: bool, parts_only: bool, jobs: int, progress: Progress
) -> list[Judgement]:
    """Judge each file, and the files of each folder that can be told to be a bundle's by how they begin."""
    found = []
    checksums = _Checksums()
    for path in paths:
        if not is_folder(path):
            found.append(_judge(path, checksums, around_cache, parts_only, jobs, progress))
            continue
        inside = [file for file in regular_files(path) if _begins_like_ours(file, checksums)]
        if not inside:
            raise HostError(
                "file-not-found", f"{path}: no bundle, part or recovery file is in this folder", path=str(path)
            )
        found += [_judge(file, checksums, around_cache, parts_only, jobs, progress) for file in inside]
    return found


def _begins_like_ours(path: Path, checksums: _Checksums) -> bool:
    if path.name.endswith(".sha256"):
        return False
    if checksums.of(path) is not None:
        return True
    with open_input(str(path)) as source:
        return source.read(len(FRAME_MAGIC)) in (FRAME_MAGIC, PART_LABEL_MAGIC, RECOVERY_MAGIC)


def _judge(
    path: Path, checksums: _Checksums, around_cache: bool, parts_only: bool, jobs: int, progress: Progress
) -> Judgement:
    judgement = Judgement(str(path))
    try:
        with _opened(path, around_cache, judgement) as source:
            progress.stage(f"reading {path.name}", None)
            hashing = HashingInput(source)
            judgement.size = file_size(path)
            _examine(_Peeking(hashing), judgement, parts_only, jobs, progress)
            judgement.digest = hashing.digest
        _compare_checksum(checksums.of(path), judgement)
    except AirgapError as error:
        judgement.error = error
    return judgement


@contextlib.contextmanager
def _opened(path: Path, around_cache: bool, judgement: Judgement) -> Iterator[Input]:
    if not around_cache:
        with open_input(str(path)) as source:
            yield source
        return
    with open_uncached(path) as (uncached, how):
        judgement.read = how
        yield uncached


def _examine(source: _Peeking, judgement: Judgement, parts_only: bool, jobs: int, progress: Progress) -> None:
    magic = source.peek(len(FRAME_MAGIC))
    if magic == PART_LABEL_MAGIC:
        judgement.kind = "part"
        _examine_part(source, judgement)
    elif magic == RECOVERY_MAGIC and not parts_only:
        judgement.kind = "recovery"
        _examine_recovery(source, judgement)
    elif (
        magic not in (FRAME_MAGIC, RECOVERY_MAGIC)
        and (match := _NUMBERED.fullmatch(Path(judgement.file).name)) is not None
    ):
        kind = "recovery-damaged" if match.group(1).endswith(".rec") else "part-damaged"
        raise IntegrityError(kind, "its first bytes are not what its name promises: it is damaged, or something else")
    elif parts_only:
        raise FormatError("not-a-bundle", f"{judgement.file} is no part of a bundle", hint=_NO_PART)
    else:
        judgement.kind = "bundle"
        judgement.bundle = read_through(source, None, jobs=jobs, progress=progress)


def _examine_part(source: _Peeking, judgement: Judgement) -> None:
    """Both labels, and the digest in the second: of every byte before it."""
    opening = parse_opening(source.exactly(PART_OPENING_SIZE))
    if opening is None:
        raise IntegrityError("part-label-differs", "the label at its start is damaged")
    judgement.bundle, judgement.number = opening.bundle, opening.number
    digest = hashlib.sha256(opening.encode())
    size, tail = PART_OPENING_SIZE, b""
    while data := source.read(BUFFER):
        size += len(data)
        tail += data
        digest.update(memoryview(tail)[:-PART_CLOSING_SIZE])
        tail = tail[-PART_CLOSING_SIZE:]
    found = parse_closing(tail)
    if found is None:
        raise IntegrityError("part-damaged", "the label at its end is damaged or missing: perhaps it was cut short")
    closing, expected = found
    judgement.total = closing.total
    if closing.opening != opening or closing.size != size or size > opening.volume:
        raise IntegrityError("part-label-differs", "its two labels disagree, or do not fit its size")
    digest.update(tail[: -len(expected)])
    if digest.digest() != expected:
        raise IntegrityError("part-damaged", "its SHA-256 is not the one in its label")


def _examine_recovery(source: _Peeking, judgement: Judgement) -> None:
    """Every record of the file, in its place."""
    found = parse_record_header(source.peek(RECOVERY_HEADER_SIZE))
    if found is None:
        raise IntegrityError("recovery-damaged", "its first record is damaged")
    layout, place, _ = found
    judgement.bundle, judgement.number, judgement.total = layout.bundle, place.number, place.total
    good, index = 0, place.first
    while data := source.up_to(layout.record_size):
        record = parse_record(data)
        good += record is not None and (record.layout, record.place, record.index) == (layout, place, index)
        index += 1
    damaged = place.count - good
    if damaged or index != place.first + place.count:
        raise IntegrityError(
            "recovery-damaged",
            f"{damaged} of its {place.count} recovery blocks are damaged or missing",
            damaged=damaged,
        )


def _compare_checksum(expected: str | None, judgement: Judgement) -> None:
    judgement.checksum_file = expected is not None
    if expected is not None and (judgement.digest is None or expected != judgement.digest.hex):
        raise IntegrityError("file-differs", "its SHA-256 is not the one in the .sha256 file beside it")


class _Checksums:
    """What the .sha256 files beside files say. The last one stays read: one lists all parts of a bundle."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._listed: dict[bytes, str] = {}

    def of(self, path: Path) -> str | None:
        """The hexadecimal digest in FILE.sha256, or in that of all parts or recovery files."""
        stem = _NUMBERED.fullmatch(path.name)
        names = [path.name] if stem is None else [path.name, f"{stem.group(1)}.parts", stem.group(1)]
        found = (self._read(path.with_name(f"{name}.sha256")).get(os.fsencode(path.name)) for name in names)
        return next((digest for digest in found if digest is not None), None)

    def _read(self, path: Path) -> Mapping[bytes, str]:
        if path != self._path:
            if not is_there(path):
                return {}
            lines = map(_CHECKSUM.fullmatch, reversed(read_bounded(path, LIMITS.trust_file).splitlines()))
            self._listed = {match.group(2): match.group(1).decode() for match in lines if match is not None}
            self._path = path
        return self._listed


class _Peeking:
    """A source whose next bytes can be looked at before they are read."""

    def __init__(self, source: Input) -> None:
        self._source = source
        self._ahead = b""

    def peek(self, size: int) -> bytes:
        while len(self._ahead) < size and (more := self._source.read(size - len(self._ahead))):
            self._ahead += more
        return self._ahead[:size]

    def read(self, size: int, /) -> bytes:
        if self._ahead:
            piece, self._ahead = self._ahead[:size], self._ahead[size:]
            return piece
        return self._source.read(size)

    def up_to(self, size: int) -> bytes:
        """``size`` bytes, fewer only at the end."""
        data = self.peek(size)
        self._ahead = self._ahead[size:]
        return data

    def exactly(self, size: int) -> bytes:
        data = self.up_to(size)
        if len(data) != size:
            raise IntegrityError("bundle-truncated", "it ends too early")
        return data
