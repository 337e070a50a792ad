"""docs/howto/: each guide run as it stands, in a folder of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.site import ROOT
from tests.engines.conftest import require
from tests.engines.told import blocks, stage_in, tell

pytestmark = pytest.mark.engines

FOLDER = ROOT / "docs" / "howto"
GUIDES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_it_happens_as_it_is_told(guide: Path, tmp_path: Path) -> None:
    require("jq")
    told = list(blocks(f"howto/{guide.name}"))
    assert told
    with stage_in(tmp_path) as stage:
        for block in told:
            tell(stage, block)


def test_the_list_names_all() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\(([a-z-]+\.md)\)", text)
    assert sorted(set(re.findall(r"\]\(([a-z-]+\.md)\)", text))) == [path.name for path in GUIDES]


def test_systemd_takes_the_units_of_the_diode(tmp_path: Path) -> None:
    """systemd-analyze judges the files as they are in the guide; only the program's path is one that is here."""
    require("systemd-analyze")
    text = (FOLDER / "data-diode.md").read_text(encoding="utf-8")
    units = dict(re.findall(r"`/etc/systemd/system/([\w.-]+)`[^`]*```ini\n(.*?)```", text, re.DOTALL))
    assert sorted(units) == ["airgap-import.path", "airgap-import.service"]
    for name, unit in units.items():
        (tmp_path / name).write_text(unit.replace("/usr/local/sbin/airgap-import", str(shutil.which("true"))))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
