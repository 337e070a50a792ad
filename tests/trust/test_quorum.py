"""People are counted, not files, keys or signatures (TRUST rules 1 and 4)."""

from __future__ import annotations

import forge
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.digest import Digest
from airgap.errors import UntrustedError
from airgap.reference import parse_reference
from airgap.trust.evidence import Expectation, SignatureReport, judge_signature
from airgap.trust.identity import parse_rule
from airgap.trust.quorum import require_quorum, signers
from airgap.trust.root import TrustRoot, new_root
from tests.trust.judged import (
    CLAIM,
    IMAGE,
    KEYS,
    NAME,
    SAMPLE,
    certificate_of,
    everybody,
    files,
    fingerprint_of,
    judge,
    policy,
    reports,
)

EXPECTED = {
    "stranger": "no-certificate",
    "corrupt": "bad-signature",
    "no signature": "message-malformed",
    "empty": "message-malformed",
    "no claim": "claim-malformed",
    "other digest": "claim-digest-mismatch",
    "other repository": "claim-identity-mismatch",
    "legacy": "claim-format-not-allowed",
    "weak": "weak-hash",
    "future": "signature-from-the-future",
}
OWNERS = {f"good {key}": nick for key, nick in KEYS.items()} | {"detached carol": "carol"}


def require(found: list[SignatureReport], threshold: int = 2) -> tuple[str, ...]:
    root = TrustRoot(everybody(), threshold)  # new_root() would refuse a threshold that nobody can meet
    return require_quorum(IMAGE.reference, IMAGE.digest, found, root)


def refusal(found: list[SignatureReport], threshold: int = 2) -> UntrustedError:
    with pytest.raises(UntrustedError) as caught:
        require(found, threshold)
    assert caught.value.exit_status == 30
    return caught.value


def test_a_report_keeps_no_frames() -> None:
    """A bundle may bring a hundred thousand: with the frames of a traceback each would take kilobytes."""
    errors = [report.error for report in reports().values() if report.error is not None]
    assert errors
    assert not [error for error in errors if error.__traceback__ is not None]


def test_every_bad_file_is_bad_for_its_own_fault() -> None:
    assert {name: report.error.kind for name, report in reports().items() if report.error} == EXPECTED
    assert {name: report.maintainer for name, report in reports().items() if report.counts} == OWNERS


NAMES = st.lists(st.sampled_from(sorted(files())), max_size=12)


@given(NAMES)
def test_the_people_counted_are_those_with_a_good_signature(names: list[str]) -> None:
    found = [reports()[name] for name in names]
    assert signers(found) == tuple(sorted({OWNERS[name] for name in names if name in OWNERS}))


