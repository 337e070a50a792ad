"""S1 to S7 and S10 to S12: what a document signature must say (RFC 9580 §5.2). S8, S9, S14: test_algorithms.py.

Every hostile signature is mathematically right, by a live key of a good certificate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import forge
import pytest
from forge import (
    CREATED,
    SIGNED,
    certificate,
    detached,
    inline,
    notation,
    packet,
    signature_body,
    subpacket,
)

from airgap.errors import FormatError, OpenPGPError
from airgap.openpgp.keyring import Keyring, load_keyring
from airgap.openpgp.keys import Fingerprint
from airgap.openpgp.message import parse_signature_file
from airgap.openpgp.subpackets import KNOWN
from airgap.openpgp.verifier import CLOCK_TOLERANCE, GoodSignature, verify_message
from tests.openpgp.judging import DAY, MALFORMED_EMBEDDED, PAYLOAD, READABLE_EMBEDDED, REFERENCE, refused, verify

ALICE = certificate("alice")
BOB = certificate("bob")
CAROL = certificate("carol", algorithm="ed25519", version=6)
KEY = ALICE.primary


def u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def fingerprint_hint(key: forge.SecretKey) -> bytes:
    return subpacket(33, bytes([key.version]) + key.fingerprint)


def key_id_hint(key: forge.SecretKey) -> bytes:
    return subpacket(16, key.key_id)


OTHER_TYPES = [1, 2, 3, 0x10, 0x11, 0x12, 0x13, 0x18, 0x19, 0x1F, 0x20, 0x28, 0x30, 0x40, 0x50, 0xFF]


@pytest.mark.parametrize("sig_type", OTHER_TYPES)
def test_s1_type_is_not_binary_document(sig_type: int) -> None:
    for file in (detached(KEY, PAYLOAD, sig_type=sig_type), inline(KEY, PAYLOAD, sig_type=sig_type)):
        assert refused(file, ALICE) == "signature-type-not-binary"


def test_s1_text_signature_over_bytes_that_canonicalisation_leaves_alone() -> None:
    """Type 0x01 over one line without an end hashes the same octets; still it does not say which bytes it is over."""
    assert b"\n" not in PAYLOAD
    assert refused(detached(KEY, PAYLOAD, sig_type=0x01), ALICE) == "signature-type-not-binary"


@pytest.mark.parametrize("version", [3, 2, 5, 0, 255])
def test_s2_version_of_the_signature(version: int) -> None:
    if version == 3:
        file = detached(KEY, PAYLOAD, version=3)
    else:
        file = packet(2, bytes([version]) + signature_body(KEY, 0, PAYLOAD, created=SIGNED)[1:])
    assert refused(file, ALICE) == "signature-version-unsupported"


def test_s2_empty_signature_packet() -> None:
    assert refused(packet(2, b""), ALICE) == "signature-version-unsupported"


def test_s2_version_6_signature_by_a_version_4_key() -> None:
    four = certificate("four", algorithm="ed25519")
    assert refused(detached(four.primary, PAYLOAD, version=6), four) == "version-mismatch"


def test_s2_version_4_signature_by_a_version_6_key() -> None:
    assert verify(detached(CAROL.primary, PAYLOAD), CAROL).payload == PAYLOAD
    assert refused(detached(CAROL.primary, PAYLOAD, version=4), CAROL) == "version-mismatch"


@pytest.mark.parametrize("signer", [ALICE, CAROL])
def test_s3_no_creation_time(signer: forge.Certificate) -> None:
    assert refused(detached(signer.primary, PAYLOAD, omit=["creation"]), signer) == "creation-time-missing"


def test_s3_creation_time_in_the_unhashed_area_only() -> None:
    file = detached(KEY, PAYLOAD, omit=["creation"], unhashed=[subpacket(2, u32(SIGNED)), key_id_hint(KEY)])
    assert refused(file, ALICE) == "creation-time-missing"


@pytest.mark.parametrize("second", [SIGNED, SIGNED - DAY, CREATED - DAY])
def test_s3_creation_time_twice(second: int) -> None:
    assert refused(detached(KEY, PAYLOAD, hashed=[subpacket(2, u32(second))]), ALICE) == "creation-time-missing"


UNHASHED_LIES = {
    "creation": subpacket(2, u32(CREATED - DAY)),
    "expiry": subpacket(3, u32(1)),
    "critical-unknown": subpacket(99, b"", critical=True),
    "critical-notation": notation("a@example.org", b"x", critical=True),
    "critical-policy": subpacket(26, b"https://example.org", critical=True),
    "key-expiry": subpacket(9, u32(1)),
    "key-flags": subpacket(27, b"\0"),
    "revocation-reason": subpacket(29, b"\2"),
}


@pytest.mark.parametrize("lie", UNHASHED_LIES.values(), ids=UNHASHED_LIES.keys())
def test_s4_unhashed_subpackets_change_nothing(lie: bytes) -> None:
    """Anybody can write there; a verdict that depends on it is anybody's."""
    file = detached(KEY, PAYLOAD, unhashed=[lie, key_id_hint(KEY)])
    assert verify(file, ALICE) == verify(detached(KEY, PAYLOAD), ALICE)


