"""Bundles that leave out what the other side holds: a chain of releases, one of them lost; and every way to lie."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import forge
import pytest
from forge import SIGNED, Layer, Sample

from airgap.digest import Digest
from airgap.limits import LIMITS
from airgap.report.receipt import Receipt, parse_receipt
from tests.cli.contract import check_verdict
from tests.cli.site import AT, RUST, Result, Site, blobs, litter, run
from tests.cli.stocking import DAY, TOOL, accepted, into_store
from tests.cli.surgery import archive, canonical, flipped, hexdigest, open_bundle, seal

NEW = 200_000
"""Bytes of the layer that each release brings."""
EVERYWHERE = 300_000
"""Bytes of the layer that all releases share."""


def _layer(seed: object, octets: int) -> Layer:
    return Layer({f"bin/{seed}": random.Random(str(seed)).randbytes(octets)}, "none")


def release(number: int) -> Sample:
    """It shares a large layer with every release, and another with the one before it; one of its layers is small."""
    recent = [_layer(one, NEW) for one in (number - 1, number)]
    return forge.image([_layer("everywhere", EVERYWHERE), *recent, _layer(f"small {number}", 100)])


def export(site: Site, number: int, *arguments: object, name: str = RUST) -> Path:
    """The bundle of a release, and --since what the arguments say."""
    output = site.folder / f"{number}{'-delta' if arguments else ''}.airgap.tar.zst"
    source = site.image(name, release(number), "anna", "bert", created=SIGNED + number * DAY)
    result = site.export(source, *arguments, output=output)
    assert result.code == 0, result
    return output


@pytest.fixture
def begun(site: Site) -> Site:
    """A site whose first two releases have arrived, the second as a delta, and its receipt is back."""
    receipt = site.folder / "receipt.json"
    accepted(site, export(site, 1), "--receipt", receipt)
    accepted(site, export(site, 2, "--since", receipt), "--receipt", receipt)
    return site


def absent(bundle: Path) -> list[int]:
    return [one["size"] for one in open_bundle(bundle).manifest["absent"]]


def held(bundle: Path) -> list[int]:
    return [one["size"] for one in open_bundle(bundle).manifest["members"] if one["path"].startswith("blobs/")]


def reforged(bundle: Path, change: Callable[[dict[str, Any]], object], output: Path) -> Path:
    """The bundle with another bundle.json, and without the members that are not listed in it."""
    opened = open_bundle(bundle)
    change(opened.manifest)
    listed = {member["path"] for member in opened.manifest["members"]}
    members = [(path, data) for path, data in opened.members if path in listed]
    output.write_bytes(seal(archive(canonical(opened.manifest), members)))
    return output


def leave_out(document: dict[str, Any], hex_: str) -> None:
    """What somebody who knows the format does to a full bundle."""
    (member,) = [one for one in document["members"] if one["path"].endswith(hex_)]
    document["members"].remove(member)
    document["absent"] = [{"sha256": hex_, "size": member["size"]}]
    document["requires"] = ["delta"]


class TestChain:
    def test_five_releases_one_of_them_lost(self, begun: Site) -> None:
        receipt = begun.folder / "receipt.json"
        lost = export(begun, 3, "--since", receipt)
        before = begun.snapshot()
        on_lost = export(begun, 4, "--since", lost)

        refused = into_store(begun, on_lost)
        assert refused.code == 20, refused
        check_verdict(refused.json, 20)
        assert refused.kinds == ["delta-base-missing"]
        (error,) = refused.json["errors"]
        missing = release(3).layers[2].digest
        assert error["facts"]["missing"] == [missing]
        assert error["facts"]["damaged"] == []
        assert error["facts"]["bytes"] == len(release(3).blobs[missing])
        assert error["facts"]["images"] == [f"{RUST}@{release(4).digest}"]
        assert missing in error["message"]
        assert "--receipt" in error["hint"]
        assert "full bundle" in error["hint"]
        assert begun.snapshot() == before

        accepted(begun, export(begun, 4, "--since", receipt), "--receipt", receipt)
        fifth = export(begun, 5, "--since", receipt)
        verdict = accepted(begun, fifth)
        assert any("proven in the store" in note for note in verdict["notes"])
        assert blobs(begun.store) == {
            digest: data for number in (1, 2, 4, 5) for digest, data in release(number).blobs.items()
        }
        reviewed = run("verify", "--store", begun.store, "--trust", begun.trust, "--at", AT, "--format", "json")
        assert reviewed.code == 0, reviewed

    def test_what_travels(self, begun: Site) -> None:
        """Layers that the receipt names stay; documents and new layers travel."""
        delta, full = export(begun, 3, "--since", begun.folder / "receipt.json"), export(begun, 3)
        shared = {release(3).layers[0].digest, release(3).layers[1].digest}
        opened = open_bundle(delta)
        assert {f"sha256:{one['sha256']}" for one in opened.manifest["absent"]} == shared
        assert opened.manifest["requires"] == ["delta"]
        assert delta.stat().st_size < full.stat().st_size - EVERYWHERE - NEW
        found = {path.rpartition("/")[2] for path, _ in opened.members if path.startswith("blobs/")}
        assert found == {digest.removeprefix("sha256:") for digest in release(3).blobs.keys() - shared}

    def test_the_same_store_as_from_full_bundles(self, begun: Site, tmp_path: Path) -> None:
        accepted(begun, export(begun, 3, "--since", begun.folder / "receipt.json"))
        other = Site(tmp_path / "other")
        assert other.init().code == 0
        for number in (1, 2, 3):
            accepted(other, export(other, number))
        ours, theirs = (
            {str(path.relative_to(one.store)): path.read_bytes() for path in one.store.rglob("*") if path.is_file()}
            for one in (begun, other)
        )
        assert ours == theirs

    def test_since_a_bundle_counts_what_that_one_leaves_out(self, begun: Site) -> None:
        second = begun.folder / "2-delta.airgap.tar.zst"
        assert absent(export(begun, 3, "--since", second)) == absent(
            export(begun, 3, "--since", begun.folder / "receipt.json")
        )

    def test_a_layer_of_a_few_bytes_stays_too(self, site: Site) -> None:
        receipt, delta = site.folder / "receipt.json", site.folder / "delta.airgap.tar.zst"
        first, second = (forge.image([_layer("tiny", 1), _layer(name, 1)]) for name in ("old", "new"))
        assert site.export(site.image(RUST, first, "anna", "bert", created=SIGNED)).code == 0
        accepted(site, site.bundle, "--receipt", receipt)
        source = site.image(RUST, second, "anna", "bert", created=SIGNED + DAY)
        assert site.export(source, "--since", receipt, output=delta).code == 0
        assert [one["sha256"] for one in open_bundle(delta).manifest["absent"]] == [first.layers[0].digest[7:]]
        accepted(site, delta)

    def test_nothing_in_common_makes_a_full_bundle(self, site: Site) -> None:
        receipt = site.folder / "receipt.json"
        accepted(site, export(site, 1), "--receipt", receipt)
        stranger = site.image(TOOL, forge.image([_layer("tool", NEW)]), "anna", "bert")
        full, delta = site.folder / "full.airgap.tar.zst", site.folder / "delta.airgap.tar.zst"
        assert site.export(stranger, output=full).code == 0
        result = site.export(stranger, "--since", receipt, output=delta)
        assert result.code == 0
        assert any("full bundle" in note for note in result.json["notes"])
        assert delta.read_bytes() == full.read_bytes()
        assert open_bundle(delta).manifest["requires"] == []

    def test_what_arrived_is_loaded_from_the_store(self, begun: Site) -> None:
        delta = export(begun, 3, "--since", begun.folder / "receipt.json")
        result = begun.import_(bundle=delta)
        assert result.code == 0, result
        assert blobs(begun.out) == release(3).blobs

    def test_a_stream_and_parts(self, begun: Site, tmp_path: Path) -> None:
        receipt = begun.folder / "receipt.json"
        delta = export(begun, 3, "--since", receipt)
        stream = begun.verify("--store", begun.store, bundle="-", stdin=delta.read_bytes())
        assert stream.code == 0, stream
        assert run("split", delta, "--volume-size", "5M", "-o", tmp_path / "cut").code == 0
        assert begun.verify("--store", begun.store, bundle=tmp_path).code == 0
        assert run("join", tmp_path, "-o", tmp_path / "joined").code == 0
        assert (tmp_path / "joined").read_bytes() == delta.read_bytes()

    def test_recovery(self, begun: Site, tmp_path: Path) -> None:
        delta = export(begun, 3, "--since", begun.folder / "receipt.json", "--recovery", "20%")
        damaged = bytearray(delta.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        delta.write_bytes(damaged)
        assert begun.verify("--store", begun.store, bundle=delta).code == 20
        mended = tmp_path / "mended"
        assert run("repair", delta, *begun.folder.glob("*.rec.*"), "-o", mended).code == 0
        assert begun.verify("--store", begun.store, bundle=mended).code == 0


class TestBase:
    @pytest.fixture
    def delta(self, begun: Site) -> Path:
        return export(begun, 3, "--since", begun.folder / "receipt.json")

    def _base(self, site: Site, number: int = 0) -> Path:
        return site.store / "blobs" / "sha256" / release(3).layers[number].digest.removeprefix("sha256:")

    def test_no_store_is_named(self, begun: Site, delta: Path) -> None:
        result = begun.verify(bundle=delta)
        assert result.code == 20
        assert result.kinds == ["delta-base-not-given"]
        assert "--store" in result.json["errors"][0]["hint"]
        assert result.json["errors"][0]["facts"]["bytes"] == sum(absent(delta))
        assert begun.verify("--store", begun.store, bundle=delta).code == 0

    def test_the_store_of_another_site(self, begun: Site, delta: Path, tmp_path: Path) -> None:
        result = begun.verify("--store", tmp_path / "none", bundle=delta)
        assert result.kinds == ["delta-base-missing"]
        assert len(result.json["errors"][0]["facts"]["missing"]) == 2
        assert not (tmp_path / "none").exists()

    @pytest.mark.parametrize("damage", ["flipped", "longer", "shorter", "empty", "link"])
    def test_a_damaged_blob_of_the_store_is_never_used(self, begun: Site, delta: Path, damage: str) -> None:
        path = self._base(begun)
        good = path.read_bytes()
        if damage == "link":
            shutil.move(path, begun.folder / "elsewhere")
            path.symlink_to(begun.folder / "elsewhere")
        else:
            bad = {
                "flipped": flipped(good, 0),
                "longer": good + b"x",
                "shorter": good[:-1],
                "empty": b"",
            }
            path.write_bytes(bad[damage])
        before = begun.snapshot()
        for result in (into_store(begun, delta), begun.verify("--store", begun.store, bundle=delta)):
            assert result.code == 20, result
            assert result.kinds == ["delta-base-missing"]
            (error,) = result.json["errors"]
            assert error["facts"]["damaged"] == [release(3).layers[0].digest]
            assert error["facts"]["missing"] == []
            assert "damaged" in error["message"]
            assert "mends" in error["hint"]
        assert begun.snapshot() == before

    def test_after_taking_the_base_out(self, begun: Site, delta: Path) -> None:
        assert run("store", "rm", RUST, "--yes", "--store", begun.store).code == 0
        result = into_store(begun, delta)
        assert result.kinds == ["delta-base-missing"]
        assert litter(begun.folder) == []

    def test_people_are_asked_before_the_store(self, begun: Site, delta: Path) -> None:
        """A delta that too few signed is refused as any other, however little of its base is there."""
        opened = open_bundle(delta)
        unsigned = begun.folder / "unsigned.airgap.tar.zst"
        gone = [member for member in opened.manifest["members"] if member["path"].startswith("signatures/")]
        reforged(delta, lambda document: [document["members"].remove(one) for one in gone], unsigned)
        self._base(begun).unlink()
        result = into_store(begun, unsigned)
        assert result.code == 30
        assert result.kinds == ["image-unsigned"]

    def test_a_read_error_of_the_store_is_no_missing_blob(self, begun: Site, delta: Path) -> None:
        path = self._base(begun)
        path.unlink()
        path.mkdir()
        assert into_store(begun, delta).kinds == ["delta-base-missing"]


class TestLies:
    """bundle.json is not signed by anybody: whatever it leaves out must be a layer, of that size, that is there."""

    def full(self, site: Site) -> Path:
        accepted(site, export(site, 1))
        return export(site, 2)

    def refused(self, site: Site, bundle: Path) -> Result:
        before = site.snapshot()
        result = into_store(site, bundle)
        assert site.snapshot() == before
        assert site.verify("--store", site.store, bundle=bundle).kinds == result.kinds
        return result

    def test_leaving_out_a_held_layer_is_no_lie(self, site: Site) -> None:
        """A courier who thins a bundle changes its id, and nothing else."""
        bundle = self.full(site)
        hex_ = release(2).layers[0].digest.removeprefix("sha256:")
        accepted(site, reforged(bundle, lambda document: leave_out(document, hex_), site.folder / "thin"))

    @pytest.mark.parametrize("what", ["manifest", "config"])
    def test_a_document(self, site: Site, what: str) -> None:
        bundle = self.full(site)
        accepted(site, bundle)
        image = release(2)
        digest = image.digest
        if what == "config":
            digest = json.loads(image.blobs[image.digest])["config"]["digest"]
        thin = reforged(bundle, lambda document: leave_out(document, digest[7:]), site.folder / "thin")
        assert self.refused(site, thin).code == 10

    def test_a_blob_that_no_image_needs(self, site: Site) -> None:
        bundle = self.full(site)
        path = next((site.store / "blobs" / "sha256").iterdir())
        ride = {"sha256": path.name, "size": path.stat().st_size}
        alien = reforged(bundle, lambda document: document.update(absent=[ride], requires=["delta"]), site.folder / "x")
        result = self.refused(site, alien)
        assert result.code == 10
        assert result.kinds == ["bundle-manifest-invalid"]

    def test_another_size(self, site: Site) -> None:
        bundle = self.full(site)
        hex_ = release(2).layers[0].digest.removeprefix("sha256:")

        def lie(document: dict[str, Any]) -> None:
            leave_out(document, hex_)
            document["absent"][0]["size"] += 1

        assert self.refused(site, reforged(bundle, lie, site.folder / "x")).kinds == ["bundle-manifest-invalid"]

    def test_a_layer_that_is_simply_gone(self, site: Site) -> None:
        bundle = self.full(site)
        hex_ = release(2).layers[0].digest.removeprefix("sha256:")

        def lie(document: dict[str, Any]) -> None:
            leave_out(document, hex_)
            document.update(absent=[], requires=[])

        assert self.refused(site, reforged(bundle, lie, site.folder / "x")).kinds == ["member-missing"]


class TestReceipt:
    def test_what_it_says(self, begun: Site) -> None:
        data = (begun.folder / "receipt.json").read_bytes()
        document = json.loads(data)
        own = document.pop("self")
        assert own == f"sha256:{hexdigest(canonical(document))}"
        assert document["images"] == sorted([release(1).digest, release(2).digest])
        assert document["blobs"] == sorted({layer.digest for number in (1, 2) for layer in release(number).layers})

    def test_of_a_store_of_more_blobs_than_a_bundle_may_have(self) -> None:
        blobs = frozenset(Digest(f"{number:064x}") for number in range(LIMITS.bundle_members + 1))
        receipt = Receipt(None, Digest("0" * 64), frozenset(), blobs)
        assert parse_receipt(receipt.encoded, "receipt") == receipt

    def test_of_a_store_that_was_judged_again(self, begun: Site) -> None:
        """Who lost the receipt asks the store; what no longer passes is not in it."""
        again = begun.folder / "again.json"
        line = ["verify", "--store", begun.store, "--trust", begun.trust, "--at", AT, "--format", "json"]
        result = run(*line, "--receipt", again)
        assert result.code == 0, result
        assert any("fits a QR code" in note for note in result.json["notes"])
        first, second = (json.loads((begun.folder / name).read_bytes()) for name in ("receipt.json", "again.json"))
        assert second["bundle"] is None
        assert second["blobs"] == first["blobs"]
        bad = begun.store / "blobs" / "sha256" / release(2).layers[2].digest.removeprefix("sha256:")
        bad.write_bytes(b"damaged")
        assert run(*line, "--receipt", again).code == 20
        found = json.loads(again.read_bytes())
        assert found["images"] == [release(1).digest]
        assert release(2).layers[2].digest not in found["blobs"]

    @pytest.mark.parametrize(
        "change",
        [
            lambda data: data.replace(b"sha256:", b"sha256:0", 1),
            lambda data: data[:-20],
            lambda data: data + b"x",
            lambda data: b" " + data,
            lambda data: data.replace(b"receipt/v1", b"receipt/v2"),
            lambda data: data.replace(b'"trust"', b'"truth"'),
            lambda data: data[:20] + (b"0" if data[20:21] != b"0" else b"1") + data[21:],
            lambda data: b"{}",
            lambda data: b"no receipt",
            lambda data: b"",
        ],
    )
    def test_one_that_was_mistyped(self, begun: Site, change: Callable[[bytes], bytes]) -> None:
        path = begun.folder / "receipt.json"
        path.write_bytes(change(path.read_bytes()))
        result = begun.export(f"{RUST}=oci:x", "--since", path, output=begun.folder / "x")
        assert result.code == 10, result
        assert result.kinds == ["receipt-invalid"]
        assert not (begun.folder / "x").exists()

    def test_without_a_line_end(self, begun: Site) -> None:
        path = begun.folder / "receipt.json"
        path.write_bytes(path.read_bytes().rstrip())
        assert absent(export(begun, 3, "--since", path)) != []

    def test_that_is_missing(self, site: Site) -> None:
        result = site.export(f"{RUST}=oci:x", "--since", site.folder / "none", output=site.folder / "x")
        assert result.code == 70
        assert result.kinds == ["file-not-found"]


class TestViews:
    def test_inspect_and_export_tell_what_stays(self, begun: Site) -> None:
        source = begun.image(RUST, release(3), "anna", "bert", created=SIGNED + 3 * DAY)
        delta = begun.folder / "3.airgap.tar.zst"
        exported = begun.export(source, "--since", begun.folder / "receipt.json", output=delta)
        expected = {"blobs": 2, "bytes": sum(absent(delta))}
        assert exported.json["absent"] == expected
        assert run("inspect", delta, "--format", "json").json["absent"] == expected
        assert "2 blobs" in run("inspect", delta).text

    def test_diff_tells_whether_a_delta_fits(self, begun: Site, tmp_path: Path) -> None:
        delta = export(begun, 3, "--since", begun.folder / "receipt.json")
        found = run("diff", begun.store, delta, "--format", "json").json
        assert found["lacking"] == {"blobs": 0, "bytes": 0}
        assert found["carry"]["bytes"] == sum(held(delta))
        first = run("diff", begun.folder / "1.airgap.tar.zst", delta, "--format", "json").json
        assert first["lacking"]["blobs"] == 1
        assert "DELTA AGAINST SOMETHING ELSE" in run("diff", begun.folder / "1.airgap.tar.zst", delta).text
        assert run("diff", delta, export(begun, 3), "--format", "json").json["carry"] == {"blobs": 0, "bytes": 0}
