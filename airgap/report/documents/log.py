"""The audit log, and that it is whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from airgap.report.documents.error import Document

if TYPE_CHECKING:
    from airgap.audit import Entry, Head


def log_document(entries: Iterable[Entry]) -> Document:
    return {
        "schema": "airgap/log/v1",
        "entries": [
            {"number": entry.head.entries, "hash": f"sha256:{entry.head.hash}", **entry.parsed()} for entry in entries
        ],
    }


def log_check_document(head: Head) -> Document:
    return {
        "schema": "airgap/log-check/v1",
        "whole": True,
        "entries": head.entries,
        "head": f"sha256:{head.hash}",
    }
