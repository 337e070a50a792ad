"""A pair for each rule of docs/openpgp.md: a good case, and one that differs in a single thing, which the rule refuses.

The tests whose names begin with the rule (``test_s5_…``) try it from all sides; this is the short answer to
"what would be accepted without it?". tests/documents/test_openpgp.py compares the rules with the document.
"""

from __future__ import annotations

from dataclasses import dataclass

import forge
import pytest
from forge import (
    CREATED,
    SIGNED,
    Part,
    armor,
    certificate,
    certification,
    compressed,
    detached,
    inline,
    key_revocation,
    literal,
    packet,
    pieces,
    secret_key,
    subkey_binding,
    subpacket,
)
from forge.signatures import RETIRED, SUPERSEDED

from airgap.openpgp.keyring import load_keyring
from tests.openpgp.judging import DAY, PAYLOAD, REFERENCE, encoded, refused, signed_by, verify

LIFE = SIGNED - CREATED
ALICE = certificate("alice")
BOB = certificate("bob")
KEY = ALICE.primary
WITH_SUBKEY = certificate("alice", signing_subkey="eddsa")
SUBKEY = WITH_SUBKEY.signing_key
UID = "Alice <alice@example.org>"
MESSAGE = inline(KEY, PAYLOAD)
SIG = detached(KEY, PAYLOAD)
THREE = pieces(KEY, PAYLOAD)
TIME = subpacket(2, SIGNED.to_bytes(4, "big"))
HINT = subpacket(16, KEY.key_id)


@dataclass(frozen=True)
class Pair:
    good: tuple[bytes, forge.Certificate]
    hostile: tuple[bytes, forge.Certificate]
    kind: str
    strict: bool = False


def files(good: bytes, hostile: bytes, kind: str, cert: forge.Certificate = ALICE) -> Pair:
    return Pair((good, cert), (hostile, cert), kind)


def certificates(good: forge.Certificate, hostile: forge.Certificate, kind: str, *, strict: bool = False) -> Pair:
    """Right signatures by the signing keys of two certificates."""
    return Pair((signed_by(good), good), (signed_by(hostile), hostile), kind, strict)


def with_user_id(signature: bytes) -> forge.Certificate:
    user_id = Part("user-id", packet(13, UID.encode()))
    return forge.Certificate(KEY, (Part("primary", KEY.public_packet()), user_id, Part("certification", signature)))


