"""Export from real registries and stores: skopeo brings the images there, and reads them again on the other side."""

from __future__ import annotations

import base64
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import forge
import pytest
import zstandard
from forge import Layer, Sample
from forge.images import OCI, Blob, to_json

from airgap.oci.descriptor import OCI_INDEX
from tests.cli.site import Site, blobs, index
from tests.engines import registry as registries
from tests.engines.registry import PASSWORD, USER, Line, TokenServer, put
from tests.engines.tools import CONTENT, REF, Tools

pytestmark = pytest.mark.engines

NOISE = random.Random(3).randbytes(2_000_000)
NAME = "docker.io/stagex/x"


def layers(compression: str = "gzip") -> list[Layer]:
    return [Layer({"bin/one": NOISE[:900_000]}, compression), Layer({"bin/two": NOISE[900_000:]}, compression)]


def with_zstd(found: Sample) -> Sample:
    """The same image with its raw layers as zstd."""
    packed = tuple(Blob(f"{OCI}layer.v1.tar+zstd", zstandard.compress(layer.data)) for layer in found.layers)
    document = json.loads(found.root.data)
    document["layers"] = [blob.descriptor() for blob in packed]
    root = Blob(found.root.media_type, to_json(document))
    return Sample(root, ((found.manifests[0][0], root),), found.configs, packed)


def nested(inner: Sample) -> Sample:
    """StageX's own form: an index in an index."""
    value = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [inner.root.descriptor()]}
    others = (*inner.others, inner.root)
    return Sample(
        Blob(OCI_INDEX, to_json(value)), inner.manifests, inner.configs, inner.layers, inner.attestations, others
    )


GZIP = forge.image(layers())
RAW = forge.image(layers("none"))
INDEX = forge.image_index([GZIP, forge.image(layers("none"), platform="linux/arm64")], attestations=True)
DOCKER = forge.image(layers(), docker=True)
SHAPES = {
    "gzip": GZIP,
    "zstd": with_zstd(RAW),
    "raw": RAW,
    "index": INDEX,
    "nested": nested(INDEX),
    "docker": DOCKER,
    "docker list": forge.image_index([DOCKER], docker=True),
}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path / "site")
    assert site.init().code == 0
    return site


@pytest.fixture
def host(tools: Tools) -> Iterator[str]:
    tools.require("docker-registry", "skopeo")
    with registries.serving(tools.folder / "registry") as host:
        yield host


def source(host: str, reference: str = ":v1") -> str:
    return f"{NAME}=docker://{host}/stagex/x{reference}"


def carried(site: Site, found: Sample, *line: object) -> None:
    """Sign, export and import; the digest is the same in the end."""
    site.sign(NAME, found.digest, "anna", "bert")
    exported = site.export(*line, "--plain-http")
    assert exported.code == 0, exported
    imported = site.import_()
    assert imported.code == 0, imported
    assert [one["digest"] for one in imported.json["loaded"]] == [found.digest]


@pytest.mark.parametrize("shape", SHAPES)
def test_digests_are_the_same_at_both_ends(tools: Tools, site: Site, host: str, shape: str) -> None:
    found = SHAPES[shape]
    put(host, "stagex/x", found, "v1")
    at_registry = tools.raw_digest(f"docker://{host}/stagex/x:v1", "--tls-verify=false")
    assert at_registry == found.digest
    carried(site, found, source(host))
    assert blobs(site.out) == found.blobs
    assert index(site.out) == {NAME: at_registry}
    if not shape.startswith("docker"):  # skopeo does not read docker's media types from a layout
        assert tools.raw_digest(f"oci:{site.out}:{NAME}") == at_registry


def test_an_image_that_skopeo_pushed(tools: Tools, site: Site, host: str) -> None:
    target = f"docker://{host}/stagex/x:v1"
    tools.skopeo("copy", "--dest-tls-verify=false", f"oci:{tools.by_umoci()}:{REF}", target)
    digest = tools.raw_digest(target, "--tls-verify=false")
    site.sign(NAME, digest, "anna", "bert")
    assert site.export(source(host), "--plain-http").code == 0
    assert site.import_().code == 0
    assert tools.raw_digest(f"oci:{site.out}:{NAME}") == digest
    assert tools.unpacked(site.out, NAME) == CONTENT


def log_in(site: Site, host: str, monkeypatch: pytest.MonkeyPatch, password: str = PASSWORD) -> None:
    entry = {"auth": base64.b64encode(f"{USER}:{password}".encode()).decode()}
    (site.folder / "auth.json").write_text(json.dumps({"auths": {host: entry}}))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(site.folder / "auth.json"))


