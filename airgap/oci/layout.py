"""The files of an OCI image layout, in the one form that airgap writes (image-spec image-layout.md)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from airgap.digest import Digest
from airgap.errors import FormatError
from airgap.limits import LIMITS
from airgap.oci.descriptor import OCI_INDEX, REF_NAME, Descriptor, parse_descriptor
from airgap.oci.manifest import OF_DOCUMENT
from airgap.strict_json import Fields, StrictJSONError, canonical, parse

LAYOUT_FILE: Final = "oci-layout"
INDEX_FILE: Final = "index.json"
_VERSION: Final = "imageLayoutVersion"
LAYOUT_BYTES: Final = b'{"imageLayoutVersion":"1.0.0"}'
BLOBS: Final = "blobs/sha256"


def blob_path(digest: Digest) -> str:
    """Where a layout keeps a blob, relative to its folder."""
    return f"{BLOBS}/{digest.hex}"


def encode_index(images: Iterable[tuple[str, Descriptor]]) -> bytes:
    """``index.json`` for (ref name, root descriptor) pairs, sorted by name."""
    manifests = [
        {
            "annotations": {REF_NAME: name},
            "digest": str(descriptor.digest),
            "mediaType": descriptor.media_type,
            "size": descriptor.size,
        }
        for name, descriptor in sorted(images, key=lambda image: (image[0], image[1].digest))
    ]
    return canonical({"manifests": manifests, "mediaType": OCI_INDEX, "schemaVersion": 2})


def parse_layout(data: bytes) -> None:
    """Check an ``oci-layout`` file. Raises FormatError."""
    try:
        version = Fields(parse(data), LAYOUT_FILE, {_VERSION}).string(_VERSION)
    except StrictJSONError as error:
        raise FormatError("image-manifest-invalid", f"{LAYOUT_FILE}: {error}") from None
    if version != "1.0.0":
        raise FormatError("image-manifest-invalid", f"{LAYOUT_FILE}: version {version[:20]!r} is not 1.0.0")


def parse_layout_index(data: bytes) -> tuple[Descriptor, ...]:
    """The images that ``index.json`` lists, with their names. Raises FormatError."""
    try:
        fields = Fields(parse(data), INDEX_FILE, OF_DOCUMENT)
        fields.integer("schemaVersion", low=2, high=2)
        entries = fields.array("manifests", most=LIMITS.images)
        return tuple(parse_descriptor(entry, f"{INDEX_FILE} manifests[{i}]") for i, entry in enumerate(entries))
    except StrictJSONError as error:
        raise FormatError("image-manifest-invalid", f"{INDEX_FILE}: {error}") from None
