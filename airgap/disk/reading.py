"""Reading files: plain ones, no links followed."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, Final

from airgap.disk.host import host_error, host_errors
from airgap.errors import FormatError, HostError

BUFFER: Final = 1024 * 1024  # bytes
_PIECE: Final = 64 * 1024  # bytes: small files are the most, and a buffer for each would cost more than reading them
# What Linux says of a sector that cannot be read, depending on the driver: block/blk-core.c, drivers/scsi
_UNREADABLE: Final = frozenset({errno.EIO, errno.ENODATA, errno.EILSEQ, errno.EREMOTEIO})


def open_regular(path: Path, buffer: int = BUFFER) -> BinaryIO:
    """Open a plain file for reading, without following a link at its end; devices and pipes are refused."""
    with host_errors(str(path)):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        if not stat.S_ISREG(mode := os.fstat(descriptor).st_mode):
            os.close(descriptor)
            what = "is a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise HostError("not-a-regular-file", f"{path}: {what}", path=str(path))
        return os.fdopen(descriptor, "rb", buffer)


def read_bounded(path: Path, limit: int) -> bytes:
    """The whole content of a plain file of at most ``limit`` bytes. Raises HostError, FormatError(limit-exceeded)."""
    with host_errors(str(path)), open_regular(path, 0) as file:
        pieces = []
        left = limit + 1
        while left and (piece := file.read(min(left, _PIECE))):
            pieces.append(piece)
            left -= len(piece)
    data = b"".join(pieces)
    if not left:
        raise FormatError("limit-exceeded", f"{path}: more than {limit} bytes", path=str(path), limit=limit)
    return data


def read_given(path: Path, limit: int) -> bytes:
    """Like read_bounded(), for a path that the operator typed: a link is followed, as they would expect."""
    with host_errors(str(path)):
        return read_bounded(Path(os.path.realpath(path, strict=True)), limit)


class ErrorTyping:
    """A readable stream whose operating system errors become HostError."""

    def __init__(self, file: IO[bytes], what: str) -> None:
        self._file = file
        self._what = what

    def read(self, size: int, /) -> bytes:
        with host_errors(self._what):
            return self._file.read(size) or b""


class SeekableInput(ErrorTyping):
    """A plain file in which one can go on without reading."""

    def __init__(self, file: BinaryIO, what: str) -> None:
        super().__init__(file, what)
        self._descriptor = file.fileno()
        with host_errors(what):
            self.size = os.fstat(self._descriptor).st_size

    def skip(self, size: int) -> None:
        with host_errors(self._what):
            self._file.seek(size, os.SEEK_CUR)

    def tail(self, size: int) -> bytes:
        """The last bytes, wherever one is; fewer if there are not so many, or they cannot be read."""
        with contextlib.suppress(OSError):
            return os.pread(self._descriptor, size, max(0, self.size - size))
        return b""


@contextlib.contextmanager
def closing(file: BinaryIO, what: str) -> Iterator[None]:
    """Close it in the end, with a typed error; what is raised inside is about something else and is left as it is."""
    try:
        yield
    finally:
        with host_errors(what):
            file.close()


@contextlib.contextmanager
def open_input(path: str) -> Iterator[ErrorTyping]:
    """The bundle that an operator named: a plain file, or ``-`` for standard input; it can seek if it is a file."""
    if path == "-":
        if sys.stdin is None:  # closed by whoever started us
            raise HostError("input-output", "standard input is closed", path="-")
        yield ErrorTyping(sys.stdin.buffer, "standard input")
        return
    with host_errors(path):
        resolved = Path(os.path.realpath(path, strict=True))
    file = open_regular(resolved)
    with closing(file, path):
        yield SeekableInput(file, path)


class RandomAccess:
    """A plain file that is read at any place. What a medium cannot read is told apart from other errors."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = open_regular(path)

    @property
    def size(self) -> int:
        with host_errors(str(self._path)):
            return os.fstat(self._file.fileno()).st_size

    def read_at(self, position: int, size: int) -> bytes | None:
        """``size`` bytes, fewer at the end of the file; None where the medium gives an error (a bad sector)."""
        data = b""
        try:
            while len(data) < size:
                more = os.pread(self._file.fileno(), size - len(data), position + len(data))
                if not more:
                    break
                data += more
        except OSError as error:
            if error.errno in _UNREADABLE:
                return None
            raise host_error(error, str(self._path)) from error
        return data

    def close(self) -> None:
        with host_errors(str(self._path)):
            self._file.close()
