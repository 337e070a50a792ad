"""F1 to F3 and F5 to F7: what a signature file is (RFC 9580 §4, §5.4, §10.3). F4 is in test_armor.py.

Every hostile file differs in one thing from a good one, and its signature is right.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import forge
import pytest
from forge import compressed, detached, inline, inline_many, literal, marker, old_style, packet, padding, pieces
from forge.messages import OnePassFields
from forge.packets import deflate

from airgap.errors import FormatError, OpenPGPError
from airgap.limits import LIMITS
from airgap.openpgp import _pgpy
from airgap.openpgp.keyring import Keyring
from airgap.openpgp.message import parse_signature_file
from airgap.openpgp.verifier import verify_message
from tests.openpgp.judging import PAYLOAD, REFERENCE, peak_memory, refused, verify

ALICE = forge.certificate("alice")
BOB = forge.certificate("bob")
CAROL = forge.certificate("carol", algorithm="ed25519", version=6)
DAVE = forge.certificate("dave", algorithm="ed25519", version=6)
KEY = ALICE.primary
OPS, LIT, SIG = pieces(KEY, PAYLOAD)
OPS_BODY, LIT_BODY, SIG_BODY = OPS[2:], LIT[2:], SIG[2:]
MESSAGE = OPS + LIT + SIG
LONG = bytes(range(256)) * 4


def framed(inner: bytes) -> bytes:
    return compressed(inner, 1)


def test_the_pieces_have_one_length_octet() -> None:
    assert [OPS[1], LIT[1], SIG[1]] == [len(OPS_BODY), len(LIT_BODY), len(SIG_BODY)]


GOOD = {
    "plain": MESSAGE,
    "zip-indeterminate-as-gpg-writes-it": inline(KEY, PAYLOAD, compress=1),
    "zip-really-compressed": inline(KEY, PAYLOAD, compress=1, level=9),
    "zip-with-a-length": inline(KEY, PAYLOAD, compress=1, indeterminate=False),
    "zlib": inline(KEY, PAYLOAD, compress=2, level=6),
    "compressed-packet-of-algorithm-0": compressed(MESSAGE, 0),
    "marker-first": marker() + MESSAGE,
    "marker-in-compressed": framed(marker() + MESSAGE),
    "padding-last": MESSAGE + padding(40),
    "padding-around-compressed": padding() + compressed(MESSAGE, 1, indeterminate=False) + padding(),
    "legacy-packet-format": packet(4, OPS_BODY, old=True) + packet(11, LIT_BODY, old=True) + SIG,
    "current-packet-format": packet(4, OPS_BODY) + packet(11, LIT_BODY) + packet(2, SIG_BODY),
    "lengths-of-five-octets": OPS + packet(11, LIT_BODY, width=5) + packet(2, SIG_BODY, width=5),
    "lengths-of-four-octets": OPS + packet(11, LIT_BODY, old=True, width=4) + packet(2, SIG_BODY, old=True, width=4),
    "compressed-in-partial-lengths": packet(8, b"\1" + deflate(MESSAGE + padding(600)), partial=[9, 0, 3]),
}


@pytest.mark.parametrize("file", GOOD.values(), ids=GOOD.keys())
def test_good_framing(file: bytes) -> None:
    assert verify(file, ALICE).payload == PAYLOAD


@pytest.mark.parametrize("size", [0, 1, 191, 192, 193, 8_000, 8_383, 8_384, 40_000])
def test_payload_of_any_size_comes_back_as_it_was(size: int) -> None:
    payload = (LONG * 40)[:size]
    for file in (inline(KEY, payload), inline(KEY, payload, compress=2), packet(21, b"") + inline(KEY, payload)):
        assert verify(file, ALICE, payloads=[]).payload == payload
    assert verify(detached(KEY, payload), ALICE, payloads=[payload]).payload == payload


@pytest.mark.parametrize("partial", [[9], [9, 0, 0, 5], [10], [9, 0]])
def test_literal_in_partial_lengths(partial: list[int]) -> None:
    file = inline(KEY, LONG, literal_packet=literal(LONG, partial=partial))
    assert verify(file, ALICE).payload == LONG


STRANGE_PACKETS = {
    "user-id": packet(13, b"Alice"),
    "reserved-tag-0": packet(0, b""),
    "reserved-tag-0-legacy": b"\x80\x00",
    "encrypted": packet(18, b"\1" + bytes(20)),
    "symmetric": packet(9, bytes(20)),
    "session-key": packet(1, b"\3" + bytes(20)),
    "trust": packet(12, b"x"),
    "public-key": ALICE.find("primary"),
    "secret-key": KEY.public_packet(secret=True),
    "unknown-critical": packet(39, b"x"),
    "unknown-non-critical": packet(40, b"x"),
    "private": packet(60, b"x"),
    "second-literal": LIT,
    "second-signature": SIG,
    "second-one-pass": OPS,
    "empty-compressed": compressed(b"", 1, indeterminate=False),
}
HOSTILE_PLACES: dict[str, Callable[[bytes], bytes]] = {
    "before": lambda extra: extra + MESSAGE,
    "after-one-pass": lambda extra: OPS + extra + LIT + SIG,
    "after-literal": lambda extra: OPS + LIT + extra + SIG,
    "after": lambda extra: MESSAGE + extra,
    "after-compressed": lambda extra: compressed(MESSAGE, 1, indeterminate=False) + extra,
}


@pytest.mark.parametrize("place", HOSTILE_PLACES.values(), ids=HOSTILE_PLACES.keys())
@pytest.mark.parametrize("extra", STRANGE_PACKETS.values(), ids=STRANGE_PACKETS.keys())
def test_f1_packet_that_does_not_belong(extra: bytes, place: Callable[[bytes], bytes]) -> None:
    assert refused(place(extra), ALICE) == "message-malformed"


@pytest.mark.parametrize("extra", [e for n, e in STRANGE_PACKETS.items() if n != "empty-compressed"])
def test_f1_packet_that_does_not_belong_inside_of_the_compressed_one(extra: bytes) -> None:
    assert refused(framed(MESSAGE + extra), ALICE) == "message-malformed"
    assert refused(framed(extra + MESSAGE), ALICE) == "message-malformed"


HOSTILE_FRAMING = {
    "empty-file": b"",
    "marker-inside-which-sqv-refuses": OPS + marker() + LIT + SIG,
    "padding-inside": OPS + LIT + padding() + SIG,
    "marker-inside-of-compressed": framed(OPS + marker() + LIT + SIG),
    "padding-only": padding(),
    "one-pass-missing": LIT + SIG,
    "literal-missing": OPS + SIG,
    "signature-missing": OPS + LIT,
    "literal-only": LIT,
    "literal-before-one-pass": LIT + OPS + SIG,
    "signature-before-literal": OPS + SIG + LIT,
    "old-style-signature-first": old_style(KEY, PAYLOAD),
    "signed-message-beside-its-compressed-twin": MESSAGE + compressed(MESSAGE, 1, indeterminate=False),
    "detached-signature-compressed": framed(SIG),
    "high-bit-missing": bytes([OPS[0] & 0x7F]) + MESSAGE[1:],
    "trailing-byte": MESSAGE + b"\0",
    "trailing-newline": MESSAGE + b"\n",
    "trailing-byte-in-compressed": framed(MESSAGE + b"\0"),
    "marker-that-is-none": MESSAGE + marker(b"PGQ"),
    "marker-empty": marker(b"") + MESSAGE,
    "signature-of-indeterminate-length": OPS + LIT + packet(2, SIG_BODY, indeterminate=True),
    "literal-of-indeterminate-length": OPS + packet(11, LIT_BODY + SIG, indeterminate=True),
    "length-past-the-end": OPS + LIT + bytes([SIG[0], SIG[1] + 1]) + SIG_BODY,
    "length-octets-missing": MESSAGE + b"\xcb",
    "second-length-octet-missing": MESSAGE + b"\xcb\xc0",
    "long-length-octets-missing": MESSAGE + b"\xcb\xff\0\0\0",
    "legacy-length-octets-missing": MESSAGE + b"\xad\0",
    "partial-length-ends-the-file": inline(KEY, LONG, literal_packet=literal(LONG, partial=[9])[:515]),
}


@pytest.mark.parametrize("file", HOSTILE_FRAMING.values(), ids=HOSTILE_FRAMING.keys())
def test_f1_hostile_framing(file: bytes) -> None:
    assert refused(file, ALICE) == "message-malformed"


def test_f1_every_truncation_is_refused() -> None:
    kinds = {refused(MESSAGE[:end], ALICE) for end in range(len(MESSAGE))}
    assert kinds == {"message-malformed"}


def test_f1_partial_length_on_a_signature() -> None:
    big = pieces(KEY, PAYLOAD, hashed=[forge.notation("a@example.org", bytes(600))]).signature
    assert verify(big, ALICE).payload == PAYLOAD
    assert refused(packet(2, big[3:], partial=[9]), ALICE) == "message-malformed"


def test_f1_first_partial_length_under_512() -> None:
    assert refused(inline(KEY, LONG, literal_packet=literal(LONG, partial=[8, 9])), ALICE) == "message-malformed"


@pytest.mark.parametrize(("count", "kind"), [(29, None), (30, "message-malformed")])
def test_f1_number_of_packets(count: int, kind: str | None) -> None:
    assert count + 3 == LIMITS.signature_packets + (kind is not None)
    for file in (padding(0) * count + MESSAGE, framed(padding(0) * count + MESSAGE)):
        if kind is None:
            assert verify(file, ALICE).payload == PAYLOAD
        else:
            assert refused(file, ALICE) == kind


def test_f2_file_over_64_kib() -> None:
    room = LIMITS.signature_file - len(MESSAGE)
    fill = packet(21, bytes(room - 6), width=5)
    assert len(fill + MESSAGE) == LIMITS.signature_file
    assert verify(fill + MESSAGE, ALICE).payload == PAYLOAD
    assert refused(packet(21, bytes(room - 5), width=5) + MESSAGE, ALICE) == "signature-too-large"


def test_f2_inflates_past_the_ceiling() -> None:
    room = LIMITS.signature_inflated - len(MESSAGE)
    fill, more = (packet(21, bytes(room - size), width=5) for size in (6, 5))
    assert verify(compressed(fill + MESSAGE, 1, level=9), ALICE).payload == PAYLOAD
    for algorithm in (1, 2):
        with pytest.raises(FormatError) as caught:
            verify(compressed(more + MESSAGE, algorithm, level=9), ALICE)
        assert (caught.value.kind, caught.value.exit_status) == ("signature-inflates-past-limit", 10)


def test_f2_a_bomb_costs_no_memory() -> None:
    bomb = compressed(literal(bytes(60 * 1024 * 1024)), 1, level=9)
    assert len(bomb) < LIMITS.signature_file
    assert peak_memory(lambda: parse_signature_file(bomb)) < 1024 * 1024


def _unfinished() -> bytes:
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packet(8, b"\1" + engine.compress(MESSAGE) + engine.flush(zlib.Z_SYNC_FLUSH), indeterminate=True)


ZLIB_BODY = compressed(MESSAGE, 2)[2:]
HOSTILE_COMPRESSION = {
    "bzip2": compressed(MESSAGE, 3),
    "unknown-algorithm": packet(8, b"\x09" + deflate(MESSAGE), indeterminate=True),
    "zip-called-bzip2": packet(8, b"\3" + deflate(MESSAGE), indeterminate=True),
    "no-algorithm": packet(8, b"", indeterminate=True),
    "bytes-after-the-stream": framed(MESSAGE) + b"\0",
    "packet-after-the-stream": framed(MESSAGE) + padding(),
    "stream-that-does-not-end": _unfinished(),
    "stream-cut": inline(KEY, PAYLOAD, compress=1)[:-1],
    "zlib-with-a-wrong-checksum": packet(8, b"\2" + ZLIB_BODY[:-1] + bytes([ZLIB_BODY[-1] ^ 1]), indeterminate=True),
    "zlib-without-its-checksum": packet(8, b"\2" + ZLIB_BODY[:-4], indeterminate=True),
    "zlib-that-wants-a-dictionary": packet(8, b"\2\x78\x20\0\0\0\1" + ZLIB_BODY[2:], indeterminate=True),
    "zip-called-zlib": packet(8, b"\2" + deflate(MESSAGE), indeterminate=True),
    "damaged": packet(8, b"\1\xff\xff\xff", indeterminate=True),
}


@pytest.mark.parametrize("file", HOSTILE_COMPRESSION.values(), ids=HOSTILE_COMPRESSION.keys())
def test_f2_hostile_compression(file: bytes) -> None:
    assert refused(file, ALICE) == "compression-malformed"


@pytest.mark.parametrize("outer", [0, 1, 2])
@pytest.mark.parametrize("inner", [0, 1, 2])
def test_f2_compressed_in_compressed(outer: int, inner: int) -> None:
    once = compressed(MESSAGE, inner, indeterminate=False)
    assert verify(once, ALICE).payload == PAYLOAD
    assert refused(compressed(once, outer), ALICE) == "compression-nested"
    assert refused(compressed(padding() + once, outer), ALICE) == "compression-nested"


def test_f2_what_is_refused_by_its_frame_never_reaches_pgpy(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bytes] = []
    monkeypatch.setattr(_pgpy, "PGPyPacket", lambda data: calls.append(bytes(data)))
    for file in [*HOSTILE_COMPRESSION.values(), *HOSTILE_FRAMING.values(), bytes(LIMITS.signature_file + 1)]:
        with pytest.raises(OpenPGPError):
            verify_message(parse_signature_file(file), Keyring(), REFERENCE)
    assert calls == []


V3_FAULTS: dict[str, OnePassFields] = {
    "type": {"sig_type": 0x01},
    "hash": {"hash_algo": 10},
    "algorithm": {"algorithm": 1},
    "issuer": {"issuer": BOB.primary.key_id},
    "wildcard-issuer": {"issuer": bytes(8)},
    "long-issuer": {"issuer": KEY.key_id + b"\0"},
    "short-issuer": {"issuer": KEY.key_id[1:]},
    "not-the-last": {"last": False},
    "version-2": {"version": 2},
    "version-6": {"version": 6},
}


@pytest.mark.parametrize("fault", V3_FAULTS.values(), ids=V3_FAULTS.keys())
def test_f3_one_pass_packet_that_disagrees(fault: OnePassFields) -> None:
    assert refused(inline(KEY, PAYLOAD, ops=fault), ALICE) == "one-pass-mismatch"


V6_FAULTS: dict[str, OnePassFields] = {
    "type": {"sig_type": 0x01},
    "hash": {"hash_algo": 12},
    "algorithm": {"algorithm": 28},
    "issuer": {"issuer": BOB.primary.fingerprint},
    "issuer-of-version-6": {"issuer": DAVE.primary.fingerprint},
    "key-id-for-issuer": {"issuer": CAROL.primary.key_id},
    "salt": {"salt": bytes(16)},
    "long-salt": {"salt": bytes(32)},
    "no-salt": {"salt": b""},
    "not-the-last": {"last": False},
    "version-3": {"version": 3},
    "version-3-of-version-3-size": {"version": 3, "issuer": CAROL.primary.key_id},
}


@pytest.mark.parametrize("fault", V6_FAULTS.values(), ids=V6_FAULTS.keys())
def test_f3_one_pass_packet_of_version_6_that_disagrees(fault: OnePassFields) -> None:
    assert verify(inline(CAROL.primary, PAYLOAD), CAROL).payload == PAYLOAD
    assert refused(inline(CAROL.primary, PAYLOAD, ops=fault), CAROL) == "one-pass-mismatch"


@pytest.mark.parametrize("body", [b"", b"\3", b"\6", OPS_BODY[:-1], OPS_BODY + b"\1"])
def test_f3_one_pass_packet_of_another_size(body: bytes) -> None:
    assert refused(packet(4, body) + LIT + SIG, ALICE) == "one-pass-mismatch"


def test_f3_version_6_one_pass_packet_before_a_version_4_signature() -> None:
    ops = forge.one_pass(issuer=KEY.fingerprint + bytes(12), algorithm=22, version=6)
    assert refused(ops + LIT + SIG, ALICE) == "one-pass-mismatch"


def test_f3_key_id_that_only_the_fingerprint_gives() -> None:
    file = inline(KEY, PAYLOAD, unhashed=[])
    assert verify(file, ALICE).payload == PAYLOAD
    assert refused(inline(KEY, PAYLOAD, unhashed=[], ops={"issuer": BOB.primary.key_id}), ALICE) == "one-pass-mismatch"


CLEARTEXT = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nwas signed\n" + forge.armor("SIGNATURE", SIG)


@pytest.mark.parametrize("file", [CLEARTEXT, b"\n" + CLEARTEXT, forge.armor("SIGNATURE", SIG) + CLEARTEXT])
def test_f5_cleartext_framework(file: bytes) -> None:
    assert refused(file, ALICE) == "cleartext-framework"


MANY = {
    "detached-twice": SIG + SIG,
    "detached-by-two": SIG + detached(BOB.primary, PAYLOAD),
    "inline-by-two": inline_many([KEY, BOB.primary], PAYLOAD),
    "inline-then-detached": MESSAGE + SIG,
    "detached-then-inline": SIG + MESSAGE,
    "two-messages": MESSAGE + MESSAGE,
    "message-beside-a-foreign-literal": MESSAGE + literal(b"not signed"),
    "literal-before-a-detached-signature": LIT + SIG,
    "detached-then-literal": SIG + literal(PAYLOAD),
}


@pytest.mark.parametrize("file", MANY.values(), ids=MANY.keys())
def test_f6_more_than_one_signature_or_document(file: bytes) -> None:
    assert refused(file, ALICE, BOB) == "message-malformed"


def test_f6_a_detached_signature_may_have_padding() -> None:
    assert verify(padding() + SIG + marker(), ALICE).payload == PAYLOAD


METADATA = {
    "text": literal(PAYLOAD, fmt=b"t"),
    "utf-8": literal(PAYLOAD, fmt=b"u"),
    "mime": literal(PAYLOAD, fmt=b"m"),
    "local": literal(PAYLOAD, fmt=b"l"),
    "file-name": literal(PAYLOAD, filename=b"claim.json"),
    "longest-file-name": literal(PAYLOAD, filename=b"\xff" * 255),
    "for-your-eyes-only": literal(PAYLOAD, filename=b"_CONSOLE"),
    "date": literal(PAYLOAD, date=0xFFFFFFFF),
}


@pytest.mark.parametrize("packet_", METADATA.values(), ids=METADATA.keys())
def test_f7_metadata_is_not_signed_and_changes_nothing(packet_: bytes) -> None:
    assert verify(OPS + packet_ + SIG, ALICE) == verify(MESSAGE, ALICE)


@pytest.mark.parametrize("payload", [b"line\nline\n", b"line\r\nline", b"\xef\xbb\xbf{}", b"a\0b", b" trailing \n\n"])
def test_f7_no_byte_of_the_payload_is_changed(payload: bytes) -> None:
    file = inline(KEY, payload, literal_packet=literal(payload, fmt=b"t"))
    assert verify(file, ALICE).payload == payload


@pytest.mark.parametrize("shift", [1, 2])
def test_f7_file_name_that_swallows_the_payload(shift: int) -> None:
    """The hash is over exactly the literal's bytes: moving a byte into the metadata breaks it."""
    body = b"b" + bytes([shift]) + PAYLOAD[:shift] + bytes(4) + PAYLOAD[shift:]
    assert refused(OPS + packet(11, body) + SIG, ALICE) == "bad-signature"


