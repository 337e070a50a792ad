"""S8, S9 and S14: which hashes and algorithms count, and the mathematics, with every algorithm both ways."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice

import forge
import pytest
from forge import CREATED, SIGNED, certificate, detached, import_secret, inline, mpi, packet, secret_key

from airgap.errors import OpenPGPError
from airgap.limits import LIMITS
from airgap.openpgp.algorithms import (
    ECDSA,
    ED25519,
    EDDSA_LEGACY,
    HASHES,
    RSA,
    RSA_BITS_MAX,
    SignatureValue,
    require_hash,
    require_key,
    verify_digest,
)
from airgap.openpgp.decode import decode_public_key
from airgap.openpgp.keyring import load_keyring
from airgap.openpgp.keys import PublicKey, RSAMaterial
from tests.openpgp.judging import DAY, PAYLOAD, refused, verify

GOOD = [
    ("rsa2048", 4),
    ("rsa3072", 4),
    ("rsa4096", 4),
    ("eddsa", 4),
    ("ed25519", 4),
    ("ed448", 4),
    ("p256", 4),
    ("p384", 4),
    ("p521", 4),
    ("rsa2048", 6),
    ("ed25519", 6),
    ("ed448", 6),
    ("p256", 6),
    ("p384", 6),
    ("p521", 6),
]
ALICE = certificate("alice")
KEY = ALICE.primary
EVERY_HASH = sorted(HASHES)


@pytest.mark.parametrize(("algorithm", "version"), GOOD)
def test_every_algorithm_inline_and_detached(algorithm: str, version: int) -> None:
    cert = certificate("all", algorithm=algorithm, version=version)
    for file in (
        inline(cert.primary, PAYLOAD),
        inline(cert.primary, PAYLOAD, compress=1),
        detached(cert.primary, PAYLOAD),
        forge.armor("SIGNATURE", detached(cert.primary, PAYLOAD)),
    ):
        good = verify(file, cert)
        assert (good.payload, good.created, good.flags) == (PAYLOAD, SIGNED, ())
        assert str(good.certificate) == str(good.signing_key) == cert.fingerprint
    assert refused(detached(cert.primary, PAYLOAD), cert, payloads=[PAYLOAD + b"\n"]) == "bad-signature"
    assert refused(detached(cert.primary, PAYLOAD, corrupt=True), cert) in {"bad-signature", "signature-malformed"}


@pytest.mark.parametrize(("algorithm", "version"), [pair for pair in GOOD if pair[0] not in {"rsa3072", "rsa4096"}])
def test_every_algorithm_in_a_subkey(algorithm: str, version: int) -> None:
    cert = certificate("all", algorithm="ed25519", version=version, signing_subkey=algorithm)
    good = verify(inline(cert.signing_key, PAYLOAD), cert)
    assert str(good.certificate) == cert.fingerprint
    assert str(good.signing_key) == cert.signing_key.fingerprint.hex().upper() != cert.fingerprint


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("algorithm", ["rsa2048", "ed25519", "p256"])
@pytest.mark.parametrize("hash_algo", EVERY_HASH)
def test_every_allowed_hash(algorithm: str, version: int, hash_algo: int) -> None:
    cert = certificate("hash", algorithm=algorithm, version=version, self_options={"hash_algo": hash_algo})
    assert verify(detached(cert.primary, PAYLOAD, hash_algo=hash_algo), cert).payload == PAYLOAD


WEAK = {1: "MD5", 2: "SHA-1", 11: "SHA-224"}


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("hash_algo", WEAK)
def test_s8_weak_hash(hash_algo: int, version: int) -> None:
    cert = certificate("hash", algorithm="rsa2048", version=version)
    assert refused(detached(cert.primary, PAYLOAD, hash_algo=hash_algo), cert) == "weak-hash"


@pytest.mark.parametrize("hash_algo", [*WEAK, 3, 0, 4, 7, 13, 100, 255])
def test_s8_what_is_not_listed_does_not_count(hash_algo: int) -> None:
    with pytest.raises(OpenPGPError) as caught:
        require_hash(hash_algo)
    assert caught.value.kind == "weak-hash"
    assert caught.value.facts["algorithm"] == {**WEAK, 3: "RIPEMD-160"}.get(hash_algo, f"hash algorithm {hash_algo}")


def test_s8_no_date_rescues_a_weak_hash() -> None:
    born, then = CREATED - 20 * 365 * DAY, CREATED - 19 * 365 * DAY
    old = certificate("old", created=born, algorithm="rsa2048")
    assert verify(detached(old.primary, PAYLOAD, created=then), old, at=then).payload == PAYLOAD
    assert refused(detached(old.primary, PAYLOAD, created=then, hash_algo=2), old, at=then) == "weak-hash"


@pytest.mark.parametrize(("version", "hash_algo"), [(6, 8), (6, 10)])
@pytest.mark.parametrize("difference", [-16, -1, 1, 16])
def test_s8_salt_of_another_size(version: int, hash_algo: int, difference: int) -> None:
    cert = certificate("salt", algorithm="ed25519", version=version)
    salt = bytes((HASHES[hash_algo].salt or 0) + difference)
    file = detached(cert.primary, PAYLOAD, hash_algo=hash_algo, salt=salt)
    assert refused(file, cert) == "signature-malformed"


# RFC 9580 §5.2.3.2 and §5.2.3.5: a shorter digest MUST be refused.
SHORT = [("p384", 8), ("p521", 8), ("p521", 9), ("ed448", 8), ("ed448", 9)]


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(("algorithm", "hash_algo"), SHORT)
def test_s9_digest_shorter_than_the_curve(algorithm: str, hash_algo: int, version: int) -> None:
    cert = certificate("short", algorithm=algorithm, version=version)
    assert verify(detached(cert.primary, PAYLOAD), cert).payload == PAYLOAD
    assert refused(detached(cert.primary, PAYLOAD, hash_algo=hash_algo), cert) == "weak-hash"


@pytest.mark.parametrize(("bits", "version"), [(1024, 4), (1536, 4), (2040, 4), (1024, 6)])
def test_s9_rsa_under_2048_bits(bits: int, version: int) -> None:
    strong = certificate("weak", algorithm="ed25519", version=version, signing_subkey=f"rsa{bits}")
    assert refused(detached(strong.signing_key, PAYLOAD), strong) == "weak-key"
    weak = certificate("weak", algorithm=f"rsa{bits}", version=version)
    assert refused(detached(weak.primary, PAYLOAD), weak) == "weak-key"


def test_s9_strong_subkey_of_a_weak_primary(monkeypatch: pytest.MonkeyPatch) -> None:
    """The primary's own signatures do not count, so neither does what it vouches for; the reason says why."""
    cert = certificate("weak", algorithm="rsa1024", signing_subkey="eddsa")
    assert refused(signed := detached(cert.signing_key, PAYLOAD), cert) == "weak-key"
    monkeypatch.setattr("airgap.openpgp.algorithms.RSA_BITS_MIN", 1024)
    assert verify(signed, cert).payload == PAYLOAD


