"""What leads from one bundle or store to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airgap.report.documents.error import Document
from airgap.timestamp import rfc3339

if TYPE_CHECKING:
    from airgap.comparison import Changed, Difference, Pair, Shown, Side
    from airgap.trust.pinned import Trust


def diff_document(found: Difference, trust: Trust | None, reference_time: int) -> Document:
    """What leads from A to B. ``verified`` is always false; without a trust root nobody is named."""
    return {
        "schema": "airgap/diff/v1",
        "verified": False,
        "trust": None
        if trust is None
        else {"id": str(trust.root.id), "version": trust.root.version, "threshold": trust.root.threshold},
        "time": {"reference": rfc3339(reference_time)},
        "a": _diff_side(found.a),
        "b": _diff_side(found.b),
        "different": found.differs,
        "added": [_shown(one) for one in found.added],
        "removed": [_shown(one) for one in found.removed],
        "changed": [_changed(one, judged=trust is not None) for one in found.changed],
        "common": [_pair(pair, judged=trust is not None) for pair in found.common],
        "carry": {"blobs": len(found.carry), "bytes": sum(found.carry.values())},
        "lacking": {"blobs": len(found.lacking), "bytes": sum(found.lacking.values())},
    }


def _diff_side(side: Side) -> Document:
    return {
        "path": side.path,
        "kind": side.kind,
        "id": None if side.id is None else str(side.id),
        "images": len(side.images),
        "bytes": sum(side.blobs.values()),
    }


def _shown(one: Shown) -> Document:
    """``refusal`` is the kind by which the signatures would be refused; both it and ``signers`` are null unjudged."""
    standing = one.standing
    return {
        "reference": str(one.image.reference),
        "digest": str(one.image.digest),
        "platforms": list(one.image.platforms),
        "signatures": len(one.signatures),
        "signers": None if standing is None else list(standing.signers),
        "quorum": None if standing is None else standing.refusal is None,
        "at_threshold": None if standing is None else standing.at_threshold,
        "refusal": None if standing is None else standing.refusal,
    }


def _changed(one: Changed, *, judged: bool) -> Document:
    return {
        "reference": one.reference,
        "before": [_shown(image) for image in one.before],
        "after": [_shown(image) for image in one.after],
        "signers_gained": one.gained if judged else None,
        "signers_lost": one.lost if judged else None,
    }


def _pair(pair: Pair, *, judged: bool) -> Document:
    return {
        "reference": str(pair.after.image.reference),
        "digest": str(pair.after.image.digest),
        "different": pair.differs,
        "before": _shown(pair.before),
        "after": _shown(pair.after),
        "signatures_added": len(pair.after.signatures - pair.before.signatures),
        "signatures_removed": len(pair.before.signatures - pair.after.signatures),
        "signers_gained": pair.gained if judged else None,
        "signers_lost": pair.lost if judged else None,
    }
