"""Indexes, manifests and configurations (OCI-14 to OCI-35, CVE-2021-41190)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from forge import Blob
from forge.images import DOCKER_TYPES, OCI_TYPES, to_json

from airgap.digest import digest_of
from airgap.errors import FormatError
from airgap.limits import LIMITS
from airgap.oci.descriptor import Descriptor, Platform
from airgap.oci.manifest import parse_config, parse_index, parse_manifest
from airgap.oci.referrer import parse_artifact
from tests.oci.graphs import IN_TOTO, Content, descriptor, docker

HEX = "0123456789abcdef" * 4


def reason(parse: Any, blob: Blob, at: Descriptor | None = None) -> tuple[str, int]:
    with pytest.raises(FormatError) as caught:
        parse(blob.data, at or descriptor(blob))
    return caught.value.kind, caught.value.exit_status


def entry(media_type: str = OCI_TYPES.manifest) -> dict[str, object]:
    return {"mediaType": media_type, "digest": f"sha256:{HEX}", "size": 1}


MALFORMED: dict[str, dict[str, Any]] = {
    "schema version 1": {"schemaVersion": 1},
    "schema version 3": {"schemaVersion": 3},
    "JSN-04 schema version true": {"schemaVersion": True},
    "JSN-03 schema version 2.0": {"schemaVersion": 2.0},
    "schema version in quotes": {"schemaVersion": "2"},
    "media type of another kind": {"mediaType": OCI_TYPES.config},
    "media type is null": {"mediaType": None},
    "schema 1 layers": {"fsLayers": []},
    "X-26 Layers": {"Layers": []},
    "X-26 layer\u017f": {"layer\u017f": []},
    "X-26 Config": {"Config": {}},
    "X-26 Manifests": {"Manifests": []},
    "X-26 fslayers": {"fslayers": []},
    "X-26 MediaType": {"MediaType": OCI_TYPES.index},
    "X-26 SchemaVersion": {"SchemaVersion": 1},
    "X-26 Subject": {"Subject": None},
    "X-26 ArtifactType": {"ArtifactType": "application/x"},
    "X-26 Annotations": {"Annotations": {}},
    "X-26 two unknown members": {"x-own": 1, "X-Own": 2},
}


@pytest.mark.parametrize("members", MALFORMED.values(), ids=MALFORMED)
def test_malformed(members: dict[str, Any]) -> None:
    content = Content()
    assert reason(parse_index, content.index(**members)) == ("image-manifest-invalid", 10)
    assert reason(parse_manifest, content.manifest(**members)) == ("image-manifest-invalid", 10)
    artifact = content.manifest(**members).data
    # It may leave its media type to whoever lists it, and nobody takes it for an index.
    if "fsLayers" not in members:
        with pytest.raises(FormatError) as caught:
            parse_artifact(artifact, digest_of(artifact))
        assert caught.value.kind == "image-manifest-invalid"


def test_names_that_are_data_are_free() -> None:
    """As engines see it: annotations tell cases apart, and members that no specification names are nobody's."""
    members: dict[str, Any] = {"annotations": {"Layers": "a", "layers": "b"}, "X-Own": {"Layers": 1, "layers": 2}}
    content = Content()
    index, manifest = content.index(**members), content.manifest(**members)
    assert parse_index(index.data, descriptor(index)).manifests == ()
    assert parse_manifest(manifest.data, descriptor(manifest)).is_image


@pytest.mark.parametrize("member", ["config", "layers"])
def test_an_index_that_could_be_a_manifest(member: str) -> None:
    """CVE-2021-41190: one document, two readings."""
    members: dict[str, Any] = {member: []}
    assert reason(parse_index, Content().index(**members)) == ("image-manifest-invalid", 10)


def test_a_manifest_that_could_be_an_index() -> None:
    assert reason(parse_manifest, Content().manifest(manifests=[])) == ("image-manifest-invalid", 10)


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b"{}", b"[" * 100_000, b'{"schemaVersion":2,"schemaVersion":2}'])
def test_no_document(data: bytes) -> None:
    for parse, media_type in ((parse_index, OCI_TYPES.index), (parse_manifest, OCI_TYPES.manifest)):
        assert reason(parse, Blob(media_type, data)) == ("image-manifest-invalid", 10)
    assert reason(parse_config, Blob(OCI_TYPES.config, data)) == ("image-config-invalid", 10)


