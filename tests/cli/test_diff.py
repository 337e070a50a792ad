"""`diff`: what leads from one bundle or store to another, people included; and nothing is called verified."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import forge
import pytest
from forge import Layer

from tests.cli.site import AT, BUNDLE, Result, Site, blobs, gang, heavy, run, sample, signature, snapshot
from tests.cli.stocking import TOOL, accepted

KEPT, OLD, NEW, MOVED = f"{TOOL}-kept", f"{TOOL}-old", f"{TOOL}-new:1.0", f"{TOOL}-moved:1.0"
FIRST, SECOND = "first.airgap.tar.zst", "second.airgap.tar.zst"


def moved(text: str) -> forge.Sample:
    """Two versions that share a layer."""
    return forge.image([Layer({"lib": b"shared"}), Layer({"bin": text.encode()})])


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Two bundles; the first was imported. In the second one image lost a signature, and gained another person's."""
    site = Site(tmp_path_factory.mktemp("diff"))
    assert site.init().code == 0
    kept = site.image(KEPT, sample("kept"), "anna", "bert", "carl")
    sources = [kept, site.image(OLD, sample("old"), "anna", "bert"), site.image(MOVED, moved("1"), "anna", "bert")]
    assert site.export(*sources, output=site.folder / FIRST).code == 0
    accepted(site, site.folder / FIRST)
    shutil.rmtree(site.signatures)
    kept = site.image(KEPT, sample("kept"), "anna", "dora")
    sources = [
        kept,
        site.image(NEW, sample("new"), "anna", "bert", "carl"),
        site.image(MOVED, moved("2"), "carl", "dora"),
    ]
    assert site.export(*sources, output=site.folder / SECOND).code == 0
    return site


def diff(site: Site, a: object, b: object, *arguments: object) -> Result:
    return run("diff", a, b, "--at", AT, "--format", "json", *arguments)


def judged(site: Site, a: object, b: object) -> Any:
    result = diff(site, a, b, "--trust", site.trust)
    assert result.code == 0, result
    return result.json


def octets(*images: forge.Sample) -> dict[str, int]:
    return {blob.digest: len(blob.data) for image in images for blob in (image.root, *image.configs, *image.layers)}


class TestWhatDiffers:
    @pytest.mark.parametrize("side", ["bundle", "store"])
    def test_people(self, sites: Site, side: str) -> None:
        before = snapshot(sites.folder)
        a = sites.folder / FIRST if side == "bundle" else sites.store
        found = judged(sites, a, sites.folder / SECOND)
        assert snapshot(sites.folder) == before
        assert found["schema"] == "airgap/diff/v1"
        assert found["verified"] is False
        assert found["different"] is True
        assert (found["a"]["kind"], found["b"]["kind"]) == (side, "bundle")
        assert [(one["reference"], one["signers"], one["at_threshold"]) for one in found["added"]] == [
            (NEW, ["anna", "bert", "carl"], False)
        ]
        assert [(one["reference"], one["signers"], one["at_threshold"]) for one in found["removed"]] == [
            (OLD, ["anna", "bert"], True)
        ]
        (changed,) = found["changed"]
        assert changed["reference"] == MOVED
        assert [one["digest"] for one in changed["before"]] == [moved("1").digest]
        assert [one["digest"] for one in changed["after"]] == [moved("2").digest]
        assert (changed["signers_gained"], changed["signers_lost"]) == (["carl", "dora"], ["anna", "bert"])
        (pair,) = found["common"]
        assert (pair["reference"], pair["different"]) == (KEPT, True)
        assert (pair["signers_gained"], pair["signers_lost"]) == (["dora"], ["bert", "carl"])
        assert (pair["signatures_added"], pair["signatures_removed"]) == (1, 2)
        assert pair["before"]["platforms"] == pair["after"]["platforms"] == ["linux/amd64"]
        assert (pair["before"]["at_threshold"], pair["after"]["at_threshold"]) == (False, True)

    def test_without_a_trust_root_nobody_is_named(self, sites: Site) -> None:
        result = diff(sites, sites.folder / FIRST, sites.folder / SECOND)
        assert result.code == 0
        found = result.json
        assert found["trust"] is None
        assert not {"anna", "bert", "carl", "dora"} & set(json.dumps(found).replace('"', " ").split())
        (pair,) = found["common"]
        assert (pair["signatures_added"], pair["signatures_removed"]) == (1, 2)
        assert pair["signers_lost"] is pair["after"]["signers"] is pair["after"]["quorum"] is None
        text = run("diff", sites.folder / FIRST, sites.folder / SECOND)
        assert text.lines[0].startswith("NOT VERIFIED")
        assert text.lines[-1].startswith("NOT VERIFIED")
        assert "anna" not in text.text
        assert "1 added, 2 removed" in text.text

    def test_as_text(self, sites: Site) -> None:
        text = run("diff", sites.store, sites.folder / SECOND, "--trust", sites.trust, "--at", AT).text
        assert text.startswith("NOT VERIFIED")
        for line in (
            f"+ {NEW}",
            f"- {OLD}",
            f"≠ {MOVED}",
            f"= {KEPT}",
            "now     signed by anna, dora; exactly at the threshold",
            "signers gained: dora; lost: bert, carl",
        ):
            assert line in text, (line, text)

    def test_bytes_to_carry(self, sites: Site) -> None:
        held = octets(sample("kept"), sample("old"), moved("1"))
        wanted = {digest: size for digest, size in octets(sample("new"), moved("2")).items() if digest not in held}
        for a in (sites.store, sites.folder / FIRST):
            found = judged(sites, a, sites.folder / SECOND)
            assert found["carry"] == {"blobs": len(wanted), "bytes": sum(wanted.values())}
            assert found["a"]["bytes"] == sum(held.values())
        assert len(moved("2").layers) + 2 - 1 == len(octets(moved("2")).keys() - held.keys()), "one layer is shared"

    def test_the_same(self, sites: Site) -> None:
        for a, b in ((sites.folder / FIRST, sites.store), (sites.store, sites.store)):
            found = judged(sites, a, b)
            assert found["different"] is False
            assert found["carry"] == {"blobs": 0, "bytes": 0}
            assert len(found["common"]) == 3
            assert found["added"] == found["removed"] == found["changed"] == []
            assert "THE SAME" in run("diff", a, b, "--trust", sites.trust, "--at", AT).text

    def test_there_and_back(self, sites: Site) -> None:
        there = judged(sites, sites.folder / FIRST, sites.folder / SECOND)
        back = judged(sites, sites.folder / SECOND, sites.folder / FIRST)
        assert there["added"] == back["removed"]
        assert there["removed"] == back["added"]
        assert there["changed"][0]["before"] == back["changed"][0]["after"]
        assert there["common"][0]["signers_gained"] == back["common"][0]["signers_lost"]

    def test_a_store_that_keeps_both_digests_of_a_name(self, sites: Site, tmp_path: Path) -> None:
        site = Site(tmp_path)
        shutil.copytree(sites.trust, site.trust)
        for name in (FIRST, SECOND):
            accepted(site, sites.folder / name)
        found = judged(site, sites.store, site.store)
        assert found["changed"] == []
        assert {one["digest"] for one in found["added"]} == {sample("new").digest, moved("2").digest}
        assert found["removed"] == []


