"""Any machine with zstd and tar opens the parts of a bundle without airgap."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.bundle.parts import cut, units
from tests.bundle.simulator import encode, large_sample
from tests.engines.tools import Tools

NAME = "rust.airgap.tar.zst"


def test_cat_zstd_tar(tools: Tools, tmp_path: Path) -> None:
    tools.require("zstd", "tar")
    bundle = large_sample(20 * 1024 * 1024)
    (tmp_path / NAME).write_bytes(encode(bundle))
    parts, _ = cut(units(bundle), bundle.manifest.id)
    for number, data in enumerate(parts, 1):
        (tmp_path / f"{NAME}.{number:03d}").write_bytes(data)
    (tmp_path / f"{NAME}.parts.sha256").write_text("not a part")
    (tmp_path / f"{NAME}.rec.001").write_text("not a part")
    assert len(parts) == 3
    listed = _run(f"cat {NAME}.0* | zstd -d | tar t", tmp_path)
    assert listed == _run(f"zstd -d < {NAME} | tar t", tmp_path)
    assert listed.decode().split() == ["bundle.json", *bundle.paths]
    for number in range(1, len(parts) + 1):
        _run(f"zstd -t -q < {NAME}.{number:03d}", tmp_path)


def _run(line: str, folder: Path) -> bytes:
    return subprocess.run(["bash", "-o", "pipefail", "-c", line], cwd=folder, check=True, capture_output=True).stdout
