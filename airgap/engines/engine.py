"""What import needs of an engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from airgap.store import Store
from airgap.verify import LoadedImage, UntrustedImage, VerifiedImage


class Engine(Protocol):
    @property
    def target(self) -> str:
        """The target as the operator wrote it."""

    def preflight(self, images: Sequence[UntrustedImage]) -> None:
        """Before anything big is read: could this engine take these images? Raises EngineError, HostError."""

    def load(self, images: Sequence[VerifiedImage], store: Store) -> list[LoadedImage]:
        """Load all images from the store through checking readers, then read their digests back.

        All or nothing: raises EngineError after taking out again what it had put in.
        """
