"""How strings that came from outside reach a terminal, a log or a program."""

from __future__ import annotations

import json

from airgap.printable import printable

__all__ = ["printable", "to_json"]


def to_json(document: object) -> str:
    """One line of pure ASCII: every other character, DEL included, is escaped."""
    return json.dumps(document, ensure_ascii=True, allow_nan=False).replace("\x7f", "\\u007f")
