"""F4 and F5: ASCII armor is one clean block of the right kind (RFC 9580 §6)."""

from __future__ import annotations

import base64

import forge
import pytest
from forge import armor, detached, inline

from airgap.errors import OpenPGPError
from airgap.openpgp.armor import MESSAGE, SIGNATURE, dearmor, dearmor_all, is_armored
from airgap.openpgp.keyring import load_keyring
from tests.openpgp.judging import PAYLOAD, refused, verify

ALICE = forge.certificate("alice")
BOB = forge.certificate("bob")
KEY = ALICE.primary
RAW = inline(KEY, PAYLOAD)
FILE = armor("MESSAGE", RAW)
BEGIN, BLANK, *BODY, CHECKSUM, END = FILE.decode().splitlines()
LABELS = frozenset({MESSAGE, SIGNATURE})


def joined(*lines: str, end: str = "\n") -> bytes:
    return "".join(line + end for line in lines).encode()


GOOD = {
    "as-gpg-writes-it": FILE,
    "no-checksum": armor("MESSAGE", RAW, crc=False),
    "wrong-checksum-which-readers-must-ignore": armor("MESSAGE", RAW, crc="bad"),
    "headers": armor("MESSAGE", RAW, headers={"Version": "GnuPG v2", "Comment": "a: b", "Hash": "SHA1"}),
    "empty-header": joined(BEGIN, "Comment: ", BLANK, *BODY, END),
    "crlf": joined(BEGIN, BLANK, *BODY, CHECKSUM, END, end="\r\n"),
    "trailing-spaces": joined(BEGIN, BLANK, *BODY, CHECKSUM, END, end=" \t \n"),
    "blank-lines-around": b"\n \t\r\n" + FILE + b"\n\r\n ",
    "no-newline-at-the-end": FILE.rstrip(b"\n"),
    "short-lines": joined(BEGIN, BLANK, *(line[i : i + 4] for line in BODY for i in range(0, len(line), 4)), END),
    "lines-of-76": joined(BEGIN, BLANK, *(base64.encodebytes(RAW).decode().split()), END),
}


@pytest.mark.parametrize("file", GOOD.values(), ids=GOOD.keys())
def test_good_armor(file: bytes) -> None:
    assert verify(file, ALICE).payload == PAYLOAD


def test_good_armored_detached_signature() -> None:
    assert verify(armor("SIGNATURE", detached(KEY, PAYLOAD)), ALICE).payload == PAYLOAD


@pytest.mark.parametrize("size", range(1, 8))
def test_every_length_of_padding(size: int) -> None:
    assert dearmor(armor("MESSAGE", bytes(size)), LABELS) == (MESSAGE, bytes(size))


LONG_LINE = "".join(BODY)[:77]
HOSTILE = {
    "text-after": FILE + b"signed by Alice\n",
    "text-on-the-end-line": joined(BEGIN, BLANK, *BODY, CHECKSUM, END + " x"),
    "text-on-the-begin-line": joined(BEGIN + " x", BLANK, *BODY, CHECKSUM, END),
    "two-messages": FILE + FILE,
    "message-and-signature": FILE + armor("SIGNATURE", detached(KEY, PAYLOAD)),
    "label-of-a-key": armor("PUBLIC KEY BLOCK", RAW),
    "label-of-a-secret-key": armor("PRIVATE KEY BLOCK", RAW),
    "label-of-a-file": armor("ARMORED FILE", RAW),
    "label-of-a-part": armor("MESSAGE, PART 1/2", RAW),
    "label-in-lower-case": armor("message", RAW),
    "not-pgp": FILE.replace(b"PGP MESSAGE", b"CERTIFICATE"),
    "ends-as-another-kind": FILE.replace(b"END PGP MESSAGE", b"END PGP SIGNATURE"),
    "begins-as-another-kind": FILE.replace(b"BEGIN PGP MESSAGE", b"BEGIN PGP SIGNATURE"),
    "no-end-line": joined(BEGIN, BLANK, *BODY, CHECKSUM),
    "end-line-cut": FILE.rstrip(b"\n")[:-1],
    "begin-line-cut": FILE.replace(b"MESSAGE-----\n\n", b"MESSAGE----\n\n"),
    "no-blank-line": joined(BEGIN, *BODY, CHECKSUM, END),
    "no-data": joined(BEGIN, BLANK, END),
    "only-a-checksum": joined(BEGIN, BLANK, CHECKSUM, END),
    "checksum-cut": joined(BEGIN, BLANK, *BODY, CHECKSUM[:-1], END),
    "checksum-twice": joined(BEGIN, BLANK, *BODY, CHECKSUM, CHECKSUM, END),
    "data-after-the-checksum": joined(BEGIN, BLANK, *BODY[:-1], CHECKSUM, BODY[-1], END),
    "padding-inside": joined(BEGIN, BLANK, BODY[0][:-1] + "=", *BODY[1:], END),
    "character-missing": joined(BEGIN, BLANK, BODY[0][1:], *BODY[1:], END),
    "character-that-is-none": joined(BEGIN, BLANK, "*" + BODY[0][1:], *BODY[1:], END),
    "url-safe-alphabet": joined(BEGIN, BLANK, "-_" + BODY[0][2:], *BODY[1:], END),
    "space-in-a-line": joined(BEGIN, BLANK, BODY[0][:9] + " " + BODY[0][9:], *BODY[1:], END),
    "blank-line-inside": joined(BEGIN, BLANK, BODY[0], "", *BODY[1:], END),
    "line-of-77": joined(BEGIN, BLANK, LONG_LINE, "".join(BODY)[77:][:70], "".join(BODY)[147:], END),
    "header-without-colon": joined(BEGIN, "Comment", BLANK, *BODY, END),
    "header-after-the-blank-line": joined(BEGIN, BLANK, "Comment: x", *BODY, END),
    "header-of-201": joined(BEGIN, "Comment: " + "x" * 201, BLANK, *BODY, END),
    "dash-escaped": joined("- " + BEGIN, BLANK, *BODY, CHECKSUM, END)[2:].replace(b"-----END", b"- -----END"),
    "old-mac-line-ends": joined(BEGIN, BLANK, *BODY, CHECKSUM, END, end="\r"),
}


