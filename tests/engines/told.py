"""A document of docs/, run as it stands: what it says happens, with the exit status and the output that it shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.cli.site import ROOT
from tests.engines.conftest import require

_BLOCK = re.compile(r"((?:<!-- [^\n]* -->\n)*)```sh\n(.*?)```\n(?:```\n(.*?)```\n)?", re.DOTALL)
# Commands that decide nothing by time, so they have no --at.
_WITHOUT_TIME = "log\\ *|inspect\\ *|split\\ *|join\\ *|repair\\ *|store\\ *|trust\\ show"
_WORDS = ("people", "maintainers", "release", "tag", "large", "build", "revoke", "attack")


@dataclass(frozen=True, slots=True)
class Block:
    """Commands, the exit status of the last one, what they print, and the day from which on it is."""

    commands: str
    status: int
    shown: str
    day: str | None

    @property
    def pattern(self) -> re.Pattern[str]:
        """What is shown: a line that is … stands for any lines, and a … in a line for any characters."""
        lines = [
            "(?:[^\n]*\n)*?" if line == "…" else re.escape(line).replace("…", "[^\n]*") + "\n"
            for line in self.shown.splitlines()
        ]
        return re.compile("".join(lines))


def blocks(document: str) -> Iterator[Block]:
    """The blocks of a document by its path under docs/, in their order."""
    for marks, commands, shown in _BLOCK.findall((ROOT / "docs" / document).read_text(encoding="utf-8")):
        found = dict(re.findall(r"<!-- (at|exit) (\S+) -->", marks))
        yield Block(commands, int(found.get("exit", 0)), shown, found.get("at"))


class Stage:
    """A folder with the documents' people in it, and their words on PATH; ``environment`` is added to the test's."""

    def __init__(self, folder: Path, home: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.day = "2025-01-01"
        bin_ = folder / "bin"
        bin_.mkdir()
        programs = {word: f'exec "{sys.executable}" "{ROOT}/tests/engines/words.py" {word} "$@"' for word in _WORDS}
        programs["gpg"] = 'exec /usr/bin/gpg --batch --quiet --no-tty --faked-system-time "$STORY_TIME" "$@"'
        airgap = f'exec "{sys.executable}" -m airgap'
        programs["airgap"] = (
            f'case "$1 $2" in {_WITHOUT_TIME}) {airgap} "$@";; *) {airgap} "$@" --at "$STORY_AT";; esac'
        )
        for name, text in programs.items():
            (bin_ / name).write_text(f"#!/bin/sh\n{text}\n")
            (bin_ / name).chmod(0o755)
        python_path = os.pathsep.join(map(str, (ROOT, ROOT / "scripts")))
        self._environment = {**os.environ, **environment, "GNUPGHOME": str(home), "PYTHONPATH": python_path}
        self._environment["PATH"] = f"{bin_}{os.pathsep}{os.environ['PATH']}"

    def run(self, commands: str) -> tuple[int, str]:
        time = {"STORY_AT": f"{self.day}T00:00:00Z", "STORY_TIME": f"{self.day.replace('-', '')}T000000!"}
        done = subprocess.run(
            ["bash", "-e", "-c", f"exec 2>&1\n{commands}"],
            cwd=self.folder,
            env={**self._environment, **time},
            capture_output=True,
            check=False,
        )
        return done.returncode, done.stdout.decode()


@contextmanager
def stage_in(folder: Path, **environment: str) -> Iterator[Stage]:
    """A stage whose people have keys and a MAINTAINERS; the folder ``offline`` is still empty."""
    require("gpg", "gpgconf", "bash")
    with TemporaryDirectory(prefix="gpg", dir="/tmp") as home:  # a short path, as gpg's sockets want it
        found = Stage(folder, Path(home), environment)
        try:
            status, output = found.run(
                "people anna bert carl dora\n"
                "maintainers anna bert carl > MAINTAINERS\n"
                "gpg --export anna bert carl > keyring.pgp"
            )
            assert status == 0, output
            (folder / "offline").mkdir()
            yield found
        finally:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, capture_output=True)


def tell(stage: Stage, block: Block) -> None:
    """Run a block on its day; it must end and print as shown."""
    stage.day = block.day or stage.day
    status, output = stage.run(block.commands)
    assert status == block.status, (block.commands, output)
    assert block.pattern.search(output), (block.pattern.pattern, output)
