"""import --to with stand-ins for podman, docker and ctr: what they lie about, and what real ones here cannot be."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import forge
import pytest

from tests.cli.contract import check_verdict
from tests.cli.site import RUST, Site, litter
from tests.engines.forms import foreign, forms, one, pair
from tests.engines.matrix import DOCKER_ON_CONTAINERD, FORMS, MANIFEST, reported
from tests.engines.matrix import carry as carry_form
from tests.engines.stand_ins import EVIL, LIES, OTHER, SAID, TARGETS, Fake


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path / "site")
    assert site.init().code == 0
    return site


@pytest.fixture
def engines(tmp_path: Path) -> Fake:
    return Fake(tmp_path / "bin")


@pytest.fixture(params=TARGETS)
def program(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def carry(site: Site, *images: tuple[str, Any]) -> None:
    assert site.export(*(site.image(reference, found, "anna", "bert") for reference, found in images)).code == 0


def command(program: str) -> str:
    return "import" if program == "ctr" else "load"


def test_good(program: str, engines: Fake, site: Site) -> None:
    carry(site, (RUST, one("good")))
    result = engines.load(site, TARGETS[program])
    assert result.code == 0, result
    check_verdict(result.json, 0)
    assert [row["identity"] for row in result.json["loaded"]] == ["config" if program == "docker" else "manifest"]


@pytest.mark.parametrize("lie", LIES)
def test_lies(lie: str, program: str, engines: Fake, site: Site) -> None:
    carry(site, (OTHER, one("good")))
    prefix = "" if program == "podman" else "sha256:"
    mine = {"id": f"{prefix}{'b' * 64}", "digest": f"sha256:{'b' * 64}", "names": ["docker.io/stagex/mine:1"]}
    before = [mine]
    said = SAID[program].format("docker.io/evil/x:1")
    text = json.dumps(LIES[lie]).replace("{name}", OTHER).replace(f'"{EVIL}"', f'"{prefix}{EVIL}"')
    engines.state = engines.state | {"images": before}
    lies: dict[str, Any] = {command(program): json.loads(text.replace('"{said}"', json.dumps(said)))}
    engines.lie(**lies)
    result = engines.load(site, TARGETS[program])
    assert result.code == 60, result
    assert result.kinds[0] in ("engine-digest-differs", "engine-failed")
    assert "taken back" not in result.messages
    assert [image for image in engines.state["images"] if image["names"]] == before
    assert not litter(site.folder)


def test_what_appeared_meanwhile_stays_and_is_told(program: str, engines: Fake, site: Site) -> None:
    """An engine that loads something else and does not say so: it might be anybody's."""
    carry(site, (OTHER, one("good")))
    prefix = "" if program == "podman" else "sha256:"
    engines.lie(**{command(program): {"stdin": -1, "put": [["docker.io/evil/x:1", prefix + EVIL, f"sha256:{EVIL}"]]}})
    result = engines.load(site, TARGETS[program])
    assert (result.code, result.kinds) == (60, ["engine-digest-differs"])
    assert "docker.io/evil/x:1 appeared there meanwhile" in result.messages
    assert result.json["errors"][0]["facts"]["left"]
    assert list(engines.names) == ["docker.io/evil/x:1"]


GARBAGE = ["", "{", "[]", "{}", '[{"Id": "x"}]', "\x00\xff", '[{"Id":"../..","Names":7}]']
QUESTIONS = [
    *(("podman", question) for question in ("info", "inspect", "images")),
    *(("docker", question) for question in ("version", "info", "images")),
    *(("ctr", question) for question in ("version", "images ls", "content ls")),
]


FITS: set[tuple[str, ...]] = {
    ("ctr", "version"),  # only that it answers counts
    ("podman", "images", "[]"),  # nothing was there before: true
    ("podman", "images", '[{"Id": "x"}]'),  # an image without a name
}


@pytest.mark.parametrize("answer", GARBAGE)
@pytest.mark.parametrize(("program", "question"), QUESTIONS)
def test_answers_that_are_none(program: str, question: str, answer: str, engines: Fake, site: Site) -> None:
    """Never accepted, never a crash."""
    carry(site, (OTHER, one("good")))
    engines.lie(**{question: {"out": answer}})
    result = engines.load(site, TARGETS[program])
    assert any(question in call for call in engines.state["calls"])
    if (program, question) in FITS or (program, question, answer) in FITS:
        assert result.code == 0, result
        assert OTHER in engines.names
    else:
        assert (result.code, set(result.kinds)) in [
            (60, {"engine-failed"}),
            (60, {"engine-unreachable"}),
            (60, {"engine-digest-differs"}),
        ], result


def test_no_such_program(program: str, site: Site, tmp_path: Path) -> None:
    carry(site, (RUST, one("good")))
    nobody = Fake(tmp_path / "bin")
    (nobody.folder / program).unlink()
    result = nobody.load(site, TARGETS[program])
    assert (result.code, result.kinds) == (60, ["engine-unreachable"])
    assert f"{program} is not installed" in result.messages
    assert not site.store.exists()


def test_an_engine_that_does_not_answer(program: str, engines: Fake, site: Site) -> None:
    carry(site, (RUST, one("good")))
    away = {"status": 1, "err": "Cannot connect to the \x1b[31mdaemon"}
    engines.lie(info=away, version=away)
    result = engines.load(site, TARGETS[program])
    assert (result.code, result.kinds) == (60, ["engine-unreachable"])
    assert "Cannot connect" in result.messages
    assert not site.store.exists()
    assert engines.names == {}


