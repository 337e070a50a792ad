"""containers-policy.json(5)'s rules, against the tables of containers/image (TRUST rule 6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.errors import FormatError
from airgap.reference import Reference, parse_reference
from airgap.trust.identity import (
    DEFAULT_RULE,
    EXACT_REFERENCE,
    EXACT_REPOSITORY,
    MATCH_EXACT,
    MATCH_REPO_DIGEST_OR_EXACT,
    MATCH_REPOSITORY,
    PLAIN,
    REMAP_IDENTITY,
    IdentityRule,
    parse_rule,
    remap,
)

HEX = "0123456789abcdef" * 4
EXACT, REPOSITORY = IdentityRule(MATCH_EXACT), IdentityRule(MATCH_REPOSITORY)


def parsed(text: str) -> Reference | None:
    try:
        return parse_reference(text)
    except FormatError:
        return None


def pairs(rows: list[dict[str, Any]]) -> Iterator[tuple[str, str, bool]]:
    for row in rows:
        yield row["a"], row["b"], row["match"]
        if row["symmetric"]:
            yield row["b"], row["a"], row["match"]


class TestPeers:
    def test_exact(self, peers: dict[str, Any]) -> None:
        compared = 0
        for a, b, match in pairs(peers["reference_match"]["exact"]):
            image, claimed = parsed(a), parsed(b)
            if image is None or claimed is None:
                assert not match
                continue
            assert EXACT.accepts(image, claimed) is match, (a, b)
            if match:
                assert DEFAULT_RULE.accepts(image, claimed), (a, b)
            if image.is_name_only:
                with pytest.raises(FormatError):
                    parse_rule(f"exactReference={a}")
            else:
                rule = parse_rule(f"exactReference={a}")
                assert rule.accepts(parse_reference("another/image:1"), claimed) is match, (a, b)
            compared += 1
        assert compared > 15

    def test_repository(self, peers: dict[str, Any]) -> None:
        compared = 0
        for a, b, match in pairs(peers["reference_match"]["repository"]):
            image, claimed = parsed(a), parsed(b)
            if image is None or claimed is None:
                assert not match
                continue
            assert REPOSITORY.accepts(image, claimed) is match, (a, b)
            rule = parse_rule(f"exactRepository={image.repository}")
            assert rule.accepts(parse_reference("another/image:1"), claimed) is match, (a, b)
            if not match:
                assert not DEFAULT_RULE.accepts(image, claimed), (a, b)
            compared += 1
        assert compared > 15

    def test_repo_digest_or_exact(self, peers: dict[str, Any]) -> None:
        for row in peers["reference_match"]["repoDigestOrExact"]:
            found = DEFAULT_RULE.accepts(parse_reference(row["image"]), parse_reference(row["signature"]))
            assert found is row["match"], row

    def test_remap_prefix(self, peers: dict[str, Any]) -> None:
        for row in peers["reference_match"]["remap_prefix"]:
            image = parsed(row["ref"])
            if image is None or "/" not in row["ref"]:
                continue
            found = remap(image, row["prefix"], "signed.example")
            changed = found is None or found.repository.domain == "signed.example"
            # Rewriting the whole name to a bare host is no reference: None, which is a change, too.
            assert changed is row["match"], row

    def test_remap_rewrite(self, peers: dict[str, Any]) -> None:
        for row in peers["reference_match"]["remap_rewrite"]:
            found = remap(parse_reference(row["ref"]), row["prefix"], row["signedPrefix"])
            assert (found and str(found)) == row["result"], row

    def test_remap_match(self, peers: dict[str, Any]) -> None:
        for row in peers["reference_match"]["remap_match"]:
            rule = IdentityRule(REMAP_IDENTITY, row["prefix"], row["signedPrefix"])
            found = rule.accepts(parse_reference(row["image"]), parse_reference(row["signature"]))
            assert found is row["match"], row


class TestTheTutorial:
    """An image from quay.io, signed for docker.io."""

    rule = parse_rule("remapIdentity=quay.io/stagex:docker.io/stagex")

    @pytest.mark.parametrize(
        ("image", "claimed", "match"),
        [
            ("quay.io/stagex/x:1", "docker.io/stagex/x:1", True),
            ("quay.io/stagex/x:1", "quay.io/stagex/x:1", False),
            ("quay.io/stagexx/x:1", "docker.io/stagexx/x:1", False),
            ("other.io/x:1", "other.io/x:1", True),
            (f"quay.io/stagex/x@sha256:{HEX}", f"stagex/x@sha256:{HEX}", True),
        ],
    )
    def test_it(self, image: str, claimed: str, match: bool) -> None:
        assert self.rule.accepts(parse_reference(image), parse_reference(claimed)) is match


class TestRules:
    @pytest.mark.parametrize(
        ("text", "rule"),
        [
            ("matchExact", IdentityRule(MATCH_EXACT)),
            ("matchRepoDigestOrExact", IdentityRule(MATCH_REPO_DIGEST_OR_EXACT)),
            ("matchRepository", IdentityRule(MATCH_REPOSITORY)),
            ("exactReference=a/b:c", IdentityRule(EXACT_REFERENCE, "a/b:c")),
            (f"exactReference=a/b@sha256:{HEX}", IdentityRule(EXACT_REFERENCE, f"a/b@sha256:{HEX}")),
            ("exactRepository=quay.io/a", IdentityRule(EXACT_REPOSITORY, "quay.io/a")),
            ("remapIdentity=quay.io:docker.io", IdentityRule(REMAP_IDENTITY, "quay.io", "docker.io")),
            (
                "remapIdentity=localhost:5000/x:docker.io/y",
                IdentityRule(REMAP_IDENTITY, "localhost:5000/x", "docker.io/y"),
            ),
            (
                "remapIdentity=mirror.example:5000:docker.io",
                IdentityRule(REMAP_IDENTITY, "mirror.example:5000", "docker.io"),
            ),
            (
                "remapIdentity=a.example:1/x:b.example:2/y",
                IdentityRule(REMAP_IDENTITY, "a.example:1/x", "b.example:2/y"),
            ),
        ],
    )
    def test_round_trip(self, text: str, rule: IdentityRule) -> None:
        assert parse_rule(text) == rule
        assert str(rule) == text

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "matchAll",
            "MATCHEXACT",
            "matchExact=",
            "matchExact=a/b",
            "exactReference",
            "exactReference=",
            "exactReference=a/b",
            "exactReference=A",
            "exactRepository=",
            "exactRepository=a/b:c",
            f"exactRepository=a/b@sha256:{HEX}",
            "remapIdentity=",
            "remapIdentity=quay.io",
            "remapIdentity=:",
            "remapIdentity=quay.io:",
            "remapIdentity=:docker.io",
            "remapIdentity=quay.io:5000",
            "remapIdentity=UPPER/X:docker.io",
            "insecureAcceptAnything",
        ],
    )
    def test_refused(self, text: str) -> None:
        with pytest.raises(FormatError) as caught:
            parse_rule(text)
        assert (caught.value.kind, caught.value.exit_status) == ("reference-invalid", 10)

    def test_a_bare_name_matches_nothing_exactly(self) -> None:
        name = parse_reference("a/b")
        for rule in (EXACT, DEFAULT_RULE):
            assert not rule.accepts(name, name)
        assert REPOSITORY.accepts(name, name)

    def test_normalisation(self) -> None:
        image = parse_reference(f"docker.io/stagex/x@sha256:{HEX}")
        assert DEFAULT_RULE.accepts(image, parse_reference(f"stagex/x@sha256:{HEX}"))
        assert not DEFAULT_RULE.accepts(image, parse_reference(f"quay.io/stagex/x@sha256:{HEX}"))
        assert not DEFAULT_RULE.accepts(image, parse_reference(f"stagex/xx@sha256:{HEX}"))


REFERENCES = st.builds(
    "{}{}{}".format,
    st.sampled_from(["a/b", "a/c", "quay.io/a/b", "docker.io/a/b"]),
    st.sampled_from(["", ":1", ":2"]),
    st.sampled_from(["", f"@sha256:{HEX}", f"@sha256:{'0' * 64}"]),
).map(parse_reference)


@given(REFERENCES, REFERENCES)
def test_each_rule_is_as_strict_as_the_next(image: Reference, claimed: Reference) -> None:
    """matchExact ⊆ matchRepoDigestOrExact ⊆ matchRepository."""
    verdicts = [IdentityRule(name).accepts(image, claimed) for name in PLAIN]
    assert verdicts == sorted(verdicts)


@given(REFERENCES, REFERENCES)
def test_no_rule_but_remap_accepts_another_repository(image: Reference, claimed: Reference) -> None:
    if image.repository != claimed.repository:
        assert not any(IdentityRule(name).accepts(image, claimed) for name in PLAIN)
        assert not parse_rule(f"exactRepository={image.repository}").accepts(image, claimed)


def test_what_an_exact_rule_wants_by_itself() -> None:
    assert parse_rule("exactReference=stagex/x:1").own_reference == parse_reference("docker.io/stagex/x:1")
    assert parse_rule("exactRepository=stagex/x").own_reference == parse_reference("docker.io/stagex/x")
    assert {parse_rule(rule).own_reference for rule in (*PLAIN, "remapIdentity=quay.io:docker.io")} == {None}
