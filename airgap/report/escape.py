"""How strings that came from outside reach a terminal, a log or a program."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Final

from airgap.printable import printable

__all__ = ["json_pieces", "printable"]

_BATCH: Final = 10_000  # tokens: the JSON of 20 000 images is not to be in memory whole, beside the document


def json_pieces(document: object) -> Iterator[str]:
    """One line of pure ASCII, piece by piece: every other character, DEL included, is escaped."""
    tokens = json.JSONEncoder(ensure_ascii=True, allow_nan=False).iterencode(document)
    while piece := "".join(itertools.islice(tokens, _BATCH)):
        yield piece.replace("\x7f", "\\u007f")
