"""Fetching the next blobs while the bundle is still taking earlier ones: several at a time, within a bound."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from airgap.digest import Digest
from airgap.disk.host import host_errors
from airgap.disk.paths import unnamed_temporary
from airgap.disk.reading import BUFFER
from airgap.disk.writing import write_all
from airgap.limits import MIB

THREADS: Final = 4  # a registry serves each connection at a bounded rate; more would only compete
BUDGET: Final = 256 * MIB  # bytes on the temporary file system at any time
SINGLE_MAX: Final = 64 * MIB  # bytes: larger blobs are streamed when their turn comes


@dataclass(slots=True)
class _Slot:
    size: int
    file: BinaryIO | None = None
    error: BaseException | None = None
    is_done: bool = False


class ReadAhead:
    """Blobs in the order in which they will be taken. What was not begun when it is asked for is streamed directly.

    The threads are daemons: one that waits for a server does not hold the program back when it ends.
    """

    def __init__(self, order: Iterable[tuple[Digest, int]], fetch: Callable[[Digest], Iterator[bytes]]) -> None:
        """``order`` gives digests and sizes in bytes. ``fetch`` streams a blob.

        It is called from several threads, and what it raises is raised by take().
        """
        self._fetch = fetch
        self._waiting = deque((digest, size) for digest, size in order if size <= SINGLE_MAX)
        self._slots: dict[Digest, _Slot] = {}
        self._used = 0
        self._changed = threading.Condition()
        self._is_stopped = False
        self._threads: list[threading.Thread] = []

    def close(self) -> None:
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
            for slot in self._slots.values():
                if slot.file is not None:
                    slot.file.close()

    def take(self, digest: Digest) -> Iterator[bytes]:
        """The bytes of a blob. Raises what fetching it raised."""
        with self._changed:
            if any(digest == one for one, _ in self._waiting):
                while self._waiting[0][0] != digest:
                    self._waiting.popleft()  # it came from elsewhere: blobs are taken in their order
            self._start()
            slot = self._slots.pop(digest, None)
            if slot is None:
                self._waiting = deque(one for one in self._waiting if one[0] != digest)
            while slot is not None and not slot.is_done:
                self._changed.wait()
        if slot is None:
            yield from self._fetch(digest)
            return
        try:
            if slot.error is not None:
                raise slot.error
            yield from _read(slot.file)
        finally:
            with self._changed:
                self._used -= slot.size
                self._changed.notify_all()

    def _start(self) -> None:
        while not self._is_stopped and len(self._threads) < min(THREADS, len(self._waiting)):
            thread = threading.Thread(target=self._work, name="fetch", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while (begun := self._begin()) is not None:
            digest, slot = begun
            try:
                slot.file = self._fetched(digest)
            # Whatever it is, it is raised again in the thread that asks for this blob.
            except BaseException as error:
                slot.error = error
            with self._changed:
                slot.is_done = True
                if self._is_stopped and slot.file is not None:
                    slot.file.close()
                self._changed.notify_all()

    def _begin(self) -> tuple[Digest, _Slot] | None:
        with self._changed:
            while not self._is_stopped and self._waiting and self._used + self._waiting[0][1] > BUDGET:
                self._changed.wait()
            if self._is_stopped or not self._waiting:
                return None
            digest, size = self._waiting.popleft()
            self._used += size
            slot = self._slots[digest] = _Slot(size)
            return digest, slot

    def _fetched(self, digest: Digest) -> BinaryIO:
        with host_errors("temporary file"):
            file = unnamed_temporary()
            try:
                for piece in self._fetch(digest):
                    if self._is_stopped:
                        break
                    write_all(file, piece)
            except BaseException:
                file.close()
                raise
            file.seek(0)
            return file


def _read(file: BinaryIO | None) -> Iterator[bytes]:
    if file is None:
        raise RuntimeError("the export has ended")
    with file, host_errors("temporary file"):
        while piece := file.read(BUFFER):
            yield piece
