"""CONTRIBUTING.md says where everything is: all of it, and nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HIDDEN = {"__init__.py", "__main__.py", "py.typed"}


def test_the_table_names_what_there_is() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text[text.index("| where | what |") :].split("\n\n")[0]
    named = set(re.findall(r"`([a-z_]+(?:\.py|/))`", table))
    there = {path.name for path in (ROOT / "airgap").glob("*.py")} - HIDDEN
    there |= {f"{path.parent.name}/" for path in (ROOT / "airgap").glob("*/__init__.py")}
    assert there <= named
    assert named - there <= {"client.py", "_pgpy.py"}, "what alone imports something"
