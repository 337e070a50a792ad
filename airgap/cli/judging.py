"""What ``verify`` and ``import`` have in common: the verdict is printed whatever happens."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from airgap.cli.output import emit, leave
from airgap.cli.papers import NO_PAPERS, Case, Papers
from airgap.errors import AirgapError
from airgap.examiner import Examination
from airgap.report.documents.verdict import verdict_document
from airgap.state import load_trust
from airgap.trust.pinned import Trust


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


def judge(
    holding: AbstractContextManager[Held],
    examine: Callable[[Held], Examination],
    reference_time: int,
    format_: str,
    then: Callable[[Examination, Trust], None] = lambda *_: None,
    papers: Papers = NO_PAPERS,
) -> None:
    """Open the trust root, examine by it, print the verdict, and leave with its exit status.

    ``then`` is done while the trust root is still held, after an examination in which nothing went wrong. ``papers``
    are written whatever the verdict is. Raises HostError, before anything is done, where they cannot be; if they fail
    in the end, that is one more error of the verdict, and what was imported stays.
    """
    trust: Trust | None = None
    examination = Examination()
    with papers.opened() as publish:
        try:
            with holding as holder:
                trust = holder.trust
                examination = examine(holder)
                if examination.accepted:
                    then(examination, trust)
        except AirgapError as error:
            examination.errors.append(error)
        try:
            publish(Case(examination, trust, reference_time))
        except AirgapError as error:
            examination.errors.append(error)
    emit(verdict_document(examination, trust, reference_time), format_)
    leave(examination.errors)
