"""What one image of the store consists of, as its manifests say: nothing is judged, and no layer is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from airgap.digest import Digest
from airgap.limits import LIMITS
from airgap.oci.graph import GraphWalk
from airgap.oci.referrer import Referrer, parse_artifact
from airgap.store.store import Store
from airgap.verify import UntrustedImage


@dataclass(frozen=True, slots=True)
class Holding:
    """An image with its closure, and the artifacts that came with it: each blob's size in bytes by its digest."""

    image: UntrustedImage
    blobs: Mapping[Digest, int]
    referrers: tuple[Referrer, ...]
    artifact_blobs: Mapping[Digest, int]

    @property
    def size(self) -> int:
        """Bytes of everything that the image needs, artifacts included, whoever else needs it, too."""
        return sum({**self.blobs, **self.artifact_blobs}.values())


def walk_image(store: Store, image: UntrustedImage, *, configs: bool = True) -> GraphWalk:
    """Step 8 over the store: the graph of one image. Raises what GraphWalk and Store.read() raise."""
    walk = GraphWalk((image.descriptor,))
    for wanted in (walk.manifests(), walk.configs() if configs else ()):
        for descriptor in wanted:
            walk.feed(descriptor, store.read(descriptor, LIMITS.oci_config))
    return walk


def holding_of(store: Store, image: UntrustedImage, *, platforms: bool = False) -> Holding:
    """Read the manifests of one image, and the configurations if its ``platforms`` are asked for.

    Raises FormatError, IntegrityError, HostError: then nobody can tell which blobs it needs.
    """
    walk = walk_image(store, image, configs=platforms)
    if platforms:
        image = replace(image, platforms=tuple(map(str, walk.platforms(image.descriptor))))
    blobs = {blob.digest: blob.size for blob in walk.closure(image.descriptor)}
    referrers = store.evidence.referrers(image)
    artifact_blobs: dict[Digest, int] = {}
    for referrer in referrers:
        artifact_blobs[referrer.digest] = referrer.size
        artifact = parse_artifact(store.evidence.artifact(referrer.digest, referrer.size), referrer.digest)
        artifact_blobs |= {blob.digest: blob.size for blob in artifact.blobs}
    return Holding(image, blobs, referrers, artifact_blobs)