@given(NAMES, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_changes_who_is_counted(names: list[str], chance: object) -> None:
    found = [reports()[name] for name in names]
    other = found * 3
    shuffle = getattr(chance, "shuffle")  # noqa: B009  # the strategy's own type is private
    shuffle(other)
    assert signers(other) == signers(found)


@given(NAMES, st.lists(st.sampled_from(sorted(EXPECTED)), max_size=8))
def test_bad_signatures_neither_add_nor_take_away(names: list[str], bad: list[str]) -> None:
    found = [reports()[name] for name in names]
    assert signers([*(reports()[name] for name in bad), *found]) == signers(found)


@given(NAMES, st.integers(1, 5))
def test_a_quorum_is_that_many_people(names: list[str], threshold: int) -> None:
    found = [reports()[name] for name in names]
    counted = signers(found)
    if len(counted) >= threshold:
        assert require(found, threshold) == counted
    else:
        error = refusal(found, threshold)
        assert error.kind == ("quorum-not-met" if found else "image-unsigned")
        assert error.facts["missing"] == threshold - len(counted)


def test_two_keys_of_one_person_are_one_vote() -> None:
    error = refusal([reports()["good alice"], reports()["good alice again"]])
    assert error.facts["signers"] == ["alice"]
    assert "1 of 2 maintainers signed (alice), 1 more needed" in error.message
    assert "1 further good signature by the same people count once" in error.message


def test_one_of_each_group() -> None:
    found = [reports()["good alice"], reports()["good bob"]]
    for groups, missing in (
        ([("alice",)], None),
        ([("alice", "carol"), ("bob",)], None),
        ([("alice",), ("carol",)], ("carol",)),
    ):
        root = new_root(everybody(), 2, required=groups)
        if missing is None:
            assert require_quorum(IMAGE.reference, IMAGE.digest, found, root) == ("alice", "bob")
            continue
        with pytest.raises(UntrustedError) as caught:
            require_quorum(IMAGE.reference, IMAGE.digest, found, root)
        assert caught.value.kind == "required-signer-missing"
        assert caught.value.facts["required"] == list(missing)
    few = new_root(everybody(), 2, required=[("carol",)])
    with pytest.raises(UntrustedError) as caught:
        require_quorum(IMAGE.reference, IMAGE.digest, found[:1], few)
    assert caught.value.kind == "quorum-not-met"


def test_nobody_counted_says_whom_to_expect() -> None:
    error = refusal([reports()["stranger"]])
    for key in KEYS:
        assert fingerprint_of(key) in error.message
    assert len(error.facts["expected"] or []) == len(KEYS)  # type: ignore[arg-type]  # a list of strings


def test_one_signature_three_times_is_one_vote() -> None:
    error = refusal([reports()["good bob"]] * 3)
    assert "2 further good signatures" in error.message


@pytest.mark.parametrize("threshold", [0, -1])
def test_a_threshold_below_one_is_never_met(threshold: int) -> None:
    refusal([reports()["good alice"], reports()["good bob"]], threshold)
    refusal([], threshold)


def test_the_refusal_says_why_each_did_not_count() -> None:
    error = refusal([reports()[name] for name in ("good bob", "corrupt", "stranger")])
    assert error.facts["refused"] == ["bad-signature", "no-certificate"]
    assert "corrupt: " in error.message


def test_out_08_a_flood_of_refusals_is_cut() -> None:
    error = refusal([reports()["corrupt"]] * 50)
    assert "and 40 more" in error.message
    assert "(nobody)" in error.message
    assert len(error.message) < 3000


def test_a_report_without_proof_never_counts() -> None:
    """Whatever a report claims about a maintainer: without a GoodSignature there is no vote."""
    assert not SignatureReport("x", None, "alice").counts
    assert signers([SignatureReport("x", None, "alice"), SignatureReport("y", None, "bob")]) == ()


def test_a_good_signature_of_a_certificate_that_is_nobodys() -> None:
    """In the keyring, but under no person: good OpenPGP, no vote."""
    from airgap.openpgp.keyring import load_keyring
    from airgap.trust.evidence import Policy

    mallory = certificate_of("mallory")
    wide = Policy(load_keyring([mallory.bytes]), policy().formats, policy().reference_time)
    report = judge_signature("x", files()["stranger"], wide, people=everybody(), expected=Expectation(IMAGE.reference))
    assert report.error is not None
    assert report.error.kind == "not-a-maintainer"
    assert report.good is not None
    assert not report.counts
    assert report.error.facts["certificate"] == fingerprint_of("mallory")


class TestEvidence:
    def test_what_a_bad_file_says_is_kept(self) -> None:
        report = judge("other digest")
        assert report.maintainer == "alice"
        assert report.good is not None
        assert report.claim is not None
        assert report.created == report.good.created
        assert not report.counts

    def test_without_expectations_only_openpgp_is_asked(self) -> None:
        for name in ("good alice", "no claim", "other digest", "legacy"):
            report = judge_signature("x", files()[name], policy())
            assert report.counts, name
            assert report.maintainer is None
        assert judge_signature("x", files()["no claim"], policy()).claim is None

    def test_a_detached_signature_needs_its_payload_or_a_known_spelling(self) -> None:
        data = files()["detached carol"]
        assert judge_signature("x", data, policy(), payload=CLAIM).counts
        assert judge_signature("x", data, policy(), expected=Expectation(IMAGE.reference, IMAGE.digest)).counts
        for expected in (None, Expectation(IMAGE.reference), Expectation(None, IMAGE.digest)):
            report = judge_signature("x", data, policy(), expected=expected)
            assert report.error is not None
            assert report.error.kind == "payload-missing"
        report = judge_signature("x", data, policy(), payload=CLAIM + b"\n")
        assert report.error is not None

    @pytest.mark.parametrize(
        ("reference", "rule", "kind"),
        [
            (NAME, "matchRepoDigestOrExact", None),
            (NAME, "matchRepository", None),
            (NAME, "matchExact", None),
            (f"{NAME}:1", "matchRepoDigestOrExact", "claim-identity-mismatch"),
            (f"{NAME}:1", "matchRepository", None),
            ("docker.io/stagex/other", "matchRepository", "claim-identity-mismatch"),
            ("quay.io/stagex/pallet", "remapIdentity=quay.io:docker.io", None),
            ("docker.io/stagex/other", f"exactRepository={NAME}", None),
        ],
    )
    def test_identity_rules(self, reference: str, rule: str, kind: str | None) -> None:
        expected = Expectation(parse_reference(reference), IMAGE.digest, parse_rule(rule))
        report = judge_signature("x", files()["good alice"], policy(), expected=expected)
        assert (report.error and report.error.kind) == kind

    def test_a_reference_that_is_none(self) -> None:
        data = forge.inline(certificate_of("alice").signing_key, forge.claim("reference#@!", SAMPLE.digest))
        report = judge_signature("x", data, policy(), expected=Expectation(IMAGE.reference, IMAGE.digest))
        assert report.error is not None
        assert report.error.kind == "claim-identity-mismatch"
        assert judge_signature("x", data, policy(), expected=Expectation(None, IMAGE.digest)).counts

    def test_another_digest(self) -> None:
        report = judge_signature("x", files()["good alice"], policy(), expected=Expectation(None, Digest("0" * 64)))
        assert report.error is not None
        assert report.error.kind == "claim-digest-mismatch"
        assert report.error.facts["expected"] == f"sha256:{'0' * 64}"

    @given(st.binary(max_size=300))
    def test_any_bytes_are_a_report(self, data: bytes) -> None:
        report = judge_signature("x", data, policy(), people=everybody(), expected=Expectation(IMAGE.reference))
        assert report.error is not None
        assert report.error.exit_status in {10, 30}

    @given(st.data())
    def test_any_flipped_byte_of_a_signature_file(self, data: st.DataObject) -> None:
        """It counts for the same person and the same claim, or it does not count."""
        damaged = bytearray(files()["good alice"])
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
        expected = Expectation(IMAGE.reference, IMAGE.digest)
        report = judge_signature("x", bytes(damaged), policy(), people=everybody(), expected=expected)
        if report.counts:
            assert report.maintainer == "alice"
            assert report.claim == reports()["good alice"].claim
