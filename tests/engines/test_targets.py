"""import --to: real engines hold afterwards what was signed, and nothing after a refusal."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import forge
import pytest
from forge import Layer

from tests.cli.contract import check_verdict
from tests.cli.site import AT, RUST, Result, Site, run, snapshot
from tests.engines.daemons import Containerd, Docker, Podman
from tests.engines.forms import one, pair
from tests.engines.matrix import CONFIG, CONTAINERD, DOCKER, FORMS, PODMAN, REASONS, REFUSED, reported
from tests.engines.matrix import carry as carry_form
from tests.engines.wrappers import wrap

pytestmark = pytest.mark.engines

HOST = "linux/amd64"
COLUMNS = {"podman": PODMAN, "docker": DOCKER, "containerd": CONTAINERD}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path / "site")
    assert site.init().code == 0
    return site


@pytest.fixture(params=["podman", "docker", "containerd"])
def engine(request: pytest.FixtureRequest) -> Podman | Docker | Containerd:
    found: Podman | Docker | Containerd = request.getfixturevalue(request.param)
    return found


def load(site: Site, *engines: Podman | Docker | Containerd, more: tuple[str, ...] = ()) -> Result:
    env = {name: value for engine in engines for name, value in engine.env.items()}
    to = [text for engine in engines for text in ("--to", engine.name)]
    line = ["--trust", site.trust, "--store", site.store, "--at", AT, "--format", "json"]
    return run("import", site.bundle, *line, *to, *more, env=env)


def carry(site: Site, *images: tuple[str, forge.Sample]) -> None:
    sources = [site.image(reference, found, "anna", "bert") for reference, found in images]
    exported = site.export(*sources)
    assert exported.code == 0, exported


def config_of(found: forge.Sample) -> str:
    """The digest of the configuration for this machine."""
    manifest = dict(found.manifests)[HOST]
    digest: str = json.loads(manifest.data)["config"]["digest"]
    return digest


@pytest.mark.parametrize("form", FORMS)
def test_every_form(form: str, engine: Podman | Docker | Containerd, site: Site) -> None:
    found = carry_form(site, form)
    result = load(site, engine)
    column = COLUMNS[kind_of(engine)]
    if reported(form, column) == REFUSED:
        assert result.code == 60, result
        assert [f"`{kind}`" for kind in result.kinds] == [REFUSED]
        assert REASONS[form, column] in result.messages
        assert engine.held() == {}
        assert not site.store.exists()
        return
    assert result.code == 0, result
    check_verdict(result.json, 0)
    (row,) = result.json["loaded"]
    assert row["digest"] == found.digest
    assert row["replaced"] is None
    if reported(form, column) == CONFIG:
        assert (row["identity"], row["reported"]) == ("config", config_of(found))
        assert engine.held() == {f"{RUST}:{found.digest.replace(':', '-')}": config_of(found)}
    else:
        assert (row["identity"], row["reported"]) == ("manifest", found.digest)
        assert engine.held() == {f"{RUST}@{found.digest}": found.digest}
    assert row["name"] in engine.held()
    if isinstance(engine, Containerd):
        assert {digest: engine.content(digest) for digest in found.blobs} == found.blobs
    again = load(site, engine)
    assert again.code == 0, again
    assert again.json["loaded"] == [row]


OTHER = "docker.io/stagex/other:1.0"
PROGRAM = {"podman": "podman", "docker": "docker", "containerd": "ctr"}
COMMAND = {"podman": "load", "docker": "load", "containerd": "import"}


def kind_of(engine: Podman | Docker | Containerd) -> str:
    return engine.name.partition(":")[0]


def own_digest(engine: Podman | Docker | Containerd, found: forge.Sample) -> str:
    """By what this engine names an image."""
    return config_of(found) if isinstance(engine, Docker) else found.digest


class TestTags:
    def test_a_tag_that_was_asked_for(self, engine: Podman | Docker | Containerd, site: Site) -> None:
        found = one("tagged")
        carry(site, (OTHER, found))
        result = load(site, engine)
        assert result.code == 0, result
        assert result.json["loaded"][0]["name"] == OTHER
        assert engine.held()[OTHER] == own_digest(engine, found)

    def test_a_tag_does_not_move(self, engine: Podman | Docker | Containerd, site: Site) -> None:
        first, second = one("first"), pair("second")
        carry(site, (OTHER, first))
        assert load(site, engine).code == 0
        before, store = engine.held(), snapshot(site.store)
        carry(site, (OTHER, second), (RUST, one("rust")))
        refused = load(site, engine)
        assert (refused.code, refused.kinds) == (60, ["tag-elsewhere"]), refused
        assert OTHER in refused.messages
        assert engine.held() == before
        assert snapshot(site.store) == store

        moved = load(site, engine, more=("--allow-retag",))
        assert moved.code == 0, moved
        row = next(row for row in moved.json["loaded"] if row["name"] == OTHER)
        assert row["replaced"] == own_digest(engine, first)
        assert engine.held()[OTHER] == own_digest(engine, second)
        assert not [name for name in engine.held() if "airgap" in name]

    def test_a_tag_that_moved_goes_back(self, engine: Podman | Docker | Containerd, site: Site) -> None:
        """The tag moves, a later image fails, and all is as it was."""
        first, second = one("first"), one("second")
        carry(site, (OTHER, first))
        assert load(site, engine).code == 0
        before, count = engine.held(), engine.image_count()
        carry(site, (OTHER, second), ("docker.io/stagex/zz", one("last")))
        counter = site.folder / "count"
        action = f"echo >> {counter}; if [ $(wc -l < {counter}) = 2 ]; then cat >/dev/null; echo broken >&2; exit 9; fi"
        env = wrap(site.folder / "bin", PROGRAM[kind_of(engine)], COMMAND[kind_of(engine)], action)
        engine.env |= env
        refused = load(site, engine, more=("--allow-retag",))
        assert (refused.code, refused.kinds) == (60, ["engine-failed"]), refused
        assert "broken" in refused.messages
        assert "taken back" not in refused.messages
        assert engine.held() == before
        assert engine.image_count() == count


LIES = {
    "it loads nothing and says that it did": 'cat >/dev/null; echo "Loaded image: {name}"; exit 0',
    "it loads nothing and says nothing": "cat >/dev/null; exit 0",
    "it loads another image": "cat >/dev/null; exec $REAL {line} < {other}",
    "it loads another image under that name": "cat >/dev/null; exec $REAL {line} < {renamed}",
    "it loads the image and fails": '"$REAL" "$@"; exit 1',
    "it loads half": 'head -c 3000 | "$REAL" "$@"; exit 0',
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_engine(lie: str, engine: Podman | Docker | Containerd, site: Site) -> None:
    kind, found, other = kind_of(engine), one("good"), one("evil")
    name = f"{RUST}:{found.digest.replace(':', '-')}" if kind == "docker" else f"{RUST}@{found.digest}"
    tag = OTHER if kind == "podman" else name  # podman compares a name with a digest itself
    carry(site, (tag if kind == "podman" else RUST, found))
    archive(site.folder / "other.tar", other, "docker.io/evil/image:1")
    archive(site.folder / "renamed.tar", other, tag)
    line = {"podman": "load", "docker": "load", "containerd": "-n k8s.io images import --all-platforms -"}[kind]
    action = LIES[lie].format(
        name=name, line=line, other=site.folder / "other.tar", renamed=site.folder / "renamed.tar"
    )
    engine.env |= wrap(site.folder / "bin", PROGRAM[kind], COMMAND[kind], action)
    result = load(site, engine)
    assert result.code == 60, result
    assert result.kinds[0] in ("engine-digest-differs", "engine-failed")
    assert "taken back" not in result.messages
    check_verdict(result.json, 60)
    assert result.json["loaded"] == []
    assert engine.held() == {}
    assert engine.image_count() == 0


def archive(path: Path, found: forge.Sample, name: str) -> None:
    """An image as anybody would hand it to an engine: for docker, too."""
    manifest = json.loads(found.root.data)
    layers = [f"blobs/sha256/{layer['digest'][7:]}" for layer in manifest["layers"]]
    config = f"blobs/sha256/{manifest['config']['digest'][7:]}"
    marks = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}
    documents = {
        "oci-layout": {"imageLayoutVersion": "1.0.0"},
        "index.json": {"schemaVersion": 2, "manifests": [found.root.descriptor(annotations=marks)]},
        "manifest.json": [{"Config": config, "RepoTags": [name], "Layers": layers}],
    }
    with tarfile.open(path, "w") as out:
        members = {key: json.dumps(value).encode() for key, value in documents.items()}
        members |= {f"blobs/sha256/{digest[7:]}": data for digest, data in found.blobs.items()}
        for member, data in members.items():
            info = tarfile.TarInfo(member)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))


def test_a_damaged_store_is_noticed_while_the_engine_reads(engine: Podman | Docker | Containerd, site: Site) -> None:
    """The disk changes after the import verified everything: the engine gets no end, and nothing stays."""
    found = one("good")
    carry(site, (RUST, found))
    blob = site.store / "blobs" / "sha256" / found.layers[0].digest[7:]
    flip = f"printf X | dd of={blob} bs=1 seek=30 conv=notrunc 2>/dev/null"
    list_ = {"podman": "images", "docker": "images", "containerd": "ls"}[kind_of(engine)]
    engine.env |= wrap(site.folder / "bin", PROGRAM[kind_of(engine)], list_, f"[ -e {blob} ] && {flip}")
    result = load(site, engine)
    assert (result.code, result.kinds) == (20, ["blob-differs"]), result
    assert engine.held() == {}
    assert engine.image_count() == 0


@pytest.mark.parametrize("engine", ["docker", "containerd"], indirect=True)
def test_an_engine_killed_in_the_middle(engine: Docker | Containerd, site: Site) -> None:
    """It says so, and that it could not be asked again; a second import is whole."""
    found = one("good")
    carry(site, (RUST, found))
    assert engine.process is not None
    action = f"head -c 2000 >/dev/null; kill -9 {engine.process.pid}; exec $REAL $* </dev/null"
    real = dict(engine.env)
    engine.env |= wrap(site.folder / "bin", PROGRAM[kind_of(engine)], COMMAND[kind_of(engine)], action)
    result = load(site, engine)
    assert (result.code, result.kinds) == (60, ["engine-failed"]), result
    assert "could not be taken back" in result.messages
    engine.stop()
    engine.start_up()
    engine.env = real
    assert load(site, engine).code == 0
    assert list(engine.held().values()) == [own_digest(engine, found)]


class TestSeveral:
    def test_images_and_targets(self, podman: Podman, docker: Docker, containerd: Containerd, site: Site) -> None:
        images = [(f"docker.io/stagex/i{n}", one(f"image {n}")) for n in range(3)]
        carry(site, *images)
        result = load(site, podman, docker, containerd, more=("--to", f"oci:{site.out}"))
        assert result.code == 0, result
        check_verdict(result.json, 0)
        assert [(row["target"], row["reference"]) for row in result.json["loaded"]] == [
            (target, name)
            for target in ("podman", "docker", "containerd:k8s.io", f"oci:{site.out}")
            for name, _ in images
        ]
        for engine in (podman, docker, containerd):
            assert sorted(engine.held().values()) == sorted(own_digest(engine, found) for _, found in images)

    def test_the_last_target_fails(self, podman: Podman, docker: Docker, containerd: Containerd, site: Site) -> None:
        """What the others took in during this run is taken out; what they had stays."""
        carry(site, (RUST, one("before")))
        assert load(site, podman, docker, containerd, more=("--to", f"oci:{site.out}")).code == 0
        everyone = (podman, docker, containerd)
        before, out = [(engine.held(), engine.image_count()) for engine in everyone], snapshot(site.out)
        carry(site, ("docker.io/stagex/new", one("new")), (RUST, one("before")))
        containerd.env |= wrap(site.folder / "bin", "ctr", "import", "cat >/dev/null; exit 0")
        result = load(site, podman, docker, containerd)
        assert (result.code, result.kinds) == (60, ["engine-digest-differs"]), result
        assert result.json["loaded"] == []
        assert [(engine.held(), engine.image_count()) for engine in everyone] == before
        assert snapshot(site.out) == out

    def test_one_engine_is_not_there(self, podman: Podman, site: Site) -> None:
        """Preflight: before anything is read or written."""
        carry(site, (RUST, one("new")))
        gone = Docker(site.folder / "gone")
        gone.env = {"DOCKER_HOST": f"unix://{site.folder}/nobody.sock"}
        result = load(site, podman, gone)
        assert (result.code, result.kinds) == (60, ["engine-unreachable"]), result
        assert podman.held() == {}
        assert not site.store.exists()


def test_a_single_image_for_another_platform(engine: Podman | Docker | Containerd, site: Site) -> None:
    found = one("arm", platform="linux/arm64")
    carry(site, (RUST, found))
    assert load(site, engine).code == 0
    assert engine.image_count() == 1


def test_one_configuration_packed_twice(engine: Podman | Docker | Containerd, site: Site) -> None:
    """podman and docker hold both under one id; each digest is still found, and only ours is taken out."""
    first = one("same")
    second = forge.image([Layer({"bin/sample": b"same" * 50}, "none"), Layer({"etc/motd": b"same"}, "none")])
    assert config_of(first) == config_of(second)
    carry(site, (RUST, first))
    assert load(site, engine).code == 0
    before = engine.held()
    carry(site, (RUST, second))
    assert load(site, engine).code == 0
    assert set(engine.held()) > set(before)
