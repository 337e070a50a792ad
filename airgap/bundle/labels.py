"""The two labels of a part: what it is, at its start; how it ended, at its end (bundles/FORMAT.md §9).

Both ride in skippable frames, which zstd passes over. Every field is fixed in size, so a label is encoded and compared
like everything else of a bundle; parse_*() only take apart what encode() would write.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from airgap.bundle.format import (
    PART_CLOSING,
    PART_CLOSING_SIZE,
    PART_LABEL_MAGIC,
    PART_OPENING,
    PART_OPENING_SIZE,
    PARTS_MAX,
)
from airgap.digest import Digest

_OPENING: Final = struct.Struct("<4sI16s32sIQQ")
_CLOSING: Final = struct.Struct("<4sI16s32sIIQQQ32s32s")
_FRAME_HEADER: Final = 8  # bytes: magic and size of a skippable frame
_DIGEST: Final = 32  # bytes: the part's own digest, at the very end
LABEL_HEAD_SIZE: Final = _FRAME_HEADER + len(PART_OPENING)  # bytes that tell which label it is


@dataclass(frozen=True, slots=True)
class Opening:
    """Known before the part is written. ``volume`` and ``offset`` in bytes; the offset is that in the whole bundle."""

    bundle: Digest
    number: int
    volume: int
    offset: int

    def encode(self) -> bytes:
        return _OPENING.pack(
            PART_LABEL_MAGIC,
            PART_OPENING_SIZE - _FRAME_HEADER,
            PART_OPENING,
            bytes.fromhex(self.bundle.hex),
            self.number,
            self.volume,
            self.offset,
        )


@dataclass(frozen=True, slots=True)
class Closing:
    """Known once all parts are written. ``frames`` is the digest of the seek table: it tells one run from another."""

    opening: Opening
    total: int
    length: int
    frames: Digest

    def encode(self) -> bytes:
        """The label without the last field, the SHA-256 of everything in the part before it."""
        return _CLOSING.pack(
            PART_LABEL_MAGIC,
            PART_CLOSING_SIZE - _FRAME_HEADER,
            PART_CLOSING,
            bytes.fromhex(self.opening.bundle.hex),
            self.opening.number,
            self.total,
            self.opening.volume,
            self.opening.offset,
            self.length,
            bytes.fromhex(self.frames.hex),
            bytes(_DIGEST),
        )[:-_DIGEST]

    @property
    def size(self) -> int:
        """Bytes of the whole part."""
        return PART_OPENING_SIZE + self.length + PART_CLOSING_SIZE

    @property
    def set(self) -> tuple[Digest, int, int, Digest]:
        """What all parts of one run have in common, and no part of another run."""
        return self.opening.bundle, self.opening.volume, self.total, self.frames


def parse_opening(data: bytes) -> Opening | None:
    """The label in exactly these bytes; None if they are not one that airgap writes."""
    if len(data) != PART_OPENING_SIZE:
        return None
    _, _, _, bundle, number, volume, offset = _OPENING.unpack(data)
    label = Opening(Digest(bundle.hex()), number, volume, offset)
    return label if label.encode() == data and 0 < number <= PARTS_MAX else None


def parse_closing(data: bytes) -> tuple[Closing, bytes] | None:
    """The label and the digest in exactly these bytes; None if they are not one that airgap writes."""
    if len(data) != PART_CLOSING_SIZE:
        return None
    _, _, _, bundle, number, total, volume, offset, length, frames, digest = _CLOSING.unpack(data)
    label = Closing(Opening(Digest(bundle.hex()), number, volume, offset), total, length, Digest(frames.hex()))
    return (label, digest) if label.encode() + digest == data and 0 < number <= total <= PARTS_MAX else None


def is_opening(head: bytes) -> bool:
    """Whether LABEL_HEAD_SIZE bytes begin an opening label."""
    return head == _head(PART_OPENING_SIZE, PART_OPENING)


def is_closing(head: bytes) -> bool:
    """Whether LABEL_HEAD_SIZE bytes begin a closing label."""
    return head == _head(PART_CLOSING_SIZE, PART_CLOSING)


def _head(size: int, marker: bytes) -> bytes:
    return PART_LABEL_MAGIC + (size - _FRAME_HEADER).to_bytes(4, "little") + marker
