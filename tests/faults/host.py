"""A machine whose file calls fail: the shim, compiled, and a process under it that runs the command line at will."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
SHIM: Final = Path(__file__).with_name("shim.c")
SHORT: Final = 10_000  # as in shim.c: no errno, but a read or write that does less than it was asked for


class Mode(IntEnum):
    """As in shim.c."""

    OFF = 0
    COUNT = 1
    ONCE = 2
    ONWARDS = 3
    KILL = 4


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to file calls. ``at`` counts those that it can happen to, from 0."""

    mode: Mode = Mode.OFF
    error: int = 0
    at: int = 0

    def __str__(self) -> str:
        name = "short read or write" if self.error == SHORT else errno.errorcode.get(self.error, "")
        match self.mode:
            case Mode.KILL:
                return f"SIGKILL at call {self.at}"
            case Mode.ONCE:
                return f"{name} at call {self.at}"
            case Mode.ONWARDS:
                return f"{name} from call {self.at} on"
            case _:
                return "no fault"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended. ``calls`` are those that the fault could have befallen, ``last`` the one that it did."""

    code: int
    calls: int
    fired: int
    last: str
    stdout: bytes
    stderr: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.stdout)

    @property
    def kinds(self) -> list[str]:
        document = self.document
        found = [document] if document["schema"] == "airgap/error/v1" else document.get("errors", [])
        return [error["kind"] for error in found]


def compile_shim(folder: Path) -> Path | None:
    """None if there is no C compiler here."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    shim = folder / "shim.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-o", shim, SHIM, "-ldl"], check=True)
    return shim


class Host:
    """Runs commands one after the other; ``root`` is where their files are, and where faults happen."""

    def __init__(self, shim: Path, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.root = folder / "root"
        self._output = folder / "output"
        self._temporary = folder / "root" / "tmp"
        self._output.mkdir(parents=True)
        paths = os.pathsep.join(str(ROOT / name) for name in ("", "scripts"))
        self._server = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths, "LD_PRELOAD": str(shim), **(environment or {})},
        )

    def __enter__(self) -> Host:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.kill()
        self._server.communicate()

    @property
    def temporary(self) -> Path:
        return self._temporary

    def run(self, arguments: list[str], fault: Fault | None = None) -> Ended:
        fault = fault or Fault()
        request = {
            "arguments": arguments,
            "root": str(self.root),
            "output": str(self._output),
            "temporary": str(self._temporary),
            "mode": int(fault.mode),
            "error": fault.error,
            "at": fault.at,
        }
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(request).encode() + b"\n")
        self._server.stdin.flush()
        found = json.loads(self._server.stdout.readline())
        stdout, stderr = ((self._output / name).read_bytes() for name in ("stdout", "stderr"))
        return Ended(found["code"], found["count"], found["fired"], found["last"], stdout, stderr)