def test_s4_an_issuer_hint_may_stand_in_either_area() -> None:
    for hashed, unhashed in [
        ([fingerprint_hint(KEY)], []),
        ([key_id_hint(KEY)], []),
        ([], [fingerprint_hint(KEY)]),
        ([], [key_id_hint(KEY)]),
    ]:
        file = detached(KEY, PAYLOAD, omit=["issuer-fingerprint"], hashed=hashed, unhashed=unhashed)
        assert str(verify(file, ALICE, BOB).signing_key) == ALICE.fingerprint


def test_s5_issuer_missing() -> None:
    file = detached(KEY, PAYLOAD, omit=["issuer", "issuer-fingerprint"])
    assert refused(file, ALICE) == "issuer-missing"


def test_s5_issuer_in_no_certificate() -> None:
    with pytest.raises(OpenPGPError) as caught:
        verify(detached(KEY, PAYLOAD), BOB)
    assert (caught.value.kind, caught.value.facts["issuer"]) == ("no-certificate", ALICE.fingerprint)
    assert refused(detached(KEY, PAYLOAD)) == "no-certificate"


FOREIGN_HINTS = [key_id_hint(BOB.primary), fingerprint_hint(BOB.primary), fingerprint_hint(CAROL.primary)]


@pytest.mark.parametrize("hint", FOREIGN_HINTS, ids=["key-id", "fingerprint", "version-6-fingerprint"])
def test_s5_one_of_the_issuers_is_another_key(hint: bytes) -> None:
    """Whether the other certificate is here or not, and in whichever area the name stands."""
    for file in (
        detached(KEY, PAYLOAD, hashed=[hint]),
        detached(KEY, PAYLOAD, unhashed=[hint]),
        detached(KEY, PAYLOAD, unhashed=[key_id_hint(KEY), hint]),
    ):
        assert refused(file, ALICE) == "issuer-mismatch"
        assert refused(file, ALICE, BOB, CAROL) == "issuer-mismatch"


def test_s5_every_issuer_named_is_another_key() -> None:
    assert refused(detached(KEY, PAYLOAD, issuer=BOB.primary), ALICE, BOB) == "bad-signature"
    assert refused(detached(KEY, PAYLOAD, issuer=BOB.primary), ALICE) == "no-certificate"


