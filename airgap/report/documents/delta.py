"""What a delta bundle leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airgap.report.documents.error import Document

if TYPE_CHECKING:
    from airgap.bundle.delta import Absent


def absent_document(absent: Sequence[Absent]) -> Document:
    """Blobs that travel as names only, and the bytes that this spares."""
    return {"blobs": len(absent), "bytes": sum(one.size for one in absent)}
