"""Judging again what the store holds, from its own evidence and with today's trust root: no bundle is needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from airgap.digest import Digest
from airgap.errors import AirgapError
from airgap.examiner import Examination, Job
from airgap.oci.graph import GraphWalk
from airgap.oci.referrer import Referrer, ReferrerClosure, parse_artifact
from airgap.openpgp.keys import Fingerprint
from airgap.reference import Reference
from airgap.store.holdings import walk_image
from airgap.store.store import Store
from airgap.trust.evidence import SignatureReport
from airgap.trust.pinned import Trust
from airgap.trust.quorum import is_quorum, signers
from airgap.verify import (
    ApprovedImage,
    BlobReceipt,
    UntrustedImage,
    VerifiedImage,
    approve,
    judge_for_image,
    require_complete,
)


def review(store: Store, job: Job, wanted: Iterable[Reference] = ()) -> Examination:
    """Judge stored images anew: evidence, quorum and every byte of every blob; each for itself.

    ``wanted`` names images by repository, tag or digest; none means all. Rollback is no question here: an older image
    may stay. Every error is in the examination. Raises SourceError if the store holds no such image.
    """
    images = store.named(tuple(wanted))
    examination = Examination(independent=True)
    job.progress.stage("checking the store", None)
    receipts: dict[Digest, BlobReceipt] = {}
    found: list[UntrustedImage] = []
    referrers: dict[str, Sequence[Referrer]] = {}
    for image in images:
        try:
            walk = walk_image(store, image)
            walk.finish()
            image = replace(image, platforms=tuple(map(str, walk.platforms(image.descriptor))))
            examination.reports[image.name] = reports = _judge(store, image, job.trust, job.reference_time)
            approved = approve(image, reports, job.trust, allow_older=True)
            examination.approved.append(approved)
            referrers[image.name] = _referrers(store, image)
            examination.verified.append(_verify(store, approved, walk, receipts))
        except AirgapError as error:
            examination.errors.append(error)
        found.append(image)
    examination.images = tuple(found)
    examination.referrers = referrers
    return examination


@dataclass(frozen=True, slots=True)
class Drilled:
    """A stored image as it would stand without some certificates."""

    image: UntrustedImage
    before: tuple[str, ...]
    after: tuple[str, ...]
    outcome: str


UNAFFECTED: Final = "unaffected"
AT_THRESHOLD: Final = "at-threshold"
BELOW_QUORUM: Final = "below-quorum"
ALREADY_BELOW: Final = "already-below-quorum"


def drill(store: Store, trust: Trust, without: Sequence[Fingerprint], reference_time: int) -> list[Drilled]:
    """What would become of each stored image if these certificates were revoked. Reads no blob."""
    judged = ((image, _judge(store, image, trust, reference_time)) for image in store.named(()))
    return [_drilled(image, reports, trust, without) for image, reports in judged]


def _drilled(
    image: UntrustedImage, reports: Sequence[SignatureReport], trust: Trust, without: Sequence[Fingerprint]
) -> Drilled:
    left = [report for report in reports if report.good is None or report.good.certificate not in without]
    before, after = signers(reports), signers(left)
    if not is_quorum(before, trust.root.threshold, trust.root.required):
        outcome = ALREADY_BELOW
    elif not is_quorum(after, trust.root.threshold, trust.root.required):
        outcome = BELOW_QUORUM
    elif after != before and len(after) == trust.root.threshold:
        outcome = AT_THRESHOLD
    else:
        outcome = UNAFFECTED
    return Drilled(image, before, after, outcome)


def _judge(store: Store, image: UntrustedImage, trust: Trust, reference_time: int) -> list[SignatureReport]:
    return [
        judge_for_image(image, name, data, trust, reference_time)
        for name, data in store.evidence.signatures(image).items()
    ]


def _verify(
    store: Store, approved: ApprovedImage, walk: GraphWalk, receipts: dict[Digest, BlobReceipt]
) -> VerifiedImage:
    """Step 9 over the store: every blob of one image, hashed unless it was before."""
    for descriptor in walk.closure(approved.image.descriptor):
        if descriptor.digest not in receipts:
            receipts[descriptor.digest] = store.prove(descriptor.digest, descriptor.size)
    (verified,) = require_complete([approved], walk, receipts.values())
    return verified


def _referrers(store: Store, image: UntrustedImage) -> tuple[Referrer, ...]:
    """What was kept about an image, whole, and still about this image. It counts for nothing here, either."""
    listed = store.evidence.referrers(image)
    closure = ReferrerClosure(dict.fromkeys(listed, (image.digest,)))
    for one in listed:
        data = store.evidence.artifact(one.digest, one.size)
        closure.feed(one.digest, data)
        for blob in parse_artifact(data, one.digest).blobs:
            closure.feed(blob.digest, store.evidence.artifact(blob.digest, blob.size))
    closure.finish()
    return listed
