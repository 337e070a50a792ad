"""Images as the archives that engines read, made while they are read: the same bytes for the same image.

Every blob goes through the store's checking reader. One that differs breaks the stream before its end: the program
that reads it is stopped, and what the engine took of it is taken out again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from airgap.bundle.format import TAR_END
from airgap.bundle.tar import header, padding
from airgap.oci.descriptor import CONTAINERD_NAME, OCI_INDEX, REF_NAME, Descriptor
from airgap.oci.graph import Runnable
from airgap.oci.layout import INDEX_FILE, LAYOUT_BYTES, LAYOUT_FILE, blob_path
from airgap.store.store import Store
from airgap.strict_json import canonical

_DOCKER_MANIFEST: Final = "manifest.json"


def oci_archive(root: Descriptor, names: Sequence[str], blobs: Iterable[Descriptor], store: Store) -> Iterator[bytes]:
    """An OCI layout in a tar: one image under full names, each in both annotations that engines look at."""
    entries = [
        {
            "annotations": {CONTAINERD_NAME: name, REF_NAME: name},
            "digest": str(root.digest),
            "mediaType": root.media_type,
            "size": root.size,
        }
        for name in names
    ]
    index = canonical({"manifests": entries, "mediaType": OCI_INDEX, "schemaVersion": 2})
    yield from _archive([(LAYOUT_FILE, LAYOUT_BYTES), (INDEX_FILE, index)], blobs, store)


def docker_archive(image: Runnable, name: str, store: Store) -> Iterator[bytes]:
    """What ``docker load`` of an engine without manifests takes: configuration and layers, at the paths of a layout."""
    entry = {
        "Config": blob_path(image.config.digest),
        "Layers": [blob_path(layer.digest) for layer in image.layers],
        "RepoTags": [name],
    }
    yield from _archive([(_DOCKER_MANIFEST, canonical([entry]))], (image.config, *image.layers), store)


def archive_size(blobs: Iterable[Descriptor]) -> int:
    """Bytes of an archive of these blobs, to a few KiB: for limits of time and space."""
    return sum(blob.size + 1024 for blob in blobs)


def _archive(documents: Iterable[tuple[str, bytes]], blobs: Iterable[Descriptor], store: Store) -> Iterator[bytes]:
    for path, data in documents:
        yield header(path, len(data)) + data + padding(len(data))
    for blob in {blob.digest: blob for blob in blobs}.values():
        yield header(blob_path(blob.digest), blob.size)
        yield from store.chunks(blob)
        yield padding(blob.size)
    yield bytes(TAR_END)
