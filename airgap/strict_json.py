"""JSON with one reading: strict UTF-8, no duplicate names, no floats, bounded depth, nothing after the value.

Python's parser accepts UTF-16, a byte-order mark, NaN, duplicate names (last wins) and any nesting; other parsers read
such documents differently, so they are refused here (RFC 8259 §4, §8; TRUST rule 5).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Final, NoReturn

from airgap.limits import LIMITS, MIB

# Possessive: a backtracking match would remember every character of a long string.
_STRING: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_BRACKET: Final = re.compile(r"[\[\]{}]")


_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_SMALL: Final = 4 * MIB  # bytes: up to here the quicker encoder, which makes all of it at once


class StrictJSONError(ValueError):
    """Why a document was refused. Callers turn it into their own typed error."""


def parse(data: bytes, *, floats: bool = False) -> object:
    """The value of a JSON document. ``floats`` admits fractions and exponents (image configurations hold them).

    Raises StrictJSONError; size is the caller's to bound.
    """
    if len(data) > LIMITS.json_unicode and not data.isascii():
        raise StrictJSONError(f"over {LIMITS.json_unicode} bytes, and not all of them ASCII")
    try:
        text = data.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise StrictJSONError(f"not UTF-8 at byte {error.start}") from None
    if text.startswith("\ufeff"):
        raise StrictJSONError("starts with a byte-order mark")
    _require_short_strings(text)
    _require_depth(text)
    try:
        value: object = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=float if floats else _refuse_float,
            parse_int=_integer,
        )
    except StrictJSONError:
        raise
    except (ValueError, RecursionError) as error:
        raise StrictJSONError(f"not JSON: {error}") from None
    _require_no_surrogates(text)
    return value


def canonical(value: object) -> bytes:
    """The one spelling airgap writes: names sorted by code point, no spaces, UTF-8, no floats."""
    return _ENCODER.encode(value).encode()


def parse_canonical(data: bytes) -> object:
    """Like parse(), and the bytes must be exactly canonical() of the value."""
    value = parse(data)
    if not _is_canonical(value, data):
        raise StrictJSONError("not in canonical form")
    return value


def _is_canonical(value: object, data: bytes) -> bool:
    """Compare piece by piece what is so large that a second copy of it, twice, would cost too much memory."""
    if len(data) <= _SMALL:
        return canonical(value) == data
    at = 0
    for piece in _ENCODER.iterencode(value):
        encoded = piece.encode()
        if not data.startswith(encoded, at):
            return False
        at += len(encoded)
    return at == len(data)


class Fields:
    """The members of a JSON object, taken one by one with their type; close() refuses what nobody took.

    ``known`` are the names that the specification gives to members of this object, where programs read it that do not
    tell ``layers`` from ``Layers``: then no member may be one of them in another spelling, nor another member.
    """

    def __init__(self, value: object, where: str, known: Collection[str] | None = None) -> None:
        if not isinstance(value, dict):
            raise StrictJSONError(f"{where}: expected an object, found {_name(value)}")
        if known is not None:
            _require_one_spelling(value, known, where)
        self._left: dict[str, object] = dict(value)
        self.where = where

    def has(self, name: str) -> bool:
        return name in self._left

    def take(self, name: str) -> object:
        try:
            return self._left.pop(name)
        except KeyError:
            raise StrictJSONError(f"{self.where}: {name!r} is missing") from None

    def string(self, name: str) -> str:
        value = self.take(name)
        if not isinstance(value, str):
            raise StrictJSONError(f"{self.where}: {name!r} must be a string, not {_name(value)}")
        return value

    def integer(self, name: str, *, low: int = 0, high: int) -> int:
        value = self.take(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise StrictJSONError(f"{self.where}: {name!r} must be an integer, not {_name(value)}")
        if not low <= value <= high:
            raise StrictJSONError(f"{self.where}: {name!r} is {value}, outside {low} to {high}")
        return value

    def boolean(self, name: str) -> bool:
        value = self.take(name)
        if not isinstance(value, bool):
            raise StrictJSONError(f"{self.where}: {name!r} must be true or false, not {_name(value)}")
        return value

    def array(self, name: str, *, most: int) -> list[object]:
        value = self.take(name)
        if not isinstance(value, list):
            raise StrictJSONError(f"{self.where}: {name!r} must be an array, not {_name(value)}")
        if len(value) > most:
            raise StrictJSONError(f"{self.where}: {name!r} has {len(value)} entries, over {most}")
        return value

    def strings(self, name: str, *, most: int) -> list[str]:
        values = self.array(name, most=most)
        if not all(isinstance(value, str) for value in values):
            raise StrictJSONError(f"{self.where}: {name!r} must hold strings only")
        return [str(value) for value in values]

    def nested(self, name: str, known: Collection[str] | None = None) -> Fields:
        return Fields(self.take(name), f"{self.where}.{name}", known)

    def items(self) -> Iterator[tuple[str, object]]:
        """Take all that is left, in document order: for objects whose names are data."""
        left, self._left = self._left, {}
        return iter(left.items())

    def close(self) -> None:
        if self._left:
            raise StrictJSONError(f"{self.where}: unknown member {min(self._left)!r}")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise StrictJSONError(f"member {name[:60]!r} appears twice")
            seen.add(name)
    return result


def _require_one_spelling(names: Collection[str], known: Collection[str], where: str) -> None:
    """Engines are written in Go, and encoding/json finds a member by its name in any case; the last one wins.

    It folds as Unicode does: U+017F is an s to it, U+212A a k. casefold() does so, too, and folds ligatures besides.
    """
    spelling = {name.casefold(): name for name in known}
    for name in names:
        right = spelling.setdefault(name.casefold(), name)
        if name != right:
            raise StrictJSONError(
                f"{where}: member {name[:60]!a} reads as {right[:60]!a} to engines, which ignore case"
            )


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > LIMITS.json_integer_digits or text == "-0":
        raise StrictJSONError(f"integer {text[:30]} is out of range")
    return int(text)


def _refuse_float(text: str) -> NoReturn:
    raise StrictJSONError(f"{text[:30]} is not an integer")


def _refuse_constant(text: str) -> NoReturn:
    raise StrictJSONError(f"{text} is not JSON")


def _require_short_strings(text: str) -> None:
    """A string is kept three times while it is parsed and compared; a document of nothing else would cost most."""
    if len(text) > LIMITS.json_string:
        for match in _STRING.finditer(text):
            if match.end() - match.start() - 2 > LIMITS.json_string:
                raise StrictJSONError(f"a string of more than {LIMITS.json_string} characters")


def _require_depth(text: str) -> None:
    """Before the parser recurses, or makes an object of every two bytes.

    Brackets inside strings do not count; a broken string is found by the parser.
    """
    if text.count(",") > LIMITS.json_values:
        raise StrictJSONError(f"more than {LIMITS.json_values} values")
    depth = 0
    for match in _BRACKET.finditer(_STRING.sub('""', text)):
        depth += 1 if match.group() in "[{" else -1
        if depth > LIMITS.json_depth:
            raise StrictJSONError(f"nested deeper than {LIMITS.json_depth}")


def _require_no_surrogates(text: str) -> None:
    """``\\ud800`` alone decodes to a character that no encoder can write again."""
    if "\\ud" in text or "\\uD" in text:
        for match in _STRING.finditer(text):
            try:
                json.loads(match.group()).encode("utf-8", "strict")
            except UnicodeEncodeError:
                raise StrictJSONError("a string holds a lone surrogate") from None


def _name(value: object) -> str:
    return {dict: "an object", list: "an array", str: "a string", bool: "a boolean", int: "an integer"}.get(
        type(value), "null" if value is None else type(value).__name__
    )
