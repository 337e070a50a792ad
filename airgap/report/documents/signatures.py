"""Signatures judged alone, and a whole signatures repository judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from airgap.errors import AirgapError
from airgap.report.documents.error import Document
from airgap.timestamp import rfc3339

if TYPE_CHECKING:
    from airgap.auditor import AuditedImage
    from airgap.trust.evidence import SignatureReport


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


def signatures_document(reports: Sequence[SignatureReport], *, explain: bool = False) -> Document:
    """Signatures judged alone. ``explain`` adds the words of each refusal, for the text view; JSON has its kind."""
    rows = [signature_document(report) for report in reports]
    for row, report in zip(rows, reports, strict=True):
        if explain and report.error is not None:
            row |= {"message": report.error.message, "hint": report.error.hint}
    return {"schema": "airgap/signatures/v1", "signatures": rows}


def audit_document(images: Sequence[AuditedImage], *, explain: bool = False) -> Document:
    """A whole repository judged. ``explain`` adds the words of each kind of refusal, for the text view."""
    reports = [report for image in images for report in image.reports]
    reasons = Counter(report.error.kind for report in reports if report.error is not None)
    explanations = {"explanations": _explanations(reports)} if explain else {}
    return explanations | {
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


def _explanations(reports: Iterable[SignatureReport]) -> list[Document]:
    """For each kind of refusal, the most frequent first: how often, by which keys, one example, and what to do."""
    refusals: dict[str, list[tuple[str, AirgapError]]] = {}
    for report in reports:
        if report.error is not None:
            refusals.setdefault(report.error.kind, []).append((report.file, report.error))
    return [
        {
            "kind": kind,
            "count": len(refused),
            "keys": Counter(key for _, error in refused for key in _key_of(error)).most_common(),
            "file": refused[0][0],
            "message": refused[0][1].message,
            "hint": refused[0][1].hint,
        }
        for kind, refused in sorted(refusals.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    ]


def _key_of(error: AirgapError) -> list[str]:
    return [str(error.facts[name]) for name in ("issuer", "certificate") if name in error.facts]