@pytest.mark.parametrize("file", HOSTILE.values(), ids=HOSTILE.keys())
def test_f4_hostile_armor(file: bytes) -> None:
    assert refused(file, ALICE) == "armor-malformed"


TEXT_BEFORE = {
    "text": b"see below\n" + FILE,
    "a-dash": b"-" + FILE,
    "no-break-space": b"\xc2\xa0" + FILE,
    "byte-order-mark": b"\xef\xbb\xbf" + FILE,
    "form-feed": b"\x0c" + FILE,
    "binary-message": RAW + FILE,
}


@pytest.mark.parametrize("file", TEXT_BEFORE.values(), ids=TEXT_BEFORE.keys())
def test_f4_text_before_the_armor(file: bytes) -> None:
    assert not is_armored(file)
    assert refused(file, ALICE) == "message-malformed"


def test_f4_binary_after_the_armor() -> None:
    assert refused(FILE + RAW, ALICE) == "armor-malformed"


def test_f4_only_white_space_may_stand_around_the_armor() -> None:
    armored = armor("SIGNATURE", detached(KEY, PAYLOAD))
    for octet in range(256):
        assert is_armored(bytes([octet]) + armored) == (octet in b" \t\r\n")
        if octet in b" \t\r\n":
            assert verify(armored + bytes([octet]), ALICE).payload == PAYLOAD
        else:
            assert refused(armored + bytes([octet]), ALICE) == "armor-malformed"


def test_f4_every_truncation_is_refused() -> None:
    whole = FILE.rstrip(b"\n")
    for end in range(len(whole)):
        assert refused(whole[:end], ALICE) in {"armor-malformed", "message-malformed"}


@pytest.mark.parametrize(
    "file", [armor("SIGNATURE", RAW), armor("MESSAGE", detached(KEY, PAYLOAD))], ids=["inline", "detached"]
)
def test_f4_label_does_not_fit_what_is_inside(file: bytes) -> None:
    assert refused(file, ALICE) == "message-malformed"


def test_f4_nothing_where_a_block_belongs() -> None:
    for empty in (b"", b" \n"):
        with pytest.raises(OpenPGPError) as caught:
            dearmor(empty, LABELS)
        assert caught.value.kind == "armor-malformed"


def test_blocks_come_in_their_order() -> None:
    file = armor("MESSAGE", b"one") + b"\n" + armor("SIGNATURE", b"two") + armor("MESSAGE", b"three")
    assert dearmor_all(file, LABELS) == [(MESSAGE, b"one"), (SIGNATURE, b"two"), (MESSAGE, b"three")]


def test_armored_keyring_may_have_several_blocks() -> None:
    keyring = load_keyring([ALICE.armored() + b"\n" + BOB.armored()])
    assert {certificate.user_ids for certificate in keyring} == {("Alice <alice@example.org>",)}
    assert len(keyring) == 2


@pytest.mark.parametrize("label", ["MESSAGE", "SIGNATURE", "PRIVATE KEY BLOCK"])
def test_f4_keyring_under_another_label(label: str) -> None:
    with pytest.raises(OpenPGPError) as caught:
        load_keyring([ALICE.armored(label)])
    assert caught.value.kind == "armor-malformed"


def test_f5_cleartext_signature_in_a_keyring_file() -> None:
    with pytest.raises(OpenPGPError) as caught:
        load_keyring([ALICE.armored() + b"-----BEGIN PGP SIGNED MESSAGE-----\n\nx\n"])
    assert caught.value.kind == "cleartext-framework"