def test_basic_auth(tools: Tools, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    tools.require("docker-registry")
    folder = tools.folder / "registry"
    folder.mkdir(parents=True)
    with registries.serving(folder, registries.basic_auth(folder)) as host:
        put(host, "stagex/x", GZIP, "v1", authorization=registries.BASIC)
        site.sign(NAME, GZIP.digest, "anna", "bert")
        monkeypatch.setenv("REGISTRY_AUTH_FILE", str(site.folder / "none.json"))
        refused = site.export(source(host), "--plain-http")
        assert (refused.code, refused.kinds) == (50, ["registry-denied"])
        log_in(site, host, monkeypatch, "wrong")
        refused = site.export(source(host), "--plain-http")
        assert (refused.code, refused.kinds) == (50, ["registry-denied"])
        log_in(site, host, monkeypatch)
        carried(site, GZIP, source(host))


def test_token_auth(tools: Tools, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    tools.require("docker-registry")
    folder = tools.folder / "registry"
    folder.mkdir(parents=True)
    with TokenServer(folder).serving() as tokens, registries.serving(folder, tokens.auth) as host:
        put(host, "stagex/x", INDEX, "v1", authorization=f"Bearer {tokens.token(['repository:stagex/x:pull,push'])}")
        monkeypatch.setenv("REGISTRY_AUTH_FILE", str(site.folder / "none.json"))
        refused = site.export(source(host), "--plain-http")
        assert (refused.code, refused.kinds) == (50, ["registry-denied"])
        log_in(site, host, monkeypatch)
        # The password is the registry's, and goes to the token server that the registry names.
        carried(site, INDEX, source(host))
        assert set(tokens.scopes) == {"repository:stagex/x:pull"}


def test_a_line_that_breaks_again_and_again(site: Site, host: str) -> None:
    """Each connection carries 300 kB, the larger layer has over a megabyte."""
    put(host, "stagex/x", GZIP, "v1")
    with Line(host, 300_000).open() as near:
        carried(site, GZIP, source(near))


def test_a_slow_line(site: Site, host: str) -> None:
    put(host, "stagex/x", GZIP, "v1")
    with Line(host, 10**9, pause=0.01).open() as near:
        carried(site, GZIP, source(near))


def test_a_line_that_carries_too_little(site: Site, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the first line of an answer gets through."""
    monkeypatch.setattr("airgap.registry.client.time.sleep", lambda _: None)
    put(host, "stagex/x", GZIP, "v1")
    site.sign(NAME, GZIP.digest, "anna", "bert")
    with Line(host, 10).open() as near:
        refused = site.export(source(near), "--plain-http")
    assert (refused.code, refused.kinds) == (50, ["registry-unreachable"])


@pytest.mark.parametrize("which", ["manifest", "config", "layer"])
def test_a_registry_whose_disk_was_changed(tools: Tools, site: Site, host: str, which: str) -> None:
    """It serves other bytes under the digest: refused, and the error names registry, repository and digest."""
    put(host, "stagex/x", GZIP, "v1")
    site.sign(NAME, GZIP.digest, "anna", "bert")
    blob = {"manifest": GZIP.root, "config": GZIP.configs[0], "layer": GZIP.layers[0]}[which]
    (file,) = (tools.folder / "registry").rglob(f"sha256/{blob.digest[7:9]}/{blob.digest[7:]}/data")
    file.write_bytes(blob.data[:-1] + bytes([blob.data[-1] ^ 1]))
    refused = site.export(source(host, f"@{GZIP.digest}"), "--plain-http")
    if which == "manifest":  # the registry notices by itself that its manifest is another one
        assert refused.code in (20, 50)
    else:
        assert (refused.code, refused.kinds) == (20, ["blob-differs"])
        assert f"{host}/stagex/x: blob {blob.digest}" in refused.messages
    assert not site.bundle.exists()


class TestContainersStorage:
    @pytest.fixture(autouse=True)
    def temporary(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """However an export ends, nothing is left of the copy that skopeo made."""
        folder = tmp_path / "temporary"
        folder.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        yield
        assert list(folder.iterdir()) == []

    def store(self, tools: Tools, found: Sample) -> str:
        layout = tools.folder / "layout"
        forge.write_layout(layout, {REF: found})
        name = f"containers-storage:[vfs@{tools.folder}/storage+{tools.folder}/run]{NAME}:1"
        tools.skopeo("copy", "--preserve-digests", f"oci:{layout}:{REF}", name)
        return name

    def test_an_image_whose_layers_are_kept(self, tools: Tools, site: Site) -> None:
        name = self.store(tools, RAW)
        carried(site, RAW, f"{NAME}={name}")

    def test_an_image_whose_layers_were_unpacked(self, tools: Tools, site: Site) -> None:
        """The storage keeps no gzip layers: said before anything is written, with what to use instead."""
        name = self.store(tools, GZIP)
        site.sign(NAME, GZIP.digest, "anna", "bert")
        refused = site.export(f"{NAME}={name}")
        assert (refused.code, refused.kinds) == (50, ["digest-not-kept"])
        assert "docker://" in refused.json["hint"]
        assert not site.bundle.exists()

    def test_an_image_that_is_not_there(self, tools: Tools, site: Site) -> None:
        name = self.store(tools, RAW)
        refused = site.export(f"{NAME}={name.replace('stagex/x', 'stagex/other')}")
        assert (refused.code, refused.kinds) == (50, ["source-not-found"])

    def test_without_skopeo(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(site.folder))
        refused = site.export(f"containers-storage:{NAME}:1")
        assert (refused.code, refused.kinds) == (70, ["program-not-found"])


def test_a_docker_archive_of_the_older_form(tools: Tools, site: Site) -> None:
    archive = tools.folder / "docker.tar"
    tools.skopeo("copy", f"oci:{tools.by_umoci()}:{REF}", f"docker-archive:{archive}:{NAME}:1")
    refused = site.export(f"{NAME}=docker-archive:{archive}")
    assert (refused.code, refused.kinds) == (50, ["digest-not-kept"])
    assert "docker://" in refused.json["hint"]
