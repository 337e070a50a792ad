"""People and the full fingerprints of their keys (TRUST rule 1)."""

from __future__ import annotations

from pathlib import Path

import forge
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.errors import AirgapError, FormatError, TrustRootError
from airgap.limits import LIMITS
from airgap.openpgp.keys import Fingerprint, parse_fingerprint
from airgap.trust.maintainers import People, Person, parse_maintainers, shared_addresses

ONE, TWO, LONG = "A" * 40, "B" * 40, "C" * 64


def toml(**keys: str) -> bytes:
    """One person ``a`` with these keys."""
    lines = ["[people.a]", "[keys.a]"] + [f"[keys.a.{label}]\nid = {text}" for label, text in keys.items()]
    return "\n".join(lines).encode()


def test_stagex_today(stagex: Path) -> None:
    people = parse_maintainers((stagex / "MAINTAINERS").read_bytes())
    assert len(people) == 8
    assert "lancevick" in {person.nick for person in people}
    assert all(person.fingerprints for person in people)
    danny = parse_fingerprint("C92FE5A3FBD58DD3EC5AA26BB10116B8193F2DBD")
    assert people.nick_of(danny) == "dannygrove"


def test_stagex_before_it_was_toml(stagex: Path) -> None:
    with pytest.raises(FormatError, match="not TOML") as caught:
        parse_maintainers((stagex / "MAINTAINERS.2024-02-not-toml").read_bytes())
    assert (caught.value.kind, caught.value.exit_status) == ("maintainers-invalid", 10)


def test_what_forge_writes() -> None:
    people = [
        forge.Person("bob", "Bob", ("b@x", "b@y"), (TWO.lower(), LONG)),
        forge.Person("alice", "Älice", "a@x", (ONE,)),
        forge.Person("nokey", "N", "n@x", ()),
    ]
    found = parse_maintainers(forge.maintainers_toml(people).encode())
    assert [(person.nick, list(map(str, person.fingerprints))) for person in found] == [
        ("alice", [ONE]),
        ("bob", [TWO, LONG]),
        ("nokey", []),
    ]
    assert list(map(str, found.fingerprints)) == [ONE, TWO, LONG]
    assert found.nick_of(Fingerprint("D" * 40)) is None


REFUSED: dict[str, bytes] = {
    "empty": b"",
    "not UTF-8": b"\xff",
    "UTF-16": "[people]".encode("utf-16"),
    "not TOML": b"[people\n",
    "a table twice": b"[people.a]\n[people.a]\n[keys.a.b]\n",
    "no people": b"[keys]\n",
    "no keys": b"[people.a]\n",
    "people is a list": b"people = []\nkeys = {}",
    "nobody": b"[people]\n[keys]\n",
    "keys of a stranger": b"[people.a]\n[keys.b.c]\nid = '" + ONE.encode() + b"'",
    "keys are a string": b"[people.a]\n[keys]\na = 'x'",
    "key without id": b"[people.a]\n[keys.a.b]\nx = 1",
    "key is a string": b"[people.a]\n[keys.a]\nb = 'x'",
    "id is a number": toml(k="1"),
    "key id of 16 digits": toml(k=f"'{'A' * 16}'"),
    "39 digits": toml(k=f"'{'A' * 39}'"),
    "41 digits": toml(k=f"'{'A' * 41}'"),
    "no hex": toml(k=f"'{'G' * 40}'"),
    "full-width digits": toml(k=f"'{'０' * 40}'"),
    "two in one": toml(k=f"'{ONE} {TWO}'"),
    "nickname with an escape": b'[people."a\\u001b[2J"]\n[keys]',
    "nickname with a space": b'[people."a b"]\n[keys]',
    "nickname with a slash": b'[people."a/b"]\n[keys]',
    "empty nickname": b'[people.""]\n[keys]',
    "nickname of 65 characters": b"[people." + b"a" * 65 + b"]\n[keys]",
    "nested without end": b"x = " + b"[" * 50_000,
    "integer of 5000 digits": b"x = " + b"9" * 5000 + b"\n[people.a]\n[keys]",
    "integer of 5000 digits inside": b"[people.a]\nage = -" + b"9" * 5000 + b"\n[keys]",
    "no such date": b"x = 2024-02-30",
    "byte-order mark": b"\xef\xbb\xbf[people.a]\n[keys]",
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_refused(data: bytes) -> None:
    with pytest.raises(FormatError, match="here: ") as caught:
        parse_maintainers(data, "here")
    assert (caught.value.kind, caught.value.exit_status) == ("maintainers-invalid", 10)
    assert len(caught.value.message) < 400


def test_too_big() -> None:
    with pytest.raises(FormatError) as caught:
        parse_maintainers(b"#" * (LIMITS.trust_file + 1))
    assert caught.value.kind == "limit-exceeded"


@pytest.mark.parametrize("text", [ONE.lower(), f"0x{ONE}", " ".join(["AAAA"] * 10), f"{ONE} "])
def test_a_fingerprint_as_people_write_it(text: str) -> None:
    (person,) = parse_maintainers(toml(k=f"'{text}'"))
    assert list(map(str, person.fingerprints)) == [ONE]


def test_one_key_twice_is_one_key() -> None:
    (person,) = parse_maintainers(toml(k=f"'{ONE}'", other=f"'{ONE.lower()}'"))
    assert person.fingerprints == (Fingerprint(ONE),)


def test_one_key_of_two_people() -> None:
    people = [forge.Person("a", "A", "a@x", (ONE,)), forge.Person("b", "B", "b@x", (TWO, ONE.lower()))]
    with pytest.raises(TrustRootError, match="both a and b") as caught:
        parse_maintainers(forge.maintainers_toml(people).encode())
    assert (caught.value.kind, caught.value.exit_status) == ("key-of-two-people", 40)
    assert caught.value.facts["people"] == ["a", "b"]


def test_other_tables_are_not_ours_to_judge() -> None:
    assert len(parse_maintainers(b"[machines.x]\ny = 1.5\n[people.a]\n[keys]")) == 1


FINGERPRINTS = st.integers(0, 30).map(lambda number: Fingerprint(f"{number:040X}"))


@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(FINGERPRINTS, max_size=3)))
def test_a_fingerprint_belongs_to_one_person_or_to_no_root(given_people: dict[str, set[Fingerprint]]) -> None:
    everyone = [Person(nick, tuple(sorted(keys))) for nick, keys in given_people.items()]
    every = [key for person in everyone for key in person.fingerprints]
    try:
        people = People(everyone)
    except TrustRootError:
        assert len(set(every)) < len(every)
        return
    assert len(set(every)) == len(every)
    assert [person.nick for person in people] == sorted(given_people)
    assert all(people.nick_of(key) == nick for nick, keys in given_people.items() for key in keys)


@given(st.binary(max_size=80) | st.text(alphabet='[]people.keys=\n"9', max_size=60).map(str.encode))
def test_any_bytes_are_people_or_a_typed_refusal(data: bytes) -> None:
    try:
        found = parse_maintainers(data)
    except AirgapError:
        return
    assert len(found) > 0


def test_addresses_under_two_names() -> None:
    data = b"""
[people.a]
email = "x@example.org"
[people.b]
email = ["y@example.org", " X@Example.org "]
[people.c]
email = "y@example.org"
[people.d]
people = "none"
[keys]
"""
    assert shared_addresses(data) == {"x@example.org": ["a", "b"], "y@example.org": ["b", "c"]}
    assert shared_addresses(b"[people]\na = 1\n[keys]\n") == {}
    with pytest.raises(FormatError):
        shared_addresses(b"[keys]\n")
