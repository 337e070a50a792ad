"""The connected side: find images and evidence, run the import's own decisions over them, and write the bundle.

The order of work is here; where things come from is in sources/, what is decided in verify.py, the bytes in bundle/.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final

from airgap.bundle.delta import leave_out
from airgap.bundle.format import (
    DIGESTS_FOLDER,
    KEYRING_PATH,
    MAINTAINERS_HISTORY,
    MAINTAINERS_PATH,
    MAINTAINERS_SIGNATURES,
    REFERRERS,
)
from airgap.bundle.manifest import BundleManifest, Member, parse_bundle_manifest, signature_folder, sort_members
from airgap.bundle.writer import Chunk, Content, Output, Written, write_bundle
from airgap.digest import Digest, digest_of
from airgap.errors import AirgapError, SourceError
from airgap.limits import LIMITS
from airgap.oci.descriptor import Descriptor, Platform
from airgap.oci.graph import GraphWalk
from airgap.oci.layout import INDEX_FILE, LAYOUT_BYTES, LAYOUT_FILE, blob_path
from airgap.oci.manifest import parse_config, parse_manifest
from airgap.oci.referrer import Artifact
from airgap.openpgp.keyring import Keyring
from airgap.progress import Progress
from airgap.reference import Reference
from airgap.sources.image import FoundImage, ImageSource, manifests_below, read_blob
from airgap.sources.lookaside import Lookaside, collect
from airgap.sources.spec import LOOK_UPS, Sources, SourceSpec, parse_digest_list, require_listed
from airgap.trust.evidence import SignatureReport
from airgap.trust.pinned import Trust, pinned
from airgap.trust.quorum import signers
from airgap.trust.root import TrustRoot
from airgap.trust.rotation import Offer
from airgap.verify import ApprovedImage, UntrustedImage, approve, judge_for_image

_COMPRESSED: Final = ("+gzip", "+zstd", ".gzip")  # ends of media types
_KEPT: Final = 0.9  # of such a layer, whatever the compressor of the bundle still finds in it


@dataclass(frozen=True, slots=True)
class Evidence:
    """What travels beside the images. ``digest_lists`` are file names and their bytes.

    ``offers`` are versions of MAINTAINERS with the signatures over them, oldest first; the last is ``maintainers``.
    """

    offers: Sequence[Offer]
    keyring: Keyring
    lookasides: Sequence[Lookaside]
    digest_lists: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def maintainers(self) -> bytes:
        return self.offers[-1].maintainers


@dataclass(frozen=True, slots=True)
class Plan:
    """A bundle that is decided but not written: its manifest, where its bytes are, and what the preflight found."""

    manifest: BundleManifest
    approved: tuple[ApprovedImage, ...]
    reports: Mapping[str, Sequence[SignatureReport]]
    errors: tuple[AirgapError, ...]
    notes: tuple[str, ...]
    least_size: int  # bytes that the file will have at least: layers that are compressed already
    content: Content

    def write(
        self,
        output: Output,
        via: Callable[[Content], Content] = lambda content: content,
        *,
        jobs: int,
        level: int,
        progress: Progress,
    ) -> Written:
        """Write the bundle, hashing every byte on the way; ``via`` may have some of them from elsewhere.

        Raises IntegrityError, SourceError, HostError.
        """
        return write_bundle(output, self.manifest, via(self.content), jobs=jobs, level=level, progress=progress)


@dataclass(slots=True)
class Exporter:
    """One export. ``root`` is the trust root of the preflight; no ``platforms`` means all.

    ``with_referrers`` takes along what sources hold about the images; what cannot be had of that is noted, not raised.
    ``held`` are blobs that the other side holds: of layers among them only the names are exported.
    """

    sources: Sources
    evidence: Evidence
    root: TrustRoot
    reference_time: int
    platforms: frozenset[Platform] = frozenset()
    with_referrers: bool = True
    held: Collection[Digest] | None = None
    _trust: Trust = field(init=False)
    _signatures: dict[str, list[bytes]] = field(default_factory=dict)
    _reports: dict[str, list[SignatureReport]] = field(default_factory=dict)
    _notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._trust = pinned(self.root, self.evidence.keyring)

    def plan(self, specs: Iterable[SourceSpec], progress: Progress) -> Plan:
        """Find everything and decide. Failures of the preflight are in the plan; what cannot be found is raised."""
        progress.stage("finding images", None)
        images: dict[str, UntrustedImage] = {}
        specs = list(specs)
        self.sources.look_up(specs)
        everything = [self.sources.find(spec) for spec in specs]
        self._fetch_signatures([UntrustedImage(reference, _bare(found.root), ()) for reference, found in everything])
        for reference, found in everything:
            if found.note:
                self._notes.append(found.note)
            for image in self._select(reference, found):
                images[image.name] = image
        chosen = [images[name] for name in sorted(images)]
        self._note_shared_names(chosen)
        self._cross_check(chosen)
        walk = self._walk(chosen)
        chosen = [replace(image, platforms=tuple(map(str, walk.platforms(image.descriptor)))) for image in chosen]
        approved, errors = self._approve(chosen)
        small = self._small_members(chosen)
        absent = leave_out(walk.layers(), self.held or ())
        if self.held is not None and not absent:
            self._notes.append("this is a full bundle: what --since was given names no layer of these images")
        left_out = {one.digest for one in absent}
        layers = [layer for layer in walk.layers() if layer.digest not in left_out]
        blobs = (*walk.manifests_in_order(), *walk.configs(), *layers)
        members = [Member(path, len(data), digest_of(data)) for path, data in small.items()]
        members += [Member(blob_path(blob.digest), blob.size, blob.digest) for blob in blobs]
        artifacts = self._artifacts(chosen) if self.with_referrers else {}
        members += _artifact_members(artifacts)
        referrers = {name: tuple(sorted(one.referrer for one in found)) for name, found in artifacts.items()}
        manifest = BundleManifest(tuple(chosen), sort_members(members), referrers, absent)
        parse_bundle_manifest(manifest.encoded)  # what the importer would refuse is never written
        self.sources.announce((member.digest, member.size) for member in manifest.members if member.path not in small)
        least = sum(layer.size for layer in layers if layer.media_type.endswith(_COMPRESSED)) * _KEPT
        return Plan(
            manifest,
            tuple(approved),
            self._reports,
            tuple(errors),
            tuple(self._notes),
            int(least),
            self._content(small),
        )

    def _select(self, reference: Reference, found: FoundImage) -> list[UntrustedImage]:
        """What of an image is exported: the digest that people signed (TRUST rule 7).

        That is the top descriptor if its signatures reach a quorum and no platform is left out; else the image
        manifests under it, each of which must then reach quorum by itself, as StageX signs them.
        """
        top = UntrustedImage(reference, _bare(found.root), ())
        if found.root.is_manifest:
            self._require_platform(found)
            return [top]
        if not self.platforms and self._reaches_quorum(top):
            return [top]
        inner = [UntrustedImage(reference, _bare(child), ()) for child in self._inner(found)]
        if not self.platforms and self._judge(top) and not any(self._judge(image) for image in inner):
            return [top]
        return inner

    def _inner(self, found: FoundImage) -> list[Descriptor]:
        """The runnable manifests below an index, those of the wanted platforms. Raises SourceError."""
        images: list[Descriptor] = []
        others = 0
        for descriptor, data in manifests_below(found):
            if not parse_manifest(data, descriptor).is_image:
                others += 1
            elif not self.platforms or self._platform(found.source, descriptor, data) in self.platforms:
                images.append(descriptor)
        if not images:
            raise self._no_platform(found)
        if others:
            manifests = "manifest" if others == 1 else "manifests"
            self._notes.append(
                f"{found.origin}: left {others} attestation or artifact {manifests} behind, as nobody signed the index"
            )
        return images

    def _require_platform(self, found: FoundImage) -> None:
        if self.platforms:
            data = read_blob(found.source, found.root, LIMITS.oci_manifest)
            if self._platform(found.source, found.root, data) not in self.platforms:
                raise self._no_platform(found)

    def _platform(self, source: ImageSource, descriptor: Descriptor, data: bytes) -> Platform:
        if descriptor.platform is not None:
            return replace(descriptor.platform, os_version="")
        config = parse_manifest(data, descriptor).config
        return parse_config(read_blob(source, config, LIMITS.oci_config), config).platform

    def _no_platform(self, found: FoundImage) -> SourceError:
        wanted = ", ".join(sorted(map(str, self.platforms))) or "any platform"
        return SourceError("platform-not-found", f"{found.origin}: it holds no image for {wanted}")

    def _fetch_signatures(self, images: Sequence[UntrustedImage]) -> None:
        """For all images at once: a lookaside tree may be on a web server, where each file is an answer to wait for."""

        def fetch(image: UntrustedImage) -> list[bytes]:
            return collect(self.evidence.lookasides, image.reference.repository, image.digest)

        with ThreadPoolExecutor(LOOK_UPS) as pool:
            for image, files in zip(images, pool.map(fetch, images), strict=True):
                self._signatures[signature_folder(image)] = files

    def _judge(self, image: UntrustedImage) -> list[SignatureReport]:
        """Steps 4 and 5 of the import, over the signatures that will travel with this image."""
        folder = signature_folder(image)
        if folder not in self._signatures:
            self._fetch_signatures([image])
        if image.name not in self._reports:
            self._reports[image.name] = [
                judge_for_image(image, f"{folder}/signature-{n}", data, self._trust, self.reference_time)
                for n, data in enumerate(self._signatures[folder], 1)
            ]
        return self._reports[image.name]

    def _reaches_quorum(self, image: UntrustedImage) -> bool:
        return len(signers(self._judge(image))) >= self.root.threshold

    def _approve(self, images: Sequence[UntrustedImage]) -> tuple[list[ApprovedImage], list[AirgapError]]:
        approved: list[ApprovedImage] = []
        errors: list[AirgapError] = []
        for image in images:
            try:
                approved.append(approve(image, self._judge(image), self._trust))
            except AirgapError as error:
                errors.append(error)
        return approved, errors

    def _note_shared_names(self, images: Sequence[UntrustedImage]) -> None:
        for reference, count in Counter(image.reference for image in images).items():
            if count > 1:
                self._notes.append(f"{count} images are called {reference}; on the other side each has its digest too")

    def _cross_check(self, images: Sequence[UntrustedImage]) -> None:
        """Every image that a digest list names must be the one it names; one that none names is pointed out."""
        lists = [parse_digest_list(data, name) for name, data in self.evidence.digest_lists.items()]
        by_reference: dict[Reference, list[Digest]] = {}
        for image in images:
            by_reference.setdefault(image.reference, []).append(image.digest)
        for reference, digests in by_reference.items():
            if not require_listed(reference, digests, lists) and lists:
                self._notes.append(f"{reference} is in none of the digest lists")

    def _walk(self, images: Sequence[UntrustedImage]) -> GraphWalk:
        walk = GraphWalk(tuple(image.descriptor for image in images))
        for wanted in (walk.manifests(), walk.configs()):
            for descriptor in wanted:
                walk.feed(descriptor, read_blob(self.sources.holding(descriptor.digest), descriptor, LIMITS.oci_config))
        walk.finish()
        return walk

    def _artifacts(self, images: Sequence[UntrustedImage]) -> dict[str, list[Artifact]]:
        """What the sources hold about the images, by image; images without any are left out."""

        def find(image: UntrustedImage) -> list[Artifact] | AirgapError:
            try:
                return self.sources.holding(image.digest).artifacts(image.digest)
            except AirgapError as error:
                return error

        found: dict[str, list[Artifact]] = {}
        with ThreadPoolExecutor(LOOK_UPS) as pool:
            for image, answer in zip(images, pool.map(find, images), strict=True):
                if isinstance(answer, AirgapError):
                    self._notes.append(f"{image.name}: its referrers stay behind: {answer.message}")
                elif answer:
                    found[image.name] = answer
        return found

    def _small_members(self, images: Sequence[UntrustedImage]) -> dict[str, bytes]:
        """Everything but blobs, by path."""
        small = {
            MAINTAINERS_PATH: self.evidence.maintainers,
            KEYRING_PATH: self.evidence.keyring.encoded(),
            LAYOUT_FILE: LAYOUT_BYTES,
            INDEX_FILE: BundleManifest(tuple(images), ()).index(),
        }
        for name, data in self.evidence.digest_lists.items():
            small[f"{DIGESTS_FOLDER}/{name}"] = data
        small |= _offered(self.evidence.offers)
        for image in images:
            self._judge(image)
            folder = signature_folder(image)
            for number, data in enumerate(self._signatures[folder], 1):
                small[f"{folder}/signature-{number}"] = data
        return small

    def _content(self, small: Mapping[str, bytes]) -> Content:
        def content(member: Member) -> Iterable[Chunk]:
            if member.path in small:
                return [small[member.path]]
            return self.sources.chunks(member.digest)

        return content


def _offered(offers: Sequence[Offer]) -> dict[str, bytes]:
    """The signatures over MAINTAINERS, and its earlier versions with theirs, by path."""
    *earlier, newest = offers
    found = {f"{MAINTAINERS_HISTORY}/{step}/MAINTAINERS": offer.maintainers for step, offer in enumerate(earlier, 1)}
    folders = {f"{MAINTAINERS_HISTORY}/{step}": offer for step, offer in enumerate(earlier, 1)}
    for folder, offer in {**folders, MAINTAINERS_SIGNATURES: newest}.items():
        found |= {f"{folder}/signature-{number}": data for number, (_, data) in enumerate(offer.signatures, 1)}
    return found


def _artifact_members(artifacts: Mapping[str, Sequence[Artifact]]) -> list[Member]:
    """Every manifest and blob of these artifacts, once."""
    sizes: dict[Digest, int] = {}
    for artifact in (one for found in artifacts.values() for one in found):
        sizes[artifact.referrer.digest] = artifact.referrer.size
        sizes |= {blob.digest: blob.size for blob in artifact.blobs}
    return [Member(f"{REFERRERS}/{digest.hex}", size, digest) for digest, size in sizes.items()]


def _bare(descriptor: Descriptor) -> Descriptor:
    """What a bundle says of a root: neither platform nor annotations, which no signature covers."""
    return Descriptor(descriptor.media_type, descriptor.digest, descriptor.size)
