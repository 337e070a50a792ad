"""Asking a person who looked at fingerprints."""

from __future__ import annotations

from airgap.cli.asking import is_typed
from airgap.errors import TrustRootError


def confirm(question: str, word: str) -> None:
    """Raises TrustRootError(not-confirmed) unless ``word`` is typed on a terminal; a script must say --yes."""
    if not is_typed(question, word):
        raise TrustRootError("not-confirmed", "the fingerprints were not confirmed; nothing was written")
