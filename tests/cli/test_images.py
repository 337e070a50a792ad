"""The shapes images come in, and what of them is signed (TRUST rule 7)."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import forge
import pytest
from forge import Layer, Sample
from forge.images import OCI_TYPES, Blob, to_json

from tests.cli.contract import check_verdict
from tests.cli.site import RUST, Site, blobs, index, litter, sample
from tests.cli.surgery import open_bundle

AMD, ARM = "linux/amd64", "linux/arm64"


def two(*, docker: bool = False, attestations: bool = False) -> Sample:
    """One image for two platforms."""
    images = [sample(text, platform=text, docker=docker) for text in (AMD, "linux/arm64/v8")]
    return forge.image_index(images, docker=docker, attestations=attestations)


SINGLE = {
    "gzip": sample(),
    "raw": sample(compression="none"),
    "docker schema 2": sample(docker=True),
    "several layers": forge.image([Layer({"a": b"1"}), Layer({"b": b"2"}, "none"), Layer({"a": b"1"})]),
    "another platform": sample(platform="linux/riscv64"),
    "no layer": forge.image([]),
}


@pytest.mark.parametrize("shape", SINGLE)
def test_single_images(site: Site, shape: str) -> None:
    image = SINGLE[shape]
    assert site.export(site.image(RUST, image, "anna", "bert")).code == 0
    result = site.import_()
    assert result.code == 0, result
    assert blobs(site.out) == image.blobs
    assert index(site.out) == {RUST: image.digest}


@pytest.mark.parametrize(
    ("shape", "platforms"),
    [
        (two(), [AMD, "linux/arm64/v8"]),
        (two(docker=True), [AMD, "linux/arm64/v8"]),
        (two(attestations=True), [AMD, "linux/arm64/v8"]),
        (forge.image_index([sample()]), [AMD]),
        (forge.image_index([sample()], attestations=True), [AMD]),
    ],
    ids=["two platforms", "docker manifest list", "with attestations", "StageX", "BuildKit"],
)
def test_a_signed_index_carries_its_whole_graph(site: Site, shape: Sample, platforms: list[str]) -> None:
    assert site.export(site.image(RUST, shape, "anna", "bert")).code == 0
    result = site.import_()
    assert result.code == 0, result
    assert [(one["digest"], one["platforms"]) for one in result.json["images"]] == [(shape.digest, platforms)]
    assert blobs(site.out) == blobs(site.store) == shape.blobs
    assert index(site.out) == {RUST: shape.digest}


def test_an_index_in_an_index(site: Site) -> None:
    """BuildKit's deepest shape: index.json → index → index → manifests."""
    inner = two(attestations=True)
    outer = Blob(OCI_TYPES.index, to_json({"schemaVersion": 2, "manifests": [inner.root.descriptor()]}))
    shape = Sample(outer, inner.manifests, inner.configs, inner.layers, (*inner.attestations, inner.root), inner.others)
    assert site.export(site.image(RUST, shape, "anna", "bert")).code == 0
    assert site.import_().code == 0
    assert blobs(site.out) == shape.blobs


def test_only_the_inner_manifest_is_signed(site: Site) -> None:
    """What StageX publishes."""
    inner = sample()
    shape = forge.image_index([inner], attestations=True)
    source = site.image(RUST, shape)
    site.sign(RUST, inner.digest, "anna", "bert")
    exported = site.export(source)
    assert exported.code == 0, exported
    assert "attestation" in " ".join(exported.json["notes"])
    result = site.import_()
    assert result.code == 0, result
    assert [one["digest"] for one in result.json["images"]] == [inner.digest]
    assert blobs(site.out) == blobs(site.store) == inner.blobs
    assert index(site.out) == {RUST: inner.digest}


def test_two_platforms_signed_apart(site: Site) -> None:
    shape = two()
    source = site.image(RUST, shape)
    for _, manifest in shape.manifests:
        site.sign(RUST, manifest.digest, "anna", "bert")
    assert site.export(source).code == 0
    result = site.import_()
    assert result.code == 0, result
    digests = {manifest.digest for _, manifest in shape.manifests}
    assert {one["digest"] for one in result.json["images"]} == digests
    assert index(site.out) == {f"{RUST}@{digest}": digest for digest in digests}
    assert shape.digest not in blobs(site.out)


