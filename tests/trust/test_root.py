"""The pinned root: canonical, checked, and speaking for its scopes only (TRUST.md)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.digest import digest_of
from airgap.errors import AirgapError, FormatError, TrustRootError
from airgap.openpgp.keys import Fingerprint
from airgap.reference import parse_repository
from airgap.strict_json import canonical
from airgap.trust.claim import ClaimFormat
from airgap.trust.identity import parse_rule
from airgap.trust.keys import KeyPolicy
from airgap.trust.maintainers import People, Person
from airgap.trust.root import TrustRoot, new_root, parse_root
from airgap.trust.scope import Scope, named_scope

PEOPLE = People(Person(nick, (Fingerprint(letter * 40),)) for nick, letter in [("b", "B"), ("a", "A"), ("c", "C")])
Change = Callable[[dict[str, Any]], object]


def edited(change: Change) -> bytes:
    value: dict[str, Any] = json.loads(new_root(PEOPLE, 2, scopes=map(named_scope, ["docker.io/stagex"])).encoded())
    change(value)
    return canonical(value)


def refused(data: bytes) -> str:
    with pytest.raises(TrustRootError) as caught:
        parse_root(data)
    assert caught.value.exit_status == 40
    return caught.value.kind


@given(
    st.integers(1, 3),
    st.sets(st.sampled_from(["stagex", "docker.io/stagex/x", "quay.io", "localhost:5000", "ghcr.io/a/b"])),
    st.sets(st.sampled_from(ClaimFormat), min_size=1),
    st.booleans(),
)
def test_round_trip(threshold: int, prefixes: set[str], formats: set[ClaimFormat], strict: bool) -> None:
    root = new_root(PEOPLE, threshold, scopes=map(named_scope, prefixes), claim_formats=formats, strict_expiry=strict)
    found = parse_root(root.encoded())
    assert found.encoded() == root.encoded()
    assert found.id == root.id == digest_of(root.encoded())
    assert (found.threshold, found.strict_expiry, found.version) == (threshold, strict, 1)
    assert set(found.claim_formats) == formats
    assert list(found.people) == list(PEOPLE)
    for name in ("docker.io/stagex/x", "quay.io/a", "ghcr.io/a/b/c", "docker.io/library/busybox"):
        assert found.scope_of(parse_repository(name)) == root.scope_of(parse_repository(name))


def test_a_scope_with_a_rule_round_trip() -> None:
    scopes = (Scope("quay.io", parse_rule("remapIdentity=quay.io:docker.io")), Scope("docker.io"))
    root = TrustRoot(PEOPLE, 1, scopes)
    assert parse_root(root.encoded()).scopes == tuple(sorted(scopes, key=lambda scope: scope.prefix))


@pytest.mark.parametrize("threshold", [0, -1, 4])
def test_a_threshold_that_does_not_fit(threshold: int) -> None:
    with pytest.raises(TrustRootError) as caught:
        new_root(PEOPLE, threshold)
    assert (caught.value.kind, caught.value.exit_status) == ("threshold-invalid", 40)


def test_people_without_a_key_do_not_make_a_threshold() -> None:
    people = People([Person("a", (Fingerprint("A" * 40),)), Person("b", ())])
    new_root(people, 1)
    with pytest.raises(TrustRootError, match="1 people who have a key"):
        new_root(people, 2)


CHANGES: dict[str, Change] = {
    "another schema": lambda d: d.update(schema="airgap/trust-root/v2"),
    "no schema": lambda d: d.pop("schema"),
    "unknown member": lambda d: d.update(x=1),
    "threshold 0": lambda d: d.update(threshold=0),
    "threshold 4": lambda d: d.update(threshold=4),
    "threshold is true": lambda d: d.update(threshold=True),
    "version 0": lambda d: d.update(version=0),
    "version is text": lambda d: d.update(version="1"),
    "strict is a number": lambda d: d.update(strictExpiry=0),
    "no formats": lambda d: d.update(claimFormats=[]),
    "unknown format": lambda d: d.update(claimFormats=["cosign"]),
    "format twice": lambda d: d.update(claimFormats=["atomic", "atomic"]),
    "formats out of order": lambda d: d.update(claimFormats=["stagex-legacy", "atomic"]),
    "no scopes": lambda d: d.update(repositories=[]),
    "unknown rule": lambda d: d["repositories"][0].update(identity="insecureAcceptAnything"),
    "scope with more": lambda d: d["repositories"][0].update(x=1),
    "scopes out of order": lambda d: d["repositories"].append({"scope": "a.io", "identity": "matchExact"}),
    "nobody": lambda d: d.update(people=[]),
    "people out of order": lambda d: d["people"].reverse(),
    "person with more": lambda d: d["people"][0].update(x=1),
    "person without a name": lambda d: d["people"][0].pop("name"),
    "fingerprint in small letters": lambda d: d["people"][0].update(fingerprints=["a" * 40]),
    "fingerprint that is short": lambda d: d["people"][0].update(fingerprints=["A" * 16]),
    "fingerprint of two people": lambda d: d["people"][1].update(fingerprints=["A" * 40]),
    "fingerprints are text": lambda d: d["people"][0].update(fingerprints="A" * 40),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_refused(change: Change) -> None:
    assert refused(edited(change)) == "trust-root-invalid"


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b"null"])
def test_no_root(data: bytes) -> None:
    assert refused(data) == "trust-root-invalid"


def test_another_spelling() -> None:
    good = new_root(PEOPLE, 2).encoded()
    assert refused(json.dumps(json.loads(good)).encode()) == "trust-root-invalid"
    assert refused(good + b"\n") == "trust-root-invalid"


@given(st.data())
def test_a_root_that_is_read_is_the_one_that_was_written(data: st.DataObject) -> None:
    """No two spellings: a flipped byte gives another id, or a refusal."""
    good = new_root(PEOPLE, 2, scopes=map(named_scope, ["docker.io/stagex"]))
    damaged = bytearray(good.encoded())
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = parse_root(bytes(damaged))
    except TrustRootError:
        return
    assert found.encoded() == bytes(damaged)
    assert found.id != good.id


class TestScopes:
    @pytest.mark.parametrize(
        ("prefix", "name", "covered"),
        [
            ("", "quay.io/a", True),
            ("docker.io", "docker.io/stagex/x", True),
            ("docker.io", "docker.io.evil/stagex/x", False),
            ("docker.io/stagex", "stagex/x", True),
            ("docker.io/stagex", "docker.io/stagexx/x", False),
            ("docker.io/stagex", "docker.io/library/stagex", False),
            ("docker.io/stagex/x", "stagex/x", True),
            ("docker.io/stagex/x", "stagex/xx", False),
            ("localhost:5000", "localhost:5000/x", True),
            ("localhost", "localhost:5000/x", False),
        ],
    )
    def test_covers(self, prefix: str, name: str, covered: bool) -> None:
        assert Scope(prefix).covers(parse_repository(name)) is covered

    @pytest.mark.parametrize(
        ("written", "prefix"),
        [
            ("stagex", "docker.io/stagex"),
            ("docker.io/stagex", "docker.io/stagex"),
            ("docker.io/stagex/", "docker.io/stagex"),
            ("stagex/x", "docker.io/stagex/x"),
            ("docker.io", "docker.io"),
            ("index.docker.io/stagex/x", "docker.io/stagex/x"),
            ("index.docker.io", "docker.io"),
            ("localhost:5000", "localhost:5000"),
            ("localhost", "localhost"),
            ("quay.io/a", "quay.io/a"),
        ],
    )
    def test_how_prefixes_are_written(self, written: str, prefix: str) -> None:
        (scope,) = new_root(PEOPLE, 1, scopes=map(named_scope, [written])).scopes
        assert scope.prefix == prefix

    def test_one_scope_in_two_spellings_is_one_scope(self) -> None:
        once = new_root(PEOPLE, 1, scopes=map(named_scope, ["docker.io/stagex"]))
        twice = new_root(PEOPLE, 1, scopes=map(named_scope, ["docker.io/stagex", "stagex", "docker.io/stagex/"]))
        assert twice.id == once.id

    @pytest.mark.parametrize(
        "prefix", ["", "/", "UPPER", "a b", "docker.io/UPPER", "x:y", "a//b", "docker.io/a:tag", "\x1b"]
    )
    def test_no_prefix(self, prefix: str) -> None:
        with pytest.raises(FormatError):
            new_root(PEOPLE, 1, scopes=map(named_scope, [prefix]))

    def test_no_prefix_is_everything(self) -> None:
        assert new_root(PEOPLE, 1).scopes == (Scope(""),)

    def test_the_longest_wins(self) -> None:
        exact = parse_rule("matchExact")
        root = TrustRoot(PEOPLE, 1, (Scope("docker.io"), Scope("docker.io/stagex", exact), Scope("quay.io")))
        found = root.scope_of(parse_repository("stagex/x"))
        assert found is not None
        assert found.rule == exact
        assert root.scope_of(parse_repository("ghcr.io/x")) is None

    @given(
        st.sampled_from(["a.io", "docker.io", "stagex", "docker.io/stagex/x", "localhost:1/a"]), st.text(max_size=12)
    )
    def test_a_prefix_covers_what_is_below_it_only(self, prefix: str, tail: str) -> None:
        (scope,) = new_root(PEOPLE, 1, scopes=map(named_scope, [prefix])).scopes
        try:
            repository = parse_repository(scope.prefix + tail)
        except AirgapError:
            return
        name = str(repository)
        below = name == scope.prefix or name.startswith(scope.prefix + "/")
        assert scope.covers(repository) is below


def test_groups_and_keys_round_trip() -> None:
    root = new_root(PEOPLE, 2, required=[("c", "a", "a"), ("b",)], keys=KeyPolicy(("rsa", "ecdsa"), 3072))
    assert root.required == (("a", "c"), ("b",))
    found = parse_root(root.encoded())
    assert (found.required, found.keys) == (root.required, KeyPolicy(("ecdsa", "rsa"), 3072))


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(required=[[]]),
        lambda value: value.update(required=[["z"]]),
        lambda value: value.update(required=[["b", "a"]]),
        lambda value: value.update(required="a"),
        lambda value: value.update(algorithms=[]),
        lambda value: value.update(algorithms=["dsa"]),
        lambda value: value.update(algorithms=["rsa", "ecdsa"]),
        lambda value: value.update(minimumRSABits=1024),
        lambda value: value.update(maintainers="sha256:0"),
        lambda value: value["repositories"].append(value["repositories"][0]),
    ],
)
def test_groups_and_keys_that_cannot_be(change: Change) -> None:
    assert refused(edited(change)) == "trust-root-invalid"
