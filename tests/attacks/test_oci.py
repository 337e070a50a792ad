"""Attacks on the image: every one of these was signed by enough people, so that only its own rule refuses it (OCI)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import forge
import pytest
from forge import Blob, Layer, Sample
from forge.images import OCI_TYPES, to_json

from airgap.limits import LIMITS
from tests.attacks.catalogue import attack
from tests.attacks.lab import IMAGE, RUST, Lab, by, in_order, put_together, reconfigured, reworked
from tests.cli.site import Result, gang, run, sample, signature
from tests.cli.surgery import archive, canonical, seal
from tests.cli.test_output import HOSTILE, harmless

Change = Callable[[dict[str, Any]], object]


def index_of(*entries: dict[str, object], **members: object) -> Blob:
    value = {"schemaVersion": 2, "mediaType": OCI_TYPES.index, "manifests": entries, **members}
    return Blob(OCI_TYPES.index, to_json(value))


def amd64(one: Sample = IMAGE, **members: object) -> dict[str, object]:
    return one.root.descriptor(platform={"os": "linux", "architecture": "amd64"}, **members)


def under(root: Blob, *images: Sample) -> Sample:
    """An index over images."""
    return Sample(
        root,
        tuple(pair for one in images for pair in one.manifests),
        tuple(blob for one in images for blob in one.configs),
        tuple(blob for one in images for blob in one.layers),
    )


def manifest(lab: Lab, change: Change, *kinds: str, codes: int | set[int] = 10) -> Result:
    """Refused for what this change makes of a manifest."""
    return lab.refused(lab.image(reworked(IMAGE, change)), codes, *kinds)


HEX = IMAGE.configs[0].digest[7:]
DIGESTS = {
    "OCI-06": [
        *("sha256:../../../../etc/passwd", "sha256:", "", "sha256", f"sha256:{HEX}\n", f"sha256:{HEX} "),
        *(f"sha256:{HEX}\0", f"sha256:{HEX.upper()}", f"sha256:{HEX[:-1]}", f"SHA256:{HEX}", HEX),
    ],
    "OCI-08": [
        *(f"md5:{HEX[:32]}", f"sha1:{HEX[:40]}", f"sha384:{HEX}{HEX[:32]}", f"blake3:{HEX}", f"sha256+b64u:{HEX}"),
        f"multihash:1220{HEX}",
    ],
    "OCI-09": [f"sha512:{HEX}{HEX}"],
}


@pytest.mark.parametrize("digest", [pytest.param(one, marks=attack(id_)) for id_ in DIGESTS for one in DIGESTS[id_]])
def test_digests(lab: Lab, digest: str) -> None:
    manifest(lab, lambda value: value["config"].update(digest=digest), "digest-invalid")
    manifest(lab, lambda value: value["layers"][0].update(digest=digest), "digest-invalid")
    opened = lab.good()
    opened.manifest["images"][0]["digest"] = digest
    lab.refused(opened, 10)


@attack("OCI-09")
def test_a_claim_over_sha512(lab: Lab) -> None:
    claim = forge.claim(RUST, "0").replace(b"sha256:0", b"sha512:" + b"0" * 128)
    files = [by("anna"), forge.inline(lab.site.people["bert"][0].signing_key, claim)]
    lab.refused(lab.signed(*files), 30, "quorum-not-met")


@attack("OCI-11")
@pytest.mark.parametrize("which", ["index", "manifest", "configuration", "layer"])
def test_a_missing_blob(lab: Lab, which: str) -> None:
    found = under(index_of(amd64()), IMAGE)
    gone = {
        "index": found.digest,
        "manifest": IMAGE.digest,
        "configuration": IMAGE.configs[0].digest,
        "layer": IMAGE.layers[0].digest,
    }[which]
    blobs = {digest: data for digest, data in in_order(found).items() if digest != gone}
    lab.refused(lab.image(found, blobs=blobs), 10, "member-missing")


@attack("OCI-12")
@pytest.mark.parametrize("first", [True, False])
def test_a_blob_too_many(lab: Lab, first: bool) -> None:
    blobs, extra = in_order(IMAGE), {forge.images.sha256(b"smuggled"): b"smuggled"}
    lab.refused(lab.image(IMAGE, blobs=extra | blobs if first else blobs | extra), 10)


@attack("OCI-14")
def test_too_deep(lab: Lab) -> None:
    found = under(index_of(amd64()), IMAGE)
    for _ in range(LIMITS.oci_index_depth):
        outer = index_of(found.root.descriptor())
        found = replace(found, root=outer, others=(found.root, *found.others))
    lab.refused(lab.image(found), 10, "image-graph-invalid")


@attack("OCI-14")
def test_too_wide(lab: Lab) -> None:
    entry = IMAGE.root.descriptor()
    many = index_of(*[entry | {"digest": f"sha256:{number:064x}"} for number in range(LIMITS.oci_index_entries + 1)])
    lab.refused(lab.image(under(many, IMAGE)), 10, "image-manifest-invalid")
    manifest(
        lab, lambda value: value.update(layers=value["layers"] * (LIMITS.oci_layers + 1)), "image-manifest-invalid"
    )


@attack("OCI-15")
@pytest.mark.parametrize(
    "other",
    [
        {"mediaType": OCI_TYPES.index},
        {"size": 1},
        {"platform": {"os": "linux", "architecture": "arm64"}},
        {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
    ],
    ids=["type", "size", "platform", "attestation"],
)
def test_one_digest_in_two_ways(lab: Lab, other: dict[str, object]) -> None:
    lab.refused(lab.image(under(index_of(amd64(), amd64() | other), IMAGE)), 10, "image-graph-invalid")


@attack("OCI-15")
@pytest.mark.parametrize("other", [{"size": 1}, {"mediaType": OCI_TYPES.layer}], ids=["size", "type"])
def test_one_layer_in_two_ways(lab: Lab, other: dict[str, object]) -> None:
    manifest(lab, lambda value: value["layers"].append(value["layers"][0] | other), "image-graph-invalid")


URLS = {"urls": ["https://192.0.2.1/evil.tar"]}


@attack("OCI-16")
@attack("LDR-17")
@pytest.mark.parametrize(
    "change",
    [
        URLS,
        {"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"},
        {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", **URLS},
        {"urls": []},
    ],
    ids=["urls", "nondistributable", "foreign", "no urls"],
)
def test_a_layer_from_elsewhere(lab: Lab, change: dict[str, object]) -> None:
    """No engine ever sees it, so none can fetch it."""
    manifest(lab, lambda value: value["layers"][0].update(change), "external-layer")


@attack("OCI-17")
def test_urls_elsewhere(lab: Lab) -> None:
    manifest(lab, lambda value: value["config"].update(URLS), "external-layer")
    lab.refused(lab.image(under(index_of(amd64() | URLS), IMAGE)), 10, "external-layer")


def add_data(value: dict[str, Any], *, name: str, of: int | None, text: str) -> None:
    (value[name] if of is None else value[name][of]).update(data=text)


@attack("OCI-18")
def test_inline_data(lab: Lab) -> None:
    """What is not what the digest says, and what is longer than it should be."""
    layer, config = IMAGE.layers[0].data, IMAGE.configs[0].data
    for name, of, data in (("layers", 0, b"evil"), ("layers", 0, layer[:-1] + b"x"), ("config", None, config + b" ")):
        text = base64.b64encode(data).decode()
        manifest(lab, partial(add_data, name=name, of=of, text=text), "inline-data-differs", codes=20)
    manifest(lab, lambda value: value["config"].update(data="%%%"), codes={10, 20})


@attack("OCI-20")
def test_dockers_media_types(lab: Lab) -> None:
    """Accepted by the same rules, by design (README: `docker-archive:`); but not half of them, and not schema 1."""
    docker = sample("docker", docker=True)
    lab.accepted(lab.image(docker))
    as_oci = Blob(OCI_TYPES.manifest, docker.root.data)
    lab.refused(lab.image(replace(docker, root=as_oci, manifests=(("linux/amd64", as_oci),))), 10)
    schema_1 = Blob("application/vnd.docker.distribution.manifest.v1+prettyjws", docker.root.data)
    lab.refused(lab.image(replace(docker, root=schema_1)), 10, "media-type-unsupported")
    silent = json.loads(docker.root.data)
    del silent["mediaType"]
    root = Blob(docker.root.media_type, to_json(silent))
    lab.refused(lab.image(replace(docker, root=root, manifests=(("linux/amd64", root),))), 10, "image-manifest-invalid")


@attack("OCI-21")
def test_diff_ids(lab: Lab) -> None:
    """Their number always; their value where the layer is not compressed, for no layer is ever unpacked here.

    A compressed layer with another diff id is the engine's to refuse (docs/THREATS.md). It was signed like that.
    """
    config = json.loads(IMAGE.configs[0].data)
    config["rootfs"]["diff_ids"] *= 2
    lab.refused(lab.image(reconfigured(IMAGE, to_json(config))), 10, "image-config-invalid")
    config["rootfs"]["diff_ids"] = []
    lab.refused(lab.image(reconfigured(IMAGE, to_json(config))), 10, "image-config-invalid")
    config["rootfs"]["diff_ids"] = [f"sha256:{'0' * 64}"]
    lab.refused(lab.image(reconfigured(sample("raw", compression="none"), to_json(config))), 10, "image-config-invalid")
    lab.accepted(lab.image(reconfigured(IMAGE, to_json(config))))


@attack("OCI-23")
@pytest.mark.parametrize(
    "name",
    [
        "io.github.containers.zstd-chunked.manifest-checksum",
        "io.github.containers.zstd-chunked.manifest-position",
        "io.containers.zstd-chunked.manifest-checksum",
        "containerd.io/snapshot/stargz/toc.digest",
    ],
)
def test_a_table_of_contents(lab: Lab, name: str) -> None:
    manifest(lab, lambda value: value["layers"][0].update(annotations={name: "x"}), "partial-layer")


@attack("OCI-24")
@pytest.mark.parametrize("suffix", ["+encrypted", "+gzip+encrypted", "+zstd+encrypted"])
def test_an_encrypted_layer(lab: Lab, suffix: str) -> None:
    media_type = f"{OCI_TYPES.layer}{suffix}"
    manifest(lab, lambda value: value["layers"][0].update(mediaType=media_type), "media-type-unsupported")


@attack("OCI-26")
@pytest.mark.parametrize(
    "name",
    [
        *("../../etc/passwd", "docker.io/../x", "docker.io/Stagex/X", "docker.io/stagex/" + "x" * 4096, "", "stagex/x"),
        *("docker.io/stagex/x\x1b[2J", "docker.io/stagex/x\n", f"docker.io/stagex/x@sha256:{'0' * 64}", "-rf"),
        *("docker.io//x", "docker.io/stagex/x:", "docker.io/stagex/x:latest/..", "https://docker.io/stagex/x"),
    ],
)
def test_names(lab: Lab, name: str) -> None:
    opened = lab.good()
    opened.manifest["images"][0]["reference"] = name
    lab.refused(opened, 10)


@attack("OCI-26")
def test_one_name_for_two_images(lab: Lab) -> None:
    """The same twice is refused; two images of one repository have the digest in their ref names."""
    opened = lab.good()
    opened.manifest["images"] *= 2
    lab.refused(opened, 10, "bundle-manifest-invalid")
    other = lab.good()
    listed = json.loads(other.content("index.json"))
    listed["manifests"] *= 2
    other.swap("index.json", canonical(listed))
    lab.refused(other, 10, "member-unexpected")


@attack("OCI-27")
def test_an_unsigned_sibling(lab: Lab) -> None:
    """StageX signs the platform's manifest. The index over it and a stranger's is signed by nobody."""
    arm = sample("arm", platform="linux/arm64")
    both = forge.image_index([IMAGE, arm])
    files = [by("anna"), by("bert")]
    lab.refused(put_together(both, files, lab.site), 30, "quorum-not-met")
    lab.refused(put_together(both, [], lab.site), 30, "image-unsigned")
    # Presented as the signed manifest, the stranger has no place.
    lab.refused(lab.image(IMAGE, blobs=in_order(IMAGE) | in_order(arm)), 10)


@attack("OCI-29")
def test_two_images_for_one_platform(lab: Lab) -> None:
    other = sample("other")
    lab.refused(lab.image(under(index_of(amd64(), amd64(other)), IMAGE, other)), 10, "platform-ambiguous")


@attack("OCI-30")
@pytest.mark.parametrize("how", ["artifactType", "empty configuration", "configuration of another type"])
def test_an_artifact(lab: Lab, how: str) -> None:
    empty = Blob("application/vnd.oci.empty.v1+json", b"{}")
    if how == "artifactType":
        found = reworked(IMAGE, lambda value: value.update(artifactType="application/x"))
    elif how == "empty configuration":
        found = replace(reworked(IMAGE, lambda value: value.update(config=empty.descriptor())), configs=(empty,))
    else:
        found = reworked(
            IMAGE, lambda value: value["config"].update(mediaType="application/vnd.cncf.helm.config.v1+json")
        )
    lab.refused(lab.image(found), 10, "image-graph-invalid")


@attack("OCI-32")
def test_attestations(lab: Lab, fresh: Lab) -> None:
    """Those of a signed index belong to it: they are kept, counted as no platform, and may not be missing."""
    found = forge.image_index([IMAGE], attestations=True)
    whole = fresh.image(found)
    verdict = fresh.accepted(whole).json
    assert verdict["images"][0]["platforms"] == ["linux/amd64"]
    fresh.site.bundle.write_bytes(whole.packed())
    assert fresh.site.import_().code == 0
    stored = fresh.site.store / "blobs" / "sha256" / found.attestations[0].digest[7:]
    assert stored.read_bytes() == found.attestations[0].data
    blobs = {digest: data for digest, data in in_order(found).items() if digest != found.attestations[0].digest}
    lab.refused(lab.image(found, blobs=blobs), 10, "member-missing")


@attack("OCI-34")
@pytest.mark.parametrize("name", ["manifest.json", "repositories", "ingest/x"])
def test_files_of_another_format(lab: Lab, name: str) -> None:
    opened = lab.good()
    opened.members.insert(opened.at("index.json") + 1, (name, b'[{"RepoTags":["evil:1"],"Config":"x"}]'))
    lab.refused(opened, 10, "member-unexpected")
    lab.refused(opened.packed(relist=False), {10, 20})


@attack("OCI-35")
def test_a_hostile_configuration(lab: Lab) -> None:
    """What an image does when it runs is for those who sign it: with a quorum it is accepted, without it is not.

    Its strings reach no terminal. Engines read "User" (CVE-2024-40635): docs/THREATS.md says which must be current.
    """
    config = {"User": "4294967296:0", "Entrypoint": [HOSTILE], "Env": [f"A={HOSTILE}"], "Labels": {HOSTILE: HOSTILE}}
    hostile = forge.image([Layer({"bin/sample": b"x"})], config=config)
    files = [signature(lab.site.people["anna"][0], RUST, hostile.digest)]
    lab.refused(put_together(hostile, files, lab.site), 30, "quorum-not-met")
    opened = lab.image(hostile)
    harmless(lab.accepted(opened))
    path = lab.site.folder / "hostile.airgap.tar.zst"
    path.write_bytes(opened.packed())
    harmless(run("inspect", path), run("verify", path, "--trust", lab.site.trust))


@attack("OCI-36")
def test_a_hostile_layer(fresh: Lab, tmp_path: Path) -> None:
    """Nothing here unpacks layers: what was signed is kept byte for byte, and nothing else appears anywhere."""
    files = {"../../../escape": b"x", f"{tmp_path}/absolute": b"x", ".wh..wh..opq": b"", "a/.wh.b": b""}
    found = forge.image([Layer(files)])
    fresh.site.bundle.write_bytes(fresh.image(found).packed())
    assert fresh.site.import_().code == 0
    for folder in (fresh.site.store, fresh.site.out):
        assert (folder / "blobs" / "sha256" / found.layers[0].digest[7:]).read_bytes() == found.layers[0].data
    assert {path.name for path in tmp_path.iterdir()} == {"lab"}
    assert not [path for path in tmp_path.rglob("*") if path.name in ("escape", "absolute", ".wh..wh..opq")]


@attack("OCI-11")
def test_a_blob_that_is_listed_with_another_size(lab: Lab) -> None:
    opened = lab.good()
    rows = opened.listed()
    path, data = opened.members[-1]
    opened.members[-1] = (path, data + b"x")
    rows = opened.listed()
    rows["members"][-1]["sha256"] = path.rpartition("/")[2]
    lab.refused(seal(archive(canonical(rows), opened.members)), {10, 20})


OTHER = sample("another")
BENT = {name: json.loads(OTHER.root.data)[name] for name in ("layers", "config")}


@attack("X-26")
@pytest.mark.parametrize(
    "change",
    [
        {"Layers": BENT["layers"], "Config": BENT["config"]},
        {"layer\u017f": BENT["layers"]},
        {"LAYERS": BENT["layers"]},
        {"Manifests": [amd64(OTHER)]},
        {"MediaType": OCI_TYPES.index},
        {"x-own": 1, "X-Own": 2},
    ],
    ids=["image", "long s", "capitals", "index", "media type", "unknown"],
)
def test_a_manifest_of_two_spellings(lab: Lab, change: dict[str, object]) -> None:
    """Engines are written in Go, which ignores case: skopeo and umoci run the layers of "Layers"."""
    manifest(lab, lambda value: value.update(change), "image-manifest-invalid")


@attack("X-26")
@pytest.mark.parametrize(
    "change",
    [
        {"URLs": ["https://192.0.2.1/evil.tar"]},
        {"Annotations": {"io.github.containers.zstd-chunked.manifest-position": "1:2:3:4"}},
        {"Digest": OTHER.layers[0].digest},
        {"Data": "ZXZpbA=="},
        {"\u212aind": 1, "kind": 2},
    ],
    ids=["urls", "table of contents", "digest", "data", "kelvin"],
)
def test_a_descriptor_of_two_spellings(lab: Lab, change: dict[str, object]) -> None:
    manifest(lab, lambda value: value["layers"][0].update(change), "image-manifest-invalid")
    manifest(lab, lambda value: value["config"].update(change), "image-manifest-invalid")
    lab.refused(lab.image(under(index_of(amd64() | change), IMAGE)), 10, "image-manifest-invalid")


@attack("X-26")
def test_an_index_of_two_spellings(lab: Lab) -> None:
    for root in (
        index_of(amd64(), Manifests=[amd64(OTHER)]),
        index_of(IMAGE.root.descriptor(platform={"os": "linux", "architecture": "amd64", "Architecture": "arm64"})),
    ):
        lab.refused(lab.image(under(root, IMAGE)), 10, "image-manifest-invalid")


@attack("X-26")
@pytest.mark.parametrize("name", ["RootFS", "OS", "o\u017f", "Architecture", "Config", "History"])
def test_a_configuration_of_two_spellings(lab: Lab, name: str) -> None:
    config = json.loads(IMAGE.configs[0].data) | {name: json.loads(OTHER.configs[0].data).get(name.lower(), "linux")}
    lab.refused(lab.image(reconfigured(IMAGE, to_json(config))), 10, "image-config-invalid")


@attack("X-26")
def test_names_that_are_data(lab: Lab) -> None:
    """Maps tell cases apart in Go, too, and what no specification names is read by no engine."""
    free = {"annotations": {"Digest": "a", "digest": "b", "X": "c", "x": "d"}, "X-Own": {"Layers": [], "layers": []}}
    lab.accepted(lab.image(reworked(IMAGE, lambda value: (value.update(free), value["layers"][0].update(free)))))


MARKS = {
    "attestation": {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
    "artifact": {},
}


@attack("X-27")
@pytest.mark.parametrize("how", MARKS)
def test_an_image_marked_as_none(lab: Lab, how: str) -> None:
    """An engine that looks for linux/amd64 takes the first one, whatever is written on it."""
    evil = OTHER if how == "attestation" else reworked(OTHER, lambda value: value.update(artifactType="application/x"))
    for entries in ([amd64(evil, **MARKS[how]), amd64()], [amd64(), amd64(evil, **MARKS[how])]):
        images = (evil, IMAGE) if entries[1] == amd64() else (IMAGE, evil)
        lab.refused(lab.image(under(index_of(*entries), *images)), 10, "platform-ambiguous")
    # Without a platform it is run where nothing fits better.
    for good in (amd64(), IMAGE.root.descriptor()):
        root = index_of(evil.root.descriptor(**MARKS[how]), good)
        lab.refused(lab.image(under(root, evil, IMAGE)), 10, "image-graph-invalid")
    arm = evil.root.descriptor(platform={"os": "linux", "architecture": "arm64"}, **MARKS[how])
    lab.accepted(lab.image(under(index_of(amd64(), arm), IMAGE, evil), platforms=["linux/amd64", "linux/arm64"]))
    lab.refused(lab.image(under(index_of(amd64(), arm), IMAGE, evil), platforms=["linux/amd64"]), 10)


@attack("X-27")
@pytest.mark.parametrize("how", MARKS)
def test_an_image_marked_as_none_is_checked(lab: Lab, how: str) -> None:
    """Its layers and their diff ids like those of any other."""
    config = json.loads(OTHER.configs[0].data)
    config["rootfs"]["diff_ids"] *= 2
    evil = reconfigured(OTHER, to_json(config))
    odd = reworked(OTHER, lambda value: value["layers"][0].update(mediaType="text/plain"))
    for one, kind in ((evil, "image-config-invalid"), (odd, "media-type-unsupported")):
        bad = one if how == "attestation" else reworked(one, lambda value: value.update(artifactType="application/x"))
        arm = bad.root.descriptor(platform={"os": "linux", "architecture": "arm64"}, **MARKS[how])
        both = ["linux/amd64", "linux/arm64"]
        lab.refused(lab.image(under(index_of(amd64(), arm), IMAGE, bad), platforms=both), 10, kind)


@attack("OCI-27")
def test_the_signatures_of_strangers(lab: Lab) -> None:
    found = sample("strange")
    files = [signature(gang()[nick][0], RUST, found.digest) for nick in gang()]
    ring = b"".join(one.bytes for many in gang().values() for one in many)
    lab.refused(put_together(found, files, lab.site, keyring=ring), 30, "quorum-not-met")
