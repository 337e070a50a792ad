"""Writing files, safely: nothing half-written, durable when it is said to be, every error typed (HostError)."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from airgap.disk.host import host_errors
from airgap.disk.reading import ErrorTyping, closing, open_regular
from airgap.errors import HostError

TEMPORARY: Final = ".airgap-partial"
_SYNC_THREADS: Final = 8  # they wait for the disk, not for a core


def temporary_name(path: Path) -> Path:
    """What a file is called until it is whole."""
    return path.with_name(f"{path.name}{TEMPORARY}")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file that appears whole under its name or not at all: temporary name, fsync, rename, fsync.

    Whatever is raised inside, the temporary file is removed.
    """
    temporary = temporary_name(path)
    with host_errors(str(path)):
        require_replaceable(path)
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            with os.fdopen(descriptor, "wb", 0) as file:
                yield file
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)


def require_replaceable(path: Path) -> None:
    """A link, device, pipe or folder under the name is somebody's intention; it is not replaced."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(mode := path.lstat().st_mode):
            what = "is a folder" if stat.S_ISDIR(mode) else "exists and is not a regular file"
            raise HostError("not-a-regular-file", f"{path}: {what}", path=str(path))


class PendingFile:
    """A new file under a temporary name, until all that belong together are written (see pending_files)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.temporary = temporary_name(path)
        with host_errors(str(path)):
            require_replaceable(path)
            with contextlib.suppress(FileNotFoundError):
                self.temporary.unlink()
            self._file: BinaryIO | None = self._open(os.O_CREAT | os.O_EXCL)

    def write(self, data: bytes, /) -> None:
        """Add to the end."""
        with host_errors(str(self.path)):
            if self._file is None:
                self._file = self._open(os.O_APPEND)
            write_all(self._file, data)

    def write_at(self, data: bytes | memoryview, position: int) -> None:
        """Write anywhere; not to be mixed with write()."""
        with host_errors(str(self.path)):
            if self._file is None:
                self._file = self._open(0)
            view = memoryview(data)
            while view:
                done = os.pwrite(self._file.fileno(), view, position)
                view, position = view[done:], position + done

    def pause(self) -> None:
        """Close the descriptor: there may be more files than a process can hold open."""
        if self._file is not None:
            with host_errors(str(self.path)):
                self._file.close()
            self._file = None

    def finish(self) -> None:
        """All is written."""
        self.pause()

    @contextlib.contextmanager
    def reading(self) -> Iterator[ErrorTyping]:
        """Read what was written, from its start."""
        self.pause()
        file = open_regular(self.temporary)
        with closing(file, str(self.path)):
            yield ErrorTyping(file, str(self.path))

    def publish(self) -> None:
        with host_errors(str(self.path)):
            os.replace(self.temporary, self.path)

    def discard(self) -> None:
        with contextlib.suppress(OSError, HostError):
            self.pause()
        with contextlib.suppress(OSError):
            self.temporary.unlink()

    def _open(self, flags: int) -> BinaryIO:
        descriptor = os.open(self.temporary, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o644)
        return os.fdopen(descriptor, "wb", 0)


Create = Callable[[Path], PendingFile]


@contextlib.contextmanager
def pending_files() -> Iterator[Create]:
    """Make files that appear under their names only when all of them are written and durable.

    Whatever is raised inside, the temporary files are removed.
    """
    files: list[PendingFile] = []

    def create(path: Path) -> PendingFile:
        files.append(PendingFile(path))
        return files[-1]

    try:
        yield create
        publish_all(files)
    except BaseException:
        for file in files:
            file.discard()
        raise


def publish_all(files: Sequence[PendingFile]) -> None:
    """Make files appear under their names, all of their bytes and names durable. Raises HostError."""
    for file in files:
        file.finish()
    sync_all([file.temporary for file in files])
    for file in files:
        file.publish()
    sync_all(list({file.path.parent for file in files}))


def write_whole(path: Path, data: bytes) -> None:
    """Replace a small file durably."""
    with replacing(path) as file:
        write_all(file, data)


def write_all(file: BinaryIO, data: bytes | bytearray | memoryview) -> None:
    """Write every byte to an unbuffered file: a short write is continued, not ignored."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


class Whole:
    """An unbuffered file to which every write is whole."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes, /) -> None:
        write_all(self._file, data)


def append_durably(file: BinaryIO, size: int, data: bytes, what: str) -> None:
    """Make a held file ``data`` longer than ``size`` bytes, all of it or nothing. Raises HostError."""
    with host_errors(what):
        try:
            file.seek(size)
            write_all(file, data)
            os.ftruncate(file.fileno(), size + len(data))
            os.fsync(file.fileno())
        except BaseException:
            with contextlib.suppress(OSError):
                os.ftruncate(file.fileno(), size)
            raise


def sync_folder(path: Path) -> None:
    """Make names in a folder durable."""
    _sync(path)


def sync_all(paths: Sequence[Path]) -> None:
    """Make the content of files and folders durable, several at a time: a disk takes them together."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_SYNC_THREADS) as pool:
        for _ in pool.map(_sync, paths):
            pass


def _sync(path: Path) -> None:
    with host_errors(str(path)):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
