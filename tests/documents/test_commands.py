"""Every `airgap …` in a document is a command that there is, with options that it has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from reference.commands import Command, commands

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {one.path: one for one in commands()}
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bundles/*.md")])
MISTAKES = ("airgap verfy ", " --trsut ")  # what docs/first-hour.md is about

_CODE = re.compile(r"```[a-z]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
_CALL = re.compile(r"(?<![\w./-])airgap [a-z][^\n|;)`]*")


def _calls(text: str) -> Iterator[str]:
    for block, inline in _CODE.findall(text):
        yield from _CALL.findall(re.sub(r"\\\n\s*", " ", block or inline))


def _of(call: str) -> tuple[Command, list[str]]:
    words = call.split("#")[0].split()
    path = words.pop(0)
    while words and f"{path} {words[0]}" in COMMANDS:
        path += f" {words.pop(0)}"
    return COMMANDS[path], words


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_and_options_are_there(path: Path) -> None:
    for call in _calls(path.read_text(encoding="utf-8")):
        if any(one in f"{call} " for one in MISTAKES):
            assert path.name == "first-hour.md", call
            continue
        command, words = _of(call)
        assert command.path != "airgap", call
        known = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", " / ".join(typed for typed, _ in command.options)))
        given = {word.partition("=")[0].rstrip(",.:") for word in words if re.match(r"--?[a-z]", word)}
        assert given <= known | {"--help"}, call


def test_they_are_found() -> None:
    text = "Do `airgap log show`.\n```sh\nx=$(airgap trust \\\n    show --trust a) | airgap import - --to b\n```\n"
    assert [_of(call)[0].path for call in _calls(text)] == ["airgap log show", "airgap trust show", "airgap import"]