class TestWhoIsCounted:
    def test_below_quorum(self, sites: Site, tmp_path: Path) -> None:
        site = Site(tmp_path)
        shutil.copytree(sites.trust, site.trust)
        assert run("trust", "revoke", "--trust", site.trust, "dora", "--yes").code == 0
        (pair,) = judged(site, sites.folder / FIRST, sites.folder / SECOND)["common"]
        assert pair["signers_gained"] == []
        assert (pair["after"]["quorum"], pair["after"]["refusal"]) == (False, "quorum-not-met")
        text = run("diff", sites.store, sites.folder / SECOND, "--trust", site.trust, "--at", AT).text
        assert "signed by anna; WOULD BE REFUSED (quorum-not-met)" in text

    def test_strangers_of_the_same_name(self, sites: Site, tmp_path: Path) -> None:
        """A bundle with its own MAINTAINERS and keyring names nobody."""
        site = Site(tmp_path, gang())
        assert site.export(site.image(KEPT, sample("kept"), "anna", "bert", "carl", "dora")).code == 0
        (pair,) = judged(sites, sites.store, site.bundle)["common"]
        assert pair["after"]["signers"] == []
        assert pair["signers_lost"] == ["anna", "bert", "carl"]
        assert pair["signatures_added"] == 4

    def test_one_person_twice_and_a_signature_for_another_image(self, sites: Site, tmp_path: Path) -> None:
        site = Site(tmp_path)
        source = site.image(KEPT, sample("kept"), "anna")
        site.put(KEPT, sample("kept").digest, signature(site.people["anna"][1], KEPT, sample("kept").digest))
        site.put(KEPT, sample("kept").digest, signature(site.people["bert"][0], KEPT, sample("old").digest))
        assert site.export(source, "--skip-preflight").code == 0
        (pair,) = judged(sites, sites.store, site.bundle)["common"]
        assert pair["after"]["signatures"] == 3
        assert pair["after"]["signers"] == ["anna"]
        assert pair["after"]["quorum"] is False

    def test_out_of_scope(self, sites: Site, tmp_path: Path) -> None:
        site = Site(tmp_path)
        assert site.init("--repository", "docker.io/other").code == 0
        found = diff(site, sites.store, sites.folder / SECOND, "--trust", site.trust).json
        assert found["added"][0]["refusal"] == "repository-out-of-scope"


