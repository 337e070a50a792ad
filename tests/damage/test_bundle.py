"""A bundle that is damaged in one place, in every place (attacks CON-01, CON-02; R1)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from airgap.bundle import frames
from airgap.bundle.format import FRAME_SIZE
from airgap.bundle.partset import open_bundle
from airgap.examiner import Examination, Job
from airgap.importer import examine_bundle
from airgap.progress import Silent
from airgap.report.documents.verdict import verdict_document
from tests.bundle.parts import cut
from tests.bundle.simulator import NOW, encode, entries, examine, frame_list, sample, stream, trust
from tests.damage.damages import KINDS, endure
from tests.tally import Tally

EVERY = [False, pytest.param(True, marks=pytest.mark.exhaustive)]


def verdict(examination: Examination) -> str:
    """The document that a user gets. Raises the error of a refusal, so that it is counted by kind."""
    if not examination.accepted:
        raise examination.errors[0]
    return json.dumps(verdict_document(examination, trust(), NOW), sort_keys=True)


@pytest.fixture(scope="session")
def accepted() -> str:
    return verdict(examine(encode(sample())))


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("kind", KINDS)
def test_file(tally: Tally, accepted: str, kind: str, every: bool) -> None:
    """The whole procedure of verify. What zstd calls the same is accepted with the same verdict, or not at all."""
    good = encode(sample())
    assert len(good) < 4096
    outcomes = endure(tally, "R1", "bundle", good, kind, lambda data: verdict(examine(data)), accepted, every=every)
    if kind != "bit flipped":
        assert sum(outcomes.values()) >= 150, "only a flip may be without effect"


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("kind", KINDS)
def test_archive_in_good_frames(tally: Tally, accepted: str, kind: str, every: bool) -> None:
    """Damage that came before compression: no checksum of a frame can see it, and every byte is predicted."""
    good = stream(entries(sample()))

    def judge(data: bytes) -> str:
        frame = frames.compress(data, 1)
        return verdict(examine(frame + frames.seek_table([(len(frame), len(data))])))

    # A prediction compares bytes: of each byte one bit is enough, and of what shifts all that follows one in eight.
    spared = (lambda place: place % 8 != place // 8 % 8) if kind == "bit flipped" else (lambda place: place % 8 != 3)
    assert len(good) < FRAME_SIZE
    outcomes = endure(tally, "R1", "archive", good, kind, judge, accepted, every=every, spared=spared)
    assert outcomes


@cache
def parts() -> list[bytes]:
    """The sample in two parts, each with frames of its own."""
    found = frame_list(stream(entries(sample())), cuts=[6000, 9000])
    units = [*(frame for frame, _ in found), frames.seek_table([(len(frame), size) for frame, size in found])]
    return cut(units, sample().manifest.id, 2300)[0]


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [1, 2])
def test_part(tally: Tally, accepted: str, tmp_path: Path, number: int, kind: str, every: bool) -> None:
    paths = [tmp_path / f"b.airgap.tar.zst.{one:03d}" for one in (1, 2)]
    for path, data in zip(paths, parts(), strict=True):
        path.write_bytes(data)

    def judge(data: bytes) -> str:
        paths[number - 1].write_bytes(data)
        return verdict(examine_bundle(open_bundle([str(tmp_path)]), Job(trust(), NOW, 1, Silent())))

    endure(tally, "R1", f"part {number}", parts()[number - 1], kind, judge, accepted, every=every)
