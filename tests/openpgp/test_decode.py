"""Key packets, their material and fingerprints, and the two decoders: PGPy's corner and our own."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from types import SimpleNamespace

import forge
import pytest
from forge import CREATED, SIGNED, mpi, packet, secret_key, signature_body
from pgpy.packet import Packet as PGPyPacket

from airgap.errors import OpenPGPError
from airgap.openpgp import _pgpy, rfc9580
from airgap.openpgp.algorithms import ECDSA, ED448, ED25519, EDDSA_LEGACY, HASHES, RSA, verify_digest
from airgap.openpgp.decode import decode_public_key, decode_signature
from airgap.openpgp.keys import (
    ECDSAMaterial,
    EdwardsMaterial,
    Fingerprint,
    RSAMaterial,
    Unusable,
    parse_fingerprint,
)
from airgap.openpgp.packets import Malformed, Packet, each, is_padding, walk
from tests.openpgp.judging import PAYLOAD, verify

PGPY = "airgap.openpgp._pgpy.PGPyPacket"
HEAD = b"\4" + CREATED.to_bytes(4, "big")
NIST = {"p256": "2a8648ce3d030107", "p384": "2b81040022", "p521": "2b81040023"}
ED25519_OID, P256_OID = bytes.fromhex("092b06010401da470f01"), bytes.fromhex("082a8648ce3d030107")
POINT = secret_key("point", "p256").material[len(P256_OID) :]
SIGNERS = ["rsa2048", "eddsa", "ed25519", "ed448", "p256", "p384", "p521"]


# Fingerprints


@pytest.mark.parametrize(("version", "digits"), [(4, 40), (6, 64)])
@pytest.mark.parametrize("algorithm", [*SIGNERS, "k256", "cv25519", "x25519", "unknown"])
def test_fingerprint_is_recomputed(algorithm: str, version: int, digits: int) -> None:
    secret = secret_key("fingerprint", algorithm, version=version)
    key = decode_public_key(secret.public_body)
    assert str(key.fingerprint) == secret.fingerprint.hex().upper()
    assert len(str(key.fingerprint)) == digits
    assert key.fingerprint.key_id == secret.key_id
    assert (key.version, key.created, key.algorithm) == (version, CREATED, secret.algorithm_id)
    assert key.hash_prefix + key.body == secret.hash_prefix


def test_published_fingerprints() -> None:
    """RFC 9580 §A.4, the version 6 certificate: from its secret octets as printed there."""
    raw = bytes.fromhex("1972817b12be707e8d5f586ce61361201d344eb266a2c82fde6835762b65b0b7")
    key = decode_public_key(forge.import_secret(raw, "ed25519", created=0x63877FE3, version=6).public_body)
    assert str(key.fingerprint) == "CB186C4F0609A697E4D52DFA6C722B0C1F1E27C18A56708F6525EC27BAD9ACC9"
    assert key.fingerprint.key_id.hex() == "cb186c4f0609a697"


@pytest.mark.parametrize("text", ["", "0" * 39, "0" * 41, "0" * 63, "g" * 40, "a" * 40, "0" * 16, "0" * 40 + "\n"])
def test_not_a_full_fingerprint(text: str) -> None:
    with pytest.raises(ValueError, match="not a full OpenPGP fingerprint"):
        Fingerprint(text)


@pytest.mark.parametrize("form", ["{}", "0x{}", "0X{}", " {}\n"])
@pytest.mark.parametrize("digits", [40, 64])
def test_fingerprint_as_people_write_it(form: str, digits: int) -> None:
    wanted = Fingerprint("ABCDEF01" * (digits // 8))
    for text in (str(wanted), str(wanted).lower(), wanted.spaced, wanted.spaced.replace(" ", "\t")):
        assert parse_fingerprint(form.format(text)) == wanted


@pytest.mark.parametrize(
    "text", ["", "0x", "ABCD", "0x0x" + "0" * 40, "0" * 39 + "\u0660", "0" * 38 + ":0", "\uff21" * 40]
)
def test_what_is_no_fingerprint(text: str) -> None:
    with pytest.raises(ValueError, match="not a full OpenPGP fingerprint"):
        parse_fingerprint(text)


def test_spaced_is_in_groups_of_four() -> None:
    assert Fingerprint("0123456789" * 4).spaced == "0123 4567 8901 2345 6789 0123 4567 8901 2345 6789"


# Material


@pytest.mark.parametrize("version", [4, 6])
def test_material_of_every_algorithm(version: int) -> None:
    kinds = {
        algorithm: decode_public_key(secret_key("m", algorithm, version=version).public_body) for algorithm in SIGNERS
    }
    assert isinstance(kinds["rsa2048"].material, RSAMaterial)
    assert kinds["rsa2048"].material.n.bit_length() == 2048
    assert kinds["rsa2048"].material.e == 65537
    for algorithm in ("p256", "p384", "p521"):
        material = kinds[algorithm].material
        assert isinstance(material, ECDSAMaterial)
        assert (material.curve, material.point[0]) == (f"secp{algorithm[1:]}r1", 4)
    for algorithm, size in (("ed25519", 32), ("ed448", 57)):
        material = kinds[algorithm].material
        assert isinstance(material, EdwardsMaterial)
        assert len(material.raw) == size
    assert isinstance(kinds["eddsa"].material, EdwardsMaterial if version == 4 else Unusable)


def test_legacy_and_native_give_the_same_point() -> None:
    raw = hashlib.sha256(b"point").digest()
    legacy, native = (decode_public_key(forge.import_secret(raw, a).public_body) for a in ("eddsa", "ed25519"))
    assert legacy.material == native.material


UNUSABLE = {
    "ecdsa-over-secp256k1": b"\x13\x05\x2b\x81\x04\x00\x0a" + mpi(b"\4" + bytes(range(64))),
    "ecdsa-over-an-unknown-curve": b"\x13\x03\x2b\x01\x02" + mpi(b"\4" + bytes(range(64))),
    "ecdsa-without-a-curve": b"\x13",
    "ecdsa-over-a-curve-that-is-cut": b"\x13\xff\x2a\x86",
    "ecdsa-over-ed25519": b"\x13" + ED25519_OID + mpi(b"\x40" + bytes(range(32))),
    "eddsa-over-p256": b"\x16" + P256_OID + POINT,
    "eddsa-over-an-unknown-curve": b"\x16\x03\x2b\x01\x02" + mpi(b"\x40" + bytes(range(32))),
    "dsa": b"\x11" + mpi(7) * 4,
    "algorithm-0": b"\0",
    "algorithm-255": b"\xff",
}


@pytest.mark.parametrize("material", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_s9_unusable_key_is_a_key_all_the_same(material: bytes) -> None:
    assert isinstance(decode_public_key(HEAD + material).material, Unusable)
    counted = b"\6" + HEAD[1:] + material[:1] + (len(material) - 1).to_bytes(4, "big") + material[1:]
    assert isinstance(decode_public_key(counted).material, Unusable)


MALFORMED = {
    "rsa-nothing": b"\1",
    "rsa-one-integer": b"\1" + mpi(5),
    "rsa-three-integers": b"\1" + mpi(5) * 3,
    "rsa-zero-bits-with-a-byte": b"\1" + b"\0\0\0" + mpi(5),
    "rsa-leading-zero": b"\1" + b"\0\x09\0\x05" + mpi(5),
    "rsa-length-past-the-end": b"\1" + mpi(5) + b"\xff\xff\x01",
    "ecdsa-point-missing": b"\x13" + P256_OID,
    "ecdsa-point-cut": b"\x13" + P256_OID + POINT[:-1],
    "ecdsa-point-and-a-byte": b"\x13" + P256_OID + POINT + b"\0",
    "ecdsa-two-points": b"\x13" + P256_OID + POINT + POINT,
    "ed25519-31": b"\x1b" + bytes(31),
    "ed25519-33": b"\x1b" + bytes(33),
    "ed448-56": b"\x1c" + bytes(56),
    "ed448-58": b"\x1c" + bytes(58),
}
MALFORMED_V4 = {
    "eddsa-point-missing": b"\x16" + ED25519_OID,
    "eddsa-point-empty": b"\x16" + ED25519_OID + mpi(0),
    "eddsa-point-cut": b"\x16" + ED25519_OID + mpi(b"\x40" + b"\1" * 32)[:-1],
    "eddsa-point-and-a-byte": b"\x16" + ED25519_OID + mpi(b"\x40" + b"\1" * 32) + b"\0",
    "eddsa-sec1-point": b"\x16" + ED25519_OID + POINT,
    "eddsa-point-of-unknown-form": b"\x16" + ED25519_OID + mpi(b"\x41" + b"\1" * 32),
    "ecdsa-point-of-unknown-form": b"\x13" + P256_OID + mpi(b"\x05" + b"\1" * 64),
    "ecdsa-native-point": b"\x13" + P256_OID + mpi(b"\x40" + b"\1" * 32),
}


@pytest.mark.parametrize("material", MALFORMED.values(), ids=MALFORMED.keys())
def test_c10_malformed_material(material: bytes) -> None:
    with pytest.raises(Malformed):
        decode_public_key(HEAD + material)
    counted = b"\6" + HEAD[1:] + material[:1] + (len(material) - 1).to_bytes(4, "big") + material[1:]
    with pytest.raises(Malformed):
        decode_public_key(counted)


@pytest.mark.parametrize("material", MALFORMED_V4.values(), ids=MALFORMED_V4.keys())
def test_c10_malformed_material_of_version_4_counts_for_nothing(material: bytes) -> None:
    """Refused as a key, or a key whose every signature is bad; nothing else may come out."""
    with pytest.raises((Malformed, OpenPGPError)):
        decode_and_use(HEAD + material)


@pytest.mark.parametrize("point", [b"\5" + bytes(64), b"\4" + bytes(63), b"\4" + bytes(65), b"\xff" + bytes(63)])
def test_c10_malformed_point_of_version_6(point: bytes) -> None:
    material = P256_OID + mpi(point)
    with pytest.raises(Malformed, match="not an uncompressed one"):
        decode_public_key(b"\6" + HEAD[1:] + b"\x13" + len(material).to_bytes(4, "big") + material)


def decode_and_use(body: bytes) -> None:
    key = decode_public_key(body)
    verify_digest(key, key.algorithm, HASHES[8], bytes(32), (5, 5))


@pytest.mark.parametrize("size", [31, 33])
def test_s9_legacy_eddsa_point_of_another_size(size: int) -> None:
    key = decode_public_key(HEAD + b"\x16" + ED25519_OID + mpi(b"\x40" + b"\1" * size))
    assert isinstance(key.material, Unusable)


@pytest.mark.parametrize("version", [4, 6])
def test_a_compressed_point_does_not_count(version: int) -> None:
    """RFC 9580 §11.2: NIST points are uncompressed; another spelling is another key for the same signatures."""
    point = POINT[2:]
    key = secret_key("point", "p256", version=version)
    short = replace(key, material=P256_OID + mpi(bytes([2 + (point[-1] & 1)]) + point[1:33]))
    cert = forge.Certificate(short, (forge.Part("primary", short.public_packet()),)).append(forge.direct_key(short))
    with pytest.raises(OpenPGPError):
        verify(forge.detached(short, PAYLOAD), cert)


# PGPy's corner


@pytest.mark.parametrize("algorithm", ["rsa2048", "eddsa", "p256", "p384", "p521"])
def test_pgpy_and_our_own_reader_agree(algorithm: str) -> None:
    """Where both can read the bytes, they read the same."""
    four, six = (decode_public_key(secret_key("agree", algorithm, version=version).public_body) for version in (4, 6))
    if algorithm != "eddsa":
        assert four.material == six.material
        assert rfc9580.decode_key_material(four.algorithm, four.body[6:]) == four.material
    signature = decode_signature(signature_body(secret_key("agree", algorithm), 0, b"x", created=SIGNED))
    number = ECDSA if algorithm == "eddsa" else signature.key_algorithm
    assert signature.value() == rfc9580.decode_signature_value(number, signature.encoded_value)


def test_pgpy_curves_that_the_packet_reader_lets_not_through() -> None:
    """What decode.py never hands on, _pgpy.py does not take for a NIST curve or Ed25519 either."""
    k256 = secret_key("curve", "k256").public_body
    assert isinstance(_pgpy.decode_public_key(k256), Unusable)
    legacy = bytearray(secret_key("curve", "cv25519").public_body[:-4])
    legacy[5] = EDDSA_LEGACY
    with pytest.raises(Malformed):
        _pgpy.decode_public_key(bytes(legacy) + b"\0")


@pytest.mark.parametrize(
    "error", [IndexError, StopIteration, RecursionError, KeyError, NotImplementedError, ValueError]
)
def test_whatever_pgpy_raises_is_malformed(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its errors on hostile bytes have no common base, so whatever it raises is caught."""

    def fails(data: bytearray) -> object:
        raise error("inside of PGPy")

    monkeypatch.setattr(PGPY, fails)
    with pytest.raises(Malformed, match=error.__name__):
        decode_public_key(secret_key("x").public_body)
    with pytest.raises(Malformed, match=error.__name__):
        decode_signature(signature_body(secret_key("x"), 0, b"", created=SIGNED)).value()


