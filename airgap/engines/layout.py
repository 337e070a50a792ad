"""``oci:DIR``: copy verified images into another OCI image layout (image-spec image-layout.md)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from airgap.digest import Digest
from airgap.disk.paths import (
    is_folder,
    is_occupied,
    is_there,
    make_folder,
    names_in,
    nearest_folder,
    remove_file,
    require_room,
)
from airgap.disk.reading import read_bounded
from airgap.disk.writing import TEMPORARY, replacing, write_all, write_whole
from airgap.engines.names import Name, names_of
from airgap.engines.undo import Undo
from airgap.errors import AirgapError, EngineError, FormatError, HostError
from airgap.limits import LIMITS
from airgap.oci.descriptor import Descriptor
from airgap.oci.graph import GraphWalk
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
from airgap.store.store import Store
from airgap.verify import EngineReport, LoadedImage, UntrustedImage, VerifiedImage, require_loaded

_TRANSPORT: Final = "oci:"


class LayoutEngine:
    """An OCI image layout in a folder: new, empty, or one whose other images stay as they are.

    ``allow_retag``: a name that stands for another image may be moved; the blobs of that one stay.
    """

    def __init__(self, folder: Path, *, allow_retag: bool = False) -> None:
        self.folder = folder
        self._allow_retag = allow_retag
        self._asked: dict[str, Descriptor] | None = None  # what it listed when it was asked first

    @property
    def target(self) -> str:
        return f"{_TRANSPORT}{self.folder}"

    def preflight(self, images: Sequence[UntrustedImage], walk: GraphWalk) -> None:
        """And is there room? For itself: what the store takes meanwhile may be on the same disk."""
        self._with(images)
        blobs = {blob.digest: blob.size for image in images for blob in walk.closure(image.descriptor)}
        needed = sum(size for digest, size in blobs.items() if not is_there(self.folder / blob_path(digest)))
        require_room(nearest_folder(self.folder), needed)

    def load(self, images: Sequence[VerifiedImage], store: Store, undo: Undo) -> list[LoadedImage]:
        listed, replaced = self._with([image.image for image in images])
        added: list[Path] = []
        undo.add(self.target, partial(self._restore, self._snapshot(), added))
        make_folder(self.folder / BLOBS)
        for image in images:
            for blob in image.blobs:
                self._copy(blob, store, added)
        write_whole(self.folder / LAYOUT_FILE, LAYOUT_BYTES)
        write_whole(self.folder / INDEX_FILE, encode_index(listed.items()))
        names, held = _names([image.image for image in images]), self._held()
        return [
            self.require_loaded(image, EngineReport(name, self._reported(name, held), replaced.get(name)))
            for image, name in zip(images, names, strict=True)
        ]

    def ask(self, image: VerifiedImage) -> EngineReport:
        if self._asked is None:
            self._asked = self._held()
        names = [Name(image.image, is_alone).plain for is_alone in (True, False)]
        reports = [EngineReport(name, self._reported(name, self._asked)) for name in names]
        return next((report for report in reports if report.digest == image.image.digest), reports[0])

    def require_loaded(self, image: VerifiedImage, report: EngineReport) -> LoadedImage:
        return require_loaded(image, self.target, report)

    def _with(self, images: Sequence[UntrustedImage]) -> tuple[dict[str, Descriptor], dict[str, Digest]]:
        """What the layout will list, and what each name stands for that moves.

        Raises EngineError(tag-elsewhere) if a name may not move, EngineError(target-occupied).
        """
        listed, replaced = self._listed(), dict[str, Digest]()
        for image, name in zip(images, _names(images), strict=True):
            held = listed.get(name)
            if held is not None and held.digest != image.digest:
                if not self._allow_retag:
                    raise EngineError(
                        "tag-elsewhere",
                        f"{self.target} already calls another image {name}: {held.digest}",
                        target=self.target,
                        name=name,
                        found=str(held.digest),
                        expected=str(image.digest),
                    )
                replaced[name] = held.digest
            listed[name] = image.descriptor
        if len(listed) > LIMITS.images:
            raise EngineError(
                "target-occupied",
                f"{self.target} would list {len(listed)} images, over the limit of {LIMITS.images}",
                hint="Import into another folder, or remove images from this one first.",
                target=self.target,
            )
        return listed, replaced

    def _snapshot(self) -> dict[str, bytes]:
        """The two files that make a folder a layout, as they are."""
        paths = [self.folder / name for name in (INDEX_FILE, LAYOUT_FILE)]
        return {path.name: read_bounded(path, LIMITS.bundle_manifest) for path in paths if is_there(path)}

    def _restore(self, before: Mapping[str, bytes], added: Iterable[Path]) -> None:
        """Take out again what was put in, the index first: as long as it may name a blob, that stays.

        Raises HostError, FormatError.
        """
        for name in (INDEX_FILE, LAYOUT_FILE):
            path = self.folder / name
            if not is_there(path):
                continue
            if name not in before:
                remove_file(path)
            elif read_bounded(path, LIMITS.bundle_manifest) != before[name]:
                write_whole(path, before[name])
        for path in added:
            _try(path.unlink)
        blobs = self.folder / BLOBS
        for folder in (blobs, blobs.parent, self.folder):
            _try(folder.rmdir)  # succeeds only if it is empty

    def _copy(self, blob: Descriptor, store: Store, added: list[Path]) -> None:
        path = self.folder / blob_path(blob.digest)
        new = not is_there(path)
        with replacing(path) as file:
            for chunk in store.chunks(blob):
                write_all(file, chunk)
        if new:
            added.append(path)

    def _listed(self) -> dict[str, Descriptor]:
        """The images that are there, by name. Raises EngineError for a folder that is neither empty nor a layout."""
        if not is_occupied(self.folder) or self._is_unfinished():
            return {}
        try:
            parse_layout(read_bounded(self.folder / LAYOUT_FILE, LIMITS.trust_file))
            found = parse_layout_index(read_bounded(self.folder / INDEX_FILE, LIMITS.bundle_manifest))
        except (FormatError, HostError) as error:
            if isinstance(error, HostError) and not error.is_absence:
                raise
            raise EngineError(
                "target-occupied", f"{self.folder} is not empty and no OCI layout: {error}", target=self.target
            ) from error
        return {image.name or str(image.digest): image for image in found}

    def _is_unfinished(self) -> bool:
        """Whether nothing is there but what a load that was stopped leaves: blobs, and no index that names them."""
        if not is_folder(self.folder) or is_there(self.folder / INDEX_FILE):
            return False
        known = {BLOBS.partition("/")[0], LAYOUT_FILE}
        return {name.removesuffix(TEMPORARY) for name in names_in(self.folder)} <= {*known, INDEX_FILE}

    def _held(self) -> dict[str, Descriptor]:
        """Read back what the layout now lists; nothing, if it is none."""
        with _absence():
            return self._listed()
        return {}

    def _reported(self, name: str, held: Mapping[str, Descriptor]) -> Digest | None:
        """What it says that a name stands for, if the bytes of that are there."""
        descriptor = held.get(name)
        if descriptor is None:
            return None
        with _absence():
            descriptor.require_bytes(read_bounded(self.folder / blob_path(descriptor.digest), LIMITS.oci_manifest))
            return descriptor.digest
        return None


def _names(images: Sequence[UntrustedImage]) -> list[str]:
    return [name.plain for name in names_of(images)]


@contextlib.contextmanager
def _absence() -> Iterator[None]:
    """What is not there, or not what it should be, is no answer; a machine that cannot read is an error."""
    try:
        yield
    except AirgapError as error:
        if isinstance(error, HostError) and not error.is_absence:
            raise


def _try(undo: Callable[[], object]) -> None:
    with contextlib.suppress(OSError, HostError):
        undo()
