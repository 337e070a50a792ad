"""All decisions about an image, in their order, pure: values and bytes in, proofs out (bundles/FORMAT.md §7).

``UntrustedImage`` (what a bundle claims) → ``ApprovedImage`` (enough people signed its digest, for this repository) →
``VerifiedImage`` (every blob that the digest covers was hashed) → ``LoadedImage`` (an engine reports that digest).
Each proof can only be made here. There is no way into an engine but with a VerifiedImage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from airgap.digest import Digest
from airgap.errors import EngineError, FormatError, IntegrityError, RollbackError, UntrustedError
from airgap.oci.descriptor import Descriptor
from airgap.oci.graph import GraphWalk, Runnable
from airgap.reference import Reference
from airgap.seal import Seal
from airgap.trust.evidence import Expectation, SignatureReport, judge_signature
from airgap.trust.pinned import Trust
from airgap.trust.quorum import require_quorum
from airgap.trust.rollback import Dated, quorum_time, require_not_older

_APPROVED: Final = Seal("ApprovedImage")
_VERIFIED: Final = Seal("VerifiedImage")
_LOADED: Final = Seal("LoadedImage")
_RECEIPT: Final = Seal("BlobReceipt")


@dataclass(frozen=True, slots=True)
class UntrustedImage:
    """An image as somebody claims it: the digest is what people should have signed (TRUST rule 7)."""

    reference: Reference
    descriptor: Descriptor
    platforms: tuple[str, ...]

    @property
    def digest(self) -> Digest:
        return self.descriptor.digest

    @property
    def lookaside(self) -> str:
        """Its folder in a lookaside tree: ``<repository path>@sha256=<hex>`` (containers-registries.d(5))."""
        return f"{self.reference.repository.path}@sha256={self.digest.hex}"

    @property
    def name(self) -> str:
        """A name that is unique among images and valid as an OCI ref name."""
        return f"{self.reference}@{self.digest}"

    def is_called(self, wanted: Reference) -> bool:
        """Whether somebody who writes ``wanted``, a repository, a tag or a digest of it, means this image, too."""
        return (
            wanted.repository == self.reference.repository
            and wanted.tag in (None, self.reference.tag)
            and wanted.digest in (None, self.digest)
        )


@dataclass(frozen=True, slots=True)
class BlobReceipt:
    """Proof that every byte of a blob was read and hashed to its digest."""

    digest: Digest
    size: int
    seal: object

    def __post_init__(self) -> None:
        _RECEIPT.require(self.seal)


@dataclass(frozen=True, slots=True)
class ApprovedImage:
    """Proof that a quorum of people signed this digest for this repository.

    ``reached`` is when, in seconds since 1970; ``older`` the refusal that the operator overrode, if there was one.
    """

    image: UntrustedImage
    threshold: int
    signers: tuple[str, ...]
    reports: tuple[SignatureReport, ...]
    reached: int
    older: RollbackError | None
    seal: object

    def __post_init__(self) -> None:
        _APPROVED.require(self.seal)

    @property
    def dated(self) -> Dated:
        return Dated(self.image.reference, self.image.digest, self.reached)


@dataclass(frozen=True, slots=True)
class VerifiedImage:
    """Proof that an approved image is complete: ``blobs`` is its exact closure, each one hashed."""

    approved: ApprovedImage
    blobs: tuple[Descriptor, ...]
    runnable: tuple[Runnable, ...]
    seal: object

    def __post_init__(self) -> None:
        _VERIFIED.require(self.seal)

    @property
    def image(self) -> UntrustedImage:
        return self.approved.image


@dataclass(frozen=True, slots=True)
class EngineReport:
    """What an engine says when it is asked for an image. ``digest`` is None if it knows none of that name.

    ``replaced`` is what the name stood for before the image was loaded, if that was something else.
    """

    name: str
    digest: Digest | None
    replaced: Digest | None = None


class Identity(StrEnum):
    """What an engine's digest is the digest of."""

    MANIFEST = "manifest"
    """What was signed: an image manifest, or an index."""
    CONFIG = "config"
    """The configuration of one image that the signed digest covers: it fixes all content, but not how it is packed."""


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """Proof that an engine, asked after loading, reported the verified digest, or one that identifies the image."""

    image: VerifiedImage
    target: str
    report: EngineReport
    identity: Identity
    seal: object

    def __post_init__(self) -> None:
        _LOADED.require(self.seal)