def test_pgpy_that_misreads_a_key_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every decoded value must encode to the same bytes again."""
    other = packet(6, secret_key("other").public_body)
    monkeypatch.setattr(PGPY, lambda data: PGPyPacket(bytearray(other)))
    with pytest.raises(Malformed, match="encode"):
        decode_public_key(secret_key("x").public_body)


def test_pgpy_that_misreads_a_signature_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = [signature_body(secret_key("x"), 0, text, created=SIGNED) for text in (b"one", b"two")]
    monkeypatch.setattr(PGPY, lambda data: PGPyPacket(bytearray(packet(2, bodies[1]))))
    with pytest.raises(Malformed, match="encode"):
        decode_signature(bodies[0]).value()


def test_pgpy_that_returns_something_else_is_malformed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PGPY, lambda data: SimpleNamespace(keymaterial=object(), signature=object()))
    with pytest.raises(Malformed, match="key material"):
        decode_public_key(secret_key("x").public_body)
    with pytest.raises(Malformed, match="signature value"):
        decode_signature(signature_body(secret_key("x"), 0, b"", created=SIGNED)).value()


# The packet walk


def test_walk_gives_bodies_without_their_framing() -> None:
    data = packet(13, b"a") + packet(13, b"a", old=True) + packet(13, b"a", width=5)
    assert walk(data, most=3) == [Packet(13, b"a")] * 3
    assert {one.encoded for one in walk(data, most=3)} == {packet(13, b"a")}


@pytest.mark.parametrize("size", [0, 1, 191, 192, 8_383, 8_384, 65_536])
def test_encoded_is_the_shortest_current_framing(size: int) -> None:
    body = bytes(size)
    assert Packet(13, body).encoded == packet(13, body)
    assert walk(packet(13, body), most=1) == [Packet(13, body)]


def test_walk_stops_at_the_bound() -> None:
    assert len(walk(packet(13, b"") * 5, most=5)) == 5
    with pytest.raises(Malformed, match="more than 4 packets"):
        walk(packet(13, b"") * 5, most=4)


def test_each_gives_the_same_one_by_one() -> None:
    data = packet(13, b"a") + packet(2, b"b") + b"\x01"
    found = each(data)
    assert [next(found), next(found)] == [Packet(13, b"a"), Packet(2, b"b")]
    with pytest.raises(Malformed):
        next(found)


def test_markers_and_padding_say_nothing() -> None:
    data = forge.marker() + packet(13, b"a") + forge.padding(3) + forge.padding(0)
    assert [is_padding(one) for one in walk(data, most=9)] == [True, False, True, True]
    with pytest.raises(Malformed, match="PGP"):
        is_padding(Packet(10, b"PGQ"))


@pytest.mark.parametrize("number", [RSA, ECDSA, ED25519, ED448])
def test_our_reader_refuses_every_cut_and_every_extra_byte(number: int) -> None:
    names = {RSA: "rsa2048", ECDSA: "p256", ED25519: "ed25519", ED448: "ed448"}
    signature = decode_signature(signature_body(secret_key("cut", names[number], version=6), 0, b"", created=SIGNED))
    value = signature.encoded_value
    assert signature.value() == rfc9580.decode_signature_value(number, value)
    for wrong in [*(value[:end] for end in range(len(value))), value + b"\0"]:
        with pytest.raises(Malformed):
            rfc9580.decode_signature_value(number, wrong)
