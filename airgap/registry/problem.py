"""Why a registry or web server did not give what it was asked for. Callers turn it into their own typed error."""

from __future__ import annotations

from enum import Enum


class Reason(Enum):
    """What went wrong, as far as it decides what an operator should do."""

    UNREACHABLE = "unreachable"  # no connection, no answer, or server errors to the end of all retries
    TLS = "no trusted TLS"  # it speaks no TLS, or shows a certificate that nobody trusted vouches for
    DENIED = "denied"  # it wants (other) credentials
    NOT_FOUND = "not found"
    DIFFERS = "differs"  # the bytes are not those of the digest or size that was asked for
    INVALID = "invalid"  # the answer breaks the protocol, a limit, or a rule of ours (downgrade, redirect loop)
    CREDENTIALS = "credentials"  # a credential file or helper on this machine is unusable


class RegistryProblem(Exception):
    """``str()`` names the address, what was expected and what came; it holds no credential."""

    def __init__(self, reason: Reason, message: str) -> None:
        self.reason = reason
        super().__init__(message)
