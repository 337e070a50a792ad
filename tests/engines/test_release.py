"""A whole release, by its digest list, from a registry and a web server into a store, three engines and a registry.

There is no network in between; and in the end podman pulls from that registry under the policy that was written.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import forge
import pytest
from forge import Layer

from tests.cli.contract import check_verdict
from tests.cli.site import AT, ROOT, Result, run
from tests.engines.daemons import Containerd, Docker, Podman, Registry
from tests.engines.forms import one
from tests.engines.gpg import Gpg
from tests.engines.place import PATH, Place
from tests.engines.registry import put, serving
from tests.engines.tools import Tools

pytestmark = pytest.mark.engines

COUNT = 50
SHARED = [Layer({"lib/first": b"one" * 1000}), Layer({"lib/second": b"two" * 1000})]
RELEASE = {f"part{n}": forge.image(SHARED, config={"Env": [f"N={n}"]}) for n in range(COUNT)}
BLOBS = {digest for found in RELEASE.values() for digest in found.blobs}
DIGESTS = sorted(found.digest for found in RELEASE.values())


@pytest.fixture
def place(tmp_path: Path, gpg: Gpg, registry: Registry, tools: Tools) -> Place:
    return Place(tmp_path / "site", gpg, registry, tools)


@pytest.fixture
def guard(engine_folder: Path, podman: Podman) -> Iterator[Podman]:
    """A second podman, that is asked to pull under the policy."""
    found = Podman(engine_folder / "guard")
    found.start_up()
    yield found
    found.stop()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""


@contextmanager
def web(folder: Path) -> Iterator[str]:
    """The files of a folder, at this address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def export(place: Place, folder: Path) -> Counter[str]:
    """Publish the release, signed, and export it by its digest list; how often the registry was asked for each blob."""
    site, listed = place.site, folder / "release.txt"
    with serving(folder / "connected") as host, web(site.folder) as address:
        for name, found in RELEASE.items():
            put(host, f"stagex/{name}", found, "1.0")
            claim = forge.claim(f"docker.io/stagex/{name}", found.digest)
            site.put(
                f"docker.io/stagex/{name}", found.digest, *(place.gpg.sign(nick, claim) for nick in ("carl", "dora"))
            )
        listed.write_text("".join(f"{found.digest[7:]} {name}\n" for name, found in RELEASE.items()))
        line = ["--digests", listed, "--from", f"docker.io/stagex={host}/stagex", "--plain-http", "--at", AT]
        files = {"maintainers": site.maintainers, "keyring": site.keyring, "signatures": site.signatures}
        evidence = [f"--{name}={address}/{path.name}" for name, path in files.items()]
        exported = run("export", *line, *evidence, "-o", site.bundle, "--format", "json")
        assert exported.code == 0, exported
        assert sorted(row["digest"] for row in exported.json["images"]) == DIGESTS
        log = (folder / "connected" / "log").read_text()
    return Counter(re.findall(r'"GET /v2/\S+/(?:blobs|manifests)/(sha256:[0-9a-f]{64}) HTTP/1.1" 200', log))


def import_(place: Place, *more: str, before: tuple[str, ...] = (), env: dict[str, str]) -> Result:
    """As a process of its own, ``before`` which another program may stand."""
    site = place.site
    line = ["import", site.bundle, "--trust", site.trust, "--store", site.store, "--at", AT, "--format", "json", *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    done = subprocess.run(
        [*before, sys.executable, "-m", "airgap", *map(str, line)], capture_output=True, env=environment
    )
    return Result(done.returncode, done.stdout, done.stderr)


def test_release(
    place: Place,
    podman: Podman,
    docker: Docker,
    containerd: Containerd,
    guard: Podman,
    tmp_path: Path,
) -> None:
    place.tools.require("unshare")
    read = export(place, tmp_path)
    assert read == Counter(dict.fromkeys(BLOBS, 1))  # each manifest, configuration and layer crossed the wire once
    members = run("inspect", place.site.bundle, "--format", "json").json["members"]
    carried = [member["path"].rpartition("/")[2] for member in members if member["path"].startswith("blobs/")]
    assert sorted(carried) == sorted(digest[7:] for digest in BLOBS)  # and stands in the bundle once

    # Without any network. Engines are reached over sockets in the file system; a registry is not, and so comes later.
    engines = (podman, docker, containerd)
    to = [text for engine in engines for text in ("--to", engine.name)]
    env = {name: value for engine in engines for name, value in engine.env.items()}
    result = import_(place, *to, before=("unshare", "--net"), env=env)
    assert result.code == 0, result
    check_verdict(result.json, 0)
    assert len(result.json["loaded"]) == COUNT * len(engines)
    assert sorted(podman.held().values()) == DIGESTS
    assert sorted(containerd.held().values()) == DIGESTS
    assert sorted(docker.held().values()) == sorted(found.configs[0].digest for found in RELEASE.values())

    pushed = import_(place, "--to", f"docker://{place.registry.host}/site", "--plain-http", env={})
    assert pushed.code == 0, pushed
    assert sorted(row["reported"] for row in pushed.json["loaded"]) == DIGESTS

    asked(place, guard)


def asked(place: Place, guard: Podman) -> None:
    """podman pulls under the written policy what was signed, and nothing that came into the registry besides."""
    host, good = place.registry.host, RELEASE["part7"]
    assert place.write().code == 0
    place.bind(guard)
    place.pull(guard, f"part7@{good.digest}")
    assert list(guard.held().values()) == [good.digest]

    tampered, unsigned, once = one("tampered"), one("unsigned"), one("once")
    put(host, f"{PATH}/part7", tampered, "1.0")
    put(host, f"{PATH}/part8", unsigned, "unsigned")
    put(host, f"{PATH}/part9", once, "once")
    # Whoever may write there brings signatures along: another image's, and the one that there is.
    lookaside = place.folder / "lookaside" / PATH
    theirs = [path.read_bytes() for path in place.signatures(good, "part7")]
    assert len(theirs) == 2
    forge.write_lookaside(lookaside, "part7", tampered.digest, theirs)
    claim = forge.claim("docker.io/stagex/part9", once.digest)
    forge.write_lookaside(lookaside, "part9", once.digest, [place.gpg.sign("carl", claim)])
    for name in (
        "part7:1.0",
        f"part7@{tampered.digest}",
        "part8:unsigned",
        f"part8@{unsigned.digest}",
        "part9:once",
        f"part9@{once.digest}",
    ):
        with pytest.raises(AssertionError, match="Source image rejected"):
            place.pull(guard, name)
    assert list(guard.held().values()) == [good.digest]
