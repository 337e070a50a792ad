"""The verdict on a bundle, what a bundle claims, and what a target holds, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airgap.report.text.rows import NOT_VERIFIED, errors_of, left_out, most, notes_and_errors, short, size
from airgap.report.text.signatures import signature_rows


def _verdict(document: Mapping[str, Any]) -> Iterator[str]:
    images, errors, loaded = document["images"], document["errors"], document["loaded"]
    verb = "ACCEPTED" if document["accepted"] and not errors else "REFUSED"
    noun = "image" if len(images) == 1 else "images"
    yield f"{verb}: {len(images)} {noun}" if images else f"{verb}: nothing could be verified"
    if document["bundle"]:
        yield f"bundle  {document['bundle']['id']}"
        yield f"        {size(document['bundle']['bytes'])} unpacked"
    if document["trust"]:
        trust = document["trust"]
        yield f"trust   {trust['id']}"
        yield f"        version {trust['version']}, {trust['threshold']} maintainers must sign"
    yield f"time    {document['time']['reference']}"
    for image in most(images):
        yield ""
        yield f"{'✓' if image['accepted'] else '✗'} {image['reference']}"
        yield f"  {image['digest']}"
        yield f"  platforms {', '.join(image['platforms']) or '-'}"
        people = f"{len(image['signers'])} counted, {image['threshold']} needed"
        yield f"  signed by {', '.join(image['signers']) or 'nobody'} ({people})"
        yield from (f"    {line}" for line in signature_rows(image["signatures"]))
        if image["staleness"]:
            days = image["staleness"]["days"]
            ago = "less than a day" if not days else f"{days} day{'' if days == 1 else 's'}"
            yield f"  newest accepted of this repository: reached quorum {ago} before that time"
        for one in most(image["referrers"]):
            yield f"  comes with {one['artifactType']}  {short(one['digest'])}, {size(one['size'])} (not counted)"
    for one in most(loaded):
        yield f"loaded  {one['name']} into {one['target']}, which reports {_reported(one)}"
        if one["replaced"]:
            yield f"        the name stood for {one['replaced']} before"
    yield from notes_and_errors(document)
    if errors and document["stored"]:
        what = "loading them" if any(error["code"].startswith("AG6") for error in errors) else "what came after"
        yield f"The images were verified and are in the store; {what} failed."
    elif errors and images and not document["bundle"]:
        yield f"{verb}. What is marked ✗ would be refused today; the store was left as it is."
    elif errors:
        yield f"{verb}. Nothing of this bundle was let in or loaded."


def _reported(one: Mapping[str, Any]) -> str:
    if one["identity"] == "config":
        return f"{short(one['reported'])}, the configuration of {short(one['digest'])}"
    return short(one["reported"])


def _inspection(document: Mapping[str, Any]) -> Iterator[str]:
    yield NOT_VERIFIED
    yield f"bundle  {document['bundle']['id']}"
    yield f"        {document['bundle']['members']} members, {size(document['bundle']['bytes'])} unpacked"
    yield from left_out(document["absent"])
    for image in most(document["images"]):
        yield ""
        yield f"? {image['reference']}"
        yield f"  {image['digest']}"
        yield f"  platforms  {', '.join(image['platforms']) or '-'}"
        yield f"  signatures {image['signatures']} (not checked)"
    yield ""
    yield NOT_VERIFIED


def _check(document: Mapping[str, Any]) -> Iterator[str]:
    images = document["images"]
    same = sum(one["same"] for one in images)
    verb = "SAME" if document["same"] else "DIFFERENT"
    yield f"{verb}: {document['target']} holds {same} of {len(images)} as they were verified"
    for one in most(images):
        yield f"{'✓' if one['same'] else '✗'} {one['name'] or one['reference']}"
        yield f"  verified  {one['digest']}"
        how = " (its configuration)" if one["identity"] == "config" else ""
        yield f"  found     {one['found'] or 'nothing'}{how}"
    yield from errors_of(document)


VIEWS: Final = {
    "airgap/verdict/v1": _verdict,
    "airgap/inspection/v1": _inspection,
    "airgap/check-digest/v1": _check,
}
