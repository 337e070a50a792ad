"""A proof cannot be made by hand."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from airgap import verify
from airgap.openpgp import verifier
from airgap.seal import Seal

PROOFS: list[Any] = [
    verify.BlobReceipt,
    verify.ApprovedImage,
    verify.VerifiedImage,
    verify.LoadedImage,
    verifier.GoodSignature,
]


@pytest.mark.parametrize("proof", PROOFS)
@pytest.mark.parametrize("seal", [None, object(), Seal("x"), True, 0], ids=["none", "object", "other", "true", "zero"])
def test_no_proof_is_made_by_hand(proof: Any, seal: object) -> None:
    values: dict[str, object] = {field.name: None for field in dataclasses.fields(proof)}
    with pytest.raises(TypeError, match="never by hand"):
        proof(**(values | {"seal": seal}))


@pytest.mark.parametrize("proof", PROOFS)
def test_a_proof_cannot_be_changed(proof: Any) -> None:
    parameters = proof.__dataclass_params__
    assert parameters.frozen
    assert "seal" in {field.name for field in dataclasses.fields(proof)}


def test_every_seal_is_its_own() -> None:
    seal = Seal("Thing")
    seal.require(seal)
    with pytest.raises(TypeError, match="Thing is made by verification only"):
        seal.require(Seal("Thing"))


def test_the_type_itself_is_no_seal() -> None:
    with pytest.raises(TypeError):
        verify.BlobReceipt(None, 0, Seal)  # type: ignore[arg-type]  # what a careless caller might try
