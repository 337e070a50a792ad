"""What import needs of an engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from airgap.engines.undo import Undo
from airgap.oci.graph import GraphWalk
from airgap.store.store import Store
from airgap.verify import EngineReport, LoadedImage, UntrustedImage, VerifiedImage


class Engine(Protocol):
    @property
    def target(self) -> str:
        """The target as the operator wrote it."""

    def preflight(self, images: Sequence[UntrustedImage], walk: GraphWalk) -> None:
        """Before anything big is read: could this engine take these images? Raises EngineError, HostError.

        ``walk`` has been fed all indexes and manifests, and no configuration yet.
        """

    def load(self, images: Sequence[VerifiedImage], store: Store, undo: Undo) -> list[LoadedImage]:
        """Load all images from the store through checking readers, then read their digests back.

        Before each change, ``undo`` is told how to take it back. Raises EngineError, HostError, IntegrityError.
        """

    def ask(self, image: VerifiedImage) -> EngineReport:
        """What the engine holds under a name that load() gives such an image: that image, if it is there at all.

        Changes nothing. Raises EngineError, HostError.
        """

    def require_loaded(self, image: VerifiedImage, report: EngineReport) -> LoadedImage:
        """The proof, if the report is one for this engine. Raises EngineError(engine-digest-differs)."""
