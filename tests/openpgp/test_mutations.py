"""Every flipped bit, every deleted, inserted or missing byte, and noise: only typed errors come out.

A mutant that is still accepted must say the same: the very payload, by the very same key of the same certificate.
The default run changes every byte in one way; ``slow`` in every way.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import forge
import pytest
from forge import CREATED, Part, certificate, certification, detached, inline, notation, packet, secret_key, subpacket
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airgap.errors import AirgapError
from airgap.openpgp import armor
from airgap.openpgp.keyring import Keyring, load_keyring
from airgap.openpgp.message import parse_signature_file
from airgap.openpgp.subpackets import KNOWN
from airgap.openpgp.verifier import GoodSignature, verify_message
from tests.openpgp.judging import DAY, PAYLOAD, REFERENCE, signed_by

LABELS = frozenset({armor.MESSAGE, armor.SIGNATURE, armor.PUBLIC_KEY})
ALICE = certificate("alice")
RSA = certificate("rsa", algorithm="rsa2048")
P256 = certificate("p256", algorithm="p256")
NATIVE = certificate("native", algorithm="ed25519")
V6 = certificate("v6", algorithm="ed25519", version=6)
WITH_SUBKEY = certificate("alice", signing_subkey="eddsa")
SUBPACKETS = [
    notation("a@example.org", b"b"),
    subpacket(3, (365 * DAY).to_bytes(4, "big")),
    subpacket(26, b"https://a"),
]

SIGNATURES: dict[str, tuple[forge.Certificate, bytes]] = {
    "inline": (ALICE, inline(ALICE.primary, PAYLOAD)),
    "inline-zip": (ALICE, inline(ALICE.primary, PAYLOAD, compress=1)),
    "inline-zip-deflated": (ALICE, inline(ALICE.primary, PAYLOAD, compress=1, level=9)),
    "inline-zlib": (ALICE, inline(ALICE.primary, PAYLOAD, compress=2, level=9, indeterminate=False)),
    "inline-native": (NATIVE, inline(NATIVE.primary, PAYLOAD)),
    "inline-v6": (V6, inline(V6.primary, PAYLOAD)),
    "detached-rsa": (RSA, detached(RSA.primary, PAYLOAD)),
    "detached-p256": (P256, detached(P256.primary, PAYLOAD)),
    "detached-subpackets": (ALICE, detached(ALICE.primary, PAYLOAD, hashed=SUBPACKETS)),
    "detached-by-subkey": (WITH_SUBKEY, signed_by(WITH_SUBKEY)),
    "detached-armored": (ALICE, forge.armor("SIGNATURE", detached(ALICE.primary, PAYLOAD))),
}
CERTIFICATES: dict[str, forge.Certificate] = {
    "eddsa": ALICE,
    "rsa": RSA,
    "subkey": WITH_SUBKEY,
    "v6-subkey": certificate("v6", algorithm="ed25519", version=6, signing_subkey="p256"),
    "back-signature-unhashed": ALICE.with_subkey(
        WITH_SUBKEY.signing_key, forge.subkey_binding(ALICE.primary, WITH_SUBKEY.signing_key, back="unhashed")
    ),
    "direct-and-two-user-ids": certificate("alice", user_ids=["A", "B"], direct=True, key_expires=9999 * DAY),
}

Mutants = Callable[[bytes], Iterator[bytes]]


def one_bit_of_every_byte(data: bytes) -> Iterator[bytes]:
    for at, byte in enumerate(data):
        yield data[:at] + bytes([byte ^ 1 << at * 5 % 8]) + data[at + 1 :]


def every_bit(data: bytes) -> Iterator[bytes]:
    for at, byte in enumerate(data):
        for bit in range(8):
            yield data[:at] + bytes([byte ^ 1 << bit]) + data[at + 1 :]


def every_byte_value(data: bytes) -> Iterator[bytes]:
    for at, byte in enumerate(data):
        for value in {0, 1, 0x7F, 0x80, 0xBF, 0xC0, 0xE0, 0xFF, (byte + 1) % 256, (byte - 1) % 256} - {byte}:
            yield data[:at] + bytes([value]) + data[at + 1 :]


def deleted_bytes(data: bytes) -> Iterator[bytes]:
    for at in range(len(data)):
        yield data[:at] + data[at + 1 :]


def inserted_bytes(data: bytes) -> Iterator[bytes]:
    for at in range(len(data) + 1):
        yield data[:at] + bytes([at * 37 % 256]) + data[at:]


def inserted_zeros_and_repeats(data: bytes) -> Iterator[bytes]:
    for at in range(len(data) + 1):
        yield data[:at] + b"\0" + data[at:]
        yield data[:at] + data[at : at + 1] * 2 + data[at + 1 :]
        yield data[:at] + b"\xff" + data[at:]


def truncations(data: bytes) -> Iterator[bytes]:
    for end in range(len(data)):
        yield data[:end]


def heads_cut_off(data: bytes) -> Iterator[bytes]:
    for start in range(1, len(data)):
        yield data[start:]


def swapped_neighbours(data: bytes) -> Iterator[bytes]:
    for at in range(len(data) - 1):
        if data[at] != data[at + 1]:
            yield data[:at] + data[at + 1 : at + 2] + data[at : at + 1] + data[at + 2 :]


QUICK: list[Mutants] = [one_bit_of_every_byte, deleted_bytes, inserted_bytes, truncations]
THOROUGH: list[Mutants] = [every_bit, every_byte_value, inserted_zeros_and_repeats, heads_cut_off, swapped_neighbours]


def verdict(signature: bytes, keyring: Keyring) -> GoodSignature | None:
    """The verdict, None for a typed refusal; anything else fails the test by itself."""
    try:
        return verify_message(parse_signature_file(signature), keyring, REFERENCE, payloads=[PAYLOAD])
    except AirgapError:
        return None


def require_harmless(found: GoodSignature | None, wanted: GoodSignature) -> None:
    if found is not None:
        assert found == wanted


def attack_signature(name: str, mutants: Mutants) -> list[int]:
    """Which of the mutants were accepted, by their place in the row."""
    cert, signature = SIGNATURES[name]
    keyring = load_keyring([cert.bytes])
    wanted = verdict(signature, keyring)
    assert wanted is not None
    accepted = []
    for place, mutant in enumerate(mutants(signature)):
        found = verdict(mutant, keyring)
        require_harmless(found, wanted)
        if found is not None:
            accepted.append(place)
    return accepted


def attack_certificate(name: str, mutants: Mutants) -> None:
    cert = CERTIFICATES[name]
    file = signed_by(cert)
    wanted = verdict(file, load_keyring([cert.bytes]))
    assert wanted is not None
    for mutant in mutants(cert.bytes):
        try:
            keyring = load_keyring([mutant])
        except AirgapError:
            continue
        require_harmless(verdict(file, keyring), wanted)
        assert load_keyring([keyring.encoded()]).encoded() == keyring.encoded()


@pytest.mark.parametrize("mutants", QUICK)
@pytest.mark.parametrize("name", SIGNATURES)
def test_mutated_signature(name: str, mutants: Mutants) -> None:
    attack_signature(name, mutants)


@pytest.mark.slow
@pytest.mark.parametrize("mutants", THOROUGH)
@pytest.mark.parametrize("name", SIGNATURES)
def test_mutated_signature_in_every_way(name: str, mutants: Mutants) -> None:
    attack_signature(name, mutants)


@pytest.mark.parametrize("mutants", QUICK)
@pytest.mark.parametrize("name", CERTIFICATES)
def test_mutated_certificate(name: str, mutants: Mutants) -> None:
    attack_certificate(name, mutants)


@pytest.mark.slow
@pytest.mark.parametrize("mutants", THOROUGH)
@pytest.mark.parametrize("name", CERTIFICATES)
def test_mutated_certificate_in_every_way(name: str, mutants: Mutants) -> None:
    attack_certificate(name, mutants)


def free_octets(signature: bytes) -> set[int]:
    """In a version 4 signature packet, the type octet of the unhashed issuer hint: the fingerprint says it as well."""
    header = 3 if signature[0] & 3 == 1 else 2
    hashed_end = header + 6 + int.from_bytes(signature[header + 4 : header + 6], "big")
    return {hashed_end + 3}


@pytest.mark.parametrize("name", ["detached-rsa", "detached-p256", "detached-subpackets", "detached-by-subkey"])
def test_no_flipped_bit_of_a_detached_signature_is_accepted_but_in_a_second_issuer_hint(name: str) -> None:
    accepted = attack_signature(name, every_bit)
    assert {place // 8 for place in accepted} == free_octets(SIGNATURES[name][1])


def test_no_flipped_bit_of_an_inline_message_is_accepted_but_there_and_in_the_metadata_of_the_literal() -> None:
    accepted = attack_signature("inline", every_bit)
    one_pass, literal, signature = forge.pieces(ALICE.primary, PAYLOAD)
    start = len(one_pass)
    metadata = {start + 2, *range(start + 4, start + 8)}
    hint = {start + len(literal) + octet for octet in free_octets(signature)}
    assert {place // 8 for place in accepted} == metadata | hint


def test_a_lost_revocation_is_the_only_thing_that_a_flipped_bit_may_undo() -> None:
    """A revoked key counts again only where the mutation has broken the revocation signature itself."""
    revocation = forge.key_revocation(ALICE.primary)
    cert = ALICE.revoked(revocation)
    file = signed_by(ALICE)
    start = cert.bytes.index(revocation)
    assert verdict(file, load_keyring([cert.bytes])) is None
    for at, mutant in enumerate(one_bit_of_every_byte(cert.bytes)):
        try:
            keyring = load_keyring([mutant])
        except AirgapError:
            continue
        assert verdict(file, keyring) is None or start <= at < start + len(revocation)


# Splices: whole subpackets and packets moved, repeated, left out or taken from elsewhere

FOREIGN = [
    subpacket(2, CREATED.to_bytes(4, "big")),
    subpacket(3, (1).to_bytes(4, "big")),
    subpacket(9, (1).to_bytes(4, "big")),
    subpacket(16, secret_key("mallory").key_id),
    subpacket(16, ALICE.primary.key_id),
    subpacket(27, b"\2"),
    subpacket(29, b"\1"),
    subpacket(32, b"\4\x19"),
    subpacket(33, b"\4" + secret_key("mallory").fingerprint),
    subpacket(33, b"\4" + ALICE.primary.fingerprint),
    *(subpacket(type_, b"", critical=critical) for type_ in range(128) for critical in (False, True)),
    *(subpacket(type_, b"\1\2\3\4", critical=True) for type_ in sorted(KNOWN)),
    b"\0",
    b"\xff\0\0\0\1\2",
]


@pytest.mark.parametrize("area", ["hashed", "unhashed"])
def test_subpacket_spliced_into_a_signature(area: str) -> None:
    """Anything put into the hashed area breaks the signature; into the other one it is refused or changes nothing."""
    body = forge.signature_body(ALICE.primary, 0, PAYLOAD, created=forge.SIGNED)
    keyring = load_keyring([ALICE.bytes])
    wanted = verdict(packet(2, body), keyring)
    assert wanted is not None
    hashed_end = 6 + int.from_bytes(body[4:6], "big")
    unhashed_end = hashed_end + 2 + int.from_bytes(body[hashed_end : hashed_end + 2], "big")
    start, end = (4, hashed_end) if area == "hashed" else (hashed_end, unhashed_end)
    for extra in FOREIGN:
        for place in (start + 2, end):
            longer = (end - start - 2 + len(extra)).to_bytes(2, "big")
            mutant = body[:start] + longer + body[start + 2 : place] + extra + body[place:]
            found = verdict(packet(2, mutant), keyring)
            if area == "hashed":
                assert found is None
            require_harmless(found, wanted)


def test_unhashed_area_moved_into_the_hashed_one_and_back() -> None:
    body = forge.signature_body(ALICE.primary, 0, PAYLOAD, created=forge.SIGNED)
    keyring = load_keyring([ALICE.bytes])
    end = 6 + int.from_bytes(body[4:6], "big")
    hashed, unhashed_end = body[6:end], end + 2 + int.from_bytes(body[end : end + 2], "big")
    unhashed, rest = body[end + 2 : unhashed_end], body[unhashed_end:]
    for first, second in [(hashed + unhashed, b""), (b"", hashed + unhashed), (unhashed, hashed), (hashed, b"")]:
        areas = len(first).to_bytes(2, "big") + first + len(second).to_bytes(2, "big") + second
        found = verdict(packet(2, body[:4] + areas + rest), keyring)
        assert (found is not None) == (first == hashed)


MALLORY = certificate("mallory", signing_subkey="eddsa")
RICH = (
    certificate("alice", user_ids=["A", "B"], signing_subkey="eddsa", encryption_subkey="cv25519", direct=True)
    .insert("certification", Part("certification", certification(ALICE.primary, "A", created=CREATED + DAY)))
    .insert("certification", Part("third-party", certification(ALICE.primary, "A", signer=MALLORY.primary)))
)


@pytest.mark.parametrize("seed", range(60))
def test_packets_of_two_certificates_in_any_order(seed: int) -> None:
    """Whatever is grafted where: a signature counts for the certificate of its maker or for none."""
    source = random.Random(seed)
    parts = [part.packet for part in (*RICH.parts, *MALLORY.parts)]
    for _ in range(20):
        mixed = (
            source.choices(parts, k=source.randrange(2, 20))
            if source.random() < 0.5
            else source.sample(parts, len(parts))
        )
        data = source.choice([RICH, MALLORY]).find("primary") + b"".join(mixed)
        try:
            keyring = load_keyring([data])
        except AirgapError:
            continue
        for owner in (RICH, MALLORY):
            for key in (owner.primary, owner.signing_key):
                found = verdict(detached(key, PAYLOAD), keyring)
                if found is not None:
                    assert str(found.certificate) == owner.fingerprint
                    assert str(found.signing_key) == key.fingerprint.hex().upper()


# Noise

QUIET = settings(
    max_examples=250, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
LOUD = settings(max_examples=4_000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
TAGS = st.sampled_from([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 17, 18, 20, 21, 39, 40, 60, 63])
HEADS = st.sampled_from([b"\4\x13", b"\6\0\x1b\x08", b"\3\5", b"\4\0\0\0\0", b""])
GOOD_BODIES = [one[2:] for one in ALICE.packets] + [WITH_SUBKEY.signing_key.public_body, b"PGP", b"\1\3\0"]
BODIES = st.one_of(st.builds(bytes.__add__, HEADS, st.binary(max_size=80)), st.sampled_from(GOOD_BODIES))


@st.composite
def some_packet(draw: st.DrawFn) -> bytes:
    tag, body = draw(TAGS), draw(BODIES)
    form = draw(st.sampled_from(["new", "new", "old", "indeterminate"])) if tag < 16 else "new"
    return packet(tag, body, old=form == "old", indeterminate=form == "indeterminate")


PACKETS = some_packet()
FILES = st.one_of(
    st.binary(max_size=200),
    st.lists(PACKETS, max_size=8).map(b"".join),
    st.lists(PACKETS, max_size=6).map(lambda packets: ALICE.bytes + b"".join(packets)),
    st.lists(PACKETS, max_size=6).map(lambda packets: forge.compressed(b"".join(packets), 1)),
    st.lists(st.sampled_from([*ALICE.packets, *RICH.packets, SIGNATURES["inline"][1]]), max_size=12).map(b"".join),
)
ARMORED = st.builds(
    lambda kind, data, extra: forge.armor(kind, data) + extra,
    st.sampled_from(["MESSAGE", "SIGNATURE", "PUBLIC KEY BLOCK", "PRIVATE KEY BLOCK"]),
    FILES,
    st.sampled_from([b"", b"\n", b"x", b"-----BEGIN PGP MESSAGE-----\n"]),
)
BEGIN_AND_END = [f"-----{edge} PGP {kind}-----" for edge in ("BEGIN", "END") for kind in ("MESSAGE", "SIGNATURE")]
LINES = ["", " ", "Hash: SHA1", "AAAA", "=AAAA", "QUFB", "Q===", "é", "\n", "\r", "-----", "=", "A" * 76, "A" * 77]
ARMOR_TEXT = st.lists(st.sampled_from(BEGIN_AND_END * 3 + LINES), max_size=12).map(
    lambda lines: "\n".join(lines).encode()
)
KEYRING = load_keyring([ALICE.bytes, WITH_SUBKEY.bytes])


def check_signature_file(data: bytes) -> None:
    found = verdict(data, KEYRING)
    assert found is None or found.payload == PAYLOAD


def check_keyring(data: bytes) -> None:
    try:
        keyring = load_keyring([data])
    except AirgapError:
        return
    assert load_keyring([keyring.encoded()]).encoded() == keyring.encoded()
    verdict(signed_by(WITH_SUBKEY), keyring)


def check_armor(data: bytes) -> None:
    try:
        label, _ = armor.dearmor(data, LABELS)
    except AirgapError:
        return
    assert label in LABELS


@QUIET
@given(st.one_of(FILES, ARMORED))
@example(b"\xcb\xe9")
@example(b"\xa3")
@example(b"\x88\x00")
def test_noise_for_a_signature_file(data: bytes) -> None:
    check_signature_file(data)


@QUIET
@given(st.one_of(FILES, ARMORED))
@example(b"\x98\x00")
@example(packet(6, b"\6" + bytes(9)))
def test_noise_for_a_keyring(data: bytes) -> None:
    check_keyring(data)


@QUIET
@given(st.one_of(st.binary(max_size=300), ARMORED, ARMOR_TEXT))
def test_noise_for_armor(data: bytes) -> None:
    check_armor(data)


@pytest.mark.slow
@LOUD
@given(st.one_of(FILES, ARMORED))
def test_much_noise_for_a_signature_file(data: bytes) -> None:
    check_signature_file(data)


@pytest.mark.slow
@LOUD
@given(st.one_of(FILES, ARMORED))
def test_much_noise_for_a_keyring(data: bytes) -> None:
    check_keyring(data)


@pytest.mark.slow
@LOUD
@given(st.one_of(st.binary(max_size=300), ARMORED, ARMOR_TEXT))
def test_much_noise_for_armor(data: bytes) -> None:
    check_armor(data)
