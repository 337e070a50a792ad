"""bundles/FORMAT.md says what the code does: its tables, and the sample beside it."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from pathlib import Path

import pytest
import zstandard

from airgap.bundle import format as constants
from airgap.bundle.volumes import PRESETS, VOLUME_MIN
from airgap.limits import LIMITS

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "bundles" / "FORMAT.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| ([0-9a-f]+) \|", TEXT, re.MULTILINE)


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize(("name", "value"), [row for row in ROWS if row[0].isupper()])
def test_constant_is_the_one_in_the_code(name: str, value: str) -> None:
    expected = f"{constants.TAR_MODE:04o}" if name == "TAR_MODE" else _shown(getattr(constants, name))
    assert value == expected


def test_every_numeric_constant_is_documented() -> None:
    prefixes = ("ABSENT_", "TAR_", "FRAME_", "BLOCK_", "CHECKSUM_", "SEEK_", "PART", "RECOVERY_")
    named = {name for name in vars(constants) if name.startswith(prefixes)}
    assert named == {name for name, _ in ROWS if name.isupper()}


def test_presets_are_those_in_the_code_and_all_of_them() -> None:
    documented = dict(re.findall(r"^\| `([a-z0-9-]+)` \| ([0-9 ]+) \| [^|]+ \|$", TEXT, re.MULTILINE))
    assert {name: int(size.replace(" ", "")) for name, size in documented.items() if name in PRESETS} == PRESETS
    assert f"{VOLUME_MIN} bytes" in TEXT


def test_fields_of_labels_and_records_are_those_of_the_code() -> None:
    """Offsets and sizes of each table add up to the struct that is packed."""
    for title, size in (
        ("opening label", constants.PART_OPENING_SIZE),
        ("closing label", constants.PART_CLOSING_SIZE),
        ("record header", constants.RECOVERY_HEADER_SIZE),
    ):
        table = TEXT.split(f"| {title} | offset | size | content |", 1)[1].split("\n\n", 1)[0]
        rows = [
            (int(at), int(length)) for at, length in re.findall(r"^\| [^|]+ \| (\d+) \| (\d+) \|", table, re.MULTILINE)
        ]
        assert [at for at, _ in rows] == [sum(length for _, length in rows[:number]) for number in range(len(rows))]
        assert sum(length for _, length in rows) == size


def test_limits_are_those_in_the_code_and_all_of_them() -> None:
    documented = {name: int(value) for name, value in ROWS if name.islower() and name not in PRESETS}
    assert documented == dataclasses.asdict(LIMITS)


def test_format_name_is_documented() -> None:
    assert f"`{constants.FORMAT}`" in TEXT


def test_sample_bundle_is_made_again_bit_for_bit(tmp_path: Path) -> None:
    made = tmp_path / "sample"
    subprocess.run([ROOT / "scripts" / "make-sample", made], check=True, capture_output=True)
    kept = ROOT / "bundles" / "sample"
    names = sorted(str(path.relative_to(kept)) for path in kept.rglob("*") if path.is_file())
    assert names == sorted(str(path.relative_to(made)) for path in made.rglob("*") if path.is_file())
    for name in names:
        ours, theirs = (kept / name).read_bytes(), (made / name).read_bytes()
        if name.endswith(".zst"):
            ours, theirs = _unpacked(ours), _unpacked(theirs)
        elif name.endswith(".sha256"):
            continue
        assert ours == theirs, name


def test_compressed_sample_is_the_same_where_the_compressor_is(tmp_path: Path) -> None:
    """The id never depends on the compressor; the file may, between versions of zstd."""
    made = tmp_path / "sample"
    subprocess.run([ROOT / "scripts" / "make-sample", made], check=True, capture_output=True)
    kept = ROOT / "bundles" / "sample"
    same = (kept / "sample.airgap.tar.zst").read_bytes() == (made / "sample.airgap.tar.zst").read_bytes()
    assert same or zstandard.ZSTD_VERSION != (1, 5, 7)


def _unpacked(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
