"""import --to docker://: a registry holds what was signed, byte for byte; a wrong one is caught and taken back."""

from __future__ import annotations

import base64
import json
import urllib.error
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import forge
import pytest

from airgap.registry.client import Settings
from tests.cli.contract import check_verdict
from tests.cli.site import AT, RUST, Result, Site, run
from tests.engines.daemons import Registry
from tests.engines.forms import forms, one, pair
from tests.engines.matrix import FORMS, MANIFEST, REGISTRY, reported
from tests.engines.matrix import carry as carry_form
from tests.engines.registries import FakeRegistry, Handler, cut, hang_up, on, slow, status

OTHER = "docker.io/stagex/other:1.0"
PATH = "site/stagex/pallet-rust"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path / "site")
    assert site.init().code == 0
    return site


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRegistry]:
    """Its faults are met without pauses, and without patience."""
    impatient = partial(Settings, pause=lambda _: None, connect_timeout=1, read_timeout=0.5)
    monkeypatch.setattr("airgap.registry.client.Settings", impatient)
    with FakeRegistry().serving() as registry:
        yield registry


def load(site: Site, host: str, *more: object, env: dict[str, str] | None = None) -> Result:
    line = ["--trust", site.trust, "--store", site.store, "--at", AT, "--format", "json"]
    home = {"HOME": str(site.folder), "XDG_RUNTIME_DIR": str(site.folder), "DOCKER_CONFIG": str(site.folder)}
    to = ["--to", f"docker://{host}/site", "--plain-http"]
    return run("import", site.bundle, *line, *to, *more, env=home | (env or {}))


def carry(site: Site, *images: tuple[str, forge.Sample]) -> None:
    exported = site.export(*(site.image(reference, found, "anna", "bert") for reference, found in images))
    assert exported.code == 0, exported


def manifests(found: forge.Sample) -> dict[str, bytes]:
    held = found.blobs
    return {digest: data for digest, data in held.items() if data.startswith(b'{"schemaVersion"')}


@pytest.mark.engines
class TestReal:
    @pytest.mark.parametrize("form", FORMS)
    def test_every_form(self, form: str, registry: Registry, site: Site) -> None:
        found = carry_form(site, form)
        assert reported(form, REGISTRY) == MANIFEST
        for _ in range(2):
            result = load(site, registry.host)
            assert result.code == 0, result
            check_verdict(result.json, 0)
            (row,) = result.json["loaded"]
            assert row["name"] == f"{registry.host}/{PATH}@{found.digest}"
            assert (row["identity"], row["reported"]) == ("manifest", found.digest)
        accept = {"Accept": found.root.media_type}
        with registry.request("GET", f"{PATH}/manifests/{found.digest}", headers=accept) as answer:
            assert answer.read() == found.root.data
            assert answer.headers["Content-Type"] == found.root.media_type
        for digest in set(found.blobs) - set(manifests(found)):
            with registry.request("GET", f"{PATH}/blobs/{digest}") as answer:
                assert answer.read() == found.blobs[digest]

    def test_tags(self, registry: Registry, site: Site) -> None:
        first, second = one("first"), pair("second")
        carry(site, (OTHER, first))
        assert load(site, registry.host).json["loaded"][0]["name"] == f"{registry.host}/site/stagex/other:1.0"
        carry(site, (OTHER, second))
        refused = load(site, registry.host)
        assert (refused.code, refused.kinds) == (60, ["tag-elsewhere"])
        assert tag(registry) == first.digest
        moved = load(site, registry.host, "--allow-retag")
        assert moved.code == 0, moved
        assert moved.json["loaded"][0]["replaced"] == first.digest
        assert tag(registry) == second.digest

    def test_a_later_registry_fails(self, registry: Registry, site: Site, fake: FakeRegistry) -> None:
        """The first has taken all in, and gives it back: the tag to what it was, new manifests gone."""
        first, second = one("first"), pair("second")
        carry(site, (OTHER, first))
        assert load(site, registry.host).code == 0
        carry(site, (OTHER, second), (RUST, one("rust")))
        fake.fault = on("PUT", "/manifests/", status(507))
        refused = load(site, registry.host, "--allow-retag", "--to", f"docker://{fake.host}")
        assert refused.code == 60, refused
        assert "507" in refused.messages
        assert tag(registry) == first.digest
        assert "taken back" not in refused.messages
        for digest in manifests(second):
            assert not holds(registry, "site/stagex/other", digest)
        assert fake.names == set()


