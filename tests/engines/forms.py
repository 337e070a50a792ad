"""Every form of image that can be verified, small, each with content of its own."""

from __future__ import annotations

import gzip
from dataclasses import replace
from functools import cache

import forge
from forge import Blob, Layer, Sample
from forge.images import OCI_TYPES, to_json


@cache
def forms() -> dict[str, Sample]:
    return {
        "gzip": one("gzip"),
        "zstd": zstd(one("zstd")),
        "raw": one("raw", compression="none"),
        "mixed": forge.image([_layer("mixed"), Layer({"etc/raw": b"raw"}, "none")]),
        "docker schema 2": one("docker", docker=True),
        "index": pair("index"),
        "index with attestations": forge.image_index(list(_two("attested")), attestations=True),
        "docker list": pair("list", docker=True),
        "index in index": nested(pair("nested")),
        "index of other platforms": foreign(),
    }


def one(text: str, *, compression: str = "gzip", platform: str = "linux/amd64", docker: bool = False) -> Sample:
    """An image of two layers."""
    layers = [_layer(text, compression), Layer({"etc/motd": text.encode()}, compression)]
    return forge.image(layers, platform=platform, docker=docker)


def pair(text: str, *, docker: bool = False) -> Sample:
    return forge.image_index(list(_two(text, docker=docker)), docker=docker)


def foreign(text: str = "foreign") -> Sample:
    """An index without anything for amd64."""
    return forge.image_index([one(text, platform="linux/arm64"), one(f"{text} s390x", platform="linux/s390x")])


def nested(inner: Sample) -> Sample:
    outer = Blob(
        OCI_TYPES.index,
        to_json({"schemaVersion": 2, "mediaType": OCI_TYPES.index, "manifests": [inner.root.descriptor()]}),
    )
    return replace(inner, root=outer, others=(*inner.others, inner.root))


def zstd(image: Sample) -> Sample:
    """The same image with layers in zstd frames."""
    config = image.configs[0]
    layers = [Blob(f"{OCI_TYPES.layer}+zstd", zstd_frame(_unzipped(blob))) for blob in image.layers]
    value = {
        "schemaVersion": 2,
        "mediaType": OCI_TYPES.manifest,
        "config": config.descriptor(),
        "layers": [blob.descriptor() for blob in layers],
    }
    manifest = Blob(OCI_TYPES.manifest, to_json(value))
    return Sample(manifest, ((image.manifests[0][0], manifest),), (config,), tuple(layers))


def zstd_frame(data: bytes) -> bytes:
    """One frame of one raw block (RFC 8878): single segment, content size in four bytes, no checksum."""
    assert len(data) <= 128 * 1024
    header = bytes.fromhex("28b52ffd") + b"\xa0" + len(data).to_bytes(4, "little")
    return header + (len(data) << 3 | 1).to_bytes(3, "little") + data


def _two(text: str, *, docker: bool = False) -> tuple[Sample, Sample]:
    return one(f"{text} amd64", docker=docker), one(f"{text} arm64", platform="linux/arm64", docker=docker)


def _layer(text: str, compression: str = "gzip") -> Layer:
    return Layer({"bin/sample": text.encode() * 50}, compression)


def _unzipped(blob: Blob) -> bytes:
    return gzip.decompress(blob.data)
