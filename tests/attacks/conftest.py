"""Labs for the attacks; and the ids that a test bears, where reports can see them."""

from __future__ import annotations

import shutil
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
    lab = Lab(tmp_path_factory.mktemp("lab") / "lab")
    yield lab
    assert len(lab.site.log()) == len(lab.log())
    assert run("log", "verify", "--trust", lab.site.trust).code == 0


@pytest.fixture(scope="session")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a lab, to be copied: making one takes longer than most attacks."""
    return Lab(tmp_path_factory.mktemp("untouched") / "lab").site.folder


@pytest.fixture
def fresh(untouched: Path, tmp_path: Path) -> Lab:
    """One to be spoiled."""
    shutil.copytree(untouched, tmp_path / "lab")
    return Lab(tmp_path / "lab")