def tag(registry: Registry) -> str:
    accept = {"Accept": ", ".join(sample.root.media_type for sample in (one("x"), pair("x")))}
    with registry.request("HEAD", "site/stagex/other/manifests/1.0", headers=accept) as answer:
        return str(answer.headers["Docker-Content-Digest"])


def holds(registry: Registry, name: str, digest: str) -> bool:
    accept = {"Accept": ", ".join(sample.root.media_type for sample in (one("x"), pair("x")))}
    try:
        registry.request("HEAD", f"{name}/manifests/{digest}", headers=accept).close()
    except urllib.error.HTTPError as error:
        return error.code != 404
    return True


def test_order(fake: FakeRegistry, site: Site) -> None:
    """Blobs, then children, then parents, the tag last."""
    found = forms()["index in index"]
    carry(site, (OTHER, found))
    result = load(site, fake.host)
    assert result.code == 0, result
    puts = [path.rpartition("/")[2] for method, path, _ in fake.requests if method == "PUT"]
    order = [name for name in puts if "digest=" not in name]
    assert all("digest=" in name for name in puts[: -len(order)])
    assert order[-2:] == [found.digest, "1.0"]
    inner = next(digest for digest, data in manifests(found).items() if b"arm64" in data and digest != found.digest)
    assert order[-3] == inner
    assert fake.blobs.keys() | manifests(found).keys() == found.blobs.keys()
    assert fake.names == {f"site/stagex/other@{digest}" for digest in manifests(found)} | {"site/stagex/other:1.0"}


