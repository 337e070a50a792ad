"""docs/tutorial.md happens as it is told: two registries, real gpg keys, skopeo and podman."""

from __future__ import annotations

from pathlib import Path

import forge
import pytest

from tests.engines.daemons import Podman, Registry
from tests.engines.registry import put
from tests.engines.told import blocks, stage_in, tell
from tests.engines.tools import Tools

pytestmark = pytest.mark.engines


def test_it_happens_as_it_is_told(tmp_path: Path, registry: Registry, podman: Podman, tools: Tools) -> None:
    tools.require("skopeo")
    told = list(blocks("tutorial.md"))
    assert len(told) == 15
    site = Registry(tmp_path / "site-registry")
    site.start_up()
    stage_folder = tmp_path / "stage"
    stage_folder.mkdir()
    try:
        with stage_in(stage_folder, MIRROR=registry.host, SITE=site.host, **podman.env) as stage:
            assert stage.run("release 1.0 anna bert")[0] == 0
            push = f"skopeo --insecure-policy copy -q --dest-tls-verify=false oci:images:1.0 docker://{registry.host}"
            status, output = stage.run(f"{push}/stagex/tool:1.0")
            assert status == 0, output
            put(site.host, "stagex/evil", forge.image([forge.Layer({"bin/tool": b"evil"})]), "1.0")
            for block in told:
                tell(stage, block)
    finally:
        site.stop()
