"""What a store holds and what was removed from it, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airgap.report.text.rows import ROWS_MAX, count_of, errors_of, most, short, size


def _store(document: Mapping[str, Any]) -> Iterator[str]:
    images = document["images"]
    held = f"{count_of(images, 'image')}, {size(document['bytes'])}"
    yield f"NOT VERIFIED: {held}; `airgap verify --store` judges them again"
    for one in most(images):
        yield ""
        yield f"? {one['reference']}"
        yield f"  {one['digest']}"
        yield f"  platforms  {', '.join(one['platforms']) or '-'}"
        yield f"  size       {'cannot be told' if one['bytes'] is None else size(one['bytes'])}"
        yield f"  signatures {one['signatures']} kept (not checked); artifacts {one['referrers']}"
    yield from errors_of(document)


def _sweep(document: Mapping[str, Any]) -> Iterator[str]:
    files, freed = document["files"], f"{size(document['bytes'])} ({document['bytes']} bytes)"
    what = f"{count_of(document['images'], 'image')} and {count_of(files, 'file')}"
    if document["errors"]:
        yield "REFUSED: nothing was removed"
    elif document["dry_run"]:
        yield f"WOULD BE REMOVED: {what}, which frees {freed}; nothing was changed"
    else:
        yield f"REMOVED: {what}; freed {freed}"
    for one in most(document["images"]):
        yield f"  {one['reference']}  {short(one['digest'])}"
    if document["dry_run"]:
        for one in most(files):
            yield f"  {one['path']}  {size(one['size'])}"
    if not document["listed"]:
        yield "note: there is no index, so nobody can tell which blobs belong to images; they stay"
    for path in most(document["strange"]):
        yield f"note: left {path}: it is not airgap's"
    if len(document["strange"]) > ROWS_MAX:
        yield f"note: and {len(document['strange']) - ROWS_MAX} more"
    yield from errors_of(document)


VIEWS: Final = {
    "airgap/store/v1": _store,
    "airgap/store-sweep/v1": _sweep,
}
