"""Sample images in OCI layout folders, the same octets every time (image-spec: image-layout, manifest, config)."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .packets import deflate

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
REF_NAME = "org.opencontainers.image.ref.name"


@dataclass(frozen=True)
class Types:
    """The media types of one family."""

    index: str
    manifest: str
    config: str
    layer: str
    layer_gzip: str


OCI_TYPES = Types(
    f"{OCI}index.v1+json",
    f"{OCI}manifest.v1+json",
    f"{OCI}config.v1+json",
    f"{OCI}layer.v1.tar",
    f"{OCI}layer.v1.tar+gzip",
)
DOCKER_TYPES = Types(
    f"{DOCKER}distribution.manifest.list.v2+json",
    f"{DOCKER}distribution.manifest.v2+json",
    f"{DOCKER}container.image.v1+json",
    f"{DOCKER}image.rootfs.diff.tar",
    f"{DOCKER}image.rootfs.diff.tar.gzip",
)


def sha256(data: bytes) -> str:
    """A digest as OCI spells it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass(frozen=True)
class Blob:
    """Content with its media type."""

    media_type: str
    data: bytes

    @property
    def digest(self) -> str:
        """With ``sha256:``."""
        return sha256(self.data)

    def descriptor(self, **members: object) -> dict[str, object]:
        """image-spec descriptor.md; ``members`` are further ones: platform, annotations."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data), **members}


@dataclass(frozen=True)
class Layer:
    """Files of a layer; ``compression`` is "gzip" or "none", ``level`` as for `packets.deflate`."""

    files: Mapping[str, bytes]
    compression: str = "gzip"
    level: int = 0

    @property
    def tar(self) -> bytes:
        """The uncompressed archive, whose digest is the diff id."""
        return tar(self.files)

    def blob(self, types: Types = OCI_TYPES) -> Blob:
        """The layer as stored."""
        if self.compression == "none":
            return Blob(types.layer, self.tar)
        return Blob(types.layer_gzip, gzip(self.tar, self.level))


@dataclass(frozen=True)
class Sample:
    """A manifest or an index and all that hangs on it."""

    root: Blob
    manifests: tuple[tuple[str, Blob], ...]
    """(platform, manifest) of everything that runs."""
    configs: tuple[Blob, ...]
    layers: tuple[Blob, ...]
    attestations: tuple[Blob, ...] = ()
    others: tuple[Blob, ...] = ()
    """Configs and layers of the attestations, inner indexes."""

    @property
    def digest(self) -> str:
        """The root's."""
        return self.root.digest

    @property
    def manifest_digests(self) -> dict[str, str]:
        """Platform to manifest digest."""
        return {platform: blob.digest for platform, blob in self.manifests}

    @property
    def blobs(self) -> dict[str, bytes]:
        """Digest to content, without duplicates."""
        manifests = [blob for _, blob in self.manifests]
        every = [self.root, *manifests, *self.configs, *self.layers, *self.attestations, *self.others]
        return {blob.digest: blob.data for blob in every}


def to_json(value: object) -> bytes:
    """Compact JSON in the order given."""
    return json.dumps(value, separators=(",", ":")).encode()


def gzip(data: bytes, level: int = 0) -> bytes:
    """One gzip member without name and time (RFC 1952); level 0 does not depend on the zlib in use."""
    tail = zlib.crc32(data).to_bytes(4, "little") + (len(data) & 0xFFFFFFFF).to_bytes(4, "little")
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + deflate(data, level) + tail


