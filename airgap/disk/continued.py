"""New files that an earlier run may have begun: what is there already is compared, and not written again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from airgap.disk.host import host_errors
from airgap.disk.paths import file_size, is_ours_alone
from airgap.disk.reading import open_regular
from airgap.disk.writing import Create, PendingFile, publish_all, require_replaceable, temporary_name
from airgap.errors import HostError


class ContinuedFile(PendingFile):
    """A new file that an earlier run may have begun under its temporary name: what is there is compared, not written.

    What cannot be of an earlier run, as it is somebody else's or has another name, too, goes before the first byte.
    ``differs`` is called before anything that is there is overwritten.
    """

    def __init__(self, path: Path, differs: Callable[[], None]) -> None:
        self.path = path
        self.temporary = temporary_name(path)
        self._differs = differs
        self._position = 0
        self._there: BinaryIO | None = None
        with host_errors(str(path)):
            require_replaceable(path)
            with contextlib.suppress(FileNotFoundError):
                if not is_ours_alone(self.temporary):
                    self.temporary.unlink()
            self._file = self._open(os.O_CREAT)
            self._end = os.fstat(self._file.fileno()).st_size

    def write(self, data: bytes, /) -> None:
        if self._position < self._end:
            if self._read(len(data)) == data:
                self._position += len(data)
                return
            self._differs()
            self._cut()
        self.write_at(data, self._position)
        self._position += len(data)

    def pause(self) -> None:
        super().pause()
        if self._there is not None:
            self._there.close()
        self._there = None

    def finish(self) -> None:
        if self._position < self._end:
            self._cut()
        super().finish()

    def keep(self) -> None:
        """Leave what was written for a later run, if anything was."""
        with contextlib.suppress(OSError, HostError):
            self.pause()
            if not file_size(self.temporary):
                self.discard()

    def _read(self, size: int) -> bytes:
        if self._there is None:
            self._there = open_regular(self.temporary, 0)
        with host_errors(str(self.path)):
            return os.pread(self._there.fileno(), size, self._position)

    def _cut(self) -> None:
        with host_errors(str(self.path)):
            os.truncate(self.temporary, self._position)
        self._end = self._position


@contextlib.contextmanager
def continued_files(differs: Callable[[], None], keeps: Callable[[BaseException], bool]) -> Iterator[Create]:
    """Like pending_files(), going on with what an earlier run left; an error that ``keeps`` it leaves it again."""
    files: list[ContinuedFile] = []

    def create(path: Path) -> PendingFile:
        files.append(ContinuedFile(path, differs))
        return files[-1]

    try:
        yield create
        publish_all(files)
    except BaseException as error:
        for file in files:
            if keeps(error):
                file.keep()
            else:
                file.discard()
        raise