@pytest.mark.parametrize("extra", [(), ("carl",)], ids=["unsigned", "one signer"])
def test_a_sibling_below_quorum_is_refused(site: Site, extra: tuple[str, ...]) -> None:
    shape = two()
    source = site.image(RUST, shape)
    (_, signed), (_, sibling) = shape.manifests
    site.sign(RUST, signed.digest, "anna", "bert")
    site.sign(RUST, sibling.digest, *extra)
    refused = site.export(source)
    assert refused.code == 30, refused
    assert sibling.digest in refused.json["errors"][0]["message"]
    assert not site.bundle.exists()

    assert site.export(source, "--skip-preflight").code == 0
    result = site.import_()
    assert result.code == 30
    check_verdict(result.json, 30)
    assert [one["accepted"] for one in result.json["images"]] == [False, False]
    assert not (site.store / "index.json").exists()
    assert not site.out.exists()


def test_a_sibling_does_not_ride_along_in_a_forged_bundle(site: Site) -> None:
    """The blobs of an unsigned sibling, and their members in bundle.json, beside a signed manifest."""
    shape = two()
    source = site.image(RUST, shape)
    (_, signed), (_, sibling) = shape.manifests
    site.sign(RUST, signed.digest, "anna", "bert")
    assert site.export(source, "--platform", AMD).code == 0
    opened = open_bundle(site.bundle)
    opened.members += [
        (f"blobs/sha256/{digest[7:]}", data)
        for digest, data in shape.blobs.items()
        if digest not in {f"sha256:{path[13:]}" for path, _ in opened.members}
    ]
    assert sibling.digest[7:] in {path[13:] for path, _ in opened.members}
    site.bundle.write_bytes(opened.packed())
    result = site.import_()
    assert result.code == 10, result
    assert not (site.store / "index.json").exists()


def test_chosen_platforms(site: Site) -> None:
    shape = two()
    source = site.image(RUST, shape)
    for _, manifest in shape.manifests:
        site.sign(RUST, manifest.digest, "anna", "bert")
    arm = shape.manifest_digests["linux/arm64/v8"]
    assert site.export(source, "--platform", "linux/arm64/v8").code == 0
    assert [one["digest"] for one in site.verify().json["images"]] == [arm]
    assert site.export(source, "--platform", "linux/arm64/v8", "--platform", AMD).code == 0
    assert len(site.verify().json["images"]) == 2
    assert site.export(source, "--platform", "all").code == 0
    assert len(site.verify().json["images"]) == 2
    before = site.bundle.read_bytes()
    missing = site.export(source, "--platform", "linux/s390x")
    assert missing.code == 50
    assert missing.kinds == ["platform-not-found"]
    assert "linux/s390x" in missing.messages
    assert site.bundle.read_bytes() == before


def test_a_platform_of_an_index_signed_as_a_whole_has_no_quorum_of_its_own(site: Site) -> None:
    refused = site.export(site.image(RUST, two(), "anna", "bert"), "--platform", AMD)
    assert refused.code == 30
    assert refused.kinds == ["image-unsigned"]


def test_a_platform_of_a_single_image(site: Site) -> None:
    source = site.image(RUST, sample(platform="linux/arm64"), "anna", "bert")
    assert site.export(source, "--platform", ARM).code == 0
    assert site.export(source, "--platform", AMD).kinds == ["platform-not-found"]


@pytest.mark.parametrize("prefix", ["", "./"])
def test_an_oci_archive(site: Site, prefix: str) -> None:
    image = sample()
    layout = site.layout({"rust": image, "other": sample("other")})
    site.sign(RUST, image.digest, "anna", "bert")
    file = site.folder / "image.tar"
    with tarfile.open(file, "w") as archive:
        for path in sorted(layout.rglob("*")):
            archive.add(path, f"{prefix}{path.relative_to(layout)}", recursive=False)
    result = site.export(f"{RUST}=oci-archive:{file}:rust")
    assert result.code == 0, result
    archived = site.bundle.read_bytes()
    assert site.export(f"{RUST}=oci:{layout}:rust").code == 0
    assert site.bundle.read_bytes() == archived


