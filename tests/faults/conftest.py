"""The sites of the command line's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A fresh site with a trust root that asks for two."""
    site = Site(tmp_path)
    assert site.init().code == 0
    return site
