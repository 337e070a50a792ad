"""Who may write to a folder of ours: one process at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from airgap.disk.host import host_errors
from airgap.disk.reading import closing
from airgap.errors import HostError


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