@pytest.mark.parametrize(
    "content", [b"", b"not a tar", b"\x1f\x8b\x08\0", bytes(10240)], ids=["empty", "text", "gzip", "zeros"]
)
def test_no_archive(site: Site, content: bytes) -> None:
    file = site.folder / "image.tar"
    file.write_bytes(content)
    result = site.export(f"{RUST}=oci-archive:{file}")
    assert result.code == 50, result
    assert str(file) in result.messages


def test_a_cut_archive(site: Site) -> None:
    layout = site.layout(sample())
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in ("oci-layout", "index.json", "blobs"):
            archive.add(layout / name, name)
    file = site.folder / "image.tar"
    for size in range(0, len(out.getvalue()) - 10240, 512):
        file.write_bytes(out.getvalue()[:size])
        assert site.export(f"{RUST}=oci-archive:{file}").code in (20, 30, 50), size
        assert not site.bundle.exists()
    assert litter(site.folder) == []


def test_images_that_share_layers_are_carried_once(site: Site) -> None:
    shared = Layer({"shared": b"x" * 5000}, "none")
    one, other = forge.image([shared]), forge.image([shared], config={"Cmd": ["/other"]})
    sources = [site.image(RUST, one, "anna", "bert"), site.image("docker.io/stagex/two", other, "anna", "bert")]
    assert site.export(*sources).code == 0
    paths = [path for path, _ in open_bundle(site.bundle).members]
    assert len(paths) == len(set(paths))
    assert site.import_().code == 0
    assert blobs(site.store) == one.blobs | other.blobs


def test_one_image_under_two_names(site: Site) -> None:
    """Each name needs its own signatures: they name the repository."""
    image = sample()
    sources = [site.image(RUST, image, "anna", "bert"), site.image("docker.io/stagex/two", image, "carl", "dora")]
    assert site.export(*sources).code == 0
    assert site.import_().code == 0
    assert index(site.out) == {RUST: image.digest, "docker.io/stagex/two": image.digest}


def test_an_unknown_member_of_a_manifest_is_no_reason_to_refuse(site: Site) -> None:
    image = forge.image([Layer({"a": b"1"})], members={"annotations": {"org.example.note": "\u202ehello"}})
    assert site.export(site.image(RUST, image, "anna", "bert")).code == 0
    assert site.import_().code == 0
    assert json.loads(blobs(site.out)[image.digest])["annotations"]


def test_a_foreign_layer_is_refused_at_the_door(site: Site) -> None:
    image = sample()
    manifest = json.loads(image.root.data)
    manifest["layers"][0]["urls"] = ["https://example.org/layer"]
    root = Blob(OCI_TYPES.manifest, to_json(manifest))
    hostile = Sample(root, ((AMD, root),), image.configs, image.layers)
    result = site.export(site.image(RUST, hostile, "anna", "bert"))
    assert result.code == 10
    assert result.kinds == ["external-layer"]


@pytest.mark.parametrize("part", ["root", "config", "layer"])
@pytest.mark.parametrize("fault", ["missing", "damaged", "longer"])
def test_a_layout_that_is_damaged(site: Site, part: str, fault: str) -> None:
    image = sample()
    source = site.image(RUST, image, "anna", "bert")
    blob = {"root": image.root, "config": image.configs[0], "layer": image.layers[0]}[part]
    path = Path(source.partition("oci:")[2]) / "blobs" / "sha256" / blob.digest[7:]
    if fault == "missing":
        path.unlink()
    else:
        path.write_bytes(blob.data + b"x" if fault == "longer" else b"x" + blob.data[1:])
    result = site.export(source)
    assert result.code == (50 if fault == "missing" else 20), result
    assert blob.digest[7:] in result.messages
    assert not site.bundle.exists()
    assert not site.bundle.with_name(f"{site.bundle.name}.sha256").exists()
    assert litter(site.folder) == []
