"""`verify --store`: the verdict again, years later, from the store's own evidence and today's trust root."""

from __future__ import annotations

import json

import pytest

from tests.cli.contract import check_verdict
from tests.cli.site import AT, RUST, Result, Site, run, sample, snapshot
from tests.cli.stocking import TOOL, accepted, bundle_of


class TestReview:
    """`verify --store`: the verdict again, from the evidence alone."""

    def review(self, site: Site, *arguments: object) -> Result:
        return run("verify", "--store", site.store, "--trust", site.trust, "--at", AT, "--format", "json", *arguments)

    @pytest.fixture
    def stocked(self, site: Site) -> Site:
        accepted(site, bundle_of(site, "two", "anna", "bert", name=f"{TOOL}-two"))
        accepted(site, bundle_of(site, "other", "carl", "dora", name=f"{TOOL}-other:1.0"))
        return site

    def test_the_same_verdict(self, stocked: Site) -> None:
        before = snapshot(stocked.folder)
        result = self.review(stocked)
        assert result.code == 0, result
        check_verdict(result.json, 0)
        assert result.json["bundle"] is None
        by_name = {one["reference"]: one for one in result.json["images"]}
        for name in ("two", "other"):
            imported = stocked.verify(bundle=stocked.folder / f"{name}.airgap.tar.zst").json["images"][0]
            assert by_name[imported["reference"]] == imported
        assert snapshot(stocked.folder) == before

    @pytest.mark.parametrize(
        ("wanted", "count"),
        [([f"{TOOL}-two"], 1), (["stagex/tool-other:1.0"], 1), ([f"{TOOL}-two", f"{TOOL}-other"], 2)],
    )
    def test_some_of_them(self, stocked: Site, wanted: list[str], count: int) -> None:
        result = self.review(stocked, *(word for name in wanted for word in ("--reference", name)))
        assert result.code == 0
        assert len(result.json["images"]) == count

    @pytest.mark.parametrize("wanted", [f"{TOOL}-three", f"{TOOL}-other:2.0", f"{TOOL}-two@sha256:{'0' * 64}"])
    def test_none_of_them(self, stocked: Site, wanted: str) -> None:
        result = self.review(stocked, "--reference", wanted)
        assert result.code == 50
        assert result.kinds == ["source-not-found"]

    def test_an_older_one_needs_no_permission(self, stocked: Site) -> None:
        """--allow-older would change nothing: that is not to pass in silence."""
        result = self.review(stocked, "--allow-older")
        assert (result.code, result.kinds) == (2, ["usage"])
        assert "--allow-older is for judging a BUNDLE" in result.messages

    def test_each_for_itself(self, stocked: Site) -> None:
        assert run("trust", "revoke", "--trust", stocked.trust, "bert", "--yes").code == 0
        result = self.review(stocked)
        assert result.code == 30
        assert {one["reference"]: one["accepted"] for one in result.json["images"]} == {
            f"{TOOL}-two": False,
            f"{TOOL}-other:1.0": True,
        }
        assert result.kinds == ["quorum-not-met"]
        text = run("verify", "--store", stocked.store, "--trust", stocked.trust, "--at", AT).text
        assert text.startswith("REFUSED: 2 images")
        assert "the store was left as it is" in text

    def test_a_damaged_blob(self, stocked: Site) -> None:
        layer = sample("two").layers[0].digest
        for data in (b"", b"damaged"):
            (stocked.store / "blobs" / "sha256" / layer[7:]).write_bytes(data)
            result = self.review(stocked)
            assert result.code == 20
            assert result.kinds == ["blob-differs"]
            assert [one["accepted"] for one in result.json["images"]] == [True, False]

    def test_a_manifest_that_grew(self, stocked: Site) -> None:
        index = json.loads((stocked.store / "index.json").read_bytes())
        index["manifests"][0]["size"] = 2**40
        (stocked.store / "index.json").write_bytes(json.dumps(index).encode())
        assert self.review(stocked).code == 10

    def test_names_that_are_none(self, stocked: Site) -> None:
        index = json.loads((stocked.store / "index.json").read_bytes())
        index["manifests"][0]["annotations"] = {}
        (stocked.store / "index.json").write_bytes(json.dumps(index).encode())
        result = self.review(stocked)
        assert result.code == 10
        assert result.kinds == ["reference-invalid"]

    def test_what_is_for_stores_alone(self, stocked: Site) -> None:
        for arguments in ([], [stocked.bundle, "--receipt", "x"], [stocked.bundle, "--reference", RUST]):
            result = run("verify", *arguments, "--trust", stocked.trust, "--format", "json")
            assert result.code == 2
            assert result.kinds == ["usage"]
