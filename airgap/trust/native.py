"""What containers-policy.json(5) can say of verified images, so that podman, CRI-O and skopeo go on checking them.

That policy knows no "M of N": several ``signedBy`` entries must all hold, and of the keys in one file any will do. But
who signed each stored image is known. So every image is named by its digest, and asks for the signatures of M people of
those who signed it, one entry a person. Whatever is not named is refused. The digest is in the scope and the
repository in ``exactRepository``, so the same signatures hold wherever the image was copied to. A tag is a scope only
where the tag itself was signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from airgap.errors import AirgapError
from airgap.openpgp.keys import Fingerprint
from airgap.openpgp.message import parse_signature_file
from airgap.reference import Reference
from airgap.trust.claim import ClaimFormat
from airgap.trust.evidence import SignatureReport

REJECT: Final = [{"type": "reject"}]
ACCEPT: Final = [{"type": "insecureAcceptAnything"}]
_V4_DIGITS: Final = 40  # of a fingerprint; GnuPG, which these programs use, knows no other keys


@dataclass(frozen=True, slots=True)
class NativeSignature:
    """A signature that counts and that containers/image can check, too."""

    person: str
    certificate: Fingerprint
    identity: Reference
    data: bytes
    is_by_primary: bool
    """Up to 2024 containers/image knew a key by its primary fingerprint alone, and took no subkey's signatures."""


@dataclass(frozen=True, slots=True)
class NativeImage:
    """An image that the policy lets in: the names it goes by, and the M signatures that are asked for."""

    names: tuple[Reference, ...]
    signatures: tuple[NativeSignature, ...]

    @property
    def people(self) -> tuple[str, ...]:
        return tuple(one.person for one in self.signatures)

    def requirements(self, name: Reference, key_paths: Mapping[Fingerprint, str]) -> list[dict[str, object]]:
        return [
            {
                "keyPath": key_paths[one.certificate],
                "keyType": "GPGKeys",
                "signedIdentity": _identity(one, name),
                "type": "signedBy",
            }
            for one in self.signatures
        ]


def native_signatures(
    reports: Iterable[SignatureReport], files: Mapping[str, bytes], threshold: int
) -> tuple[NativeSignature, ...]:
    """One signature a person, ``threshold`` of them, those first that every version of containers/image takes.

    Fewer if not enough of the signatures can be checked by it: signed messages of version 4 keys, over atomic claims.
    """
    found = [one for report in reports if (one := _native(report, files)) is not None]
    chosen: dict[str, NativeSignature] = {}
    for one in sorted(found, key=lambda one: not one.is_by_primary):
        chosen.setdefault(one.person, one)
    best = sorted(chosen.values(), key=lambda one: (not one.is_by_primary, one.person))
    return tuple(best[:threshold])


def policy_of(
    images: Sequence[NativeImage], key_paths: Mapping[Fingerprint, str], *, accepts_archives: bool
) -> dict[str, object]:
    """``policy.json``. ``accepts_archives`` lets `podman load` in, which reads no signatures."""
    scopes = {str(name): image.requirements(name, key_paths) for image in images for name in image.names}
    transports: dict[str, object] = {"docker": {**scopes, "": REJECT}}
    if accepts_archives:
        transports |= {"oci-archive": {"": ACCEPT}, "docker-archive": {"": ACCEPT}}
    return {"default": REJECT, "transports": transports}


def signed_tag(signatures: Sequence[NativeSignature]) -> str | None:
    """The tag that all of these signatures are over."""
    tags = {one.identity.tag for one in signatures}
    return tags.pop() if len(tags) == 1 else None


def _identity(signature: NativeSignature, name: Reference) -> dict[str, object]:
    repository = signature.identity.repository
    if name.digest is not None:
        return {"dockerRepository": str(repository), "type": "exactRepository"}
    return {"dockerReference": f"{repository}:{signature.identity.tag}", "type": "exactReference"}


def _native(report: SignatureReport, files: Mapping[str, bytes]) -> NativeSignature | None:
    good, claim = report.good, report.claim
    if not report.counts or good is None or claim is None or report.maintainer is None or claim.identity is None:
        return None
    if claim.format is not ClaimFormat.ATOMIC or len(str(good.certificate)) != _V4_DIGITS or good.flags:
        return None  # GnuPG takes no signature of a key that has expired since
    try:
        if parse_signature_file(files[report.file]).payload is None:
            return None  # a detached one: containers/image reads signed messages only
    except AirgapError:
        return None
    return NativeSignature(
        report.maintainer,
        good.certificate,
        claim.identity,
        files[report.file],
        good.signing_key == good.certificate,
    )
