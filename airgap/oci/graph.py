"""The walk from root digests to every blob they cover, in the one order that a bundle has (TRUST rule 7).

Indexes and manifests come breadth first, then configurations, then layers, each blob once at its first use. Export
walks to know what to write; import walks to *predict* what must come next, so nothing can be missing or ride along.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from airgap.digest import Digest
from airgap.errors import FormatError
from airgap.limits import LIMITS
from airgap.oci.descriptor import UNCOMPRESSED_LAYERS, Descriptor, Platform
from airgap.oci.manifest import Config, Index, Manifest, parse_config, parse_index, parse_manifest


class Role(Enum):
    """What a blob is to its parents; decides whether it is held in memory (all but LAYER) and how it is read."""

    MANIFEST = "manifest"
    CONFIG = "config"
    LAYER = "layer"

    @property
    def limit(self) -> int:
        """Bytes."""
        return {Role.MANIFEST: LIMITS.oci_manifest, Role.CONFIG: LIMITS.oci_config}.get(self, LIMITS.blob)


@dataclass(frozen=True, slots=True)
class Runnable:
    """One image under a root that an engine can run: its manifest, and the blobs that one covers."""

    platform: Platform | None
    manifest: Descriptor
    config: Descriptor
    layers: tuple[Descriptor, ...]


@dataclass(slots=True)
class _Node:
    descriptor: Descriptor
    depth: int
    is_for_a_platform: bool = False
    document: Index | Manifest | None = None


@dataclass(slots=True)
class GraphWalk:
    """Feed it the bytes of each blob it asks for; it tells the next one, and at the end the graph."""

    roots: tuple[Descriptor, ...]
    _nodes: dict[Digest, _Node] = field(default_factory=dict)
    _manifests: deque[Digest] = field(default_factory=deque)
    _configs: dict[Digest, Config | None] = field(default_factory=dict)
    _blobs: dict[Digest, Descriptor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for root in self.roots:
            if not root.is_index and not root.is_manifest:
                raise FormatError("media-type-unsupported", f"{root.digest} of type {root.media_type} is no image")
            self._add(root, 0)

    def manifests(self) -> Iterator[Descriptor]:
        """Indexes and manifests, breadth first. feed() each one before asking for the next."""
        while self._manifests:
            yield self._nodes[self._manifests.popleft()].descriptor

    def manifests_in_order(self) -> tuple[Descriptor, ...]:
        """All indexes and manifests, in the order in which manifests() asked for them."""
        return tuple(node.descriptor for node in self._nodes.values())

    def configs(self) -> Iterator[Descriptor]:
        """The configurations of runnable images, after all manifests."""
        yield from [self._blobs[digest] for digest in self._configs]

    def layers(self) -> Iterator[Descriptor]:
        """Every other blob, in order of first use."""
        yield from [blob for digest, blob in self._blobs.items() if digest not in self._configs]

    def feed(self, descriptor: Descriptor, data: bytes) -> None:
        """Take the bytes of an index, manifest or configuration, checked against its descriptor first.

        Raises IntegrityError for other bytes, FormatError for a document that is not what it should be.
        """
        descriptor.require_bytes(data)
        if descriptor.digest in self._configs:
            self._configs[descriptor.digest] = parse_config(data, descriptor)
            return
        node = self._nodes[descriptor.digest]
        if descriptor.is_index:
            node.document = index = parse_index(data, descriptor)
            if node.depth == LIMITS.oci_index_depth:
                raise _graph(descriptor, f"indexes are nested deeper than {LIMITS.oci_index_depth}")
            for child in index.manifests:
                self._add(child, node.depth + 1)
        else:
            node.document = manifest = parse_manifest(data, descriptor)
            self._add_blobs(manifest)

    def finish(self) -> None:
        """After everything was fed: rules over whole images. Raises FormatError."""
        for root in self.roots:
            if not self.platforms(root):
                raise _graph(root, "it holds no runnable image, only attestations or artifacts")
        for node in self._nodes.values():
            if isinstance(node.document, Manifest):
                if node.document.is_image:
                    self._require_layers(node.descriptor, node.document)
                elif node.is_for_a_platform:
                    raise _graph(node.descriptor, "it is listed for a platform, and elsewhere as none to be run")

    def runnable(self, root: Descriptor) -> tuple[Runnable, ...]:
        """The images to run under a root, each with its platform: what the index says of it, else its configuration.

        The platform is None where that is in a configuration that was not fed yet.
        """
        found: dict[tuple[Digest, Platform | None], Runnable] = {}
        for descriptor, document in self._under(root):
            if isinstance(document, Manifest) and document.is_image:
                config = self._configs[document.config.digest]
                platform = descriptor.platform or (config.platform if config is not None else None)
                one = Runnable(platform, descriptor, document.config, document.layers)
                found.setdefault((descriptor.digest, platform), one)
        return tuple(found.values())

    def platforms(self, root: Descriptor) -> tuple[Platform, ...]:
        """Sorted. Raises FormatError(platform-ambiguous) if one platform stands for two images."""
        found = [one.platform for one in self.runnable(root) if one.platform is not None]
        ambiguous = next((platform for platform, count in Counter(found).items() if count > 1), None)
        if ambiguous is not None:
            raise FormatError("platform-ambiguous", f"{root.digest} has two images for {ambiguous}")
        return tuple(sorted(found))

    def closure(self, root: Descriptor) -> tuple[Descriptor, ...]:
        """Every blob that the root's digest covers, each once, parents first."""
        found: dict[Digest, Descriptor] = {}
        blobs: dict[Digest, Descriptor] = {}
        for descriptor, document in self._under(root):
            found.setdefault(descriptor.digest, descriptor)
            if isinstance(document, Manifest):
                for blob in (document.config, *document.layers):
                    blobs[blob.digest] = blob
        return (*found.values(), *blobs.values())

    def nests(self, root: Descriptor) -> bool:
        """Whether an index under a root holds another index."""
        return root.is_index and any(one.is_index for one, _ in self._under(root) if one != root)

    def _under(self, root: Descriptor) -> Iterator[tuple[Descriptor, Index | Manifest]]:
        """Each index once, each manifest once for each platform that it is listed for."""
        waiting, seen = deque([root]), {(root.digest, root.platform)}
        while waiting:
            descriptor = waiting.popleft()
            document = self._nodes[descriptor.digest].document
            if document is None:
                raise RuntimeError("the graph is asked for before all manifests were fed")
            yield descriptor, document
            for child in document.manifests if isinstance(document, Index) else ():
                listing = child.digest, child.platform if child.is_manifest else None
                if listing not in seen:
                    seen.add(listing)
                    waiting.append(child)

    def _add(self, descriptor: Descriptor, depth: int) -> None:
        if descriptor.size > Role.MANIFEST.limit:
            raise FormatError(
                "limit-exceeded",
                f"manifest {descriptor.digest} has {descriptor.size} bytes, over {Role.MANIFEST.limit}",
            )
        if descriptor.digest in self._blobs:
            raise _graph(descriptor, "it is used both as a manifest and as a blob")
        node = self._nodes.get(descriptor.digest)
        if node is None:
            node = self._nodes[descriptor.digest] = _Node(descriptor, depth)
            self._manifests.append(descriptor.digest)
        else:
            _require_same(node.descriptor, descriptor)
        node.is_for_a_platform |= descriptor.is_for_a_platform

    def _add_blobs(self, manifest: Manifest) -> None:
        own: dict[Digest, Descriptor] = {}
        for blob in (manifest.config, *manifest.layers):
            if blob.digest in self._nodes:
                raise _graph(blob, "it is used both as a manifest and as a blob")
            _require_same(own.setdefault(blob.digest, blob), blob)
            _require_same_size(self._blobs.setdefault(blob.digest, blob), blob)
        if manifest.is_image:
            if manifest.config.size > Role.CONFIG.limit:
                raise FormatError("limit-exceeded", f"configuration {manifest.config.digest} is over the limit")
            self._configs.setdefault(manifest.config.digest, None)

    def _require_layers(self, descriptor: Descriptor, manifest: Manifest) -> None:
        """As many diff ids as layers; for a layer that is not compressed the diff id is its digest (config.md)."""
        config = self._configs[manifest.config.digest]
        if config is None or len(config.diff_ids) != len(manifest.layers):
            raise FormatError(
                "image-config-invalid", f"image {descriptor.digest}: layers and rootfs.diff_ids differ in number"
            )
        for layer, diff_id in zip(manifest.layers, config.diff_ids, strict=True):
            if layer.media_type in UNCOMPRESSED_LAYERS and diff_id != str(layer.digest):
                raise FormatError(
                    "image-config-invalid",
                    f"image {descriptor.digest}: the diff id of raw layer {layer.digest} differs",
                )


def _require_same(one: Descriptor, other: Descriptor) -> None:
    """One digest, one meaning: two descriptors of it in one document may not disagree about size or type."""
    _require_same_size(one, other)
    if one.media_type != other.media_type or one.is_attestation != other.is_attestation:
        raise _graph(one, f"it is listed both as {one.media_type} and as {other.media_type}")


def _require_same_size(one: Descriptor, other: Descriptor) -> None:
    """Documents that contradict each other are as they were signed: no other copy of the bundle is better."""
    if one.size != other.size:
        raise _graph(one, f"it is listed with {one.size} and with {other.size} bytes")


def _graph(descriptor: Descriptor, why: str) -> FormatError:
    return FormatError("image-graph-invalid", f"{descriptor.digest}: {why}", digest=str(descriptor.digest))
