"""The carrier of a bundle, frame by frame and undecoded: a whole file, or its parts one after the other.

Frames are found by their block headers; none is held that is longer than any frame of its content can be.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from airgap.bundle import frames
from airgap.bundle.format import (
    CHECKSUM_SIZE,
    FRAME_MAGIC,
    FRAME_SIZE,
    PART_CLOSING_SIZE,
    PART_LABEL_MAGIC,
    PART_OPENING_SIZE,
    RECOVERY_MAGIC,
    SEEK_TABLE_MAGIC,
)
from airgap.bundle.labels import LABEL_HEAD_SIZE, is_closing, is_opening
from airgap.bundle.sequence import PartSequence
from airgap.digest import Digest
from airgap.errors import FormatError, IntegrityError

_DIGEST_SIZE = 32  # bytes


class Input(Protocol):
    def read(self, size: int, /) -> bytes: ...


@runtime_checkable
class Seekable(Protocol):
    """An input in which one can go on without reading."""

    @property
    def size(self) -> int:
        """Bytes of the bundle, labels of parts aside."""

    def read(self, size: int, /) -> bytes: ...
    def skip(self, size: int) -> None:
        """Go on behind so many bytes, which all lie in the same file."""

    def tail(self, size: int) -> bytes:
        """The last bytes of the bundle, labels aside; fewer if it has not so many, or they cannot be read."""


class Output(Protocol):
    def write(self, data: bytes, /) -> object: ...


class Carrier:
    """One pass over the frames. ``copy`` gets every frame and the seek table, each whole, without labels."""

    def __init__(self, source: Input, copy: Output | None = None) -> None:
        self._source = source
        self._copy = copy
        self._parts: PartSequence | None = None  # None for a whole file
        self._sizes: list[tuple[int, int]] = []
        self._total: int | None = None  # decoded bytes, once the manifest is known
        self._ended = False  # whether the seek table has begun
        self._decoded = 0  # announced bytes of the frames read so far
        self._table: list[tuple[int, int]] | None = None  # what the seek table says, once somebody wants to skip

    @property
    def place(self) -> str | None:
        """The part that is being read; None if the bundle is not in parts."""
        return None if self._parts is None else self._parts.place

    @property
    def is_complete(self) -> bool:
        """Whether no further frame may come, as far as is known."""
        return self._ended or self._is_cut_short or (self._total is not None and self._decoded >= self._total)

    @property
    def _is_cut_short(self) -> bool:
        """Whether the last frame was shorter than the others: only the very last one may be."""
        return bool(self._decoded % FRAME_SIZE)

    def expect(self, total: int, bundle: Digest) -> None:
        """The manifest is known: so is where every further frame must be cut, and what the labels must say."""
        self._total = total
        if self._decoded > total or (self._decoded < total and (self._ended or self._is_cut_short)):
            raise FormatError("frame-not-canonical", "the contents do not add up to what bundle.json lists")
        if self._parts is not None:
            with self._naming_the_part():
                self._parts.require_bundle(bundle)

    def next_frame(self) -> tuple[bytes, int] | None:
        """The next whole frame and its content size; None if the seek table begins here."""
        with self._naming_the_part():
            return None if self._ended else self._next_frame()

    def skip(self, most: int) -> int:
        """Pass over up to ``most`` full frames, whose content is proven elsewhere. Returns how many.

        Where they end is believed of the seek table: a wrong one leads to bytes that are no frame.
        """
        source = self._source
        if not most or not isinstance(source, Seekable) or self._copy is not None:
            return 0
        if self._table is None:
            self._table = self._read_table(source)
        begun = len(self._sizes)
        with self._naming_the_part():
            for size, content in self._table[begun : begun + most]:
                self._pass_over(source, size)
                self._sizes.append((size, content))
                self._decoded += content
        return len(self._sizes) - begun

    def _read_table(self, source: Seekable) -> list[tuple[int, int]]:
        """What the seek table says, if it can be the one of this bundle; else nothing, and no frame is skipped."""
        total = self._total or 0
        contents = [min(FRAME_SIZE, total - start) for start in range(0, total, FRAME_SIZE)]
        data = source.tail(len(frames.seek_table([(0, 0)] * len(contents))))
        sizes = frames.parse_seek_table(data)
        if (
            [content for _, content in sizes] != contents
            or sum(size for size, _ in sizes) + len(data) != source.size
            or sizes[: len(self._sizes)] != self._sizes
        ):
            return []
        return sizes

    def _pass_over(self, source: Seekable, size: int) -> None:
        if self._parts is not None and not self._parts.fits(size):
            magic = self._magic()  # labels come first
            if magic != FRAME_MAGIC:
                raise frames.unexpected_frame(magic)
            self._parts.skip(size - len(magic))
            source.skip(size - len(magic))
        else:
            if self._parts is not None:
                self._parts.skip(size)
            source.skip(size)
        if self._parts is not None:
            self._parts.unit(size)

    def finish(self) -> None:
        """No frame is left: then comes the seek table that follows from them, and nothing else."""
        with self._naming_the_part():
            if not self._ended and self._next_frame() is not None:
                raise FormatError("trailing-data", "the stream goes on after the end of the archive")
            table = frames.seek_table(self._sizes)
            found = SEEK_TABLE_MAGIC + self._exactly(len(table) - len(SEEK_TABLE_MAGIC))
            if found != table:
                raise IntegrityError("seek-table-differs", "the end of the file, its seek table, is damaged")
            self._unit(table)
            if self._parts is not None:
                self._label(self._exactly(len(PART_LABEL_MAGIC)), self._parts)
                self._parts.require_end(table)
            if self._source.read(1):
                raise FormatError("trailing-data", "bytes follow after the end of the bundle")

    def _next_frame(self) -> tuple[bytes, int] | None:
        magic = self._magic()
        first = not self._sizes and self._parts is None
        if first and not magic:
            raise FormatError("not-a-bundle", "the input is empty")
        if magic == SEEK_TABLE_MAGIC and not first:
            self._ended = True
            return None
        if len(magic) < len(FRAME_MAGIC) and not first:
            raise self._truncated()
        if not FRAME_MAGIC.startswith(magic):
            if first:
                raise FormatError("not-a-bundle", "the input does not begin like a bundle")
            raise frames.unexpected_frame(magic)
        head, size = self._header(magic)
        parts, length = [head], len(head)
        last = False
        while not last:
            block = self._exactly(3)
            extent, last = frames.block_extent(block)
            length += 3 + extent
            if length > frames.compressed_bound(size):
                raise FormatError("frame-not-canonical", "a frame is longer than any frame of its content")
            parts += [block, self._exactly(extent)]
        parts.append(self._exactly(CHECKSUM_SIZE))
        frame = b"".join(parts)
        self._sizes.append((len(frame), size))
        self._decoded += size
        self._unit(frame)
        return frame, size

    def _magic(self) -> bytes:
        """The four bytes that begin the next frame; labels before it are checked and passed over."""
        magic = self._read(len(FRAME_MAGIC))
        if not self._sizes and self._parts is None:
            if magic == RECOVERY_MAGIC:
                raise FormatError(
                    "not-a-bundle",
                    "this is a recovery file",
                    hint="Give it to `airgap repair`, with the damaged bundle.",
                )
            if magic and len(magic) < len(PART_LABEL_MAGIC) and PART_LABEL_MAGIC.startswith(magic):
                raise self._truncated()
            if magic == PART_LABEL_MAGIC:
                self._parts = PartSequence()
                self._parts.feed(magic)
        parts = self._parts
        while parts is not None and magic == PART_LABEL_MAGIC:
            self._label(magic, parts)
            magic = self._read(len(FRAME_MAGIC))
        if parts is not None and parts.is_between:
            if not magic and parts.number != parts.total:
                raise IntegrityError(
                    "part-missing",
                    f"the stream ends after {parts.place}; part {parts.number + 1} is missing",
                    missing=[str(parts.number + 1)],
                )
            raise IntegrityError("part-label-differs", "a part does not begin with a label")
        return magic

    def _label(self, magic: bytes, parts: PartSequence) -> None:
        """One label, whose first four bytes were read. Raises IntegrityError unless it is the predicted one."""
        head = magic + self._exactly(LABEL_HEAD_SIZE - len(magic))
        if not parts.number and not is_opening(head):
            raise FormatError("not-a-bundle", "the input begins with a skippable frame that is not airgap's")
        if not is_closing(head):
            parts.open(head + self._exactly(PART_OPENING_SIZE - len(head)))
            return
        digest = parts.close(head + self._exactly(PART_CLOSING_SIZE - _DIGEST_SIZE - len(head)))
        found = self._read_raw(_DIGEST_SIZE)
        if len(found) != _DIGEST_SIZE or digest not in (None, found):
            raise IntegrityError("part-damaged", f"its SHA-256 is not the one at its end ({parts.place})")

    def _unit(self, data: bytes) -> None:
        """A whole frame or the seek table."""
        if self._parts is not None:
            self._parts.unit(len(data))
        if self._copy is not None:
            self._copy.write(data)

    def _header(self, magic: bytes) -> tuple[bytes, int]:
        """The frame header, which must be the predicted one, and the content size in it."""
        head = magic
        for length in frames.HEADER_LENGTHS:
            head += self._exactly(length - len(head))
            size = frames.content_size_of(head)
            if size is not None:
                break
        else:
            raise FormatError("frame-not-canonical", "a frame has a header that airgap never writes")
        if self._total is not None and size != min(FRAME_SIZE, self._total - self._decoded):
            raise FormatError("frame-not-canonical", f"a frame holds {size} bytes, which is not where bundles are cut")
        return head, size

    def _exactly(self, size: int) -> bytes:
        data = self._read(size)
        if len(data) != size:
            raise self._truncated()
        return data

    def _read(self, size: int) -> bytes:
        data = self._read_raw(size)
        if self._parts is not None:
            self._parts.feed(data)
        return data

    def _read_raw(self, size: int) -> bytes:
        """``size`` bytes, fewer only at the end of the input (pipes give what they have)."""
        data = self._source.read(size)
        while len(data) < size:
            more = self._source.read(size - len(data))
            if not more:
                break
            data += more
        return data

    def _truncated(self) -> IntegrityError:
        return IntegrityError("bundle-truncated", "the bundle ends too early")

    @contextlib.contextmanager
    def _naming_the_part(self) -> Iterator[None]:
        try:
            yield
        except (FormatError, IntegrityError) as error:
            raise in_place(error, self.place) from error.__cause__


def in_place(error: FormatError | IntegrityError, place: str | None) -> FormatError | IntegrityError:
    """The same error, telling which part it is in."""
    if place is None or "part" in error.facts:
        return error
    facts = {**error.facts, "part": place}
    return type(error)(error.kind, f"{place}: {error.message}", hint=error.hint, **facts)
