"""Real tools: gpg that signs, and skopeo, umoci and buildah that make and read images.

A tool that is not installed skips its tests, unless AIRGAP_FORBID_SKIPS=1 says that it ought to be there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TypeVar

import pytest

from tests.engines.daemons import Containerd, Docker, Podman, Registry, remove
from tests.engines.gpg import Gpg
from tests.engines.tools import Tools
from tests.needs import lacking


def require(*names: str) -> None:
    """Skip, or fail where skips are forbidden, unless all these programs are installed."""
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        lacking(f"not installed: {', '.join(missing)}")


def require_root(daemon: str) -> None:
    """Skip, or fail where skips are forbidden, for a daemon that only root can start."""
    if os.geteuid() != 0:
        lacking(f"{daemon} is started by root only")


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    """The programs, each asked for by name: `tools.need("skopeo")`."""
    return Tools(tmp_path / "tools", require)


@pytest.fixture(scope="session")
def gpg() -> Iterator[Gpg]:
    """Four maintainers in one GNUPGHOME; its path is short, as sockets want it."""
    require("gpg", "gpgconf", "jq")
    with TemporaryDirectory(prefix="gpg", dir="/tmp") as folder:
        found = Gpg(Path(folder))
        try:
            found.make_keys()
            yield found
        finally:
            found.stop()


@pytest.fixture
def engine_folder() -> Iterator[Path]:
    """Short, as sockets want it."""
    folder = Path(mkdtemp(prefix="ag", dir="/tmp"))
    yield folder
    remove(folder)


@pytest.fixture
def podman(engine_folder: Path) -> Iterator[Podman]:
    yield from _running(Podman(engine_folder / "podman"), "podman")


@pytest.fixture
def docker(engine_folder: Path) -> Iterator[Docker]:
    require_root("dockerd")
    yield from _running(Docker(engine_folder / "docker"), "docker", "dockerd")


@pytest.fixture
def containerd(engine_folder: Path) -> Iterator[Containerd]:
    require_root("containerd")
    yield from _running(Containerd(engine_folder / "containerd"), "containerd", "ctr")


@pytest.fixture
def registry(engine_folder: Path) -> Iterator[Registry]:
    yield from _running(Registry(engine_folder / "registry"), "docker-registry")


AnyDaemon = TypeVar("AnyDaemon", Podman, Docker, Containerd, Registry)


def _running(daemon: AnyDaemon, *programs: str) -> Iterator[AnyDaemon]:
    require(*programs)
    try:
        daemon.start_up()
        yield daemon
    finally:
        daemon.stop()