def test_s5_key_id_of_two_keys() -> None:
    """A made 64-bit collision: nobody can say which of the two was meant, so neither was."""
    (alice,) = load_keyring([ALICE.bytes])
    twin = Fingerprint("0" * 24 + ALICE.fingerprint[-16:])
    other = replace(alice, primary=replace(alice.primary, fingerprint=twin))
    by_key_id = parse_signature_file(detached(KEY, PAYLOAD, omit=["issuer-fingerprint"]))
    assert verify_message(by_key_id, Keyring([alice]), REFERENCE, payloads=[PAYLOAD]).payload == PAYLOAD
    for pair in ([alice, other], [other, alice]):
        with pytest.raises(OpenPGPError) as caught:
            verify_message(by_key_id, Keyring(pair), REFERENCE, payloads=[PAYLOAD])
        assert caught.value.kind == "issuer-mismatch"
    by_fingerprint = parse_signature_file(detached(KEY, PAYLOAD))
    only_fingerprint = parse_signature_file(detached(KEY, PAYLOAD, unhashed=[]))
    with pytest.raises(OpenPGPError) as caught:
        verify_message(only_fingerprint, Keyring([other]), REFERENCE, payloads=[PAYLOAD])
    assert caught.value.kind == "no-certificate"
    assert verify_message(by_fingerprint, Keyring([alice, other]), REFERENCE, payloads=[PAYLOAD]).payload == PAYLOAD


def test_s5_reports_the_key_that_verified_and_its_primary() -> None:
    cert = certificate("reports", signing_subkey="eddsa")
    by_subkey = verify(detached(cert.signing_key, PAYLOAD), cert, ALICE)
    assert str(by_subkey.signing_key) == cert.signing_key.fingerprint.hex().upper()
    assert str(by_subkey.certificate) == cert.fingerprint
    by_primary = verify(detached(cert.primary, PAYLOAD), cert, ALICE)
    assert str(by_primary.signing_key) == str(by_primary.certificate) == cert.fingerprint


def test_s6_unknown_critical_subpacket() -> None:
    assert verify(detached(KEY, PAYLOAD, hashed=[subpacket(99, b"x")]), ALICE).payload == PAYLOAD
    file = detached(KEY, PAYLOAD, hashed=[subpacket(99, b"x", critical=True)])
    assert refused(file, ALICE) == "critical-subpacket-unknown"


@pytest.mark.parametrize("type_", sorted(set(range(128)) - KNOWN - {37}))
def test_s6_every_unknown_critical_type(type_: int) -> None:
    file = detached(KEY, PAYLOAD, hashed=[subpacket(type_, b"\1\2\3\4", critical=True)])
    assert refused(file, ALICE) == "critical-subpacket-unknown"


@pytest.mark.parametrize("type_", [31, 39])
def test_s6_critical_subpacket_that_no_decision_here_understands(type_: int) -> None:
    """Signature target and AEAD ciphersuites: sqv and gpg refuse a document signature that makes them critical."""
    file = detached(KEY, PAYLOAD, hashed=[subpacket(type_, b"\1\x08" + bytes(32), critical=True)])
    assert refused(file, ALICE) == "critical-subpacket-unknown"


KNOWN_CRITICAL = {
    3: u32(DAY * 365),
    4: b"\1",
    5: b"\1\x78",
    6: b"<example>\0",
    7: b"\1",
    9: u32(1),
    11: b"\x09",
    16: KEY.key_id,
    21: b"\x08",
    24: b"https://example.org",
    25: b"\1",
    26: b"https://example.org",
    27: b"\2",
    28: b"alice@example.org",
    30: b"\1",
    33: b"\4" + KEY.fingerprint,
}


@pytest.mark.parametrize("type_", KNOWN_CRITICAL)
def test_known_critical_subpacket(type_: int) -> None:
    file = detached(KEY, PAYLOAD, hashed=[subpacket(type_, KNOWN_CRITICAL[type_], critical=True)])
    assert verify(file, ALICE).payload == PAYLOAD


def test_s6_critical_notation() -> None:
    plain, critical = (notation("a@example.org", b"x", critical=flag) for flag in (False, True))
    assert verify(detached(KEY, PAYLOAD, hashed=[plain]), ALICE).payload == PAYLOAD
    assert refused(detached(KEY, PAYLOAD, hashed=[critical]), ALICE) == "critical-notation-unknown"
    assert refused(detached(KEY, PAYLOAD, hashed=[plain, critical]), ALICE) == "critical-notation-unknown"


