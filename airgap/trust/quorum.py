"""Counting people (TRUST rule 1)."""

from __future__ import annotations

from collections.abc import Sequence

from airgap.digest import Digest
from airgap.errors import UntrustedError
from airgap.reference import Reference
from airgap.trust.evidence import SignatureReport


def signers(reports: Sequence[SignatureReport]) -> tuple[str, ...]:
    """The people behind the signatures that count, each once, sorted."""
    return tuple(sorted({report.maintainer for report in reports if report.counts and report.maintainer is not None}))


def require_quorum(
    reference: Reference, digest: Digest, reports: Sequence[SignatureReport], threshold: int
) -> tuple[str, ...]:
    """The signers, if they are at least ``threshold`` people. Raises UntrustedError(quorum-not-met, image-unsigned)."""
    counted = signers(reports)
    if len(counted) >= threshold > 0:
        return counted
    name = f"{reference}@{digest}"
    if not reports:
        raise UntrustedError(
            "image-unsigned",
            f"{name}: no signature came with it, {threshold} maintainers must sign",
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
    raise UntrustedError(
        "quorum-not-met",
        message,
        image=name,
        threshold=threshold,
        signers=list(counted),
        missing=threshold - len(counted),
        refused=[report.error.kind for report in reports if report.error],
    )
