"""The labels in a stream of parts, as they must come: each follows from the labels and the frames before it.

A stream is one part after the other, from files or from ``cat FILE.0*`` through a pipe. What a label says of the bundle
(its id, its seek table) is believed by nobody: it is compared with the bundle as soon as that is known.
"""

from __future__ import annotations

import hashlib

from airgap.bundle.format import PART_CLOSING_SIZE, PART_OPENING_SIZE
from airgap.bundle.labels import Closing, Opening, parse_closing, parse_opening
from airgap.digest import Digest, digest_of
from airgap.errors import IntegrityError

_DIGEST_SIZE = 32  # bytes


class PartSequence:
    """Follows the labels of a stream of parts. Every byte of the stream is given to feed(), digests excepted."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._size = 0  # bytes of this part so far
        self._is_read = True  # whether all of them were read
        self._offset = 0  # bytes of the bundle so far
        self._opening: Opening | None = None  # None between two parts
        self._closing: Closing | None = None  # that of the part before
        self._holds_unit = False
        self.number = 0  # of the part that is being read, or was read last

    @property
    def total(self) -> int | None:
        """How many parts there are; None before the end of the first."""
        return None if self._closing is None else self._closing.total

    @property
    def is_between(self) -> bool:
        return self._opening is None

    @property
    def place(self) -> str:
        """For messages."""
        return f"part {self.number}" if self.total is None else f"part {self.number} of {self.total}"

    def feed(self, data: bytes) -> None:
        self._digest.update(data)
        self._size += len(data)

    def fits(self, size: int) -> bool:
        """Whether a frame of so many bytes comes in this part; else its closing label does."""
        return self._opening is not None and self._size + size + PART_CLOSING_SIZE <= self._opening.volume

    def skip(self, size: int) -> None:
        """So many bytes of this part were not read: its digest is not known then."""
        self._size += size
        self._is_read = False

    def open(self, data: bytes) -> None:
        """An opening label was read (and fed)."""
        label = parse_opening(data)
        if label is None or self._opening is not None:
            raise self._differs("the label at the start of a part is not as airgap writes it")
        before = self._closing
        if label.number != self.number + 1 and (before is None or label.bundle == before.opening.bundle):
            raise IntegrityError(
                "part-missing",
                f"expected part {self.number + 1} here, found part {label.number}",
                missing=[str(self.number + 1)],
            )
        self.number += 1
        if before is not None and (
            label != Opening(before.opening.bundle, self.number, before.opening.volume, self._offset)
            or self.number > before.total
        ):
            raise self._differs("this part is of another bundle, or of another run, than the part before it")
        if label.offset != self._offset:
            raise self._differs("the first part does not say that it begins at the beginning")
        self._opening = label
        self._holds_unit = False

    def unit(self, size: int) -> None:
        """A whole frame, or the seek table, was read (and fed): it must lie in this part and in no other."""
        opening, before = self._opening, self._closing
        if opening is None or self._size + PART_CLOSING_SIZE > opening.volume:
            raise self._differs("a part holds more than its label allows")
        if not self._holds_unit and before is not None and before.size + size <= opening.volume:
            raise self._differs("the part before this one was cut too early")
        self._holds_unit = True
        self._offset += size

    def close(self, data: bytes) -> bytes | None:
        """The closing label without its digest was read (and fed).

        Returns the digest that must come; None if nobody can tell, as frames of this part were skipped.
        """
        digest = self._digest.digest()
        found = parse_closing(data + digest)
        opening, before = self._opening, self._closing
        length = self._size - PART_OPENING_SIZE - (PART_CLOSING_SIZE - _DIGEST_SIZE)
        label = None if found is None else found[0]
        if label is None or label.opening != opening or label.length != length:
            raise self._differs("the label at the end of a part is not the one that follows from the part")
        if before is not None and label.set != before.set:
            raise self._differs("the labels of two parts disagree about the set they belong to")
        self._opening, self._closing = None, label
        is_read = self._is_read
        self._digest, self._size, self._is_read = hashlib.sha256(), 0, True
        return digest if is_read else None

    def require_bundle(self, id_: Digest) -> None:
        """bundle.json was read: the labels must name it."""
        opening = self._opening or (self._closing.opening if self._closing else None)
        if opening is None or opening.bundle != id_:
            raise self._differs(f"the label says that the part is of another bundle than {id_}, which it holds")

    def require_end(self, table: bytes) -> None:
        """The last closing label was read: it was the last of all, and the seek table is the one that labels name."""
        label = self._closing
        if label is None or label.total != self.number or label.frames != digest_of(table):
            raise self._differs("the labels do not agree with how the bundle ends")

    def _differs(self, message: str) -> IntegrityError:
        return IntegrityError("part-label-differs", message)
