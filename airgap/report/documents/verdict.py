"""What a bundle claims and what was decided of it; which of its images a target holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from airgap.report.documents.delta import absent_document
from airgap.report.documents.error import Document, error_document
from airgap.report.documents.signatures import signature_document
from airgap.timestamp import days_before, rfc3339

if TYPE_CHECKING:
    from airgap.bundle.manifest import BundleManifest
    from airgap.checker import Checked
    from airgap.digest import Digest
    from airgap.examiner import Examination
    from airgap.reference import Repository
    from airgap.trust.pinned import Trust
    from airgap.verify import LoadedImage, UntrustedImage


def verdict_document(examination: Examination, trust: Trust | None, reference_time: int) -> Document:
    """The verdict on a bundle (CONTRACT §3), also when it could not be read to its end."""
    manifest = examination.manifest
    accepted, newest = examination.accepted_names, _newest(examination, trust)
    return {
        "schema": "airgap/verdict/v1",
        "accepted": examination.accepted,
        "bundle": None if manifest is None else bundle_document(manifest, examination.id),
        "trust": None
        if trust is None
        else {"id": str(trust.root.id), "version": trust.root.version, "threshold": trust.root.threshold},
        "time": {"reference": rfc3339(reference_time)},
        "images": [
            _image(image, examination, trust, image.name in accepted)
            | {"staleness": _staleness(newest.get(image.reference.repository), reference_time)}
            for image in examination.images
        ],
        "loaded": [_loaded(one) for one in examination.loaded],
        "stored": examination.is_stored,
        "overrides": list(examination.overrides),
        "notes": list(examination.notes),
        "errors": [error_document(error) for error in examination.errors],
    }


def bundle_document(manifest: BundleManifest, id_: Digest | None) -> Document:
    return {"id": str(id_), "members": len(manifest.members) + 1, "bytes": manifest.stream_size}


def inspection_document(manifest: BundleManifest, id_: Digest) -> Document:
    """What a bundle claims. ``verified`` is always false: inspect checks nothing."""
    signatures = Counter(member.signature_folder for member in manifest.members)
    return {
        "schema": "airgap/inspection/v1",
        "verified": False,
        "bundle": bundle_document(manifest, id_),
        "absent": absent_document(manifest.absent),
        "images": [
            {
                "reference": str(image.reference),
                "digest": str(image.digest),
                "platforms": list(image.platforms),
                "signatures": signatures[f"signatures/{image.lookaside}"],
            }
            for image in manifest.images
        ],
        "members": [
            {"path": member.path, "size": member.size, "sha256": member.digest.hex} for member in manifest.members
        ],
    }


def check_document(
    target: str, rows: Sequence[Checked], examination: Examination, trust: Trust, reference_time: int
) -> Document:
    """Which images of the store a target holds: ``digest`` is the verified one, ``found`` what the target says."""
    return {
        "schema": "airgap/check-digest/v1",
        "target": target,
        "same": not examination.errors,
        "trust": {"id": str(trust.root.id), "version": trust.root.version, "threshold": trust.root.threshold},
        "time": {"reference": rfc3339(reference_time)},
        "images": [
            {
                "reference": str(row.image.image.reference),
                "digest": str(row.image.image.digest),
                "name": None if row.report is None else row.report.name,
                "found": None if row.report is None or row.report.digest is None else str(row.report.digest),
                "identity": None if row.identity is None else str(row.identity),
                "same": row.identity is not None,
            }
            for row in rows
        ],
        "errors": [error_document(error) for error in examination.errors],
    }


def _image(image: UntrustedImage, examination: Examination, trust: Trust | None, accepted: bool) -> Document:
    return {
        "reference": str(image.reference),
        "digest": str(image.digest),
        "accepted": accepted,
        "threshold": None if trust is None else trust.root.threshold,
        "signers": list(examination.signers_of(image)),
        "platforms": list(image.platforms),
        "signatures": [signature_document(report) for report in examination.reports_of(image)],
        "referrers": [one.document for one in examination.referrers.get(image.name, ())],
    }


def _newest(examination: Examination, trust: Trust | None) -> dict[Repository, int]:
    """When the newest accepted image of each repository reached quorum, those of this examination included."""
    found = {} if trust is None else {repository: mark.time for repository, mark in trust.memory.marks.items()}
    for one in examination.approved:
        repository = one.image.reference.repository
        found[repository] = max(one.reached, found.get(repository, one.reached))
    return found


def _staleness(newest: int | None, reference_time: int) -> Document | None:
    """How long ago that is. Nothing to say where --at is before that."""
    if newest is None or newest > reference_time:
        return None
    return {"newest": rfc3339(newest), "days": days_before(newest, reference_time)}


def _loaded(loaded: LoadedImage) -> Document:
    """``reported`` is what the engine says; ``identity`` tells what that is the digest of."""
    report = loaded.report
    return {
        "target": loaded.target,
        "reference": str(loaded.image.image.reference),
        "digest": str(loaded.image.image.digest),
        "name": report.name,
        "reported": str(report.digest),
        "identity": str(loaded.identity),
        "replaced": None if report.replaced is None else str(report.replaced),
    }
