"""What was written, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from airgap.report.text.rows import left_out, most, notes_and_errors, short, size


def _export(document: Mapping[str, Any]) -> Iterator[str]:
    bundle = document["bundle"]
    if bundle is None:
        yield "REFUSED: no bundle was written"
    elif document["preflight"] == "skipped":
        yield f"WRITTEN WITHOUT PREFLIGHT: {bundle['file']} ({size(bundle['size'])})"
    else:
        yield f"EXPORTED: {bundle['file']} ({size(bundle['size'])})"
    if bundle is not None:
        yield from left_out(document["absent"])
    yield from _written_parts(document["parts"])
    yield from _recovery(document["recovery"], bool(document["parts"]))
    for image in most(document["images"]):
        yield f"  {image['reference']}  {short(image['digest'])}  {', '.join(image['platforms'])}"
    yield from notes_and_errors(document)
    if bundle is not None:
        yield "bundle id, to compare with the other side over another channel:"
        yield str(bundle["id"])


def _written_parts(parts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for part in most(parts):
        yield f"  part {part['number']:>3}  {part['file']}  {size(part['size'])}"


def _recovery(recovery: Mapping[str, Any] | None, has_parts: bool) -> Iterator[str]:
    if recovery is None:
        return
    rows, block = recovery["recovery_blocks_per_column"], size(recovery["block"])
    for one in most(recovery["files"]):
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
    yield from notes_and_errors(document)


def _joined(document: Mapping[str, Any]) -> Iterator[str]:
    bundle = document["bundle"]
    yield f"JOINED: {bundle['file']} ({size(bundle['size'])}), bundle {bundle['id']}"
    yield from notes_and_errors(document)


def _repair(document: Mapping[str, Any]) -> Iterator[str]:
    bundle, repaired = document["bundle"], document["repaired"]
    if repaired["blocks"]:
        yield f"REPAIRED: {repaired['blocks']} damaged or missing blocks were made again ({repaired['bytes']} bytes)"
    else:
        yield "NOTHING WAS DAMAGED: every block could be read"
    for one in most(repaired["files"]):
        yield f"  {one['bytes']} bytes made again  {one['file'] or 'of what is missing'}"
    yield f"written to {bundle['file']} ({size(bundle['size'])}), byte for byte what was exported"
    yield f"bundle  {bundle['id']}"
    yield "Nobody's signature was looked at: now run `airgap verify` or `airgap import` on it."
    yield from notes_and_errors(document)


VIEWS: Final = {
    "airgap/export/v1": _export,
    "airgap/parts/v1": _parts,
    "airgap/join/v1": _joined,
    "airgap/repair/v1": _repair,
}
