"""Rollback without a clock: the newest that was accepted is remembered, by its signers' own times (TRUST rule 8).

The time at which an image reached quorum is the M-th newest among its signers, each counted once with the newest
signature of theirs: fewer than M bad keys cannot move it. Times are seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from airgap.digest import Digest
from airgap.errors import RollbackError
from airgap.reference import Reference, Repository
from airgap.timestamp import rfc3339
from airgap.trust.evidence import SignatureReport


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest that was accepted of one repository: when it reached quorum, and the digests accepted with it."""

    time: int
    digests: frozenset[Digest]


Marks = Mapping[Repository, Mark]


@dataclass(frozen=True, slots=True)
class Dated:
    """An image and the time at which it reached quorum."""

    reference: Reference
    digest: Digest
    time: int


def quorum_time(reports: Iterable[SignatureReport], threshold: int) -> int:
    """When ``threshold`` people had signed, by the signatures that count. Raises ValueError if so many never did."""
    newest: dict[str, int] = {}
    for report in reports:
        if report.counts and report.maintainer is not None and report.good is not None:
            newest[report.maintainer] = max(report.good.created, newest.get(report.maintainer, 0))
    if not 0 < threshold <= len(newest):
        raise ValueError("without a quorum there is no time at which it was reached")
    return sorted(newest.values(), reverse=True)[threshold - 1]


def require_not_older(image: Dated, marks: Marks) -> None:
    """Raises RollbackError(older-than-accepted) for an image older than the newest accepted one of its repository."""
    mark = marks.get(image.reference.repository)
    if mark is None or image.time >= mark.time or image.digest in mark.digests:
        return
    raise RollbackError(
        "older-than-accepted",
        f"{image.reference}@{image.digest} reached quorum on {rfc3339(image.time)}; this machine has already accepted "
        f"an image of {image.reference.repository} that did on {rfc3339(mark.time)}",
        image=f"{image.reference}@{image.digest}",
        reached=rfc3339(image.time),
        newest=rfc3339(mark.time),
        accepted=sorted(map(str, mark.digests)),
    )


def raised(marks: Marks, accepted: Iterable[Dated]) -> dict[Repository, Mark]:
    """The marks after these images were accepted together. No mark is ever lowered."""
    together: dict[Repository, list[Dated]] = {}
    for image in accepted:
        together.setdefault(image.reference.repository, []).append(image)
    result = dict(marks)
    for repository, images in together.items():
        newest = max(image.time for image in images)
        digests = frozenset(image.digest for image in images)
        held = result.get(repository)
        if held is None or newest > held.time:
            result[repository] = Mark(newest, digests)
        elif newest == held.time:
            result[repository] = Mark(newest, held.digests | digests)
    return result
