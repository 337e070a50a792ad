"""``docker://HOST/REPO[:TAG|@DIGEST]``: images straight from a registry (distribution-spec, pull)."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from typing import Final

from airgap.digest import Digest
from airgap.errors import AirgapError, FormatError, SourceError
from airgap.limits import LIMITS
from airgap.oci.descriptor import CONFIGS, Descriptor
from airgap.oci.manifest import parse_index, parse_manifest
from airgap.oci.referrer import Artifact, parse_artifact
from airgap.registry.repository import Document, RemoteRepository
from airgap.sources.image import FoundImage, ImageSource
from airgap.sources.problem import source_errors
from airgap.sources.spool import Spool

_CHILDREN_AHEAD: Final = 64  # documents below one index that are fetched before somebody asks for them


class RegistrySource:
    """One repository. A tag is asked for once; documents are kept, so each blob crosses the wire once.

    Which blobs it has follows from the documents that were read: the registry is not asked for each. ``catalog`` tells
    all sources of an export which of them learned first of a blob; they share ``spool``, too.
    """

    is_remote = True

    def __init__(self, repository: RemoteRepository, spool: Spool, catalog: dict[Digest, ImageSource]) -> None:
        self._repository = repository
        self._spool = spool
        self._catalog = catalog
        self._roots: dict[str, Descriptor] = {}
        self._known: dict[Digest, Descriptor] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """The connections belong to the command."""

    def find(self, name: str | None, origin: str) -> FoundImage:
        """The image of a tag (default ``latest``) or digest. Raises SourceError, IntegrityError."""
        name = name or "latest"
        root = self._roots.get(name)
        if root is None:
            reference = Digest(name.partition(":")[2]) if ":" in name else name
            with source_errors():
                document = self._repository.manifest(reference)
            with self._lock:
                root = self._roots.setdefault(name, document.descriptor)
            if root == document.descriptor:
                self._keep(document)
        note = "" if ":" in name else f"{self._repository}:{name} is {root.digest} now"
        return FoundImage(self, root, origin, note)

    def fetch_documents(self, root: Descriptor) -> None:
        """Everything that planning will read of an image. What is wrong with it shows when it is read."""
        waiting, depth = [root], 0
        while waiting and depth <= LIMITS.oci_index_depth + 1:
            below: list[Descriptor] = []
            for descriptor in waiting[:_CHILDREN_AHEAD]:
                with contextlib.suppress(AirgapError):
                    below += _children(descriptor, b"".join(self.chunks(descriptor.digest)))
            waiting = [one for one in below if one.is_index or one.is_manifest or one.media_type in CONFIGS]
            depth += 1

    def has(self, digest: Digest) -> bool:
        return digest in self._known

    def chunks(self, digest: Digest) -> Iterator[bytes]:
        """Raises SourceError, and IntegrityError before or after the last piece if the registry serves other bytes."""
        if digest in self._spool:
            yield self._spool.get(digest)
            return
        descriptor = self._known.get(digest)
        if descriptor is None:
            raise SourceError("source-not-found", f"{self._repository}: nothing is known of blob {digest}")
        with source_errors():
            if descriptor.is_index or descriptor.is_manifest:
                document = self._repository.manifest(digest)
                self._keep(Document(descriptor, document.data))
                yield document.data
            elif descriptor.media_type in CONFIGS and descriptor.size <= LIMITS.oci_config:
                data = b"".join(self._repository.blob(digest, descriptor.size))
                self._spool.put(digest, data)
                yield data
            else:
                yield from self._repository.blob(digest, descriptor.size)

    def artifacts(self, digest: Digest) -> list[Artifact]:
        """What is about another image than this one is left out; so is what a bundle could not carry."""
        with source_errors():
            found = self._repository.referrers(digest)
        if len(found) > LIMITS.referrers_per_image:
            raise FormatError("limit-exceeded", f"{self._repository}@{digest} has {len(found)} referrers")
        return [artifact for one in found if (artifact := self._artifact(one, digest)) is not None]

    def _artifact(self, digest: Digest, image: Digest) -> Artifact | None:
        with source_errors():
            document = self._repository.manifest(digest)
        artifact = parse_artifact(document.data, digest)
        if artifact.subject not in (None, image) or any(blob.size > LIMITS.referrer_blob for blob in artifact.blobs):
            return None
        self._spool.put(digest, document.data)
        self._learn([document.descriptor, *artifact.blobs])
        return artifact

    def _keep(self, document: Document) -> None:
        """And learn to which blobs it leads. One that is malformed leads nowhere here; whoever reads it says why."""
        self._spool.put(document.descriptor.digest, document.data)
        known = [document.descriptor]
        with contextlib.suppress(AirgapError):
            known += _children(document.descriptor, document.data)
        self._learn(known)

    def _learn(self, blobs: Iterable[Descriptor]) -> None:
        with self._lock:
            for descriptor in blobs:
                self._known.setdefault(descriptor.digest, descriptor)
                self._catalog.setdefault(descriptor.digest, self)


def _children(descriptor: Descriptor, data: bytes) -> list[Descriptor]:
    """What a document points at. Raises FormatError and others for one that is malformed."""
    if descriptor.is_index:
        return list(parse_index(data, descriptor).manifests)
    if descriptor.is_manifest:
        manifest = parse_manifest(data, descriptor)
        return [manifest.config, *manifest.layers]
    return []