class TestWhatIsRead:
    def test_no_layer_of_a_bundle(self, sites: Site, tmp_path: Path) -> None:
        """What comes after the signatures may be missing: nothing was to be learned from it."""
        site = Site(tmp_path)
        noise = forge.image([Layer({"noise": bytes(range(256)) * 40_000}, "none")])
        assert site.export(site.image(KEPT, noise, "anna", "bert")).code == 0
        data = site.bundle.read_bytes()
        whole = judged(sites, sites.store, site.bundle)
        heads = [size for size in range(1, len(data), 97) if diff(sites, sites.store, _cut(site, data, size)).code == 0]
        assert heads, "the whole bundle was needed"
        assert heads[0] < len(data)
        cut = diff(sites, sites.store, _cut(site, data, heads[0])).json
        assert cut["carry"] == whole["carry"]

    def test_no_layer_of_a_store(self, sites: Site, tmp_path: Path) -> None:
        shutil.copytree(sites.store, tmp_path / "store")
        for digest in (layer.digest for layer in moved("1").layers):
            (tmp_path / "store" / "blobs" / "sha256" / digest[7:]).unlink()
        assert judged(sites, tmp_path / "store", sites.folder / FIRST)["different"] is False

    def test_parts(self, sites: Site, tmp_path: Path) -> None:
        site = Site(tmp_path)
        assert site.export(site.image(KEPT, heavy(), "anna", "bert"), "--volume-size", "5M").code == 0
        parts = site.folder / "parts"
        parts.mkdir()
        for path in site.folder.glob(f"{BUNDLE}.0*"):
            path.rename(parts / path.name)
        assert len(list(parts.iterdir())) > 2
        found = judged(sites, sites.store, parts)
        assert found["b"]["kind"] == "bundle"
        assert found["changed"][0]["after"][0]["signers"] == ["anna", "bert"]
        assert judged(sites, parts / f"{BUNDLE}.002", parts)["different"] is False

    def test_a_pipe(self, sites: Site) -> None:
        data = (sites.folder / SECOND).read_bytes()
        result = run("diff", sites.store, "-", "--format", "json", stdin=data)
        assert result.code == 0
        assert result.json["b"]["images"] == 3
        assert run("diff", "-", "-", "--format", "json", stdin=data).code == 2

    def test_a_layout_of_another_tool(self, sites: Site, tmp_path: Path) -> None:
        forge.write_layout(tmp_path / "layout", {KEPT: sample("kept")})
        assert len(blobs(tmp_path / "layout")) == 3
        found = judged(sites, tmp_path / "layout", sites.store)
        (pair,) = found["common"]
        assert pair["before"]["refusal"] == "image-unsigned"
        assert pair["signatures_added"] == 3


def _cut(site: Site, data: bytes, size: int) -> Path:
    path = site.folder / "cut.airgap.tar.zst"
    path.write_bytes(data[:size])
    return path


class TestRefusals:
    @pytest.mark.parametrize(
        ("name", "data", "code"), [("noise", b"noise", 10), ("empty", b"", 10), ("missing", None, 70)]
    )
    def test_what_is_no_bundle(self, sites: Site, tmp_path: Path, name: str, data: bytes | None, code: int) -> None:
        path = tmp_path / name
        if data is not None:
            path.write_bytes(data)
        for pair in ((path, sites.store), (sites.store, path)):
            result = diff(sites, *pair)
            assert result.code in (code, 20), result
            assert result.json["schema"] == "airgap/error/v1"

    def test_an_empty_folder(self, sites: Site, tmp_path: Path) -> None:
        assert diff(sites, sites.store, tmp_path).code == 70

    def test_a_store_without_an_index(self, sites: Site, tmp_path: Path) -> None:
        """It is not one that holds nothing."""
        shutil.copytree(sites.store, tmp_path / "store")
        (tmp_path / "store" / "index.json").unlink()
        result = diff(sites, tmp_path / "store", sites.store)
        assert result.code == 50
        assert result.kinds == ["source-not-found"]

    def test_a_signature_that_is_not_the_listed_one(self, sites: Site, tmp_path: Path) -> None:
        """What people are counted by is hashed."""
        shutil.copytree(sites.store, tmp_path / "store")
        for path in (tmp_path / "store").rglob("signature-*"):
            data = path.read_bytes()
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        found = judged(sites, sites.store, tmp_path / "store")
        assert all(pair["after"]["signers"] == [] for pair in found["common"])

    def test_a_damaged_manifest_of_a_store(self, sites: Site, tmp_path: Path) -> None:
        shutil.copytree(sites.store, tmp_path / "store")
        (tmp_path / "store" / "blobs" / "sha256" / moved("1").digest[7:]).write_bytes(b"{}")
        assert diff(sites, sites.store, tmp_path / "store").code == 20

    def test_no_trust_root(self, sites: Site, tmp_path: Path) -> None:
        assert diff(sites, sites.store, sites.store, "--trust", tmp_path).code == 40
