"""Descriptors and media types (image-spec descriptor.md, media-types.md; docker image manifest v2 schema 2)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from airgap.digest import Digest, digest_of, parse_digest
from airgap.errors import FormatError, IntegrityError
from airgap.limits import LIMITS
from airgap.strict_json import Fields, StrictJSONError

OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
_OCI_LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
_DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar"

INDEXES: Final = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFESTS: Final = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
CONFIGS: Final = frozenset({OCI_CONFIG, DOCKER_CONFIG})
LAYERS: Final = frozenset(
    {
        _OCI_LAYER,
        f"{_OCI_LAYER}+gzip",
        f"{_OCI_LAYER}+zstd",
        _DOCKER_LAYER,
        f"{_DOCKER_LAYER}.gzip",
        f"{_DOCKER_LAYER}.zstd",
    }
)
UNCOMPRESSED_LAYERS: Final = frozenset({_OCI_LAYER, _DOCKER_LAYER})
_EXTERNAL: Final = re.compile(r"nondistributable|foreign")

REF_NAME: Final = "org.opencontainers.image.ref.name"
CONTAINERD_NAME: Final = "io.containerd.image.name"
_REFERENCE_TYPE: Final = "vnd.docker.reference.type"  # BuildKit's mark on attestation manifests
_PARTIAL: Final = (
    "io.github.containers.zstd-chunked.",
    "io.containers.zstd-chunked.",
    "containerd.io/snapshot/stargz/",
)
# What the specification calls the members of each object; other spellings of these are refused (strict_json.Fields).
_OF_DESCRIPTOR: Final = frozenset(
    {"mediaType", "digest", "size", "urls", "annotations", "data", "artifactType", "platform"}
)
_OF_PLATFORM: Final = frozenset({"architecture", "os", "os.version", "os.features", "variant", "features"})
_MEDIA_TYPE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")
_WORD: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True, order=True)
class Platform:
    """``os/architecture[/variant]``; ``os_version`` tells Windows images apart and is part of the identity."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    @property
    def is_unknown(self) -> bool:
        """As BuildKit says of what is not to be run. Half of it is no such mark."""
        return self.os == self.architecture == "unknown"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A typed, sized, digested pointer. ``size`` is in bytes."""

    media_type: str
    digest: Digest
    size: int
    platform: Platform | None = None
    name: str | None = None
    is_attestation: bool = False

    @property
    def is_index(self) -> bool:
        return self.media_type in INDEXES

    @property
    def is_manifest(self) -> bool:
        return self.media_type in MANIFESTS

    @property
    def is_for_a_platform(self) -> bool:
        """Whether an engine that looks for a platform may choose it. Annotations and artifact types hinder none."""
        return self.platform is not None and not self.platform.is_unknown

    def require_bytes(self, data: bytes) -> None:
        """Raise IntegrityError unless ``data`` is exactly what this descriptor points at."""
        if len(data) != self.size:
            raise IntegrityError(
                "blob-size-differs", f"{self.digest} has {len(data)} bytes, its descriptor says {self.size}"
            )
        if digest_of(data) != self.digest:
            raise IntegrityError("manifest-digest-differs", f"{self.digest} holds other bytes: {digest_of(data)}")


def parse_descriptor(value: object, where: str) -> Descriptor:
    """Read a descriptor, refusing what would reach outside of the bundle. Raises StrictJSONError or a FormatError."""
    fields = Fields(value, where, _OF_DESCRIPTOR)
    media_type = fields.string("mediaType")
    if not is_media_type(media_type):
        raise StrictJSONError(f"{where}: mediaType {media_type[:80]!r} is malformed")
    digest = parse_digest(fields.string("digest"), where)
    size = fields.integer("size", low=0, high=LIMITS.blob)
    if fields.has("urls") or _EXTERNAL.search(media_type):
        raise FormatError("external-layer", f"{where}: {digest} is to be fetched from elsewhere", digest=str(digest))
    if fields.has("data"):
        _require_data(fields.string("data"), digest, size, where)
    annotations = _annotations(fields)
    if any(key.startswith(_PARTIAL) for key in annotations):
        raise FormatError("partial-layer", f"{where}: {digest} carries a table of contents beside its bytes")
    platform = _platform(fields.nested("platform", _OF_PLATFORM)) if fields.has("platform") else None
    return Descriptor(
        media_type,
        digest,
        size,
        platform,
        annotations.get(REF_NAME) or annotations.get(CONTAINERD_NAME),
        annotations.get(_REFERENCE_TYPE) == "attestation-manifest",
    )


def is_media_type(text: str) -> bool:
    """Whether it has the form of RFC 6838 §4.2."""
    return _MEDIA_TYPE.fullmatch(text) is not None


def parse_platform(text: str) -> Platform:
    """``linux/amd64`` or ``linux/arm/v7``. Raises FormatError(reference-invalid)."""
    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(_WORD.fullmatch(part) for part in parts):
        raise FormatError(
            "reference-invalid",
            f"{text[:80]!r} is no platform",
            hint="Write it as OS/ARCH[/VARIANT], as in linux/amd64 or linux/arm/v7.",
        )
    return Platform(*parts)


def _platform(fields: Fields) -> Platform:
    os, architecture = fields.string("os"), fields.string("architecture")
    variant = fields.string("variant") if fields.has("variant") else ""
    version = fields.string("os.version") if fields.has("os.version") else ""
    for word in (os, architecture, *filter(None, (variant, version))):
        if not _WORD.fullmatch(word):
            raise StrictJSONError(f"{fields.where}: {word[:80]!r} is malformed")
    return Platform(os, architecture, variant, version)


def _annotations(fields: Fields) -> dict[str, str]:
    if not fields.has("annotations"):
        return {}
    found: dict[str, str] = {}
    annotations = fields.nested("annotations")
    for key, value in annotations.items():
        if not isinstance(value, str):
            raise StrictJSONError(f"{annotations.where}: {key[:80]!r} must be a string")
        found[key] = value
    return found


def _require_data(text: str, digest: Digest, size: int, where: str) -> None:
    """Embedded content must be the content (descriptor.md, ``data``)."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise StrictJSONError(f"{where}: data is not base64") from None
    if len(data) != size or digest_of(data) != digest:
        raise IntegrityError("inline-data-differs", f"{where}: the embedded data is not {digest}", digest=str(digest))