def tar(files: Mapping[str, bytes]) -> bytes:
    """A ustar archive of regular files, executable, root's, of 1970, with the folders they need."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        folders = {str(parent) for name in files for parent in PurePosixPath(name).parents} - {"."}
        for folder in sorted(folders):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def platform_member(platform: str) -> dict[str, str]:
    """The platform object for "os/architecture" or "os/architecture/variant"."""
    return dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))


def image(
    layers: Sequence[Layer],
    *,
    platform: str = "linux/amd64",
    docker: bool = False,
    created: str = "1970-01-01T00:00:00Z",
    config: Mapping[str, object] | None = None,
    members: Mapping[str, object] | None = None,
) -> Sample:
    """A single image manifest. ``config`` fills the config's own "config"; ``members`` go into the manifest."""
    types = DOCKER_TYPES if docker else OCI_TYPES
    stored = tuple(layer.blob(types) for layer in layers)
    content: dict[str, object] = {
        "created": created,
        **platform_member(platform),
        "config": {"Cmd": ["/bin/sample"]} | dict(config or {}),
        "rootfs": {"type": "layers", "diff_ids": [sha256(layer.tar) for layer in layers]},
        "history": [{"created": created, "created_by": "forge"} for _ in layers],
    }
    config_blob = Blob(types.config, to_json(content))
    manifest = _manifest(types, config_blob, [blob.descriptor() for blob in stored], members)
    return Sample(manifest, ((platform, manifest),), (config_blob,), stored)


def _manifest(
    types: Types, config: Blob, layers: Sequence[Mapping[str, object]], members: Mapping[str, object] | None = None
) -> Blob:
    value = {"schemaVersion": 2, "mediaType": types.manifest, "config": config.descriptor(), "layers": layers}
    return Blob(types.manifest, to_json(value | dict(members or {})))


def image_index(
    images: Sequence[Sample],
    *,
    docker: bool = False,
    attestations: bool = False,
    members: Mapping[str, object] | None = None,
) -> Sample:
    """An index over single images. ``attestations`` adds to each the manifest BuildKit adds with --provenance.

    StageX's shape is an index over one image; `write_layout` puts the index.json around it.
    """
    types = DOCKER_TYPES if docker else OCI_TYPES
    entries: list[dict[str, object]] = []
    added: list[Blob] = []
    others: list[Blob] = []
    for one in images:
        entries.append(one.root.descriptor(platform=platform_member(one.manifests[0][0])))
    for one in images if attestations else ():
        statement = Blob("application/vnd.in-toto+json", to_json(_provenance(one.digest)))
        rootfs = {"type": "layers", "diff_ids": [statement.digest]}
        config = Blob(
            OCI_TYPES.config, to_json({"architecture": "unknown", "os": "unknown", "config": {}, "rootfs": rootfs})
        )
        predicate = {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"}
        manifest = _manifest(OCI_TYPES, config, [statement.descriptor(annotations=predicate)])
        marks = {"vnd.docker.reference.digest": one.digest, "vnd.docker.reference.type": "attestation-manifest"}
        entries.append(manifest.descriptor(annotations=marks, platform=platform_member("unknown/unknown")))
        added.append(manifest)
        others += [config, statement]
    value = {"schemaVersion": 2, "mediaType": types.index, "manifests": entries}
    return Sample(
        Blob(types.index, to_json({**value, **(members or {})})),
        tuple(pair for one in images for pair in one.manifests),
        tuple(blob for one in images for blob in one.configs),
        tuple(blob for one in images for blob in one.layers),
        tuple(added),
        tuple(others),
    )


def _provenance(digest: str) -> dict[str, object]:
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "sample", "digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {"buildDefinition": {"buildType": "https://example.org/forge"}},
    }


def write_layout(folder: Path, images: Mapping[str, Sample]) -> None:
    """Write an OCI image layout; the keys of ``images`` become ref names ("" for none), in their order."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    entries = []
    for name, sample in images.items():
        for digest, data in sample.blobs.items():
            (blobs / digest.removeprefix("sha256:")).write_bytes(data)
        entries.append(sample.root.descriptor(**({"annotations": {REF_NAME: name}} if name else {})))
    (folder / "oci-layout").write_bytes(to_json({"imageLayoutVersion": "1.0.0"}))
    index = {"schemaVersion": 2, "mediaType": OCI_TYPES.index, "manifests": entries}
    (folder / "index.json").write_bytes(to_json(index))
