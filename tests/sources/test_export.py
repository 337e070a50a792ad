"""`airgap export` from registries and web servers, to the verdict of the other side."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import forge
import pytest
from forge import Layer, Sample
from forge.images import Blob, to_json

from airgap.oci.descriptor import OCI_INDEX
from airgap.registry.client import Settings
from tests.cli.site import ROOT, RUST, Site, litter, run, sample, signature
from tests.sources.server import Handler, Registry, basic

NOISE = random.Random(2).randbytes(300_000)
SHARED = [Layer({"lib/shared": NOISE}), Layer({"lib/raw": NOISE[::-1]}, "none")]
PLAIN = forge.image([*SHARED, Layer({"bin/plain": b"1"})])
DOCKER = forge.image([*SHARED, Layer({"bin/docker": b"1"})], docker=True)
INDEX = forge.image_index([PLAIN, forge.image(SHARED, platform="linux/arm64")], attestations=True)
LIST = forge.image_index([DOCKER], docker=True)


def nested(inner: Sample) -> Sample:
    """StageX's own form: an index in an index."""
    entry = inner.root.descriptor()
    outer = Blob(OCI_INDEX, to_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}))
    return Sample(outer, inner.manifests, inner.configs, inner.layers, (*inner.attestations, inner.root), inner.others)


SHAPES = {"plain": PLAIN, "docker": DOCKER, "index": INDEX, "list": LIST, "nested": nested(INDEX)}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path / "site")
    assert site.init().code == 0
    return site


def hold(site: Site, registry: Registry, name: str, found: Sample, *tags: str) -> str:
    """Put an image into the registry, and let two people sign it. Returns its SOURCE by digest."""
    registry.add(f"mirror/{name}", found, *tags)
    site.sign(f"docker.io/stagex/{name}", found.digest, "anna", "bert")
    return f"docker.io/stagex/{name}=docker://{registry.host}/mirror/{name}@{found.digest}"


class TestImages:
    @pytest.mark.parametrize("shape", SHAPES)
    def test_from_registry_to_verdict(self, site: Site, registry: Registry, shape: str) -> None:
        found = SHAPES[shape]
        exported = site.export(hold(site, registry, shape, found), "--plain-http")
        assert exported.code == 0, exported
        imported = site.import_()
        assert imported.code == 0, imported
        assert [one["digest"] for one in imported.json["images"]] == [found.digest]
        assert {path.name for path in (site.store / "blobs/sha256").iterdir()} == {key[7:] for key in found.blobs}

    def test_a_bundle_does_not_depend_on_where_its_images_were(self, site: Site, registry: Registry) -> None:
        source = hold(site, registry, "x", INDEX)
        assert site.export(source, "--plain-http").code == 0
        from_registry = site.bundle.read_bytes()
        assert site.export(f"docker.io/stagex/x=oci:{site.layout(INDEX)}").code == 0
        assert site.bundle.read_bytes() == from_registry

    def test_a_tag_is_asked_for_once_and_becomes_a_digest(self, site: Site, registry: Registry) -> None:
        hold(site, registry, "x", PLAIN, "v1")
        other = sample("moved")

        def moving(handler: Handler) -> bool:
            if handler.path.endswith("/manifests/v1"):
                registry.faults.clear()
                handler._answer()
                registry.add("mirror/x", other, "v1")
                return True
            return False

        registry.faults.append(moving)
        exported = site.export(f"docker.io/stagex/x=docker://{registry.host}/mirror/x:v1", "--plain-http")
        assert [image["digest"] for image in exported.json["images"]] == [PLAIN.digest]
        assert exported.json["notes"] == [f"{registry.host}/mirror/x:v1 is {PLAIN.digest} now"]
        assert registry.counts["v1"] == 1

    def test_docker_implies_the_name(self, site: Site, registry: Registry) -> None:
        registry.add("mirror/x", PLAIN)
        name = f"{registry.host}/mirror/x"
        folder = site.signatures / f"mirror/x@{PLAIN.digest.replace(':', '=')}"
        folder.mkdir(parents=True)
        for number, nick in enumerate(("anna", "bert"), 1):
            (folder / f"signature-{number}").write_bytes(signature(site.people[nick][0], name, PLAIN.digest))
        exported = site.export(f"docker://{name}@{PLAIN.digest}", "--plain-http")
        assert [image["reference"] for image in exported.json["images"]] == [name]

    def test_a_platform(self, site: Site, registry: Registry) -> None:
        source = hold(site, registry, "x", INDEX)
        arm = INDEX.manifest_digests["linux/arm64"]
        site.sign("docker.io/stagex/x", arm, "anna", "bert")
        exported = site.export(source, "--plain-http", "--platform", "linux/arm64")
        assert [image["digest"] for image in exported.json["images"]] == [arm]
        layers = registry.counts
        assert layers[PLAIN.layers[2].digest] == 0

    def test_many_images_over_shared_layers_cost_each_blob_once(self, site: Site, registry: Registry) -> None:
        """513 images in 513 repositories: every blob crosses the wire once and stands in the bundle once."""
        images = {f"x{n}": forge.image(SHARED, config={"Env": [f"N={n}"]}) for n in range(513)}
        lines = [f"{image.digest[7:]} {name}" for name, image in images.items()]
        for name, image in images.items():
            registry.add(f"mirror/{name}", image)
        site.sign("docker.io/stagex/x7", images["x7"].digest, "anna", "bert")
        (site.folder / "all.txt").write_text("\n".join(lines) + "\n")
        exported = site.export(
            *("--digests", site.folder / "all.txt", "--from", f"docker.io/stagex={registry.host}/mirror"),
            *("--plain-http", "--skip-preflight"),
        )
        assert exported.code == 0, exported
        assert len(exported.json["images"]) == 513
        blobs = {digest for image in images.values() for digest in image.blobs}
        assert len(blobs) == 2 * 513 + 2
        counts = registry.counts
        assert {digest: counts[digest] for digest in blobs} == dict.fromkeys(blobs, 1)
        members = run("inspect", site.bundle, "--format", "json").json["members"]
        assert sum(member["path"].startswith("blobs/") for member in members) == len(blobs)

    def test_twice_the_same_bytes(self, site: Site, registry: Registry) -> None:
        sources = [hold(site, registry, name, found) for name, found in SHAPES.items()]
        assert site.export(*sources, "--plain-http").code == 0
        first = site.bundle.read_bytes()
        assert site.export(*reversed(sources), "--plain-http", "-j", "1").code == 0
        assert site.bundle.read_bytes() == first


