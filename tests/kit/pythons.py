"""The Pythons of this machine that airgap runs on: the one that runs, those on PATH, those of pyenv."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from airgap.kit.target import PYTHONS
from tests.needs import lacking

__all__ = ["PYTHONS", "python"]


@cache
def found(version: str) -> str | None:
    """A program that is Python of this version, e.g. 3.12."""
    for candidate in _candidates(version):
        try:
            said = subprocess.run(
                [candidate, "-I", "-c", "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"],
                capture_output=True,
                check=False,
            )
        except OSError:
            continue
        if said.returncode == 0 and said.stdout.decode().strip() == version:
            return candidate
    return None


def _candidates(version: str) -> Iterator[str]:
    yield getattr(sys, "_base_executable", sys.executable)
    ours = Path(sys.base_prefix).parent  # where pyenv has them side by side, whoever is at home here
    for versions in (ours, Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"):
        yield from sorted(str(path) for path in versions.glob(f"{version}.*/bin/python3"))
    yield from (f"{folder}/python{version}" for folder in os.environ["PATH"].split(os.pathsep))


def python(version: str) -> str:
    """Skip, or fail where skips are forbidden, where there is none."""
    program = found(version)
    if program is None:
        lacking(f"there is no Python {version} with venv here")
    return program
