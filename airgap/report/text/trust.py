"""A trust root, its changes and a drill, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airgap.report.text.rows import most, short, spaced, yes
from airgap.report.text.signatures import signature_rows

_OUTCOMES: Final = {
    "below-quorum": "would fall below quorum",
    "at-threshold": "would stand exactly at the threshold",
    "already-below-quorum": "below quorum already",
}


def _trust(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"trust   {document['id']}"
    yield f"version {document['version']}; {document['threshold']} of {len(document['people'])} people must sign"
    scopes = [f"{scope['scope'] or 'any repository'} ({scope['identity']})" for scope in document["repositories"]]
    yield f"repositories: {', '.join(scopes)}"
    yield f"claims: {', '.join(document['claim_formats'])}; keys must be live now: {yes(document['strict_expiry'])}"
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
                yield from _revoked(certificate["revoked"])
        if not person["fingerprints"]:
            yield "  has no key and cannot sign"
    if document["marks"]:
        yield ""
        yield "newest accepted image of each repository (older ones are refused)"
        for mark in most(document["marks"]):
            yield f"  {mark['newest']}  {mark['repository']}"


def _revoked(revoked: Mapping[str, Any] | None) -> Iterator[str]:
    if revoked is not None:
        what = "its signatures never count" if revoked["hard"] else "what it signs from then on does not count"
        yield f"    REVOKED by its owner on {revoked['time'][:10]}: {what}"


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
            yield from (f"    {line}" for line in signature_rows(step["signatures"]))
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
        for one in most(rows):
            left = ", ".join(one["after"]) or "nobody"
            yield f"  {one['reference']}  {short(one['digest'])}"
            yield f"    {len(one['before'])} → {len(one['after'])} of {document['threshold']} needed; left: {left}"
    yield ""
    yield f"unaffected: {summary.get('unaffected', 0)}"


VIEWS: Final = {
    "airgap/trust/v1": _trust,
    "airgap/trust-update/v1": _update,
    "airgap/drill/v1": _drill,
}
