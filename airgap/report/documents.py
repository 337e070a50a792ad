"""The JSON documents of the command line (docs/reference), as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from airgap.errors import AirgapError
from airgap.timestamp import days_before, rfc3339

if TYPE_CHECKING:  # an error can be shown without loading OpenPGP
    from pathlib import Path

    from airgap.audit import Entry, Head
    from airgap.auditor import AuditedImage
    from airgap.bundle.manifest import BundleManifest
    from airgap.bundle.parts import WrittenPart
    from airgap.bundle.writer import Written
    from airgap.checker import Checked
    from airgap.comparison import Changed, Difference, Pair, Shown, Side
    from airgap.digest import Digest
    from airgap.examiner import Examination
    from airgap.kit.maker import Kit
    from airgap.media.judge import Judgement
    from airgap.media.packer import Packed
    from airgap.media.repairer import Repaired
    from airgap.openpgp.certificate import Certificate
    from airgap.openpgp.keys import Fingerprint
    from airgap.policy import NativePolicy
    from airgap.reviewer import Drilled
    from airgap.store import Store
    from airgap.sweeper import Shelf, Sweep
    from airgap.trust.evidence import SignatureReport
    from airgap.trust.pinned import Trust
    from airgap.trust.rotation import Change
    from airgap.verify import LoadedImage, UntrustedImage

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
    accepted = examination.accepted_names
    return {
        "schema": "airgap/verdict/v1",
        "accepted": examination.accepted,
        "bundle": None if manifest is None else bundle_document(manifest, examination.id),
        "trust": None
        if trust is None
        else {"id": str(trust.root.id), "version": trust.root.version, "threshold": trust.root.threshold},
        "time": {"reference": rfc3339(reference_time)},
        "images": [
            _image(image, examination, trust, reference_time, image.name in accepted) for image in examination.images
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
    packed: Packed | None,
    output: Path,
    images: Iterable[UntrustedImage],
    errors: Iterable[AirgapError],
    notes: Iterable[str],
    *,
    skipped_preflight: bool,
) -> Document:
    return {
        "schema": "airgap/export/v1",
        "bundle": None if packed is None else _file(packed.written, output),
        "parts": [] if packed is None else [_part(part, output) for part in packed.parts],
        "recovery": None if packed is None or packed.recovery is None else _recovery(packed),
        "images": [
            {"reference": str(image.reference), "digest": str(image.digest), "platforms": list(image.platforms)}
            for image in images
        ],
        "preflight": "skipped" if skipped_preflight else "done",
        "notes": [*notes, *(() if packed is None else packed.notes)],
        "errors": [error_document(error) for error in errors],
    }


def parts_document(id_: Digest, output: Path, parts: Iterable[WrittenPart], notes: Iterable[str]) -> Document:
    return {
        "schema": "airgap/parts/v1",
        "bundle": {"id": str(id_)},
        "parts": [_part(part, output) for part in parts],
        "notes": list(notes),
        "errors": [],
    }


def joined_document(written: Written, output: Path, notes: Iterable[str]) -> Document:
    bundle = _file(written, output)
    return {"schema": "airgap/join/v1", "bundle": bundle, "notes": list(notes), "errors": []}


def repair_document(repaired: Repaired, output: Path) -> Document:
    done = repaired.repair
    return {
        "schema": "airgap/repair/v1",
        "bundle": _file(repaired.written, output),
        "repaired": {
            "blocks": done.blocks,
            "bytes": done.bytes,
            "files": [{"file": name, "bytes": size} for name, size in repaired.damage],
            "runs": [{"offset": start, "size": size} for start, size in done.runs],
        },
        "notes": list(repaired.notes),
        "errors": [],
    }


def media_document(judgements: Iterable[Judgement], *, around_cache: bool) -> Document:
    """Files judged alone. ``read`` says how each was read: "direct", "cache-dropped" or "cached"."""
    return {
        "schema": "airgap/media/v1",
        "around_cache": around_cache,
        "files": [
            {
                "file": one.file,
                "kind": one.kind,
                "status": "good" if one.error is None else "bad",
                "bundle": None if one.bundle is None else str(one.bundle),
                "number": one.number,
                "total": one.total,
                "size": one.size,
                "sha256": None if one.digest is None else one.digest.hex,
                "checksum_file": one.checksum_file,
                "read": str(one.read),
                "error": None if one.error is None else error_document(one.error),
            }
            for one in judgements
        ],
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


def policy_document(policy: NativePolicy, examination: Examination, accepts_archives: bool) -> Document:
    """What a native policy lets in, and which verified images it must refuse."""
    return {
        "schema": "airgap/policy/v1",
        "folder": str(policy.folder),
        "files": sorted(policy.files),
        "images": [
            {
                "reference": str(approved.image.reference),
                "digest": str(approved.image.digest),
                "names": [str(name) for name in policy.images[approved.image.name].names],
                "people": list(policy.images[approved.image.name].people),
            }
            for approved in examination.approved
            if approved.image.name in policy.images
        ],
        "refused": [
            {"reference": str(one.image.reference), "digest": str(one.image.digest), "why": one.why}
            for one in policy.left_out
        ],
        "overrides": ["accept-unsigned-archives"] if accepts_archives else [],
        "errors": [error_document(error) for error in examination.errors],
    }


def kit_document(kit: Kit, folder: Path | None, archive: tuple[Path, Digest] | None) -> Document:
    return {
        "schema": "airgap/kit/v1",
        "id": str(kit.id),
        "version": kit.version,
        "folder": None if folder is None else str(folder),
        "archive": None if archive is None else {"file": str(archive[0]), "digest": str(archive[1])},
        "pythons": list(dict.fromkeys(target.python for target in kit.targets)),
        "platforms": list(dict.fromkeys(target.platform for target in kit.targets)),
        "packages": [
            {"name": one.name, "version": one.version, "wheels": [wheel.filename for wheel in one.wheels]}
            for one in kit.packages
        ],
        "bytes": sum(map(len, kit.files.values())),
    }


def store_document(store: Store, shelves: Sequence[Shelf], size: int) -> Document:
    """What a store holds, ``size`` bytes in all. ``verified`` is always false: nothing is judged."""
    return {
        "schema": "airgap/store/v1",
        "verified": False,
        "folder": str(store.folder),
        "bytes": size,
        "images": [
            {
                "reference": str(one.image.reference),
                "digest": str(one.image.digest),
                "platforms": list(one.image.platforms),
                "bytes": None if one.holding is None else one.holding.size,
                "signatures": one.signatures,
                "referrers": 0 if one.holding is None else len(one.holding.referrers),
            }
            for one in shelves
        ],
        "errors": [error_document(one.error) for one in shelves if one.error is not None],
    }


def sweep_document(sweep: Sweep, *, dry_run: bool) -> Document:
    """What `store rm` and `store gc` removed, or would remove. ``strange`` is not airgap's, and was left."""
    return {
        "schema": "airgap/store-sweep/v1",
        "folder": str(sweep.store.folder),
        "dry_run": dry_run,
        "removed": not dry_run and not sweep.errors,
        "listed": sweep.is_listed,
        "images": [{"reference": str(one.reference), "digest": str(one.digest)} for one in sweep.images],
        "files": [] if sweep.errors else [{"path": one.path, "size": one.size} for one in sweep.garbage.files],
        "bytes": 0 if sweep.errors else sweep.garbage.size,
        "strange": list(sweep.garbage.strange),
        "errors": [error_document(error) for error in sweep.errors],
    }


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


