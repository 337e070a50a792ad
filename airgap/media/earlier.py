"""What an export that was stopped had written: the next one with the same plan takes its bytes from there.

Nothing of it is believed: the writer compresses and hashes every member as ever, and its frames are compared with those
that are there. So the file is, byte for byte, the one that an export without interruption writes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from airgap.bundle.format import PART_CLOSING_SIZE, PART_OPENING_SIZE
from airgap.bundle.manifest import BundleManifest, Member
from airgap.bundle.partset import read_labels
from airgap.bundle.reader import BundleReader
from airgap.bundle.writer import Chunk, Content
from airgap.disk.host import host_errors
from airgap.disk.paths import file_size
from airgap.disk.reading import open_regular
from airgap.errors import FormatError, HostError, IntegrityError
from airgap.progress import Silent

_BROKEN: Final = (FormatError, IntegrityError, HostError)  # however it ends: the rest comes from the sources


class Earlier:
    """The members at the beginning of what was written, if it is of the same plan. Use as a context manager."""

    def __init__(self, paths: Sequence[Path], manifest: BundleManifest, *, are_parts: bool) -> None:
        self._source = _Pieces(paths, are_parts=are_parts)
        self._reader = BundleReader(self._source, jobs=1, progress=Silent())
        self._is_over = False
        self.taken = 0  # bytes of members that came from here
        try:
            self._is_over = not paths or self._reader.read_manifest()[0] != manifest
        except _BROKEN:
            self._is_over = True

    def __enter__(self) -> Earlier:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()
        self._source.close()

    def stop(self) -> None:
        """What is there is about to be overwritten. Safe to call from another thread."""
        self._is_over = True

    def before(self, content: Content) -> Content:
        """The content of each member from here as far as it goes, and the rest of it from ``content``."""

        def chunks(member: Member) -> Iterator[Chunk]:
            got = 0
            for piece in self._chunks(member):
                got += len(piece)
                yield piece
            self.taken += got
            if got < member.size:
                for chunk in content(member):
                    view = memoryview(chunk)
                    skipped = min(got, len(view))
                    got -= skipped
                    yield view[skipped:]

        return chunks

    def _chunks(self, member: Member) -> Iterator[bytes]:
        if self._is_over or self._reader.next != member:
            self._is_over = True
            return
        try:
            for piece in self._reader.unproven():
                yield bytes(piece)
                if self._is_over:
                    return
        except _BROKEN:
            self._is_over = True


class _Pieces:
    """The bytes of these files one after the other; of parts, without the labels that are there already."""

    def __init__(self, paths: Sequence[Path], *, are_parts: bool) -> None:
        self._waiting = list(reversed(paths))
        self._are_parts = are_parts
        self._file: BinaryIO | None = None
        self._left = 0

    def read(self, size: int, /) -> bytes:
        while True:
            if self._file is not None and self._left:
                with host_errors("what an earlier export wrote"):
                    data = self._file.read(min(size, self._left))
                self._left -= len(data)
                if data:
                    return data
            self.close()
            if not self._waiting:
                return b""
            path = self._waiting.pop()
            self._file, self._left = open_regular(path), file_size(path)
            if self._are_parts:
                labels = PART_OPENING_SIZE + (PART_CLOSING_SIZE if read_labels(path).closing else 0)
                self._left = max(0, self._left - labels)
                self._file.seek(PART_OPENING_SIZE)

    def close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        self._file, self._left = None, 0
