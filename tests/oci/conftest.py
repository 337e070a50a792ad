"""Where the corpus is: data of public origin beside this repository, not in it."""

from __future__ import annotations

from pathlib import Path

import pytest

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"


@pytest.fixture(scope="session")
def stagex_digests() -> Path:
    """StageX's own digest lists."""
    path = CORPUS / "stagex" / "digests"
    if not path.is_dir():
        pytest.skip(f"no corpus beside this repository ({CORPUS})")
    return path
