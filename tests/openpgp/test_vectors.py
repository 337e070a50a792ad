"""Verdicts on data that others made: crafted vectors, StageX's real signatures, containers/image's fixtures."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

import pytest

from airgap.errors import AirgapError
from airgap.openpgp.keyring import Keyring, load_keyring
from airgap.openpgp.message import parse_signature_file
from airgap.openpgp.validity import EXPIRED_SINCE
from airgap.openpgp.verifier import GoodSignature, verify_message
from airgap.timestamp import parse_rfc3339
from tests.corpus import CORPUS, needs_corpus

pytestmark = needs_corpus

# Good by their maker's word, refused here by choice.
DEVIATIONS = {
    "frame-nested-compression-2": "F1: at most one compressed packet",
    "ok-inline-oldstyle-sig-first": "F1: no one-pass packet, the signature before its literal",
    "pub-rfc9580-a7-inline": "S1: type 0x01 does not say exactly which bytes were signed",
}
# What our refusal may be called, where the vector's reason is ours as well.
KINDS = {
    "primary_expired": {"certificate-expired-at-signature-time", "weak-key"},
    "primary_revoked": {"certificate-revoked"},
    "primary_revoked_hard": {"certificate-revoked"},
    "subkey_revoked_hard": {"subkey-revoked"},
    "subkey_not_bound": {"subkey-not-bound"},
    "no_backsig": {"subkey-back-signature-missing"},
    "binding_expired": {"self-signature-expired"},
    "weak_hash_binding": {"weak-hash-in-certificate"},
    "signature_expired": {"signature-expired"},
    "signature_predates_key": {"signature-older-than-key"},
    "future_signature": {"signature-from-the-future"},
    "no_creation_time": {"creation-time-missing"},
    "wrong_signature_type": {"signature-type-not-binary"},
    "critical_notation": {"critical-notation-unknown"},
    "critical_subpacket": {"critical-subpacket-unknown"},
    "cleartext_framework": {"cleartext-framework"},
    "issuer_mismatch": {"issuer-mismatch"},
    "ops_mismatch": {"one-pass-mismatch"},
    "bad_signature": {"bad-signature"},
    "algorithm_not_allowed": {"algorithm-unsupported"},
    "nesting_too_deep": {"compression-nested"},
    "malformed_cert": {"keyring-invalid", "certificate-malformed"},
    "malformed_armor": {"armor-malformed"},
    "malformed_message": {"message-malformed"},
    "no_signature": {"message-malformed"},
}


@cache
def load(name: str) -> Any:
    path = CORPUS / name
    return json.loads(path.read_bytes()) if path.exists() else {}


VECTORS: list[dict[str, Any]] = load("openpgp/vectors-public.json").get("vectors", [])


def read(folder: str, name: str) -> bytes:
    return (CORPUS / folder / name).read_bytes()


def judge(vector: dict[str, Any], *, strict: bool) -> GoodSignature:
    signature, certificate = (read("openpgp", vector[part]) for part in ("sig", "cert"))
    payloads = [read("openpgp", vector["payload"])] if vector["payload"] else []
    at = parse_rfc3339(vector["reference_time"])
    keyring = load_keyring([certificate])
    return verify_message(parse_signature_file(signature), keyring, at, payloads=payloads, strict=strict)


def test_the_vectors_are_all_there() -> None:
    assert len(VECTORS) >= 145
    assert DEVIATIONS.keys() <= {vector["id"] for vector in VECTORS}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["id"]))
def test_vector(vector: dict[str, Any]) -> None:
    if vector["expected"] == "valid" and vector["id"] not in DEVIATIONS:
        good = judge(vector, strict=False)
        assert vector["signer"] in (None, str(good.signing_key))
        assert vector["primary"] in (None, str(good.certificate))
        return
    with pytest.raises(AirgapError) as caught:
        judge(vector, strict=False)
    assert caught.value.kind in KINDS.get(vector["reason"], {caught.value.kind})


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["id"]))
def test_vector_where_the_key_must_be_live_now(vector: dict[str, Any]) -> None:
    if vector["expected_if_key_must_be_live_at_reference"] == "valid" and vector["id"] not in DEVIATIONS:
        assert judge(vector, strict=True).flags == ()
        return
    with pytest.raises(AirgapError) as caught:
        judge(vector, strict=True)
    if vector["expected"] == "valid" and vector["id"] not in DEVIATIONS:
        assert caught.value.kind == "certificate-expired-now"


# StageX: 3,020 signature files as published, with two maintainers' certificates

AT = parse_rfc3339("2026-11-23T00:00:00Z")


@cache
def stagex_keyring() -> Keyring:
    return load_keyring([read("stagex", "keyring.pgp")])


def test_stagex_every_signature_gets_its_verdict_for_its_reason() -> None:
    expected = load("stagex/expected.json")
    assert len(expected) == 3_020
    wrong = []
    for row in expected:
        verdict: tuple[str, str | None] = ("good", None)
        try:
            good = verify_message(parse_signature_file(read("stagex", row["file"])), stagex_keyring(), AT)
            assert (str(good.signing_key), good.flags) == (row["signing_key"], (EXPIRED_SINCE,))
        except AirgapError as error:
            verdict = ("bad", error.kind)
        if verdict != (row["expected"], row["reason"]):
            wrong.append((row["file"], verdict))
    assert wrong == []


def test_stagex_signatures_that_are_good_are_not_when_the_key_must_be_live_now() -> None:
    row = next(row for row in load("stagex/expected.json") if row["expected"] == "good")
    message = parse_signature_file(read("stagex", row["file"]))
    assert verify_message(message, stagex_keyring(), AT).created == row["created"]
    with pytest.raises(AirgapError) as caught:
        verify_message(message, stagex_keyring(), AT, strict=True)
    assert caught.value.kind == "certificate-expired-now"


def test_stagex_keyring_written_canonically_gives_the_same_verdicts() -> None:
    canonical = load_keyring([stagex_keyring().encoded()])
    rows = load("stagex/expected.json")
    for row in rows[:: len(rows) // 100]:
        message = parse_signature_file(read("stagex", row["file"]))
        verdicts = []
        for keyring in (stagex_keyring(), canonical):
            try:
                verdicts.append(str(verify_message(message, keyring, AT)))
            except AirgapError as error:
                verdicts.append(str(error))
        assert verdicts[0] == verdicts[1]


def test_a_certificate_flooded_with_third_party_signatures() -> None:
    keyring = load_keyring([read("stagex", "keys/lancevick-2020-flooded.asc")])
    (flooded,) = keyring
    assert (keyring.problems, flooded.dropped) == ((), 159)
    assert len(keyring.encoded()) < 50_000


# containers/image: its own fixtures, as data

PEERS: list[dict[str, Any]] = load("peers/fixtures.json").get("openpgp_messages", [])
PEER_KEYRINGS: list[dict[str, Any]] = load("peers/fixtures.json").get("keyrings", [])
VERSION_3 = "signature-version-unsupported"  # S2: refused here by choice
WHY = {
    "bad signature over altered content": {"compression-malformed"},  # the checksum of ZLIB notices first
    "valid signature, key 5F9470E3BC6C3B55 not in keyring": {"no-certificate", VERSION_3},
    "same, single-key keyring": {VERSION_3},
    "signing subkey is revoked": {"subkey-revoked"},
    "signature itself has expired (12h59m)": {"signature-expired"},
    "literal packet with no signature": {"message-malformed"},
    "encrypted, not signed": {"message-malformed"},
    "empty input": {"message-malformed"},
    "text 'invalid signature'": {"message-malformed"},
}


@pytest.mark.parametrize("row", PEERS, ids=lambda row: f"{row['file']}-{row['why']}")
def test_containers_image_message(row: dict[str, Any]) -> None:
    """Their one accepted message here has a version 3 signature, so all of them are refused, each for its reason."""
    data = base64.b64decode(row["data_b64"]) if row["file"] == "inline:" else read("peers", row["file"])
    keyring = load_keyring([read("peers", row["keyring"])])
    with pytest.raises(AirgapError) as caught:
        verify_message(parse_signature_file(data), keyring, AT)
    assert caught.value.kind in WHY[row["why"]]
    assert row["expect"] == "reject" or caught.value.kind == VERSION_3


@pytest.mark.parametrize("row", PEER_KEYRINGS, ids=lambda row: str(row["keyring"]))
def test_containers_image_keyring(row: dict[str, Any]) -> None:
    if row["keyring"] is None:
        with pytest.raises(AirgapError) as caught:
            load_keyring([row["data"].encode()])
        assert caught.value.kind == "keyring-invalid"
        return
    keyring = load_keyring([read("peers", row["keyring"])])
    assert sorted(str(one.primary.fingerprint) for one in keyring) == sorted(row["fingerprints"])
