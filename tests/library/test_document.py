"""docs/library.md is true: its examples print what they show."""

from __future__ import annotations

import doctest
import shutil
from pathlib import Path

import pytest

import airgap
from tests.cli.site import Site

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "library.md"


def test_examples(carried: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(carried.folder, tmp_path / "site")
    monkeypatch.chdir(tmp_path / "site")
    text = DOCUMENT.read_text(encoding="utf-8").replace("\n```\n", "\n\n")
    test = doctest.DocTestParser().get_doctest(text, {}, DOCUMENT.name, str(DOCUMENT), 0)
    assert len(test.examples) > 15
    told: list[str] = []
    assert doctest.DocTestRunner(verbose=False).run(test, out=told.append).failed == 0, "".join(told)


def test_it_names_all_that_is_public() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    functions = {name for name in airgap.__all__ if name[0].islower()}
    assert all(f"`{name}(" in text for name in functions)
    assert all(hasattr(airgap, name) for name in airgap.__all__)
