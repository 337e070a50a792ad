"""That the catalogue is complete, that the simulator makes what the exporter makes, and that the count can fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.attacks.catalogue import CATALOGUE, attack
from tests.attacks.lab import IMAGE, Lab
from tests.cli.site import RUST


def test_every_attack_of_the_corpus_is_in_it(corpus: Path) -> None:
    found = json.loads((corpus / "attacks.json").read_bytes())["attacks"]
    assert sorted(CATALOGUE) == sorted(one["id"] for one in found)


def test_an_id_that_is_none() -> None:
    with pytest.raises(ValueError, match="CON-99"):
        attack("CON-99")


def test_the_simulator_makes_what_the_exporter_makes(fresh: Lab) -> None:
    """So that whatever is refused is refused for its fault."""
    site = fresh.site
    assert site.export(site.image(RUST, IMAGE, "anna", "bert")).code == 0
    assert fresh.good().packed() == site.bundle.read_bytes()
    assert fresh.accepted(fresh.good()).json["images"][0]["signers"] == ["anna", "bert"]
