"""Documents as text for people: the verdict line first, then who signed what, then what to do.

Every string is escaped here, on its way out; nothing else in the package writes for people.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from airgap.report.escape import printable

NOT_VERIFIED: Final = "NOT VERIFIED: this is what the bundle claims. Only `airgap verify` can tell whether it is true."
_ROWS_MAX: Final = 200  # rows of one list on a screen; JSON has them all
_KEYS_MAX: Final = 5  # keys named for one kind of refusal
_WIDTH: Final = 80  # columns


def render(document: Mapping[str, Any]) -> str:
    """The text view of any document of ours."""
    view = _VIEWS[str(document["schema"])]
    return "\n".join(printable(line) for line in view(document))


def short(digest: object) -> str:
    """Enough of a digest for a table row; the whole one is in the verdict line or in JSON."""
    text = str(digest)
    return text if len(text) < 24 else f"{text[:19]}…"


def size(octets: int) -> str:
    """Bytes for people, in powers of 1024."""
    value = float(octets)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{octets} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def _verdict(document: Mapping[str, Any]) -> Iterator[str]:
    images, errors, loaded = document["images"], document["errors"], document["loaded"]
    verb = "ACCEPTED" if document["accepted"] and not errors else "REFUSED"
    noun = "image" if len(images) == 1 else "images"
    yield f"{verb}: {len(images)} {noun}" if images else f"{verb}: nothing could be verified"
    if document["bundle"]:
        yield f"bundle  {document['bundle']['id']}  ({size(document['bundle']['bytes'])} unpacked)"
    if document["trust"]:
        trust = document["trust"]
        yield f"trust   {trust['id']}  (version {trust['version']}, {trust['threshold']} maintainers must sign)"
    yield f"time    {document['time']['reference']}"
    for image in _most(images):
        yield ""
        yield f"{'✓' if image['accepted'] else '✗'} {image['reference']}"
        yield f"  digest    {image['digest']}"
        yield f"  platforms {', '.join(image['platforms']) or '-'}"
        people = f"{len(image['signers'])} counted, {image['threshold']} needed"
        yield f"  signed by {', '.join(image['signers']) or 'nobody'} ({people})"
        yield from (f"    {line}" for line in _signature_rows(image["signatures"]))
        if image["staleness"]:
            days = image["staleness"]["days"]
            yield f"  newest accepted image of this repository reached quorum {days} days before the reference time"
        for one in _most(image["referrers"]):
            yield f"  comes with {one['artifactType']}  {short(one['digest'])}, {size(one['size'])} (not counted)"
    for one in _most(loaded):
        yield f"loaded  {one['name']} into {one['target']}, which reports {_reported(one)}"
        if one["replaced"]:
            yield f"        the name stood for {one['replaced']} before"
    yield from _notes_and_errors(document)
    if errors and document["stored"]:
        yield "The images were verified and are in the store; loading them failed."
    elif errors and images and not document["bundle"]:
        yield f"{verb}. What is marked ✗ would be refused today; the store was left as it is."
    elif errors:
        yield f"{verb}. Nothing of this bundle was kept or loaded."


def _reported(one: Mapping[str, Any]) -> str:
    if one["identity"] == "config":
        return f"{short(one['reported'])}, the configuration of {short(one['digest'])}"
    return short(one["reported"])


def _inspection(document: Mapping[str, Any]) -> Iterator[str]:
    yield NOT_VERIFIED
    yield f"bundle  {document['bundle']['id']}"
    yield f"        {document['bundle']['members']} members, {size(document['bundle']['bytes'])} unpacked"
    for image in _most(document["images"]):
        yield ""
        yield f"? {image['reference']}"
        yield f"  digest     {image['digest']}"
        yield f"  platforms  {', '.join(image['platforms']) or '-'}"
        yield f"  signatures {image['signatures']} (not checked)"
    yield ""
    yield NOT_VERIFIED


def _export(document: Mapping[str, Any]) -> Iterator[str]:
    bundle = document["bundle"]
    if bundle is None:
        yield "REFUSED: no bundle was written"
    elif document["preflight"] == "skipped":
        yield f"WRITTEN WITHOUT PREFLIGHT: {bundle['file']} ({size(bundle['size'])})"
    else:
        yield f"EXPORTED: {bundle['file']} ({size(bundle['size'])})"
    yield from _written_parts(document["parts"])
    yield from _recovery(document["recovery"], bool(document["parts"]))
    for image in _most(document["images"]):
        yield f"  {image['reference']}  {short(image['digest'])}  {', '.join(image['platforms'])}"
    yield from _notes_and_errors(document)
    if bundle is not None:
        yield "bundle id, to compare with the other side over another channel:"
        yield str(bundle["id"])


def _written_parts(parts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for part in _most(parts):
        yield f"  part {part['number']:>3}  {part['file']}  {size(part['size'])}"


def _recovery(recovery: Mapping[str, Any] | None, has_parts: bool) -> Iterator[str]:
    if recovery is None:
        return
    rows, block = recovery["recovery_blocks_per_column"], size(recovery["block"])
    for one in _most(recovery["files"]):
        yield f"  recovery  {one['file']}  {size(one['size'])}"
    run = size(recovery["longest_run"])
    yield f"  repairs any {rows} damaged blocks of {block}, and one damaged run of up to {run}"
    if has_parts and recovery["covers_one_part"]:
        yield "  repairs the loss of any one part"
    elif has_parts:
        needed = recovery["percent_for_one_part"]
        advice = f"that takes --recovery {needed}%" if needed else "that takes more parts"
        yield f"  does NOT make up for the loss of a whole part; {advice}"


def _parts(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"CUT: {len(document['parts'])} part(s) of bundle {document['bundle']['id']}"
    yield from _written_parts(document["parts"])
    yield from _notes_and_errors(document)


def _joined(document: Mapping[str, Any]) -> Iterator[str]:
    bundle = document["bundle"]
    yield f"JOINED: {bundle['file']} ({size(bundle['size'])}), bundle {bundle['id']}"
    yield from _notes_and_errors(document)


def _repair(document: Mapping[str, Any]) -> Iterator[str]:
    bundle, repaired = document["bundle"], document["repaired"]
    if repaired["blocks"]:
        yield f"REPAIRED: {repaired['blocks']} damaged or missing blocks were made again ({repaired['bytes']} bytes)"
    else:
        yield "NOTHING WAS DAMAGED: every block could be read"
    for one in _most(repaired["files"]):
        yield f"  {one['bytes']} bytes made again  {one['file'] or 'of what is missing'}"
    yield f"written to {bundle['file']} ({size(bundle['size'])}), byte for byte what was exported"
    yield f"bundle  {bundle['id']}"
    yield "Nobody's signature was looked at: now run `airgap verify` or `airgap import` on it."
    yield from _notes_and_errors(document)


_HOW_READ: Final = {
    "direct": "read directly from the medium (O_DIRECT)",
    "cache-dropped": "read after dropping it from the page cache",
    "cached": "NOT CERTAINLY READ FROM THE MEDIUM: this file system allows neither O_DIRECT nor dropping its cache; "
    "eject the medium, insert it again and repeat",
}


def _media(document: Mapping[str, Any]) -> Iterator[str]:
    files = document["files"]
    good = sum(one["status"] == "good" for one in files)
    yield f"{'INTACT' if good == len(files) else 'DAMAGED'}: {good} of {len(files)} files are what they say they are"
    for one in _most(files):
        yield ""
        yield f"{'✓' if one['status'] == 'good' else '✗'} {one['file']}  {size(one['size'])}"
        of = f" {one['number']} of {one['total'] or '?'}" if one["number"] else ""
        yield f"  {one['kind'] or 'unknown'}{of}, bundle {one['bundle'] or '-'}"
        yield f"  .sha256 file beside it: {'compared' if one['checksum_file'] else 'not compared'}"
        if document["around_cache"]:
            yield f"  {_HOW_READ[one['read']]}"
        if one["error"]:
            yield from (f"  {line}" for line in _error(one["error"]))
    yield ""
    yield "Integrity only: nobody's signature was looked at."


def _trust(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"trust root {document['id']}"
    yield f"version {document['version']}; {document['threshold']} of {len(document['people'])} people must sign"
    scopes = [f"{scope['scope'] or 'any repository'} ({scope['identity']})" for scope in document["repositories"]]
    yield f"repositories: {', '.join(scopes)}"
    yield f"claims: {', '.join(document['claim_formats'])}; keys must be live now: {_yes(document['strict_expiry'])}"
    yield f"keys: {', '.join(document['algorithms'])}; RSA of {document['minimum_rsa_bits']} bits or more"
    for group in document["required"]:
        yield f"required: at least one of {', '.join(group)}"
    revoked = {one["certificate"]: one["time"] for one in document["revoked"]}
    for person in document["people"]:
        yield ""
        yield person["name"]
        held = {one["fingerprint"]: one for one in person["certificates"]}
        for fingerprint in person["fingerprints"]:
            yield f"  {spaced(fingerprint)}"
            if fingerprint in revoked:
                yield f"    REVOKED on this machine on {revoked[fingerprint][:10]}: its signatures never count"
            certificate = held.get(fingerprint)
            if certificate is None:
                yield "    no certificate here: this key cannot be checked until a bundle brings it"
            else:
                yield f"    {'; '.join(certificate['user_ids'][:2]) or 'without user id'} (as the certificate says)"
        if not person["fingerprints"]:
            yield "  has no key and cannot sign"
    if document["marks"]:
        yield ""
        yield "newest accepted image of each repository (older ones are refused)"
        for mark in _most(document["marks"]):
            yield f"  {mark['newest']}  {mark['repository']}"


def _update(document: Mapping[str, Any]) -> Iterator[str]:
    trust, before = document["trust"], document["before"]
    if not document["steps"]:
        yield f"UNCHANGED: this MAINTAINERS is the one in force (version {trust['version']})"
        return
    how = "BY HAND" if document["by_hand"] else "BY ITS SIGNATURES"
    yield f"ADOPTED {how}: version {before['version']} → {trust['version']}"
    yield f"joined: {', '.join(document['joined']) or 'nobody'}; left: {', '.join(document['left']) or 'nobody'}"
    for step in document["steps"]:
        if step["signatures"]:
            old, new = ", ".join(step["old_signers"]), ", ".join(step["new_signers"])
            yield f"version {step['version']}: signed by {old} of the old people, and by {new} of the new ones"
            yield from (f"    {line}" for line in _signature_rows(step["signatures"]))
    yield ""
    yield from _trust(trust)


def _drill(document: Mapping[str, Any]) -> Iterator[str]:
    summary = document["summary"]
    below = summary.get("below-quorum", 0)
    yield f"DRILL: {below} of {summary['images']} stored images would fall below their quorum; nothing was changed"
    yield f"without {', '.join(spaced(fingerprint) for fingerprint in document['revoked'])}"
    for outcome in ("below-quorum", "at-threshold", "already-below-quorum"):
        rows = [one for one in document["images"] if one["outcome"] == outcome]
        if rows:
            yield ""
            yield f"{_OUTCOMES[outcome]} ({len(rows)})"
        for one in _most(rows):
            left = ", ".join(one["after"]) or "nobody"
            yield f"  {one['reference']}  {short(one['digest'])}"
            yield f"    {len(one['before'])} → {len(one['after'])} of {document['threshold']} needed; left: {left}"
    yield ""
    yield f"unaffected: {summary.get('unaffected', 0)}"


def _log(document: Mapping[str, Any]) -> Iterator[str]:
    for one in document["entries"]:
        yield f"{one['number']:>5}  {one.get('time', '-'):<20}  {one['event']:<12} {_log_outcome(one)}"
        for error in one.get("errors", []):
            yield f"       {error['code']} {error['kind']}: {error['message']}"
        for image in _most(one.get("images", [])):
            yield f"       {image['reference']}  {short(image['digest'])}  {', '.join(image['signers']) or 'nobody'}"
        for loaded in _most(one.get("loaded", [])):
            yield f"       {loaded['reference']}  {short(loaded['digest'])}  into {loaded['target']}"
        for fingerprint in one.get("certificates", []):
            yield f"       {spaced(fingerprint)}"


def _log_outcome(entry: Mapping[str, Any]) -> str:
    words = []
    if "accepted" in entry:
        words.append("accepted" if entry["accepted"] else "REFUSED")
    if entry.get("byHand"):
        words.append("by hand")
    if entry.get("bundle"):
        words.append(f"bundle {short(entry['bundle'])}")
    if entry.get("overrides"):
        words.append(f"with --{', --'.join(entry['overrides'])}")
    if "undoes" in entry:
        words.append(f"entry {entry['undoes']} did not take effect")
    return ", ".join(words)


def _log_check(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"WHOLE: {document['entries']} entries, none changed, removed or put in"
    yield f"head  {document['head']}"


def _signatures(document: Mapping[str, Any]) -> Iterator[str]:
    signatures = document["signatures"]
    good = sum(one["status"] == "good" for one in signatures)
    yield f"{'GOOD' if good == len(signatures) else 'BAD'}: {good} of {len(signatures)} signatures are good"
    for one in _most(signatures):
        yield f"{'✓' if one['status'] == 'good' else '✗'} {one['file']}"
        yield from (f"    {line}" for line in _signature_facts(one))


def _audit(document: Mapping[str, Any]) -> Iterator[str]:
    summary = document["summary"]
    complete = summary["quorum"] == summary["images"]
    yield (
        f"{'COMPLETE' if complete else 'INCOMPLETE'}: {summary['quorum']} of {summary['images']} images reach quorum; "
        f"{summary['good']} of {summary['signatures']} signatures are good"
    )
    for one in document["explanations"]:
        yield from _explanation(one)
    lacking: dict[str, list[Mapping[str, Any]]] = {}
    for image in document["images"]:
        if not image["quorum"]:
            reasons = sorted({one["reason"] for one in image["signatures"] if one["reason"]})
            lacking.setdefault(", ".join(reasons) or "too few signatures", []).append(image)
    left = _ROWS_MAX
    for why, images in sorted(lacking.items(), key=lambda pair: -len(pair[1])):
        if left > 0:
            yield ""
            yield from _wrapped(f"{len(images)} under quorum: {why}", "  ")
            yield from map(_lacking, images[:left])
        left -= len(images)
    if left < 0:
        yield f"  … and {-left} more; --format json lists them all"


def _explanation(one: Mapping[str, Any]) -> Iterator[str]:
    """One kind of refusal: how many signatures it costs, whose, and what to do about it."""
    yield ""
    yield f"{one['count']} refused: {one['kind']}"
    for key, count in one["keys"][:_KEYS_MAX]:
        yield f"  {count:>6}  by {key}"
    if len(one["keys"]) > _KEYS_MAX:
        yield f"          and by {len(one['keys']) - _KEYS_MAX} other keys"
    yield from _wrapped(f"  for example {one['file']}:", "    ")
    yield from _wrapped(f"    {one['message']}", "    ")
    yield from _wrapped(f"  next: {one['hint']}", "    ")


def _lacking(image: Mapping[str, Any]) -> str:
    digest = short(image["digest"]) if image["digest"] else "(no whole digest)"
    signed = f"{len(image['signers'])} of {image['threshold']}"
    by = f" (by {', '.join(image['signers'])})" if image["signers"] else ""
    return f"  ✗ {signed}  {digest:<20}  {image['name']}{by}"


def _wrapped(text: str, indent: str) -> list[str]:
    """On lines of a terminal; words, file names and fingerprints stay whole."""
    return textwrap.wrap(
        text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )


def _error(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"error {document['code']} ({document['kind']}): {document['message']}"
    if document["hint"]:
        yield f"next: {document['hint']}"


def spaced(fingerprint: str) -> str:
    return " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4))


def _signature_rows(signatures: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for one in signatures:
        name = str(one["file"]).rpartition("/")[2]
        mark = "✓" if one["status"] == "good" else "✗"
        who = one["maintainer"] or "-"
        yield f"{mark} {name:<12} {who:<16} {str(one['created'] or '-')[:10]}  {_outcome(one)}"


def _signature_facts(one: Mapping[str, Any]) -> Iterator[str]:
    yield f"{_outcome(one)}; made {one['created'] or 'at an unknown time'}"
    if one.get("message"):
        yield from _wrapped(f"because {one['message']}", "  ")
        yield from _wrapped(f"next: {one['hint']}", "  ")
    if one["certificate"]:
        yield f"by {spaced(one['certificate'])}"
    if one["signing_key"] and one["signing_key"] != one["certificate"]:
        yield f"with subkey {spaced(one['signing_key'])}"
    if one["claim"]:
        yield f"claims {one['claim']['reference']} is {one['claim']['digest']} ({one['claim']['format']})"


def _outcome(one: Mapping[str, Any]) -> str:
    flags = f" ({', '.join(one['flags'])})" if one["flags"] else ""
    return f"{'good' if one['status'] == 'good' else one['reason']}{flags}"


def _notes_and_errors(document: Mapping[str, Any]) -> Iterator[str]:
    for note in _most(document["notes"]):
        yield f"note: {note}"
    yield from _errors(document)


def _errors(document: Mapping[str, Any]) -> Iterator[str]:
    for error in _most(document["errors"]):
        yield ""
        yield from _error(error)


def _most(rows: Iterable[Any]) -> Iterator[Any]:
    found = list(rows)
    yield from found[:_ROWS_MAX]


def _yes(value: object) -> str:
    return "yes" if value else "no"


_OUTCOMES: Final = {
    "below-quorum": "would fall below quorum",
    "at-threshold": "would stand exactly at the threshold",
    "already-below-quorum": "below quorum already",
}


def _check(document: Mapping[str, Any]) -> Iterator[str]:
    images = document["images"]
    same = sum(one["same"] for one in images)
    verb = "SAME" if document["same"] else "DIFFERENT"
    yield f"{verb}: {document['target']} holds {same} of {len(images)} as they were verified"
    for one in _most(images):
        yield f"{'✓' if one['same'] else '✗'} {one['name'] or one['reference']}"
        yield f"  verified  {one['digest']}"
        how = " (its configuration)" if one["identity"] == "config" else ""
        yield f"  found     {one['found'] or 'nothing'}{how}"
    yield from _errors(document)


def _policy(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"WRITTEN: {document['folder']}"
    count, total = len(document["images"]), len(document["images"]) + len(document["refused"])
    yield f"It lets in {count} of {total} images, each by its digest and the signatures of all people named, no others."
    for one in _most(document["images"]):
        yield f"✓ {one['reference']}  {short(one['digest'])}  {', '.join(one['people'])}"
    for one in _most(document["refused"]):
        yield f"✗ {one['reference']}  {short(one['digest'])}  is refused:"
        yield f"    {one['why']}"
    for name in document["overrides"]:
        yield f"override: {name}"
    if count:
        yield "Copy or link policy.json and registries.d to /etc/containers, and leave this folder where it is."
    yield from _errors(document)


def _kit(document: Mapping[str, Any]) -> Iterator[str]:
    for place in filter(None, (document["folder"], document["archive"] and document["archive"]["file"])):
        yield f"WRITTEN: {place}"
    yield f"id      {document['id']}"
    wheels = [one for package in document["packages"] for one in package["wheels"]]
    yield f"holds   airgap {document['version']}: {len(document['packages'])} packages, {_count(wheels, 'wheel')}, " + (
        size(document["bytes"])
    )
    yield f"for     Python {', '.join(document['pythons'])} on {', '.join(document['platforms'])}"
    if document["archive"]:
        yield f"archive {document['archive']['digest']}"
    yield "Tell the id to the other side by another way than the kit. There: sh install.sh FOLDER ID"


def _store(document: Mapping[str, Any]) -> Iterator[str]:
    images = document["images"]
    held = f"{_count(images, 'image')}, {size(document['bytes'])}"
    yield f"NOT VERIFIED: {held}; `airgap verify --store` judges them again"
    for one in _most(images):
        yield ""
        yield f"? {one['reference']}"
        yield f"  digest     {one['digest']}"
        yield f"  platforms  {', '.join(one['platforms']) or '-'}"
        yield f"  size       {'cannot be told' if one['bytes'] is None else size(one['bytes'])}"
        yield f"  signatures {one['signatures']} kept (not checked); artifacts {one['referrers']}"
    yield from _errors(document)


def _sweep(document: Mapping[str, Any]) -> Iterator[str]:
    files, freed = document["files"], f"{size(document['bytes'])} ({document['bytes']} bytes)"
    what = f"{_count(document['images'], 'image')} and {_count(files, 'file')}"
    if document["errors"]:
        yield "REFUSED: nothing was removed"
    elif document["dry_run"]:
        yield f"WOULD BE REMOVED: {what}, which frees {freed}; nothing was changed"
    else:
        yield f"REMOVED: {what}; freed {freed}"
    for one in _most(document["images"]):
        yield f"  {one['reference']}  {short(one['digest'])}"
    if document["dry_run"]:
        for one in _most(files):
            yield f"  {one['path']}  {size(one['size'])}"
    if not document["listed"]:
        yield "note: there is no index, so nobody can tell which blobs belong to images; they stay"
    for path in _most(document["strange"]):
        yield f"note: left {path}: it is not airgap's"
    if len(document["strange"]) > _ROWS_MAX:
        yield f"note: and {len(document['strange']) - _ROWS_MAX} more"
    yield from _errors(document)


def _diff(document: Mapping[str, Any]) -> Iterator[str]:
    judged = document["trust"] is not None
    how = (
        "signatures were judged, no blob was read"
        if judged
        else "signature files are only counted; --trust DIR judges them and names people"
    )
    yield f"NOT VERIFIED: this compares what both claim to hold; {how}."
    for name in ("a", "b"):
        side = document[name]
        of = f", {side['id']}" if side["id"] else ""
        yield f"{name.upper()}  {side['path']}  ({side['kind']}{of}; images: {side['images']}, {size(side['bytes'])})"
    if not document["different"]:
        yield "THE SAME images with the same signatures"
    for sign, rows, word in (("+", document["added"], "added"), ("-", document["removed"], "removed")):
        for one in _most(rows):
            yield ""
            yield f"{sign} {one['reference']}  {short(one['digest'])}  {word}"
            yield f"  {_stands(one)}"
    for row in _most(document["changed"]):
        yield ""
        yield f"≠ {row['reference']}  changed"
        for sign, rows in (("-", row["before"]), ("+", row["after"])):
            yield from (f"  {sign} {one['digest']}  {_stands(one)}" for one in rows)
        yield from _people_of(row, judged)
    differing = [one for one in document["common"] if one["different"]]
    for row in _most(differing):
        yield ""
        yield f"= {row['reference']}  {short(row['digest'])}  other signatures"
        yield f"  files   {row['signatures_added']} added, {row['signatures_removed']} removed"
        if judged:
            yield f"  before  {_stands(row['before'])}"
            yield f"  now     {_stands(row['after'])}"
        yield from _people_of(row, judged)
    yield ""
    yield f"unchanged images: {len(document['common']) - len(differing)}"
    yield f"blobs of B that A does not hold: {document['carry']['blobs']}, {size(document['carry']['bytes'])} to carry"
    yield "NOT VERIFIED: only `airgap verify` and `airgap import` can tell whether it is true."


def _count(rows: Sequence[object], noun: str) -> str:
    return f"{len(rows)} {noun}{'' if len(rows) == 1 else 's'}"


def _stands(one: Mapping[str, Any]) -> str:
    if one["signers"] is None:
        return f"{one['signatures']} signature files (not checked)"
    who = f"signed by {', '.join(one['signers']) or 'nobody'}"
    if not one["quorum"]:
        return f"{who}; WOULD BE REFUSED ({one['refusal']})"
    return f"{who}; exactly at the threshold" if one["at_threshold"] else who


def _people_of(row: Mapping[str, Any], judged: bool) -> Iterator[str]:
    if judged:
        gained, lost = (", ".join(row[name]) or "nobody" for name in ("signers_gained", "signers_lost"))
        yield f"  signers gained: {gained}; lost: {lost}"


_VIEWS: Final = {
    "airgap/verdict/v1": _verdict,
    "airgap/inspection/v1": _inspection,
    "airgap/export/v1": _export,
    "airgap/parts/v1": _parts,
    "airgap/join/v1": _joined,
    "airgap/repair/v1": _repair,
    "airgap/media/v1": _media,
    "airgap/trust/v1": _trust,
    "airgap/trust-update/v1": _update,
    "airgap/drill/v1": _drill,
    "airgap/log/v1": _log,
    "airgap/log-check/v1": _log_check,
    "airgap/signatures/v1": _signatures,
    "airgap/audit/v1": _audit,
    "airgap/check-digest/v1": _check,
    "airgap/policy/v1": _policy,
    "airgap/kit/v1": _kit,
    "airgap/store/v1": _store,
    "airgap/store-sweep/v1": _sweep,
    "airgap/diff/v1": _diff,
    "airgap/error/v1": _error,
}
