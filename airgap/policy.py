"""``airgap policy write``: the files by which podman, CRI-O and skopeo go on enforcing signatures on the offline side.

policy.json             containers-policy.json(5)
registries.d/           containers-registries.d(5): where signatures are
keys/<FPR>.pgp          the pinned certificates that policy.json names
lookaside/              the signatures that it asks for
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from airgap.disk.folders import publish_folder
from airgap.examiner import Examination
from airgap.openpgp.keys import Fingerprint
from airgap.reference import Reference, Repository
from airgap.store.store import Store
from airgap.strict_json import canonical
from airgap.trust.native import NativeImage, native_signatures, policy_of, signed_tag
from airgap.trust.pinned import Trust
from airgap.verify import UntrustedImage

POLICY_FILE: Final = "policy.json"
REGISTRIES_FOLDER: Final = "registries.d"
KEYS_FOLDER: Final = "keys"
LOOKASIDE_FOLDER: Final = "lookaside"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An image that is verified, and that the policy must refuse; ``why`` is for people."""

    image: UntrustedImage
    why: str


@dataclass(frozen=True, slots=True)
class NativePolicy:
    """What was planned; write() makes it."""

    folder: Path
    images: Mapping[str, NativeImage]  # by the image's own name
    left_out: tuple[LeftOut, ...]
    files: Mapping[str, bytes]

    def write(self) -> None:
        """All files in a new folder, or none. Raises HostError(output-exists)."""
        publish_folder(self.folder, self.files)


def plan_policy(
    examination: Examination,
    store: Store,
    trust: Trust,
    folder: Path,
    bases: Sequence[str],
    *,
    accepts_archives: bool = False,
) -> NativePolicy:
    """For the approved images of the store, under their own names and below each of ``bases`` (HOST[:PORT][/PREFIX]).

    ``folder`` must be absolute: policy.json and registries.d/ name what is in it.
    """
    images: dict[str, NativeImage] = {}
    approved_names = {one.image.name for one in examination.approved}
    why = "it would not be let in here, either; the errors say why"
    left_out = [LeftOut(image, why) for image in examination.images if image.name not in approved_names]
    for approved in sorted(examination.approved, key=lambda one: one.reached):  # a tag is the newest image's
        image = approved.image
        signatures = native_signatures(approved.reports, store.evidence.signatures(image), approved.threshold)
        if image.descriptor.is_index:
            why = "its index is signed; these programs want a signature for each manifest in it"
            left_out.append(LeftOut(image, why))
        elif len(signatures) < approved.threshold:
            why = (
                f"these programs can check {len(signatures)} of {approved.threshold} needed signatures: they take "
                "signed messages by version 4 keys that have not expired"
            )
            left_out.append(LeftOut(image, why))
        else:
            images[image.name] = NativeImage(_names(image, bases, signed_tag(signatures)), signatures)
    used = {one.certificate for image in images.values() for one in image.signatures}
    paths = {fingerprint: f"{KEYS_FOLDER}/{fingerprint}.pgp" for fingerprint in sorted(used)}
    files = {
        POLICY_FILE: _policy(list(images.values()), folder, paths, accepts_archives),
        f"{REGISTRIES_FOLDER}/airgap.yaml": _registries(images.values(), folder),
        **{paths[one.primary.fingerprint]: one.encoded() for one in trust.keyring if one.primary.fingerprint in paths},
    }
    for native in images.values():
        for name in native.names:
            if name.digest is not None:
                place = f"{LOOKASIDE_FOLDER}/{name.repository.path}@sha256={name.digest.hex}"
                files |= {f"{place}/signature-{n}": one.data for n, one in enumerate(native.signatures, 1)}
    return NativePolicy(folder, images, tuple(left_out), files)


def _names(image: UntrustedImage, bases: Sequence[str], tag: str | None) -> tuple[Reference, ...]:
    """By digest, and by a tag that was signed: at home, and in each registry."""
    path = image.reference.repository.path
    repositories = [image.reference.repository]
    for base in bases:
        domain, slash, prefix = base.partition("/")
        repositories.append(Repository(domain, f"{prefix}/{path}" if slash else path))
    pinned = [Reference(repository, None, image.digest) for repository in repositories]
    return (*pinned, *(Reference(repository, tag) for repository in repositories if tag is not None))


def _policy(
    images: Sequence[NativeImage], folder: Path, paths: Mapping[Fingerprint, str], accepts_archives: bool
) -> bytes:
    absolute = {fingerprint: str(folder / path) for fingerprint, path in paths.items()}
    return canonical(policy_of(images, absolute, accepts_archives=accepts_archives)) + b"\n"


def _registries(images: Iterable[NativeImage], folder: Path) -> bytes:
    """JSON, which is YAML, too."""
    place = {"lookaside": (folder / LOOKASIDE_FOLDER).as_uri()}
    repositories = {str(name.repository) for image in images for name in image.names}
    return canonical({"docker": dict.fromkeys(sorted(repositories), place)}) + b"\n"
