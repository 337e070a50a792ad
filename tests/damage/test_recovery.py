"""A recovery record that is damaged is not used: what is made whole is the very bundle, or nothing (R1)."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from airgap.bundle.recovery import parse_record
from airgap.errors import FormatError, IntegrityError
from tests.bundle.mending import NAME, Kit, kit, mend
from tests.bundle.simulator import large_sample
from tests.damage.damages import KINDS, SEED, damaged, endure, places
from tests.damage.test_bundle import EVERY
from tests.tally import Tally

MENDS = 40


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return kit(tmp_path_factory.mktemp("recovery"), large_sample(64 * 1024), 50, 20_000)


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("kind", KINDS)
def test_record(tally: Tally, made: Kit, kind: str, every: bool) -> None:
    """One record alone, header and block."""
    data = made.recovery_paths[0].read_bytes()[: made.layout.record_size]
    assert parse_record(data) is not None

    def judge(hostile: bytes) -> str:
        found = parse_record(hostile)
        if found is None:
            raise IntegrityError("recovery-damaged", "the record is no record")
        return repr(found)

    endure(tally, "R1", "recovery record", data, kind, judge, repr(parse_record(data)), every=every)


@pytest.mark.parametrize("kind", KINDS)
def test_mending(tally: Tally, made: Kit, tmp_path: Path, kind: str) -> None:
    """A damaged recovery file and a damaged bundle: the same bytes come out, or a typed error and no file."""
    chance = random.Random(f"{SEED} {kind}")
    whole = made.recovery_paths[0].read_bytes()
    ends = {"repaired": 0, "refused": 0}
    for number in range(MENDS):
        folder = tmp_path / str(number)
        folder.mkdir()
        spoilt = bytearray(made.data)
        spoilt[chance.randrange(len(spoilt))] ^= 0xFF
        (folder / NAME).write_bytes(spoilt)
        (folder / made.recovery_paths[0].name).write_bytes(
            damaged(whole, kind, chance.choice(places(len(whole), kind)))
        )
        for path in made.recovery_paths[1:]:
            (folder / path.name).write_bytes(path.read_bytes())
        output = tmp_path / f"{number}.out"
        try:
            mend(output, folder)
        except (FormatError, IntegrityError):
            ends["refused"] += 1
            assert not output.exists()
        else:
            ends["repaired"] += 1
            assert output.read_bytes() == made.data
    tally("R1", f"bundle and recovery file, {kind}", MENDS, MENDS, f"{ends['repaired']} repaired to the same bytes")
