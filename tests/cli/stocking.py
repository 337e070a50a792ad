"""Bundles that are imported one after the other, for tests of what the offline machine remembers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forge import SIGNED

from tests.cli.contract import check_verdict
from tests.cli.site import AT, RUST, Result, Site, run, sample

DAY = 86_400  # seconds
TOOL = "docker.io/stagex/tool"


def bundle_of(site: Site, text: str, *who: str, created: int = SIGNED, name: str = RUST) -> Path:
    """A bundle of one image, signed by these people at a time."""
    output = site.folder / f"{text}.airgap.tar.zst"
    exported = site.export(site.image(name, sample(text), *who, created=created), output=output)
    assert exported.code == 0, exported
    return output


def seeded(folder: Path) -> Site:
    """A site whose store and layout hold an image: whatever is refused must leave both."""
    site = Site(folder)
    assert site.init().code == 0
    before = folder / "before.airgap.tar.zst"
    source = site.image("docker.io/stagex/before", sample("before"), "carl", "dora")
    assert site.export(source, output=before).code == 0
    assert site.import_(bundle=before).code == 0
    return site


def into_store(site: Site, bundle: Path, *arguments: object) -> Result:
    """An import that loads nowhere: a layout, as a target, would keep another image from taking a name."""
    places = ["--trust", site.trust, "--store", site.store]
    return run("import", bundle, *places, "--at", AT, "--format", "json", *arguments)


def accepted(site: Site, bundle: Path, *arguments: object) -> Any:
    result = into_store(site, bundle, *arguments)
    assert result.code == 0, result
    check_verdict(result.json, 0)
    return result.json
