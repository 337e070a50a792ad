"""Examining a bundle: its members in order, each handed to the decisions (bundles/FORMAT.md §7, steps 2 to 10)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from airgap.bundle.format import (
    KEYRING_PATH,
    MAINTAINERS_PATH,
    MANIFEST_PATH,
    SIGNATURES_FOLDER,
)
from airgap.bundle.manifest import BundleManifest, Member, signature_folder
from airgap.bundle.reader import BundleReader
from airgap.digest import Digest
from airgap.engines.engine import Engine
from airgap.errors import AirgapError, FormatError
from airgap.oci.descriptor import Descriptor
from airgap.oci.graph import GraphWalk
from airgap.oci.layout import INDEX_FILE, LAYOUT_BYTES, LAYOUT_FILE
from airgap.oci.referrer import Referrer, ReferrerClosure
from airgap.openpgp.keyring import Keyring, load_keyring
from airgap.progress import Progress
from airgap.store.base import Base, base_missing, not_given, prove_base
from airgap.store.evidence import SignatureFile
from airgap.store.quarantine import Quarantine
from airgap.store.store import Store
from airgap.trust.evidence import SignatureReport
from airgap.trust.maintainers import parse_maintainers
from airgap.trust.pinned import Trust
from airgap.trust.quorum import signers
from airgap.verify import (
    ApprovedImage,
    BlobReceipt,
    LoadedImage,
    UntrustedImage,
    VerifiedImage,
    approve,
    judge_for_image,
    require_complete,
)


@dataclass(slots=True)
class Examination:
    """What is known of a bundle, or of stored images; kept up to date while reading, so that a refusal can show it."""

    manifest: BundleManifest | None = None
    id: Digest | None = None
    images: tuple[UntrustedImage, ...] = ()
    referrers: Mapping[str, Sequence[Referrer]] = field(default_factory=dict)
    reports: dict[str, list[SignatureReport]] = field(default_factory=dict)
    approved: list[ApprovedImage] = field(default_factory=list)
    verified: list[VerifiedImage] = field(default_factory=list)
    loaded: list[LoadedImage] = field(default_factory=list)
    errors: list[AirgapError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    overrides: list[str] = field(default_factory=list)  # options of the operator that weakened a check
    is_stored: bool = False  # whether the images were published to the store
    independent: bool = False  # each image is judged for itself, not all of them or none

    @property
    def accepted(self) -> bool:
        """Every image verified, and nothing went wrong. An empty examination is not accepted."""
        return len(self.verified) == len(self.images) > 0 and not self.errors

    @property
    def accepted_names(self) -> frozenset[str]:
        """The images that may be used."""
        return frozenset(one.image.name for one in self.verified if self.independent or self.accepted)

    def reports_of(self, image: UntrustedImage) -> list[SignatureReport]:
        return self.reports.get(image.name, [])

    def signers_of(self, image: UntrustedImage) -> tuple[str, ...]:
        """The people whose signatures count for this image, whether or not they are enough."""
        return signers(self.reports_of(image))


class Refused(Exception):
    """Reading stops here: the examination already holds the errors."""


@dataclass(frozen=True, slots=True)
class Job:
    """Everything an examination needs besides the bundle. ``reference_time`` is in seconds since 1970.

    ``weakened`` names what else the operator overrode, for the verdict and the log; it decides nothing.
    """

    trust: Trust
    reference_time: int
    jobs: int
    progress: Progress
    allow_older: bool = False
    weakened: tuple[str, ...] = ()


class Examiner:
    """Takes the members in their order and hands them to the decisions.

    ``remember`` is told of the carried keyring before anything is decided; ``trust`` is what is judged by, with what
    that keyring adds; ``evidence`` are the signature files by their path in a lookaside tree. ``store`` is where blobs
    are proven that a delta bundle leaves out; without one a delta is refused.
    """

    def __init__(
        self,
        reader: BundleReader,
        job: Job,
        examination: Examination,
        engines: Sequence[Engine] = (),
        remember: Callable[[Keyring], None] = lambda _: None,
        store: Store | None = None,
    ) -> None:
        self._store = store
        self._base = Base()
        self._engines = engines
        self._reader = reader
        self._job = job
        self._examination = examination
        self._remember = remember
        self.trust = job.trust
        self.evidence: dict[str, SignatureFile] = {}

    def open(self) -> BundleManifest:
        """Step 2."""
        examination = self._examination
        if examination.manifest is None:
            examination.manifest, examination.id = self._reader.read_manifest()
            examination.images = examination.manifest.images
            examination.referrers = examination.manifest.referrers
        return examination.manifest

    def run(self, quarantine: Quarantine | None) -> None:
        """Steps 3 to 10. Raises AirgapError or Refused."""
        manifest = self.open()
        self._read_trust()
        self._read_signatures(manifest)
        self._approve(manifest)
        if quarantine is not None and self._store is not None:
            self._store.require_room_for(manifest.images)
        self._prove_base(manifest, quarantine)
        if quarantine is not None and not self._base.lacks:
            quarantine.require_room((one.digest, one.size) for one in manifest.members if one.blob or one.referrer)
        self._expect(LAYOUT_FILE, LAYOUT_BYTES)
        self._expect(INDEX_FILE, manifest.index())
        walk = GraphWalk(tuple(image.descriptor for image in manifest.images))
        # If the base is not all there, manifests are read to tell what for, and nothing is written any more.
        self._read_documents(walk, walk.manifests(), None if self._base.lacks else quarantine)
        self._require_base(manifest, walk)
        for engine in self._engines:
            engine.preflight(manifest.images, walk)
        self._reader.read_ahead()
        self._read_documents(walk, walk.configs(), quarantine)
        walk.finish()
        self._require_platforms(manifest, walk)
        receipts = self._read_layers(walk, quarantine)
        self._examination.verified = require_complete(self._examination.approved, walk, receipts)

    def _read_trust(self) -> None:
        """Step 3: the bundle's certificates count by pinned fingerprint only; its MAINTAINERS is compared, not used."""
        while (member := self._reader.next) is not None and member.path.startswith("trust/"):
            data = self._reader.read()
            if member.path == MAINTAINERS_PATH:
                self._compare_maintainers(data)
            elif member.path == KEYRING_PATH:
                carried = load_keyring([data])
                self._remember(carried)
                self.trust = self.trust.with_certificates(carried)
                self._note_strangers(carried)

    def _compare_maintainers(self, data: bytes) -> None:
        root = self.trust.root
        ours = {person.nick: person.fingerprints for person in root.people}
        theirs = {person.nick: person.fingerprints for person in parse_maintainers(data, MAINTAINERS_PATH)}
        for nick in sorted(set(ours) | set(theirs)):
            if nick not in ours:
                self._note(f"the bundle's MAINTAINERS also lists {nick}, whom the trust root does not know")
            elif nick not in theirs:
                self._note(f"the bundle's MAINTAINERS no longer lists {nick}")
            elif ours[nick] != theirs[nick]:
                pinned, found = (", ".join(map(str, keys[nick])) or "no key" for keys in (ours, theirs))
                self._note(f"the bundle's MAINTAINERS gives {nick} {found}; the trust root has {pinned}")
        if ours != theirs:
            self._note("it changes nothing here: a new MAINTAINERS comes into force by `airgap trust update` only")

    def _note_strangers(self, carried: Keyring) -> None:
        pinned = set(self.trust.root.people.fingerprints)
        for certificate in carried:
            if certificate.primary.fingerprint not in pinned:
                self._note(f"ignored certificate {certificate.primary.fingerprint}: it belongs to no pinned maintainer")
        for problem in carried.problems:
            self._note(f"ignored a certificate in the bundle's keyring: {problem.message}")

    def _note(self, text: str) -> None:
        self._examination.notes.append(text)

    def _read_signatures(self, manifest: BundleManifest) -> None:
        """Steps 4 and 5."""
        by_folder: dict[str, list[UntrustedImage]] = {}
        for image in manifest.images:
            by_folder.setdefault(signature_folder(image), []).append(image)
        self._job.progress.stage("checking signatures", None)
        while (member := self._reader.next) is not None and member.signature_folder is not None:
            data = self._reader.read()
            counts = [self._judge(image, member, data) for image in by_folder[member.signature_folder]]
            self.evidence[member.path.removeprefix(f"{SIGNATURES_FOLDER}/")] = SignatureFile(data, any(counts))

    def _judge(self, image: UntrustedImage, member: Member, data: bytes) -> bool:
        report = judge_for_image(image, member.path, data, self.trust, self._job.reference_time)
        self._examination.reports.setdefault(image.name, []).append(report)
        return report.counts

    def _expect(self, path: str, data: bytes) -> None:
        """A member that follows from the manifest."""
        member = self._next(path)
        if self._reader.read() != data:
            raise FormatError("member-unexpected", f"{member.path} is not the one that follows from {MANIFEST_PATH}")

    def _read_documents(self, walk: GraphWalk, wanted: Iterator[Descriptor], quarantine: Quarantine | None) -> None:
        """Step 8: indexes, manifests and configurations, in the order that the graph predicts."""
        for descriptor in wanted:
            self._next_blob(descriptor)
            data = self._reader.read()
            walk.feed(descriptor, data)
            if quarantine is not None:
                quarantine.put(descriptor.digest, data)

    def _approve(self, manifest: BundleManifest) -> None:
        """Steps 6 and 7, for all images: every failure is collected before reading stops."""
        for image in manifest.images:
            reports = self._examination.reports_of(image)
            try:
                approved = approve(image, reports, self.trust, allow_older=self._job.allow_older)
            except AirgapError as error:
                self._examination.errors.append(error)
            else:
                self._examination.approved.append(approved)
                if approved.older is not None:
                    self._note(f"allowed by --allow-older: {approved.older.message}")
        if self._examination.errors:
            raise Refused

    def _prove_base(self, manifest: BundleManifest, quarantine: Quarantine | None) -> None:
        """Step 8 of a delta: what it leaves out is hashed in the store before a byte of it is written there."""
        if self._store is None:
            if manifest.absent:
                raise not_given(manifest.absent)
            return
        self._base = prove_base(self._store, manifest.absent, self._job.jobs, self._job.progress)
        if quarantine is not None:
            quarantine.stored |= self._base.receipts.keys()
        if self._base.receipts:
            proven = sum(one.size for one in self._base.receipts.values())
            self._note(f"a delta: {len(self._base.receipts)} blobs ({proven} bytes) were proven in the store")

    def _require_base(self, manifest: BundleManifest, walk: GraphWalk) -> None:
        """Only layers of these images may be absent, by their sizes; and each of them was proven."""
        layers = {layer.digest: layer.size for layer in walk.layers()}
        for absent in manifest.absent:
            if layers.get(absent.digest) != absent.size:
                raise FormatError(
                    "bundle-manifest-invalid",
                    f"{MANIFEST_PATH} leaves out {absent.digest} of {absent.size} bytes, which is a layer of no image",
                    digest=str(absent.digest),
                )
        if self._base.lacks and self._store is not None:
            raise base_missing(self._base, manifest.images, walk, self._store)

    def _require_platforms(self, manifest: BundleManifest, walk: GraphWalk) -> None:
        for image in manifest.images:
            found = tuple(str(platform) for platform in walk.platforms(image.descriptor))
            if found != image.platforms:
                raise FormatError(
                    "bundle-manifest-invalid",
                    f"{MANIFEST_PATH} says {image.name} is for {', '.join(image.platforms)[:200]}, "
                    f"it is for {', '.join(found)}",
                )

    def _read_layers(self, walk: GraphWalk, quarantine: Quarantine | None) -> list[BlobReceipt]:
        """Steps 9 and 10."""
        manifest = self.open()
        self._job.progress.stage(
            "checking layers" if quarantine is None else "checking and storing", manifest.stream_size
        )
        for descriptor in walk.layers():
            if descriptor.digest in self._base.receipts:
                continue
            self._next_blob(descriptor)
            kept = None if quarantine is None else quarantine.keeps(descriptor.digest, descriptor.size)
            if kept is not None:
                self._reader.pass_over(kept)
            else:
                self._reader.stream(quarantine.sink(descriptor.digest) if quarantine is not None else None)
        self._read_referrers(manifest, quarantine)
        if self._reader.next is not None:
            raise FormatError("member-unexpected", f"{self._reader.next.path} belongs to no image in this bundle")
        return [*self._base.receipts.values(), *self._reader.finish()]

    def _read_referrers(self, manifest: BundleManifest, quarantine: Quarantine | None) -> None:
        """Evidence about the images: exactly what is listed, shown in the verdict, and never counted."""
        images = {image.name: image.digest for image in manifest.images}
        listed: dict[Referrer, set[Digest]] = {}
        for name, found in manifest.referrers.items():
            for referrer in found:
                listed.setdefault(referrer, set()).add(images[name])
        closure = ReferrerClosure(listed)
        while (member := self._reader.next) is not None and member.referrer is not None:
            data = self._reader.read()
            closure.feed(member.referrer, data)
            if quarantine is not None:
                quarantine.put_referrer(member.referrer, data)
        closure.finish()

    def _next_blob(self, descriptor: Descriptor) -> None:
        member = self._reader.next
        if member is None or member.blob != descriptor.digest:
            found = "the end" if member is None else member.path[:200]
            raise FormatError(
                "member-missing", f"expected blob {descriptor.digest}, found {found}", digest=str(descriptor.digest)
            )
        if member.size != descriptor.size:
            raise FormatError(
                "bundle-manifest-invalid",
                f"{MANIFEST_PATH} gives blob {descriptor.digest} {member.size} bytes, its image {descriptor.size}",
            )

    def _next(self, path: str) -> Member:
        member = self._reader.next
        if member is None or member.path != path:
            found = "the end" if member is None else member.path[:200]
            raise FormatError("member-missing", f"expected {path}, found {found}")
        return member
