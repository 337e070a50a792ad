"""airgap as a library: what ``verify`` and ``signatures audit`` do, with typed results in place of a screen.

    import airgap

    verdict = airgap.verify_bundle("july.airgap.tar.zst", trust="/etc/airgap/trust")
    verdict.require_accepted()

The names here are the public ones (docs/library.md). Nothing is printed, no process is started, and no socket opened.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from airgap.disk.reading import read_given
from airgap.judging import judge_bundle
from airgap.limits import LIMITS
from airgap.progress import Progress, Silent
from airgap.report.documents.verdict import verdict_document
from airgap.results import Audit, Verdict, audit_of, parse_verdict, verdict_of
from airgap.store.store import Store
from airgap.workers import job_count

Place = str | os.PathLike[str]


def verify_bundle(
    bundle: Place | Iterable[Place],
    trust: Place,
    *,
    store: Place | None = None,
    at: datetime | None = None,
    allow_older: bool = False,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """Judge a bundle by the pinned trust root in the folder ``trust``, writing nothing (``airgap verify``).

    ``bundle`` is a file, one part of a split bundle, or folders that hold the parts. ``store`` is what a delta bundle
    builds on. ``at`` is the reference time of every decision, aware; by default this machine's clock. ``allow_older``
    overrides the protection against rollback. ``jobs`` are threads, by default one a core.

    Whatever is wrong with the bundle, the trust root or the machine is in ``errors`` of the verdict; none is raised.
    ValueError for a time without a zone.
    """
    given = [bundle] if isinstance(bundle, str | os.PathLike) else list(bundle)
    if not given:
        raise ValueError("name a bundle")
    reference_time = _seconds(at)
    case = judge_bundle(
        [os.fspath(one) for one in given],
        Path(trust),
        reference_time,
        store=None if store is None else Store(Path(store)),
        jobs=job_count(jobs),
        progress=progress or Silent(),
        allow_older=allow_older,
    )
    return verdict_of(verdict_document(case.examination, case.trust, case.reference_time))


def audit_signatures(
    signatures: Place,
    *,
    keyrings: Iterable[Place],
    maintainers: Place,
    threshold: int = 2,
    digests: Iterable[Place] = (),
    claim_formats: Iterable[str] = ("atomic",),
    at: datetime | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Audit:
    """Judge every file of a signatures repository, a lookaside root (``airgap signatures audit``).

    ``digests`` are lists of images that must be signed. What is wrong with a file or folder is in its row. Raises
    AirgapError for a keyring, MAINTAINERS, list or root that cannot be read; ValueError for a time without a zone,
    an unknown claim format, or a threshold under 1.
    """
    from airgap.auditor import audit_files
    from airgap.report.documents.signatures import audit_document
    from airgap.trust.claim import ClaimFormat

    if threshold < 1:
        raise ValueError("the threshold is at least 1")
    audited = audit_files(
        Path(signatures),
        [Path(one) for one in keyrings],
        Path(maintainers),
        _seconds(at),
        threshold=threshold,
        digests=[Path(one) for one in digests],
        formats=tuple(ClaimFormat(one) for one in claim_formats),
        jobs=job_count(jobs),
        progress=progress or Silent(),
    )
    return audit_of(audit_document(audited.images))


def read_verdict(path: Place) -> Verdict:
    """A verdict that was kept as JSON (``airgap verify … --format json > FILE``), typed again.

    The file proves nothing: whoever can write to it can write any verdict. Raises HostError, FormatError.
    """
    return parse_verdict(read_given(Path(path), LIMITS.bundle_manifest), str(path))


def _seconds(at: datetime | None) -> int:
    if at is None:
        return int(time.time())
    if at.tzinfo is None:
        raise ValueError("the reference time needs a zone, as in datetime(2026, 11, 23, tzinfo=UTC)")
    return int(at.timestamp())
