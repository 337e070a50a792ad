"""ASCII armor (RFC 9580 §6), read strictly: known label, nothing outside the block, clean base64."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from airgap.errors import OpenPGPError

MESSAGE: Final = "PGP MESSAGE"
SIGNATURE: Final = "PGP SIGNATURE"
PUBLIC_KEY: Final = "PGP PUBLIC KEY BLOCK"

_BEGIN: Final = b"-----BEGIN "
_CLEARTEXT: Final = b"-----BEGIN PGP SIGNED MESSAGE-----"
_BLOCK: Final = re.compile(
    rb"-----BEGIN (PGP [A-Z ]{1,40})-----[ \t]*\r?\n"
    rb"(?:[A-Za-z]{1,20}: [^\r\n]{0,200}\r?\n)*"
    rb"[ \t]*\r?\n"
    rb"((?:[A-Za-z0-9+/=]{1,76}[ \t]*\r?\n)+?)"
    # The checksum is optional and must not be enforced (§6.1): it protects nothing that the signature does not.
    rb"(?:=[A-Za-z0-9+/]{4}[ \t]*\r?\n)?"
    rb"-----END (PGP [A-Z ]{1,40})-----[ \t]*(?:\r?\n|$)"
)


def is_armored(data: bytes) -> bool:
    """Binary OpenPGP always starts with a byte over 0x7F, armor never does."""
    return data.lstrip(b" \t\r\n").startswith(_BEGIN)


def dearmor(data: bytes, labels: frozenset[str]) -> tuple[str, bytes]:
    """Label and content of the single block in ``data``. Raises OpenPGPError."""
    blocks = dearmor_all(data, labels)
    if len(blocks) != 1:
        raise _malformed(f"{len(blocks)} armored blocks, expected one")
    return blocks[0]


def dearmor_all(data: bytes, labels: frozenset[str]) -> list[tuple[str, bytes]]:
    """Every block in ``data`` in order, with white space only between them. Raises OpenPGPError."""
    if _CLEARTEXT in data:
        raise OpenPGPError("cleartext-framework", "a cleartext-signed message does not say exactly what was signed")
    blocks: list[tuple[str, bytes]] = []
    at = _skip_space(data, 0)
    while at < len(data):
        match = _BLOCK.match(data, at)
        if match is None:
            raise _malformed("text outside of the block, a damaged line, or no end line")
        label = match.group(1).decode("ascii")
        if match.group(3) != match.group(1):
            raise _malformed(f"{label!r} ends as another kind of block")
        if label not in labels:
            raise _malformed(f"{label!r} found, expected {' or '.join(sorted(labels))}")
        blocks.append((label, _decode(match.group(2))))
        at = _skip_space(data, match.end())
    return blocks


def _decode(lines: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(lines.split()), validate=True)
    except binascii.Error as error:
        raise _malformed(f"base64: {error}") from None


def _skip_space(data: bytes, at: int) -> int:
    while at < len(data) and data[at] in b" \t\r\n":
        at += 1
    return at


def _malformed(why: str) -> OpenPGPError:
    return OpenPGPError("armor-malformed", f"the ASCII armor is malformed: {why}")
