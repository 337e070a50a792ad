"""Labs for the attacks; and the ids that a test bears, where reports can see them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.lab import Lab
from tests.cli.site import run


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.user_properties += [("attack", mark.args[0]) for mark in item.iter_markers("attack")]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One for all: every attack on it leaves it as it was, and a log of them all whose chain is whole."""
    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    assert len(lab.site.log()) == len(lab.log())
    assert run("log", "verify", "--trust", lab.site.trust).code == 0


@pytest.fixture
def fresh(tmp_path: Path) -> Lab:
    """One to be spoiled."""
    return Lab(tmp_path / "lab")
