"""verify and import reach for no network: not under an empty one, and by no system call that strace sees (R10)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.site import ROOT, RUST, Result, Site, sample
from tests.engines.daemons import Docker
from tests.engines.tools import Tools
from tests.needs import lacking

pytestmark = pytest.mark.engines
NAMESPACES = (["unshare", "--net"], ["unshare", "--map-root-user", "--net"])
ADDRESS = re.compile(r'connect\(\d+, \{sa_family=(AF_\w+)(?:, sun_path=@?"([^"]*)")?')
SOCKET = re.compile(r"socket\((AF_\w+)")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path / "site")
    assert site.init().code == 0
    assert site.export(site.image(RUST, sample(), "anna", "bert")).code == 0
    return site


def below(wrapper: Sequence[object], line: Sequence[object], env: dict[str, str] | None = None) -> Result:
    """The command, started by another program."""
    command = [*map(str, wrapper), sys.executable, "-m", "airgap", *map(str, line)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    done = subprocess.run(command, capture_output=True, check=False, env=environment, timeout=120)
    return Result(done.returncode, done.stdout, done.stderr)


def traced(folder: Path, line: Sequence[object], env: dict[str, str] | None = None) -> tuple[Result, str]:
    """The command and everything that it starts, and all their calls about sockets."""
    trace = folder / "trace"
    return below(["strace", "-f", "-qq", "-e", "trace=%network", "-o", trace], line, env), trace.read_text()


@pytest.mark.parametrize("namespace", NAMESPACES, ids=["as root", "as anybody"])
def test_without_a_network(namespace: list[str], tools: Tools, site: Site) -> None:
    """A network namespace of its own has not even a loopback that is up. The verdicts are those of everywhere."""
    tools.require("unshare")
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode != 0:
        lacking(f"{' '.join(namespace)} is not allowed here")
    expected = site.verify()
    for line in (site.verify_line(), site.import_line()):
        result = below(namespace, line)
        assert result.code == 0, result
        assert result.json["images"] == expected.json["images"]
    assert [one["target"] for one in below(namespace, site.import_line()).json["loaded"]] == [f"oci:{site.out}"]


def test_no_call_about_a_socket(tools: Tools, site: Site, tmp_path: Path) -> None:
    tools.require("strace")
    for line in (site.verify_line(), site.import_line(), ["verify", "--store", site.store, "--trust", site.trust]):
        result, trace = traced(tmp_path, line)
        assert result.code == 0, result
        assert trace == "", trace


def test_a_refusal_makes_no_call_either(tools: Tools, site: Site, tmp_path: Path) -> None:
    tools.require("strace")
    site.bundle.write_bytes(site.bundle.read_bytes()[:-100])
    result, trace = traced(tmp_path, site.import_line())
    assert (result.code, trace) == (20, "")


def test_the_trace_sees_a_connection(tools: Tools, tmp_path: Path) -> None:
    """So that an empty one means something."""
    tools.require("strace")
    program = "import socket; socket.socket().connect_ex(('127.0.0.1', 1))"
    trace = tmp_path / "trace"
    line = ["strace", "-f", "-qq", "-e", "trace=%network", "-o", str(trace), sys.executable, "-c", program]
    subprocess.run(line, check=True)
    assert ADDRESS.findall(trace.read_text()) == [("AF_INET", "")]


def test_docker_is_all_that_is_spoken_to(docker: Docker, tools: Tools, site: Site, tmp_path: Path) -> None:
    """Its socket, by the client that was started for it; nothing else, and no other family."""
    tools.require("strace")
    line = ["import", site.bundle, "--trust", site.trust, "--store", site.store, "--at", "2025-07-01T00:00:00Z"]
    result, trace = traced(tmp_path, [*line, "--to", "docker", "--format", "json"], docker.env)
    assert result.code == 0, result
    connections = ADDRESS.findall(trace)
    assert connections
    assert {family for family, _ in connections} == {"AF_UNIX"}
    socket = docker.env["DOCKER_HOST"].removeprefix("unix://")
    assert {path for _, path in connections} == {socket}
    assert set(SOCKET.findall(trace)) <= {"AF_UNIX"}
