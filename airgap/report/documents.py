"""The JSON documents of the command line (docs/reference), as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from airgap.errors import AirgapError
from airgap.timestamp import rfc3339

if TYPE_CHECKING:  # an error can be shown without loading OpenPGP
    from airgap.auditor import AuditedImage
    from airgap.bundle.manifest import BundleManifest
    from airgap.digest import Digest
    from airgap.importer import Examination
    from airgap.openpgp.certificate import Certificate
    from airgap.state import Trust
    from airgap.trust.evidence import SignatureReport
    from airgap.verify import UntrustedImage

Document = dict[str, object]


def error_document(error: AirgapError) -> Document:
    return {
        "schema": "airgap/error/v1",
        "code": error.code,
        "kind": error.kind,
        "message": error.message,
        "facts": error.facts,
        "hint": error.hint,
    }


def signature_document(report: SignatureReport) -> Document:
    good, claim = report.good, report.claim
    return {
        "file": report.file,
        "status": "good" if report.counts else "bad",
        "reason": None if report.error is None else report.error.kind,
        "maintainer": report.maintainer,
        "certificate": None if good is None else str(good.certificate),
        "signing_key": None if good is None else str(good.signing_key),
        "created": None if report.created is None else rfc3339(report.created),
        "flags": [] if good is None else list(good.flags),
        "claim": None
        if claim is None
        else {"format": str(claim.format), "reference": claim.reference, "digest": str(claim.digest)},
    }


def verdict_document(examination: Examination, trust: Trust | None, reference_time: int) -> Document:
    """The verdict on a bundle (CONTRACT §3), also when it could not be read to its end."""
    manifest = examination.manifest
    verified = {one.image.name for one in examination.verified} if examination.accepted else set()
    return {
        "schema": "airgap/verdict/v1",
        "accepted": examination.accepted,
        "bundle": None if manifest is None else bundle_document(manifest, examination.id),
        "trust": None
        if trust is None
        else {"id": str(trust.root.id), "version": trust.root.version, "threshold": trust.root.threshold},
        "time": {"reference": rfc3339(reference_time)},
        "images": []
        if manifest is None
        else [_image(image, examination, trust, image.name in verified) for image in manifest.images],
        "loaded": [
            {
                "target": loaded.target,
                "reference": str(loaded.image.image.reference),
                "digest": str(loaded.image.image.digest),
            }
            for loaded in examination.loaded
        ],
        "stored": examination.is_stored,
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


def export_document(
    id_: Digest | None,
    file: str | None,
    size: int,
    images: Iterable[UntrustedImage],
    errors: Iterable[AirgapError],
    notes: Iterable[str],
    *,
    skipped_preflight: bool,
) -> Document:
    return {
        "schema": "airgap/export/v1",
        "bundle": None if id_ is None else {"id": str(id_), "file": file, "size": size},
        "images": [
            {"reference": str(image.reference), "digest": str(image.digest), "platforms": list(image.platforms)}
            for image in images
        ],
        "preflight": "skipped" if skipped_preflight else "done",
        "notes": list(notes),
        "errors": [error_document(error) for error in errors],
    }


def trust_document(trust: Trust) -> Document:
    root = trust.root
    return {
        "schema": "airgap/trust/v1",
        "id": str(root.id),
        "version": root.version,
        "threshold": root.threshold,
        "people": [
            {
                "name": person.nick,
                "fingerprints": [str(fingerprint) for fingerprint in person.fingerprints],
                "certificates": [
                    _certificate(one) for one in trust.keyring if one.primary.fingerprint in person.fingerprints
                ],
            }
            for person in root.people
        ],
        "repositories": [{"scope": scope.prefix, "identity": str(scope.rule)} for scope in root.scopes],
        "claim_formats": [str(name) for name in root.claim_formats],
        "strict_expiry": root.strict_expiry,
    }


def signatures_document(reports: Sequence[SignatureReport], *, explain: bool = False) -> Document:
    """Signatures judged alone. ``explain`` adds the words of each refusal, for the text view; JSON has its kind."""
    rows = [signature_document(report) for report in reports]
    for row, report in zip(rows, reports, strict=True):
        if explain and report.error is not None:
            row |= {"message": report.error.message, "hint": report.error.hint}
    return {"schema": "airgap/signatures/v1", "signatures": rows}


def audit_document(images: Sequence[AuditedImage]) -> Document:
    reports = [report for image in images for report in image.reports]
    reasons = Counter(report.error.kind for report in reports if report.error is not None)
    return {
        "schema": "airgap/audit/v1",
        "images": [
            {
                "name": image.name,
                "digest": None if image.digest is None else str(image.digest),
                "signers": list(image.signers),
                "threshold": image.threshold,
                "quorum": image.reaches_quorum,
                "signatures": [signature_document(report) for report in image.reports],
            }
            for image in images
        ],
        "summary": {
            "images": len(images),
            "quorum": sum(image.reaches_quorum for image in images),
            "signatures": len(reports),
            "good": sum(report.counts for report in reports),
            "bad": sum(not report.counts for report in reports),
            "by_reason": dict(sorted(reasons.items())),
        },
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
    }


def _certificate(certificate: Certificate) -> Document:
    return {"fingerprint": str(certificate.primary.fingerprint), "user_ids": list(certificate.user_ids)}
