"""Asking a person who looked at fingerprints."""

from __future__ import annotations

import sys

import click

from airgap.errors import TrustRootError


def confirm(question: str, word: str) -> None:
    """Raises TrustRootError(not-confirmed) unless ``word`` is typed on a terminal; a script must say --yes."""
    if sys.stdin is not None and sys.stdin.isatty():
        typed = click.prompt(f"\n{question}, type '{word}'", default="", show_default=False, err=True)
        if typed.strip() == word:
            return
    raise TrustRootError("not-confirmed", "the fingerprints were not confirmed; nothing was written")
