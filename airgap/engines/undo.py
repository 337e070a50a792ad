"""How a load is taken back: every engine says, before it changes something, how to put it right again."""

from __future__ import annotations

from collections.abc import Callable

from airgap.errors import AirgapError


class Undo:
    """The steps of one run, over all engines. Either run() is called, or nothing needs to be taken back."""

    def __init__(self) -> None:
        self._steps: list[tuple[str, Callable[[], object]]] = []
        self._last: list[Callable[[], object]] = []

    def add(self, what: str, step: Callable[[], object]) -> None:
        """``step`` puts ``what`` (a target, in words) back as it was; it may be called when nothing was changed yet."""
        self._steps.append((what, step))

    def afterwards(self, step: Callable[[], object]) -> None:
        """``step`` removes something that was only needed to be able to go back."""
        self._last.append(step)

    def run(self) -> list[str]:
        """Take everything back, last change first. Returns why, for each step that failed; the others still run."""
        left: list[str] = []
        while self._steps:
            what, step = self._steps.pop()
            try:
                step()
            except (AirgapError, OSError) as error:
                left.append(f"{what}: {error}")
        return left + self.settle()

    def settle(self) -> list[str]:
        """The end, after success or after run(). Returns why, for what could not be removed."""
        left: list[str] = []
        while self._last:
            try:
                self._last.pop()()
            except (AirgapError, OSError) as error:
                left.append(str(error))
        return left
