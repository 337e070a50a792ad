"""Content digests in the one spelling that airgap accepts: ``sha256:`` and 64 lower-case hex digits.

OCI descriptor.md also registers sha512; a graph of mixed algorithms would let one name mean two things, so only the
algorithm that StageX signs is accepted (TRUST rule 5).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from airgap.errors import FormatError

_HEX: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A SHA-256 content digest; ``hex`` is 64 lower-case hex digits."""

    hex: str

    def __post_init__(self) -> None:
        if not _HEX.fullmatch(self.hex):
            raise ValueError("a digest is made with parse_digest() or digest_of()")

    def __str__(self) -> str:
        return f"sha256:{self.hex}"

    @property
    def short(self) -> str:
        """Enough to tell images apart on a screen; never used for a decision."""
        return f"sha256:{self.hex[:12]}…"


def parse_digest(text: str, where: str) -> Digest:
    """Parse ``sha256:<64 hex>``, whole string. ``where`` names the place in the error (FormatError)."""
    algorithm, colon, value = text.partition(":")
    if algorithm != "sha256" or not colon or not _HEX.fullmatch(value):
        raise FormatError(
            "digest-invalid", f"{where}: {text[:100]!r} is not a sha256 digest", where=where, found=text[:100]
        )
    return Digest(value)


def parse_hex_digest(text: str, where: str) -> Digest:
    """Parse the bare 64 hex digits that StageX's digest lists and legacy claims use (FormatError)."""
    if not _HEX.fullmatch(text):
        raise FormatError(
            "digest-invalid", f"{where}: {text[:100]!r} is not 64 hex digits", where=where, found=text[:100]
        )
    return Digest(text)


def digest_of(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).hexdigest())
