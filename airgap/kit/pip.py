"""pip as a program: it alone knows the package index, which is the one that it is configured for."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from airgap.disk.paths import private_folder, remove_tree
from airgap.errors import HostError, SourceError
from airgap.kit.target import Target
from airgap.process import Finished, run, small_environment

_TIMEOUT: Final = 1800.0  # seconds for one run: tens of megabytes over a slow line
_SHOWN: Final = 600  # characters of its complaint
# How pip reaches its index (its documentation, "Configuration" and "HTTPS Certificates")
_KEPT: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "XDG_CACHE_HOME", "NETRC")
_PROXY: Final = re.compile(r"(?:https?|all|no)_proxy", re.IGNORECASE)
_MADE_AT: Final = "315532800"  # seconds: 1980, the first year of zip files, for builds that ask for a time
_ADDRESS: Final = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"),]+", re.IGNORECASE)


def require_pip() -> None:
    """Raises HostError(extra-missing): better before the first byte than after some."""
    if importlib.util.find_spec("packaging") is None:
        raise HostError("extra-missing", "a kit needs packaging, which is not installed: pip install 'airgap[kit]'")
    if importlib.util.find_spec("pip") is None:
        raise HostError(
            "extra-missing",
            f"a kit is made with pip, which {sys.executable} does not have",
            hint=f"Install it with `{sys.executable} -m ensurepip`, or make the kit from an environment made by "
            "`python3 -m venv`.",
            program="pip",
        )


@contextlib.contextmanager
def working_folder() -> Iterator[Path]:
    """A folder for pip to fill, gone in the end."""
    folder = private_folder()
    try:
        yield folder
    finally:
        remove_tree(folder)


class Pip:
    """Runs of pip by this Python; ``environ`` are the variables of ours, of which it gets what it needs."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        wanted = {name for name in environ if name.startswith("PIP_") or _PROXY.fullmatch(name)} | set(_KEPT)
        self._environment = {
            **small_environment(environ),
            **{name: environ[name] for name in wanted if name in environ},
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "PYTHONHASHSEED": "0",
            "SOURCE_DATE_EPOCH": _MADE_AT,
        }

    def build(self, what: str, folder: Path) -> None:
        """Make a wheel of one requirement or folder, without what it needs. Raises SourceError, HostError."""
        self._run(what, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), what)

    def download(self, what: Sequence[str], target: Target, links: Path, folder: Path) -> None:
        """Fetch wheels, never sources, for a target that need not be this machine. Raises SourceError, HostError.

        ``links`` is a folder of wheels that were made here. pip compares markers with *this* Python: closure.py sees
        to what it forgets.
        """
        platforms = (part for name in target.tags for part in ("--platform", name))
        wanted = ("--only-binary=:all:", "--implementation", "cp", "--python-version", target.python, *platforms)
        self._run(str(target), "download", "--quiet", *wanted, "--find-links", str(links), "-d", str(folder), *what)

    def _run(self, what: str, *arguments: str) -> None:
        done = run([sys.executable, "-m", "pip", *arguments], timeout=_TIMEOUT, environment=self._environment)
        if done.status:
            raise SourceError("packages-not-found", f"pip found no wheels for {what}: {_complaint(done)}", wanted=what)


def _complaint(done: Finished) -> str:
    """Its errors, without addresses: that of an index may hold a password."""
    lines = done.stderr.decode("utf-8", "replace").splitlines()
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return without_addresses(errors or lines)[-_SHOWN:] or f"status {done.status}"


def without_addresses(lines: Iterable[str]) -> str:
    return "; ".join(_ADDRESS.sub("(address)", line) for line in lines if line.strip())
