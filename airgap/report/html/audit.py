"""The report on a whole signatures repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airgap.report.documents.signatures import audit_document
from airgap.report.html.page import page
from airgap.report.html.pictures import time_line
from airgap.timestamp import rfc3339

if TYPE_CHECKING:
    from airgap.auditor import Audited


def audit_page(audited: Audited) -> bytes:
    """HTML, the same bytes for the same audit."""
    pinned = [(person.nick, [str(one) for one in person.fingerprints]) for person in audited.people]
    document = audit_document(audited.images, explain=True)
    return render(document, pinned, audited.threshold, audited.reference_time)


def render(audit: Any, people: Sequence[tuple[str, Sequence[str]]], threshold: int, reference_time: int) -> bytes:
    """The page of this document. ``people`` are names with full fingerprints."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for image in audit["images"]:
        groups.setdefault(_group(image), []).append(image)
    signed = {nick: 0 for nick, _ in people}
    for image in audit["images"]:
        for nick in image["signers"]:
            signed[nick] = signed.get(nick, 0) + 1
    summary = audit["summary"]
    return page(
        "audit",
        {
            "audit": audit,
            "complete": summary["images"] > 0 and summary["quorum"] == summary["images"],
            "groups": sorted(groups.items(), key=lambda pair: (pair[0] == "", -len(pair[1]), pair[0])),
            "people": [(nick, fingerprints, signed[nick]) for nick, fingerprints in people],
            "threshold": threshold,
            "time": rfc3339(reference_time),
            "time_line": time_line(audit["images"], "name", reference_time),
        },
    )


def _group(image: Mapping[str, Any]) -> str:
    """Why an image is under its quorum; empty if it is not."""
    if image["quorum"]:
        return ""
    return ", ".join(sorted({one["reason"] for one in image["signatures"] if one["reason"]})) or "too few signatures"