MALFORMED_SUBPACKETS = {
    "length-0": b"\0",
    "past-the-area": b"\x05\x14abc",
    "length-octet-missing": b"\xc0",
    "long-length-octets-missing": b"\xff\0\0\0",
    "long-length-past-the-area": b"\xff\0\0\0\x09\x14abc",
    "two-octet-length-past-the-area": b"\xc0\x00\x14",
    "creation-of-5": subpacket(2, bytes(5)),
    "creation-of-3": subpacket(2, bytes(3)),
    "expiry-of-3": subpacket(3, bytes(3)),
    "expiry-empty": subpacket(3, b""),
    "exportable-of-2": subpacket(4, bytes(2)),
    "trust-of-1": subpacket(5, bytes(1)),
    "revocable-empty": subpacket(7, b""),
    "key-expiry-of-8": subpacket(9, bytes(8)),
    "key-id-of-7": subpacket(16, KEY.key_id[1:]),
    "key-id-of-20": subpacket(16, KEY.fingerprint),
    "primary-user-id-of-4": subpacket(25, bytes(4)),
    "reason-empty": subpacket(29, b""),
    "embedded-empty": subpacket(32, b""),
    "fingerprint-empty": subpacket(33, b""),
    "fingerprint-without-version": subpacket(33, KEY.fingerprint),
    "fingerprint-of-version-5": subpacket(33, b"\5" + bytes(32)),
    "fingerprint-of-version-6-with-20": subpacket(33, b"\6" + KEY.fingerprint),
    "fingerprint-of-version-4-with-32": subpacket(33, b"\4" + bytes(32)),
    "expiry-twice": subpacket(3, u32(DAY * 365)) * 2,
    "key-expiry-twice": subpacket(9, u32(DAY * 365)) * 2,
    "key-flags-twice": subpacket(27, b"\2") * 2,
    "reason-twice": subpacket(29, b"\1") * 2,
    "257-subpackets": subpacket(100, b"") * 257,
}


@pytest.mark.parametrize("area", ["hashed", "unhashed"])
@pytest.mark.parametrize("bytes_", MALFORMED_SUBPACKETS.values(), ids=MALFORMED_SUBPACKETS.keys())
def test_s7_malformed_subpacket(bytes_: bytes, area: str) -> None:
    file = (
        detached(KEY, PAYLOAD, hashed=[bytes_])
        if area == "hashed"
        else detached(KEY, PAYLOAD, unhashed=[key_id_hint(KEY), bytes_])
    )
    assert refused(file, ALICE) == "signature-malformed"


@pytest.mark.parametrize("area", ["hashed", "unhashed"])
@pytest.mark.parametrize("embedded", MALFORMED_EMBEDDED.values(), ids=MALFORMED_EMBEDDED.keys())
def test_s7_malformed_embedded_signature(embedded: bytes, area: str) -> None:
    extra = subpacket(32, embedded)
    file = (
        detached(KEY, PAYLOAD, hashed=[extra])
        if area == "hashed"
        else detached(KEY, PAYLOAD, unhashed=[key_id_hint(KEY), extra])
    )
    assert refused(file, ALICE) == "signature-malformed"


def nested(levels: int) -> bytes:
    """A signature body that embeds one that embeds one, as deep as 64 KiB allow."""
    body = signature_body(KEY, 0x19, b"")
    head, tail = body[:4], body[4 + 2 + int.from_bytes(body[4:6], "big") :]
    for _ in range(levels):
        area = subpacket(32, body, width=5)
        body = head + len(area).to_bytes(2, "big") + area + tail
    return body


@pytest.mark.parametrize("levels", [1, 2, 10, 580])
def test_s7_embedded_in_embedded(levels: int) -> None:
    for area in ("hashed", "unhashed"):
        extra = subpacket(32, nested(levels), width=5)
        file = (
            detached(KEY, PAYLOAD, hashed=[extra])
            if area == "hashed"
            else detached(KEY, PAYLOAD, unhashed=[key_id_hint(KEY), extra])
        )
        assert len(file) < 2**16
        assert refused(file, ALICE) == "signature-malformed"


