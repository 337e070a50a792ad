"""One reading of JSON, and no other (attacks JSN-03 to JSN-10)."""

from __future__ import annotations

import json
import math
import tracemalloc
from string import ascii_letters, ascii_lowercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.limits import LIMITS, MIB
from airgap.strict_json import Fields, StrictJSONError, canonical, parse, parse_canonical

DEEP = LIMITS.json_depth
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**19) + 1, 10**19 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)

REFUSED = {
    "JSN-03 NaN": (b"[NaN]", "not JSON"),
    "JSN-03 Infinity": (b"[Infinity]", "not JSON"),
    "JSN-03 -Infinity": (b"[-Infinity]", "not JSON"),
    "JSN-03 1e999": (b"[1e999]", "not an integer"),
    "JSN-03 -0": (b"[-0]", "out of range"),
    "JSN-03 1.0": (b"[1.0]", "not an integer"),
    "JSN-05 arrays": (b"[" * 100_000, "nested deeper"),
    "JSN-05 objects": (b'{"a":' * 100_000, "nested deeper"),
    "JSN-05 one too deep": (b"[" * (DEEP + 1) + b"]" * (DEEP + 1), "nested deeper"),
    "JSN-05 behind an escaped quote": (b'["\\"", ' + b"[" * DEEP + b"]" * DEEP + b"]", "nested deeper"),
    "JSN-06 5000 digits": (b"[" + b"9" * 5000 + b"]", "out of range"),
    "JSN-06 20 digits": (b"[10000000000000000000]", "out of range"),
    "JSN-06 exponent": (b"[1e3]", "not an integer"),
    "JSN-06 leading zero": (b"[01]", "not JSON"),
    "JSN-07 invalid UTF-8": (b'["\xff"]', "not UTF-8 at byte 2"),
    "JSN-07 overlong": (b'["\xc0\xaf"]', "not UTF-8"),
    "JSN-07 encoded surrogate": (b'["\xed\xa0\x80"]', "not UTF-8"),
    "JSN-07 UTF-16": ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
    "JSN-07 UTF-16 without mark": ("[1]".encode("utf-16-le"), "not JSON"),
    "JSN-07 UTF-32": ("[1]".encode("utf-32-le"), "not JSON"),
    "JSN-07 byte-order mark": (b"\xef\xbb\xbf[1]", "byte-order mark"),
    "JSN-09 trailing value": (b"[1][2]", "not JSON"),
    "JSN-09 trailing NUL": (b"[1]\0", "not JSON"),
    "JSN-09 comment": (b"[1] // one", "not JSON"),
    "JSN-09 single quotes": (b"['a']", "not JSON"),
    "JSN-09 trailing comma": (b"[1,]", "not JSON"),
    "empty": (b"", "not JSON"),
    "unterminated string": (b'["a', "not JSON"),
    "control character in a string": (b'["a\nb"]', "not JSON"),
    "duplicate name": (b'{"a":1,"a":1}', "'a' appears twice"),
    "duplicate name by escape": (b'{"a":1,"\\u0061":2}', "'a' appears twice"),
    "duplicate name inside": (b'[{"x":{"b":1,"c":2,"b":3}}]', "'b' appears twice"),
    "lone surrogate": (b'["\\ud800"]', "lone surrogate"),
    "lone surrogate in capitals": (b'["\\uDFFF"]', "lone surrogate"),
    "lone surrogate in a name": (b'{"\\ud83d":1}', "lone surrogate"),
}


@pytest.mark.parametrize(("data", "why"), REFUSED.values(), ids=REFUSED)
def test_refused(data: bytes, why: str) -> None:
    with pytest.raises(StrictJSONError, match=why):
        parse(data)


def test_no_name_shown_is_long() -> None:
    name = b'"' + b"a" * 5000 + b'"'
    with pytest.raises(StrictJSONError) as caught:
        parse(b"{" + name + b":1," + name + b":1}")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"[" * DEEP + b"]" * DEEP, None),
        (b'["' + b"[" * 1000 + b'"]', ["[" * 1000]),
        (b"[9999999999999999999]", [10**19 - 1]),
        (b"[-9999999999999999999]", [1 - 10**19]),
        (b'["\\ud83d\\ude00"]', ["\U0001f600"]),
        (b'["\\\\ud800"]', ["\\ud800"]),
        (b" \n[1]\t\r", [1]),
    ],
    ids=["deepest", "brackets in a string", "largest", "smallest", "surrogate pair", "escaped backslash", "space"],
)
def test_accepted(data: bytes, value: object) -> None:
    assert value is None or parse(data) == value
    parse(data)


