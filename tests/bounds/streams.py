"""Bundles of any size that are made while they are read: a layer of zeros, whose frames are all the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import forge
from forge.images import OCI_TYPES, Blob, to_json

from airgap.bundle import frames
from airgap.bundle.format import FRAME_SIZE, TAR_END
from airgap.bundle.tar import header, padding
from airgap.digest import Digest
from airgap.oci.layout import blob_path
from tests.bundle.simulator import REFERENCE, Bundle, bundle_of, entries, signed, stream

_PIECE = bytes(FRAME_SIZE)


@dataclass(frozen=True)
class Zeros:
    """A bundle of one image whose last layer is so many bytes of zeros."""

    size: int

    @cached_property
    def digest(self) -> Digest:
        hasher = hashlib.sha256()
        left = self.size
        while left:
            step = min(left, FRAME_SIZE)
            hasher.update(memoryview(_PIECE)[:step])
            left -= step
        return Digest(hasher.hexdigest())

    @cached_property
    def bundle(self) -> Bundle:
        """All but the layer's own bytes."""
        return bundle_around(self.digest, self.size)

    def frames(self) -> Iterator[bytes]:
        """The file, frame by frame. No two frames of the layer differ but the first and the last."""
        rest = self.bundle.with_members(self.bundle.manifest.members[:-1])
        head = stream(entries(rest, self.bundle.manifest.encoded), b"")
        head += header(blob_path(self.digest), self.size)
        tail = padding(self.size) + bytes(TAR_END)
        sizes: list[tuple[int, int]] = []

        def frame(data: bytes) -> bytes:
            made = frames.compress(data, 3)
            sizes.append((len(made), len(data)))
            return made

        assert len(head) < FRAME_SIZE
        first = min(self.size, FRAME_SIZE - len(head))
        yield frame(head + bytes(first)) if first < self.size else frame(head + bytes(first) + tail)
        left = self.size - first
        middle = frames.compress(_PIECE, 3)
        while left >= FRAME_SIZE:
            sizes.append((len(middle), FRAME_SIZE))
            yield middle
            left -= FRAME_SIZE
        if left or first < self.size:
            end = bytes(left) + tail
            for at in range(0, len(end), FRAME_SIZE):
                yield frame(end[at : at + FRAME_SIZE])
        yield frames.seek_table(sizes)


@dataclass(frozen=True)
class Absent(Blob):
    """A blob that is only named."""

    named: str = ""

    @property
    def digest(self) -> str:
        return self.named


def bundle_around(layer: Digest, size: int) -> Bundle:
    """A good bundle of one signed image with this one layer, whose content is not there."""
    types = OCI_TYPES
    rootfs = {"type": "layers", "diff_ids": [str(layer)]}
    config = Blob(types.config, to_json({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}))
    listed = {"mediaType": types.layer, "digest": str(layer), "size": size}
    absent = Absent(types.layer, b"", str(layer))
    body = {"schemaVersion": 2, "mediaType": types.manifest, "config": config.descriptor(), "layers": [listed]}
    manifest = Blob(types.manifest, to_json(body))
    sample = forge.Sample(manifest, (("linux/amd64", manifest),), (config,), (absent,))
    return bundle_of({REFERENCE: sample})


def many_images(count: int) -> Bundle:
    """So many images of as many repositories, each signed by two, which share their blobs."""
    given = forge.image([forge.Layer({"bin/sample": b"hello\n"})])
    names = [f"docker.io/stagex/image{number}" for number in range(count)]
    signatures = {name: [signed(name, given.digest, nick) for nick in ("alice", "bob")] for name in names}
    return bundle_of(dict.fromkeys(names, given), signatures=signatures)
