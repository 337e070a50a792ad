"""Artifacts that speak of an image: SBOMs, attestations, cosign signatures (image-spec manifest.md, ``subject``).

They are carried and shown as evidence; no decision rests on them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from airgap.digest import Digest, parse_digest
from airgap.errors import FormatError, IntegrityError
from airgap.limits import LIMITS
from airgap.oci.descriptor import CONFIGS, OCI_MANIFEST, Descriptor, is_media_type, parse_descriptor
from airgap.oci.manifest import OF_DOCUMENT
from airgap.strict_json import Fields, StrictJSONError, parse


@dataclass(frozen=True, slots=True, order=True)
class Referrer:
    """An artifact manifest: what kind of artifact it describes, its digest, its size in bytes."""

    artifact_type: str
    digest: Digest
    size: int

    @property
    def document(self) -> dict[str, object]:
        """As bundle.json, the store and the verdict list it."""
        return {"artifactType": self.artifact_type, "digest": str(self.digest), "size": self.size}


def parse_referrers(entries: Sequence[object]) -> tuple[Referrer, ...]:
    """The artifacts of one image, as bundle.json and the store list them: sorted, each once, at least one.

    Raises StrictJSONError, FormatError.
    """
    found = tuple(_referrer(Fields(entry, "referrer")) for entry in entries)
    if not found or any(one >= other for one, other in itertools.pairwise(found)):
        raise StrictJSONError("referrers are not in order, or one is listed twice, or there is none")
    return found


def _referrer(fields: Fields) -> Referrer:
    artifact_type = fields.string("artifactType")
    if not is_media_type(artifact_type):
        raise StrictJSONError(f"artifactType {artifact_type[:80]!r} is malformed")
    digest = parse_digest(fields.string("digest"), "referrer")
    found = Referrer(artifact_type, digest, fields.integer("size", low=0, high=LIMITS.oci_manifest))
    fields.close()
    return found


@dataclass(frozen=True, slots=True)
class Artifact:
    """A referrer that was read: ``blobs`` is what it consists of, ``subject`` the image it says it is about, if any."""

    referrer: Referrer
    blobs: tuple[Descriptor, ...]
    subject: Digest | None


def parse_artifact(data: bytes, digest: Digest) -> Artifact:
    """Read an artifact manifest, whose bytes the caller has hashed. Raises FormatError."""
    where = f"artifact {digest.short}"
    try:
        fields = Fields(parse(data), where, OF_DOCUMENT)
        fields.integer("schemaVersion", low=2, high=2)
        if fields.has("mediaType") and fields.string("mediaType") != OCI_MANIFEST:
            raise StrictJSONError("only OCI image manifests describe artifacts")
        config = parse_descriptor(fields.take("config"), f"{where} config")
        entries = fields.array("layers", most=LIMITS.oci_layers)
        layers = tuple(parse_descriptor(entry, f"{where} layers[{i}]") for i, entry in enumerate(entries))
        subject = parse_descriptor(fields.take("subject"), f"{where} subject") if fields.has("subject") else None
        artifact_type = fields.string("artifactType") if fields.has("artifactType") else _type(config, layers)
        if not is_media_type(artifact_type):
            raise StrictJSONError(f"artifactType {artifact_type[:80]!r} is malformed")
    except StrictJSONError as error:
        raise FormatError("image-manifest-invalid", f"{where}: {error}", digest=str(digest)) from None
    blobs = tuple({blob.digest: blob for blob in (config, *layers)}.values())
    return Artifact(Referrer(artifact_type, digest, len(data)), blobs, None if subject is None else subject.digest)


def _type(config: Descriptor, layers: tuple[Descriptor, ...]) -> str:
    """Older artifacts say what they are by the type of their configuration, cosign's by that of their layers."""
    if config.media_type in CONFIGS and layers:
        return layers[0].media_type
    return config.media_type


@dataclass(slots=True)
class ReferrerClosure:
    """That a bundle carries the artifacts it lists, all of their blobs, and nothing else beside the images.

    ``listed`` gives each artifact the images that are said to have it. Feed every blob, hashed by the caller.
    """

    listed: Mapping[Referrer, Iterable[Digest]]
    _images: dict[Digest, set[Digest]] = field(default_factory=dict)
    _held: dict[Digest, int] = field(default_factory=dict)
    _wanted: dict[Digest, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one, images in self.listed.items():
            self._images.setdefault(one.digest, set()).update(images)

    def feed(self, digest: Digest, data: bytes) -> None:
        """Raises FormatError for an artifact that is not what the bundle says of it."""
        self._held[digest] = len(data)
        images = self._images.get(digest)
        if not images:
            return
        artifact = parse_artifact(data, digest)
        if artifact.referrer not in self.listed:
            raise FormatError("bundle-manifest-invalid", f"artifact {digest} is not of the type that is listed")
        if artifact.subject is not None and images != {artifact.subject}:
            raise FormatError(
                "image-graph-invalid", f"artifact {digest} is about {artifact.subject}, no image it is with"
            )
        for blob in artifact.blobs:
            if self._wanted.setdefault(blob.digest, blob.size) != blob.size:
                raise IntegrityError("blob-size-differs", f"{blob.digest} is listed with two sizes")

    def finish(self) -> None:
        """Raises FormatError, IntegrityError unless everything is there, and nothing rode along."""
        wanted = self._wanted | {one.digest: one.size for one in self.listed}
        for digest, size in wanted.items():
            if digest not in self._held:
                raise FormatError("member-missing", f"the bundle lists artifact blob {digest} and does not hold it")
            if self._held[digest] != size:
                raise IntegrityError(
                    "blob-size-differs", f"{digest} has {self._held[digest]} bytes, its artifact says {size}"
                )
        for digest in self._held:
            if digest not in wanted:
                raise FormatError("member-unexpected", f"referrers/{digest.hex} belongs to no artifact in this bundle")
