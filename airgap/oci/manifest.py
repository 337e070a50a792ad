"""Indexes, manifests and image configurations, parsed once from the very bytes that were hashed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airgap.errors import FormatError
from airgap.limits import LIMITS
from airgap.oci.descriptor import (
    CONFIGS,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    INDEXES,
    LAYERS,
    MANIFESTS,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Platform,
    parse_descriptor,
)
from airgap.strict_json import Fields, StrictJSONError, parse

_SCHEMA_VERSION: Final = 2
# What the specifications call the members (manifest.md, image-index.md, docker's; config.md): strict_json.Fields.
OF_DOCUMENT: Final = frozenset(
    {
        *("schemaVersion", "mediaType", "artifactType", "subject", "annotations"),
        *("config", "layers", "manifests", "fsLayers"),
    }
)
_OF_CONFIG: Final = frozenset(
    {
        *("created", "author", "architecture", "os", "os.version", "os.features", "variant"),
        *("config", "rootfs", "history"),
    }
)
_OF_ROOTFS: Final = frozenset({"type", "diff_ids"})


@dataclass(frozen=True, slots=True)
class Index:
    """An image index or docker manifest list."""

    manifests: tuple[Descriptor, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """An image manifest. ``is_image`` tells what engines may run from attestations and other artifacts."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    is_image: bool


@dataclass(frozen=True, slots=True)
class Config:
    """What the image configuration says of the image: its platform and how many layers it unpacks to."""

    platform: Platform
    diff_ids: tuple[str, ...]


def parse_index(data: bytes, descriptor: Descriptor) -> Index:
    """Read index bytes that ``descriptor`` points at. Raises FormatError(image-manifest-invalid) and others."""
    try:
        fields = _document(data, descriptor, DOCKER_LIST, ("config", "layers", "fsLayers"))
        entries = fields.array("manifests", most=LIMITS.oci_index_entries)
        manifests = tuple(
            parse_descriptor(entry, f"{descriptor.digest.short} manifests[{i}]") for i, entry in enumerate(entries)
        )
    except StrictJSONError as error:
        raise _invalid(descriptor, error) from None
    if len({child.digest for child in manifests}) != len({(child.digest, child.platform) for child in manifests}):
        raise FormatError("image-graph-invalid", f"index {descriptor.digest} gives one digest two platforms")
    for child in manifests:
        if not child.is_index and not child.is_manifest:
            raise FormatError("media-type-unsupported", f"index {descriptor.digest}: {child.media_type} is no manifest")
    return Index(manifests)


def parse_manifest(data: bytes, descriptor: Descriptor) -> Manifest:
    """Read manifest bytes that ``descriptor`` points at. Raises FormatError(image-manifest-invalid) and others."""
    try:
        fields = _document(data, descriptor, DOCKER_MANIFEST, ("manifests", "fsLayers"))
        config = parse_descriptor(fields.take("config"), f"{descriptor.digest.short} config")
        entries = fields.array("layers", most=LIMITS.oci_layers)
        layers = tuple(
            parse_descriptor(entry, f"{descriptor.digest.short} layers[{i}]") for i, entry in enumerate(entries)
        )
        artifact_type = fields.string("artifactType") if fields.has("artifactType") else None
    except StrictJSONError as error:
        raise _invalid(descriptor, error) from None
    is_image = descriptor.is_for_a_platform
    if descriptor.platform is None and config.media_type in CONFIGS:
        if artifact_type is not None or descriptor.is_attestation:
            raise FormatError(
                "image-graph-invalid",
                f"manifest {descriptor.digest}: it is marked as no image, and engines may run it: it has an image's "
                "configuration, and is not listed for unknown/unknown",
                digest=str(descriptor.digest),
            )
        is_image = True
    if is_image:
        _require_types(descriptor, config, layers)
    return Manifest(config, layers, is_image)


def parse_config(data: bytes, descriptor: Descriptor) -> Config:
    """Read an image configuration (config.md). Raises FormatError(image-config-invalid)."""
    try:
        fields = Fields(parse(data, floats=True), "config", _OF_CONFIG)
        rootfs = fields.nested("rootfs", _OF_ROOTFS)
        if rootfs.string("type") != "layers":
            raise StrictJSONError("rootfs.type is not 'layers'")
        diff_ids = tuple(rootfs.strings("diff_ids", most=LIMITS.oci_layers))
        variant = fields.string("variant") if fields.has("variant") else ""
        platform = Platform(fields.string("os"), fields.string("architecture"), variant)
    except StrictJSONError as error:
        raise FormatError("image-config-invalid", f"configuration {descriptor.digest}: {error}") from None
    return Config(platform, diff_ids)


def media_type_of(data: bytes) -> str | None:
    """What a manifest or index without a descriptor says it is; OCI's may be silent, then its members tell.

    None for anything else.
    """
    try:
        fields = Fields(parse(data), "document")
        if fields.has("mediaType"):
            own = fields.string("mediaType")
            return own if own in INDEXES | MANIFESTS else None
    except StrictJSONError:
        return None
    kinds = {name: kind for name, kind in (("manifests", OCI_INDEX), ("layers", OCI_MANIFEST)) if fields.has(name)}
    return next(iter(kinds.values())) if len(kinds) == 1 else None


def _document(data: bytes, descriptor: Descriptor, docker_type: str, foreign: tuple[str, ...]) -> Fields:
    """Check what indexes and manifests share; a document that could be read as the other kind is refused.

    ``mediaType`` is required by docker and must be the descriptor's (CVE-2021-41190).
    """
    fields = Fields(parse(data), "document", OF_DOCUMENT)
    fields.integer("schemaVersion", low=_SCHEMA_VERSION, high=_SCHEMA_VERSION)
    if fields.has("mediaType") or descriptor.media_type == docker_type:
        found = fields.string("mediaType")
        if found != descriptor.media_type:
            raise StrictJSONError(f"mediaType is {found[:80]!r}, its descriptor says {descriptor.media_type!r}")
    for name in foreign:
        if fields.has(name):
            raise StrictJSONError(f"member {name!r} belongs to another kind of document")
    return fields


def _require_types(descriptor: Descriptor, config: Descriptor, layers: tuple[Descriptor, ...]) -> None:
    if config.media_type not in CONFIGS:
        raise FormatError(
            "media-type-unsupported", f"manifest {descriptor.digest}: configuration of type {config.media_type}"
        )
    for layer in layers:
        if layer.media_type not in LAYERS:
            raise FormatError(
                "media-type-unsupported", f"manifest {descriptor.digest}: layer of type {layer.media_type}"
            )


def _invalid(descriptor: Descriptor, error: StrictJSONError) -> FormatError:
    return FormatError(
        "image-manifest-invalid", f"manifest {descriptor.digest}: {error}", digest=str(descriptor.digest)
    )
