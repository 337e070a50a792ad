"""What is changed in a folder of ours, and how it is taken back: all of it is there in the end, or nothing."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from airgap.disk.host import host_errors
from airgap.disk.paths import is_there, make_folder, require_no_link
from airgap.disk.reading import read_bounded
from airgap.disk.writing import write_whole
from airgap.errors import AirgapError


class Changes:
    """The changes below one folder; each is noted before it is made. Either undo() is called, or they stay."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: set[Path] = set()
        self._moved: dict[Path, Path] = {}  # where each new file came from
        self._before: dict[Path, bytes | None] = {}  # None: there was nothing

    def make_folder(self, path: Path) -> None:
        """Make a folder and those above it. Raises HostError(not-a-regular-file) if one is a link."""
        require_no_link(self._folder, path)
        self._made.add(path)
        make_folder(path)

    def move_in(self, source: Path, target: Path) -> None:
        """Rename a file whose name says its content: one that was there under the same name is not kept."""
        with host_errors(str(target)):
            if not is_there(target):
                self._moved[target] = source
            os.replace(source, target)

    def will_write(self, path: Path, limit: int) -> None:
        """Keep what is there under a name, of at most ``limit`` bytes: it is about to be written."""
        if path not in self._before:
            self._before[path] = read_bounded(path, limit) if is_there(path) else None

    def undo(self) -> None:
        """Put everything back as it was, as far as the disk lets."""
        for target, source in self._moved.items():
            with contextlib.suppress(OSError):
                os.replace(target, source)
        for path, data in self._before.items():
            with contextlib.suppress(AirgapError, OSError):
                path.unlink(missing_ok=True) if data is None else write_whole(path, data)
        for folder in self._made:
            with contextlib.suppress(OSError):  # up to the first that is not empty
                while folder != self._folder:
                    folder.rmdir()
                    folder = folder.parent