PAIRS: dict[str, Pair] = {
    "F1": files(forge.padding() + MESSAGE, packet(60, b"x") + MESSAGE, "message-malformed"),
    "F2": files(compressed(MESSAGE, 1), compressed(MESSAGE, 3), "compression-malformed"),
    "F3": files(MESSAGE, inline(KEY, PAYLOAD, ops={"issuer": BOB.primary.key_id}), "one-pass-mismatch"),
    "F4": files(armor("MESSAGE", MESSAGE), armor("MESSAGE", MESSAGE) + b"and more\n", "armor-malformed"),
    "F5": files(
        armor("SIGNATURE", SIG),
        b"-----BEGIN PGP SIGNED MESSAGE-----\n\n" + PAYLOAD + b"\n" + armor("SIGNATURE", SIG),
        "cleartext-framework",
    ),
    "F6": files(SIG, SIG + SIG, "message-malformed"),
    "F7": files(
        THREE.one_pass + literal(PAYLOAD, filename=b"{") + THREE.signature,
        THREE.one_pass + literal(PAYLOAD[1:], filename=b"{") + THREE.signature,
        "bad-signature",
    ),
    "S1": files(SIG, detached(KEY, PAYLOAD, sig_type=0x01), "signature-type-not-binary"),
    "S2": files(SIG, detached(KEY, PAYLOAD, version=3), "signature-version-unsupported"),
    "S3": files(SIG, detached(KEY, PAYLOAD, hashed=[TIME]), "creation-time-missing"),
    "S4": files(
        detached(KEY, PAYLOAD, unhashed=[HINT, TIME]),
        detached(KEY, PAYLOAD, unhashed=[HINT, TIME], omit=["creation"]),
        "creation-time-missing",
    ),
    "S5": files(
        detached(KEY, PAYLOAD, unhashed=[HINT]),
        detached(KEY, PAYLOAD, unhashed=[HINT, subpacket(16, BOB.primary.key_id)]),
        "issuer-mismatch",
    ),
    "S6": files(
        detached(KEY, PAYLOAD, hashed=[subpacket(99, b"")]),
        detached(KEY, PAYLOAD, hashed=[subpacket(99, b"", critical=True)]),
        "critical-subpacket-unknown",
    ),
    "S7": files(
        detached(KEY, PAYLOAD, hashed=[subpacket(4, b"\1")]),
        detached(KEY, PAYLOAD, hashed=[subpacket(4, b"\2")]),
        "signature-malformed",
    ),
    "S8": files(SIG, detached(KEY, PAYLOAD, hash_algo=2), "weak-hash"),
    "S9": certificates(certificate("r", algorithm="rsa2048"), certificate("r", algorithm="rsa1024"), "weak-key"),
    "S10": files(
        detached(KEY, PAYLOAD, created=REFERENCE + 1800),
        detached(KEY, PAYLOAD, created=REFERENCE + 1801),
        "signature-from-the-future",
    ),
    "S11": files(detached(KEY, PAYLOAD, expires=DAY + 1), detached(KEY, PAYLOAD, expires=DAY), "signature-expired"),
    "S12": files(
        detached(KEY, PAYLOAD, created=CREATED),
        detached(KEY, PAYLOAD, created=CREATED - 1),
        "signature-older-than-key",
    ),
    "S14": files(SIG, detached(KEY, PAYLOAD, corrupt=True), "bad-signature"),
    "C1": certificates(
        with_user_id(certification(KEY, UID)),
        with_user_id(certification(KEY, UID, signer=secret_key("mallory"), issuer=KEY)),
        "no-self-signature",
    ),
    "C2": certificates(
        certificate("alice", key_expires=LIFE + 1),
        certificate("alice", key_expires=LIFE),
        "certificate-expired-at-signature-time",
    ),
    "C3": certificates(
        certificate("alice", self_options={"expires": LIFE + 1}),
        certificate("alice", self_options={"expires": LIFE}),
        "self-signature-expired",
    ),
    "C4": certificates(
        WITH_SUBKEY,
        ALICE.with_subkey(SUBKEY, subkey_binding(KEY, SUBKEY, signer=secret_key("mallory"), issuer=KEY)),
        "subkey-not-bound",
    ),
    "C5": certificates(
        WITH_SUBKEY,
        certificate("alice", signing_subkey="eddsa", back_signer=secret_key("mallory")),
        "subkey-back-signature-missing",
    ),
    "C6": certificates(
        certificate("alice", primary_flags=0x02), certificate("alice", primary_flags=0x01), "key-not-for-signing"
    ),
    "C7": certificates(
        ALICE.revoked(key_revocation(KEY, created=SIGNED + DAY, reason=RETIRED)),
        ALICE.revoked(key_revocation(KEY, created=SIGNED + DAY)),
        "certificate-revoked",
    ),
    "C8": certificates(
        ALICE.revoked(key_revocation(KEY, created=SIGNED + 1, reason=SUPERSEDED)),
        ALICE.revoked(key_revocation(KEY, created=SIGNED, reason=SUPERSEDED)),
        "certificate-revoked",
    ),
    "C9": certificates(ALICE, certificate("alice", self_options={"hash_algo": 2}), "weak-hash-in-certificate"),
    "C10": certificates(ALICE.append(packet(40, b"x")), ALICE.append(packet(39, b"x")), "certificate-malformed"),
    "C11": certificates(
        ALICE,
        with_user_id(certification(KEY, UID, created=SIGNED + 1)),
        "self-signature-newer-than-signature",
    ),
    "C12": certificates(
        certificate("alice", key_expires=LIFE + DAY + 1),
        certificate("alice", key_expires=LIFE + DAY),
        "certificate-expired-now",
        strict=True,
    ),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
def test_the_good_case(pair: Pair) -> None:
    assert verify(*pair.good, strict=pair.strict).payload == PAYLOAD


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
def test_what_only_this_rule_refuses(pair: Pair) -> None:
    file, cert = pair.hostile
    kind = refused(file, cert, strict=pair.strict)
    if kind == "no-certificate":  # it was set aside when the keyring was read
        (problem,) = load_keyring([encoded(cert)]).problems
        kind = problem.kind
    assert kind == pair.kind
