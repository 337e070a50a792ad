"""``docker://HOST[:PORT][/PREFIX]``: a registry, given every blob and manifest byte for byte (distribution-spec, push).

``docker.io/stagex/x`` becomes ``HOST/PREFIX/stagex/x``. Blobs go first, then manifests, children before parents, tags
last. Manifests are read back and hashed; of blobs, which registries check when they come, the presence is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from airgap.digest import Digest
from airgap.engines.names import Name, names_of
from airgap.engines.undo import Undo
from airgap.errors import KINDS, EngineError
from airgap.oci.descriptor import Descriptor
from airgap.oci.graph import GraphWalk
from airgap.oci.manifest import parse_index
from airgap.reference import Repository
from airgap.registry.access import Access
from airgap.registry.problem import Reason, RegistryProblem
from airgap.registry.push import Pusher
from airgap.registry.repository import Document
from airgap.store.store import Store
from airgap.verify import EngineReport, LoadedImage, UntrustedImage, VerifiedImage, require_loaded

_KINDS: Final = {
    Reason.DENIED: "target-denied",
    Reason.CREDENTIALS: "target-denied",
    Reason.DIFFERS: "engine-digest-differs",
    Reason.UNREACHABLE: "engine-unreachable",
    Reason.TLS: "engine-unreachable",
}
_HINTS: Final = {
    Reason.CREDENTIALS: KINDS["credentials-invalid"].hint,
    Reason.UNREACHABLE: KINDS["registry-unreachable"].hint,
    Reason.TLS: KINDS["registry-not-trusted"].hint,
}
"""Where the advice on engines does not fit a registry: the same as on export."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an image goes. ``name.image`` has its new reference."""

    name: Name
    pusher: Pusher

    @property
    def text(self) -> str:
        return self.name.tagged or self.name.pinned

    @property
    def tag(self) -> str | None:
        return None if self.name.tagged is None else self.name.image.reference.tag


