"""Scopes, wildcards, rejections, and policy.json as their source (TRUST rule 6; containers-policy.json(5))."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airgap.errors import FormatError
from airgap.reference import parse_repository
from airgap.trust.policy import parse_policy
from airgap.trust.root import new_root, parse_root
from airgap.trust.scope import Scope, named_scope, parse_scope, scope_of
from tests.trust.judged import everybody

SIGNED = {"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/etc/pki/x.gpg"}
REJECT = {"type": "reject"}


def policy(docker: dict[str, Any] | None, default: list[Any] | None = None, **more: Any) -> bytes:
    document: dict[str, Any] = {"default": [REJECT] if default is None else default, **more}
    if docker is not None:
        document["transports"] = {"docker": docker, "docker-daemon": {"": [{"type": "insecureAcceptAnything"}]}}
    return json.dumps(document).encode()


def found(docker: dict[str, Any], default: list[Any] | None = None) -> dict[str, str]:
    scopes, _ = parse_policy(policy(docker, default))
    return {scope.prefix: str(scope.rule) for scope in scopes}


def identity(type_: str, **members: str) -> dict[str, Any]:
    return {**SIGNED, "signedIdentity": {"type": type_, **members}}


class TestPolicy:
    def test_every_identity(self) -> None:
        assert found(
            {
                "docker.io/stagex": [SIGNED],
                "quay.io": [identity("matchExact")],
                "a.example": [identity("matchRepository")],
                "b.example": [identity("exactReference", dockerReference="docker.io/x/y:1")],
                "c.example": [identity("exactRepository", dockerRepository="docker.io/x/y")],
                "d.example": [identity("remapIdentity", prefix="d.example", signedPrefix="docker.io")],
                "*.mirror.example": [identity("matchRepoDigestOrExact")],
                "e.example": [REJECT],
            }
        ) == {
            "": "reject",
            "docker.io/stagex": "matchRepoDigestOrExact",
            "quay.io": "matchExact",
            "a.example": "matchRepository",
            "b.example": "exactReference=docker.io/x/y:1",
            "c.example": "exactRepository=docker.io/x/y",
            "d.example": "remapIdentity=d.example:docker.io",
            "*.mirror.example": "matchRepoDigestOrExact",
            "e.example": "reject",
        }

    def test_the_docker_default_goes_before_the_default(self) -> None:
        assert found({"": [SIGNED]}, [REJECT]) == {"": "matchRepoDigestOrExact"}

    def test_the_default_alone(self) -> None:
        (scope,), notes = parse_policy(policy(None, [SIGNED]))
        assert (scope, notes) == (Scope(""), ())

    def test_what_accepts_anything_is_left_out(self) -> None:
        docker = {"docker.io": [SIGNED], "quay.io": [{"type": "insecureAcceptAnything"}]}
        scopes, notes = parse_policy(policy(docker))
        assert scope_of(parse_repository("quay.io/a/b"), scopes) is None
        assert len(notes) == 1
        assert "quay.io" in notes[0]

    def test_one_rejection_rejects(self) -> None:
        assert found({"docker.io": [SIGNED], "quay.io": [SIGNED, REJECT]})["quay.io"] == "reject"

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"[]",
            b"{}",
            policy({"docker.io/a/b:1": [SIGNED]}),
            policy({f"docker.io/a/b@sha256:{'0' * 64}": [SIGNED]}),
            policy({"docker.io": []}),
            policy({"docker.io": {}}),
            policy({"docker.io": [1]}),
            policy({"docker.io": [{}]}),
            policy({"UPPER/X": [SIGNED]}),
            policy({"docker.io": [identity("matchAnything")]}),
            policy({"docker.io": [identity("exactReference")]}),
            policy({"docker.io": [identity("matchExact", extra="x")]}),
            policy({"docker.io": [SIGNED, identity("matchExact")]}),
            policy({"docker.io": [identity("exactRepository", dockerRepository="a/b:c")]}),
            policy({"docker.io": [REJECT]}),
            policy({"docker.io": [SIGNED]}, unknown=1),
        ],
    )
    def test_refused(self, data: bytes) -> None:
        with pytest.raises(FormatError) as caught:
            parse_policy(data)
        assert (caught.value.kind, caught.value.exit_status) == ("policy-invalid", 10)


class TestScopes:
    scopes = (
        named_scope("*.example.com"),
        named_scope("*.a.example.com=matchExact"),
        named_scope("b.example.com=matchRepository"),
        named_scope("b.example.com/private=reject"),
        named_scope("b.example.com/private/but=matchExact"),
    )

    @pytest.mark.parametrize(
        ("name", "rule"),
        [
            ("x.example.com/a", "matchRepoDigestOrExact"),
            ("x.example.com:5000/a", "matchRepoDigestOrExact"),
            ("x.y.example.com/a", "matchRepoDigestOrExact"),
            ("x.a.example.com/a", "matchExact"),
            ("b.example.com/a", "matchRepository"),
            ("b.example.com/private/a", None),
            ("b.example.com/private/but/a", "matchExact"),
            ("example.com/a", None),
            ("evilexample.com/a", None),
            ("docker.io/a/b", None),
        ],
    )
    def test_the_most_specific_decides(self, name: str, rule: str | None) -> None:
        scope = scope_of(parse_repository(name), self.scopes)
        assert (None if scope is None else str(scope.rule)) == rule

    def test_a_scope_outranks_a_longer_wildcard(self) -> None:
        scopes = (named_scope("*.very.long.example.com"), named_scope("x.very.long.example.com=matchExact"))
        scope = scope_of(parse_repository("x.very.long.example.com/a"), scopes)
        assert scope is not None
        assert str(scope.rule) == "matchExact"
        everything = (Scope(""), named_scope("*.example.com=reject"))
        assert scope_of(parse_repository("x.example.com/a"), everything) is None

    def test_in_a_root(self) -> None:
        root = new_root(everybody(), 2, scopes=self.scopes)
        assert parse_root(root.encoded()).scopes == root.scopes

    def test_one_prefix_with_two_rules(self) -> None:
        with pytest.raises(FormatError):
            new_root(everybody(), 2, scopes=[named_scope("quay.io"), named_scope("quay.io=matchExact")])

    @pytest.mark.parametrize("text", ["*.", "*.UPPER/x", "quay.io=", "quay.io=x", "=matchExact", "*.a b"])
    def test_refused(self, text: str) -> None:
        with pytest.raises(FormatError):
            named_scope(text)

    def test_the_tutorial(self) -> None:
        scope = named_scope("quay.io/stagex=remapIdentity=quay.io/stagex:docker.io/stagex")
        assert scope == parse_scope("quay.io/stagex", "remapIdentity=quay.io/stagex:docker.io/stagex")
