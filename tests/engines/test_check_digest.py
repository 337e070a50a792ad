"""check-digest: is what an engine holds what was verified?"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import forge
import pytest

from tests.cli.site import AT, RUST, Result, Site, run, snapshot
from tests.engines.daemons import Containerd, Docker, Podman, Registry
from tests.engines.forms import one, pair
from tests.engines.registries import FakeRegistry
from tests.engines.stand_ins import TARGETS, Fake

OTHER = "docker.io/stagex/other:1.0"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path / "site")
    assert site.init().code == 0
    return site


def carry(site: Site, *images: tuple[str, forge.Sample], to: tuple[str, ...] = (), env: Any = None) -> None:
    sources = [site.image(reference, found, "anna", "bert") for reference, found in images]
    assert site.export(*sources).code == 0
    line = ["--trust", site.trust, "--store", site.store, "--at", AT, "--format", "json", "--allow-retag"]
    options = [text for target in to for text in ("--to", target)]
    result = run("import", site.bundle, *line, *options, "--plain-http", env=env)
    assert result.code == 0, result


def check(site: Site, target: str, *references: str, env: Any = None, more: tuple[str, ...] = ()) -> Result:
    line = ["--trust", site.trust, "--store", site.store, "--at", AT, "--format", "json", *more]
    return run("check-digest", target, *references, *line, env=env)


def test_a_layout(site: Site) -> None:
    found, other = one("good"), one("other")
    target = f"oci:{site.folder}/images"
    carry(site, (RUST, found), (OTHER, other), to=(target,))
    before = snapshot(site.trust, site.store, site.folder / "images")
    result = check(site, target)
    assert (result.code, result.json["same"]) == (0, True), result
    assert set(result.json) == {"schema", "target", "same", "trust", "time", "images", "errors"}
    assert result.json["schema"] == "airgap/check-digest/v1"
    assert result.json["images"] == [
        {
            "reference": name,
            "digest": image.digest,
            "name": name,
            "found": image.digest,
            "identity": "manifest",
            "same": True,
        }
        for name, image in ((OTHER, other), (RUST, found))
    ]
    assert snapshot(site.trust, site.store, site.folder / "images") == before
    assert [row["reference"] for row in check(site, target, RUST).json["images"]] == [RUST]

    (site.folder / "images" / "blobs" / "sha256" / found.digest[7:]).write_bytes(b"{}")
    result = check(site, target)
    assert (result.code, result.kinds) == (60, ["engine-digest-differs"])
    assert [(row["reference"], row["same"], row["found"]) for row in result.json["images"]] == [
        (OTHER, True, other.digest),
        (RUST, False, None),
    ]


def test_what_is_not_in_the_store(site: Site) -> None:
    carry(site, (RUST, one("good")))
    result = check(site, f"oci:{site.folder}/x", "docker.io/stagex/unknown")
    assert (result.code, result.kinds) == (50, ["source-not-found"])
    assert check(site, f"oci:{site.folder}/x", "not a name").code == 2
    assert check(site, "nowhere").code == 60


def test_the_store_is_judged_again(site: Site) -> None:
    """A target that agrees with a damaged or no longer trusted store proves nothing."""
    found = one("good")
    target = f"oci:{site.folder}/images"
    carry(site, (RUST, found), to=(target,))
    blob = site.store / "blobs" / "sha256" / found.layers[0].digest[7:]
    data = blob.read_bytes()
    blob.write_bytes(data[:-1] + b"?")
    result = check(site, target)
    assert (result.code, result.kinds, result.json["images"]) == (20, ["blob-differs"], [])
    blob.write_bytes(data)
    assert check(site, target).code == 0
    shutil.rmtree(site.store / "signatures")
    result = check(site, target)
    assert (result.code, result.json["images"]) == (30, [])


class TestRebuilt:
    """An image that was built here: the tutorial's last step."""

    def test_by_its_digest(self, site: Site) -> None:
        found, other = one("good"), one("other")
        carry(site, (RUST, found), (OTHER, other))
        before = snapshot(site.trust, site.store)
        name = RUST.partition(":")[0] if RUST.count(":") else RUST
        result = check(site, f"{name}@{found.digest}")
        assert (result.code, result.json["same"]) == (0, True), result
        assert [(row["digest"], row["found"], row["same"]) for row in result.json["images"]] == [
            (found.digest, found.digest, True)
        ]
        result = check(site, f"{name}@{other.digest}")
        assert (result.code, result.kinds) == (20, ["rebuild-differs"])
        assert [(row["digest"], row["found"], row["same"]) for row in result.json["images"]] == [
            (found.digest, other.digest, False)
        ]
        assert "(anna, bert)" in result.messages
        assert snapshot(site.trust, site.store) == before

    def test_from_where_it_was_built(self, site: Site) -> None:
        found, evil = one("good"), one("evil")
        carry(site, (OTHER, found))
        for image, code in ((found, 0), (evil, 20)):
            place = site.folder / f"built{code}"
            forge.write_layout(place, {"latest": image})
            assert check(site, f"{OTHER}=oci:{place}:latest").code == code
        assert check(site, f"docker.io/stagex/other:2.0=oci:{site.folder}/built0:latest").code == 50
        assert check(site, f"{OTHER}=oci:{site.folder}/nowhere").code == 50
        assert check(site, f"{OTHER}=oci:{site.folder}/built0:latest", OTHER).code == 2
        assert check(site, f"oci:{site.folder}/a=b").code == 60

    def test_within_an_index_that_nobody_signed(self, site: Site) -> None:
        """As StageX lays images out, and as export takes them: each of its images must be one that was verified."""
        arm = forge.image([forge.Layer({"f": b"arm"})], platform="linux/arm64")
        good, evil = one("good"), one("evil")
        carry(site, (OTHER, good))
        cases = {"same": ([good], 0), "with another": ([good, arm], 20), "another": ([evil], 20)}
        for name, (images, code) in cases.items():
            place = site.folder / name
            forge.write_layout(place, {"latest": forge.image_index(images, attestations=True)})
            result = check(site, f"{OTHER}=oci:{place}:latest")
            assert result.code == code, name
            if code == 0:
                assert [(row["found"], row["same"]) for row in result.json["images"]] == [(good.digest, True)]

    def test_a_store_that_is_no_longer_trusted_proves_nothing(self, site: Site) -> None:
        found = one("good")
        carry(site, (OTHER, found))
        shutil.rmtree(site.store / "signatures")
        assert check(site, f"{OTHER}@{found.digest}").code == 30


