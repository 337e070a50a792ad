"""Damage on the medium, exhaustively over one small bundle (attacks CON-01, CON-02)."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airgap.errors import AirgapError, FormatError, IntegrityError
from tests.bundle.simulator import Bundle, Whole, encode, examine, read_through, refusal, refused, sample

STRIDE = 11  # coprime to 8: over time every bit of a byte comes up


def outcome(data: bytes) -> AirgapError | None:
    """How the carrier refuses; None if it is read as the very same bundle, which zstd sometimes allows.

    A frame has bits without meaning (RFC 8878 reserves some, and some headers have several spellings). A flip that
    changes no byte of the content is no damage; one that does and is not noticed fails the test.
    """
    try:
        found = read_through(data)
    except (FormatError, IntegrityError) as error:
        return error
    assert found == (sample().manifest.id, dict(sample().content))
    return None


def count(name: str, outcomes: Counter[str]) -> None:
    print(f"\n{name}: {sum(outcomes.values())} cases: {dict(outcomes.most_common())}")


def test_con_01_cut_at_every_byte(good: bytes) -> None:
    """Only a bundle cut to nothing is no bundle; all others are damaged ones."""
    outcomes: Counter[str] = Counter()
    for length in range(len(good)):
        error = outcome(good[:length])
        assert error is not None, length
        assert error.exit_status == (20 if length else 10), (length, error)
        outcomes[error.kind] += 1
    count("cut", outcomes)


def test_con_01_the_whole_procedure_says_the_same(good: bytes) -> None:
    for length in [0, 1, 3, 4, 5, 8, 9, 100, len(good) // 2, len(good) - 26, len(good) - 25, len(good) - 1]:
        found = refused(good[:length])
        assert found[1] == (20 if length else 10)


def test_cut_bundles_of_several_frames(large: Bundle, large_good: bytes) -> None:
    for length in range(10, len(large_good), len(large_good) // 40):
        assert refusal(Whole(large_good[:length]), jobs=2).exit_status == 20


def flips(good: bytes, stride: int) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    for bit in range(0, len(good) * 8, stride):
        damaged = bytearray(good)
        damaged[bit // 8] ^= 1 << bit % 8
        error = outcome(bytes(damaged))
        outcomes["the same content" if error is None else error.kind] += 1
    return outcomes


def test_con_02_bits_flipped(good: bytes) -> None:
    outcomes = flips(good, STRIDE)
    count("flips", outcomes)
    assert outcomes["the same content"] <= len(good) * 8 // STRIDE // 100


@pytest.mark.slow
def test_con_02_every_bit_flipped(good: bytes) -> None:
    outcomes = flips(good, 1)
    count("every flip", outcomes)
    assert outcomes["the same content"] <= len(good) * 8 // 100


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_con_03_blocks_on_the_medium(data: st.DataObject) -> None:
    """Zeroed, doubled, swapped or foreign blocks of the file itself."""
    good = encode(sample())
    size = data.draw(st.sampled_from([1, 2, 16, 512]))
    one = data.draw(st.integers(0, len(good) - size))
    other = data.draw(st.integers(0, len(good) - size))
    damaged = bytearray(good)
    damaged[one : one + size] = data.draw(
        st.sampled_from([bytes(size), b"\xff" * size, good[other : other + size]])
        | st.binary(min_size=size, max_size=size)
    )
    if damaged != good:
        error = outcome(bytes(damaged))
        assert error is None or error.exit_status in {10, 20}


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=400))
def test_any_bytes_are_refused(data: bytes) -> None:
    for hostile in (data, encode(sample())[:4] + data, encode(sample())[:300] + data):
        examination = examine(hostile)
        assert not examination.accepted
        assert examination.errors[0].exit_status in {10, 20}
