"""How large a part may be: presets for media, and sizes as split(1) writes them."""

from __future__ import annotations

import re
from typing import Final

from airgap.bundle.format import FRAME_SIZE, PART_CLOSING_SIZE, PART_OPENING_SIZE
from airgap.bundle.frames import compressed_bound
from airgap.disk.host import FAT32_FILE_MAX
from airgap.errors import FormatError
from airgap.limits import MIB

_RESERVE: Final = 4 * MIB  # bytes of a disc left to its file system and to the .sha256 file

# Usable bytes of a medium; of two kinds of disc that share a name, the smaller.
PRESETS: Final = {
    "fat32": FAT32_FILE_MAX,
    "cd700": 358_400 * 2048 - _RESERVE,  # 700 MiB; discs of 80 minutes hold a little more
    "dvd": 2_295_104 * 2048 - _RESERVE,  # DVD+R (ECMA-349); DVD-R has 2 298 496 sectors
    "dvd-dl": 4_171_712 * 2048 - _RESERVE,  # DVD-R DL (ECMA-382); DVD+R DL has 4 173 824 sectors
    "bd25": 11_826_176 * 2048 - _RESERVE,  # BD-R formatted with spare areas; 12 219 392 sectors without
}

VOLUME_MIN: Final = compressed_bound(FRAME_SIZE) + PART_OPENING_SIZE + PART_CLOSING_SIZE  # one frame always fits
VOLUME_MAX: Final = 2**43  # bytes: as for blobs

_SIZE: Final = re.compile(r"([1-9][0-9]{0,14})([KMGT]?)(B|iB|)")
_POWERS: Final = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def parse_volume_size(text: str) -> int:
    """Bytes. K, M, G, T (and KiB …) are powers of 1024, KB, MB … powers of 1000. Raises FormatError."""
    size = PRESETS.get(text)
    if size is None:
        match = _SIZE.fullmatch(text)
        if match is None or (match.group(3) == "iB" and not match.group(2)):
            raise FormatError(
                "limit-exceeded",
                f"{text[:40]!r} is no size",
                hint=f"Give a preset ({', '.join(PRESETS)}) or a number of bytes, as in 650M or 4GB.",
            )
        base = 1000 if match.group(3) == "B" and match.group(2) else 1024
        size = int(match.group(1)) * base ** _POWERS[match.group(2)]
    if not VOLUME_MIN <= size <= VOLUME_MAX:
        raise FormatError(
            "limit-exceeded",
            f"parts of {size} bytes cannot be made: a part holds at least one frame, which needs {VOLUME_MIN} bytes",
            hint=f"Give a size of at least {VOLUME_MIN} bytes (and at most {VOLUME_MAX}).",
            minimum=VOLUME_MIN,
        )
    return size


def parse_percent(text: str) -> int:
    """``5`` or ``5%``: a whole number from 1 to 100. Raises FormatError."""
    match = re.fullmatch(r"([1-9][0-9]?|100)%?", text)
    if match is None:
        raise FormatError(
            "limit-exceeded", f"{text[:40]!r} is no share", hint="Give a whole number from 1 to 100, as in 5%."
        )
    return int(match.group(1))
