"""Proofs follow from one another, and from nothing else (bundles/FORMAT.md §7)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from forge import image_index

from airgap.digest import Digest
from airgap.errors import EngineError, FormatError, IntegrityError, UntrustedError
from airgap.oci.descriptor import Descriptor
from airgap.oci.graph import GraphWalk
from airgap.reference import parse_reference
from airgap.trust.evidence import SignatureReport
from airgap.trust.pinned import Trust
from airgap.trust.root import TrustRoot, new_root
from airgap.trust.scope import Scope
from airgap.verify import (
    ApprovedImage,
    BlobReceipt,
    EngineReport,
    VerifiedImage,
    approve,
    identity_of,
    judge_for_image,
    require_blob,
    require_complete,
    require_loaded,
)
from tests.trust.judged import IMAGE, NOW, SAMPLE, everybody, files, reports, trust

GOOD = [reports()["good alice"], reports()["good bob"]]


def walk() -> GraphWalk:
    found = GraphWalk((IMAGE.descriptor,))
    for wanted in (found.manifests(), found.configs()):
        for descriptor in wanted:
            found.feed(descriptor, SAMPLE.blobs[str(descriptor.digest)])
    found.finish()
    return found


def receipts() -> list[BlobReceipt]:
    return [require_blob(Digest(digest[7:]), len(data), digest[7:], "x") for digest, data in SAMPLE.blobs.items()]


def approved() -> ApprovedImage:
    return approve(IMAGE, GOOD, trust())


def verified() -> VerifiedImage:
    (found,) = require_complete([approved()], walk(), receipts())
    return found


def test_names() -> None:
    assert IMAGE.lookaside == f"stagex/pallet@sha256={IMAGE.digest.hex}"
    assert IMAGE.name == f"docker.io/stagex/pallet@{IMAGE.digest}"
    tagged = replace(IMAGE, reference=parse_reference("quay.io/a/b:1"))
    assert tagged.lookaside == f"a/b@sha256={IMAGE.digest.hex}"
    assert tagged.name == f"quay.io/a/b:1@{IMAGE.digest}"


class TestApprove:
    def test_good(self) -> None:
        found = approved()
        assert (found.image, found.threshold, found.signers) == (IMAGE, 2, ("alice", "bob"))
        assert found.reports == tuple(GOOD)

    def test_quorum(self) -> None:
        with pytest.raises(UntrustedError) as caught:
            approve(IMAGE, GOOD[:1], trust())
        assert caught.value.kind == "quorum-not-met"

    def test_scope_comes_before_quorum(self) -> None:
        other = Trust(new_root(everybody(), 2, scopes=[Scope("quay.io")]), trust().keyring)
        for found in (GOOD, []):
            with pytest.raises(UntrustedError) as caught:
                approve(IMAGE, found, other)
            assert (caught.value.kind, caught.value.exit_status) == ("repository-out-of-scope", 30)
            assert caught.value.facts["scopes"] == ["quay.io"]

    def test_a_hostile_file_refuses_whoever_else_signed(self) -> None:
        bomb = SignatureReport("s/signature-9", FormatError("signature-inflates-past-limit", "too much"))
        with pytest.raises(FormatError) as caught:
            approve(IMAGE, [*GOOD, bomb], trust())
        assert (caught.value.kind, caught.value.exit_status) == ("signature-inflates-past-limit", 10)
        assert caught.value.message.startswith("s/signature-9: ")

    def test_an_ordinary_bad_file_does_not(self) -> None:
        assert approve(IMAGE, [reports()["corrupt"], *GOOD], trust()).signers == ("alice", "bob")


class TestJudge:
    def test_the_scope_gives_the_rule(self) -> None:
        exact = Trust(TrustRoot(everybody(), 1, (Scope("docker.io/stagex/other"),)), trust().keyring)
        tagged = replace(IMAGE, reference=parse_reference("docker.io/stagex/pallet:1"))
        report = judge_for_image(tagged, "x", files()["good alice"], exact, NOW)
        assert report.error is not None  # out of scope: the default rule, and a tag that nobody signed
        assert report.error.kind == "claim-identity-mismatch"
        assert judge_for_image(IMAGE, "x", files()["good alice"], trust(), NOW).counts


class TestBlobs:
    def test_good(self) -> None:
        receipt = require_blob(IMAGE.digest, 5, IMAGE.digest.hex, "x")
        assert (receipt.digest, receipt.size) == (IMAGE.digest, 5)

    @pytest.mark.parametrize("found", ["", "0" * 64, IMAGE.digest.hex.upper(), f"sha256:{IMAGE.digest.hex}"])
    def test_bad(self, found: str) -> None:
        with pytest.raises(IntegrityError) as caught:
            require_blob(IMAGE.digest, 5, found, "the blob")
        assert (caught.value.kind, caught.value.exit_status) == ("blob-differs", 20)


class TestComplete:
    def test_good(self) -> None:
        found = verified()
        assert found.image == IMAGE
        assert sorted(str(blob.digest) for blob in found.blobs) == sorted(SAMPLE.blobs)

    @pytest.mark.parametrize("gone", range(len(SAMPLE.blobs)))
    def test_a_receipt_less(self, gone: int) -> None:
        found = receipts()
        del found[gone]
        with pytest.raises(IntegrityError) as caught:
            require_complete([approved()], walk(), found)
        assert (caught.value.kind, caught.value.exit_status) == ("blob-size-differs", 20)

    def test_a_receipt_of_another_size(self) -> None:
        found = receipts()
        one = found[-1]
        found[-1] = require_blob(one.digest, one.size + 1, one.digest.hex, "x")
        with pytest.raises(IntegrityError):
            require_complete([approved()], walk(), found)

    def test_nothing_approved_is_nothing_verified(self) -> None:
        assert require_complete([], walk(), receipts()) == []

    def test_no_receipts(self) -> None:
        with pytest.raises(IntegrityError):
            require_complete([approved()], walk(), [])


class TestLoaded:
    def test_manifest(self) -> None:
        proof = require_loaded(verified(), "podman", EngineReport("x", IMAGE.digest))
        assert (proof.target, proof.identity) == ("podman", "manifest")

    def test_its_own_configuration(self) -> None:
        """docker's own store names an image so, and by nothing else of it."""
        config = EngineReport("x", Digest(SAMPLE.configs[0].digest[7:]))
        assert require_loaded(verified(), "docker", config, verified().runnable).identity == "config"
        with pytest.raises(EngineError):
            require_loaded(verified(), "podman", config)

    @pytest.mark.parametrize("reported", [None, Digest("0" * 64), Digest(SAMPLE.layers[0].digest[7:])])
    def test_another_digest(self, reported: Digest | None) -> None:
        with pytest.raises(EngineError) as caught:
            require_loaded(verified(), "podman", EngineReport("x", reported), verified().runnable)
        assert (caught.value.kind, caught.value.exit_status) == ("engine-digest-differs", 60)
        assert caught.value.facts["found"] == (None if reported is None else str(reported))

    def test_the_configuration_of_another_image(self) -> None:
        """Not even if an engine names it as a choice."""
        other = Descriptor(SAMPLE.configs[0].media_type, Digest("1" * 64), 5)
        choices = [replace(one, config=other) for one in verified().runnable]
        with pytest.raises(EngineError):
            require_loaded(verified(), "docker", EngineReport("x", other.digest), choices)

    def test_the_configuration_of_an_attestation_identifies_nothing(self) -> None:
        """It is in the closure, and no image to run."""
        shape = image_index([SAMPLE], attestations=True)
        root = Descriptor(shape.root.media_type, Digest(shape.digest[7:]), len(shape.root.data))
        walk = GraphWalk((root,))
        for wanted in (walk.manifests(), walk.configs()):
            for descriptor in wanted:
                walk.feed(descriptor, shape.blobs[str(descriptor.digest)])
        config = next(blob for blob in shape.others if blob.media_type.endswith("config.v1+json"))
        signed = replace(IMAGE, descriptor=root)
        assert identity_of(signed, walk.runnable(root), Digest(config.digest[7:])) is None
        assert identity_of(signed, walk.runnable(root), Digest(SAMPLE.configs[0].digest[7:])) == "config"


def test_descriptors_of_a_bundle_carry_no_platform() -> None:
    assert IMAGE.descriptor == Descriptor(IMAGE.descriptor.media_type, IMAGE.digest, IMAGE.descriptor.size)
