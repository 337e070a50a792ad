"""What export needs of a place that holds images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from airgap.digest import Digest
from airgap.errors import FormatError, SourceError
from airgap.limits import LIMITS
from airgap.oci.descriptor import Descriptor
from airgap.oci.manifest import parse_index
from airgap.oci.referrer import Artifact


class ImageSource(Protocol):
    """A place that holds images, and their blobs by digest. What it returns is checked by whoever asks."""

    @property
    def is_remote(self) -> bool:
        """Whether blobs come over a network, so that fetching ahead pays."""

    def find(self, name: str | None, origin: str) -> FoundImage:
        """The image called ``name``, or the only one. Raises SourceError(source-not-found, source-ambiguous)."""

    def has(self, digest: Digest) -> bool: ...

    def chunks(self, digest: Digest) -> Iterator[bytes]:
        """The bytes of a blob. Raises SourceError(source-not-found) if it is not there."""

    def artifacts(self, digest: Digest) -> list[Artifact]:
        """SBOMs, attestations and the like that it holds about an image; their blobs can be had by chunks().

        Raises SourceError, IntegrityError, FormatError where they cannot be read.
        """

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class FoundImage:
    """One image that an operator named: where it is, its top descriptor, and the name it carries there, if any.

    ``note`` is what an operator should know of the way it came here.
    """

    source: ImageSource
    root: Descriptor
    origin: str
    note: str = ""


def read_blob(source: ImageSource, descriptor: Descriptor, limit: int) -> bytes:
    """A small blob, checked against its descriptor. Raises SourceError, IntegrityError."""
    if descriptor.size > limit:
        raise SourceError("source-invalid", f"{descriptor.digest} has {descriptor.size} bytes, over {limit}")
    data = bytearray()
    for chunk in source.chunks(descriptor.digest):
        data += chunk
        if len(data) > descriptor.size:
            break
    descriptor.require_bytes(bytes(data))
    return bytes(data)


def manifests_below(found: FoundImage) -> Iterator[tuple[Descriptor, bytes]]:
    """Every manifest below an index, of images and of what is none, with its bytes. Raises FormatError and others."""
    waiting = [(found.root, 0)]
    while waiting:
        descriptor, depth = waiting.pop(0)
        if depth > LIMITS.oci_index_depth:
            raise FormatError("image-graph-invalid", f"{found.root.digest}: indexes are nested too deeply")
        data = read_blob(found.source, descriptor, LIMITS.oci_manifest)
        if descriptor.is_index:
            waiting += [(child, depth + 1) for child in parse_index(data, descriptor).manifests]
        else:
            yield descriptor, data


def choose(source: ImageSource, images: tuple[Descriptor, ...], name: str | None, origin: str) -> FoundImage:
    """The one of these that is called ``name``, or the only one, as ImageSource.find() promises it."""
    if not images:
        raise SourceError("source-not-found", f"{origin}: it holds no image")
    if name is not None:
        images = tuple(image for image in images if name in (image.name, str(image.digest)))
        if not images:
            raise SourceError("source-not-found", f"{origin}: it holds no image called {name!r}")
    if len({image.digest for image in images}) != 1:
        names = ", ".join(sorted(image.name or str(image.digest) for image in images)[:10])
        raise SourceError("source-ambiguous", f"{origin}: it holds {len(images)} images ({names})")
    return FoundImage(source, images[0], origin)
