"""Every refusal has one published kind, code and exit status (CONTRACT §2)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import airgap
from airgap import errors
from airgap.errors import KINDS, AirgapError, FormatError, IntegrityError, RollbackError, UntrustedError, gravest

PACKAGE = Path(airgap.__file__).parent

# Numbers of the kinds that a class may carry: the family of its exit status.
FAMILIES: dict[str, tuple[range, int]] = {
    "AirgapError": (range(0, 1), 1),
    "UsageError": (range(1, 2), 2),
    "Interrupted": (range(2, 3), 130),
    "FormatError": (range(100, 200), 10),
    "IntegrityError": (range(200, 300), 20),
    "OpenPGPError": (range(300, 400), 30),
    "UntrustedError": (range(400, 420), 30),
    "TrustRootError": (range(420, 440), 40),
    "RollbackError": (range(440, 460), 41),
    "SourceError": (range(500, 600), 50),
    "EngineError": (range(600, 700), 60),
    "HostError": (range(700, 800), 70),
}
CLASSES: dict[str, type[AirgapError]] = {
    name: value for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, AirgapError)
}


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if path != PACKAGE / "errors.py":
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def made() -> Iterator[tuple[str, str, str]]:
    """(place, class, kind) of every error that the package makes under a literal kind."""
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args:
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                kind = node.args[0]
                if name in CLASSES and isinstance(kind, ast.Constant):
                    yield f"{path.relative_to(PACKAGE)}:{node.lineno}", name, str(kind.value)


def test_every_class_has_the_exit_status_of_the_contract() -> None:
    assert {name: cls.exit_status for name, cls in CLASSES.items()} == {
        n: status for n, (_, status) in FAMILIES.items()
    }


def test_codes_are_unique_and_in_a_family() -> None:
    numbers = [kind.number for kind in KINDS.values()]
    assert len(set(numbers)) == len(numbers)
    assert [n for n in numbers if not any(n in family for family, _ in FAMILIES.values())] == []
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in KINDS)
    assert all(kind.hint for kind in KINDS.values())


def test_every_error_that_is_made_is_published_and_of_its_family() -> None:
    wrong = [(where, name, kind) for where, name, kind in made() if kind not in KINDS]
    assert wrong == []
    strange = [(w, n, k, KINDS[k].number) for w, n, k in made() if KINDS[k].number not in FAMILIES[n][0]]
    assert strange == []


def test_the_scan_sees_the_package() -> None:
    assert len(list(made())) > 100


def test_every_published_kind_is_used() -> None:
    used = {
        node.value
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert sorted(set(KINDS) - used) == []


@pytest.mark.parametrize("kind", KINDS)
def test_code_is_ag_and_three_digits(kind: str) -> None:
    assert re.fullmatch(r"AG[0-9]{3}", AirgapError(kind, "x").code)


def test_error_carries_its_facts_and_the_hint_of_its_kind() -> None:
    error = FormatError("limit-exceeded", "too much", limit=3, path="x")
    assert (error.kind, error.code, str(error), error.facts) == (
        "limit-exceeded",
        "AG110",
        "too much",
        {"limit": 3, "path": "x"},
    )
    assert error.hint == KINDS["limit-exceeded"].hint
    assert FormatError("limit-exceeded", "too much", hint="do this").hint == "do this"


def test_an_unpublished_kind_is_a_mistake_of_a_programmer() -> None:
    with pytest.raises(KeyError):
        AirgapError("no-such-kind", "x")


def test_nothing_wrong_is_exit_0() -> None:
    assert gravest([]) == 0


def test_distrust_outweighs_damage() -> None:
    damaged = IntegrityError("blob-differs", "x")
    assert gravest([damaged, UntrustedError("quorum-not-met", "x")]) == 30
    assert gravest([damaged, RollbackError("quorum-not-met", "x")]) == 41


@given(st.lists(st.sampled_from(sorted(CLASSES)), min_size=1))
def test_the_gravest_is_one_of_them_in_any_order(names: list[str]) -> None:
    found = [CLASSES[name]("unforeseen", "x") for name in names]
    assert gravest(found) == gravest(reversed(found))
    assert gravest(found) in {error.exit_status for error in found}
