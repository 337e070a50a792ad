"""docs/openpgp.md lists the rules that the code has and the tests try: none is missing, and none is only a promise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.openpgp.test_each_rule import PAIRS

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "openpgp.md").read_text(encoding="utf-8")
ROWS = {
    rule: (re.findall(r"`([^`]+)`", where), re.findall(r"`([^`]+)`", kinds))
    for rule, where, kinds in re.findall(r"^\| ([FSC]\d+) \| .* \| ([^|]*) \| ([^|]*) \|$", TEXT, re.MULTILINE)
}
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests" / "openpgp").glob("*.py")))


def test_every_rule_has_a_good_and_a_hostile_case() -> None:
    numbers = {"F": range(1, 8), "S": [*range(1, 13), 14], "C": range(1, 13)}  # there is no S13
    assert list(ROWS) == list(PAIRS) == [f"{family}{number}" for family in numbers for number in numbers[family]]


@pytest.mark.parametrize("rule", ROWS)
def test_rule_is_what_the_document_says(rule: str) -> None:
    modules, kinds = ROWS[rule]
    assert modules
    assert all((ROOT / "airgap" / "openpgp" / module).is_file() for module in modules)
    assert PAIRS[rule].kind in kinds
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "airgap" / "openpgp").glob("*.py"))
    for kind in kinds:
        assert f'"{kind}"' in code
        assert f'"{kind}"' in TESTS
    assert re.search(rf"^def test_{rule.lower()}_", TESTS, re.MULTILINE)
