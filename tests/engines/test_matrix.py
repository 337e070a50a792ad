"""docs/engines.md has the table that the tests of the targets assert; and the target that needs no engine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.contract import check_verdict
from tests.cli.site import RUST, Site, blobs, index
from tests.engines.matrix import FORMS, MANIFEST, OCI, WITH_REFERRERS, carry, reported, table

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "engines.md"


def test_the_document() -> None:
    (found,) = re.findall(r"^\| form of the image .*(?:\n\|.*)*", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert found == table(), f"put this table into docs/engines.md:\n{table()}"


@pytest.mark.parametrize("form", FORMS)
def test_a_layout(form: str, tmp_path: Path) -> None:
    site = Site(tmp_path / "site")
    assert site.init().code == 0
    found = carry(site, form)
    result = site.import_()
    assert result.code == 0, result
    check_verdict(result.json, 0)
    (row,) = result.json["loaded"]
    assert (row["identity"], row["reported"]) == ("manifest", found.digest)
    assert reported(form, OCI) == MANIFEST
    assert index(site.out) == {RUST: found.digest}
    assert blobs(site.out) == found.blobs
    assert bool(result.json["images"][0]["referrers"]) == (form == WITH_REFERRERS)
