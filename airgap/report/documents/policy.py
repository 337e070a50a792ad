"""A native policy that was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airgap.report.documents.error import Document, error_document

if TYPE_CHECKING:
    from airgap.examiner import Examination
    from airgap.policy import NativePolicy


def policy_document(policy: NativePolicy, examination: Examination, accepts_archives: bool) -> Document:
    """What a native policy lets in, and which verified images it must refuse."""
    return {
        "schema": "airgap/policy/v1",
        "folder": str(policy.folder),
        "files": sorted(policy.files),
        "images": [
            {
                "reference": str(approved.image.reference),
                "digest": str(approved.image.digest),
                "names": [str(name) for name in policy.images[approved.image.name].names],
                "people": list(policy.images[approved.image.name].people),
            }
            for approved in examination.approved
            if approved.image.name in policy.images
        ],
        "refused": [
            {"reference": str(one.image.reference), "digest": str(one.image.digest), "why": one.why}
            for one in policy.left_out
        ],
        "overrides": ["accept-unsigned-archives"] if accepts_archives else [],
        "errors": [error_document(error) for error in examination.errors],
    }
