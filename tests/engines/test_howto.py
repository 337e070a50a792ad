"""docs/howto/: each guide run as it stands, in a folder of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import forge
import pytest

from tests.cli.site import ROOT
from tests.engines.conftest import require
from tests.engines.daemons import Containerd, Podman, Registry
from tests.engines.registry import put
from tests.engines.told import blocks, stage_in, tell

pytestmark = pytest.mark.engines

FOLDER = ROOT / "docs" / "howto"
GUIDES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
CLUSTER = FOLDER / "cluster-registry.md"


@pytest.mark.parametrize("guide", [path for path in GUIDES if path != CLUSTER], ids=lambda path: path.stem)
def test_it_happens_as_it_is_told(guide: Path, tmp_path: Path) -> None:
    require("jq")
    told = list(blocks(f"howto/{guide.name}"))
    assert told
    with stage_in(tmp_path) as stage:
        for block in told:
            tell(stage, block)


def test_a_cluster_pulls(tmp_path: Path, registry: Registry, podman: Podman, containerd: Containerd) -> None:
    """cluster-registry.md, with the site's registry, a web server, and a node of each kind."""
    require("jq", "skopeo")
    web = tmp_path / "web"
    web.mkdir()
    put(registry.host, "stagex/evil", forge.image([forge.Layer({"bin/tool": b"evil"})]), "1.0")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(web))) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        places = {"SITE": registry.host, "WEB": f"127.0.0.1:{server.server_port}"}
        try:
            with stage_in(tmp_path, **places, **podman.env, **containerd.env) as stage:
                for block in blocks(f"howto/{CLUSTER.name}"):
                    tell(stage, block)
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""


def test_the_list_names_all() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\(([a-z-]+\.md)\)", text)
    assert sorted(set(re.findall(r"\]\(([a-z-]+\.md)\)", text))) == [path.name for path in GUIDES]


def test_systemd_takes_the_units_of_the_diode(tmp_path: Path) -> None:
    """systemd-analyze judges the files as they are in the guide; only the program's path is one that is here."""
    require("systemd-analyze")
    text = (FOLDER / "data-diode.md").read_text(encoding="utf-8")
    units = dict(re.findall(r"`/etc/systemd/system/([\w.-]+)`[^`]*```ini\n(.*?)```", text, re.DOTALL))
    assert sorted(units) == ["airgap-import.path", "airgap-import.service"]
    for name, unit in units.items():
        (tmp_path / name).write_text(unit.replace("/usr/local/sbin/airgap-import", str(shutil.which("true"))))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