@pytest.mark.parametrize("body", READABLE_EMBEDDED.values(), ids=READABLE_EMBEDDED.keys())
def test_embedded_signature_that_means_nothing_here(body: bytes) -> None:
    """By nobody, or of an algorithm that does not count: no fault of the signature around it."""
    assert verify(detached(KEY, PAYLOAD, hashed=[subpacket(32, body)]), ALICE).payload == PAYLOAD


MALFORMED_VALUES_OF_SUBPACKETS = {
    "exportable-2": subpacket(4, b"\2"),
    "revocable-2": subpacket(7, b"\2"),
    "primary-user-id-255": subpacket(25, b"\xff"),
    "notation-of-7": subpacket(20, bytes(7)),
    "notation-longer-than-it-says": subpacket(20, bytes(9)),
    "notation-shorter-than-it-says": subpacket(20, bytes(5) + b"\1\0\1a"),
    "regular-expression-without-its-end": subpacket(6, b"a"),
    "regular-expression-empty": subpacket(6, b""),
    "revocation-key-of-21": subpacket(12, b"\x80\x16" + bytes(19)),
    "revocation-key-of-23": subpacket(12, b"\x80\x16" + bytes(21)),
    "revocation-key-of-no-class": subpacket(12, b"\x7f\x16" + bytes(20)),
    "target-of-1": subpacket(31, b"\1"),
    "recipient-of-20": subpacket(35, b"\4" + bytes(19)),
    "recipient-of-another-version": subpacket(35, b"\5" + bytes(20)),
    "attested": subpacket(37, bytes(32)),
    "ciphersuites-of-3": subpacket(39, bytes(3)),
}


@pytest.mark.parametrize("extra", MALFORMED_VALUES_OF_SUBPACKETS.values(), ids=MALFORMED_VALUES_OF_SUBPACKETS.keys())
def test_s7_malformed_value_of_a_subpacket(extra: bytes) -> None:
    assert refused(detached(KEY, PAYLOAD, hashed=[extra]), ALICE) == "signature-malformed"
    assert refused(detached(KEY, PAYLOAD, unhashed=[key_id_hint(KEY), extra]), ALICE) == "signature-malformed"


def test_values_of_subpackets_at_their_edges() -> None:
    edges = [
        subpacket(4, b"\0"),
        subpacket(7, b"\0"),
        subpacket(25, b"\0"),
        subpacket(20, bytes(8)),
        subpacket(6, b"\0"),
        subpacket(12, b"\x80\x16" + bytes(20)),
        subpacket(31, b"\1\2"),
        subpacket(35, b"\4" + bytes(20)),
        subpacket(39, bytes(4)),
    ]
    assert verify(detached(KEY, PAYLOAD, hashed=edges), ALICE).payload == PAYLOAD


SIZES_OF_WIDTH = {1: [1, 190], 2: [191, 192, 8_000, 8_382], 5: [1, 190, 8_382, 8_383, 9_000]}


@pytest.mark.parametrize(
    ("width", "size"), [(width, size) for width, sizes in SIZES_OF_WIDTH.items() for size in sizes]
)
def test_every_length_of_subpackets(width: int, size: int) -> None:
    file = detached(KEY, PAYLOAD, hashed=[subpacket(100, bytes(size), width=width)])
    assert verify(file, ALICE).payload == PAYLOAD
    short = detached(KEY, PAYLOAD, hashed=[subpacket(100, bytes(size), width=width)[:-1]])
    assert refused(short, ALICE) == "signature-malformed"


def test_256_subpackets_are_allowed() -> None:
    assert verify(detached(KEY, PAYLOAD, hashed=[subpacket(100, b"")] * 254), ALICE).payload == PAYLOAD


@pytest.mark.parametrize(("algorithm", "version"), [("eddsa", 4), ("ed25519", 6), ("rsa2048", 4), ("p256", 4)])
def test_s7_every_truncation_and_a_trailing_byte(algorithm: str, version: int) -> None:
    signer = certificate("cut", algorithm=algorithm, version=version)
    body = signature_body(signer.primary, 0, PAYLOAD, created=SIGNED)
    assert verify(packet(2, body), signer).payload == PAYLOAD
    for cut in [*(body[:end] for end in range(1, len(body))), body + b"\0"]:
        assert refused(packet(2, cut), signer) == "signature-malformed"


