"""Files on a medium, judged alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from airgap.report.documents.error import Document, error_document

if TYPE_CHECKING:
    from airgap.media.judge import Judgement


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
