"""A verdict as JSON and as a value: one stands for the other, and what is no verdict is refused."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import airgap
from airgap.errors import KINDS, AirgapError, FormatError, class_of
from airgap.limits import LIMITS
from airgap.results import parse_verdict
from tests.cli.site import AT, Site

NOW = datetime.fromisoformat(AT)


@pytest.fixture(scope="module")
def printed(carried: Site) -> dict[str, Any]:
    """What the command line prints."""
    document: dict[str, Any] = carried.verify().json
    return document


def encoded(document: object) -> bytes:
    return json.dumps(document).encode()


class TestSame:
    def test_as_the_command_line(self, carried: Site, printed: dict[str, Any]) -> None:
        verdict = airgap.verify_bundle(carried.bundle, carried.trust, at=NOW)
        assert verdict == parse_verdict(encoded(printed))
        assert verdict.document == printed
        assert verdict.reference_time == NOW
        assert verdict.exit_status == 0
        (rust,) = [image for image in verdict.images if "rust" in image.reference]
        assert {one.maintainer for one in rust.signatures} == set(rust.signers)
        assert all(one.counts and one.claim is not None and one.claim.digest == rust.digest for one in rust.signatures)

    def test_a_refusal(self, carried: Site, tmp_path: Path) -> None:
        verdict = airgap.verify_bundle([carried.bundle], tmp_path / "nothing", at=NOW)
        assert not verdict.accepted
        assert (verdict.trust, verdict.exit_status) == (None, 40)
        with pytest.raises(airgap.AirgapError) as caught:
            verdict.require_accepted()
        again = parse_verdict(encoded(verdict.document))
        assert [(type(one), one.kind, one.message, one.hint, one.facts) for one in again.errors] == [
            (type(caught.value), caught.value.kind, caught.value.message, caught.value.hint, caught.value.facts)
        ]

    def test_without_the_time(self, carried: Site) -> None:
        verdict = airgap.verify_bundle(str(carried.bundle), str(carried.trust))
        assert abs((datetime.now(UTC) - verdict.reference_time).total_seconds()) < 600

    def test_values_do_not_change(self, carried: Site) -> None:
        verdict = airgap.verify_bundle(carried.bundle, carried.trust, at=NOW)
        with pytest.raises(dataclasses.FrozenInstanceError):
            verdict.accepted = True  # type: ignore[misc]  # that it cannot be done is what is tried


class TestMisuse:
    def test_a_time_without_a_zone(self, carried: Site) -> None:
        with pytest.raises(ValueError, match="zone"):
            airgap.verify_bundle(carried.bundle, carried.trust, at=datetime(2025, 7, 1))

    def test_no_bundle(self, carried: Site) -> None:
        with pytest.raises(ValueError, match="name a bundle"):
            airgap.verify_bundle([], carried.trust)

    def test_no_threshold(self, carried: Site) -> None:
        with pytest.raises(ValueError, match="threshold"):
            airgap.audit_signatures(
                carried.signatures, keyrings=[carried.keyring], maintainers=carried.maintainers, threshold=0
            )

    def test_no_such_name(self) -> None:
        with pytest.raises(AttributeError, match="nothing"):
            _ = airgap.nothing


class TestAudit:
    def test_as_the_command_line(self, carried: Site) -> None:
        from tests.cli.site import run

        line = ["--keyring", carried.keyring, "--maintainers", carried.maintainers, "--at", AT, "--format", "json"]
        printed = run("signatures", "audit", carried.signatures, *line)
        audit = airgap.audit_signatures(
            carried.signatures, keyrings=[carried.keyring], maintainers=carried.maintainers, at=NOW
        )
        assert audit.document == printed.json
        assert audit.complete
        assert printed.code == 0

    def test_a_keyring_that_is_none(self, carried: Site) -> None:
        with pytest.raises(FormatError) as caught:
            airgap.audit_signatures(carried.signatures, keyrings=[carried.maintainers], maintainers=carried.maintainers)
        assert caught.value.facts["path"] == str(carried.maintainers)


def _set(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        place: Any = document
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


def _without(*path: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        place: Any = document
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return change


ERROR = {
    "schema": "airgap/error/v1",
    "code": "AG401",
    "kind": "quorum-not-met",
    "message": "m",
    "facts": {},
    "hint": "h",
}
WRONG = {
    "another schema": _set("schema", to="airgap/audit/v1"),
    "accepted with an error": _set("errors", to=[ERROR]),
    "accepted without images": _set("images", to=[]),
    "accepted with an image that is not": _set("images", 0, "accepted", to=False),
    "refused without a reason": _set("accepted", to=False),
    "accepted as a number": _set("accepted", to=1),
    "refused, of no images, for no reason": lambda document: document.update(accepted=False, images=[]),
    "an unknown member": _set("more", to=1),
    "an unknown member of an image": _set("images", 0, "more", to=1),
    "an unknown member of a signature": _set("images", 0, "signatures", 0, "more", to=1),
    "no images": _without("images"),
    "no reason": _without("images", 0, "signatures", 0, "reason"),
    "a status of its own": _set("images", 0, "signatures", 0, "status", to="GOOD"),
    "a digest in capitals": _set("images", 0, "digest", to="sha256:" + "A" * 64),
    "a bundle id that is none": _set("bundle", "id", to="x"),
    "a claim's digest that is none": _set("images", 0, "signatures", 0, "claim", "digest", to="x"),
    "a time that is none": _set("time", "reference", to="today"),
    "a signature's time that is none": _set("images", 0, "signatures", 0, "created", to="1970"),
    "a threshold that is true": _set("images", 0, "threshold", to=True),
    "a name that is a number": _set("images", 0, "signatures", 0, "maintainer", to=3),
    "images as an object": _set("images", to={}),
    "an image that is a string": _set("images", 0, to="x"),
}


class TestRefusedText:
    @pytest.mark.parametrize("name", WRONG)
    def test_documents(self, printed: dict[str, Any], name: str) -> None:
        document = copy.deepcopy(printed)
        WRONG[name](document)
        with pytest.raises(FormatError) as caught:
            parse_verdict(encoded(document), "here")
        assert caught.value.kind == "document-invalid"
        assert caught.value.message.startswith("here: ")

    @pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"schema":"a","schema":"a"}', b"\xff", b"null"])
    def test_bytes(self, data: bytes) -> None:
        with pytest.raises(FormatError, match="verdict: "):
            parse_verdict(data)

    def test_too_much(self) -> None:
        with pytest.raises(FormatError) as caught:
            parse_verdict(b" " * (LIMITS.bundle_manifest + 1))
        assert caught.value.kind == "limit-exceeded"

    @pytest.mark.parametrize(
        "change",
        [
            {"kind": "of-another-version"},
            {"code": "AG402"},
            {"schema": "airgap/error/v2"},
            {"facts": {"a": {}}},
            {"facts": {"a": 1.5}},
            {"more": 1},
        ],
    )
    def test_errors(self, printed: dict[str, Any], change: dict[str, Any]) -> None:
        document = {**printed, "accepted": False, "errors": [{**ERROR, **change}]}
        with pytest.raises(FormatError) as caught:
            parse_verdict(encoded(document))
        assert caught.value.kind == "document-invalid"

    def test_facts_are_data(self, printed: dict[str, Any]) -> None:
        """Also where one bears the name of an argument."""
        facts = {"hint": "x", "kind": "y", "message": "z"}
        document = {**printed, "accepted": False, "errors": [{**ERROR, "facts": facts}]}
        (error,) = parse_verdict(encoded(document)).errors
        assert (error.kind, error.message, error.hint, error.facts) == ("quorum-not-met", "m", "h", facts)

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(airgap.AirgapError) as caught:
            airgap.read_verdict(tmp_path / "none.json")
        assert caught.value.kind == "file-not-found"


@pytest.mark.parametrize("kind", KINDS)
def test_the_class_of_a_kind(kind: str) -> None:
    """tests/leaves/test_errors.py has the families by hand."""
    from tests.leaves.test_errors import FAMILIES

    numbers, status = FAMILIES[class_of(kind).__name__]
    assert KINDS[kind].number in numbers
    assert class_of(kind).exit_status == status


def test_it_costs_nothing_to_import() -> None:
    """Names are resolved on use."""
    import subprocess
    import sys

    code = (
        "import airgap, sys; print([name for name in sys.modules if name.startswith(('airgap.', 'pgpy', 'zstandard'))])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    assert issubclass(airgap.AirgapError, AirgapError)