def judge_for_image(
    image: UntrustedImage, file: str, data: bytes, trust: Trust, reference_time: int
) -> SignatureReport:
    """Steps 4 and 5 for one signature file: OpenPGP, claim, identity, person. Never raises for hostile bytes."""
    scope = trust.root.scope_of(image.reference.repository)
    expected = (
        Expectation(image.reference, image.digest)
        if scope is None
        else Expectation(image.reference, image.digest, scope.rule)
    )
    return judge_signature(file, data, trust.policy(reference_time), people=trust.root.people, expected=expected)


def approve(
    image: UntrustedImage, reports: Sequence[SignatureReport], trust: Trust, *, allow_older: bool = False
) -> ApprovedImage:
    """Steps 6 and 7: quorum, scope, rollback.

    Raises UntrustedError, RollbackError (unless ``allow_older``), or the FormatError of a hostile signature file.
    """
    root = trust.root
    for report in reports:
        # A file built to exhaust the verifier is no accident: it refuses its bundle, whoever else signed.
        if isinstance(report.error, FormatError):
            raise FormatError(report.error.kind, f"{report.file}: {report.error.message}", file=report.file)
    if root.scope_of(image.reference.repository) is None:
        raise UntrustedError(
            "repository-out-of-scope",
            f"{image.reference}: the trust root does not speak for this repository",
            repository=str(image.reference.repository),
            scopes=[scope.prefix for scope in root.scopes],
        )
    counted = require_quorum(image.reference, image.digest, reports, root)
    reached = quorum_time(reports, root.threshold)
    older = None
    try:
        require_not_older(Dated(image.reference, image.digest, reached), trust.memory.marks)
    except RollbackError as error:
        if not allow_older:
            raise
        older = error
    return ApprovedImage(image, root.threshold, counted, tuple(reports), reached, older, _APPROVED)


def require_blob(digest: Digest, size: int, found: str, name: str) -> BlobReceipt:
    """The receipt for a blob of ``size`` bytes that hashed to hex digest ``found``. Raises IntegrityError."""
    if found != digest.hex:
        raise IntegrityError("blob-differs", f"{name} holds other bytes than its digest says", path=name)
    return BlobReceipt(digest, size, _RECEIPT)


def require_complete(
    approved: Iterable[ApprovedImage], walk: GraphWalk, receipts: Iterable[BlobReceipt]
) -> list[VerifiedImage]:
    """Steps 8 and 9, concluded: a receipt for every blob under every digest. Raises IntegrityError."""
    held: Mapping[Digest, int] = {receipt.digest: receipt.size for receipt in receipts}
    return [_require_blobs(image, walk, held) for image in approved]


def _require_blobs(approved: ApprovedImage, walk: GraphWalk, held: Mapping[Digest, int]) -> VerifiedImage:
    root = approved.image.descriptor
    blobs = walk.closure(root)
    for blob in blobs:
        if held.get(blob.digest) != blob.size:
            raise IntegrityError("blob-size-differs", f"{blob.digest} is missing, or its size is not {blob.size}")
    return VerifiedImage(approved, blobs, walk.runnable(root), _VERIFIED)


def identity_of(image: UntrustedImage, choices: Iterable[Runnable], reported: Digest | None) -> Identity | None:
    """What an engine's digest says of an image; None if it is not of this image.

    ``choices`` are the images to run out of it that the engine may name by their configuration: none, unless it keeps
    no manifests. A configuration identifies an image: its diff ids are the digests of all layers' content (image-spec
    config.md), and the engine checks them when it unpacks.
    """
    if reported == image.digest:
        return Identity.MANIFEST
    return Identity.CONFIG if reported in [one.config.digest for one in choices] else None


def require_loaded(
    image: VerifiedImage, target: str, report: EngineReport, choices: Iterable[Runnable] = ()
) -> LoadedImage:
    """Step 14: the engine's own word, after loading. For ``choices`` see identity_of(); only the image's own count.

    Raises EngineError(engine-digest-differs).
    """
    identity = identity_of(image.image, [one for one in choices if one in image.runnable], report.digest)
    if identity is None:
        found, hint = f"{report.digest} as {report.name}, and not {image.image.name}", None
        if report.digest is None:
            found = f"nothing as {report.name}"
            hint = f"Import the bundle again with --to {target}: it loads what is missing, and says why if it cannot."
        raise EngineError(
            "engine-digest-differs",
            f"{target} holds {found}",
            hint=hint,
            target=target,
            name=report.name,
            expected=str(image.image.digest),
            found=None if report.digest is None else str(report.digest),
        )
    return LoadedImage(image, target, report, identity, _LOADED)