def rsa_key(bits: int) -> PublicKey:
    return replace(decode_public_key(KEY.public_body), algorithm=RSA, material=RSAMaterial((1 << bits) - 1, 65537))


@pytest.mark.parametrize("bits", [2048, 3072, 4096, RSA_BITS_MAX])
def test_rsa_sizes_that_count(bits: int) -> None:
    require_key(rsa_key(bits))


@pytest.mark.parametrize("bits", [0, 1, 2047, RSA_BITS_MAX + 1, 100_000])
def test_s9_rsa_sizes_that_do_not_count(bits: int) -> None:
    with pytest.raises(OpenPGPError) as caught:
        require_key(rsa_key(bits))
    assert caught.value.kind == "weak-key"


@pytest.mark.parametrize("bits", [65, 2047])
def test_s9_rsa_exponent_that_makes_each_check_cost_a_hundred_times_more(bits: int) -> None:
    """OpenSSL takes at most 64 bits where the modulus has more than 3072; below that nobody says no."""
    with pytest.raises(OpenPGPError) as caught:
        require_key(replace(rsa_key(2048), material=RSAMaterial((1 << 2048) - 1, (1 << (bits - 1)) + 1)))
    assert caught.value.kind == "weak-key"


@pytest.mark.parametrize("algorithm", ["k256", "bp256"])
@pytest.mark.parametrize("version", [4, 6])
def test_s9_curve_that_does_not_count(algorithm: str, version: int) -> None:
    cert = certificate("curve", algorithm="ed25519", version=version, signing_subkey=algorithm)
    assert refused(detached(cert.signing_key, PAYLOAD), cert) == "algorithm-unsupported"
    cert = certificate("curve", algorithm=algorithm, version=version)
    assert refused(detached(cert.primary, PAYLOAD), cert) == "algorithm-unsupported"