FAULTS: dict[str, tuple[Any, set[str]]] = {
    "unreachable at the start": (on("HEAD", "", hang_up), {"engine-unreachable"}),
    "busy at the start": (on("HEAD", "", status(503)), {"engine-unreachable"}),
    "slow at the start": (on("HEAD", "", slow(1)), {"engine-unreachable"}),
    "slow blob": (on("POST", "uploads", slow(1)), {"engine-unreachable"}),
    "hangs up on a blob": (on("PUT", "uploads", hang_up, after=1), {"engine-unreachable"}),
    "no space for a blob": (on("PUT", "uploads", status(507), after=1), {"engine-unreachable"}),
    "no space for a manifest": (on("PUT", "manifests", status(507)), {"engine-unreachable"}),
    "refuses a manifest": (on("PUT", "manifests", status(400)), {"engine-failed"}),
    "wants a log-in": (on("HEAD", "", status(401, WWW_Authenticate="Basic realm=x")), {"target-denied"}),
    "lets nobody write": (on("POST", "uploads", status(403)), {"target-denied"}),
    "claims another digest": (
        on("PUT", "manifests", status(201, Docker_Content_Digest=f"sha256:{'0' * 64}")),
        {"engine-digest-differs"},
    ),
    "stores nothing": (on("PUT", "manifests", status(201)), {"engine-failed", "engine-digest-differs"}),
    "serves another": (
        on("GET", "manifests", lambda handler: handler.answer(200, one("evil").root.data), after=2),
        {"engine-digest-differs"},
    ),
    "serves half": (on("GET", "manifests", cut, after=2), {"engine-unreachable"}),
    "serves a page": (
        on("GET", "manifests", lambda h: h.answer(200, b"<html>", Content_Type="text/html"), after=2),
        {"engine-digest-differs"},
    ),
    "leads elsewhere": (
        on("GET", "manifests", status(302, Location="http://192.0.2.1/x"), after=1),
        {"engine-failed"},
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(name: str, fake: FakeRegistry, site: Site) -> None:
    fault, kinds = FAULTS[name]
    carry(site, (OTHER, one("good")), (RUST, pair("rust")))
    seen = fake.requests
    fake.fault = fault
    result = load(site, fake.host)
    assert result.code == 60, result
    assert set(result.kinds) <= kinds, result
    check_verdict(result.json, 60)
    assert fake.names == set()
    assert site.store.exists() is ("start" not in name and name != "wants a log-in"), seen


def test_a_tag_that_stands_for_another_after_all(fake: FakeRegistry, site: Site) -> None:
    """The registry takes everything, and then serves another image under the tag."""
    evil = one("evil")
    carry(site, (OTHER, one("good")))

    def lie(handler: Handler) -> None:
        if not any(method == "PUT" and path.endswith("manifests/1.0") for method, path, _ in fake.requests):
            handler.answer(404)
        else:
            handler.answer(200, evil.root.data, Content_Type=evil.root.media_type, Docker_Content_Digest=evil.digest)

    fake.fault = on("GET", "manifests/1.0", lie)
    result = load(site, fake.host)
    assert (result.code, result.kinds) == (60, ["engine-digest-differs"])
    assert result.json["errors"][0]["facts"]["found"] == evil.digest
    assert fake.names == set()


def test_a_registry_that_does_not_delete(fake: FakeRegistry, site: Site) -> None:
    """Nothing is tagged; what stays is told."""
    found = one("good")
    carry(site, (OTHER, found))
    fake.deletes = False
    fake.fault = on("PUT", "manifests/1.0", status(500))
    result = load(site, fake.host)
    assert result.code == 60
    assert f"site/stagex/other@{found.digest} stays there: this registry does not delete" in result.messages
    assert fake.names == {f"site/stagex/other@{found.digest}"}


def test_credentials_go_to_the_registry_alone(fake: FakeRegistry, site: Site) -> None:
    """An upload that is led to another host takes no password along."""
    secret = base64.b64encode(b"anna:secret").decode()
    (site.folder / "config.json").write_text(json.dumps({"auths": {fake.host: {"auth": secret}}}))
    carry(site, (RUST, one("good")))
    with FakeRegistry().serving() as other:

        def guard(handler: Handler) -> bool:
            if handler.headers.get("Authorization") is None:
                handler.answer(401, WWW_Authenticate="Basic realm=x")
                return True
            if handler.command == "POST":
                handler.answer(202, Location=f"http://{other.host}/v2/{PATH}/blobs/uploads/1")
                return True
            return False

        fake.fault = guard
        result = load(site, fake.host)
        assert result.code in (0, 60), result
        assert other.requests
        assert {authorization for _, _, authorization in other.requests} == {None}
    assert f"Basic {secret}" in {authorization for _, _, authorization in fake.requests}


def test_a_damaged_store(fake: FakeRegistry, site: Site) -> None:
    """The last byte decides: the upload is broken off, and nothing is there."""
    found = one("good")
    carry(site, (RUST, found))
    blob = site.store / "blobs" / "sha256" / found.layers[1].digest[7:]

    def damage(handler: Handler) -> bool:
        if blob.exists():
            data = blob.read_bytes()
            blob.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
            fake.fault = lambda _: False
        return False

    fake.fault = damage
    result = load(site, fake.host)
    assert (result.code, result.kinds) == (20, ["blob-differs"]), result
    assert fake.names == set()
    assert found.layers[1].digest not in fake.blobs


@pytest.mark.parametrize(
    "host", ["registry", "registry/x", "REGISTRY.example/X", "a.b/../c", "user@a.b", "a.b/c:1", ""]
)
def test_hosts_that_are_none(host: str, site: Site) -> None:
    carry(site, (RUST, one("good")))
    line = ["--trust", site.trust, "--store", site.store, "--at", AT, "--format", "json"]
    result = run("import", site.bundle, *line, "--to", f"docker://{host}")
    assert (result.code, result.kinds) == (60, ["target-unsupported"])


def test_http_that_nobody_asked_for(fake: FakeRegistry, site: Site) -> None:
    """What to do about a registry is not what to do about an engine."""
    carry(site, (RUST, one("good")))
    line = ["--trust", site.trust, "--store", site.store, "--at", AT, "--format", "json"]
    refused = run("import", site.bundle, *line, "--to", f"docker://{fake.host}/site")
    assert (refused.code, refused.kinds) == (60, ["engine-unreachable"])
    assert "--plain-http" in refused.json["errors"][0]["hint"]
    assert "--ca-file" in refused.json["errors"][0]["hint"]


def test_plain_http_is_for_this_machine(site: Site) -> None:
    carry(site, (RUST, one("good")))
    line = ["--trust", site.trust, "--store", site.store, "--at", AT, "--format", "json"]
    result = run("import", site.bundle, *line, "--to", "docker://registry.example:5000", "--plain-http")
    assert (result.code, result.kinds) == (2, ["usage"])
