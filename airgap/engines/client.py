"""The client programs of engines: how they are asked, and what their answers are worth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from airgap.disk.paths import free_space
from airgap.errors import EngineError, HostError
from airgap.limits import MIB
from airgap.process import Finished, run
from airgap.strict_json import Fields, StrictJSONError, parse

_ASK_SECONDS: Final = 120.0  # an engine at work on another image may keep us waiting
_LOAD_SECONDS: Final = 600.0  # and for a large image
_LOAD_RATE: Final = MIB  # bytes a second that the slowest disk and decompressor should do


@dataclass(frozen=True, slots=True)
class Client:
    """``line`` is the beginning of every command line."""

    target: str
    line: tuple[str, ...]

    def reach(self, *arguments: str) -> bytes:
        """A first question. Raises EngineError(engine-unreachable) with what the program says."""
        done = self._run(arguments, "engine-unreachable")
        if done.status != 0:
            raise EngineError(
                "engine-unreachable",
                f"{self.target} does not answer: {' '.join([*self.line, *arguments])}: {done.complaint}",
                target=self.target,
            )
        return done.stdout

    def ask(self, *arguments: str) -> bytes:
        """The output of a command that must succeed. Raises EngineError(engine-failed)."""
        done = self.try_(*arguments)
        self._require_success(done, arguments)
        return done.stdout

    def try_(self, *arguments: str) -> Finished:
        """Like ask(), for a command whose exit status is an answer."""
        return self._run(arguments, "engine-failed")

    def feed(self, stream: Iterable[bytes], size: int, *arguments: str) -> bytes:
        """Run a command that reads ``stream``, of about ``size`` bytes. An error of the stream stops the program."""
        done = self._run(arguments, "engine-failed", stream, _LOAD_SECONDS + size / _LOAD_RATE)
        self._require_success(done, arguments)
        return done.stdout + done.stderr

    def _run(
        self, arguments: Sequence[str], kind: str, stdin: Iterable[bytes] = (), timeout: float = _ASK_SECONDS
    ) -> Finished:
        try:
            return run([*self.line, *arguments], timeout=timeout, stdin=stdin)
        except HostError as error:
            if not error.kind.startswith("program-"):
                raise
            kind = "engine-unreachable" if error.kind == "program-not-found" else kind
            raise EngineError(kind, f"{self.target}: {error.message}", target=self.target) from error

    def _require_success(self, done: Finished, arguments: Sequence[str]) -> None:
        if done.status != 0:
            raise EngineError(
                "engine-failed",
                f"{self.target}: {' '.join([*self.line, *arguments])}: {done.complaint}",
                target=self.target,
            )

    def json(self, data: bytes) -> object:
        try:
            return parse(data, floats=True)
        except StrictJSONError as error:
            raise self.unreadable(error) from None

    def fields(self, data: bytes) -> Fields:
        """An answer that is one JSON object."""
        try:
            return Fields(self.json(data), self.line[0])
        except StrictJSONError as error:
            raise self.unreadable(error) from None

    def unreadable(self, error: Exception) -> EngineError:
        return EngineError("engine-failed", f"{self.target} gives an answer that is none: {error}", target=self.target)

    def require_space(self, folder: str, needed: int) -> None:
        """Raises HostError(disk-full) if a folder of the engine, where it is on this machine, has less space."""
        free = free_space(Path(folder)) if folder else None
        if free is not None and free < needed:
            raise HostError(
                "disk-full",
                f"{self.target} needs at least {needed} bytes in {folder}, where {free} are free",
                path=folder,
                needed=needed,
                free=free,
            )
