"""OpenPGP packets, octet by octet, right ones and wrong ones (RFC 9580 §4 to §6)."""

from __future__ import annotations

import base64
import bz2
import zlib
from collections.abc import Mapping, Sequence

SIGNATURE, ONE_PASS, SECRET_KEY, PUBLIC_KEY, SECRET_SUBKEY = 2, 4, 5, 6, 7
COMPRESSED, MARKER, LITERAL, USER_ID, SUBKEY, USER_ATTRIBUTE, PADDING = 8, 10, 11, 13, 14, 17, 21

_STORED_MAXIMUM = 0xFFFF  # RFC 1951 §3.2.4: the length of a stored block has 16 bits


def packet(
    tag: int,
    body: bytes,
    *,
    old: bool = False,
    partial: Sequence[int] | None = None,
    indeterminate: bool = False,
    width: int | None = None,
) -> bytes:
    """Frame ``body`` as a packet (§4.2).

    ``old`` takes the legacy format, as gpg does for tags below 16; ``indeterminate`` implies it.
    ``partial`` lists exponents: chunks of 2**e octets, then the rest under an ordinary length.
    ``width`` forces 1, 2 or 5 (legacy: 1, 2 or 4) octets of length where fewer would do.
    """
    if indeterminate:
        return bytes([0x80 | tag << 2 | 3]) + body
    if old:
        width = width or (1 if len(body) < 0x100 else 2 if len(body) < 0x10000 else 4)
        return bytes([0x80 | tag << 2 | (1, 2, 4).index(width)]) + len(body).to_bytes(width, "big") + body
    out = bytes([0xC0 | tag])
    for exponent in partial or ():
        if len(body) < 1 << exponent:
            raise ValueError(f"the body is shorter than a chunk of 2**{exponent} octets")
        out += bytes([0xE0 | exponent]) + body[: 1 << exponent]
        body = body[1 << exponent :]
    return out + _length(len(body), width) + body


def _length(length: int, width: int | None = None) -> bytes:
    """One, two or five octets of length: new format packets (§4.2.1) and subpackets (§5.2.3.7)."""
    width = width or (1 if length < 192 else 2 if length < 8384 else 5)
    if width == 1:
        return bytes([length])
    if width == 2:
        return (length - 192 + 0xC000).to_bytes(2, "big")
    return b"\xff" + length.to_bytes(4, "big")


def subpacket(type_: int, body: bytes, *, critical: bool = False, width: int | None = None) -> bytes:
    """A signature subpacket (§5.2.3.7); its length counts the type octet."""
    return _length(len(body) + 1, width) + bytes([type_ | (0x80 if critical else 0)]) + body


def mpi(value: int | bytes) -> bytes:
    """A multiprecision integer (§3.2), also from big-endian octets."""
    number = value if isinstance(value, int) else int.from_bytes(value, "big")
    bits = number.bit_length()
    return bits.to_bytes(2, "big") + number.to_bytes((bits + 7) // 8, "big")


def literal(
    payload: bytes,
    *,
    fmt: bytes = b"b",
    filename: bytes = b"",
    date: int = 0,
    partial: Sequence[int] | None = None,
) -> bytes:
    """Literal data (§5.9). Format, file name and date are not covered by any signature."""
    body = fmt + bytes([len(filename)]) + filename + date.to_bytes(4, "big") + payload
    return packet(LITERAL, body, partial=partial)


def one_pass(
    *,
    issuer: bytes,
    algorithm: int,
    version: int = 3,
    sig_type: int = 0x00,
    hash_algo: int = 8,
    salt: bytes = b"",
    last: bool = True,
    old: bool = True,
) -> bytes:
    """A one-pass signature packet (§5.4). ``issuer``: v3 the key id, v6 the whole fingerprint."""
    body = bytes([version, sig_type, hash_algo, algorithm])
    if version == 6:
        body += bytes([len(salt)]) + salt
    return packet(ONE_PASS, body + issuer + bytes([last]), old=old)


def compressed(inner: bytes, algo: int = 1, *, indeterminate: bool = True, level: int = 0) -> bytes:
    """A compressed packet (§5.6): 0 none, 1 ZIP, 2 ZLIB, 3 BZip2. ``level``: see `deflate`."""
    if algo == 2:
        data = b"\x78\x01" + deflate(inner, level) + zlib.adler32(inner).to_bytes(4, "big")
    else:
        data = inner if algo == 0 else bz2.compress(inner) if algo == 3 else deflate(inner, level)
    return packet(COMPRESSED, bytes([algo]) + data, old=indeterminate, indeterminate=indeterminate)


def deflate(data: bytes, level: int = 0) -> bytes:
    """A raw DEFLATE stream (RFC 1951).

    Level 0 writes stored blocks with this code: the same octets whichever zlib Python was built with
    (zlib-ng compresses differently). Other levels are zlib's, for tests which need real compression.
    """
    if level:
        engine = zlib.compressobj(level, zlib.DEFLATED, -15)
        return engine.compress(data) + engine.flush()
    out = []
    for start in range(0, len(data) or 1, _STORED_MAXIMUM):
        block = data[start : start + _STORED_MAXIMUM]
        final = start + _STORED_MAXIMUM >= len(data)
        length = len(block)
        out += [bytes([final]), length.to_bytes(2, "little"), (length ^ 0xFFFF).to_bytes(2, "little"), block]
    return b"".join(out)


def marker(body: bytes = b"PGP") -> bytes:
    """A marker packet (§5.8): to be ignored."""
    return packet(MARKER, body)


def padding(size: int = 8) -> bytes:
    """A padding packet (§5.14): to be ignored."""
    return packet(PADDING, bytes(size))


def crc24(data: bytes) -> int:
    """The armor checksum (§6.1.1), which RFC 9580 tells readers to ignore."""
    crc = 0xB704CE
    for octet in data:
        crc ^= octet << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return crc


def armor(kind: str, data: bytes, *, crc: bool | str = True, headers: Mapping[str, str] | None = None) -> bytes:
    """ASCII armor (§6.2). ``kind`` is MESSAGE, SIGNATURE, PUBLIC KEY BLOCK …; ``crc`` may be ``"bad"``."""
    encoded = base64.b64encode(data).decode("ascii")
    lines = [f"-----BEGIN PGP {kind}-----", *(f"{name}: {value}" for name, value in (headers or {}).items()), ""]
    lines += [encoded[start : start + 64] for start in range(0, len(encoded), 64)]
    if crc:
        checksum = crc24(data) ^ (crc == "bad")
        lines.append("=" + base64.b64encode(checksum.to_bytes(3, "big")).decode("ascii"))
    lines += [f"-----END PGP {kind}-----", ""]
    return "\n".join(lines).encode("utf-8")