@pytest.mark.parametrize(
    ("algorithm", "named"),
    [("cv25519", "ECDH"), ("x25519", "X25519"), ("unknown", "algorithm 99")],
)
@pytest.mark.parametrize("version", [4, 6])
def test_s9_key_that_cannot_sign(algorithm: str, named: str, version: int) -> None:
    """Some other key made the signature; only what the named key is can be the reason."""
    cert = certificate("cannot", algorithm="ed25519", version=version, encryption_subkey=algorithm)
    file = detached(cert.primary, PAYLOAD, issuer=cert.subkeys[0])
    with pytest.raises(OpenPGPError, match=named) as caught:
        verify(file, cert)
    assert caught.value.kind == "algorithm-unsupported"


@pytest.mark.parametrize(("algorithm", "named"), [(2, "RSA keys only encrypt"), (16, "Elgamal"), (26, "X448")])
def test_s9_older_algorithms_that_only_encrypt(algorithm: int, named: str) -> None:
    key = decode_public_key(b"\4" + CREATED.to_bytes(4, "big") + bytes([algorithm]) + mpi(3))
    with pytest.raises(OpenPGPError, match=named):
        require_key(key)


def test_s9_legacy_eddsa_has_no_version_6() -> None:
    assert certificate("v6", algorithm="eddsa", version=6).primary.algorithm_id == EDDSA_LEGACY
    cert = certificate("v6", algorithm="ed25519", version=6, signing_subkey="eddsa")
    assert refused(detached(cert.signing_key, PAYLOAD), cert) == "algorithm-unsupported"


RAW = hashlib.sha256(b"one secret, two algorithms").digest()
LEGACY, NATIVE = import_secret(RAW, "eddsa"), import_secret(RAW, "ed25519")


def _bound(key: forge.SecretKey) -> forge.Certificate:
    return ALICE.with_subkey(key)


@pytest.mark.parametrize(("signer", "named"), [(LEGACY, NATIVE), (NATIVE, LEGACY)], ids=["22-by-27", "27-by-22"])
def test_s9_signature_algorithm_of_another_key(signer: forge.SecretKey, named: forge.SecretKey) -> None:
    """The same point on the same curve: the numbers are right, the algorithm is not the key's."""
    assert verify(detached(named, PAYLOAD), _bound(named)).payload == PAYLOAD
    assert refused(detached(signer, PAYLOAD, issuer=named), _bound(named)) == "algorithm-unsupported"


@pytest.mark.parametrize("algorithm", [0, 2, 3, 17, 18, 20, 21, 23, 25, 26, 99])
def test_s9_signature_algorithm_that_does_not_count(algorithm: int) -> None:
    assert refused(detached(KEY, PAYLOAD, algorithm=algorithm), ALICE) == "algorithm-unsupported"


CORRUPTIBLE = ["rsa2048", "eddsa", "ed25519", "p256", "p384", "p521"]


