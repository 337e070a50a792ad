"""Bytes that were fetched and are needed again: in an unnamed temporary file, so memory does not grow with them."""

from __future__ import annotations

import os
import threading

from airgap.digest import Digest
from airgap.disk.host import host_errors
from airgap.disk.paths import unnamed_temporary
from airgap.disk.writing import write_all


class Spool:
    """Small documents by digest. Safe to use from several threads."""

    def __init__(self) -> None:
        self._file = unnamed_temporary()
        self._places: dict[Digest, tuple[int, int]] = {}
        self._end = 0
        self._lock = threading.Lock()

    def close(self) -> None:
        self._file.close()

    def __contains__(self, digest: Digest) -> bool:
        return digest in self._places

    def put(self, digest: Digest, data: bytes) -> None:
        """Keep bytes that the caller has checked."""
        with self._lock, host_errors("temporary file"):
            if digest not in self._places:
                write_all(self._file, data)
                self._places[digest] = (self._end, len(data))
                self._end += len(data)

    def get(self, digest: Digest) -> bytes:
        offset, size = self._places[digest]
        with host_errors("temporary file"):
            return os.pread(self._file.fileno(), size, offset)
