"""What is at a path, how much room there is, and folders made and removed."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO, Final, cast

from airgap.disk.host import host_errors
from airgap.errors import HostError

_NO_LINKS: Final = (
    "Find out who put it there. The folder as a whole may be a link, or a mount; nothing inside of it may be one."
)


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
