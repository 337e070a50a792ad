"""Reading files, safely: no links followed, every operating system error typed (HostError).

writing.py is the other half. Together they are where the package meets the disk.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, BinaryIO, Final, cast

from airgap.errors import FormatError, HostError

BUFFER: Final = 1024 * 1024  # bytes
_PIECE: Final = 64 * 1024  # bytes: small files are the most, and a buffer for each would cost more than reading them
FAT32_FILE_MAX: Final = 2**32 - 1  # bytes: the size field of a FAT directory entry has 32 bits
# What Linux says of a sector that cannot be read, depending on the driver: block/blk-core.c, drivers/scsi
_UNREADABLE: Final = frozenset({errno.EIO, errno.ENODATA, errno.EILSEQ, errno.EREMOTEIO})
_NO_LINKS: Final = (
    "Find out who put it there. The folder as a whole may be a link, or a mount; nothing inside of it may be one."
)


@contextlib.contextmanager
def host_errors(what: str) -> Iterator[None]:
    """Turn OSError into HostError; ``what`` is the path or action that the operator knows."""
    try:
        yield
    except OSError as error:
        raise host_error(error, what) from error


def host_error(error: OSError, what: str) -> HostError:
    reason = error.strerror or str(error)
    if error.errno == errno.EFBIG:
        return HostError(
            "disk-full",
            f"{what}: the file system holds no file as large as this ({reason}); FAT32 stops at {FAT32_FILE_MAX} bytes",
            hint="Export with --volume-size fat32 (or cut with `airgap split`), or use exFAT, ext4 or UDF.",
            path=what,
        )
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return HostError("disk-full", f"{what}: {reason}", path=what)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return HostError("permission-denied", f"{what}: {reason}", path=what)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return HostError("file-not-found", f"{what}: {reason}", path=what)
    if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
        return HostError("not-a-regular-file", f"{what}: {reason}", path=what)
    return HostError("input-output", f"{what}: {reason}", path=what)


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


def unnamed_temporary() -> BinaryIO:
    """A file for reading and writing that nobody else can see and that is gone with its last user (TMPDIR)."""
    import tempfile  # here and below: what few commands use is not to slow down the start of all

    with host_errors("temporary file"):
        return cast(BinaryIO, tempfile.TemporaryFile(buffering=0))


def private_folder() -> Path:
    """A new folder for this user alone (TMPDIR); the caller removes it with remove_tree()."""
    import tempfile

    with host_errors("temporary folder"):
        return Path(tempfile.mkdtemp(prefix="airgap-"))


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


def regular_files(folder: Path) -> list[Path]:
    """The plain files of a folder by name, not those below it; links are left out."""
    with host_errors(str(folder)), os.scandir(folder) as entries:
        return sorted(Path(entry.path) for entry in entries if entry.is_file(follow_symlinks=False))


def names_in(folder: Path) -> list[str]:
    with host_errors(str(folder)):
        return os.listdir(folder)


def is_folder(path: Path) -> bool:
    """Raises HostError if the path does not exist."""
    with host_errors(str(path)):
        return stat.S_ISDIR(os.stat(path).st_mode)


def is_there(path: Path) -> bool:
    """Whether a path leads to anything. Raises HostError where nobody can tell: Path.exists() may say no to that."""
    with host_errors(str(path)):
        try:
            os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True


def file_size(path: Path) -> int:
    with host_errors(str(path)):
        return os.stat(path).st_size


def resolved(path: Path) -> Path:
    """Where a path that the operator typed leads; it must exist."""
    with host_errors(str(path)):
        return Path(os.path.realpath(path, strict=True))


def is_ours_alone(path: Path) -> bool:
    """Whether this is a regular file of this user that has no other name. Raises FileNotFoundError."""
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and status.st_uid == os.geteuid()


def require_no_link(root: Path, path: Path) -> None:
    """Raises HostError if a folder below ``root``, on the way to ``path``, is a link: writing would lead elsewhere."""
    for part in (path, *path.parents):
        if part == root:
            return
        with host_errors(str(part)):
            is_link = part.is_symlink()
        if is_link:
            raise HostError("not-a-regular-file", f"{part}: is a link", hint=_NO_LINKS, path=str(part))


def require_room(folder: Path, needed: int) -> None:
    """Raises HostError(disk-full) if the file system of a folder has not ``needed`` bytes left for this user."""
    with host_errors(str(folder)):
        free = _free(folder)
    if free < needed:
        raise HostError(
            "disk-full",
            f"{folder}: {free} bytes are free, at least {needed} are needed",
            hint="Free some space or write elsewhere; nothing was written.",
            free=free,
            needed=needed,
        )


def free_space(path: Path) -> int | None:
    """Bytes that this process could write below a folder; None if there is no such folder here."""
    with host_errors(str(path)):
        try:
            return _free(path)
        except FileNotFoundError:
            return None


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def nearest_folder(path: Path) -> Path:
    """The folder itself, or the first above it that exists: that is where the room for it would be."""
    with host_errors(str(path)):
        path = path.absolute()
        while not is_there(path) and path != path.parent:
            path = path.parent
        return path


@contextlib.contextmanager
def held(path: Path, folder: Path, *, create: bool = False) -> Iterator[BinaryIO]:
    """A plain file for reading and writing, held against every other process that asks so: the lock of ``folder``.

    Raises HostError(store-locked); what a process that died held is free at once.
    """
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | (os.O_CREAT if create else 0)
    with host_errors(str(path)):
        descriptor = os.open(path, flags, 0o600)
    file = os.fdopen(descriptor, "r+b", 0)
    with closing(file, str(path)):
        with host_errors(str(path)):
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise HostError("not-a-regular-file", f"{path}: not a regular file", path=str(path))
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise HostError("store-locked", f"{folder}: another airgap is writing to this folder") from None
        yield file


def make_folder(path: Path) -> None:
    with host_errors(str(path)):
        path.mkdir(parents=True, exist_ok=True)


def is_occupied(folder: Path) -> bool:
    """Whether there is anything under this name but an empty folder."""
    with host_errors(str(folder)):
        return folder.is_symlink() or (is_there(folder) and (not folder.is_dir() or any(folder.iterdir())))


def remove_file(path: Path) -> None:
    with host_errors(str(path)):
        path.unlink()


def remove_others(folder: Path, kept: Collection[str]) -> None:
    """Remove the plain files of a folder of ours that are not ``kept``: what an earlier version or a crash left."""
    with host_errors(str(folder)):
        for path in folder.iterdir():
            if path.name not in kept and not path.is_dir():
                path.unlink()


def remove_tree(path: Path) -> None:
    """Remove a folder of ours; a link in its place is removed, not followed; a missing one is no error."""
    with host_errors(str(path)):
        if path.is_symlink():
            path.unlink()
            return
        if not is_there(path):
            return
        for child in path.iterdir():
            if child.is_dir() and not child.is_symlink():
                remove_tree(child)
            else:
                child.unlink()
        path.rmdir()