def _with_value(algorithm: str, value: bytes) -> tuple[bytes, forge.Certificate]:
    cert = certificate("value", algorithm=algorithm)
    body = signature_body(cert.primary, 0, PAYLOAD, created=SIGNED)
    fields = 6 + int.from_bytes(body[4:6], "big")
    fields += 2 + int.from_bytes(body[fields : fields + 2], "big") + 2
    return packet(2, body[:fields] + value), cert


MALFORMED_VALUES = {
    "rsa-empty": ("rsa2048", b""),
    "rsa-half-a-length": ("rsa2048", b"\x08"),
    "rsa-leading-zero": ("rsa2048", b"\x00\x10\x00\x01"),
    "rsa-bit-count-too-small": ("rsa2048", b"\x00\x07\xff"),
    "rsa-bit-count-too-large": ("rsa2048", b"\x00\x08\x7f"),
    "rsa-two-integers": ("rsa2048", b"\x00\x01\x01\x00\x01\x01"),
    "ecdsa-one-integer": ("p256", b"\x00\x01\x01"),
    "ecdsa-three-integers": ("p256", b"\x00\x01\x01" * 3),
    "eddsa-one-integer": ("eddsa", b"\x00\x01\x01"),
    "eddsa-leading-zero": ("eddsa", b"\x00\x01\x01\x00\x09\x00\x01"),
    "ed25519-as-two-integers": ("ed25519", forge.mpi(b"\xff" * 32) + forge.mpi(b"\xff" * 32)),
    "ed25519-63": ("ed25519", bytes(63)),
    "ed25519-65": ("ed25519", bytes(65)),
    "ed448-of-64": ("ed448", bytes(64)),
}


@pytest.mark.parametrize("name", MALFORMED_VALUES)
def test_s7_malformed_signature_value(name: str) -> None:
    file, cert = _with_value(*MALFORMED_VALUES[name])
    assert refused(file, cert) == "signature-malformed"


def test_s7_malformed_signature_value_of_version_6() -> None:
    cert = certificate("value", algorithm="p256", version=6)
    body = signature_body(cert.primary, 0, PAYLOAD, created=SIGNED)
    assert refused(packet(2, body[:-1]), cert) == "signature-malformed"
    assert refused(packet(2, body + b"\0"), cert) == "signature-malformed"


def test_s10_later_than_the_reference_time() -> None:
    for created in (REFERENCE, REFERENCE + CLOCK_TOLERANCE):
        assert verify(detached(KEY, PAYLOAD, created=created), ALICE).created == created
    late = detached(KEY, PAYLOAD, created=REFERENCE + CLOCK_TOLERANCE + 1)
    assert refused(late, ALICE) == "signature-from-the-future"
    assert CLOCK_TOLERANCE == 30 * 60


def test_s10_the_last_second_that_openpgp_can_say() -> None:
    assert refused(detached(KEY, PAYLOAD, created=2**32 - 1), ALICE) == "signature-from-the-future"


@pytest.mark.parametrize(("lifetime", "good"), [(0, True), (1, False), (DAY - 1, False), (DAY, False), (DAY + 1, True)])
def test_s11_expired_at_the_reference_time(lifetime: int, good: bool) -> None:
    assert REFERENCE == SIGNED + DAY
    file = detached(KEY, PAYLOAD, expires=lifetime)
    if good:
        assert verify(file, ALICE).payload == PAYLOAD
    else:
        assert refused(file, ALICE) == "signature-expired"


def test_s11_an_expiry_past_the_year_2106_is_no_wrap_around() -> None:
    assert verify(detached(KEY, PAYLOAD, expires=2**32 - 1), ALICE).payload == PAYLOAD


@pytest.mark.parametrize(("age", "good"), [(0, True), (-1, False)])
def test_s12_older_than_the_primary_key(age: int, good: bool) -> None:
    file = detached(KEY, PAYLOAD, created=CREATED + age)
    if good:
        assert verify(file, ALICE).created == CREATED
    else:
        assert refused(file, ALICE) == "signature-older-than-key"


