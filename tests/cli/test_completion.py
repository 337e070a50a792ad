"""Completion as a shell does it: the printed script is sourced, and the tab key is what follows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.site import ROOT, run
from tests.engines.conftest import require


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH on which `airgap` is the one under test."""
    program = tmp_path / "airgap"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m airgap "$@"\n')
    program.chmod(0o755)
    return f"{tmp_path}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["airgap", "tru"], ["trust"]),
        (["airgap", "trust", "dr"], ["drill"]),
        (["airgap", "kit", "--pl"], ["--platform"]),
        (["airgap", "kit", "--python", "3.1"], ["3.11", "3.12", "3.13"]),
        (["airgap", "no-such-"], []),
    ],
)
def test_bash_completes(path: str, words: list[str], expected: list[str]) -> None:
    typed = " ".join(words)
    script = (
        f'eval "$(airgap completion bash)"; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; '
        '_airgap_completion airgap; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    require("bash")
    done = subprocess.run(["bash", "-c", script], env={"PATH": path}, capture_output=True, check=False)
    assert done.stderr == b""
    assert done.stdout.decode().split() == expected


@pytest.mark.parametrize(("shell", "word"), [("zsh", "compdef"), ("fish", "complete --no-files --command airgap")])
def test_each_shell_gets_its_own(shell: str, word: str) -> None:
    result = run("completion", shell)
    assert result.code == 0
    assert word in result.text


def test_another_shell_is_refused() -> None:
    assert run("completion", "tcsh").code == 2
