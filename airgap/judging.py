"""Judging whole: the trust root is opened, and whatever goes wrong is part of what is known in the end.

What the command line and the library have in common; neither adds a rule.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from airgap.bundle.partset import open_bundle
from airgap.errors import AirgapError
from airgap.examiner import Examination, Job
from airgap.importer import examine_bundle
from airgap.progress import Progress
from airgap.state import load_trust
from airgap.store.store import Store
from airgap.trust.pinned import Trust


@dataclass(frozen=True, slots=True)
class Case:
    """What a verdict rests on. ``trust`` is None if there was no trust root to judge by."""

    examination: Examination
    trust: Trust | None
    reference_time: int


class Holder(Protocol):
    @property
    def trust(self) -> Trust: ...


Held = TypeVar("Held", bound=Holder)


@dataclass(frozen=True, slots=True)
class Reading:
    """A trust root that is only read."""

    trust: Trust


@contextlib.contextmanager
def reading(folder: Path) -> Iterator[Reading]:
    yield Reading(load_trust(folder))


def conclude(
    holding: AbstractContextManager[Held],
    examine: Callable[[Held], Examination],
    reference_time: int,
    then: Callable[[Examination, Trust], None] = lambda *_: None,
) -> Case:
    """Open the trust root and examine by it. Every error is in the examination.

    ``then`` is done while the trust root is still held, after an examination in which nothing went wrong.
    """
    trust: Trust | None = None
    examination = Examination()
    try:
        with holding as holder:
            trust = holder.trust
            examination = examine(holder)
            if examination.accepted:
                then(examination, trust)
    except AirgapError as error:
        examination.errors.append(error)
    return Case(examination, trust, reference_time)


def judge_bundle(
    bundle: Sequence[str],
    trust_folder: Path,
    reference_time: int,
    *,
    store: Store | None = None,
    jobs: int,
    progress: Progress,
    allow_older: bool = False,
) -> Case:
    """Judge a bundle by the trust root in a folder, writing nothing. ``store`` is what a delta bundle builds on."""

    def examine(held: Reading) -> Examination:
        job = Job(held.trust, reference_time, jobs, progress, allow_older)
        return examine_bundle(open_bundle(bundle), job, store)

    return conclude(reading(trust_folder), examine, reference_time)
