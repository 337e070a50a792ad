"""What engines that know images by name have in common: tags that do not move, read-back, and taking out again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from airgap.digest import Digest
from airgap.engines.names import Name, names_of
from airgap.engines.undo import Undo
from airgap.errors import EngineError
from airgap.oci.graph import GraphWalk, Runnable
from airgap.store.store import Store
from airgap.verify import EngineReport, LoadedImage, UntrustedImage, VerifiedImage, identity_of, require_loaded


@dataclass(frozen=True, slots=True)
class Inventory:
    """What an engine holds: ``names`` maps each name to the engine's own id of what it stands for."""

    names: Mapping[str, str]
    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An image on its way into an engine, before or after its blobs were verified."""

    image: UntrustedImage
    runnable: tuple[Runnable, ...]
    nests: bool = False


class NamedEngine(ABC):
    """An engine that is spoken to through its client program.

    ``allow_retag``: a name that stands for another image may be moved; what it stood for is in the report.
    """

    def __init__(self, target: str, *, allow_retag: bool = False) -> None:
        self._target = target
        self._allow_retag = allow_retag

    @property
    def target(self) -> str:
        return self._target

    def preflight(self, images: Sequence[UntrustedImage], walk: GraphWalk) -> None:
        wanted = [Wanted(image, walk.runnable(image.descriptor), walk.nests(image.descriptor)) for image in images]
        self._require_able(wanted)
        taken = self._inventory().names
        for one, name in zip(wanted, names_of(images), strict=True):
            for text in self._names(name):
                self._require_free(text, one, taken)

    def load(self, images: Sequence[VerifiedImage], store: Store, undo: Undo) -> list[LoadedImage]:
        names = [self._names(name) for name in names_of([image.image for image in images])]
        wanted = [Wanted(image.image, image.runnable) for image in images]
        # Asked again: since preflight() a large bundle was read.
        before, said = self._inventory(), set[str]()
        replaced = {
            text: self._require_free(text, one, before.names)
            for one, texts in zip(wanted, names, strict=True)
            for text in texts
        }
        for text in replaced:
            if text in before.names:
                self._hold(text, undo)
        undo.add(self.target, partial(self._take_back, before, frozenset(replaced), said))
        loaded: list[LoadedImage] = []
        for image, one, texts in zip(images, wanted, names, strict=True):
            self._put(image, texts, store, said)
            proofs = [
                self.require_loaded(image, EngineReport(text, self._reported(text, one), replaced[text]))
                for text in texts
            ]
            loaded.append(proofs[0])
        return loaded

    def ask(self, image: VerifiedImage) -> EngineReport:
        wanted, choices = Wanted(image.image, image.runnable), self._choices(image.runnable)
        texts = [text for is_alone in (True, False) for text in self._names(Name(image.image, is_alone))]
        reports = [EngineReport(text, self._reported(text, wanted)) for text in dict.fromkeys(texts)]
        found = (one for one in reports if identity_of(image.image, choices, one.digest) is not None)
        return next(found, reports[0])

    def require_loaded(self, image: VerifiedImage, report: EngineReport) -> LoadedImage:
        return require_loaded(image, self.target, report, self._choices(image.runnable))

    def _require_free(self, text: str, wanted: Wanted, taken: Mapping[str, str]) -> Digest | None:
        """What the name stands for, if that is another image. Raises EngineError(tag-elsewhere) if it may not move."""
        held = self._reported(text, wanted) if text in taken else None
        if held is None or identity_of(wanted.image, self._choices(wanted.runnable), held) is not None:
            return None
        if not self._allow_retag:
            raise EngineError(
                "tag-elsewhere",
                f"{self.target} already calls another image {text}: {held}",
                target=self.target,
                name=text,
                found=str(held),
                expected=str(wanted.image.digest),
            )
        return held

    def _take_back(self, before: Inventory, ours: Iterable[str], said: Iterable[str]) -> None:
        """Put right every name that we gave or that the engine said it gave, and remove what came with it.

        Anything else that appeared meanwhile may be somebody's: it is left, and told of.
        """
        touched = {*ours, *said}
        now = self._inventory()
        mine = touched | {id_ for name, id_ in now.names.items() if name in touched}
        for name in sorted(touched):
            was, is_ = before.names.get(name), now.names.get(name)
            if is_ is not None and was is None:
                self._unname(name, is_)
            elif was is not None and is_ != was:
                self._rename(name, was)
        for id_ in sorted((self._inventory().ids - before.ids) & mine):
            self._remove(id_)
        strange = sorted(set(now.names) - set(before.names) - touched)
        if strange:
            raise EngineError(
                "engine-failed", f"{', '.join(strange[:5])} appeared there meanwhile: see whether you know it"
            )

    @abstractmethod
    def _names(self, name: Name) -> Sequence[str]:
        """The names to give to an image, the one to show first."""

    @abstractmethod
    def _require_able(self, wanted: Sequence[Wanted]) -> None:
        """Raises EngineError(engine-unreachable, engine-cannot-hold), HostError(disk-full)."""

    @abstractmethod
    def _inventory(self) -> Inventory: ...

    @abstractmethod
    def _reported(self, name: str, wanted: Wanted) -> Digest | None:
        """The digest of what the name stands for, as the engine says; None if it knows no such name."""

    @abstractmethod
    def _put(self, image: VerifiedImage, names: Sequence[str], store: Store, said: set[str]) -> None:
        """Load one image under these names; ``said`` gets what the engine says it loaded, names or ids."""

    @abstractmethod
    def _unname(self, name: str, id_: str) -> None: ...

    @abstractmethod
    def _rename(self, name: str, id_: str) -> None:
        """Make a name stand for what it stood for before."""

    @abstractmethod
    def _remove(self, id_: str) -> None:
        """Remove an image that no name stands for."""

    def _choices(self, runnable: Sequence[Runnable]) -> Sequence[Runnable]:
        """The images that this engine may name by their configuration: none, if it keeps manifests."""
        return ()

    def _hold(self, name: str, undo: Undo) -> None:  # noqa: B027 (most engines keep an image whose name moves)
        """Keep what a name stands for, so that _rename() can go back to it."""
