"""A trust root, what changed it, and what a revocation would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from airgap.report.documents.error import Document
from airgap.report.documents.signatures import signature_document
from airgap.timestamp import rfc3339

if TYPE_CHECKING:
    from airgap.openpgp.certificate import Certificate
    from airgap.openpgp.keys import Fingerprint
    from airgap.reviewer import Drilled
    from airgap.trust.pinned import Trust
    from airgap.trust.rotation import Change


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
        "algorithms": list(root.keys.algorithms),
        "minimum_rsa_bits": root.keys.rsa_bits,
        "required": [list(group) for group in root.required],
        "maintainers": None if root.maintainers is None else str(root.maintainers),
        "revoked": [
            {"certificate": str(fingerprint), "time": rfc3339(time)}
            for fingerprint, time in sorted(trust.memory.revoked.items())
        ],
        "marks": [
            {"repository": str(repository), "newest": rfc3339(mark.time), "digests": sorted(map(str, mark.digests))}
            for repository, mark in sorted(trust.memory.marks.items())
        ],
    }


def update_document(before: Trust, after: Trust, changes: Sequence[Change], *, by_hand: bool) -> Document:
    """What `trust update` did: the roots before and after, who joined and left, and who signed each step."""
    old = {person.nick for person in before.root.people}
    new = {person.nick for person in after.root.people}
    return {
        "schema": "airgap/trust-update/v1",
        "before": {"id": str(before.root.id), "version": before.root.version},
        "by_hand": by_hand,
        "joined": sorted(new - old),
        "left": sorted(old - new),
        "steps": [
            {
                "version": change.trust.root.version,
                "old_signers": list(change.old_signers),
                "new_signers": list(change.new_signers),
                "signatures": [signature_document(report) for report in change.reports],
            }
            for change in changes
        ],
        "trust": trust_document(after),
    }


def drill_document(trust: Trust, without: Sequence[Fingerprint], rows: Sequence[Drilled]) -> Document:
    """What would become of stored images if these certificates were revoked."""
    return {
        "schema": "airgap/drill/v1",
        "revoked": [str(fingerprint) for fingerprint in without],
        "threshold": trust.root.threshold,
        "images": [
            {
                "reference": str(row.image.reference),
                "digest": str(row.image.digest),
                "before": list(row.before),
                "after": list(row.after),
                "outcome": row.outcome,
            }
            for row in rows
        ],
        "summary": {"images": len(rows), **dict(sorted(Counter(row.outcome for row in rows).items()))},
    }


def _certificate(certificate: Certificate) -> Document:
    gravest = min(certificate.revocations, key=lambda one: (not one.hard, one.created), default=None)
    return {
        "fingerprint": str(certificate.primary.fingerprint),
        "user_ids": list(certificate.user_ids),
        "revoked": None if gravest is None else {"hard": gravest.hard, "time": rfc3339(gravest.created)},
    }