class TestFrom:
    def test_a_digest_list_is_an_order(self, site: Site, registry: Registry) -> None:
        for name in ("x", "y"):
            hold(site, registry, name, sample(name))
        (site.folder / "l.txt").write_text(f"{sample('x').digest[7:]} x\n{sample('y').digest[7:]}  y\n")
        exported = site.export(
            "--digests", site.folder / "l.txt", "--from", f"docker.io/stagex={registry.host}/mirror", "--plain-http"
        )
        assert exported.code == 0, exported
        assert [one["reference"] for one in exported.json["images"]] == ["docker.io/stagex/x", "docker.io/stagex/y"]
        assert exported.json["notes"] == []

    def test_one_that_the_registry_does_not_have(self, site: Site, registry: Registry) -> None:
        (site.folder / "l.txt").write_text(f"{'0' * 64} x\n")
        refused = site.export("--digests", site.folder / "l.txt", "--from", f"{registry.host}/mirror", "--plain-http")
        assert (refused.code, refused.kinds) == (50, ["source-not-found"])
        assert f"{registry.host}/mirror/x@sha256:{'0' * 64}" in refused.messages

    @pytest.mark.parametrize(
        "place", ["", "docker.io/UPPER", "docker.io/stagex:1", "a=", "=b", "https://docker.io/stagex"]
    )
    def test_a_place_that_is_none(self, site: Site, place: str) -> None:
        (site.folder / "l.txt").write_text(f"{'0' * 64} x\n")
        assert site.export("--digests", site.folder / "l.txt", "--from", place).code == 2

    def test_no_list(self, site: Site) -> None:
        refused = site.export("--from", "docker.io/stagex")
        assert (refused.code, refused.kinds) == (2, ["usage"])
        assert "--digests" in refused.messages


def test_signed_under_another_name(site: Site, registry: Registry) -> None:
    """A mirror's name is not the one that was signed; more signatures would not help, and are not asked for."""
    source = hold(site, registry, "x", PLAIN)
    site.put("mirror/x", PLAIN.digest, *signatures_of(site, "stagex/x"))
    refused = site.export(source.partition("=")[2], "--plain-http")
    assert (refused.code, refused.kinds) == (30, ["quorum-not-met"])
    assert "it is signed for docker.io/stagex/x" in refused.messages
    assert "NAME=SOURCE" in refused.json["errors"][0]["hint"]
    assert site.export(source, "--plain-http").code == 0


