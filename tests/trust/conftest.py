"""Where the corpus is: data of public origin beside this repository, not in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"


@pytest.fixture(scope="session")
def peers() -> dict[str, Any]:
    """containers/image's own tables (peers/fixtures.json)."""
    path = CORPUS / "peers" / "fixtures.json"
    if not path.is_file():
        pytest.skip(f"no corpus beside this repository ({CORPUS})")
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


@pytest.fixture(scope="session")
def stagex() -> Path:
    """StageX's own files."""
    path = CORPUS / "stagex"
    if not path.is_dir():
        pytest.skip(f"no corpus beside this repository ({CORPUS})")
    return path
