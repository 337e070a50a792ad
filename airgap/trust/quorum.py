"""Counting people (TRUST rule 1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from airgap.digest import Digest
from airgap.errors import KINDS, UntrustedError
from airgap.reference import Reference
from airgap.trust.evidence import SignatureReport
from airgap.trust.root import TrustRoot

_MENDED_HERE: Final = ("claim-identity-mismatch", "signature-from-the-future")
"""What may be nobody's signature missing, but another name, or the clock of this machine."""
"""Signed, but as another repository: more signatures would not help, the right name does."""


def signers(reports: Sequence[SignatureReport]) -> tuple[str, ...]:
    """The people behind the signatures that count, each once, sorted."""
    return tuple(sorted({report.maintainer for report in reports if report.counts and report.maintainer is not None}))


def require_quorum(
    reference: Reference, digest: Digest, reports: Sequence[SignatureReport], root: TrustRoot
) -> tuple[str, ...]:
    """The signers, if they are as many people as the root asks for, with one of each required group among them.

    Raises UntrustedError(quorum-not-met, image-unsigned, required-signer-missing).
    """
    counted, threshold = signers(reports), root.threshold
    if len(counted) >= threshold > 0:
        _require_groups(f"{reference}@{digest}", counted, root.required)
        return counted
    name = f"{reference}@{digest}"
    if not reports:
        raise UntrustedError(
            "image-unsigned",
            f"{name}: no signature came with it, {threshold} maintainers must sign",
            hint=f"Fetch its signatures into {reference.repository.path}@sha256={digest.hex}/ below --signatures, "
            "and export again.",
            image=name,
            threshold=threshold,
            missing=threshold,
        )
    who = ", ".join(counted) or "nobody"
    refused = [f"{report.file.rpartition('/')[2]}: {report.error.message}" for report in reports if report.error]
    again = sum(report.counts for report in reports) - len(counted)
    message = (
        f"{name}: {len(counted)} of {threshold} maintainers signed ({who}), {threshold - len(counted)} more needed"
    )
    if again > 0:
        message += f"; {again} further good signature{'s' if again > 1 else ''} by the same people count once"
    if refused:
        message += "; not counted: " + "; ".join(refused[:10])
        if len(refused) > 10:
            message += f"; and {len(refused) - 10} more"
    expected = [f"{person.nick} {fingerprint}" for person in root.people for fingerprint in person.fingerprints]
    if not counted:
        message += "; the trust root expects signatures by " + ", ".join(expected)
    kinds = [report.error.kind for report in reports if report.error]
    raise UntrustedError(
        "quorum-not-met",
        message,
        hint=next((KINDS[one].hint for one in _MENDED_HERE if kinds.count(one) >= threshold - len(counted)), None),
        image=name,
        threshold=threshold,
        expected=expected,
        signers=list(counted),
        missing=threshold - len(counted),
        refused=kinds,
    )


def is_quorum(counted: Sequence[str], threshold: int, required: Iterable[Sequence[str]] = ()) -> bool:
    """Whether these people are enough, and one of each required group is among them."""
    return len(counted) >= threshold > 0 and not missing_groups(counted, required)


def missing_groups(counted: Sequence[str], required: Iterable[Sequence[str]]) -> list[Sequence[str]]:
    """The groups of which nobody is among the signers."""
    return [group for group in required if not set(group) & set(counted)]


def _require_groups(name: str, counted: Sequence[str], required: Iterable[Sequence[str]]) -> None:
    for group in missing_groups(counted, required):
        raise UntrustedError(
            "required-signer-missing",
            f"{name}: signed by {', '.join(counted)}, but by none of {', '.join(group)}",
            image=name,
            signers=list(counted),
            required=list(group),
        )
