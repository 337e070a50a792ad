"""What the operating system says went wrong, as HostError."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from typing import Final

from airgap.errors import HostError

FAT32_FILE_MAX: Final = 2**32 - 1  # bytes: the size field of a FAT directory entry has 32 bits


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
