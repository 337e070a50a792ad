"""The main job: export, carry, inspect, verify, import; and everything the verdict says about it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import forge
import pytest

from tests.cli.contract import check_verdict
from tests.cli.site import AT, RUST, Site, blobs, index, litter, run, sample, snapshot
from tests.cli.surgery import open_bundle


def test_the_whole_path(site: Site) -> None:
    image = sample()
    source = site.image(RUST, image, "anna", "bert", "carl", "dora")
    digests = site.folder / "Pallet.txt"
    digests.write_text(forge.digests_list({"pallet-rust": image.digest}))

    exported = site.export(source, "--digests", digests)
    assert exported.code == 0, exported
    assert exported.stderr == b""
    document = exported.json
    assert document["errors"] == []
    assert document["preflight"] == "done"
    assert document["bundle"]["file"] == str(site.bundle)
    assert document["bundle"]["size"] == site.bundle.stat().st_size
    manifest = open_bundle(site.bundle)
    packed = json.dumps(manifest.manifest, sort_keys=True, separators=(",", ":")).encode()
    assert document["bundle"]["id"] == f"sha256:{hashlib.sha256(packed).hexdigest()}"
    assert document["images"] == [{"reference": RUST, "digest": image.digest, "platforms": ["linux/amd64"]}]
    assert litter(site.folder) == []

    inspected = run("inspect", site.bundle, "--format", "json")
    assert inspected.code == 0
    assert inspected.json["verified"] is False
    assert inspected.json["bundle"]["id"] == document["bundle"]["id"]
    assert [one["signatures"] for one in inspected.json["images"]] == [4]

    verified = site.verify()
    assert verified.code == 0, verified
    assert verified.stderr == b""
    verdict = verified.json
    check_verdict(verdict, 0)
    assert verdict["bundle"]["id"] == document["bundle"]["id"]
    assert verdict["bundle"]["members"] == len(manifest.members) + 1
    assert verdict["trust"]["version"] == 1
    assert verdict["trust"]["threshold"] == 2
    assert verdict["time"] == {"reference": AT}
    assert verdict["loaded"] == []
    assert verdict["notes"] == []
    (found,) = verdict["images"]
    assert found["reference"] == RUST
    assert found["digest"] == image.digest
    assert found["signers"] == ["anna", "bert", "carl", "dora"]
    assert found["platforms"] == ["linux/amd64"]
    folder = f"signatures/stagex/pallet-rust@{image.digest.replace(':', '=')}"
    for number, (one, nick) in enumerate(zip(found["signatures"], site.people, strict=True), 1):
        assert one == {
            "file": f"{folder}/signature-{number}",
            "status": "good",
            "reason": None,
            "maintainer": nick,
            "certificate": site.people[nick][0].fingerprint,
            "signing_key": site.people[nick][0].signing_key.fingerprint.hex().upper(),
            "created": "2025-06-01T00:00:00Z",
            "flags": [],
            "claim": {"format": "atomic", "reference": RUST, "digest": image.digest},
        }
    assert not site.store.exists()

    imported = site.import_()
    assert imported.code == 0, imported
    check_verdict(imported.json, 0)
    row = {"target": f"oci:{site.out}", "reference": RUST, "digest": image.digest, "name": RUST}
    loaded = [row | {"reported": image.digest, "identity": "manifest", "replaced": None}]
    assert imported.json == verdict | {"loaded": loaded, "stored": True}
    for layout, name in ((site.store, f"{RUST}@{image.digest}"), (site.out, RUST)):
        assert blobs(layout) == image.blobs
        assert index(layout) == {name: image.digest}
        assert json.loads((layout / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    kept = site.store / folder
    held = site.signatures / folder.removeprefix("signatures/")
    assert [path.read_bytes() for path in sorted(kept.iterdir())] == [
        path.read_bytes() for path in sorted(held.iterdir())
    ]
    assert litter(site.folder) == []


def test_a_stream_gives_the_verdict_of_the_file(carried: Site) -> None:
    stream = carried.verify(bundle="-", stdin=carried.bundle.read_bytes())
    assert stream == carried.verify()
    assert stream.code == 0


def test_import_from_a_stream_into_the_store_alone(carried: Site, tmp_path: Path) -> None:
    store = tmp_path / "store"
    line = ["import", "-", "--trust", carried.trust, "--store", store, "--at", AT, "--format", "json"]
    result = run(*line, stdin=carried.bundle.read_bytes())
    assert result.code == 0, result
    assert result.json["loaded"] == []
    assert set(index(store).values()) == {image["digest"] for image in result.json["images"]}
    assert litter(tmp_path) == []


@pytest.mark.parametrize("jobs", ["1", "2", "4"])
def test_the_same_bytes_again_whatever_the_number_of_threads(bulky: Site, tmp_path: Path, jobs: str) -> None:
    again = tmp_path / "again.airgap.tar.zst"
    source = f"{RUST}=oci:{bulky.folder}/layouts/docker.io_stagex_pallet-rust"
    result = bulky.export(source, "-j", jobs, output=again)
    assert result.code == 0, result
    assert again.read_bytes() == bulky.bundle.read_bytes()
    assert bulky.verify("-j", jobs, bundle=again).stdout == bulky.verify().stdout


def test_the_order_of_sources_and_files_does_not_matter(carried: Site, tmp_path: Path) -> None:
    layouts = carried.folder / "layouts"
    sources = [
        f"docker.io/stagex/other:1.0=oci:{layouts}/docker.io_stagex_other_1.0",
        f"stagex/pallet-rust=oci:{layouts}/docker.io_stagex_pallet-rust",
    ]
    again = tmp_path / "again.airgap.tar.zst"
    assert carried.export(*sources, "--digests", carried.folder / "pallet.txt", output=again).code == 0
    assert again.read_bytes() == carried.bundle.read_bytes()


def test_the_checksum_file_is_for_sha256sum(carried: Site) -> None:
    sidecar = carried.bundle.with_name(f"{carried.bundle.name}.sha256")
    digest = hashlib.sha256(carried.bundle.read_bytes()).hexdigest()
    assert sidecar.read_text() == f"{digest}  {carried.bundle.name}\n"
    subprocess.run(["sha256sum", "-c", "--strict", sidecar.name], cwd=carried.folder, check=True, capture_output=True)


def test_a_bundle_on_stdout(carried: Site) -> None:
    layouts = carried.folder / "layouts"
    line = [f"{RUST}=oci:{layouts}/docker.io_stagex_pallet-rust", *carried.evidence(), "-o", "-"]
    result = run("export", *line)
    assert result.code == 0, result
    assert carried.verify(bundle="-", stdin=result.stdout).code == 0
    identity = carried.verify(bundle="-", stdin=result.stdout).json["bundle"]["id"]
    assert identity in result.errors
    assert run("export", *line, "--format", "json").code == 2


def test_importing_again_changes_nothing(site: Site) -> None:
    assert site.export(site.image(RUST, sample(), "anna", "bert")).code == 0
    first = site.import_()
    before = site.snapshot()
    again = site.import_()
    assert again == first
    assert site.snapshot() == before


def test_importing_again_mends_a_damaged_blob(site: Site) -> None:
    image = sample()
    assert site.export(site.image(RUST, image, "anna", "bert")).code == 0
    assert site.import_().code == 0
    before = site.snapshot()
    for layout in (site.store, site.out):
        (layout / "blobs" / "sha256" / image.layers[0].digest[7:]).write_bytes(b"damaged")
    assert site.import_().code == 0
    assert site.snapshot() == before


def test_a_second_bundle_joins_the_first(site: Site) -> None:
    one, other = sample("one"), sample("other")
    assert site.export(site.image(RUST, one, "anna", "bert")).code == 0
    assert site.import_().code == 0
    second = site.folder / "second.airgap.tar.zst"
    assert site.export(site.image("docker.io/stagex/other", other, "carl", "dora"), output=second).code == 0
    result = site.import_(bundle=second)
    assert result.code == 0, result
    assert blobs(site.store) == one.blobs | other.blobs
    assert set(index(site.store).values()) == {one.digest, other.digest}
    assert index(site.out) == {RUST: one.digest, "docker.io/stagex/other": other.digest}


def test_further_signatures_of_a_known_image_are_added_to_the_evidence(site: Site) -> None:
    image = sample()
    assert site.export(site.image(RUST, image, "anna", "bert")).code == 0
    assert site.import_().code == 0
    site.sign(RUST, image.digest, "carl")
    assert site.export(f"{RUST}=oci:{site.folder}/layouts/docker.io_stagex_pallet-rust").code == 0
    assert site.import_().code == 0
    kept = site.store / "signatures" / f"stagex/pallet-rust@{image.digest.replace(':', '=')}"
    assert sorted(path.name for path in kept.iterdir()) == ["signature-1", "signature-2", "signature-3"]


def test_several_targets(site: Site) -> None:
    image = sample()
    assert site.export(site.image(RUST, image, "anna", "bert")).code == 0
    result = site.import_("--to", f"oci:{site.folder}/second")
    assert result.code == 0, result
    assert [one["target"] for one in result.json["loaded"]] == [f"oci:{site.out}", f"oci:{site.folder}/second"]
    assert blobs(site.folder / "second") == image.blobs


def test_default_folders_follow_airgap_home(carried: Site, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copytree(carried.trust, tmp_path / "pinned")
    os.symlink(tmp_path / "pinned", home / "trust")
    env = {"AIRGAP_HOME": str(home)}
    result = run("import", carried.bundle, "--at", AT, "--format", "json", env=env)
    assert result.code == 0, result
    assert len(index(home / "store")) == 2
    assert run("trust", "show", "--format", "json", env=env).code == 0


def test_verify_writes_nothing(carried: Site, tmp_path: Path) -> None:
    before = snapshot(carried.folder)
    empty = tmp_path / "cwd"
    empty.mkdir()
    assert run(*carried.verify_line(), cwd=empty).code == 0
    assert snapshot(carried.folder) == before
    assert list(empty.iterdir()) == []
