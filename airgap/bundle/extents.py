"""A bundle as it lies on media: pieces in several files, some of them missing or unreadable."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from airgap.disk.reading import RandomAccess

_OPEN_MAX: Final = 64  # files held open at once


@dataclass(frozen=True, slots=True)
class Extent:
    """``length`` bytes of the bundle from ``start`` on, which a file holds from ``position`` on."""

    path: Path
    position: int
    start: int
    length: int


class Pool:
    """Open files, a bounded number of them."""

    def __init__(self) -> None:
        self._files: OrderedDict[Path, RandomAccess] = OrderedDict()

    def read_at(self, path: Path, position: int, size: int) -> bytes | None:
        file = self._files.get(path)
        if file is None:
            if len(self._files) == _OPEN_MAX:
                self._files.popitem(last=False)[1].close()
            file = self._files[path] = RandomAccess(path)
        return file.read_at(position, size)

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()


class Copy:
    """One copy of a bundle, with holes where nothing is known."""

    def __init__(self, extents: Iterable[Extent], pool: Pool) -> None:
        self._extents = sorted(extents, key=lambda extent: extent.start)
        self._starts = [extent.start for extent in self._extents]
        self._pool = pool

    @property
    def size(self) -> int:
        """Bytes that it holds at most."""
        return sum(extent.length for extent in self._extents)

    def read(self, start: int, size: int) -> bytes | None:
        """Exactly these bytes; None if any of them is missing or cannot be read."""
        pieces = []
        while size:
            extent = self.at(start)
            if extent is None:
                return None
            inside = start - extent.start
            length = min(size, extent.length - inside)
            piece = self._pool.read_at(extent.path, extent.position + inside, length)
            if piece is None or len(piece) != length:
                return None
            pieces.append(piece)
            start, size = start + length, size - length
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def at(self, start: int) -> Extent | None:
        """The piece that this byte of the bundle lies in."""
        index = bisect_right(self._starts, start) - 1
        if index < 0:
            return None
        extent = self._extents[index]
        return extent if start < extent.start + extent.length else None

    def after(self, start: int) -> int | None:
        """Where the first piece behind this byte begins."""
        index = bisect_right(self._starts, start)
        return self._starts[index] if index < len(self._starts) else None
