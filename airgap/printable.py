"""Strings that came from outside, made safe for a terminal or a log: no control, format or bidirectional character."""

from __future__ import annotations

import unicodedata
from typing import Final

_LONGEST: Final = 2000  # characters shown of one string; a flood must not push the verdict off the screen
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str) -> str:
    """``text`` with every character that a terminal could obey replaced by its escape, and cut if very long."""
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"
    if shown.isascii() and shown.isprintable():
        return shown
    return "".join(_escaped(char) if unicodedata.category(char) in _HIDDEN else char for char in shown)


def _escaped(char: str) -> str:
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
