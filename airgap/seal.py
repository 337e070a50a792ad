"""Proofs that only one place can make.

A proof type takes a ``seal`` in its constructor; the module that does the proving holds the only Seal of that type.
Anyone else who calls the constructor gets TypeError: a mistake of a programmer, not of an input.
"""

from __future__ import annotations

from typing import Final


class Seal:
    """The right to make one kind of proof. Keep it in a private module variable."""

    __slots__ = ("_for",)

    def __init__(self, what: str) -> None:
        self._for: Final = what

    def require(self, given: object) -> None:
        """Raise TypeError unless ``given`` is this very seal."""
        if given is not self:
            raise TypeError(f"{self._for} is made by verification only, never by hand")
