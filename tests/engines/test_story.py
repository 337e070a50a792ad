"""docs/story.md happens as it is told, and a refusal in it leaves everything as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.site import snapshot
from tests.engines.told import blocks, stage_in, tell

pytestmark = pytest.mark.engines


def test_it_happens_as_it_is_told(tmp_path: Path) -> None:
    told = list(blocks("story.md"))
    assert len(told) == 11
    with stage_in(tmp_path) as stage:
        trust, store, log = (tmp_path / "offline" / name for name in ("trust", "store", "trust/audit.log"))
        for block in told:
            before = snapshot(trust, store)
            entries = log.read_bytes() if log.exists() else b""
            tell(stage, block)
            assert log.read_bytes().startswith(entries)
            if block.status:  # a refusal changes nothing, and is told of
                after = snapshot(trust, store)
                assert {**after, str(log): b""} == {**before, str(log): b""}
                added = log.read_bytes()[len(entries) :].splitlines()
                assert len(added) == ("import" in block.commands)
    records = [json.loads(line.partition(b" ")[2]) for line in log.read_bytes().splitlines()]
    assert [record["event"] for record in records].count("import") == 5