@pytest.mark.parametrize("body", [b"", b"b", b"b\0", b"b\0\0\0\0", b"b\1\0\0\0\0", b"b\xff" + bytes(258)])
def test_f7_literal_shorter_than_its_fields(body: bytes) -> None:
    empty = pieces(KEY, b"")
    assert verify(empty.one_pass + packet(11, b"b\0\0\0\0\0") + empty.signature, ALICE).payload == b""
    assert refused(empty.one_pass + packet(11, body) + empty.signature, ALICE) == "message-malformed"


def test_f7_the_payload_of_an_inline_message_is_its_own_and_no_other() -> None:
    assert verify(MESSAGE, ALICE, payloads=[b"something else"]).payload == PAYLOAD
    assert refused(inline(KEY, b"x", literal_packet=literal(PAYLOAD)), ALICE, payloads=[b"x"]) == "bad-signature"


@pytest.mark.parametrize("width", [1, 2, 4])
def test_f1_an_octet_without_its_top_bit_begins_no_packet(width: int) -> None:
    good = packet(2, SIG_BODY, old=True, width=width)
    assert verify(OPS + LIT + good, ALICE).payload == PAYLOAD
    assert refused(OPS + LIT + bytes([good[0] & 0x7F]) + good[1:], ALICE) == "message-malformed"