@pytest.mark.parametrize("program", TARGETS)
def test_with_stand_ins(program: str, tmp_path: Path, site: Site) -> None:
    engines = Fake(tmp_path / "bin")
    env = {"PATH": str(engines.folder)}
    carry(site, (OTHER, one("old")), to=(TARGETS[program],), env=env)
    assert check(site, TARGETS[program], env=env).code == 0
    carry(site, (OTHER, one("new")), (RUST, pair("rust")), to=(TARGETS[program],), env=env)
    result = check(site, TARGETS[program], RUST, env=env)
    assert result.code == 0, result
    assert result.json["images"][0]["identity"] == ("config" if program == "docker" else "manifest")
    state = engines.state
    before = len(state["calls"])
    for image in state["images"]:
        image["id"] = image["id"][:-1] + "0" if image["id"][-1] != "0" else image["id"][:-1] + "1"
    engines.state = state
    result = check(site, TARGETS[program], RUST, env=env)
    assert (result.code, result.kinds) == (60, ["engine-digest-differs"]), result
    assert result.json["same"] is False
    verbs = (" load", " import", " tag", " rm", " rmi", " untag")
    assert not [call for call in engines.state["calls"][before:] if any(verb in call for verb in verbs)]


def test_a_registry(site: Site) -> None:
    with FakeRegistry().serving() as registry:
        target = f"docker://{registry.host}/x"
        found = one("good")
        carry(site, (OTHER, found), to=(target,))
        assert check(site, target, more=("--plain-http",)).code == 0
        evil = one("evil")
        registry.manifests["x/stagex/other", "1.0"] = (evil.root.media_type, evil.root.data)
        moved = check(site, target, more=("--plain-http",))
        assert moved.code == 0, moved  # it is still there by its digest, and that is the name that is told
        assert moved.json["images"][0]["name"].endswith(f"@{found.digest}")
        registry.manifests["x/stagex/other", found.digest] = (evil.root.media_type, evil.root.data)
        result = check(site, target, more=("--plain-http",))
        assert (result.code, result.kinds) == (60, ["engine-digest-differs"])
        registry.manifests.clear()
        result = check(site, target, more=("--plain-http",))
        assert (result.code, result.json["images"][0]["found"]) == (60, None)
        assert result.messages.endswith(f"holds nothing as {result.json['images'][0]['name']}")
        assert f"--to {target}" in result.json["errors"][0]["hint"]


@pytest.mark.engines
def test_real_engines(podman: Podman, docker: Docker, containerd: Containerd, registry: Registry, site: Site) -> None:
    targets = ("podman", "docker", "containerd:k8s.io", f"docker://{registry.host}")
    env = podman.env | docker.env | containerd.env
    carry(site, (RUST, pair("good")), (OTHER, one("other")), to=targets, env=env)
    for target in targets:
        result = check(site, target, env=env, more=("--plain-http",))
        assert result.code == 0, result
        assert {row["identity"] for row in result.json["images"]} == {"config" if target == "docker" else "manifest"}
    podman.run("podman", "rmi", OTHER)
    docker.run("docker", "tag", next(iter(docker.held().values())), OTHER)
    docker.run("docker", "rmi", next(name for name in docker.held() if name != OTHER))
    containerd.ctr("images", "rm", *containerd.held())
    for target in targets[:3]:
        result = check(site, target, env=env)
        assert result.code == 60, (target, result)
        assert not result.json["same"]
