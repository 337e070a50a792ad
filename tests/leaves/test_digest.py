"""One spelling of a digest, matched whole (attacks OCI-06, OCI-08, OCI-09)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.digest import Digest, digest_of, parse_digest, parse_hex_digest
from airgap.errors import FormatError

HEX = "0123456789abcdef" * 4

REFUSED = {
    "OCI-06 traversal": "sha256:../../../../etc/passwd",
    "OCI-06 no digits": "sha256:",
    "OCI-06 empty": "",
    "OCI-06 no colon": "sha256",
    "OCI-06 NUL": f"sha256:{HEX}\0",
    "OCI-06 newline": f"sha256:{HEX}\n",
    "OCI-06 space in front": f" sha256:{HEX}",
    "OCI-06 space behind the colon": f"sha256: {HEX}",
    "OCI-06 capitals": f"sha256:{HEX.upper()}",
    "OCI-06 algorithm in capitals": f"SHA256:{HEX}",
    "OCI-06 63 digits": f"sha256:{HEX[:-1]}",
    "OCI-06 65 digits": f"sha256:{HEX}0",
    "OCI-06 full-width digits": f"sha256:{HEX[:-1]}０",
    "OCI-06 two colons": f"sha256::{HEX}",
    "OCI-06 no algorithm": f":{HEX}",
    "bare": HEX,
    "OCI-08 md5": f"md5:{HEX[:32]}",
    "OCI-08 sha1": f"sha1:{HEX[:40]}",
    "OCI-08 sha384": f"sha384:{HEX}{HEX[:32]}",
    "OCI-08 blake3": f"blake3:{HEX}",
    "OCI-08 base64": "sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564",
    "OCI-09 sha512": f"sha512:{HEX}{HEX}",
    "OCI-09 sha512 of sha256's length": f"sha512:{HEX}",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_refused(text: str) -> None:
    with pytest.raises(FormatError, match="here: ") as caught:
        parse_digest(text, "here")
    assert (caught.value.kind, caught.value.exit_status) == ("digest-invalid", 10)
    assert caught.value.facts["found"] == text[:100]


@pytest.mark.parametrize("text", [f"sha256:{HEX}", HEX[:-1], f"{HEX}0", HEX.upper(), f"{HEX}\n", "", "x" * 64])
def test_bare_hex_is_64_digits_and_nothing_else(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_hex_digest(text, "here")
    assert caught.value.kind == "digest-invalid"


@pytest.mark.parametrize("parse", [parse_digest, parse_hex_digest])
def test_a_flood_is_cut(parse: Callable[[str, str], Digest]) -> None:
    with pytest.raises(FormatError) as caught:
        parse("a" * 10_000, "here")
    assert len(caught.value.message) < 200


@given(st.binary(max_size=200))
def test_round_trip(data: bytes) -> None:
    digest = digest_of(data)
    assert digest.hex == hashlib.sha256(data).hexdigest()
    assert parse_digest(str(digest), "x") == digest == parse_hex_digest(digest.hex, "x")
    assert digest.short.startswith(str(digest)[:19])


@given(st.text(max_size=80))
def test_no_second_spelling(text: str) -> None:
    try:
        digest = parse_digest(text, "x")
    except FormatError:
        return
    assert str(digest) == text


@pytest.mark.parametrize("text", ["", HEX.upper(), f"sha256:{HEX}", f"{HEX}\n"])
def test_a_digest_is_not_made_by_hand(text: str) -> None:
    with pytest.raises(ValueError, match="parse_digest"):
        Digest(text)
