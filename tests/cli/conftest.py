"""Sites for the tests of the command line. Those of a whole session are read, and never written to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.site import RUST, Site, heavy, sample
from tests.cli.stocking import seeded


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A fresh site with a trust root that asks for two."""
    site = Site(tmp_path)
    assert site.init().code == 0
    return site


@pytest.fixture(scope="session")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Two images, a bundle of them, and a store and a layout that hold a third: whatever is refused must leave both."""
    site = seeded(tmp_path_factory.mktemp("carried"))
    digests = site.folder / "pallet.txt"
    rust, other = sample("rust"), sample("other", compression="none")
    digests.write_text(f"{rust.digest.removeprefix('sha256:')} pallet-rust\n")
    sources = [
        site.image(RUST, rust, "anna", "bert", "carl", "dora"),
        site.image("docker.io/stagex/other:1.0", other, "anna", "dora"),
    ]
    assert site.export(*sources, "--digests", digests).code == 0
    return site


@pytest.fixture(scope="session")
def bulky(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """One image of several frames, and a store and a layout as above."""
    site = seeded(tmp_path_factory.mktemp("bulky"))
    assert site.export(site.image(RUST, heavy(), "anna", "bert")).code == 0
    return site
