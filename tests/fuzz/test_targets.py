"""A short, repeatable run of every fuzz target: seeds, damaged seeds, and what Hypothesis thinks of."""

from __future__ import annotations

import random

import pytest
from fuzzing import targets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airgap.errors import AirgapError
from tests.tally import Tally

ROUNDS = 300


@pytest.mark.parametrize("name", sorted(targets.TARGETS))
def test_damaged_seeds_raise_typed_errors_only(tally: Tally, name: str) -> None:
    chance = random.Random(name)
    tried = 0
    for seed in targets.seeds(name):
        targets.run(name, seed)
        for _ in range(ROUNDS // len(targets.seeds(name))):
            targets.run(name, _damaged(bytearray(seed), chance))
            tried += 1
    tally("R8", f"damaged inputs: {name}", tried, tried)


@pytest.mark.parametrize("name", sorted(targets.TARGETS))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=400))
def test_any_bytes_raise_typed_errors_only(name: str, data: bytes) -> None:
    targets.run(name, data)


def test_every_good_signature_seed_is_accepted() -> None:
    for seed in targets.seeds("signature-file"):
        targets.signature_file(seed)


def _damaged(data: bytearray, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                del data[at : at + chance.randint(1, 8)]
            case 2:
                data[at:at] = chance.randbytes(chance.randint(1, 8))
            case _:
                piece = data[at : at + chance.randint(1, 64)]
                data[at:at] = piece
    return bytes(data)


@pytest.mark.parametrize("name", sorted(targets.TARGETS))
def test_there_is_a_good_seed(name: str) -> None:
    """Or the target would be stopped at its door, and nothing behind it fuzzed."""

    def is_accepted(seed: bytes) -> bool:
        try:
            targets.TARGETS[name](seed)
        except AirgapError:
            return False
        return True

    assert any(map(is_accepted, targets.seeds(name)))
