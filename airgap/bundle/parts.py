"""Cutting a bundle into parts, each of which says alone what it is (bundles/FORMAT.md §9)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from airgap.bundle.format import (
    PART_CLOSING_SIZE,
    PART_OPENING_SIZE,
    PARTS_MAX,
    SEEK_TABLE_MAGIC,
)
from airgap.bundle.labels import Closing, Opening
from airgap.digest import Digest, digest_of
from airgap.errors import FormatError


class PartOutput(Protocol):
    """Where one part goes. It is written in order, but its last bytes come when all parts are written."""

    def write(self, data: bytes, /) -> object: ...
    def pause(self) -> None:
        """Nothing more comes for now: a file may be closed."""


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """``digest`` is that of the whole file, ``size`` its bytes."""

    number: int
    digest: Digest
    size: int


@dataclass(slots=True)
class _Part:
    opening: Opening
    output: PartOutput
    digest: Any  # hashlib has no type for its objects
    length: int = 0  # bytes of frames

    def write(self, data: bytes) -> None:
        self.digest.update(data)
        self.output.write(data)


class PartWriter:
    """An output for a bundle: each write is a whole frame, or the seek table, and is never cut.

    A part takes what fits; the first frame that does not begins the next. So the same bundle and volume size (in
    bytes) always make the same parts. ``open_part`` opens the output of a part by its number, from 1.
    """

    def __init__(self, bundle: Digest, volume: int, open_part: Callable[[int], PartOutput]) -> None:
        self._bundle = bundle
        self._volume = volume
        self._open_part = open_part
        self._parts: list[_Part] = []
        self._room = 0
        self._offset = 0
        self._frames: Digest | None = None

    def write(self, unit: bytes, /) -> None:
        if self._frames is not None:
            raise RuntimeError("the seek table is the last unit of a bundle")
        if len(unit) > self._room:
            self._next_part(len(unit))
        part = self._parts[-1]
        part.write(unit)
        part.length += len(unit)
        self._room -= len(unit)
        self._offset += len(unit)
        if unit.startswith(SEEK_TABLE_MAGIC):
            self._frames = digest_of(unit)

    def finish(self) -> list[WrittenPart]:
        """Now that it is known how many parts there are, every one gets its closing label."""
        if self._frames is None:
            raise RuntimeError("the bundle was not written to its end")
        self._parts[-1].output.pause()
        written = []
        for part in self._parts:
            closing = Closing(part.opening, len(self._parts), part.length, self._frames)
            part.write(closing.encode())
            part.write(part.digest.digest())
            part.output.pause()
            written.append(WrittenPart(part.opening.number, Digest(part.digest.hexdigest()), closing.size))
        return written

    def _next_part(self, needed: int) -> None:
        self._room = self._volume - PART_OPENING_SIZE - PART_CLOSING_SIZE
        if needed > self._room:
            missing = needed - self._room
            raise FormatError(
                "limit-exceeded",
                f"the seek table of this bundle does not fit into a part of {self._volume} bytes",
                hint=f"Give a volume size of at least {self._volume + missing} bytes.",
                minimum=self._volume + missing,
            )
        if len(self._parts) == PARTS_MAX:
            raise FormatError(
                "limit-exceeded",
                f"the bundle would need more than {PARTS_MAX} parts of {self._volume} bytes",
                hint="Give a larger volume size.",
                limit=PARTS_MAX,
            )
        if self._parts:
            self._parts[-1].output.pause()
        opening = Opening(self._bundle, len(self._parts) + 1, self._volume, self._offset)
        part = _Part(opening, self._open_part(opening.number), hashlib.sha256())
        self._parts.append(part)
        part.write(opening.encode())
