"""Running processes and measuring them, ours and theirs in turn."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROUND_PAUSE = 0.05  # seconds for the kernel to tidy up between two runs


class Failed(Exception):
    """A measured command did not do its work: its row says so."""


@dataclass(frozen=True)
class Step:
    """A command; ``fresh`` are the places it writes, removed before and after, outside of the measured time."""

    command: Sequence[str]
    fresh: Sequence[Path] = ()
    statuses: Collection[int] = (0,)


@dataclass(frozen=True)
class Sample:
    """One run: seconds, CPU seconds of the process and all it waited for, peak bytes of the largest of them."""

    wall: float
    cpu: float
    peak: int


@dataclass(frozen=True)
class Pair:
    """Both sides after several rounds."""

    ours: Sample
    theirs: Sample
    ratio: float
    """Median over the rounds of their wall time by ours: above 1 we are faster."""
    spread: tuple[float, float]


def run(step: Step) -> Sample:
    """Run once. Linux counts the memory of this process at the time of the start into the peak: it is kept small."""
    _remove(step.fresh)
    os.sync()
    time.sleep(ROUND_PAUSE)
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            list(step.command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in step.statuses:
            errors.seek(0)
            said = errors.read().decode("utf-8", "replace").strip().splitlines()
            raise Failed(
                f"{Path(step.command[0]).name} ended with {process.returncode}: {(said or ['nothing said'])[-1]}"
            )
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def once(step: Step) -> Sample:
    sample = run(step)
    _remove(step.fresh)
    return sample


def repeat(step: Step, rounds: int) -> Sample:
    return middle([once(step) for _ in range(rounds)])


def compare(ours: Step, theirs: Step, rounds: int) -> Pair:
    """Side by side: both in every round, and who begins changes."""
    ours_all: list[Sample] = []
    theirs_all: list[Sample] = []
    for number in range(rounds):
        turns = [(ours, ours_all), (theirs, theirs_all)]
        for step, samples in turns if number % 2 == 0 else reversed(turns):
            samples.append(once(step))
    ratios = [their.wall / our.wall for our, their in zip(ours_all, theirs_all, strict=True)]
    return Pair(middle(ours_all), middle(theirs_all), median(ratios), (min(ratios), max(ratios)))


def most_on_disk(step: Step) -> int:
    """The most bytes that the places a command writes ever held while it ran, looked at all the time: a run of its own.

    Files beside a place whose names begin like it count, too: what a file is called until it is whole.
    """
    most, done = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.01):
            most = max(most, sum(map(_on_disk, step.fresh)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        run(step)
    finally:
        done.set()
        watcher.join()
    most = max(most, sum(map(_on_disk, step.fresh)))
    _remove(step.fresh)
    return most


def _on_disk(place: Path) -> int:
    """Bytes that are allocated; sparse files count as what they take."""
    total = 0
    for top in place.parent.glob(f"{place.name}*"):
        for path in (top, *(top.rglob("*") if top.is_dir() else ())):
            with contextlib.suppress(FileNotFoundError):  # it came and went
                status = path.lstat()
                total += status.st_blocks * 512 if stat.S_ISREG(status.st_mode) else 0
    return total


def middle(samples: Sequence[Sample]) -> Sample:
    return Sample(
        median(one.wall for one in samples), median(one.cpu for one in samples), max(one.peak for one in samples)
    )


def missing(*tools: str) -> str | None:
    """Why something cannot be measured here, None if it can."""
    absent = [tool for tool in tools if shutil.which(tool) is None]
    return f"not measured: {', '.join(absent)} not installed" if absent else None


def _remove(places: Sequence[Path]) -> None:
    for place in places:
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
