"""The verdict as an in-toto Statement v1 with the predicate SLSA Verification Summary v1.

Sources: github.com/in-toto/attestation spec/v1 (statement.md, resource_descriptor.md, digest_set.md) and
slsa.dev/spec/v1.1/verification_summary. Hashes are named by nih URIs (RFC 6920 §7), images by package URLs
(package-url, type oci). What the predicate has no field for is in annotations, whose names are URIs of scheme airgap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airgap import __version__
from airgap.report.documents.error import Document
from airgap.strict_json import canonical
from airgap.timestamp import rfc3339

if TYPE_CHECKING:
    from airgap.digest import Digest
    from airgap.examiner import Examination
    from airgap.trust.evidence import SignatureReport
    from airgap.trust.pinned import Trust
    from airgap.verify import UntrustedImage

STATEMENT: Final = "https://in-toto.io/Statement/v1"
PREDICATE: Final = "https://slsa.dev/verification_summary/v1"
VERIFIER: Final = "pkg:pypi/airgap"
_SLSA_VERSION: Final = "1.1"
_NO_ROOT: Final = "airgap:no-trust-root"


def attestation(examination: Examination, trust: Trust | None, reference_time: int, source: str) -> bytes:
    """One line of canonical JSON, the same for the same bundle, trust root and reference time.

    ``source`` is the URI of what was judged, for a bundle that did not tell its id, and for a store. PASSED stands for
    all subjects together, as the verdict does; there is no subject where nothing could be read, so nothing can match.
    """
    passed = examination.accepted
    reports = [report for image in examination.images for report in examination.reports_of(image)]
    statement: Document = {
        "_type": STATEMENT,
        "subject": [_subject(image, examination) for image in examination.images],
        "predicateType": PREDICATE,
        "predicate": {
            "verifier": {"id": VERIFIER, "version": {"airgap": __version__}},
            "timeVerified": rfc3339(reference_time),
            "resourceUri": source if examination.id is None else _nih(examination.id),
            "policy": _policy(examination, trust),
            "inputAttestations": _inputs(reports),
            "verificationResult": "PASSED" if passed else "FAILED",
            "verifiedLevels": [_level(trust) if passed else "FAILED"],
            "slsaVersion": _SLSA_VERSION,
        },
    }
    return canonical(statement) + b"\n"


def package_url(image: UntrustedImage) -> str:
    """The package URL of an image: type oci, its digest as the version, its repository as a qualifier.

    A parsed reference holds no character that would have to be escaped here; of a digest that is the colon.
    """
    repository, tag = image.reference.repository, image.reference.tag
    name = repository.path.rpartition("/")[2]
    tagged = "" if tag is None else f"&tag={tag}"
    return f"pkg:oci/{name}@sha256%3A{image.digest.hex}?repository_url={repository}{tagged}"


def _nih(digest: Digest) -> str:
    return f"nih:sha-256;{digest.hex}"


def _level(trust: Trust | None) -> str:
    """Names that begin with SLSA_ would speak of how an image was built, of which a quorum says nothing."""
    if trust is None:
        raise RuntimeError("nothing is accepted without a trust root")
    return f"AIRGAP_QUORUM_OF_{trust.root.threshold}"


def _subject(image: UntrustedImage, examination: Examination) -> Document:
    return {
        "name": image.name,
        "uri": package_url(image),
        "digest": {"sha256": image.digest.hex},
        "annotations": {
            "airgap:accepted": image.name in examination.accepted_names,
            "airgap:signers": list(examination.signers_of(image)),
        },
    }


def _policy(examination: Examination, trust: Trust | None) -> Document:
    """The trust root, and what the operator or the outcome adds to it."""
    known: Document = {
        "airgap:errors": [f"{error.code} {error.kind}" for error in examination.errors],
        "airgap:overrides": list(examination.overrides),
    }
    if trust is None:
        return {"uri": _NO_ROOT, "annotations": known}
    root = trust.root
    return {
        "uri": _nih(root.id),
        "digest": {"sha256": root.id.hex},
        "annotations": known | {"airgap:threshold": root.threshold, "airgap:version": root.version},
    }


def _inputs(reports: list[SignatureReport]) -> list[Document]:
    """Every signature file that was judged, counted or not, by its name."""
    return [
        {
            "name": report.file,
            "digest": {"sha256": report.digest.hex},
            "annotations": {"airgap:result": "good" if report.error is None else report.error.kind},
        }
        for report in sorted(reports, key=lambda report: report.file)
        if report.digest is not None
    ]
