"""What the audit log says: one small record for each kind of decision, in words and digests, never in bundle bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from airgap.digest import Digest
from airgap.errors import AirgapError
from airgap.examiner import Examination
from airgap.openpgp.keys import Fingerprint
from airgap.timestamp import rfc3339
from airgap.trust.pinned import Trust
from airgap.verify import LoadedImage

Record = dict[str, object]
_ERRORS_MAX: Final = 20  # errors told of one refusal; all of them are in its verdict
_REFUSED_IMAGES_MAX: Final = 100  # a stranger may have named them


def import_record(examination: Examination, trust: Trust, reference_time: int) -> Record:
    """A bundle was accepted (before anything of it is published), or refused: then its first images are named."""
    named = examination.images if examination.accepted else examination.images[:_REFUSED_IMAGES_MAX]
    record = _record("import", trust, reference_time) | {
        "accepted": examination.accepted,
        "bundle": None if examination.id is None else str(examination.id),
        "errors": _errors(examination.errors),
        "images": [
            {
                "digest": str(image.digest),
                "reference": str(image.reference),
                "signers": list(examination.signers_of(image)),
            }
            for image in named
        ],
        "imageCount": len(examination.images),
    }
    return record | _overrides(examination)


def load_record(examination: Examination, trust: Trust, reference_time: int) -> Record:
    """Images of the store were loaded into engines, or were not."""
    record = _record("load", trust, reference_time) | {
        "bundle": None if examination.id is None else str(examination.id),
        "errors": _errors(examination.errors),
        "loaded": [_loaded(one) for one in examination.loaded],
    }
    return record | _overrides(examination)


def _loaded(loaded: LoadedImage) -> Record:
    return {
        "digest": str(loaded.image.image.digest),
        "name": loaded.report.name,
        "reference": str(loaded.image.image.reference),
        "replaced": None if loaded.report.replaced is None else str(loaded.report.replaced),
        "target": loaded.target,
    }


def revocations_record(before: Trust, after: Trust, bundle: Digest | None, reference_time: int) -> Record:
    """A bundle brought revocations of pinned people; they are kept whatever becomes of it."""
    known = {one.encoded() for one in before.keyring}
    return _record("revocation", before, reference_time) | {
        "bundle": None if bundle is None else str(bundle),
        "certificates": [str(one.primary.fingerprint) for one in after.keyring if one.encoded() not in known],
    }


def revoked_record(trust: Trust, fingerprints: Sequence[Fingerprint], reference_time: int) -> Record:
    """The operator revoked certificates by hand."""
    return _record("revoke", trust, reference_time) | {"certificates": [str(one) for one in fingerprints]}


def root_record(event: str, trust: Trust, reference_time: int, *, bundle: Digest | None, by_hand: bool) -> Record:
    """A trust root came into force: ``init``, or ``update`` by the signatures of its people or by hand."""
    return _record(event, trust, reference_time) | {
        "accepted": True,
        "bundle": None if bundle is None else str(bundle),
        "byHand": by_hand,
        "maintainers": None if trust.root.maintainers is None else str(trust.root.maintainers),
        "people": [person.nick for person in trust.root.people],
        "threshold": trust.root.threshold,
    }


def refused_update_record(error: AirgapError, trust: Trust, reference_time: int, bundle: Digest | None) -> Record:
    """A new MAINTAINERS was refused."""
    return _record("update", trust, reference_time) | {
        "accepted": False,
        "bundle": None if bundle is None else str(bundle),
        "errors": _errors([error]),
    }


def _record(event: str, trust: Trust, reference_time: int) -> Record:
    return {
        "event": event,
        "time": rfc3339(reference_time),
        "trust": {"id": str(trust.root.id), "version": trust.root.version},
    }


def _errors(errors: Sequence[AirgapError]) -> list[object]:
    return [{"code": error.code, "kind": error.kind, "message": error.message} for error in errors[:_ERRORS_MAX]]


def _overrides(examination: Examination) -> Record:
    return {"overrides": list(examination.overrides)} if examination.overrides else {}
