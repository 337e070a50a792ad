"""Attacks by engines and registries: what they say counts only once they were asked again (LDR)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from forge import Layer, image

from airgap.engines.loading import load_all
from airgap.registry.client import Settings
from tests.attacks.catalogue import attack
from tests.attacks.lab import IMAGE, Lab, by, put_together
from tests.cli.contract import check_verdict
from tests.cli.site import AT, RUST, Result, Site, litter, run, sample, signature
from tests.cli.surgery import flipped
from tests.engines.registries import FakeRegistry, on, status
from tests.engines.stand_ins import EVIL, LIES, SAID, TARGETS, Fake

TAGGED = f"{RUST}:1.80"


@pytest.fixture
def engines(tmp_path: Path) -> Fake:
    return Fake(tmp_path / "bin")


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRegistry]:
    impatient = partial(Settings, pause=lambda _: None, connect_timeout=1, read_timeout=0.5)
    monkeypatch.setattr("airgap.registry.client.Settings", impatient)
    with FakeRegistry().serving() as found:
        yield found


def bundle(lab: Lab, reference: str = TAGGED, text: str = "attacked") -> Site:
    found = sample(text)
    files = [signature(lab.site.people[nick][0], reference, found.digest) for nick in ("anna", "bert")]
    lab.site.bundle.write_bytes(put_together(found, files, lab.site, reference=reference).packed())
    return lab.site


def refused(site: Site, result: Result, code: int, *kinds: str) -> None:
    """An engine that failed: the verdict claims no load, and the log tells of it after the import."""
    assert result.code == code, result
    assert set(result.kinds) <= set(kinds), result
    check_verdict(result.json, code)
    assert result.json["loaded"] == []
    assert litter(site.folder) == []
    entry = site.log()[-1]
    assert entry["event"] in ("load", "import")
    assert [one["kind"] for one in entry["errors"]] == result.kinds


@attack("LDR-02")
@pytest.mark.parametrize("program", TARGETS)
@pytest.mark.parametrize("lie", ["nothing", "early end"])
def test_an_engine_that_only_says_so(fresh: Lab, engines: Fake, program: str, lie: str) -> None:
    site = bundle(fresh)
    said = SAID[program].format(TAGGED)
    engines.lie(**{"import" if program == "ctr" else "load": LIES[lie] | {"out": "", "err": said}})
    result = engines.load(site, TARGETS[program])
    refused(site, result, 60, "engine-digest-differs", "engine-failed")
    assert engines.names == {}


@attack("LDR-02")
@pytest.mark.parametrize("program", TARGETS)
def test_an_engine_that_holds_something_else(fresh: Lab, engines: Fake, program: str) -> None:
    site = bundle(fresh)
    id_ = EVIL if program == "podman" else f"sha256:{EVIL}"
    lie = {"stdin": -1, "out": SAID[program].format(TAGGED), "put": [[TAGGED, id_, f"sha256:{EVIL}"]]}
    engines.lie(**{"import" if program == "ctr" else "load": lie})
    refused(site, engines.load(site, TARGETS[program]), 60, "engine-digest-differs", "engine-failed")
    assert engines.names == {}, "it was taken out again"


@attack("LDR-05")
@pytest.mark.parametrize("program", TARGETS)
def test_a_tag_that_is_taken(fresh: Lab, engines: Fake, program: str) -> None:
    """It stays where it is, unless --allow-retag says so; then log and verdict name what it stood for."""
    site = bundle(fresh)
    id_ = "b" * 64 if program == "podman" else f"sha256:{'b' * 64}"
    held = {"id": id_, "digest": f"sha256:{'b' * 64}", "names": [TAGGED]}
    engines.state = engines.state | {"images": [held]}
    result = engines.load(site, TARGETS[program])
    refused(site, result, 60, "tag-elsewhere")
    assert engines.state["images"] == [held]
    moved = engines.load(site, TARGETS[program], more=("--allow-retag",))
    assert moved.code == 0, moved
    assert moved.json["overrides"] == ["allow-retag"]
    assert site.log()[-1]["loaded"][0]["replaced"] is not None


@attack("LDR-06")
def test_the_name_of_a_base_image(tmp_path: Path) -> None:
    """A root with scopes speaks for no other repository; without scopes a claim must still name it."""
    lab = Lab(tmp_path / "lab")
    lab.refused(put_together(IMAGE, [by("anna"), by("bert")], lab.site, reference="docker.io/library/alpine"), 30)
    site = lab.site
    site.trust.rename(site.folder / "wide")
    assert site.init("--repository", "docker.io/stagex").code == 0
    name = "docker.io/library/alpine"
    files = [by("anna", reference=name), by("bert", reference=name)]
    lab.refused(put_together(IMAGE, files, site, reference=name), 30, "repository-out-of-scope")


@attack("LDR-07")
def test_a_store_that_changes_before_it_is_loaded(fresh: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between publishing and loading somebody writes into the store: hashed again on the way, it is not loaded."""
    site = bundle(fresh)

    def meddle(*arguments: Any) -> Any:
        path = site.store / "blobs" / "sha256" / IMAGE.layers[0].digest[7:]
        path.write_bytes(flipped(path.read_bytes(), 5000))
        return load_all(*arguments)

    monkeypatch.setattr("airgap.importer.load_all", meddle)
    before = {path.name for path in (site.out / "blobs" / "sha256").iterdir()}
    result = site.import_()
    refused(site, result, 20, "blob-differs")
    assert {path.name for path in (site.out / "blobs" / "sha256").iterdir()} == before