@pytest.mark.parametrize("algorithm", CORRUPTIBLE)
def test_s14_flipped_bit_in_the_signature_value(algorithm: str) -> None:
    cert = certificate("math", algorithm=algorithm)
    assert refused(detached(cert.primary, PAYLOAD, corrupt=True), cert) == "bad-signature"
    assert refused(inline(cert.primary, PAYLOAD, corrupt=True), cert) == "bad-signature"


@pytest.mark.parametrize("payload", [b"", PAYLOAD + b"\n", PAYLOAD[:-1], PAYLOAD.upper()])
def test_s14_other_bytes(payload: bytes) -> None:
    assert refused(detached(KEY, PAYLOAD), ALICE, payloads=[payload]) == "bad-signature"
    swapped = inline(KEY, PAYLOAD, literal_packet=forge.literal(payload))
    assert refused(swapped, ALICE) == "bad-signature"


def test_s14_other_bytes_whose_digest_begins_alike() -> None:
    """The first two octets are a hint; without the arithmetic this forgery would pass."""
    signed = forge.signature_body(KEY, 0, PAYLOAD, created=SIGNED)
    hashed = signed[: 6 + int.from_bytes(signed[4:6], "big")]
    trailer = hashed + b"\4\xff" + len(hashed).to_bytes(4, "big")
    alike = forge.signature_body(KEY, 0, PAYLOAD, created=SIGNED, left16=hashlib.sha256(b"evil" + trailer).digest()[:2])
    assert refused(packet(2, alike), ALICE, payloads=[b"evil"]) == "bad-signature"


def test_s14_first_octets_of_another_digest() -> None:
    assert refused(detached(KEY, PAYLOAD, left16=b"\0\0"), ALICE) == "bad-signature"


def test_s14_signed_by_another_key_under_a_right_name() -> None:
    mallory = secret_key("mallory")
    assert refused(detached(mallory, PAYLOAD, issuer=KEY), ALICE) == "bad-signature"


def test_s14_none_of_the_payloads() -> None:
    assert refused(detached(KEY, PAYLOAD), ALICE, payloads=[]) == "payload-missing"
    assert refused(detached(KEY, PAYLOAD), ALICE, payloads=[b"a", b"b"]) == "bad-signature"


def test_the_payload_that_was_signed_is_found_among_many() -> None:
    others = [b"%d" % number for number in range(1000)]
    assert verify(detached(KEY, PAYLOAD), ALICE, payloads=[*others, PAYLOAD, *others]).payload == PAYLOAD


def _beginning_like(wanted: bytes, hashed_part: bytes) -> Iterator[bytes]:
    """Payloads whose digest begins with the same two octets; one in 65 536 does."""
    for number in count():
        if hashlib.sha256(b"%d" % number + hashed_part).digest()[:2] == wanted:
            yield b"%d" % number


def test_s14_number_of_payloads_that_are_checked() -> None:
    """Each check costs; an attacker who fills the list with such payloads gains only that nothing counts."""
    body = forge.signature_body(KEY, 0, PAYLOAD, created=SIGNED)
    hashed = body[: 6 + int.from_bytes(body[4:6], "big")]
    trailer = hashed + b"\4\xff" + len(hashed).to_bytes(4, "big")
    wanted = hashlib.sha256(PAYLOAD + trailer).digest()[:2]
    alike = list(islice(_beginning_like(wanted, trailer), LIMITS.signature_payloads))
    assert verify(packet(2, body), ALICE, payloads=[*alike[1:], PAYLOAD]).payload == PAYLOAD
    assert refused(packet(2, body), ALICE, payloads=[*alike, PAYLOAD]) == "bad-signature"


def _public(algorithm: str) -> PublicKey:
    return decode_public_key(secret_key("shape", algorithm).public_body)


