"""The published JSON Schemas: one for each document, and each as strict as it looks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.schemas import SCHEMAS, check, published
from tests.cli.site import ROOT, Site, run

PARTS = {"signature"}  # of other documents


def test_each_document_has_a_schema_and_each_schema_a_document() -> None:
    words = [path.read_text() for path in (ROOT / "airgap" / "report").rglob("*.py")]
    written = {name for text in words for name in re.findall(r'"airgap/([a-z-]+)/v1"', text)}
    assert len(written) > 20
    files = {path.name.removesuffix("-v1.schema.json") for path in SCHEMAS.glob("*.json")}
    assert files == written | PARTS | {"in-toto-vsa"}


def test_names() -> None:
    for path in SCHEMAS.glob("*.json"):
        schema = json.loads(path.read_bytes())
        assert schema["$id"] == f"airgap:schemas/{path.name.removesuffix('.schema.json')}"


def objects(schema: Any) -> Any:
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("type") == "object":
            yield schema
        for one in schema.values():
            yield from objects(one)
    elif isinstance(schema, list):
        for one in schema:
            yield from objects(one)


def test_objects_of_ours_are_closed() -> None:
    """Save entries of the log, which are what an older or newer airgap wrote."""
    for id_, schema in published().items():
        if "in-toto" not in id_ and not id_.endswith("/log-v1"):
            assert all(one["additionalProperties"] is False for one in objects(schema)), id_


def test_what_is_not_as_the_schema_says(carried: Site) -> None:
    found = carried.verify().json
    check(found, "airgap:schemas/verdict-v1")
    changes: list[dict[str, object]] = [{"more": 1}, {"accepted": "yes"}, {"bundle": {}}, {"images": [{}]}]
    for change in changes:
        with pytest.raises(AssertionError):
            check(found | change, "airgap:schemas/verdict-v1")


def test_a_receipt(site: Site) -> None:
    from tests.cli.site import RUST, sample

    assert site.export(site.image(RUST, sample(), "anna", "bert")).code == 0
    path = Path(site.folder / "receipt")
    assert site.import_("--receipt", path).code == 0
    check(json.loads(path.read_bytes()), "airgap:schemas/receipt-v1")


def test_the_trust_root(carried: Site) -> None:
    check(run("trust", "show", "--trust", carried.trust, "--format", "json").json, "airgap:schemas/trust-v1")