@attack("LDR-07")
@pytest.mark.parametrize("program", TARGETS)
def test_the_same_with_an_engine(fresh: Lab, engines: Fake, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream breaks off before its end, so that no engine takes it for whole."""
    site = bundle(fresh)

    def meddle(*arguments: Any) -> Any:
        path = site.store / "blobs" / "sha256" / IMAGE.layers[0].digest[7:]
        path.write_bytes(flipped(path.read_bytes(), 5000))
        return load_all(*arguments)

    monkeypatch.setattr("airgap.importer.load_all", meddle)
    result = engines.load(site, TARGETS[program])
    assert result.code in (20, 60), result
    assert "blob-differs" in result.kinds
    assert engines.names == {}


@attack("LDR-08")
def test_containerd_without_a_blob(fresh: Lab, engines: Fake) -> None:
    site = bundle(fresh)
    present = "\n".join(digest for digest in IMAGE.blobs if digest != IMAGE.layers[0].digest) + "\n"
    engines.lie(**{"content ls": {"out": present}})
    refused(site, engines.load(site, "containerd"), 60, "engine-digest-differs", "engine-failed")
    assert engines.names == {}


def push(site: Site, registry: FakeRegistry) -> Result:
    home = {"HOME": str(site.folder), "XDG_RUNTIME_DIR": str(site.folder), "DOCKER_CONFIG": str(site.folder)}
    line = ["--trust", site.trust, "--store", site.store, "--at", AT, "--format", "json", "--plain-http"]
    return run("import", site.bundle, *line, "--to", f"docker://{registry.host}/site", env=home)


@attack("LDR-10")
@pytest.mark.parametrize("how", ["claims another digest", "serves another", "serves another by its tag"])
def test_a_registry_that_lies(fresh: Lab, registry: FakeRegistry, how: str) -> None:
    site, evil = bundle(fresh), sample("evil").root.data
    registry.fault = {
        "claims another digest": on("PUT", "manifests", status(201, Docker_Content_Digest=f"sha256:{'0' * 64}")),
        "serves another": on("GET", "manifests", lambda handler: handler.answer(200, evil), after=2),
        "serves another by its tag": on("GET", "manifests/1.80", lambda handler: handler.answer(200, evil), after=1),
    }[how]
    refused(site, push(site, registry), 60, "engine-digest-differs", "engine-failed", "tag-elsewhere")
    assert not any(name.endswith(":1.80") for name in registry.names)


@attack("LDR-11")
@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_registry_that_sends_us_elsewhere(fresh: Lab, registry: FakeRegistry, code: int) -> None:
    site = bundle(fresh)
    with FakeRegistry().serving() as other:
        for method, part in (("GET", "manifests"), ("PUT", "manifests"), ("POST", "uploads")):
            registry.fault = on(method, part, status(code, Location=f"http://{other.host}/v2/site/x"))
            result = push(site, registry)
            assert result.code in (0, 60), result
            assert {authorization for _, _, authorization in other.requests} <= {None}
            assert other.names == set()


@attack("LDR-11")
def test_plain_http_beyond_this_machine(fresh: Lab) -> None:
    site = bundle(fresh)
    line = ["--trust", site.trust, "--store", site.store, "--at", AT, "--format", "json", "--plain-http"]
    result = run("import", site.bundle, *line, "--to", "docker://192.0.2.1:5000/site")
    assert result.code in (2, 60), result
    assert not result.json.get("loaded")


@attack("LDR-13")
def test_a_layer_that_the_engine_already_holds(fresh: Lab) -> None:
    """In a layout we can tell, and do: a blob of that name with other bytes is not taken for the good one."""
    site = bundle(fresh)
    path = site.out / "blobs" / "sha256" / IMAGE.layers[0].digest[7:]
    path.write_bytes(flipped(IMAGE.layers[0].data, 100))
    result = site.import_()
    assert result.code in (0, 20, 60), result
    if result.code == 0:
        assert path.read_bytes() == IMAGE.layers[0].data


@attack("LDR-14")
def test_an_engine_that_refuses_by_its_policy(fresh: Lab, engines: Fake) -> None:
    """Its words are shown, nothing is loaded, and no option of ours loosens its policy."""
    site = bundle(fresh)
    engines.lie(load={"stdin": -1, "status": 125, "err": "Error: Source image rejected: A signature was required"})
    result = engines.load(site, "podman")
    refused(site, result, 60, "engine-failed")
    assert "A signature was required" in result.messages
    assert result.json["errors"][0]["hint"]
    assert not any("policy" in call or "tls-verify" in call for call in engines.state["calls"])


@attack("LDR-18")
def test_verify_touches_no_engine(fresh: Lab, engines: Fake) -> None:
    site = bundle(fresh)
    env = {"PATH": str(engines.folder)}
    verified = run(*site.verify_line(), env=env)
    assert engines.state["calls"] == []
    loaded = engines.load(site, "podman")
    assert engines.state["calls"]
    same = {key: loaded.json[key] for key in ("accepted", "bundle", "trust", "images", "errors")}
    assert same == {key: verified.json[key] for key in same}


@attack("LDR-17")
def test_no_name_reaches_an_engine_before_the_verdict(lab: Lab, engines: Fake) -> None:
    """Of a refused bundle an engine learns nothing; it is asked what it is, and no more."""
    urls = image([Layer({"x": b"x"})])
    value = json.loads(urls.root.data)
    value["layers"][0]["urls"] = ["http://192.0.2.1/"]
    lab.site.bundle.write_bytes(lab.signed(by("anna")).packed())
    result = engines.load(lab.site, "podman")
    assert result.code == 30
    assert not any("load" in call or "pull" in call for call in engines.state["calls"])
