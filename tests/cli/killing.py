"""A process that is killed at its n-th file call, by SIGKILL, in the middle of a write if that is the call."""

from __future__ import annotations

import random
import signal
from pathlib import Path

from tests.cli.site import process

_FAULT = """
import atexit, os, signal
left, made = {after}, 0

def step():
    global left, made
    made += 1
    left -= 1
    return left < 0

def killing(name):
    original = getattr(os, name)
    def counted(*args, **kwargs):
        if step():
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)
    setattr(os, name, counted)

def torn(module):
    original = module.write_all
    def counted(file, data):
        if step():
            original(file, memoryview(data)[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return original(file, data)
    module.write_all = counted

def main_first():
    import airgap.cli.export, airgap.cli.import_, airgap.store.quarantine, airgap.disk.writing
    for module in (airgap.disk.writing, airgap.store.quarantine):
        torn(module)
    for name in ("open", "replace", "unlink", "rmdir", "fsync", "mkdir", "pwrite", "ftruncate"):
        killing(name)
    if {count!r}:
        file = open({count!r}, "w")  # now: later it may not write there
        atexit.register(lambda: file.write(str(made)))

main_first()
"""


def killed(line: list[object], after: int) -> bool:
    """Run a command that is killed after so many file calls; False if it came to its end before."""
    result = process(*line, before=_FAULT.format(after=after, count=""))
    assert result.code in (0, -signal.SIGKILL), result
    return result.code != 0


def calls(line: list[object], folder: Path) -> int:
    """How many file calls a command makes that nobody kills."""
    count = folder / "count"
    result = process(*line, before=_FAULT.format(after=10**9, count=str(count)))
    assert result.code == 0, result
    made = int(count.read_text())
    count.unlink()
    return made


def points(total: int, most: int, seed: int) -> list[int]:
    """At which of ``total`` calls to kill: all of them if they are no more than ``most``. The seed is printed."""
    print(f"seed {seed}, {total} file calls")
    return list(range(total)) if total <= most else sorted(random.Random(seed).sample(range(total), most))
