"""How much work the certificates of hostile keyrings may cost together.

Their number and their size do not bound it: a check with a large RSA key costs sixty times as much as a usual one, and
each signature over a long user id hashes all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airgap.errors import FormatError
from airgap.limits import LIMITS

HASHED_PER_CHECK: Final = 128 * 1024  # bytes: to hash them takes about as long as one check with RSA-4096


@dataclass(slots=True)
class Budget:
    """What is ``left``, in signature checks with RSA-4096."""

    left: int = LIMITS.keyring_checks

    def spend(self, checks: int) -> None:
        """Raises FormatError(limit-exceeded) if less is left."""
        self.left -= checks
        if self.left < 0:
            raise FormatError(
                "limit-exceeded", f"to read this keyring takes more work than {LIMITS.keyring_checks} signature checks"
            )

    def spend_hashing(self, size: int) -> None:
        self.spend(size // HASHED_PER_CHECK)
