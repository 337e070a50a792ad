"""One deterministic tar encoder (POSIX.1-2017 pax, ustar interchange format).

The importer has no tar parser: it encodes what must stand at each place and compares. So there is exactly one header
for a path and a size, and everything a tar could do besides (links, devices, owners, sparse files) cannot be said.
"""

from __future__ import annotations

from typing import Final

from airgap.bundle.format import TAR_BLOCK, TAR_MODE

_NAME_MAX: Final = 100
_PREFIX_MAX: Final = 155
_OCTAL_SIZE_MAX: Final = 8**11 - 1  # 8 GiB - 1: the eleven octal digits of the ustar size field
_PAX_NAME: Final = "pax-header"
_REGULAR: Final = b"0"
_PAX: Final = b"x"


def header(path: str, size: int) -> bytes:
    """All header blocks in front of a member's content: one block, or three and more if pax records are needed."""
    records: dict[str, str] = {}
    split = _split(path)
    if split is None:
        records["path"] = path
        split = ("", path[:_NAME_MAX])
    if size > _OCTAL_SIZE_MAX:
        records["size"] = str(size)
    last = _block(*split, 0 if "size" in records else size, _REGULAR)
    if not records:
        return last
    body = b"".join(_pax_record(key, value) for key, value in sorted(records.items()))
    return _block("", _PAX_NAME, len(body), _PAX) + body + padding(len(body)) + last


def padding(size: int) -> bytes:
    """The zero bytes between content of ``size`` bytes and the next block."""
    return bytes(-size % TAR_BLOCK)


def header_size(first_block: bytes) -> int | None:
    """The size field of an ustar block, None if it holds no octal number: for bundle.json, whose size is unknown."""
    field = first_block[124:136]
    if len(field) != 12 or field[11] != 0 or any(digit not in b"01234567" for digit in field[:11]):
        return None
    return int(field[:11], 8)


def _split(path: str) -> tuple[str, str] | None:
    """Prefix and name of the ustar header; None if the path fits no such pair."""
    if len(path) <= _NAME_MAX:
        return "", path
    at = path.find("/", len(path) - _NAME_MAX - 1)
    if at <= 0 or at > _PREFIX_MAX or at == len(path) - 1:
        return None
    return path[:at], path[at + 1 :]


def _block(prefix: str, name: str, size: int, type_: bytes) -> bytes:
    block = b"".join(
        (
            name.encode("ascii").ljust(100, b"\0"),
            b"%07o\0" % TAR_MODE,
            b"0000000\0",  # owner
            b"0000000\0",  # group
            b"%011o\0" % size,
            b"00000000000\0",  # modification time
            b" " * 8,  # checksum, counted as spaces
            type_,
            bytes(100),  # link name
            b"ustar\x0000",
            bytes(32 + 32 + 8 + 8),  # owner and group names, device numbers
            prefix.encode("ascii").ljust(155, b"\0"),
            bytes(12),
        )
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _pax_record(key: str, value: str) -> bytes:
    """``LENGTH key=value\\n``, where LENGTH counts its own digits."""
    rest = f" {key}={value}\n"
    length = len(rest)
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return f"{length}{rest}".encode("ascii")