SHAPES: list[tuple[str, int, SignatureValue]] = [
    ("rsa2048", RSA, (1, 1)),
    ("rsa2048", RSA, bytes(256)),
    ("rsa2048", RSA, 0),
    ("rsa2048", RSA, 1 << 2048),
    ("rsa2048", RSA, (1 << 2048) - 1),
    ("rsa2048", RSA, 1 << 5000),
    ("p256", ECDSA, 1),
    ("p256", ECDSA, bytes(64)),
    ("p256", ECDSA, (0, 0)),
    ("p256", ECDSA, (1, 0)),
    ("p256", ECDSA, (1 << 256, 1)),
    ("p256", ECDSA, (1 << 70_000, 1)),
    ("eddsa", EDDSA_LEGACY, 1),
    ("eddsa", EDDSA_LEGACY, (0, 0)),
    ("eddsa", EDDSA_LEGACY, (1 << 256, 1)),
    ("eddsa", EDDSA_LEGACY, b""),
    ("ed25519", ED25519, 1),
    ("ed25519", ED25519, b""),
    ("ed25519", ED25519, bytes(65)),
]


@pytest.mark.parametrize(("algorithm", "number", "value"), SHAPES)
def test_s14_value_of_another_shape_is_a_bad_signature(algorithm: str, number: int, value: SignatureValue) -> None:
    with pytest.raises(OpenPGPError) as caught:
        verify_digest(_public(algorithm), number, HASHES[8], bytes(32), value)
    assert caught.value.kind == "bad-signature"


def _until_short(algorithm: str, length: int) -> bytes:
    """A good detached signature whose first integer has lost a leading zero byte: one in 256 has."""
    key = secret_key("short", algorithm)
    for created in range(SIGNED, SIGNED + 20_000):
        body = forge.signature_body(key, 0, PAYLOAD, created=created)
        value = body[6 + int.from_bytes(body[4:6], "big") :]
        value = value[2 + int.from_bytes(value[:2], "big") + 2 :]
        if int.from_bytes(value[:2], "big") <= 8 * (length - 1):
            return packet(2, body)
    raise AssertionError("no signature with a short integer found")


@pytest.mark.parametrize(("algorithm", "length"), [("rsa2048", 256), ("eddsa", 32), ("p256", 32)])
def test_integers_that_lost_leading_zeros_are_filled_up(algorithm: str, length: int) -> None:
    """Real signatures are so; handing them on as they are fails one in 256."""
    file = _until_short(algorithm, length)
    assert verify(file, certificate("short", algorithm=algorithm)).payload == PAYLOAD


BAD_KEYS = {
    "rsa-even-modulus": b"\1" + mpi(1 << 2047) + mpi(65537),
    "rsa-exponent-1": b"\1" + mpi((1 << 2048) - 1) + mpi(1),
    "rsa-exponent-even": b"\1" + mpi((1 << 2048) - 1) + mpi(65536),
    "p256-point-off-the-curve": b"\x13\x08\x2a\x86\x48\xce\x3d\x03\x01\x07" + mpi(b"\4" + b"\1" * 64),
}


@pytest.mark.parametrize("material", BAD_KEYS.values(), ids=BAD_KEYS.keys())
def test_s14_key_that_the_arithmetic_refuses(material: bytes) -> None:
    body = b"\4" + CREATED.to_bytes(4, "big") + material
    key = decode_public_key(body)
    value: SignatureValue = 5 if key.algorithm == RSA else (5, 5)
    with pytest.raises(OpenPGPError) as caught:
        verify_digest(key, key.algorithm, HASHES[8], bytes(32), value)
    assert caught.value.kind == "bad-signature"


def test_a_certificate_of_such_a_key_loads_but_vouches_for_nothing() -> None:
    body = b"\4" + CREATED.to_bytes(4, "big") + BAD_KEYS["rsa-even-modulus"]
    (cert,) = load_keyring([packet(6, body) + b"".join(ALICE.packets[1:])])
    assert (cert.self_signatures, cert.dropped) == ((), 1)
