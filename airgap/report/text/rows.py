"""What the text views share: sizes, short digests, long lists, errors and what to do next."""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sized
from contextvars import ContextVar
from typing import Any, Final

NOT_VERIFIED: Final = "NOT VERIFIED: this is what the bundle claims. Only `airgap verify` can tell whether it is true."
ROWS_MAX: Final = 200  # rows of one list on a screen; JSON has them all
WIDTH: Final = 80  # columns


_FULL: Final = ContextVar("full digests", default=False)


@contextlib.contextmanager
def digests(*, full: bool) -> Iterator[None]:
    """How short() shows digests in here."""
    token = _FULL.set(full)
    try:
        yield
    finally:
        _FULL.reset(token)


def short(digest: object) -> str:
    """Enough of a digest for a table row; the whole one is shown with --full, and in JSON."""
    text = str(digest)
    return text if len(text) < 24 or _FULL.get() else f"{text[:19]}…"


def size(octets: int) -> str:
    """Bytes for people, in powers of 1024."""
    value = float(octets)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{octets} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def spaced(fingerprint: str) -> str:
    return " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4))


def error_rows(document: Mapping[str, Any]) -> Iterator[str]:
    message = document["message"]
    first, *more = message.split("; ") if len(message) > 2 * WIDTH else [message]
    yield f"error {document['code']} ({document['kind']}): {first}"
    yield from (f"  {one}" for one in more)
    if document["hint"]:
        yield f"next: {document['hint']}"


def errors_of(document: Mapping[str, Any]) -> Iterator[str]:
    for error in most(document["errors"]):
        yield ""
        yield from error_rows(error)


def notes_and_errors(document: Mapping[str, Any]) -> Iterator[str]:
    for note in most(document["notes"]):
        yield f"note: {note}"
    yield from errors_of(document)


def most(rows: Iterable[Any]) -> Iterator[Any]:
    found = list(rows)
    yield from found[:ROWS_MAX]


def wrapped(text: str, indent: str) -> list[str]:
    """On lines of a terminal; words, file names and fingerprints stay whole."""
    return textwrap.wrap(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )


def count_of(rows: Sized, noun: str) -> str:
    return f"{len(rows)} {noun}{'' if len(rows) == 1 else 's'}"


def yes(value: object) -> str:
    return "yes" if value else "no"


VIEWS: Final = {
    "airgap/error/v1": error_rows,
}


def left_out(absent: Mapping[str, int]) -> Iterator[str]:
    """What a delta bundle does not bring."""
    if absent["blobs"]:
        yield f"        a delta: {absent['blobs']} blobs ({size(absent['bytes'])}) travel as names only"