def test_floats_only_where_they_are_asked_for() -> None:
    assert parse(b"[0.5,1e3]", floats=True) == [0.5, 1000.0]
    with pytest.raises(StrictJSONError, match="not an integer"):
        parse(b"[0.5]")
    with pytest.raises(StrictJSONError, match="not JSON"):
        parse(b"[NaN]", floats=True)


@pytest.mark.parametrize("closed", [True, False])
def test_jsn_10_a_long_string_costs_memory_in_proportion(closed: bool) -> None:
    """A bundle.json of 64 MiB is within the limits, and is read before anything is decided."""
    data = b'{"a":"' + b"x" * (MIB - 10) + (b'"}' if closed else b"")
    tracemalloc.start()
    try:
        if closed:
            parse(data)
        else:
            with pytest.raises(StrictJSONError):
                parse(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 * len(data)


@pytest.mark.parametrize("document", ['"{}"', '{{"a":"{}"}}', '{{"{}":1}}', '["",[{{"a":["{}"]}}]]'])
def test_jsn_10_the_longest_string(document: str) -> None:
    parse(document.format("x" * MIB).encode())
    with pytest.raises(StrictJSONError, match="a string of more than"):
        parse(document.format("x" * (MIB + 1)).encode())


def test_jsn_10_a_large_document_is_ascii() -> None:
    """One character of four bytes makes Python keep all of them in four bytes."""
    rest = b'","' + b"a" * (MIB - 3)
    for character, size in (("\u00e9", 16), ("\U0001f600", 16)):
        data = b'["' + character.encode() + rest * (size - 1) + b'"]'
        assert len(data) <= 16 * MIB
        parse(data)
        with pytest.raises(StrictJSONError, match="not all of them ASCII"):
            parse(data.replace(b'"]', rest * 2 + b'"]'))
    parse(b'["' + rest * 17 + b'"]')


@pytest.mark.parametrize("change", [(b"]", b" ]"), (b"]", b'],"A":1'), (b'"a"', b'"\\u0061"'), (b"}", b"} ")])
def test_a_large_document_is_canonical_or_not(change: tuple[bytes, bytes]) -> None:
    """Beyond what is compared at once."""
    data = canonical({"a": ["x" * 100] * 50_000})
    assert len(data) > 4 * MIB
    assert parse_canonical(data) == json.loads(data)
    with pytest.raises(StrictJSONError):
        parse_canonical(data.replace(*change))


def test_jsn_10_many_names() -> None:
    data = canonical({f"{n:x}": n for n in range(100_000)})
    assert len(Fields(parse(data), "x")._left) == 100_000


@given(VALUES)
def test_canonical_round_trip(value: object) -> None:
    data = canonical(value)
    assert parse_canonical(data) == value
    assert canonical(parse(data)) == data


@given(VALUES, st.integers(0, 4))
def test_no_second_spelling_is_canonical(value: object, indent: int) -> None:
    other = json.dumps(value, indent=indent, ensure_ascii=True).encode()
    assert parse(other) == value
    if other != canonical(value):
        with pytest.raises(StrictJSONError, match="canonical"):
            parse_canonical(other)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_a_typed_refusal(data: bytes) -> None:
    try:
        value = parse(data, floats=True)
    except StrictJSONError:
        return
    assert value == json.loads(data) or isinstance(value, float)


@given(st.text(alphabet='{}[]",:\\ud8001e.-', max_size=40))
def test_what_is_accepted_reads_the_same_elsewhere(text: str) -> None:
    try:
        value = parse(text.encode())
    except StrictJSONError:
        return
    assert value == json.loads(text)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_canonical_writes_no_constants(value: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical([value])


class TestFields:
    @pytest.mark.parametrize(
        ("value", "name"),
        [([], "an array"), ("x", "a string"), (True, "a boolean"), (1, "an integer"), (None, "null"), (0.5, "float")],
    )
    def test_only_objects_have_fields(self, value: object, name: str) -> None:
        with pytest.raises(StrictJSONError, match=f"here: expected an object, found {name}"):
            Fields(value, "here")

    def test_a_missing_member_is_named(self) -> None:
        with pytest.raises(StrictJSONError, match="here: 'a' is missing"):
            Fields({}, "here").take("a")

    def test_a_member_is_taken_once(self) -> None:
        fields = Fields({"a": "b"}, "here")
        assert fields.has("a")
        assert fields.string("a") == "b"
        assert not fields.has("a")
        with pytest.raises(StrictJSONError, match="missing"):
            fields.string("a")

    def test_the_object_itself_is_left_alone(self) -> None:
        value: dict[str, object] = {"a": 1}
        Fields(value, "here").take("a")
        assert value == {"a": 1}

    @pytest.mark.parametrize("value", [1, None, ["x"], True])
    def test_a_string_is_a_string(self, value: object) -> None:
        with pytest.raises(StrictJSONError, match="'a' must be a string"):
            Fields({"a": value}, "here").string("a")

    @pytest.mark.parametrize("value", [True, False, "1", None, 1.0])
    def test_jsn_04_a_boolean_is_no_integer(self, value: object) -> None:
        with pytest.raises(StrictJSONError, match="'a' must be an integer"):
            Fields({"a": value}, "here").integer("a", high=5)

    @pytest.mark.parametrize("value", [-1, 6, 2**63, 2**64])
    def test_jsn_06_an_integer_has_bounds(self, value: int) -> None:
        with pytest.raises(StrictJSONError, match="outside 0 to 5"):
            Fields({"a": value}, "here").integer("a", high=5)

    @pytest.mark.parametrize("value", [0, 5])
    def test_bounds_are_inclusive(self, value: int) -> None:
        assert Fields({"a": value}, "here").integer("a", high=5) == value

    def test_an_array_is_an_array_of_bounded_length(self) -> None:
        assert Fields({"a": [1, 2]}, "here").array("a", most=2) == [1, 2]
        with pytest.raises(StrictJSONError, match="has 3 entries, over 2"):
            Fields({"a": [1, 2, 3]}, "here").array("a", most=2)
        with pytest.raises(StrictJSONError, match="must be an array, not an object"):
            Fields({"a": {}}, "here").array("a", most=2)

    def test_strings_are_strings_only(self) -> None:
        assert Fields({"a": ["x"]}, "here").strings("a", most=2) == ["x"]
        with pytest.raises(StrictJSONError, match="strings only"):
            Fields({"a": ["x", 1]}, "here").strings("a", most=2)

    def test_nested_names_its_place(self) -> None:
        with pytest.raises(StrictJSONError, match=r"here\.a: expected an object"):
            Fields({"a": 1}, "here").nested("a")

    @pytest.mark.parametrize("name", ["Disks", "DISKS", "di\u017fks", "dis\u212as", "disk\u017f"])
    def test_x_26_a_known_name_in_another_spelling(self, name: str) -> None:
        for value in ({name: 1}, {"disks": 1, name: 2}, {name: 2, "disks": 1}):
            with pytest.raises(StrictJSONError, match=r"here: member .* reads as 'disks' to engines"):
                Fields(value, "here", {"disks"})
            with pytest.raises(StrictJSONError, match=r"here\.a: member"):
                Fields({"a": value}, "here").nested("a", {"disks"})
            assert Fields(value, "here").has(name)

    def test_x_26_two_names_that_differ_in_case(self) -> None:
        with pytest.raises(StrictJSONError, match="here: member 'x-Own' reads as 'x-own' to engines"):
            Fields({"x-own": 1, "x-Own": 1}, "here", ())
        assert list(Fields({"x-Own": 1, "disks": 2}, "here", {"disks"}).items()) == [("x-Own", 1), ("disks", 2)]

    def test_x_26_what_go_folds_is_folded(self) -> None:
        """encoding/json folds no other characters to ASCII letters than these (Unicode CaseFolding.txt, C and S)."""
        found = {char for code in range(0x110000) if (char := chr(code)).casefold() in set(ascii_lowercase)}
        assert found == {*ascii_letters, "\u017f", "\u212a"}

    def test_items_takes_all_in_document_order(self) -> None:
        fields = Fields({"b": 1, "a": 2}, "here")
        assert list(fields.items()) == [("b", 1), ("a", 2)]
        fields.close()

    def test_close_refuses_what_nobody_took(self) -> None:
        fields = Fields({"b": 1, "a": 2}, "here")
        fields.take("b")
        with pytest.raises(StrictJSONError, match="unknown member 'a'"):
            fields.close()