@pytest.mark.parametrize(("age", "good"), [(0, True), (-1, False), (-DAY, False)])
def test_s12_older_than_the_subkey(age: int, good: bool) -> None:
    cert = certificate("younger", signing_subkey="eddsa", subkey_created=CREATED + 9 * DAY)
    file = detached(cert.signing_key, PAYLOAD, created=CREATED + 9 * DAY + age)
    if good:
        assert verify(file, cert).payload == PAYLOAD
    else:
        assert refused(file, cert) == "signature-older-than-key"


def test_s12_older_than_the_primary_of_an_older_subkey() -> None:
    cert = certificate(
        "elder", signing_subkey="eddsa", subkey_created=CREATED - 9 * DAY, binding_options={"created": CREATED}
    )
    assert verify(detached(cert.signing_key, PAYLOAD, created=CREATED), cert).payload == PAYLOAD
    assert refused(detached(cert.signing_key, PAYLOAD, created=CREATED - 1), cert) == "signature-older-than-key"


def test_a_good_signature_is_made_by_verification_only() -> None:
    good = verify(detached(KEY, PAYLOAD), ALICE)
    with pytest.raises(TypeError):
        GoodSignature(good.payload, good.certificate, good.signing_key, good.created, good.flags, object())


def caught(file: bytes, *certificates: forge.Certificate, payloads: Sequence[bytes] = (PAYLOAD,)) -> OpenPGPError:
    with pytest.raises(OpenPGPError) as error:
        verify(file, *certificates, payloads=payloads)
    return error.value


def test_errors_carry_the_facts_that_a_program_can_read() -> None:
    by_key_id = detached(KEY, PAYLOAD, omit=["issuer-fingerprint"])
    assert caught(by_key_id, BOB).facts == {"issuer": KEY.key_id.hex().upper()}
    assert caught(detached(KEY, PAYLOAD), BOB).facts == {"issuer": ALICE.fingerprint}
    critical = detached(KEY, PAYLOAD, hashed=[subpacket(99, b"", critical=True)])
    assert caught(critical, ALICE).facts == {"subpacket": 99}
    assert caught(bytes(2**16 + 1), ALICE).facts == {"bytes": 2**16 + 1}
    short = certificate("alice", key_expires=DAY)
    assert caught(detached(KEY, PAYLOAD), short).facts == {"certificate": ALICE.fingerprint, "expired": "2024-01-02"}
    subkey = certificate("alice", signing_subkey="eddsa", subkey_expires=DAY)
    assert caught(detached(subkey.signing_key, PAYLOAD), subkey).facts == {"expired": "2024-01-02"}
    with pytest.raises(FormatError) as bomb:
        verify(inline(KEY, bytes(2**16 + 1), compress=1, level=9), ALICE)
    assert bomb.value.facts == {"limit": 2**16}


def test_messages_say_what_was_tried() -> None:
    file = detached(KEY, PAYLOAD)
    assert caught(file, ALICE, payloads=[b"a"]).message.endswith("is not over these bytes")
    assert caught(file, ALICE, payloads=[b"a", b"b"]).message.endswith("is not over any known spelling of its claim")
    assert caught(file, ALICE, payloads=[]).kind == "payload-missing"
    broken = ALICE.append(packet(14, b"\4"))
    message = caught(file, broken).message
    assert message.startswith(f"made by key {ALICE.fingerprint}, which is in no certificate here (a certificate that")
    short = certificate("alice", key_expires=DAY)
    assert f"the copy of certificate {ALICE.fingerprint} in this keyring expired" in caught(file, short).message


def test_without_a_word_keys_need_not_live_at_the_reference_time() -> None:
    expired = certificate("alice", key_expires=SIGNED + DAY - CREATED)
    good = verify_message(
        parse_signature_file(detached(KEY, PAYLOAD)),
        load_keyring([expired.bytes]),
        SIGNED + 2 * DAY,
        payloads=[PAYLOAD],
    )
    assert good.flags == ("certificate-expired-since",)
