"""Work beside the main thread, each lane in its order, in bounded memory: hashing and storing blobs, writing frames."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from typing import Final, Protocol

_LANES_MAX: Final = 4
_QUEUE_MAX: Final = 2  # tasks that wait in a lane, each holding at most one frame

Task = Callable[[], None]
Tasks = queue.Queue[Task | None]


class Hasher(Protocol):
    def update(self, data: memoryview, /) -> None: ...
    def hexdigest(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Lane:
    """The way of one blob through one worker thread."""

    _submit: Callable[[Task], None]
    _hasher: Hasher
    _write: Callable[[memoryview], object] | None
    _done: Callable[[str], None]

    def put(self, piece: memoryview) -> None:
        """Hash and write a piece, some time. Raises what an earlier piece of any blob has raised."""
        self._submit(lambda: self._work(piece))

    def finish(self) -> None:
        """After the last piece: hand over the digest."""
        self._submit(lambda: self._done(self._hasher.hexdigest()))

    def _work(self, piece: memoryview) -> None:
        self._hasher.update(piece)
        if self._write is not None:
            self._write(piece)


class Lanes:
    """A few worker threads, each with a short queue. The first error stops the work of all.

    The threads are daemons: one that is stuck in a write to a pipe does not hold the program back when it ends.
    """

    def __init__(self, jobs: int, depth: int = _QUEUE_MAX) -> None:
        self._queues: list[Tasks] = [queue.Queue(depth) for _ in range(max(1, min(jobs, _LANES_MAX)))]
        self._turn = cycle(self._queues)
        self._error: BaseException | None = None
        self._threads = [threading.Thread(target=self._run, args=(tasks,), daemon=True) for tasks in self._queues]
        for thread in self._threads:
            thread.start()

    def open(self, hasher: Hasher, write: Callable[[memoryview], object] | None, done: Callable[[str], None]) -> Lane:
        """A lane for one blob; ``done`` gets the hex digest after the last piece."""
        tasks = next(self._turn)
        return Lane(lambda task: self._put(tasks, task), hasher, write, done)

    def run(self, task: Task) -> None:
        """Do this some time, in order if there is one lane. Raises what an earlier task has raised."""
        self._put(next(self._turn), task)

    def join(self) -> None:
        """Wait for all work. Raises the first error."""
        self.close()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Wait for what was begun."""
        for tasks in self._queues:
            tasks.put(None)
        for thread in self._threads:
            thread.join()
        self._queues = []

    def _put(self, tasks: Tasks, task: Task) -> None:
        if self._error is not None:
            raise self._error
        tasks.put(task)

    def _run(self, tasks: Tasks) -> None:
        while (task := tasks.get()) is not None:
            if self._error is not None:
                continue
            try:
                task()
            # Whatever it is, an interrupt included, it is raised again in the thread that reads.
            except BaseException as error:
                self._error = error
