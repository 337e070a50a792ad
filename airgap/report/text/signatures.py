"""Signatures and whole signatures repositories as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from airgap.report.text.rows import ROWS_MAX, most, short, spaced, wrapped

_KEYS_MAX: Final = 5  # keys named for one kind of refusal


def _signatures(document: Mapping[str, Any]) -> Iterator[str]:
    signatures = document["signatures"]
    good = sum(one["status"] == "good" for one in signatures)
    yield f"{'GOOD' if good == len(signatures) else 'BAD'}: {good} of {len(signatures)} signatures are good"
    for one in most(signatures):
        yield f"{'✓' if one['status'] == 'good' else '✗'} {one['file']}"
        yield from (f"    {line}" for line in _signature_facts(one))


def _audit(document: Mapping[str, Any]) -> Iterator[str]:
    summary = document["summary"]
    if not summary["images"]:
        yield "INCOMPLETE: no signatures are there: DIR is the root of a lookaside tree, NAME@sha256=HEX/signature-N"
        return
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
    left = ROWS_MAX
    for why, images in sorted(lacking.items(), key=lambda pair: -len(pair[1])):
        if left > 0:
            yield ""
            yield from wrapped(f"{len(images)} under quorum: {why}", "  ")
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
    yield from wrapped(f"  for example {one['file']}:", "    ")
    yield from wrapped(f"    {one['message']}", "    ")
    yield from wrapped(f"  next: {one['hint']}", "    ")


def _lacking(image: Mapping[str, Any]) -> str:
    digest = short(image["digest"]) if image["digest"] else "(no whole digest)"
    signed = f"{len(image['signers'])} of {image['threshold']}"
    by = f" (by {', '.join(image['signers'])})" if image["signers"] else ""
    return f"  ✗ {signed}  {digest:<20}  {image['name']}{by}"


def signature_rows(signatures: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for one in signatures:
        name = str(one["file"]).rpartition("/")[2]
        mark = "✓" if one["status"] == "good" else "✗"
        who = one["maintainer"] or "-"
        yield f"{mark} {name:<12} {who:<16} {str(one['created'] or '-')[:10]}  {_outcome(one)}"


def _signature_facts(one: Mapping[str, Any]) -> Iterator[str]:
    yield f"{_outcome(one)}; made {one['created'] or 'at an unknown time'}"
    if one.get("message"):
        yield from wrapped(f"because {one['message']}", "  ")
        yield from wrapped(f"next: {one['hint']}", "  ")
    if one["certificate"]:
        yield f"by {spaced(one['certificate'])}"
    if one["signing_key"] and one["signing_key"] != one["certificate"]:
        yield f"with subkey {spaced(one['signing_key'])}"
    if one["claim"]:
        yield f"claims {one['claim']['reference']} is {one['claim']['digest']} ({one['claim']['format']})"


def _outcome(one: Mapping[str, Any]) -> str:
    flags = f" ({', '.join(one['flags'])})" if one["flags"] else ""
    return f"{'good' if one['status'] == 'good' else one['reason']}{flags}"


VIEWS: Final = {
    "airgap/signatures/v1": _signatures,
    "airgap/audit/v1": _audit,
}
