"""Other programs: the one place that starts a process. No shell, a small environment, an end to time and output.

The program runs in a session of its own, so that it and all it started can be stopped together; it is stopped whenever
we do not wait for its end. What it prints is hostile text: escape it before it is shown.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Final

from airgap.errors import HostError
from airgap.limits import LIMITS

# What a container tool needs to find its settings, its daemon and its helpers; nothing else of ours reaches it.
_KEPT: Final = (
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "REGISTRY_AUTH_FILE",
    "DOCKER_CONFIG",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
    "CONTAINER_HOST",
    "CONTAINERS_CONF",
    "CONTAINERS_STORAGE_CONF",
    "STORAGE_DRIVER",
    "CONTAINERD_ADDRESS",
    "CONTAINERD_SNAPSHOTTER",
)
_PIECE: Final = 65536  # bytes: what a pipe holds
_GRACE: Final = 5.0  # seconds for the outputs of a stopped program to end
_SHOWN: Final = 600  # characters of a program's complaint that an error repeats


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that has ended. ``status`` is its exit status, negative for a signal."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def complaint(self) -> str:
        """The end of its standard error (else output), for an error message."""
        said = (self.stderr.strip() or self.stdout.strip()).decode("utf-8", "replace")
        return f"status {self.status}" + (f": {said[-_SHOWN:]}" if said else "")


def small_environment(given: Mapping[str, str]) -> dict[str, str]:
    """The variables that programs get of ours, with texts in English."""
    return {name: given[name] for name in _KEPT if name in given} | {"LC_ALL": "C.UTF-8"}


def run(
    arguments: Sequence[str],
    *,
    timeout: float,
    stdin: Iterable[bytes] = (),
    output_limit: int = LIMITS.program_output,
    environment: Mapping[str, str] | None = None,
) -> Finished:
    """Run a program to its end; ``timeout`` is in seconds, ``output_limit`` in bytes of stdout and of stderr each.

    ``stdin`` is written piece by piece, so it may be large; an error that it raises stops the program and is raised.
    ``environment`` is all that the program gets; default: small_environment() of ours. An exit status is not judged
    here. Raises HostError: program-not-found, program-timed-out, program-output-too-large.
    """
    variables = small_environment(os.environ) if environment is None else dict(environment)
    path = shutil.which(arguments[0], path=variables.get("PATH", os.defpath))
    if path is None:
        raise HostError("program-not-found", f"{arguments[0]} is not installed here", program=arguments[0])
    try:
        process = subprocess.Popen(
            [path, *arguments[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=variables,
            start_new_session=True,
        )
    except OSError as error:
        raise HostError(
            "program-not-found", f"{path} cannot be started: {error.strerror}", program=arguments[0]
        ) from error
    return _Running(process, arguments[0], timeout, output_limit).finish(stdin)


class _Running:
    """A started program: its outputs are drained by threads, its input is written by the caller's."""

    def __init__(self, process: subprocess.Popen[bytes], name: str, timeout: float, limit: int) -> None:
        self._process = process
        self._name = name
        self._limit = limit
        self._timeout = timeout
        self._stopped: HostError | None = None
        self._outputs = (bytearray(), bytearray())
        self._streams = [stream for stream in (process.stdout, process.stderr) if stream is not None]
        self._threads = [
            threading.Thread(target=self._drain, args=pair, daemon=True)
            for pair in zip(self._streams, self._outputs, strict=True)
        ]
        self._timer = threading.Timer(timeout, self._time_out)
        self._timer.daemon = True

    def finish(self, stdin: Iterable[bytes]) -> Finished:
        try:
            self._timer.start()
            for thread in self._threads:
                thread.start()
            self._feed(stdin)
            self._join(self._timeout + _GRACE)
            status = self._process.wait()
        except BaseException:
            self._kill()
            self._process.wait()
            self._join(_GRACE)
            raise
        finally:
            self._timer.cancel()
            for thread, stream in zip(self._threads, self._streams, strict=True):
                if thread.ident is None:  # it never ran, so it will not close it
                    stream.close()
        if self._stopped is not None:
            raise self._stopped
        return Finished(status, *map(bytes, self._outputs))

    def _join(self, timeout: float) -> None:
        """Wait for the outputs to end. A process in a session of its own may keep them open: it is not waited for."""
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout)
        if any(thread.is_alive() for thread in self._threads):
            self._time_out()

    def _feed(self, stdin: Iterable[bytes]) -> None:
        """A program that does not want its input says so by its exit status."""
        pipe = self._process.stdin
        if pipe is None:
            return
        try:
            for piece in stdin:
                pipe.write(piece)
        except BrokenPipeError:
            pass
        except BaseException:
            self._kill()  # before its input ends: it must not take what it got for the whole
            raise
        finally:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def _drain(self, stream: IO[bytes], output: bytearray) -> None:
        with stream:
            while piece := os.read(stream.fileno(), _PIECE):
                if len(output) + len(piece) > self._limit:
                    self._stop("program-output-too-large", f"{self._name} printed more than {self._limit} bytes")
                    return
                output += piece

    def _time_out(self) -> None:
        self._stop("program-timed-out", f"{self._name} did not end within {self._timeout:g} seconds")

    def _stop(self, kind: str, message: str) -> None:
        self._stopped = self._stopped or HostError(kind, message, program=self._name)
        self._kill()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
