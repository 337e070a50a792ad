"""Nothing that came from outside reaches a terminal unescaped (CONTRACT §1; attacks OUT-01, OUT-04, OUT-08)."""

from __future__ import annotations

import itertools
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.report.escape import json_pieces, printable

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff\u2028\u2029\u180e\ue000\ufff9\U000e0041\U000f0000"
CONTROLS = [*map(chr, range(0x20)), "\x7f", *map(chr, range(0x80, 0xA0)), *BIDI, *INVISIBLE, "\ud800", "\udcff"]
SEQUENCES = [
    "\x1b[2J",
    "\x1b[1A\x1b[2K",
    "\x1b]8;;https://evil.example\x07",
    "\x1b]52;c;cm0gLXJmIC8=\x07",
    "\x1bPq#0\x1b\\",
    "\x9b2J",
    "\x9d0;title\x9c",
    "\r\nRESULT: PASS",
    "\b\b\b\b\b\bPASSED",
    "\x0e\x0f",
    "\t" * 40,
    "\0",
]
HOSTILE = [
    *(f"name{char}tail" for char in CONTROLS),
    *SEQUENCES,
    *(f"{one}{other}" for one, other in itertools.product(SEQUENCES, SEQUENCES)),
]


def is_dangerous(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_there_are_enough_of_them() -> None:
    assert len(set(HOSTILE)) >= 200


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_nothing_dangerous_survives(number: int) -> None:
    text = HOSTILE[number]
    shown = printable(text)
    assert [char for char in shown if is_dangerous(char)] == []
    shown.encode("utf-8")
    line = "".join(json_pieces({text: [text]}))
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {text: [text]}


@given(st.text(st.characters(), max_size=200))
def test_any_text(text: str) -> None:
    shown = printable(text)
    assert not any(map(is_dangerous, shown))
    assert printable(shown) == shown
    line = "".join(json_pieces(text))
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("a\x1bb", "a\\x1bb"),
        ("a\x7fb", "a\\x7fb"),
        ("a\x85b", "a\\x85b"),
        ("a\u202eb", "a\\u202eb"),
        ("a\U000e0041b", "a\\U000e0041b"),
        ("Jürgen 山", "Jürgen 山"),
    ],
)
def test_how_it_looks(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_out_08_a_flood_is_cut_and_counted() -> None:
    shown = printable("x" * 1_000_000)
    assert len(shown) < 2100
    assert shown.endswith("… (1000000 characters)")
    assert len(printable("\x1b" * 1_000_000)) < 10_000


def test_what_is_no_json_is_not_written() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        "".join(json_pieces(float("nan")))
