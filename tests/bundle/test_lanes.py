"""Blobs hashed beside each other: each in order, the first error stops all."""

from __future__ import annotations

import hashlib
import threading
import time

import pytest

from airgap.bundle.lanes import Lanes


@pytest.mark.parametrize("jobs", [-1, 0, 1, 3, 100])
def test_every_blob_has_its_own_digest(jobs: int) -> None:
    found: dict[int, str] = {}
    written: dict[int, bytes] = dict.fromkeys(range(20), b"")
    lanes = Lanes(jobs)
    expected = {}
    for number in range(20):

        def write(piece: memoryview, n: int = number) -> None:
            written[n] += bytes(piece)

        lane = lanes.open(hashlib.sha256(), write, lambda digest, n=number: found.__setitem__(n, digest))  # type: ignore[misc]
        content = [bytes([number, part]) * 10 for part in range(5)]
        for piece in content:
            lane.put(memoryview(piece))
        lane.finish()
        expected[number] = b"".join(content)
    lanes.join()
    assert written == expected
    assert found == {number: hashlib.sha256(data).hexdigest() for number, data in expected.items()}


def test_the_first_error_stops_the_work_of_all() -> None:
    lanes = Lanes(1)

    def fail(_: memoryview) -> None:
        raise KeyError("first")

    done: list[str] = []
    lane = lanes.open(hashlib.sha256(), fail, done.append)
    lane.put(memoryview(b"x"))

    def more() -> None:
        for _ in range(1000):
            lane.put(memoryview(b"y"))
            time.sleep(0.001)

    with pytest.raises(KeyError, match="first"):
        more()
    with pytest.raises(KeyError, match="first"):
        lane.finish()
    with pytest.raises(KeyError, match="first"):
        lanes.join()
    assert done == []


def test_work_that_waits_behind_an_error_is_dropped() -> None:
    lanes = Lanes(1)
    go = threading.Event()

    def fail(_: memoryview) -> None:
        go.wait(5)
        raise KeyError("first")

    done: list[str] = []
    lane = lanes.open(hashlib.sha256(), fail, done.append)
    lane.put(memoryview(b"x"))
    lane.finish()
    go.set()
    with pytest.raises(KeyError):
        lanes.join()
    assert done == []


def test_closing_twice_is_fine() -> None:
    before = threading.active_count()
    lanes = Lanes(4)
    lanes.join()
    lanes.close()
    assert threading.active_count() == before
