"""Reading a file from its medium, not from the page cache: what was written may never have arrived there."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from airgap.disk.host import host_errors
from airgap.disk.paths import resolved
from airgap.disk.reading import BUFFER, open_regular

_PROBES: Final = 64  # places of a file that are asked whether they are still in memory


class HowRead(StrEnum):
    """How a file was read, in the words that are shown."""

    DIRECT = "direct"  # O_DIRECT: the page cache had no part in it
    DROPPED = "cache-dropped"  # its pages were dropped from the cache first, and none was found there afterwards
    CACHED = "cached"  # neither was possible here: memory may have answered


class _Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


@contextlib.contextmanager
def open_uncached(path: Path) -> Iterator[tuple[_Source, HowRead]]:
    """A plain file, read around the page cache as far as the platform can, and how."""
    path = resolved(path)
    with open_regular(path) as file:
        with host_errors(str(path)):
            _flush(file.fileno())
            direct = _open_direct(path)
        if direct is not None:
            try:
                yield _Direct(direct, path), HowRead.DIRECT
            finally:
                os.close(direct)
            return
        with host_errors(str(path)):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            how = HowRead.CACHED if _is_cached(file.fileno()) else HowRead.DROPPED
        yield _Plain(file.fileno(), path), how


def _flush(descriptor: int) -> None:
    """What is still on its way to the medium goes there. A file system that cannot write has nothing on its way."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EROFS):
            raise


def _open_direct(path: Path) -> int | None:
    """A descriptor whose first block could be read so; None where the file system refuses."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECT)
    except OSError:
        return None
    try:
        with mmap.mmap(-1, mmap.PAGESIZE) as buffer:
            os.preadv(descriptor, [buffer], 0)
    except OSError as error:
        os.close(descriptor)
        if _is_refusal(error):
            return None
        raise
    return descriptor


def _is_refusal(error: OSError) -> bool:
    """Whether direct reading is not to be had, rather than the medium being bad."""
    return error.errno in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS)


def _is_cached(descriptor: int) -> bool:
    """Whether any page that is asked for is answered from memory (RWF_NOWAIT of preadv2(2)), or nobody can tell."""
    size = os.fstat(descriptor).st_size
    buffer = bytearray(1)
    for probe in range(_PROBES):
        try:
            if os.preadv(descriptor, [buffer], probe * max(0, size - 1) // _PROBES, os.RWF_NOWAIT):
                return True
        except BlockingIOError:
            continue
        except OSError:
            return True
    return False


class _Plain:
    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path

    def read(self, size: int, /) -> bytes:
        with host_errors(str(self._path)):
            return os.read(self._descriptor, size)


class _Direct:
    """Reads whole aligned buffers, which O_DIRECT asks for, and gives them out in pieces."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path
        self._buffer = mmap.mmap(-1, BUFFER)  # aligned to a page
        self._position: int | None = 0  # None at the end: reading on from there would not be aligned
        self._left = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        if not self._left and self._position is not None:
            self._fill(self._position)
        piece, self._left = self._left[:size], self._left[size:]
        return bytes(piece)

    def _fill(self, position: int) -> None:
        with host_errors(str(self._path)):
            count = os.preadv(self._descriptor, [self._buffer], position)
        self._position = None if count % mmap.PAGESIZE or not count else position + count
        self._left = memoryview(self._buffer[:count])
