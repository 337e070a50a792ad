"""``oci:DIR``: copy verified images into another OCI image layout (image-spec image-layout.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from airgap.digest import Digest
from airgap.errors import AirgapError, EngineError, FormatError, HostError
from airgap.files import host_errors, make_folder, read_bounded, replacing, write_all, write_whole
from airgap.limits import LIMITS
from airgap.oci.descriptor import Descriptor
from airgap.oci.layout import (
    BLOBS,
    INDEX_FILE,
    LAYOUT_BYTES,
    LAYOUT_FILE,
    blob_path,
    encode_index,
    parse_layout,
    parse_layout_index,
)
from airgap.store import Store
from airgap.verify import LoadedImage, VerifiedImage, require_loaded

_TRANSPORT: Final = "oci:"


class LayoutEngine:
    """An OCI image layout in a folder: new, empty, or one whose other images stay as they are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def target(self) -> str:
        return f"{_TRANSPORT}{self._folder}"

    def preflight(self) -> None:
        self._listed()

    def load(self, images: Sequence[VerifiedImage], store: Store) -> list[LoadedImage]:
        listed = self._listed()
        names = _names(images)
        for image, name in zip(images, names, strict=True):
            held = listed.get(name)
            if held is not None and held.digest != image.image.digest:
                raise EngineError(
                    "target-occupied",
                    f"{self.target} already calls {held.digest} {name}",
                    hint="Import into another folder, or remove that image from this one first.",
                    target=self.target,
                )
            listed[name] = image.image.descriptor
        added: list[Path] = []
        try:
            make_folder(self._folder / BLOBS)
            for image in images:
                for blob in image.blobs:
                    self._copy(blob, store, added)
            write_whole(self._folder / LAYOUT_FILE, LAYOUT_BYTES)
            write_whole(self._folder / INDEX_FILE, encode_index(listed.items()))
        except BaseException:
            _remove(added)
            raise
        return [
            require_loaded(image, self.target, self._reported(name)) for image, name in zip(images, names, strict=True)
        ]

    def _copy(self, blob: Descriptor, store: Store, added: list[Path]) -> None:
        path = self._folder / blob_path(blob.digest)
        new = not path.exists()
        with replacing(path) as file:
            for chunk in store.chunks(blob):
                write_all(file, chunk)
        if new:
            added.append(path)

    def _listed(self) -> dict[str, Descriptor]:
        """The images that are there, by name. Raises EngineError for a folder that is neither empty nor a layout."""
        with host_errors(str(self._folder)):
            if not self._folder.exists() or (self._folder.is_dir() and not any(self._folder.iterdir())):
                return {}
        try:
            parse_layout(read_bounded(self._folder / LAYOUT_FILE, LIMITS.trust_file))
            found = parse_layout_index(read_bounded(self._folder / INDEX_FILE, LIMITS.bundle_manifest))
        except (FormatError, HostError) as error:
            raise EngineError(
                "target-occupied", f"{self._folder} is not empty and no OCI layout: {error}", target=self.target
            ) from error
        return {image.name or str(image.digest): image for image in found}

    def _reported(self, name: str) -> Digest | None:
        """Read back what the layout now says, and that the bytes are there."""
        try:
            descriptor = self._listed().get(name)
            if descriptor is None:
                return None
            descriptor.require_bytes(read_bounded(self._folder / blob_path(descriptor.digest), LIMITS.oci_manifest))
        except AirgapError:
            return None
        return descriptor.digest


def _names(images: Sequence[VerifiedImage]) -> list[str]:
    """The plain reference where it stands for one image, else the reference with the digest."""
    plain = [str(image.image.reference) for image in images]
    return [name if plain.count(name) == 1 else image.image.name for name, image in zip(plain, images, strict=True)]


def _remove(added: Iterable[Path]) -> None:
    for path in added:
        path.unlink(missing_ok=True)
