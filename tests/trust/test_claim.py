"""The signed claim has one strict reading, and a bounded set of spellings (TRUST rule 5)."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import forge
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.digest import Digest
from airgap.errors import AirgapError, UntrustedError
from airgap.limits import LIMITS
from airgap.openpgp.message import parse_signature_file
from airgap.reference import parse_reference, parse_repository
from airgap.trust.claim import DEFAULT_FORMATS, Claim, ClaimFormat, parse_claim, spellings

HEX = "0123456789abcdef" * 4
NAME = "docker.io/stagex/pallet"
ATOMIC: dict[str, Any] = {
    "critical": {
        "type": "atomic container signature",
        "image": {"docker-manifest-digest": f"sha256:{HEX}"},
        "identity": {"docker-reference": NAME},
    },
    "optional": {"creator": "podman 5.0", "timestamp": 1748736000},
}
LEGACY: dict[str, Any] = {
    "critical": {
        "identity": {"docker-reference": "stagex/pallet"},
        "image": {"docker-manifest-digest": HEX},
        "type": "pgp container image signature",
    },
    "optional": None,
}
Change = Callable[[dict[str, Any]], object]


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


def refused(payload: bytes, formats: Any = ClaimFormat) -> str:
    with pytest.raises(UntrustedError) as caught:
        parse_claim(payload, formats)
    assert caught.value.exit_status == 30
    return caught.value.kind


def test_atomic() -> None:
    assert parse_claim(encoded(ATOMIC), DEFAULT_FORMATS) == Claim(ClaimFormat.ATOMIC, NAME, Digest(HEX))


def test_legacy() -> None:
    found = parse_claim(encoded([LEGACY]), [ClaimFormat.STAGEX_LEGACY])
    assert found == Claim(ClaimFormat.STAGEX_LEGACY, "stagex/pallet", Digest(HEX))


def test_legacy_is_off_unless_it_is_allowed() -> None:
    assert DEFAULT_FORMATS == (ClaimFormat.ATOMIC,)
    assert refused(encoded([LEGACY]), DEFAULT_FORMATS) == "claim-format-not-allowed"
    assert refused(encoded(ATOMIC), [ClaimFormat.STAGEX_LEGACY]) == "claim-format-not-allowed"
    assert refused(encoded(ATOMIC), []) == "claim-format-not-allowed"


CHANGES: dict[str, Change] = {
    "no critical": lambda c: c.pop("critical"),
    "critical is null": lambda c: c.update(critical=None),
    "unknown member": lambda c: c.update(extra=1),
    "unknown critical member": lambda c: c["critical"].update(extra=1),
    "unknown image member": lambda c: c["critical"]["image"].update(extra=1),
    "unknown identity member": lambda c: c["critical"]["identity"].update(extra=1),
    "no type": lambda c: c["critical"].pop("type"),
    "no image": lambda c: c["critical"].pop("image"),
    "no identity": lambda c: c["critical"].pop("identity"),
    "another type": lambda c: c["critical"].update(type="cosign container image signature"),
    "type in capitals": lambda c: c["critical"].update(type=c["critical"]["type"].upper()),
    "type with a space": lambda c: c["critical"].update(type=c["critical"]["type"] + " "),
    "type is a list": lambda c: c["critical"].update(type=[c["critical"]["type"]]),
    "digest of another length": lambda c: c["critical"]["image"].update({"docker-manifest-digest": f"sha256:{HEX}0"}),
    "digest in capitals": lambda c: c["critical"]["image"].update({"docker-manifest-digest": HEX.upper()}),
    "digest is a path": lambda c: c["critical"]["image"].update({"docker-manifest-digest": "sha256:../.."}),
    "digest with a newline": lambda c: c["critical"]["image"].update(
        {"docker-manifest-digest": c["critical"]["image"]["docker-manifest-digest"] + "\n"}
    ),
    "empty digest": lambda c: c["critical"]["image"].update({"docker-manifest-digest": ""}),
    "digest is null": lambda c: c["critical"]["image"].update({"docker-manifest-digest": None}),
    "reference is a number": lambda c: c["critical"]["identity"].update({"docker-reference": 1}),
    "optional is a number": lambda c: c.update(optional=1),
    "optional is a list": lambda c: c.update(optional=[]),
    "creator is a number": lambda c: c.update(optional={"creator": 1}),
    "timestamp is text": lambda c: c.update(optional={"timestamp": "1"}),
    "timestamp is a fraction": lambda c: c.update(optional={"timestamp": 0.5}),
    "timestamp is true": lambda c: c.update(optional={"timestamp": True}),
    "timestamp is huge": lambda c: c.update(optional={"timestamp": 2**60}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("legacy", [False, True], ids=["atomic", "legacy"])
def test_malformed(change: Change, legacy: bool) -> None:
    value = copy.deepcopy(LEGACY if legacy else ATOMIC)
    change(value)
    assert refused(encoded([value] if legacy else value)) == "claim-malformed"


PAYLOADS: dict[str, bytes] = {
    "empty": b"",
    "text": b"hello",
    "number": b"1",
    "null": b"null",
    "empty array": b"[]",
    "two claims": encoded([LEGACY, LEGACY]),
    "atomic in an array": encoded([ATOMIC]),
    "legacy without its array": encoded(LEGACY),
    "array in an array": encoded([[LEGACY]]),
    "trailing": encoded(ATOMIC) + b"{}",
    "byte-order mark": b"\xef\xbb\xbf" + encoded(ATOMIC),
    "UTF-16": json.dumps(ATOMIC).encode("utf-16"),
    "duplicate critical": encoded(ATOMIC)[:-1] + b',"critical":' + encoded(ATOMIC["critical"]) + b"}",
    "duplicate digest": encoded(ATOMIC).replace(
        b'"docker-manifest-digest"', b'"docker-manifest-digest": "sha256:' + b"0" * 64 + b'", "docker-manifest-digest"'
    ),
    "deep": b"[" * 5000 + b"]" * 5000,
}


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_no_claim(payload: bytes) -> None:
    assert refused(payload) == "claim-malformed"


def test_jsn_10_a_claim_is_small() -> None:
    payload = encoded(ATOMIC | {"optional": {"x": "y" * LIMITS.claim}})
    assert refused(payload) == "claim-malformed"
    fits = encoded(ATOMIC)
    parse_claim(fits + b" " * (LIMITS.claim - len(fits)), DEFAULT_FORMATS)


@pytest.mark.parametrize("optional", [{}, None, {"creator": "x"}, {"timestamp": -1}, {"anything": [1, {"a": None}]}])
def test_optional_decides_nothing(optional: object) -> None:
    parse_claim(encoded(ATOMIC | {"optional": optional}), DEFAULT_FORMATS)
    value = copy.deepcopy(ATOMIC)
    value.pop("optional")
    parse_claim(encoded(value), DEFAULT_FORMATS)


def test_peers(peers: dict[str, Any]) -> None:
    wrong = []
    for row in peers["payload_json"]:
        try:
            parse_claim(row["json"].encode(), ClaimFormat)
            found = "accept"
        except AirgapError:
            found = "reject"
        if found != row["expect"]:
            wrong.append(row["why"])
    assert wrong == []


class TestIdentity:
    @pytest.mark.parametrize(
        ("reference", "identity"),
        [
            ("stagex/pallet", f"docker.io/stagex/pallet@sha256:{HEX}"),
            ("docker.io/stagex/pallet:1", "docker.io/stagex/pallet:1"),
            (f"quay.io/x@sha256:{'0' * 64}", f"quay.io/x@sha256:{'0' * 64}"),
            ("reference#@!", None),
            ("", None),
            ("a@sha512:x", None),
        ],
    )
    def test_what_is_compared(self, reference: str, identity: str | None) -> None:
        found = Claim(ClaimFormat.ATOMIC, reference, Digest(HEX)).identity
        assert (found and str(found)) == identity


def known(name: str, tag: str | None = None, formats: Any = ClaimFormat) -> list[bytes]:
    return list(spellings(parse_repository(name), tag, Digest(HEX), formats))


class TestSpellings:
    @pytest.mark.parametrize("name", [NAME, "stagex/pallet"])
    @pytest.mark.parametrize("ending", ["", "\n"])
    @pytest.mark.parametrize("optional", [{}, None, ...])
    @pytest.mark.parametrize("indent", [None, 2, 3, 4, "\t"])
    def test_what_tools_write(self, name: str, ending: str, optional: Any, indent: Any) -> None:
        """jq and python -m json.tool, compact and indented, with and without a newline."""
        value = copy.deepcopy(ATOMIC)
        value["critical"]["identity"]["docker-reference"] = name
        value["optional"] = optional
        if optional is ...:
            value.pop("optional")
        assert f"{json.dumps(value, indent=indent)}{ending}".encode() in known(NAME)
        compact = json.dumps(value, separators=(",", ":"))
        assert f"{compact}{ending}".encode() in known(NAME)
        assert f"{json.dumps(value, indent=indent, sort_keys=True)}{ending}".encode() in known(NAME)

    def test_podman(self) -> None:
        """podman and skopeo marshal compactly: Go sorts the members of a map."""
        payload = (
            f'{{"critical":{{"identity":{{"docker-reference":"{NAME}:1"}},"image":'
            f'{{"docker-manifest-digest":"sha256:{HEX}"}},"type":"atomic container signature"}},"optional":{{}}}}'
        )
        assert payload.encode() in known(NAME, "1")

    def test_containers_signature_5(self) -> None:
        """The example of the manual page, without what nobody can guess."""
        payload = f"""{{
    "critical": {{
        "type": "atomic container signature",
        "image": {{
            "docker-manifest-digest": "sha256:{HEX}"
        }},
        "identity": {{
            "docker-reference": "{NAME}:latest"
        }}
    }},
    "optional": {{}}
}}
"""
        assert payload.encode() in known(NAME, "latest")
        assert payload.encode() not in known(NAME)

    def test_innermost_objects_on_one_line(self) -> None:
        payload = f"""{{
  "critical": {{
    "identity": {{"docker-reference": "{NAME}"}},
    "image": {{"docker-manifest-digest": "sha256:{HEX}"}},
    "type": "atomic container signature"
  }},
  "optional": {{}}
}}
"""
        assert payload.encode() in known(NAME)

    def test_forge(self) -> None:
        assert forge.claim(NAME, f"sha256:{HEX}") in known(NAME)
        assert forge.claim("stagex/pallet", HEX, legacy=True) in known(NAME)
        assert forge.claim("stagex/pallet", HEX, legacy=True) not in known(NAME, None, DEFAULT_FORMATS)

    def test_stagex_files(self, stagex: Path) -> None:
        """Every published payload is a known spelling of its own claim."""
        unknown = []
        paths = sorted((stagex / "signatures").rglob("signature-*"))[::20]
        for path in paths:
            payload = parse_signature_file(path.read_bytes()).payload
            assert payload is not None
            try:
                claim = parse_claim(payload, [ClaimFormat.STAGEX_LEGACY])
            except UntrustedError:
                unknown.append(path)  # one folder has an empty digest, as published
                continue
            assert claim.identity is not None
            if payload not in spellings(claim.identity.repository, None, claim.digest, [claim.format]):
                unknown.append(path)
        assert len(paths) > 100
        assert len(unknown) <= 1

    @given(st.sampled_from([NAME, "quay.io/a/b", "docker.io/library/busybox"]), st.none() | st.just("v1"))
    def test_every_spelling_is_a_claim_of_this_image(self, name: str, tag: str | None) -> None:
        found = known(name, tag)
        assert len(found) == len(set(found)) < 2000
        for payload in found:
            claim = parse_claim(payload, ClaimFormat)
            assert claim.digest == Digest(HEX)
            assert claim.identity is not None
            assert claim.identity.repository == parse_repository(name)
            assert claim.identity.tag in {None, tag}

    def test_nothing_for_no_format(self) -> None:
        assert known(NAME, None, []) == []


@given(st.text(max_size=30), st.booleans())
def test_round_trip_of_any_reference(reference: str, legacy: bool) -> None:
    payload = forge.claim(reference, f"sha256:{HEX}", legacy=legacy)
    claim = parse_claim(payload, ClaimFormat)
    assert (claim.reference, claim.digest) == (reference, Digest(HEX))
    if claim.identity is not None:
        parse_reference(str(claim.identity))


@given(st.binary(max_size=60))
def test_any_bytes_are_a_claim_or_a_typed_refusal(data: bytes) -> None:
    with pytest.raises(UntrustedError):
        parse_claim(data, ClaimFormat)


@given(st.data())
def test_no_byte_of_a_claim_is_idle(data: st.DataObject) -> None:
    """A byte of the compact claim replaced: refused, or another claim, or only ``optional`` is another."""
    payload = bytearray(json.dumps(ATOMIC, separators=(",", ":")).encode())
    critical = payload.index(b',"optional"')
    payload[data.draw(st.integers(0, critical - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = parse_claim(bytes(payload), ClaimFormat)
    except UntrustedError:
        return
    assert found != parse_claim(encoded(ATOMIC), ClaimFormat)
