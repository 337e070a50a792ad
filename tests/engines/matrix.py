"""What each target reports of each form of image: the tests of the targets ask it, and docs/engines.md shows it."""

from __future__ import annotations

from collections.abc import Sequence

import forge
from forge.images import Blob, to_json

from airgap.oci.descriptor import OCI_INDEX, OCI_MANIFEST
from tests.cli.site import RUST, Site
from tests.engines.forms import forms, one
from tests.sources.server import Registry

OCI, PODMAN, DOCKER, DOCKER_ON_CONTAINERD, CONTAINERD, REGISTRY = TARGETS = (
    "`oci:DIR`",
    "podman",
    "docker",
    "docker on containerd's store",
    "containerd",
    "`docker://`",
)
WITH_REFERRERS = "with referrers"
FORMS = (*forms(), WITH_REFERRERS)

MANIFEST, CONFIG, REFUSED = "signed digest", "configuration", "`engine-cannot-hold`"
REASONS = {
    ("index in index", PODMAN): "index inside an index",
    ("index of other platforms", PODMAN): "linux/arm64, linux/s390x",
    ("index of other platforms", DOCKER): "linux/arm64, linux/s390x",
    ("zstd", DOCKER): "cannot unpack zstd",
}
"""Which forms a target cannot hold, and what the refusal says."""

SBOM = Blob("application/spdx+json", b'{"spdxVersion":"SPDX-2.3"}')
EMPTY = Blob("application/vnd.oci.empty.v1+json", b"{}")


def reported(form: str, target: str) -> str:
    """By what digest the target names the image afterwards, or the kind of the refusal."""
    if (form, target) in REASONS:
        return REFUSED
    return CONFIG if target == DOCKER else MANIFEST


def held_by(*targets: str) -> tuple[str, ...]:
    """The forms that all of these targets hold."""
    return tuple(form for form in forms() if all(reported(form, target) != REFUSED for target in targets))


def table() -> str:
    """As it stands in docs/engines.md."""
    rows: list[Sequence[str]] = [("form of the image", *TARGETS), ["---"] * (len(TARGETS) + 1)]
    rows += [(form, *(reported(form, target) for target in TARGETS)) for form in FORMS]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows).replace("| --- ", "|---").replace("|--- |", "|---|")


def carry(site: Site, form: str) -> forge.Sample:
    """Export an image of this form as RUST, signed by two."""
    if form != WITH_REFERRERS:
        found = forms()[form]
        exported = site.export(site.image(RUST, found, "anna", "bert"))
    else:
        found = one(form)
        site.sign(RUST, found.digest, "anna", "bert")
        with _registry(found).serving() as registry:
            exported = site.export(f"{RUST}=docker://{registry.host}/x@{found.digest}", "--plain-http")
    assert exported.code == 0, exported
    return found


def _registry(found: forge.Sample) -> Registry:
    """Holds an image and an SBOM of it, as registries without the referrers API do."""
    registry = Registry()
    value = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": SBOM.media_type,
        "config": EMPTY.descriptor(),
        "layers": [SBOM.descriptor()],
        "subject": found.root.descriptor(),
    }
    artifact = Blob(OCI_MANIFEST, to_json(value))
    entries = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [artifact.descriptor()]}
    registry.add("x", found)
    registry.add_manifest("x", artifact)
    registry.add_manifest("x", Blob(OCI_INDEX, to_json(entries)), found.digest.replace(":", "-"))
    registry.blobs["x"] |= {blob.digest: blob.data for blob in (SBOM, EMPTY)}
    return registry