def signatures_of(site: Site, repository: str) -> list[bytes]:
    folder = site.signatures / f"{repository}@{PLAIN.digest.replace(':', '=')}"
    return [path.read_bytes() for path in sorted(folder.iterdir())]


class TestRefusals:
    """Each leaves neither a bundle nor anything half-done."""

    @pytest.fixture
    def source(self, site: Site, registry: Registry) -> str:
        return hold(site, registry, "x", PLAIN, "v1")

    def refused(self, site: Site, source: str, *options: str) -> tuple[int, list[str]]:
        result = site.export(source, *(options or ("--plain-http",)))
        assert not site.bundle.exists()
        assert litter(site.folder) == []
        assert json.loads(result.stdout)["schema"] == "airgap/error/v1"
        return result.code, result.kinds

    @pytest.mark.parametrize("kind", ["config", "layer"])
    @pytest.mark.parametrize("change", ["flipped", "short", "long"])
    def test_a_wrong_blob(self, site: Site, registry: Registry, source: str, kind: str, change: str) -> None:
        blob = PLAIN.configs[0] if kind == "config" else PLAIN.layers[0]
        data = blob.data
        other = {"flipped": data[:-1] + bytes([data[-1] ^ 1]), "short": data[:-1], "long": data + b"x"}[change]
        registry.blobs["mirror/x"][blob.digest] = other
        result = site.export(source, "--plain-http")
        assert (result.code, result.kinds) == (20, ["blob-differs"])
        assert f"{registry.host}/mirror/x: blob {blob.digest}: the registry serves" in result.messages
        assert not site.bundle.exists()

    def test_a_wrong_manifest(self, site: Site, registry: Registry, source: str) -> None:
        registry.manifests["mirror/x"][PLAIN.digest] = (PLAIN.root.media_type, PLAIN.root.data + b"\n")
        assert self.refused(site, source) == (20, ["blob-differs"])

    def test_a_wrong_manifest_below_an_index(self, site: Site, registry: Registry) -> None:
        source = hold(site, registry, "y", INDEX)
        registry.manifests["mirror/y"][PLAIN.digest] = (PLAIN.root.media_type, PLAIN.root.data + b"\n")
        assert self.refused(site, source) == (20, ["blob-differs"])

    def test_a_missing_layer(self, site: Site, registry: Registry, source: str) -> None:
        del registry.blobs["mirror/x"][PLAIN.layers[1].digest]
        assert self.refused(site, source) == (50, ["source-not-found"])

    def test_a_missing_tag(self, site: Site, registry: Registry, source: str) -> None:
        assert self.refused(site, source.partition("@")[0] + ":v9") == (50, ["source-not-found"])
        assert self.refused(site, source.partition("@")[0]) == (50, ["source-not-found"])  # :latest

    def test_an_endless_manifest(self, site: Site, registry: Registry, source: str) -> None:
        registry.manifests["mirror/x"][PLAIN.digest] = (PLAIN.root.media_type, b" " * 5_000_000)
        assert self.refused(site, source) == (50, ["registry-answer-invalid"])

    def test_a_login_that_nobody_has(self, site: Site, registry: Registry, source: str) -> None:
        registry.login = ("user", "pass")
        assert self.refused(site, source) == (50, ["registry-denied"])

    def test_credentials_that_are_broken(
        self, site: Site, registry: Registry, source: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        registry.login = ("user", "pass")
        (site.folder / "auth.json").write_text("{")
        monkeypatch.setenv("REGISTRY_AUTH_FILE", str(site.folder / "auth.json"))
        assert self.refused(site, source) == (50, ["credentials-invalid"])

    def test_authorities_that_are_none(self, site: Site, source: str) -> None:
        for text in ("", "none"):
            (site.folder / "ca.pem").write_text(text)
            refused = site.export(source, "--ca-file", site.folder / "ca.pem")
            assert (refused.code, refused.kinds) == (2, ["usage"])
            assert f"--ca-file {site.folder / 'ca.pem'}" in refused.messages
        (site.folder / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        refused = site.export(source, "--ca-file", site.folder / "ca.pem")
        assert (refused.code, refused.kinds) == (70, ["input-output"])
        assert "--ca-file" in refused.json["hint"]

    def test_http_that_nobody_asked_for(self, site: Site, registry: Registry, source: str) -> None:
        assert self.refused(site, source, "--no-progress") == (50, ["registry-not-trusted"])
        assert registry.requests == []

    def test_http_to_another_machine(self, site: Site) -> None:
        assert self.refused(site, "docker://registry.example.org/x:1", "--plain-http") == (2, ["usage"])

    def test_a_ca_file_that_is_none(self, site: Site, source: str) -> None:
        (site.folder / "ca.pem").write_bytes(b"\xff")
        assert self.refused(site, source, "--ca-file", str(site.folder / "ca.pem")) == (2, ["usage"])
        assert self.refused(site, source, "--ca-file", str(site.folder / "missing.pem")) == (70, ["file-not-found"])


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults are met without pauses."""
    settings = partial(Settings, pause=lambda _: None, connect_timeout=1, read_timeout=0.5)
    monkeypatch.setattr("airgap.registry.client.Settings", settings)


@pytest.mark.parametrize("quiet", [False, True])
def test_who_waits_is_told_why(site: Site, registry: Registry, impatient: None, quiet: bool) -> None:
    source = hold(site, registry, "x", PLAIN, "v1")
    registry.faults.append(lambda handler: len(registry.requests) < 2 and handler.reply(503))
    result = site.export(source, "--plain-http", *(["--quiet"] if quiet else []))
    assert result.code == 0, result
    notes = [line for line in result.stderr.decode().splitlines() if line.startswith("note: ")]
    assert len(notes) == (not quiet)
    assert all("the server answers 503; trying again in 1 s" in note for note in notes)


def trickle(handler: Handler, data: bytes) -> bool:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    for at in range(0, len(data), 60_000):
        handler.wfile.write(data[at : at + 60_000])
        handler.wfile.flush()
        time.sleep(0.05)
    return True


def silent(handler: Handler, data: bytes) -> bool:
    """Half of it, and then nothing for longer than anybody waits."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data[: len(data) // 2])
    handler.wfile.flush()
    time.sleep(1)
    return handler.hang_up()


Answer = Callable[[Handler, bytes], bool]


def status(code: int, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, _: handler.reply(code, headers=named)


def half(handler: Handler, data: bytes) -> bool:
    return handler.cut(data, len(data) // 2)


def wrong_length(handler: Handler, data: bytes) -> bool:
    return handler.reply(200, data[:-1], "application/octet-stream")


PASSING: dict[str, list[Answer]] = {
    "429": [status(429, Retry_After="0")] * 2,
    "500": [status(500)],
    "503": [status(503)] * 3,
    "hangs up": [lambda handler, _: handler.hang_up()],
    "cut": [half],
    "500 in the middle": [half, status(500)],
    "429 in the middle": [half, status(429)],
    "slow": [trickle],
    "silent in the middle": [silent],
}
"""How the registry answers the first requests for each blob; then it serves it."""

LASTING: dict[str, tuple[list[Answer], int, str, str]] = {
    "401": ([status(401)], 50, "registry-denied", "log in"),
    "403": ([status(403)], 50, "registry-denied", "403"),
    "404": ([status(404)], 50, "source-not-found", "answers 404"),
    "429": ([status(429)], 50, "registry-unreachable", "429"),
    "500": ([status(500)], 50, "registry-unreachable", "500"),
    "500 in the middle": ([half, status(500)], 50, "registry-unreachable", "500"),
    "cut at the same place": ([half], 50, "registry-unreachable", "cut short"),
    "truncated": ([wrong_length], 20, "blob-differs", "the registry serves"),
    "silent": ([silent], 50, "registry-unreachable", "cut short"),
    "a ring": (
        [lambda handler, _: handler.reply(307, headers={"Location": handler.path})],
        50,
        "registry-answer-invalid",
        "redirect",
    ),
    "to another machine": (
        [status(307, Location="http://registry.example.org/x")],
        50,
        "registry-answer-invalid",
        "registry.example.org",
    ),
    "to a file": ([status(307, Location="file:///etc/passwd")], 50, "registry-answer-invalid", "file:"),
}
"""How it answers every request for a layer (the last again and again), and what the export says of it."""


class TestEveryFault:
    def at_blobs(self, registry: Registry, answers: list[Answer], *, lasting: bool) -> Counter[str]:
        asked: Counter[str] = Counter()

        def fault(handler: Handler) -> bool:
            name = name_of(handler)
            data = registry.blobs["mirror/x"].get(name)
            if data is None or (lasting and name != PLAIN.layers[0].digest):
                return False
            asked[name] += 1
            if asked[name] > len(answers) and not lasting:
                return False
            return answers[min(asked[name], len(answers)) - 1](handler, data)

        registry.faults.append(fault)
        return asked

    @pytest.mark.parametrize("name", PASSING)
    def test_passing(self, name: str, site: Site, registry: Registry, impatient: None) -> None:
        """The same bundle, byte for byte, as from a registry that is well."""
        source = hold(site, registry, "x", PLAIN)
        assert site.export(source, "--plain-http").code == 0
        before = site.bundle.read_bytes()
        site.bundle.unlink()
        asked = self.at_blobs(registry, PASSING[name], lasting=False)
        exported = site.export(source, "--plain-http")
        assert exported.code == 0, exported
        assert asked[PLAIN.layers[0].digest] >= len(PASSING[name])
        assert site.bundle.read_bytes() == before

    @pytest.mark.parametrize("name", LASTING)
    def test_lasting(self, name: str, site: Site, registry: Registry, impatient: None) -> None:
        """Refused by its kind; nothing is left; and when the registry is well again, the same command does it."""
        answers, code, kind, said = LASTING[name]
        source = hold(site, registry, "x", PLAIN)
        self.at_blobs(registry, answers, lasting=True)
        refused = site.export(source, "--plain-http")
        assert (refused.code, refused.kinds) == (code, [kind]), refused
        assert said in refused.messages
        assert registry.host in refused.messages
        assert not site.bundle.exists()
        assert litter(site.folder) == []
        registry.faults.clear()
        assert site.export(source, "--plain-http").code == 0

    def test_layers_from_another_host(self, site: Site, registry: Registry, impatient: None) -> None:
        """As registries before object storage do; the password stays behind."""
        registry.login = ("user", "pass")
        auth = {"auths": {registry.host: {"auth": basic("user", "pass").removeprefix("Basic ")}}}
        (site.folder / "auth.json").write_text(json.dumps(auth))
        with Registry().serving() as storage, pytest.MonkeyPatch.context() as patch:
            patch.setenv("REGISTRY_AUTH_FILE", str(site.folder / "auth.json"))
            source = hold(site, registry, "x", PLAIN)
            for digest, data in registry.blobs["mirror/x"].items():
                storage.files[f"/{digest}"] = data
            self.at_blobs(
                registry,
                [lambda handler, _: handler.reply(307, headers={"Location": f"{storage.url}/{name_of(handler)}"})],
                lasting=True,
            )
            exported = site.export(source, "--plain-http")
        assert exported.code == 0, exported
        assert {path for _, path, _ in storage.requests} == {f"/{PLAIN.layers[0].digest}"}
        assert storage.authorizations("/") == [""]


def name_of(handler: Handler) -> str:
    return handler.path.rpartition("/")[2]


class TestBadLines:
    def test_cut_and_resumed(self, site: Site, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        """Every other answer breaks in the middle."""
        monkeypatch.setattr("airgap.registry.client.time.sleep", lambda _: None)
        broken: set[str] = set()

        def fault(handler: Handler) -> bool:
            name = handler.path.rpartition("/")[2]
            data = registry.blobs["mirror/x"].get(name)
            if data is None or name in broken:
                return False
            broken.add(name)
            return handler.cut(data, len(data) // 2)

        source = hold(site, registry, "x", INDEX)
        registry.faults.append(fault)
        assert site.export(source, "--plain-http").code == 0
        assert broken >= {blob.digest for blob in INDEX.layers}
        assert site.import_().code == 0

    def test_basic_and_token(self, site: Site, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        source = hold(site, registry, "x", PLAIN)
        auth = {"auths": {registry.host: {"auth": basic("u", "p").removeprefix("Basic ")}}}
        (site.folder / "auth.json").write_text(json.dumps(auth))
        monkeypatch.setenv("REGISTRY_AUTH_FILE", str(site.folder / "auth.json"))
        for token in (None, "t0ken"):
            registry.login, registry.token = ("u", "p"), token
            assert site.export(source, "--plain-http").code == 0
        assert site.import_().code == 0


class TestEvidence:
    def test_everything_from_a_web_server(self, site: Site, registry: Registry) -> None:
        source = hold(site, registry, "x", PLAIN)
        for path in (site.maintainers, site.keyring, *site.signatures.rglob("signature-*")):
            registry.files[f"/e/{path.relative_to(site.folder)}"] = path.read_bytes()
        line = [
            *("--maintainers", f"{registry.url}/e/MAINTAINERS", "--keyring", f"{registry.url}/e/keyring.pgp"),
            *("--signatures", f"{registry.url}/e/signatures/", "--plain-http", "--format", "json"),
            *("--at", "2025-07-01T00:00:00Z"),
        ]
        from_web = run("export", source, *line, "-o", site.bundle)
        assert from_web.code == 0, from_web
        web = site.bundle.read_bytes()
        assert site.export(source, "--plain-http").code == 0
        assert site.bundle.read_bytes() == web
        asked = [path for _, path, _ in registry.requests if "signature-" in path]
        name = f"stagex/x@{PLAIN.digest.replace(':', '=')}"
        assert asked[:4] == [f"/e/signatures/{name}/signature-{n}" for n in (1, 2, 3)] + [
            f"/e/signatures/docker.io/{name}/signature-1"
        ]

    @pytest.mark.parametrize("what", ["maintainers", "keyring"])
    def test_a_file_that_is_not_there(self, site: Site, registry: Registry, what: str) -> None:
        options = {"maintainers": str(site.maintainers), "keyring": str(site.keyring)}
        options[what] = f"{registry.url}/missing"
        line = [text for name, value in options.items() for text in (f"--{name}", value)]
        source = f"{RUST}=oci:{site.layout(PLAIN)}"
        refused = run("export", source, *line, "--signatures", site.signatures, "-o", site.bundle, "--format", "json")
        assert (refused.code, refused.kinds) == (50, ["source-not-found"])

    def test_signatures_without_end(self, site: Site, registry: Registry) -> None:
        source = hold(site, registry, "x", PLAIN)
        registry.faults.append(
            lambda handler: "signature-" in handler.path and handler.reply(200, handler.path.encode())
        )
        refused = site.export(source, "--plain-http", "--signatures", f"{registry.url}/s")
        assert (refused.code, refused.kinds) == (10, ["limit-exceeded"])
        assert sum("signature-" in path for _, path, _ in registry.requests) < 250

    def test_a_signature_too_large(self, site: Site, registry: Registry) -> None:
        source = hold(site, registry, "x", PLAIN)
        registry.faults.append(lambda handler: "signature-" in handler.path and handler.reply(200, bytes(70_000)))
        refused = site.export(source, "--plain-http", "--signatures", f"{registry.url}/s")
        assert (refused.code, refused.kinds) == (50, ["registry-answer-invalid"])

    def test_without_tls_from_elsewhere(self, site: Site) -> None:
        refused = site.export(f"{RUST}=oci:{site.layout(PLAIN)}", "--signatures", "http://192.0.2.1/s")
        assert (refused.code, refused.kinds) == (2, ["usage"])


def test_the_offline_side_loads_no_network(site: Site) -> None:
    """Neither `verify` nor `import` nor `--version` so much as imports what could open a socket."""
    assert site.export(site.image(RUST, PLAIN, "anna", "bert")).code == 0
    code = (
        "import sys\n"
        "from airgap.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as e: status = e.code\n"
        "print(status, sorted({'urllib3', 'ssl', 'socket', 'http.client', 'airgap.sources'}"
        " & set(sys.modules)), file=sys.stderr)\n"
    )
    for line in (["--version"], site.verify_line(), site.import_line()):
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, line)],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert done.stderr == b"0 []\n"


def test_what_was_pulled_is_not_pulled_again(site: Site, registry: Registry, impatient: None) -> None:
    """A registry that goes away in the middle of a large export: the same command goes on when it is back."""
    noise = random.Random(5)
    # Of each layer there is more than what is still on its way to the file when the next one fails.
    large = forge.image([Layer({f"bin/{n}": noise.randbytes(20_000_000 + n)}, "none") for n in range(4)])
    source = hold(site, registry, "x", large)
    last = large.layers[-1].digest

    def fault(handler: Handler) -> bool:
        return name_of(handler) == last and status(500)(handler, b"")

    registry.faults.append(fault)
    refused = site.export(source, "--plain-http", "--jobs", 1)
    assert refused.kinds == ["registry-unreachable"], refused
    assert "goes on from there" in refused.json["hint"]
    assert not site.bundle.exists()
    registry.faults.clear()
    before = registry.counts
    exported = site.export(source, "--plain-http")
    assert exported.code == 0, exported
    again = {layer.digest for layer in large.layers if registry.counts[layer.digest] > before[layer.digest]}
    assert large.layers[0].digest not in again
    assert large.layers[1].digest not in again
    assert last in again
    assert any(note.startswith("went on") for note in exported.json["notes"])
    made = site.bundle.read_bytes()
    site.bundle.unlink()
    assert site.export(source, "--plain-http").code == 0
    assert site.bundle.read_bytes() == made
    assert litter(site.folder) == []