def log_document(entries: Iterable[Entry]) -> Document:
    return {
        "schema": "airgap/log/v1",
        "entries": [
            {"number": entry.head.entries, "hash": f"sha256:{entry.head.hash}", **entry.parsed()} for entry in entries
        ],
    }


def log_check_document(head: Head) -> Document:
    return {
        "schema": "airgap/log-check/v1",
        "whole": True,
        "entries": head.entries,
        "head": f"sha256:{head.hash}",
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


def _file(written: Written, output: Path) -> Document:
    return {"id": str(written.id), "file": str(output), "size": written.size, "sha256": written.file_digest.hex}


def _part(part: WrittenPart, output: Path) -> Document:
    path = f"{output}.{part.number:03d}"
    return {"file": path, "number": part.number, "size": part.size, "sha256": part.digest.hex}


def _recovery(packed: Packed) -> Document:
    recovery = packed.recovery
    if recovery is None:
        raise RuntimeError("there is no recovery to show")
    layout = recovery.layout
    return {
        "files": [{"file": str(path), "size": size, "sha256": digest.hex} for path, digest, size in recovery.files],
        "size": recovery.size,
        "block": layout.block,
        "columns": layout.columns,
        "blocks_per_column": layout.shards,
        "recovery_blocks_per_column": layout.rows,
        "longest_run": layout.longest_run,
        "covers_one_part": packed.covers_one_part,
        "percent_for_one_part": packed.percent_for_one_part,
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


def _image(
    image: UntrustedImage, examination: Examination, trust: Trust | None, reference_time: int, accepted: bool
) -> Document:
    return {
        "reference": str(image.reference),
        "digest": str(image.digest),
        "accepted": accepted,
        "threshold": None if trust is None else trust.root.threshold,
        "signers": list(examination.signers_of(image)),
        "platforms": list(image.platforms),
        "signatures": [signature_document(report) for report in examination.reports_of(image)],
        "referrers": [one.document for one in examination.referrers.get(image.name, ())],
        "staleness": _staleness(image, examination, trust, reference_time),
    }


def _staleness(
    image: UntrustedImage, examination: Examination, trust: Trust | None, reference_time: int
) -> Document | None:
    """When the newest accepted image of this repository reached quorum, this one included, and how long ago that is."""
    repository = image.reference.repository
    times = [one.reached for one in examination.approved if one.image.reference.repository == repository]
    mark = None if trust is None else trust.memory.marks.get(repository)
    if mark is not None:
        times.append(mark.time)
    if not times:
        return None
    newest = max(times)
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


def _certificate(certificate: Certificate) -> Document:
    return {"fingerprint": str(certificate.primary.fingerprint), "user_ids": list(certificate.user_ids)}
