"""The constants of bundle format v1. bundles/FORMAT.md tables them; a test compares the two."""

from __future__ import annotations

from typing import Final

from airgap.limits import MIB

FORMAT: Final = "airgap/bundle/v1"
SUFFIX: Final = ".airgap.tar.zst"
REFERRERS: Final = "referrers"  # the feature, and the folder of its members
DELTA: Final = "delta"  # the feature of bundles that name blobs which they do not hold
FEATURES: Final = frozenset({DELTA, REFERRERS})  # what bundle.json's "requires" may name for this reader

# Members
MANIFEST_PATH: Final = "bundle.json"
MAINTAINERS_PATH: Final = "trust/MAINTAINERS"
KEYRING_PATH: Final = "trust/keyring.pgp"
DIGESTS_FOLDER: Final = "trust/digests"
MAINTAINERS_HISTORY: Final = "trust/MAINTAINERS.history"
MAINTAINERS_SIGNATURES: Final = "trust/MAINTAINERS.signatures"
SIGNATURES_FOLDER: Final = "signatures"


# tar (POSIX ustar, pax where a size or a name needs it)
TAR_BLOCK: Final = 512  # bytes
TAR_END: Final = 2 * TAR_BLOCK  # zero bytes after the last member
TAR_MODE: Final = 0o644

# zstd frames (RFC 8878)
FRAME_SIZE: Final = 4 * MIB  # uncompressed bytes in every frame but the last
FRAME_MAGIC: Final = bytes.fromhex("28b52ffd")
BLOCK_MAX: Final = 128 * 1024  # bytes (RFC 8878 §3.1.1.2.4)
CHECKSUM_SIZE: Final = 4  # bytes of XXH64 after the last block

# zstd seekable format 0.1.0
SEEK_TABLE_MAGIC: Final = bytes.fromhex("5e2a4d18")  # skippable frame 0x184D2A5E, little endian
SEEK_TABLE_FOOTER_MAGIC: Final = bytes.fromhex("b1ea928f")  # 0x8F92EAB1, little endian
SEEK_TABLE_ENTRY: Final = 8  # bytes: compressed and decompressed size

# Parts: labels in skippable frames of their own
PART_LABEL_MAGIC: Final = bytes.fromhex("5d2a4d18")  # skippable frame 0x184D2A5D, little endian
PART_OPENING: Final = b"airgap/part/v1\0\0"  # marker of the label that begins a part
PART_CLOSING: Final = b"airgap/end/v1\0\0\0"  # marker of the label that ends it
PART_OPENING_SIZE: Final = 76  # bytes of the whole label frame
PART_CLOSING_SIZE: Final = 152  # bytes of the whole label frame
PARTS_MAX: Final = 999  # parts of one bundle: three digits in a name

# Recovery files: records in skippable frames of their own
RECOVERY_MAGIC: Final = bytes.fromhex("5c2a4d18")  # skippable frame 0x184D2A5C, little endian
RECOVERY_MARKER: Final = b"airgap/rec/v1\0\0\0"  # marker of a record
RECOVERY_HEADER_SIZE: Final = 132  # bytes of a record before its checksums
RECOVERY_CHECK_SIZE: Final = 8  # bytes of SHA-256 kept of every block
RECOVERY_DIGEST_SIZE: Final = 32  # bytes of SHA-256 at the end of a record
RECOVERY_BLOCK_MIN: Final = 4 * 1024  # bytes of a block: the smallest bundles have such
RECOVERY_BLOCK_MAX: Final = 64 * 1024  # bytes of a block
RECOVERY_ROWS_MAX: Final = 16  # records of one column: more cost more time than they win
