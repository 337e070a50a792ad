"""The published JSON Schemas (docs/schemas) as a check of documents."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

SCHEMAS: Final = Path(__file__).resolve().parents[2] / "docs" / "schemas"


@cache
def published() -> dict[str, Any]:
    """Every schema by its id, itself valid."""
    found = {}
    for path in sorted(SCHEMAS.glob("*.json")):
        schema = json.loads(path.read_bytes())
        Draft202012Validator.check_schema(schema)
        found[schema["$id"]] = schema
    return found


@cache
def validator(id_: str) -> Draft202012Validator:
    registry: Any = Registry().with_resources((name, Resource.from_contents(one)) for name, one in published().items())
    return Draft202012Validator(published()[id_], registry=registry)


def check(document: Any, id_: str) -> None:
    """The document is as its schema says."""
    mistakes = [
        f"{'/'.join(map(str, one.absolute_path))}: {one.message}" for one in validator(id_).iter_errors(document)
    ]
    assert not mistakes, "\n".join(mistakes)
