"""A real registry on the connected side, every engine and another registry on the offline one: the same digests."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import forge
import pytest

from tests.cli.contract import check_verdict
from tests.cli.site import AT, Site, run
from tests.engines.daemons import Containerd, Docker, Podman, Registry
from tests.engines.forms import forms
from tests.engines.matrix import DOCKER, PODMAN, held_by
from tests.engines.registry import put, serving

pytestmark = pytest.mark.engines


def carry(site: Site, host: str, names: tuple[str, ...]) -> dict[str, forge.Sample]:
    """From the registry into a bundle, under docker.io's names."""
    images = {f"docker.io/stagex/form{number}": forms()[name] for number, name in enumerate(names)}
    sources = []
    for reference, found in images.items():
        path = reference.removeprefix("docker.io/")
        put(host, path, found, "latest")
        site.sign(reference, found.digest, "anna", "carl")
        sources.append(f"{reference}=docker://{host}/{path}@{found.digest}")
    exported = site.export(*sources, "--plain-http")
    assert exported.code == 0, exported
    assert [row["digest"] for row in exported.json["images"]] == [found.digest for found in images.values()]
    return images


def served(host: str, path: str, found: forge.Sample) -> dict[str, bytes]:
    """Everything of an image, as the registry at the far end serves it."""
    registry = Registry.at(host)
    accept = {"Accept": ", ".join({found.root.media_type, *(blob.media_type for _, blob in found.manifests)})}
    result = {}
    for digest, data in found.blobs.items():
        kind = "manifests" if data.startswith(b'{"schemaVersion"') else "blobs"
        with registry.request("GET", f"{path}/{kind}/{digest}", headers=accept) as answer:
            result[digest] = answer.read()
    return result


@pytest.mark.parametrize(
    ("names", "with_podman", "with_docker"),
    [(held_by(PODMAN, DOCKER), True, True), (held_by(PODMAN), True, False), (tuple(forms()), False, False)],
    ids=["all engines", "not docker", "not podman"],
)
def test_both_ends(
    names: tuple[str, ...],
    with_podman: bool,
    with_docker: bool,
    podman: Podman,
    docker: Docker,
    containerd: Containerd,
    registry: Registry,
    tmp_path: Path,
) -> None:
    site = Site(tmp_path / "site")
    assert site.init().code == 0
    with serving(tmp_path / "connected") as host:
        images = carry(site, host, names)
    # The connected side is gone: there is nothing to fetch anything from.
    engines: list[Any] = [containerd, *([podman] if with_podman else []), *([docker] if with_docker else [])]
    env = {name: value for engine in engines for name, value in engine.env.items()}
    targets = [*(engine.name for engine in engines), f"docker://{registry.host}/site"]
    line = ["--trust", site.trust, "--store", site.store, "--at", AT, "--format", "json", "--plain-http"]
    result = run("import", site.bundle, *line, *(text for target in targets for text in ("--to", target)), env=env)
    assert result.code == 0, result
    check_verdict(result.json, 0)
    assert len(result.json["loaded"]) == len(images) * len(targets)
    assert result.json["overrides"] == ["plain-http"]

    digests = sorted(found.digest for found in images.values())
    for engine in engines:
        held = engine.held()
        if engine is docker:
            assert sorted(f"sha256:{name.rpartition('sha256-')[2]}" for name in held) == digests
            configs = {blob.digest for found in images.values() for blob in found.configs}
            assert set(held.values()) <= configs
        else:
            assert sorted(held.values()) == digests
    for reference, found in images.items():
        path = f"site/{reference.removeprefix('docker.io/')}"
        assert served(registry.host, path, found) == found.blobs
        for digest, data in found.blobs.items():
            assert containerd.content(digest) == data
            assert f"sha256:{hashlib.sha256(data).hexdigest()}" == digest