class TestDocker:
    """Forms of docker that are not installed here."""

    @pytest.mark.parametrize("form", FORMS)
    def test_with_the_image_store_of_containerd(self, form: str, engines: Fake, site: Site) -> None:
        """docker 25 and later: the manifest digest is kept, of every form."""
        found = carry_form(site, form)
        engines.state = engines.state | {"keeps": True, "version": "28.2.2"}
        result = engines.load(site, "docker")
        assert result.code == 0, result
        (row,) = result.json["loaded"]
        assert (row["identity"], row["reported"]) == ("manifest", found.digest)
        assert reported(form, DOCKER_ON_CONTAINERD) == MANIFEST

    def test_zstd_needs_23(self, engines: Fake, site: Site) -> None:
        carry(site, (RUST, forms()["zstd"]))
        assert engines.load(site, "docker").kinds == ["engine-cannot-hold"]
        engines.state = engines.state | {"version": "23.0.1"}
        assert engines.load(site, "docker").code == 0

    def test_variants(self, engines: Fake, site: Site) -> None:
        """The one without a variant is for all; of several with one it is not ours to choose."""
        plain, v2, v3 = (one(p, platform=p) for p in ("linux/amd64", "linux/amd64/v2", "linux/amd64/v3"))
        carry(site, (RUST, forge.image_index([v2, plain, v3])))
        assert engines.load(site, "docker").json["loaded"][0]["reported"] == plain.configs[0].digest
        shutil.rmtree(site.store)
        carry(site, (RUST, forge.image_index([v2, v3])))
        refused = engines.load(site, "docker")
        assert (refused.code, refused.kinds) == (60, ["engine-cannot-hold"])


def test_the_configuration_of_the_other_platform(engines: Fake, site: Site) -> None:
    """podman holding the arm64 image of a signed index on amd64: it is signed, but not what would run here."""
    found = pair("two")
    arm = found.configs[1].digest[7:]
    carry(site, (OTHER, found))
    engines.lie(load={"stdin": -1, "put": [[OTHER, arm, found.digest]]})
    result = engines.load(site, "podman")
    assert (result.code, result.kinds) == (60, ["engine-digest-differs"]), result
    assert engines.names == {}


def test_containerd_without_a_blob(engines: Fake, site: Site) -> None:
    """The name is there, and not all that it stands for."""
    found = one("good")
    carry(site, (RUST, found))
    engines.lie(**{"content ls": {"out": f"{found.digest}\n"}})
    result = engines.load(site, "containerd")
    assert (result.code, result.kinds) == (60, ["engine-digest-differs"])
    assert "1 of the 4 blobs" in result.messages
    assert engines.names == {}


def test_too_little_space(program: str, engines: Fake, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    carry(site, (RUST, one("good")))
    from airgap.engines import client

    asked: list[Path] = []

    def little(path: Path) -> int:
        asked.append(path)
        return 10

    monkeypatch.setattr(client, "free_space", little)
    host = os.uname().nodename
    info = {"host": {"os": "linux", "arch": "amd64", "hostname": host}, "store": {"graphRoot": "/"}}
    docker = {"Name": host, "DockerRootDir": "/"}
    plugins = "Exports:\n   root      /var/x/io.containerd.content.v1.content\n"
    engines.lie(info={"out": json.dumps(docker if program == "docker" else info)}, plugins={"out": plugins})
    result = engines.load(site, TARGETS[program])
    assert (result.code, result.kinds) == (70, ["disk-full"]), result
    assert asked
    assert not site.store.exists()


@pytest.mark.parametrize(
    "target",
    ["", "podman:x", "docker:", "containerd:", "containerd:a b", "containerd:--help", "containerd:-n", "oci:", "cri-o"],
)
def test_targets_that_are_none(target: str, engines: Fake, site: Site) -> None:
    carry(site, (RUST, one("good")))
    result = engines.load(site, target)
    assert (result.code, result.kinds) == (60, ["target-unsupported"])
    assert engines.state["calls"] == []


def test_environment(engines: Fake, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs get what they need to find their engine, and nothing else of ours."""
    for name in ("DOCKER_HOST", "CONTAINERD_ADDRESS", "CONTAINERS_STORAGE_CONF", "AIRGAP_HOME", "SECRET"):
        monkeypatch.setenv(name, f"value of {name}")
    seen = engines.folder / "seen"
    (engines.folder / "podman").write_text(f"#!/bin/sh\nexport > {seen}\nexit 1\n")
    carry(site, (RUST, one("good")))
    assert engines.load(site, "podman").code == 60
    text = seen.read_text()
    assert "value of DOCKER_HOST" in text
    assert "value of CONTAINERS_STORAGE_CONF" in text
    assert "SECRET" not in text
    assert "AIRGAP_HOME" not in text


def test_nothing_for_this_platform(engines: Fake, site: Site) -> None:
    carry(site, (RUST, foreign()))
    for target in ("podman", "docker"):
        assert engines.load(site, target).kinds == ["engine-cannot-hold"]
    result = engines.load(site, "containerd")
    assert result.code == 0, result
    assert any("--no-unpack" in call for call in engines.state["calls"])
