"""What all tests share: how Hypothesis runs on a machine that may be busy, and where the corpus is.

The corpus is data of public origin beside this repository, not in it; tests that need it skip where it is absent.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.corpus import CORPUS, WHY_NOT
from tests.tally import Tally

settings.register_profile("airgap", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("airgap")


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Tally:
    """Say how many of how many held, for the assurance table."""
    return Tally(record_property)


LONG = ("attacks", "bounds", "damage", "faults", "kit")  # folders that take minutes each


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name in LONG:
            item.add_marker(pytest.mark.long)


@pytest.fixture(scope="session")
def corpus() -> Path:
    if not CORPUS.is_dir():
        pytest.skip(WHY_NOT)  # also where skips are forbidden: it is not part of the project
    return CORPUS


@pytest.fixture(scope="session")
def peers(corpus: Path) -> dict[str, Any]:
    """containers/image's own tables (peers/fixtures.json)."""
    found: dict[str, Any] = json.loads((corpus / "peers" / "fixtures.json").read_bytes())
    return found


@pytest.fixture(scope="session")
def stagex(corpus: Path) -> Path:
    """StageX's own files."""
    return corpus / "stagex"


@pytest.fixture(scope="session")
def stagex_digests(stagex: Path) -> Path:
    """StageX's own digest lists."""
    return stagex / "digests"
