"""A store that is full: of signatures that somebody flooded an image with, or of images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import airgap.engines.layout
import airgap.store.store
from airgap.errors import HostError
from airgap.limits import LIMITS
from airgap.store.quarantine import Quarantine
from airgap.store.store import Store
from airgap.verify import VerifiedImage
from tests.attacks.lab import IMAGE, RUST, Lab, by, put_together
from tests.cli.contract import check_verdict
from tests.cli.site import AT, Result, Site, litter, run
from tests.cli.stocking import accepted, bundle_of, into_store, seeded

MOST = LIMITS.signatures_per_image


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path / "lab")


def write(lab: Lab, name: str, *files: bytes) -> Path:
    path = lab.site.folder / f"{name}.airgap.tar.zst"
    path.write_bytes(lab.signed(*files).packed())
    return path


def junk(seed: str) -> list[bytes]:
    """As many files that count for nothing as a bundle can carry beside two that do."""
    return [b"%s %d" % (seed.encode(), number) for number in range(MOST - 2)]


def kept(site: Site) -> set[bytes]:
    return {path.read_bytes() for path in site.store.glob("signatures/stagex/pallet-rust@*/signature-*")}


def judged(site: Site) -> Result:
    return run("verify", "--store", site.store, "--trust", site.trust, "--at", AT, "--format", "json")


class TestSignatures:
    def test_a_flood_takes_no_place_from_what_an_image_is_accepted_by(self, lab: Lab) -> None:
        """Each of these bundles is accepted; together they bring three times what a folder may hold."""
        site = lab.site
        pairs = [(by("anna"), by("bert")), (by("carl"), by("dora")), (by("anna", created=1_750_000_000), by("dora"))]
        for number, pair in enumerate(pairs):
            accepted(site, write(lab, str(number), *junk(str(number)), *pair))
            assert {file for pair in pairs[: number + 1] for file in pair} <= kept(site)
            assert len(kept(site)) <= MOST // 2 + 2 * number
            result = judged(site)
            assert result.code == 0, result
        accepted(site, write(lab, "good", by("anna"), by("bert")))
        assert {by("anna"), by("bert")} <= kept(site)
        assert judged(site).code == 0

    def test_nor_from_what_the_same_image_is_accepted_by_under_another_name(self, lab: Lab) -> None:
        site = lab.site
        names = [f"{RUST}:{number}" for number in range(4)]
        for name in names:
            files = [*junk(name), by("anna", reference=name), by("bert", reference=name)]
            path = site.folder / f"{name[-1]}.airgap.tar.zst"
            path.write_bytes(put_together(IMAGE, files, site, reference=name).packed())
            accepted(site, path)
        result = judged(site)
        assert result.code == 0, result
        assert set(names) <= {image["reference"] for image in result.json["images"]}

    def test_a_folder_full_of_one_file(self, lab: Lab) -> None:
        """Somebody filled it by hand, with a signature that is needed, too: one place of it is enough."""
        site = lab.site
        accepted(site, write(lab, "first", by("anna"), by("bert")))
        (folder,) = site.store.glob("signatures/stagex/pallet-rust@*")
        for number in range(1, MOST + 1):
            (folder / f"signature-{number}").write_bytes(by("anna"))
        accepted(site, write(lab, "second", by("anna"), by("carl")))
        assert kept(site) == {by("anna"), by("carl")}
        assert judged(site).code == 0

    def test_what_stood_there_comes_back_if_publishing_fails(self, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        site = lab.site
        accepted(site, write(lab, "first", by("anna"), by("bert")))
        (folder,) = site.store.glob("signatures/stagex/pallet-rust@*")
        for number in range(3, MOST + 1):
            (folder / f"signature-{number}").write_bytes(b"%d" % number)
        before = site.snapshot()
        bundle = write(lab, "second", *junk("second"), by("anna"), by("carl"))
        failing(monkeypatch)
        assert into_store(site, bundle).kinds == ["disk-full"]
        monkeypatch.undo()
        assert {path: data for path, data in site.snapshot().items() if "quarantine" not in path} == before


def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full right before the index is written."""
    publish = Store.publish

    def full() -> None:
        raise HostError("disk-full", "no space left")

    def publishing(
        store: Store, images: Sequence[VerifiedImage], quarantine: Quarantine, evidence: Any, referrers: Any, _: object
    ) -> None:
        publish(store, images, quarantine, evidence, referrers, full)

    monkeypatch.setattr(Store, "publish", publishing)


class TestImages:
    @pytest.fixture
    def site(self, tmp_path: Path) -> Site:
        return seeded(tmp_path / "site")

    def test_a_store_that_could_not_be_read_any_more(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        bundle = bundle_of(site, "one", "anna", "bert")
        before = site.snapshot()
        monkeypatch.setattr(airgap.store.store, "LIMITS", replace(LIMITS, images=1))
        result = into_store(site, bundle)
        assert (result.code, result.kinds) == (10, ["limit-exceeded"])
        check_verdict(result.json, 10)
        (error,) = result.json["errors"]
        assert "would list 2 images" in error["message"]
        assert "airgap store rm" in error["hint"]
        assert site.snapshot() == before
        assert site.log()[-1]["accepted"] is False
        assert litter(site.folder) == []
        monkeypatch.setattr(airgap.store.store, "LIMITS", replace(LIMITS, images=2))
        accepted(site, bundle)

    def test_a_layout_that_could_not_be_read_any_more(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        bundle = bundle_of(site, "one", "anna", "bert")
        before = site.snapshot()
        monkeypatch.setattr(airgap.engines.layout, "LIMITS", replace(LIMITS, images=1))
        result = site.import_(bundle=bundle)
        assert (result.code, result.kinds) == (60, ["target-occupied"])
        assert "would list 2 images" in result.messages
        assert site.snapshot() == before
