"""What the offline machine holds, damaged in one place: refused or without effect, and never a first use (R2)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from airgap.errors import FormatError
from airgap.examiner import Job
from airgap.openpgp.keyring import load_keyring
from airgap.progress import Silent
from airgap.report.documents.signatures import signature_document
from airgap.report.documents.verdict import verdict_document
from airgap.reviewer import review
from airgap.state import LOG_FILE, create_trust, load_trust
from airgap.store.store import Store
from airgap.trust.evidence import SignatureReport
from airgap.trust.pinned import Trust
from airgap.verify import judge_for_image
from tests.bundle.simulator import NOW as BUNDLE_NOW
from tests.bundle.simulator import encode
from tests.bundle.simulator import sample as bundle
from tests.bundle.simulator import trust as bundle_trust
from tests.cli.site import run
from tests.damage.damages import KINDS, endure
from tests.damage.test_bundle import EVERY
from tests.tally import Tally
from tests.trust.judged import IMAGE, NOW, certificate_of, files, trust

SIGNATURES = ("good alice", "good bob", "detached carol")
TRUST_FILES = ("state.json", LOG_FILE, "roots/1.json", "certificates")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trust") / "trust"
    create_trust(path, trust(), {"event": "init"})
    return path


def described(found: Trust) -> str:
    """All that a decision can rest on."""
    return repr((found.root.id, found.keyring.encoded(), found.memory, [root.id for root in found.history]))


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", TRUST_FILES)
def test_trust_folder(tally: Tally, folder: Path, name: str, kind: str, every: bool) -> None:
    path = sorted((folder / name).iterdir())[0] if name == "certificates" else folder / name
    good = path.read_bytes()

    def judge(data: bytes) -> str:
        path.write_bytes(data)
        return described(load_trust(folder))

    try:
        outcomes = endure(tally, "R2", f"trust/{name}", good, kind, judge, described(trust()), every=every)
        assert outcomes.keys() <= {"trust-root-invalid", "audit-log-damaged"}, "it is damaged, not absent"
    finally:
        path.write_bytes(good)


def reported(report: SignatureReport) -> str:
    if report.error is not None:
        raise report.error
    return json.dumps(signature_document(report), sort_keys=True)


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SIGNATURES)
def test_signature_file(tally: Tally, name: str, kind: str, every: bool) -> None:
    """A damaged signature is a bad one, or is good for the very same claim by the very same key at the same time."""

    def judge(data: bytes) -> str:
        return reported(judge_for_image(IMAGE, "signature-1", data, trust(), NOW))

    good = files()[name]
    endure(tally, "R2", f"signature ({name})", good, kind, judge, judge(good), every=every)


@cache
def verdict_on_alice(carried: bytes) -> str:
    held = trust().with_certificates(load_keyring([carried]))
    return reported(judge_for_image(IMAGE, "signature-1", files()["good alice"], held, NOW))


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("kind", KINDS)
def test_carried_certificate(tally: Tally, kind: str, every: bool) -> None:
    """A certificate that came along adds nothing when it is damaged, and takes nothing away."""
    good = certificate_of("alice").bytes
    endure(tally, "R2", "carried certificate", good, kind, verdict_on_alice, verdict_on_alice(good), every=every)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds the sample, imported as a user would."""
    folder = tmp_path_factory.mktemp("stored")
    create_trust(folder / "trust", bundle_trust(), {"event": "init"})
    (folder / "b.airgap.tar.zst").write_bytes(encode(bundle()))
    places = ["--trust", folder / "trust", "--store", folder / "store"]
    assert run("import", folder / "b.airgap.tar.zst", *places, "--at", "2026-01-01T00:00:00Z").code == 0
    return folder / "store"


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["index.json", "oci-layout", "signatures", "blobs"])
def test_store(tally: Tally, store: Path, name: str, kind: str, every: bool) -> None:
    """What a store says of itself is judged again: it says the same, or is refused."""
    path = store / name
    if path.is_dir():
        path = sorted((one for one in path.rglob("*") if one.is_file()), key=lambda one: one.stat().st_size)[0]
    good = path.read_bytes()

    def judge(data: bytes) -> str:
        path.write_bytes(data)
        examination = review(Store(store), Job(bundle_trust(), BUNDLE_NOW, 1, Silent()))
        if not examination.accepted:
            raise examination.errors[0]
        return json.dumps(verdict_document(examination, bundle_trust(), BUNDLE_NOW), sort_keys=True)

    try:
        endure(tally, "R2", f"store/{name}", good, kind, judge, judge(good), every=every)
    finally:
        path.write_bytes(good)


def test_a_store_that_calls_an_image_by_another_digest(store: Path) -> None:
    """skopeo and podman go by the name in the index: they would take the one for the other."""
    path = store / "index.json"
    good = path.read_bytes()
    digest = json.loads(good)["manifests"][0]["digest"].encode()
    assert good.count(b"@" + digest) == 1
    path.write_bytes(good.replace(b"@" + digest, b"@sha256:" + b"0" * 64))
    try:
        with pytest.raises(FormatError, match="calls sha256:"):
            review(Store(store), Job(bundle_trust(), BUNDLE_NOW, 1, Silent()))
    finally:
        path.write_bytes(good)
