"""Folders of ours: listing and emptying them by descriptors, as openat(2) does, never through a link; making a new one.

A name that was a folder a moment ago and is a link now leads nowhere.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from airgap.disk.host import host_errors
from airgap.disk.paths import is_occupied, make_folder, remove_tree
from airgap.disk.writing import sync_folder, write_whole
from airgap.errors import FormatError, HostError

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_ENTRIES_MAX: Final = 5_000_000  # names that are held in memory


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A name below a folder: its path from there, and its size in bytes if it is a plain file.

    What is neither a plain file nor a folder (a link, a device, a pipe) is told by both being False.
    """

    path: str
    is_file: bool = False
    is_folder: bool = False
    size: int = 0


def tree(root: Path, enter: Callable[[str], bool]) -> list[Found]:
    """Every name below a folder, each folder before what is in it; only folders that ``enter`` wants are looked into.

    Raises HostError, FormatError(limit-exceeded).
    """
    found: list[Found] = []
    with host_errors(str(root)):
        _list(os.open(root, _FOLDER), "", enter, found)
    return found


def _list(folder: int, prefix: str, enter: Callable[[str], bool], found: list[Found]) -> None:
    """``folder`` is closed in the end."""
    try:
        for name in sorted(os.listdir(folder)):
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            path = f"{prefix}{name}"
            is_folder = stat.S_ISDIR(status.st_mode)
            is_file = stat.S_ISREG(status.st_mode)
            found.append(Found(path, is_file, is_folder, status.st_size if is_file else 0))
            if len(found) > _ENTRIES_MAX:
                raise FormatError("limit-exceeded", f"over {_ENTRIES_MAX} files are there", limit=_ENTRIES_MAX)
            if is_folder and enter(path):
                _list(os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder), f"{path}/", enter, found)
    finally:
        os.close(folder)


def remove_files(root: Path, paths: Iterable[str]) -> None:
    """Remove plain files by their paths below a folder, durably. One that is gone already is no error."""
    by_folder: dict[str, list[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        by_folder.setdefault(folder, []).append(name)
    for folder, names in by_folder.items():
        with _opened(root, folder) as descriptor:
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=descriptor)
            os.fsync(descriptor)


def remove_empty(root: Path, paths: Iterable[str]) -> None:
    """Remove those folders, by their paths below a folder, that are empty once the deeper ones are gone."""
    for path in sorted(paths, key=lambda path: path.count("/"), reverse=True):
        folder, _, name = path.rpartition("/")
        with _opened(root, folder) as descriptor, contextlib.suppress(OSError):  # it is not empty, then
            os.rmdir(name, dir_fd=descriptor)


@contextlib.contextmanager
def _opened(root: Path, path: str) -> Iterator[int]:
    """A folder below another, each step of the way being a folder. Raises HostError."""
    with host_errors(str(root / path)):
        descriptor = os.open(root, _FOLDER)
        try:
            for name in filter(None, path.split("/")):
                inner = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
                outer, descriptor = descriptor, inner
                os.close(outer)
            yield descriptor
        finally:
            os.close(descriptor)


def publish_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files by their paths into a new folder, which appears with all of them or not at all.

    Raises HostError(output-exists) where there is something other than an empty folder.
    """
    if is_occupied(folder):
        raise HostError("output-exists", f"{folder} is there and not empty", path=str(folder))
    partial = folder.with_name(f"{folder.name}.airgap-partial")
    remove_tree(partial)
    try:
        for path, data in files.items():
            make_folder((partial / path).parent)
            write_whole(partial / path, data)
        with host_errors(str(folder)):
            partial.rename(folder)
        sync_folder(folder.parent)
    except BaseException:
        with contextlib.suppress(HostError):
            remove_tree(partial)
        raise
