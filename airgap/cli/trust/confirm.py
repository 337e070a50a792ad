"""Asking a person who looked at fingerprints."""

from __future__ import annotations

from airgap.cli.asking import is_typed
from airgap.errors import TrustRootError


def confirm(question: str, word: str) -> None:
    """Raises TrustRootError(not-confirmed) unless ``word`` is typed on a terminal; a script must say --yes."""
    if not is_typed(question, word):
        raise TrustRootError(
            "not-confirmed",
            f"'{word}' was not typed at a terminal; nothing was written",
            hint=f"Compare the fingerprints, run it at a terminal, and type '{word}' there (or use --yes).",
        )
