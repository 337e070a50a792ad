"""How long work tells what it is doing, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    def stage(self, name: str, total: int | None) -> None:
        """A new stage begins; ``total`` is its size in bytes (or items), None if unknown."""

    def advance(self, amount: int) -> None:
        """``amount`` more bytes (or items) of the current stage are done. Called from one thread."""


class Silent:
    """The progress of library calls and of ``--quiet``."""

    def stage(self, name: str, total: int | None) -> None:
        pass

    def advance(self, amount: int) -> None:
        pass
