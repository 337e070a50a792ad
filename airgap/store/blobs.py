"""A blob as a file on our disk: what it says is believed only while it is hashed (check on use)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from airgap.digest import Digest
from airgap.disk.host import host_errors
from airgap.disk.reading import BUFFER, open_regular
from airgap.errors import FormatError, IntegrityError
from airgap.verify import BlobReceipt, require_blob


def blob_chunks(path: Path, digest: Digest, expected: int) -> Iterator[bytes]:
    """The bytes of a blob of ``expected`` bytes, hashed while they are read.

    Raises IntegrityError(blob-differs) before the end if they are others; nothing read may be used then.
    """
    hasher, size = hashlib.sha256(), 0
    for chunk in _read(path):
        hasher.update(chunk)
        size += len(chunk)
        yield chunk
    _require(path, digest, expected, hasher.hexdigest(), size)


def prove_blob(path: Path, digest: Digest, expected: int) -> BlobReceipt:
    """Hash a whole file. Raises HostError(file-not-found, not-a-regular-file, …), IntegrityError(blob-differs)."""
    hasher, size = hashlib.sha256(), 0
    for chunk in _read(path):
        hasher.update(chunk)
        size += len(chunk)
    return _require(path, digest, expected, hasher.hexdigest(), size)


def read_blob(path: Path, digest: Digest, size: int, limit: int) -> bytes:
    """A small blob, whole. Raises what blob_chunks() raises, and FormatError(limit-exceeded) over ``limit`` bytes."""
    if size > limit:
        raise FormatError("limit-exceeded", f"blob {digest} has {size} bytes, over {limit}")
    return b"".join(blob_chunks(path, digest, size))


def _read(path: Path) -> Iterator[bytes]:
    with host_errors(str(path)), open_regular(path, 0) as file:
        while chunk := file.read(BUFFER):
            yield chunk


def _require(path: Path, digest: Digest, expected: int, found: str, size: int) -> BlobReceipt:
    if size != expected or found != digest.hex:
        raise IntegrityError(
            "blob-differs",
            f"{path}: the stored blob is damaged",
            hint="Check the disk, then import the bundle again: it replaces the damaged blob.",
        )
    return require_blob(digest, size, found, str(path))
