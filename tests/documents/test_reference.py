"""Help texts, manual pages and docs/reference.md: an example for each command, which that command understands."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from reference import man, markdown
from reference.commands import Command, commands
from reference.tables import error_rows, limit_rows

from airgap.errors import KINDS
from airgap.limits import LIMITS
from tests.cli.site import run
from tests.engines.conftest import require

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {one.path: one for one in commands()}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda one: one.path)
def test_each_help_has_an_example_of_itself(command: Command) -> None:
    words = command.path.split()[1:]
    shown = run(*words, "--help").text
    assert "Example:" in shown
    assert command.examples
    assert any(f"{command.path} " in line for line in command.examples)
    for line in command.examples:
        assert line.split()[0] in shown


def _known(path: str) -> set[str]:
    """What may begin with a dash after this command: names of options, without their values."""
    typed = " / ".join(name for name, _ in COMMANDS[path].options)
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", typed))


@pytest.mark.parametrize(
    ("path", "line"), [(one.path, line) for one in COMMANDS.values() for line in one.examples if "airgap " in line]
)
def test_examples_use_options_that_there_are(path: str, line: str) -> None:
    words = shlex.split(re.sub(r".*\$\((.*)\).*", r"\1", line), comments=True)
    if words[0] not in ("airgap", "sudo"):
        return  # another program on what airgap made
    at = words.index("airgap")
    named = "airgap"
    for word in words[at + 1 :]:
        if f"{named} {word}" not in COMMANDS:
            break
        named = f"{named} {word}"
    assert named.startswith("airgap ") or path == "airgap"
    assert not COMMANDS[named].commands, "an example runs a command, not a group"
    assert {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"} <= _known(named)


def test_the_documents_are_what_the_code_says() -> None:
    assert (ROOT / "docs" / "reference.md").read_text(encoding="utf-8") == markdown.text()
    kept = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "man").iterdir()}
    assert kept == man.pages()


def test_all_errors_and_limits_are_in_it() -> None:
    assert {one.kind for one in error_rows()} == set(KINDS)
    assert {name for name, _, _ in limit_rows()} == set(LIMITS.__dataclass_fields__)


def test_the_status_of_each_error_is_that_of_its_class() -> None:
    """By what the program does: one of each family."""
    by_kind = {one.kind: one.status for one in error_rows()}
    expected = {"usage": 2, "not-a-bundle": 10, "part-missing": 20, "bad-signature": 30, "quorum-not-met": 30}
    expected |= {"package-invalid": 50, "engine-failed": 60, "disk-full": 70, "interrupted": 130, "unforeseen": 1}
    assert {kind: by_kind[kind] for kind in expected} == expected
    assert run("inspect", "/nowhere", "--format", "json").code == by_kind["file-not-found"]


@pytest.mark.engines
def test_manual_pages_are_without_mistakes() -> None:
    require("groff")
    pages = sorted((ROOT / "docs" / "man").iterdir())
    done = subprocess.run(["groff", "-man", "-Kutf8", "-ww", "-z", *pages], capture_output=True, check=True)
    assert done.stderr == b""


def test_words_are_no_requests_of_roff() -> None:
    """A line that begins with a dot or an apostrophe would be one, and a backslash an escape."""
    from reference.commands import Paragraph

    hostile = Command("airgap x", ".so /etc/passwd", "airgap x", (Paragraph(".so a\n'so b\n\\n(.k", True),), (), ())
    for line in man.page(hostile).splitlines():
        assert not line.startswith((".so", "'so")), line
        assert "\\n" not in line
