"""Programs that stand before the real client on PATH and do something else at one of its commands."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def wrap(folder: Path, program: str, at: str, action: str) -> dict[str, str]:
    """An environment in which ``program`` runs ``action`` (shell; $REAL is the real one) at a command line with ``at``.

    Anything else goes to the real program. The action must say itself what it exits with; falling through goes on to
    the real program.
    """
    real = shutil.which(program)
    assert real is not None
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / program
    script.write_text(f'#!/bin/bash\nREAL={real}\ncase " $* " in\n*" {at} "*)\n{action}\n;;\nesac\nexec "$REAL" "$@"\n')
    script.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}
