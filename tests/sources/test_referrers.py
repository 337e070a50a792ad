"""SBOMs, attestations and cosign's artifacts: carried whole, listed in the verdict, never counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from forge.images import Blob, to_json

from airgap.bundle.manifest import parse_bundle_manifest
from airgap.digest import Digest, digest_of, parse_digest
from airgap.disk.writing import write_whole
from airgap.errors import AirgapError, HostError
from airgap.limits import LIMITS
from airgap.oci.descriptor import OCI_INDEX, OCI_MANIFEST
from airgap.oci.referrer import Referrer, ReferrerClosure, parse_artifact
from airgap.store import store
from tests.cli.contract import check_verdict
from tests.cli.site import AT, Result, Site, run, sample, snapshot
from tests.sources.server import Registry

IMAGE = sample()
NAME = "docker.io/stagex/x"
EMPTY = Blob("application/vnd.oci.empty.v1+json", b"{}")
SBOM = Blob("application/spdx+json", b'{"spdxVersion":"SPDX-2.3"}')


def artifact(subject: str | None = IMAGE.digest, *, blob: Blob = SBOM, config: Blob = EMPTY, **members: object) -> Blob:
    value: dict[str, object] = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config.descriptor()}
    value["layers"] = [blob.descriptor()]
    if subject is not None:
        value["subject"] = {"mediaType": OCI_MANIFEST, "digest": subject, "size": 1}
        value["artifactType"] = blob.media_type
    return Blob(OCI_MANIFEST, to_json(value | members))


def index_of(*blobs: Blob) -> bytes:
    entries = [blob.descriptor() for blob in blobs]
    return to_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})


def listed(blob: Blob, artifact_type: str = SBOM.media_type) -> dict[str, object]:
    return {"artifactType": artifact_type, "digest": blob.digest, "size": len(blob.data)}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path / "site")
    assert site.init().code == 0
    site.sign(NAME, IMAGE.digest, "anna", "bert")
    return site


@pytest.fixture(autouse=True)
def held(registry: Registry) -> None:
    registry.add("m/x", IMAGE)
    registry.blobs["m/x"] |= {EMPTY.digest: EMPTY.data, SBOM.digest: SBOM.data}


def export(site: Site, registry: Registry, *options: object) -> Any:
    exported = site.export(f"{NAME}=docker://{registry.host}/m/x@{IMAGE.digest}", "--plain-http", *options)
    assert exported.code == 0, exported
    return exported.json


def answer(registry: Registry, data: bytes) -> None:
    """The referrers API says this."""
    registry.faults.append(lambda handler: "/referrers/" in handler.path and handler.reply(200, data, OCI_INDEX))


def verdict(site: Site) -> Any:
    found = site.verify()
    assert found.code == 0, found
    (image,) = found.json["images"]
    return image["referrers"]


class TestCarried:
    def test_by_the_api(self, site: Site, registry: Registry) -> None:
        made = artifact()
        registry.add_manifest("m/x", made)
        answer(registry, index_of(made))
        export(site, registry)
        assert verdict(site) == [listed(made)]
        imported = site.import_()
        assert imported.json["images"][0]["referrers"] == [listed(made)]
        assert imported.json["images"][0]["signers"] == ["anna", "bert"]
        kept = {path.name: path.read_bytes() for path in (site.store / "referrers").iterdir()}
        assert kept.pop(f"{IMAGE.digest[7:]}.json") == json.dumps([listed(made)], separators=(",", ":")).encode()
        assert kept == {blob.digest[7:]: blob.data for blob in (made, EMPTY, SBOM)}
        assert site.import_().code == 0  # once more into the same store
        text = run("verify", site.bundle, "--trust", site.trust).text
        assert f"comes with {SBOM.media_type}" in text
        assert "(not counted)" in text

    def test_by_the_fallback_tag(self, site: Site, registry: Registry) -> None:
        made = artifact()
        registry.add_manifest("m/x", made)
        fallback = Blob(OCI_INDEX, index_of(made))
        registry.add_manifest("m/x", fallback, IMAGE.digest.replace(":", "-"))
        export(site, registry)
        assert verdict(site) == [listed(made)]

    def test_by_cosigns_tags(self, site: Site, registry: Registry) -> None:
        payload = Blob("application/vnd.dev.cosign.simplesigning.v1+json", b'{"critical":{}}')
        made = artifact(None, blob=payload, config=IMAGE.configs[0])
        registry.add_manifest("m/x", made, f"{IMAGE.digest.replace(':', '-')}.sig")
        registry.blobs["m/x"][payload.digest] = payload.data
        export(site, registry)
        assert verdict(site) == [listed(made, payload.media_type)]
        assert site.import_().code == 0  # its configuration is the image's, too, and stands in both places

    def test_each_blob_once_and_the_same_bytes_again(self, site: Site, registry: Registry) -> None:
        one, other = artifact(), artifact(annotations={"n": "2"})
        for made in (one, other):
            registry.add_manifest("m/x", made)
        answer(registry, index_of(one, other))
        export(site, registry)
        first = site.bundle.read_bytes()
        registry.requests.clear()
        export(site, registry)
        assert site.bundle.read_bytes() == first
        assert {registry.counts[blob.digest] for blob in (EMPTY, SBOM, one, other)} == {1}
        assert len(verdict(site)) == 2

    def test_signatures_in_them_make_no_quorum(self, tmp_path: Path, registry: Registry) -> None:
        site = Site(tmp_path / "unsigned")
        made = artifact()
        registry.add_manifest("m/x", made)
        answer(registry, index_of(made))
        line = f"{NAME}=docker://{registry.host}/m/x@{IMAGE.digest}"
        assert site.export(line, "--plain-http").code == 30


def import_onto_a_full_disk(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is full when the index is written."""

    def full(path: Path, data: bytes) -> None:
        if path.name == "index.json":
            raise HostError("disk-full", str(path))
        write_whole(path, data)

    monkeypatch.setattr(store, "write_whole", full)
    refused = site.import_()
    assert (refused.code, refused.kinds) == (70, ["disk-full"])


