"""policy write: real skopeo and podman take what a quorum signed, and refuse everything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.site import AT, RUST, run
from tests.engines.daemons import Podman, Registry
from tests.engines.forms import one, pair
from tests.engines.gpg import Gpg
from tests.engines.place import PATH, Place, accepted
from tests.engines.registry import put
from tests.engines.tools import Tools

pytestmark = pytest.mark.engines

OTHER = "docker.io/stagex/other:1.0"


@pytest.fixture
def place(tmp_path: Path, gpg: Gpg, registry: Registry, tools: Tools) -> Place:
    return Place(tmp_path / "site", gpg, registry, tools)


def test_skopeo(place: Place) -> None:
    good, tagged, later = one("good"), one("tagged"), one("later")
    place.carry([(RUST, good, ["bert", "carl", "dora"]), (OTHER, tagged, ["carl", "dora"])])
    result = place.write()
    assert result.code == 0, result
    assert {row["reference"]: row["people"] for row in result.json["images"]} == {
        RUST: ["bert", "carl"],
        OTHER: ["carl", "dora"],
    }
    assert accepted(place.copy(f"pallet-rust@{good.digest}"))
    assert accepted(place.copy("other:1.0"))
    assert accepted(place.copy(f"other@{tagged.digest}"))

    # Imported later: not named yet, so refused, although it is signed.
    place.carry([("docker.io/stagex/later", later, ["bert", "carl"])])
    assert not accepted(place.copy(f"later@{later.digest}"))

    # One of the two people is missing: several signedBy mean AND.
    first, second = place.signatures(good, "pallet-rust")
    kept = second.read_bytes()
    second.unlink()
    assert not accepted(place.copy(f"pallet-rust@{good.digest}"))
    second.write_bytes(first.read_bytes())
    assert not accepted(place.copy(f"pallet-rust@{good.digest}"))
    second.write_bytes(kept)
    assert accepted(place.copy(f"pallet-rust@{good.digest}"))

    # Somebody who may write to the registry moves a tag, or adds an image.
    evil = one("evil")
    put(place.registry.host, f"{PATH}/other", evil, "1.0")
    put(place.registry.host, f"{PATH}/pallet-rust", evil, "latest")
    assert not accepted(place.copy("other:1.0"))
    assert not accepted(place.copy(f"other@{evil.digest}"))
    assert not accepted(place.copy("pallet-rust:latest"))
    assert not accepted(place.copy(f"pallet-rust@{evil.digest}"))


def test_podman_pull(place: Place, podman: Podman) -> None:
    """With the files where podman looks for them."""
    good, evil = one("good"), one("evil")
    place.carry([(RUST, good, ["bert", "dora"])])
    assert place.write().code == 0
    put(place.registry.host, f"{PATH}/pallet-rust", evil, "evil")
    place.bind(podman)

    place.pull(podman, f"pallet-rust@{good.digest}")
    assert list(podman.held().values()) == [good.digest]
    for name in (":evil", f"@{evil.digest}"):
        with pytest.raises(AssertionError, match="Source image rejected"):
            place.pull(podman, f"pallet-rust{name}")
    assert list(podman.held().values()) == [good.digest]

    # podman load asks the same policy, and archives have no signatures.
    line = ["--trust", place.site.trust, "--store", place.site.store, "--at", AT, "--format", "json", "--to", "podman"]
    refused = run("import", place.site.bundle, *line, env=podman.env)
    assert (refused.code, refused.kinds) == (60, ["engine-failed"])
    assert "rejected by policy" in refused.messages
    place.folder = place.folder.with_name("second")
    written = place.write("--accept-unsigned-archives")
    assert written.json["overrides"] == ["accept-unsigned-archives"]
    assert "any archive" in written.errors
    place.bind(podman)
    assert run("import", place.site.bundle, *line, env=podman.env).code == 0


def test_a_list_that_was_signed_as_one(place: Place) -> None:
    """containers/image asks for signatures of each manifest that it copies: no policy would let it in."""
    found = pair("two")
    place.carry([(RUST, found, ["bert", "carl"])])
    result = place.write()
    assert result.code == 0
    assert result.json["images"] == []
    assert "index is signed" in result.json["refused"][0]["why"]
    place.folder = place.folder.with_name("second")
    assert "It lets in 0 of 1 images" in place.write("--format", "text").text
    assert not accepted(place.copy(f"pallet-rust@{found.digest}"))


class TestWhatCannotBeSaid:
    def test_detached(self, place: Place) -> None:
        """It counts for us; containers/image reads signed messages only, so the policy refuses and says so."""
        found = one("good")
        place.carry([(RUST, found, ["bert", "carl"])], detached=True)
        result = place.write()
        assert result.code == 0
        assert result.json["images"] == []
        (row,) = result.json["refused"]
        assert row["digest"] == found.digest
        assert "0 of 2 needed signatures" in row["why"]
        assert not accepted(place.copy(f"pallet-rust@{found.digest}"))

    def test_a_subkey(self, place: Place) -> None:
        """anna signs with a subkey: chosen last, since old versions refuse it."""
        found, only = one("good"), one("only")
        place.carry([(RUST, found, ["anna", "bert", "carl"]), (OTHER, only, ["anna", "bert"])])
        result = place.write()
        rows: dict[str, Any] = {row["reference"]: row for row in result.json["images"]}
        assert rows[RUST]["people"] == ["bert", "carl"]
        assert rows[OTHER]["people"] == ["bert", "anna"]
        assert accepted(place.copy(f"pallet-rust@{found.digest}"))


def test_the_folder_is_new(place: Place) -> None:
    place.carry([(RUST, one("good"), ["bert", "carl"])])
    assert place.write().code == 0
    again = place.write()
    assert (again.code, again.kinds) == (70, ["output-exists"])
    assert place.write("--registry", "registry").code == 2


def test_who_is_below_quorum_now_is_not_named(place: Place) -> None:
    """A key was revoked since: the image is refused, and the exit status says that something is wrong."""
    found = one("good")
    place.carry([(RUST, found, ["bert", "carl"])])
    assert run("trust", "revoke", "--trust", place.site.trust, "carl", "--yes").code == 0
    result = place.write()
    assert (result.code, result.kinds) == (30, ["quorum-not-met"])
    assert result.json["images"] == []
    assert [row["digest"] for row in result.json["refused"]] == [found.digest]
    assert json.loads((place.folder / "policy.json").read_bytes())["default"] == [{"type": "reject"}]
    assert not accepted(place.copy(f"pallet-rust@{found.digest}"))
