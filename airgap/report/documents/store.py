"""What a store holds, and what was removed from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airgap.report.documents.error import Document, error_document

if TYPE_CHECKING:
    from airgap.store.store import Store
    from airgap.sweeper import Shelf, Sweep


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