class TestReview:
    """`verify --store`: what the store keeps is shown again, and judged again."""

    @pytest.fixture
    def made(self, site: Site, registry: Registry) -> Blob:
        made = artifact()
        registry.add_manifest("m/x", made)
        answer(registry, index_of(made))
        export(site, registry)
        assert site.import_().code == 0
        return made

    def review(self, site: Site) -> Result:
        return run("verify", "--store", site.store, "--trust", site.trust, "--at", AT, "--format", "json")

    def test_the_same_verdict(self, site: Site, made: Blob) -> None:
        result = self.review(site)
        assert result.code == 0, result
        check_verdict(result.json, 0)
        assert result.json["images"] == site.verify().json["images"]
        assert result.json["images"][0]["referrers"] == [listed(made)]

    @pytest.mark.parametrize("which", ["artifact", "blob"])
    @pytest.mark.parametrize("change", ["flipped", "short", "long", "gone"])
    def test_damaged(self, site: Site, made: Blob, which: str, change: str) -> None:
        blob = made if which == "artifact" else SBOM
        path = site.store / "referrers" / blob.digest[7:]
        if change == "gone":
            path.unlink()
        else:
            flipped = blob.data[:-1] + bytes([blob.data[-1] ^ 1])
            path.write_bytes({"flipped": flipped, "short": blob.data[:-1], "long": blob.data + b" "}[change])
        result = self.review(site)
        expected = (70, ["file-not-found"]) if change == "gone" else (20, ["blob-differs"])
        assert (result.code, result.kinds) == expected
        assert str(path) in result.messages
        (image,) = result.json["images"]
        assert not image["accepted"]
        assert image["referrers"] == []  # none is shown that is not whole
        assert site.import_().code == 0
        assert self.review(site).code == 0

    @pytest.mark.parametrize(
        "text", ["", "{}", "[]", "[1]", "null", '[{"artifactType":"a/b","digest":"sha256:0","size":1}]', "[" * 5000]
    )
    def test_a_list_that_is_none(self, site: Site, made: Blob, text: str) -> None:
        path = site.store / "referrers" / f"{IMAGE.digest[7:]}.json"
        path.write_text(text)
        result = self.review(site)
        assert result.code in (10, 20)
        assert result.kinds[0] in ("file-differs", "digest-invalid")
        assert site.import_().code == 0
        assert self.review(site).code == 0

    def test_of_another_image(self, site: Site, made: Blob) -> None:
        """Whoever may write to the store cannot give an image the artifacts of another one."""
        other = artifact(f"sha256:{'0' * 64}")
        (site.store / "referrers" / other.digest[7:]).write_bytes(other.data)
        (site.store / "referrers" / f"{IMAGE.digest[7:]}.json").write_text(json.dumps([listed(other)]))
        result = self.review(site)
        assert (result.code, result.kinds) == (10, ["image-graph-invalid"])

    def test_a_second_import_that_fails_leaves_the_list(
        self, site: Site, registry: Registry, made: Blob, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        more = artifact(annotations={"n": "2"})
        registry.add_manifest("m/x", more)
        registry.faults.clear()
        answer(registry, index_of(made, more))
        export(site, registry)
        before = snapshot(site.store)

        import_onto_a_full_disk(site, monkeypatch)
        assert snapshot(site.store) == before
        assert self.review(site).code == 0

    def test_an_import_under_two_names_that_fails_leaves_the_list(
        self, site: Site, registry: Registry, made: Blob, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        more = artifact(annotations={"n": "2"})
        registry.add_manifest("m/x", more)
        registry.faults.clear()
        answer(registry, index_of(made, more))
        other = "docker.io/stagex/y"
        site.sign(other, IMAGE.digest, "anna", "bert")
        source = f"docker://{registry.host}/m/x@{IMAGE.digest}"
        assert site.export(f"{NAME}={source}", f"{other}={source}", "--plain-http").code == 0
        before = snapshot(site.store)

        import_onto_a_full_disk(site, monkeypatch)
        left = {path: data for path, data in snapshot(site.store).items() if "/quarantine" not in path}
        assert left == before


class TestLeftBehind:
    def test_when_not_wanted(self, site: Site, registry: Registry) -> None:
        registry.add_manifest("m/x", artifact())
        answer(registry, index_of(artifact()))
        export(site, registry, "--no-referrers")
        assert verdict(site) == []
        assert not any("/referrers/" in path or "sha256-" in path for _, path, _ in registry.requests)

    def test_what_is_about_another_image(self, site: Site, registry: Registry) -> None:
        made = artifact(sample("other").digest)
        registry.add_manifest("m/x", made)
        answer(registry, index_of(made))
        export(site, registry)
        assert verdict(site) == []

    def test_what_is_too_large(self, site: Site, registry: Registry) -> None:
        made = artifact(layers=[SBOM.descriptor() | {"size": LIMITS.referrer_blob + 1}])
        registry.add_manifest("m/x", made)
        answer(registry, index_of(made))
        export(site, registry)
        assert verdict(site) == []

    @pytest.mark.parametrize("data", [b"", b"[]", b'{"manifests":7}', b'{"manifests":[{}]}'])
    def test_what_cannot_be_read_is_noted(self, site: Site, registry: Registry, data: bytes) -> None:
        answer(registry, data)
        (note,) = export(site, registry)["notes"]
        assert "its referrers stay behind" in note
        assert verdict(site) == []

    def test_too_many(self, site: Site, registry: Registry) -> None:
        made = [artifact(annotations={"n": str(n)}) for n in range(LIMITS.referrers_per_image + 1)]
        answer(registry, index_of(*made))
        (note,) = export(site, registry)["notes"]
        assert "51 referrers" in note

    def test_a_wrong_blob_is_refused_all_the_same(self, site: Site, registry: Registry) -> None:
        made = artifact()
        registry.add_manifest("m/x", made)
        answer(registry, index_of(made))
        registry.blobs["m/x"][SBOM.digest] = SBOM.data[:-1] + b" "
        refused = site.export(f"{NAME}=docker://{registry.host}/m/x@{IMAGE.digest}", "--plain-http")
        assert (refused.code, refused.kinds) == (20, ["blob-differs"])


def found(blob: Blob) -> Referrer:
    return parse_artifact(blob.data, digest_of(blob.data)).referrer


def kind_of(call: Any, *arguments: object) -> str:
    with pytest.raises(AirgapError) as caught:
        call(*arguments)
    return caught.value.kind


class TestClosure:
    """What the importer demands of the members below referrers/."""

    image = parse_digest(IMAGE.digest, "test")

    def feed(self, closure: ReferrerClosure, *blobs: Blob) -> None:
        for blob in blobs:
            closure.feed(digest_of(blob.data), blob.data)
        closure.finish()

    def closure(self, *made: Blob) -> ReferrerClosure:
        return ReferrerClosure({found(blob): {self.image} for blob in made})

    def test_exact(self) -> None:
        made = artifact()
        self.feed(self.closure(made), SBOM, made, EMPTY)
        self.feed(self.closure())

    @pytest.mark.parametrize("missing", [0, 1, 2])
    def test_one_missing(self, missing: int) -> None:
        made = artifact()
        blobs = [made, SBOM, EMPTY]
        del blobs[missing]
        assert kind_of(self.feed, self.closure(made), *blobs) == "member-missing"

    def test_the_list_is_not_searched_for_each_blob(self) -> None:
        class Listed(dict[Referrer, set[Digest]]):
            looks = 0

            def items(self) -> Any:
                self.looks += 1
                return super().items()

        made = [artifact(annotations={"n": str(number)}) for number in range(20)]
        listed = Listed({found(blob): {self.image} for blob in made})
        self.feed(ReferrerClosure(listed), *made, SBOM, EMPTY)
        assert listed.looks == 1

    def test_one_that_rides_along(self) -> None:
        made, other = artifact(), Blob("a/b", b"rides along")
        assert kind_of(self.feed, self.closure(made), made, SBOM, EMPTY, other) == "member-unexpected"
        assert kind_of(self.feed, self.closure(), other) == "member-unexpected"

    def test_of_another_type_or_size(self) -> None:
        made = artifact()
        one = found(made)
        for wrong in (Referrer("a/b", one.digest, one.size), Referrer(one.artifact_type, one.digest, one.size + 1)):
            closure = ReferrerClosure({wrong: {self.image}})
            assert kind_of(self.feed, closure, made, SBOM, EMPTY) == "bundle-manifest-invalid"

    def test_about_another_image(self) -> None:
        made = artifact(sample("other").digest)
        assert kind_of(self.feed, self.closure(made), made, SBOM, EMPTY) == "image-graph-invalid"

    def test_a_blob_of_another_size(self) -> None:
        made = artifact(layers=[SBOM.descriptor() | {"size": 1}])
        assert kind_of(self.feed, self.closure(made), made, SBOM, EMPTY) == "blob-size-differs"
        one, other = artifact(), artifact(layers=[SBOM.descriptor() | {"size": 1}])
        assert kind_of(self.feed, self.closure(one, other), one, other, SBOM, EMPTY) == "blob-size-differs"

    @pytest.mark.parametrize(
        "members",
        [
            {"schemaVersion": 1},
            {"mediaType": OCI_INDEX},
            {"annotations": {}, "layers": [{}]},
            {"layers": {}},
            {"subject": {}},
            {"artifactType": "\x1b[2J"},
            {"artifactType": 7},
        ],
    )
    def test_malformed(self, members: dict[str, Any]) -> None:
        made = artifact(**members)
        assert kind_of(parse_artifact, made.data, digest_of(made.data)) == "image-manifest-invalid"

    def test_a_layer_elsewhere(self) -> None:
        made = artifact(layers=[SBOM.descriptor() | {"urls": ["https://example.org/"]}])
        assert kind_of(parse_artifact, made.data, digest_of(made.data)) == "external-layer"


class TestManifest:
    """bundle.json, where artifacts are listed."""

    @pytest.fixture
    def document(self, site: Site, registry: Registry) -> dict[str, Any]:
        made = artifact()
        registry.add_manifest("m/x", made)
        answer(registry, index_of(made))
        export(site, registry)
        import zstandard

        data = zstandard.ZstdDecompressor().stream_reader(site.bundle.read_bytes()).read(1 << 20)
        size = int(data[124:135], 8)
        value: dict[str, Any] = json.loads(data[512 : 512 + size])
        assert encode(value) == data[512 : 512 + size]
        return value

    def test_as_written(self, document: dict[str, Any]) -> None:
        manifest = parse_bundle_manifest(encode(document))
        assert manifest.encoded == encode(document)
        assert document["requires"] == ["referrers"]
        assert [path["path"].partition("/")[0] for path in document["members"]][-3:] == ["referrers"] * 3
        assert {one.artifact_type for found in manifest.referrers.values() for one in found} == {SBOM.media_type}

    @pytest.mark.parametrize(
        "change",
        [
            lambda document: document.update(requires=[]),
            lambda document: document.update(requires=["referrers", "referrers"]),
            lambda document: document["images"][0].pop("referrers"),
            lambda document: document["images"][0].update(referrers=[]),
            lambda document: document["images"][0]["referrers"].append(document["images"][0]["referrers"][0]),
            lambda document: document["images"][0]["referrers"][0].update(artifactType="no type"),
            lambda document: document["images"][0]["referrers"][0].update(size=LIMITS.oci_manifest + 1),
            lambda document: document["images"][0]["referrers"][0].update(extra=1),
            lambda document: document["members"][-1].update(sha256="0" * 64),
            lambda document: document["members"].reverse(),
        ],
    )
    def test_changed(self, document: dict[str, Any], change: Any) -> None:
        change(document)
        assert kind_of(parse_bundle_manifest, encode(document)) == "bundle-manifest-invalid"

    def test_a_blob_over_the_limit(self, document: dict[str, Any]) -> None:
        document["members"][-1]["size"] = LIMITS.referrer_blob + 1
        assert kind_of(parse_bundle_manifest, encode(document)) == "limit-exceeded"

    @pytest.mark.parametrize("path", ["referrers/x", f"referrers/{'A' * 64}", f"referrers/../{'0' * 64}"])
    def test_another_path(self, document: dict[str, Any], path: str) -> None:
        document["members"][-1]["path"] = path
        assert kind_of(parse_bundle_manifest, encode(document)) == "member-unexpected"


def encode(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
