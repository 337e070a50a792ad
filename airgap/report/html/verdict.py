"""The report on a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from airgap.report.documents.trust import trust_document
from airgap.report.documents.verdict import verdict_document
from airgap.report.html.page import page
from airgap.report.html.pictures import bars, time_line

if TYPE_CHECKING:
    from airgap.examiner import Examination
    from airgap.trust.pinned import Trust

_PEOPLE_MAX: Final = 40  # columns of the matrix


def verdict_page(examination: Examination, trust: Trust | None, reference_time: int) -> bytes:
    """HTML, the same bytes for the same examination."""
    return render(
        verdict_document(examination, trust, reference_time),
        None if trust is None else trust_document(trust),
        [(one.image.name, sum(blob.size for blob in one.blobs)) for one in examination.verified],
        _contents(examination),
        reference_time,
    )


def render(
    verdict: Mapping[str, Any],
    root: Mapping[str, Any] | None,
    images: Sequence[tuple[str, int]],
    contents: Sequence[tuple[str, int]],
    reference_time: int,
) -> bytes:
    """The page of these documents. ``images`` and ``contents`` are names with their sizes in bytes."""
    known = [] if root is None else [person["name"] for person in root["people"]]
    signing = {one["maintainer"] for image in verdict["images"] for one in image["signatures"]}
    people = [name for name in known if len(known) <= _PEOPLE_MAX or name in signing][:_PEOPLE_MAX]
    return page(
        "verdict",
        {
            "verdict": verdict,
            "verb": "Accepted" if verdict["accepted"] else "Refused",
            "root": root,
            "revoked": {} if root is None else {one["certificate"]: one["time"] for one in root["revoked"]},
            "people": people,
            "left_out": len(known) - len(people),
            "matrix": [[_cell(image, name) for name in people] for image in verdict["images"]],
            "time_line": time_line(verdict["images"], "reference", reference_time),
            "bars": bars(images),
            "contents": bars(contents),
        },
    )


def _cell(image: Mapping[str, Any], nick: str) -> str:
    """What a person did for an image: "good", "bad", or nothing."""
    outcomes = {one["status"] for one in image["signatures"] if one["maintainer"] == nick}
    return "good" if "good" in outcomes else "bad" if outcomes else ""


def _contents(examination: Examination) -> list[tuple[str, int]]:
    """What the bundle is made of, by kind, as its manifest says."""
    if examination.manifest is None:
        return []
    sizes: dict[str, int] = {}
    for member in examination.manifest.members:
        kind = "trust documents and lists"
        if member.blob is not None:
            kind = "images"
        elif member.signature_folder is not None:
            kind = "signatures"
        elif member.referrer is not None:
            kind = "artifacts that come with images"
        sizes[kind] = sizes.get(kind, 0) + member.size
    return list(sizes.items())