def test_the_descriptor_says_what_a_document_is() -> None:
    content = Content()
    for blob in (content.index(), content.manifest()):
        other = DOCKER_TYPES.index if blob.media_type == OCI_TYPES.index else DOCKER_TYPES.manifest
        parse = parse_index if blob.media_type == OCI_TYPES.index else parse_manifest
        at = descriptor(Blob(other, blob.data))
        assert reason(parse, blob, at) == ("image-manifest-invalid", 10)


def test_oci_may_leave_its_media_type_out_docker_may_not() -> None:
    value = {"schemaVersion": 2, "manifests": []}
    assert parse_index(to_json(value), descriptor(Blob(OCI_TYPES.index, to_json(value)))).manifests == ()
    assert reason(parse_index, Blob(DOCKER_TYPES.index, to_json(value))) == ("image-manifest-invalid", 10)
    config = Content().config(0)
    value = {"schemaVersion": 2, "config": config.descriptor(), "layers": []}
    assert parse_manifest(to_json(value), descriptor(Blob(OCI_TYPES.manifest, to_json(value)))).is_image
    assert reason(parse_manifest, Blob(DOCKER_TYPES.manifest, to_json(value))) == ("image-manifest-invalid", 10)


@pytest.mark.parametrize(
    "media_type",
    [
        OCI_TYPES.layer,
        OCI_TYPES.config,
        "application/vnd.oci.artifact.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "text/plain",
    ],
)
def test_a_child_of_an_index_is_a_manifest(media_type: str) -> None:
    assert reason(parse_index, Content().index(entry(media_type))) == ("media-type-unsupported", 10)


def test_oci_14_how_many() -> None:
    content = Content()
    many = content.index(*[entry()] * (LIMITS.oci_index_entries + 1))
    assert reason(parse_index, many) == ("image-manifest-invalid", 10)
    layers = content.manifest(layers=[entry(OCI_TYPES.layer)] * (LIMITS.oci_layers + 1))
    assert reason(parse_manifest, layers) == ("image-manifest-invalid", 10)


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",  # OCI-24
        "application/vnd.oci.image.layer.v1.tar+encrypted",
        "application/vnd.oci.image.layer.v1.tar+xz",
        "application/octet-stream",
        IN_TOTO,
    ],
)
def test_oci_24_a_layer_is_a_layer(media_type: str) -> None:
    content = Content()
    manifest = content.manifest(layers=[content.layer(media_type=media_type)])
    assert reason(parse_manifest, manifest) == ("media-type-unsupported", 10)


@pytest.mark.parametrize("suffix", ["", "+gzip", "+zstd"])
def test_layers_of_oci(suffix: str) -> None:
    content = Content()
    manifest = content.manifest(layers=[content.layer(media_type=OCI_TYPES.layer + suffix)])
    assert parse_manifest(manifest.data, descriptor(manifest)).is_image


@pytest.mark.parametrize("suffix", ["", ".gzip", ".zstd"])
def test_oci_20_layers_of_docker(suffix: str) -> None:
    content = docker()
    manifest = content.manifest(layers=[content.layer(media_type=DOCKER_TYPES.layer + suffix)])
    assert parse_manifest(manifest.data, descriptor(manifest)).is_image