class RegistryEngine:
    """``base`` is HOST[:PORT][/PREFIX]. Nothing is contacted before preflight(), load() or ask()."""

    def __init__(self, target: str, base: str, access: Access, *, allow_retag: bool = False) -> None:
        """Raises UsageError for plain http to another machine, HostError(extra-missing)."""
        self._target = target
        self._domain, _, self._prefix = base.partition("/")
        self._access = access
        self._allow_retag = allow_retag
        access.repository(Repository(self._domain, "any"))

    @property
    def target(self) -> str:
        return self._target

    def preflight(self, images: Sequence[UntrustedImage], walk: GraphWalk) -> None:
        with self._problems():
            for place in self._places(images):
                place.pusher.holds_manifest(place.name.image.descriptor)  # asks with the right to write
                self._tagged(place)

    def load(self, images: Sequence[VerifiedImage], store: Store, undo: Undo) -> list[LoadedImage]:
        places = self._places([image.image for image in images])
        with self._problems():
            tagged = [self._tagged(place) for place in places]
            for image, place in zip(images, places, strict=True):
                self._put(image, place, store, undo)
            for place, before in zip(places, tagged, strict=True):
                self._tag(place, before, store, undo)
            return [
                self.require_loaded(image, EngineReport(place.text, _held(place), _replaced(before, image)))
                for image, place, before in zip(images, places, tagged, strict=True)
            ]

    def require_loaded(self, image: VerifiedImage, report: EngineReport) -> LoadedImage:
        return require_loaded(image, self.target, report)

    def ask(self, image: VerifiedImage) -> EngineReport:
        with self._problems():
            (tagged,) = self._places([image.image])
            pinned = replace(tagged, name=replace(tagged.name, is_alone=False))
            reports = [EngineReport(place.text, _held(place)) for place in (tagged, pinned)]
        return next((report for report in reports if report.digest == image.image.digest), reports[0])

    def _places(self, images: Sequence[UntrustedImage]) -> list[_Place]:
        moved = [replace(image, reference=replace(image.reference, repository=self._moved(image))) for image in images]
        return [_Place(name, self._pusher(name.image.reference.repository)) for name in names_of(moved)]

    def _moved(self, image: UntrustedImage) -> Repository:
        path = image.reference.repository.path
        return Repository(self._domain, f"{self._prefix}/{path}" if self._prefix else path)

    def _pusher(self, repository: Repository) -> Pusher:
        return Pusher(self._access.repository(repository))

    def _tagged(self, place: _Place) -> Document | None:
        """What the tag stands for now. Raises EngineError(tag-elsewhere) if that is another image and must stay."""
        found = None if place.tag is None else _served(place, place.tag)
        if found is not None and found.descriptor.digest != place.name.image.digest and not self._allow_retag:
            raise EngineError(
                "tag-elsewhere",
                f"{self.target} already calls another image {place.text}: {found.descriptor.digest}",
                target=self.target,
                name=place.text,
                found=str(found.descriptor.digest),
                expected=str(place.name.image.digest),
            )
        return found

    def _put(self, image: VerifiedImage, place: _Place, store: Store, undo: Undo) -> None:
        for blob in image.blobs:
            if not blob.is_index and not blob.is_manifest:
                place.pusher.put_blob(blob, partial(store.chunks, blob))
        self._put_manifest(image.image.descriptor, place, store, undo, set())

    def _put_manifest(self, descriptor: Descriptor, place: _Place, store: Store, undo: Undo, done: set[Digest]) -> None:
        """Children first: a registry refuses a parent whose children it does not hold. Then it is read back."""
        if descriptor.digest in done:
            return
        done.add(descriptor.digest)
        data = b"".join(store.chunks(descriptor))
        for child in parse_index(data, descriptor).manifests if descriptor.is_index else ():
            self._put_manifest(child, place, store, undo, done)
        if not place.pusher.holds_manifest(descriptor):
            undo.add(self.target, partial(self._delete, place, descriptor))
        place.pusher.put_manifest(descriptor, data)
        place.pusher.repository.manifest(descriptor.digest)

    def _tag(self, place: _Place, before: Document | None, store: Store, undo: Undo) -> None:
        descriptor = place.name.image.descriptor
        if place.tag is None or (before is not None and before.descriptor.digest == descriptor.digest):
            return
        undo.add(self.target, partial(self._untag, place, before))
        place.pusher.put_manifest(descriptor, b"".join(store.chunks(descriptor)), place.tag)

    def _untag(self, place: _Place, before: Document | None) -> None:
        """Back to what the tag stood for; a new one is taken out, or goes with its manifest where that is new, too."""
        if place.tag is None:
            return
        with self._problems():
            if before is not None:
                place.pusher.put_manifest(before.descriptor, before.data, place.tag)
            else:
                place.pusher.delete_manifest(place.tag)

    def _delete(self, place: _Place, descriptor: Descriptor) -> None:
        with self._problems():
            if not place.pusher.delete_manifest(descriptor.digest) and place.pusher.holds_manifest(descriptor):
                tag = f" (tag {place.tag})" if place.tag is not None and _held(place) == descriptor.digest else ""
                raise EngineError(
                    "engine-failed", f"{place.name.pinned} stays there{tag}: this registry does not delete"
                )

    @contextmanager
    def _problems(self) -> Iterator[None]:
        try:
            yield
        except RegistryProblem as problem:
            kind = _KINDS.get(problem.reason, "engine-failed")
            hint = _HINTS.get(problem.reason)
            raise EngineError(kind, f"{self.target}: {problem}", hint=hint, target=self.target) from problem


def _served(place: _Place, reference: Digest | str) -> Document | None:
    try:
        return place.pusher.repository.manifest(reference)
    except RegistryProblem as problem:
        if problem.reason is not Reason.NOT_FOUND:
            raise
        return None


def _held(place: _Place) -> Digest | None:
    """What the name stands for."""
    found = _served(place, place.tag or place.name.image.digest)
    return None if found is None else found.descriptor.digest


def _replaced(before: Document | None, image: VerifiedImage) -> Digest | None:
    """What a tag stood for, if it was moved."""
    return None if before is None or before.descriptor.digest == image.image.digest else before.descriptor.digest
