"""An error as a document. It can be shown without loading anything else."""

from __future__ import annotations

from airgap.errors import AirgapError

Document = dict[str, object]


def error_document(error: AirgapError) -> Document:
    return {
        "schema": "airgap/error/v1",
        "code": error.code,
        "kind": error.kind,
        "message": error.message,
        "facts": error.facts,
        "hint": error.hint,
    }