class TestWhatIsAnImage:
    """OCI-30, OCI-32: attestations and artifacts are carried, never run."""

    def test_an_image(self) -> None:
        manifest = Content().image()
        assert parse_manifest(manifest.data, descriptor(manifest)).is_image

    def test_an_artifact_type(self) -> None:
        content = Content()
        manifest = content.manifest(content.blob("application/x.config", b"{}"), artifactType="application/x")
        assert not parse_manifest(manifest.data, descriptor(manifest)).is_image

    def test_an_empty_config(self) -> None:
        content = Content()
        empty = content.blob("application/vnd.oci.empty.v1+json", b"{}")
        manifest = content.manifest(empty, [content.layer(media_type=IN_TOTO)])
        assert not parse_manifest(manifest.data, descriptor(manifest)).is_image

    def test_an_attestation(self) -> None:
        manifest = Content().attestation()
        at = replace(descriptor(manifest), platform=Platform("unknown", "unknown"))
        for marked in (True, False):
            assert not parse_manifest(manifest.data, replace(at, is_attestation=marked)).is_image

    def test_x_27_marked_and_listed_for_no_platform(self) -> None:
        """Engines fall back on what has no platform: what has an image's configuration is then run."""
        manifest, artifact = Content().image(), Content().image(artifactType="application/x")
        at = replace(descriptor(manifest), is_attestation=True)
        assert reason(parse_manifest, manifest, at) == ("image-graph-invalid", 10)
        assert reason(parse_manifest, artifact) == ("image-graph-invalid", 10)

    @pytest.mark.parametrize("marked", [True, False])
    @pytest.mark.parametrize("artifact", [True, False])
    def test_x_27_what_is_for_a_platform_is_an_image(self, marked: bool, artifact: bool) -> None:
        """Engines choose by platform. No mark keeps them from running it, so none saves it from being looked at."""
        content = Content()
        members: dict[str, Any] = {"artifactType": "application/x"} if artifact else {}
        manifest = content.image(**members)
        at = replace(descriptor(manifest), platform=Platform("linux", "amd64"), is_attestation=marked)
        assert parse_manifest(manifest.data, at).is_image
        for platform in (Platform("unknown", "amd64"), Platform("linux", "unknown")):
            assert parse_manifest(manifest.data, replace(at, platform=platform)).is_image
        assert not parse_manifest(manifest.data, replace(at, platform=Platform("unknown", "unknown"))).is_image
        odd = [
            content.manifest(content.config(1), [content.layer(media_type=IN_TOTO)], **members),
            content.manifest(content.blob("application/x.config", b"{}"), [content.layer()], **members),
        ]
        for one in odd:
            at = replace(descriptor(one), platform=Platform("linux", "amd64"), is_attestation=marked)
            assert reason(parse_manifest, one, at) == ("media-type-unsupported", 10)

    def test_an_artifact_type_that_is_no_string(self) -> None:
        assert reason(parse_manifest, Content().image(artifactType=1)) == ("image-manifest-invalid", 10)

    def test_an_attestation_presented_as_an_image(self) -> None:
        assert reason(parse_manifest, Content().attestation()) == ("media-type-unsupported", 10)


CONFIGS: dict[str, dict[str, Any]] = {
    "no os": {"os": None},
    "architecture is a number": {"architecture": 1},
    "variant is a list": {"variant": []},
    "rootfs is null": {"rootfs": None},
    "rootfs of another type": {"rootfs": {"type": "tree", "diff_ids": []}},
    "no diff ids": {"rootfs": {"type": "layers"}},
    "diff ids are numbers": {"rootfs": {"type": "layers", "diff_ids": [1]}},
    "X-26 OS": {"OS": "linux"},
    "X-26 o\u017f": {"o\u017f": "linux"},
    "X-26 Architecture": {"Architecture": "arm64"},
    "X-26 Variant": {"Variant": "v8"},
    "X-26 RootFS": {"RootFS": {"type": "layers", "diff_ids": []}},
    "X-26 Config": {"Config": {"Entrypoint": ["/bin/evil"]}},
    "X-26 History": {"History": []},
    "X-26 Created": {"Created": "2025-01-01T00:00:00Z"},
    "X-26 other diff ids": {"rootfs": {"type": "layers", "diff_ids": [f"sha256:{0:064x}"], "Diff_IDs": []}},
    "X-26 two unknown members": {"docker_version": "1", "Docker_Version": "2"},
    "too many diff ids": {"rootfs": {"type": "layers", "diff_ids": ["x"] * (LIMITS.oci_layers + 1)}},
}


@pytest.mark.parametrize("members", CONFIGS.values(), ids=CONFIGS)
def test_a_configuration(members: dict[str, Any]) -> None:
    assert reason(parse_config, Content().config(**members)) == ("image-config-invalid", 10)


def test_a_configuration_holds_what_it_likes_besides() -> None:
    """OCI-35: content is not judged; fractions are found in real configurations."""
    config = Content().config(
        config={
            "User": "4294967296:0",
            "Env": ["X=\x1b[2J"],
            "Healthcheck": {"Interval": 0.5},
            "Labels": {"OS": "a", "os": "b"},
        },
        variant="v8",
        docker_version="20.10",
        Size=1,
    )
    found = parse_config(config.data, descriptor(config))
    assert str(found.platform) == "linux/amd64/v8"
    assert found.diff_ids == (f"sha256:{0:064x}",)
