"""Images as JSON values, so that a test can say one thing wrongly, and the walk over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from forge import Blob
from forge.images import DOCKER_TYPES, OCI_TYPES, Types, to_json

from airgap.digest import parse_digest
from airgap.errors import AirgapError
from airgap.oci.descriptor import Descriptor
from airgap.oci.graph import GraphWalk

IN_TOTO = "application/vnd.in-toto+json"
ATTESTATION = {"vnd.docker.reference.type": "attestation-manifest"}
LINUX = {"os": "linux", "architecture": "amd64"}
ARM = {"os": "linux", "architecture": "arm64"}
UNKNOWN = {"os": "unknown", "architecture": "unknown"}


class Content:
    """A heap of blobs, and short words to make them."""

    def __init__(self, types: Types = OCI_TYPES) -> None:
        self.types = types
        self.blobs: dict[str, bytes] = {}

    def blob(self, media_type: str, data: bytes) -> Blob:
        self.blobs[Blob(media_type, data).digest] = data
        return Blob(media_type, data)

    def layer(self, text: str = "layer", media_type: str | None = None) -> Blob:
        return self.blob(media_type or self.types.layer_gzip, text.encode())

    def config(self, layers: int = 1, media_type: str | None = None, **members: Any) -> Blob:
        value = {
            **LINUX,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{n:064x}" for n in range(layers)]},
            **members,
        }
        return self.blob(media_type or self.types.config, to_json(value))

    def manifest(
        self, config: Blob | Mapping[str, Any] | None = None, layers: Sequence[Any] | None = None, **members: Any
    ) -> Blob:
        layers = [self.layer()] if layers is None else layers
        config = self.config(len(layers)) if config is None else config
        value = {
            "schemaVersion": 2,
            "mediaType": self.types.manifest,
            "config": as_value(config),
            "layers": [as_value(layer) for layer in layers],
            **members,
        }
        return self.blob(self.types.manifest, to_json(value))

    def index(self, *manifests: Blob | Mapping[str, Any], **members: Any) -> Blob:
        value = {
            "schemaVersion": 2,
            "mediaType": self.types.index,
            "manifests": [as_value(one) for one in manifests],
            **members,
        }
        return self.blob(self.types.index, to_json(value))

    def image(self, text: str = "layer", platform: Mapping[str, str] = LINUX, **members: Any) -> Blob:
        """A manifest with one layer and a configuration for the platform."""
        return self.manifest(self.config(1, **platform), [self.layer(text)], **members)

    def attestation(self, text: str = "statement") -> Blob:
        """As BuildKit makes them."""
        return self.manifest(self.config(1, **UNKNOWN), [self.layer(text, IN_TOTO)])

    def walk(self, *roots: Blob) -> GraphWalk:
        """Everything fed and finished; a descriptor that names what is not here raises KeyError."""
        walk = GraphWalk(tuple(descriptor(root) for root in roots))
        for wanted in (walk.manifests(), walk.configs()):
            for one in wanted:
                walk.feed(one, self.blobs[str(one.digest)])
        walk.finish()
        return walk

    def refused(self, *roots: Blob) -> tuple[str, int]:
        """Kind and exit status of the refusal."""
        with pytest.raises(AirgapError) as caught:
            self.walk(*roots)
        return caught.value.kind, caught.value.exit_status


def docker() -> Content:
    return Content(DOCKER_TYPES)


def as_value(one: Any) -> Any:
    return one.descriptor() if isinstance(one, Blob) else one


def descriptor(blob: Blob) -> Descriptor:
    """The bare descriptor that a bundle gives for a root."""
    return Descriptor(blob.media_type, parse_digest(blob.digest, "root"), len(blob.data))
