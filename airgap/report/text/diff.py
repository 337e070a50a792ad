"""A difference, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airgap.report.text.rows import most, short, size


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
        for one in most(rows):
            yield ""
            yield f"{sign} {one['reference']}  {short(one['digest'])}  {word}"
            yield f"  {_stands(one)}"
    for row in most(document["changed"]):
        yield ""
        yield f"≠ {row['reference']}  changed"
        for sign, rows in (("-", row["before"]), ("+", row["after"])):
            yield from (f"  {sign} {one['digest']}  {_stands(one)}" for one in rows)
        yield from _people_of(row, judged)
    differing = [one for one in document["common"] if one["different"]]
    for row in most(differing):
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
    if document["lacking"]["blobs"]:
        lacking = document["lacking"]
        yield f"B IS A DELTA AGAINST SOMETHING ELSE: neither holds {lacking['blobs']} blobs ({size(lacking['bytes'])})"
    yield "NOT VERIFIED: only `airgap verify` and `airgap import` can tell whether it is true."


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


VIEWS: Final = {
    "airgap/diff/v1": _diff,
}
