"""What the store holds, taking images out of it, and removing what belongs to none.

The index is written first, then what it no longer needs is removed: stopped at any point, the store holds every listed
image whole, and the next sweep removes what was left.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from airgap.digest import Digest
from airgap.disk.folders import remove_empty, remove_files, tree
from airgap.disk.paths import is_occupied
from airgap.errors import AirgapError
from airgap.reference import Reference
from airgap.store.garbage import Garbage, Needed, find_garbage, is_ours
from airgap.store.holdings import Holding, holding_of
from airgap.store.store import PRIVATE_FOLDER, Store
from airgap.verify import UntrustedImage


@dataclass(frozen=True, slots=True)
class Shelf:
    """One image of the store: ``holding`` is None if its manifests cannot be read, ``error`` then says why."""

    image: UntrustedImage
    holding: Holding | None
    signatures: int
    error: AirgapError | None = None


def survey(store: Store) -> list[Shelf]:
    """Every published image, with what it takes and what is kept of it. Nothing is judged.

    Raises FormatError for an index that is none, SourceError if there is no store.
    """
    store.require_published()
    return [_shelf(store, image) for image in store.untrusted()]


def total_size(shelves: Iterable[Shelf]) -> int:
    """Bytes of all blobs of these images and of their artifacts, each once in its folder."""
    blobs: dict[Digest, int] = {}
    artifacts: dict[Digest, int] = {}
    for holding in (one.holding for one in shelves):
        if holding is not None:
            blobs |= holding.blobs
            artifacts |= holding.artifact_blobs
    return sum(blobs.values()) + sum(artifacts.values())


def _shelf(store: Store, image: UntrustedImage) -> Shelf:
    signatures = 0
    try:
        signatures = len(store.evidence.signatures(image))
        holding = holding_of(store, image, platforms=True)
    except AirgapError as error:
        return Shelf(image, None, signatures, error)
    return Shelf(holding.image, holding, signatures)


@dataclass(slots=True)
class Sweep:
    """What would be removed from a store that this process holds; carry_out() removes it.

    ``is_listed`` is False if there is no index: then nobody can tell what belongs to images, and it stays. With
    ``errors`` nothing is removed at all.
    """

    store: Store
    images: tuple[UntrustedImage, ...]
    garbage: Garbage
    is_listed: bool = True
    errors: list[AirgapError] = field(default_factory=list)

    def carry_out(self) -> None:
        """Raises HostError; what was removed until then is gone, and no listed image misses anything."""
        if self.errors:
            raise RuntimeError("nothing may be removed")
        if self.images:
            self.store.unpublish(frozenset(self.images))
        remove_files(self.store.folder, [one.path for one in self.garbage.files])
        remove_empty(self.store.folder, self.garbage.folders)


@contextlib.contextmanager
def sweeping(store: Store, unwanted: Sequence[Reference] = ()) -> Iterator[Sweep]:
    """Hold a store, and plan to take images out of it, and everything that no other image needs.

    Raises SourceError(source-not-found) if a reference names no image of it, FormatError, HostError(store-locked).
    """
    if unwanted or not is_occupied(store.folder / PRIVATE_FOLDER):
        store.require_published()
    with store.writing():
        yield _plan(store, unwanted)


def _plan(store: Store, unwanted: Sequence[Reference]) -> Sweep:
    found = tree(store.folder, is_ours)
    if not store.is_published:
        return Sweep(store, (), find_garbage(found, None), is_listed=False)
    taken = store.named_by_each(unwanted)
    errors: list[AirgapError] = []
    needed = _needed(store, [image for image in store.untrusted() if image not in taken], errors)
    images = tuple(sorted(taken, key=lambda image: image.name))
    return Sweep(store, images, find_garbage(found, None if errors else needed), errors=errors)


def _needed(store: Store, images: Iterable[UntrustedImage], errors: list[AirgapError]) -> Needed:
    """What these images need. An image whose manifests cannot be read is an error: it may need anything."""
    digests: set[Digest] = set()
    blobs: set[Digest] = set()
    artifact_blobs: set[Digest] = set()
    lookasides: set[str] = set()
    for image in images:
        digests.add(image.digest)
        lookasides.add(image.lookaside)
        try:
            holding = holding_of(store, image)
        except AirgapError as error:
            errors.append(_unreadable(image, error))
        else:
            blobs |= holding.blobs.keys()
            artifact_blobs |= holding.artifact_blobs.keys()
    return Needed(digests, blobs, artifact_blobs, lookasides)


def _unreadable(image: UntrustedImage, error: AirgapError) -> AirgapError:
    return type(error)(
        error.kind,
        f"{image.name} cannot be read, so nobody can tell what it needs, and nothing was removed: {error.message}",
        hint="Import its bundle again, which mends it; or take it out, too: `airgap store rm REFERENCE@DIGEST`.",
        image=image.name,
    )
