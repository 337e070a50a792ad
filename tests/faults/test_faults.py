"""Every file call fails once, or from then on, or is the last one before SIGKILL (R5, R6).

Whatever fails: the command says so in a typed error of the host, what is published is complete, trust is as before or
as after, the log's chain holds; and the same command, run again without a fault, ends where an undisturbed one does.
"""

from __future__ import annotations

import errno
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.faults.host import SHORT, Ended, Fault, Host, Mode, compile_shim
from tests.faults.scenarios import (
    SCENARIOS,
    Scenario,
    in_force,
    left_over,
    require_sound,
    state_of,
)
from tests.needs import lacking
from tests.tally import Tally

SAMPLE: Final = 4  # calls of each fault in the short run
SEED: Final = "airgap faults 1"
HOST_KINDS: Final = {"disk-full", "input-output", "permission-denied"}

FAULTS: Final = {
    "EIO once": (Mode.ONCE, errno.EIO),
    "EIO from then on": (Mode.ONWARDS, errno.EIO),
    "ENOSPC once": (Mode.ONCE, errno.ENOSPC),
    "ENOSPC from then on": (Mode.ONWARDS, errno.ENOSPC),
    "EDQUOT from then on": (Mode.ONWARDS, errno.EDQUOT),
    "EROFS once": (Mode.ONCE, errno.EROFS),
    "EROFS from then on": (Mode.ONWARDS, errno.EROFS),
    "EINTR once": (Mode.ONCE, errno.EINTR),
    "short reads and writes once": (Mode.ONCE, SHORT),
    "short reads and writes from then on": (Mode.ONWARDS, SHORT),
    "SIGKILL": (Mode.KILL, 0),
}


@dataclass
class Bench:
    """One scenario on one host, with the states before it and after an undisturbed run."""

    host: Host
    scenario: Scenario
    template: Path
    before: dict[str, bytes]
    after: dict[str, bytes]
    entries: int  # of the log, that an undisturbed run adds

    @property
    def folder(self) -> Path:
        return self.host.root

    def run(self, fault: Fault | None = None) -> Ended:
        return self.host.run([str(one) for one in self.scenario.line(self.folder)], fault)

    def fresh(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.template, self.folder)

    def calls(self, mode: Mode, error: int) -> int:
        """How many file calls of an undisturbed run the fault could befall."""
        self.fresh()
        return self.run(Fault(Mode.COUNT if mode is not Mode.KILL else Mode.KILL, error, 10**9)).calls


@pytest.fixture(scope="session")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("host")
    shim = compile_shim(folder)
    if shim is None:
        lacking("no C compiler (cc) for the file calls that fail")
    with Host(shim, folder) as host:
        yield host


@pytest.fixture(scope="session")
def bench_of(hosts: Host, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Bench]:
    """Each scenario is prepared once."""
    made: dict[str, Bench] = {}

    def bench(name: str) -> Bench:
        if name not in made:
            made[name] = _bench(hosts, SCENARIOS[name], tmp_path_factory.mktemp("template"))
        return made[name]

    return bench


def _bench(host: Host, scenario: Scenario, folder: Path) -> Bench:
    shutil.rmtree(host.root, ignore_errors=True)
    host.root.mkdir()
    scenario.prepare(host.root)
    host.temporary.mkdir()
    template = folder / "root"
    shutil.copytree(host.root, template)
    before = state_of(host.root)
    entries = len(in_force(host.root))
    bench = Bench(host, scenario, template, before, {}, 0)
    ended = bench.run()
    assert ended.code == 0, ended
    assert left_over(host.root) == []
    bench.after = state_of(host.root)
    bench.entries = len(in_force(host.root)) - entries
    return bench


def chosen(count: int, name: str, every: bool) -> list[int]:
    """The calls that are struck: all of them, or a sample that is the same in every run."""
    if every or count <= SAMPLE:
        return list(range(count))
    return sorted(random.Random(f"{SEED} {name}").sample(range(count), SAMPLE))


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_fault(tally: Tally, bench_of: Callable[[str], Bench], name: str, fault: str, every: bool) -> None:
    bench = bench_of(name)
    mode, error = FAULTS[fault]
    count = bench.calls(mode, error)
    assert count, "there is nothing to fail: the shim sees no calls"
    struck, endured, wrong = 0, 0, []
    for at in chosen(count, f"{name} {fault}", every):
        one = Fault(mode, error, at)
        bench.fresh()
        ended = bench.run(one)
        try:
            _require_honest(bench, one, ended)
            _require_recovered(bench)
        except Exception as found:  # whatever it is, it is counted with its call, and the other calls are tried, too
            wrong.append(f"{one} ({ended.last}): exit {ended.code}: {found}\n{ended.stdout[-900:].decode()}")
        struck += 1
        endured += ended.code == 0
    assert not wrong, f"{len(wrong)} of {struck}\n" + "\n".join(wrong[:5])
    if error in (errno.EINTR, SHORT):
        assert endured, "what an interrupted or short call left to do was not done"
    row = "R6" if mode is Mode.KILL else "R5"
    tally(row, f"{name}: {fault}", struck, struck, f"of {count} calls; {endured} ended well all the same")


def _require_honest(bench: Bench, fault: Fault, ended: Ended) -> None:
    """What the command said is true, and what it left is whole."""
    require_sound(bench.folder, bench.before, bench.after)
    killed = fault.mode is Mode.KILL
    if killed:
        assert ended.code in (-signal.SIGKILL, 0)
    elif ended.code == 0:
        assert _without_litter(bench) == bench.after, "it said that all went well"
    else:
        assert ended.code == 70, "a fault of the machine is one"
        assert set(ended.kinds) <= HOST_KINDS, ended.kinds
        assert b"or another stream" not in ended.stdout, "the error does not say which file it is about"
    if not killed and fault.mode is Mode.ONCE and ended.last not in ("unlink", "rmdir", "opendir", "readdir"):
        assert left_over(bench.folder, private=False) == [], "temporary files"


def _require_recovered(bench: Bench) -> None:
    """The same command, run again without a fault."""
    again = bench.run()
    if again.code:
        assert again.kinds == [bench.scenario.once], f"run again: {again.document}"
        if bench.scenario.finish is not None:
            finished = bench.host.run([str(one) for one in bench.scenario.finish(bench.folder)])
            assert finished.code == 0, f"finish: {finished.document}"
    assert left_over(bench.folder) == [], "temporary files after another run"
    found = state_of(bench.folder)
    strange = {path for path in found.keys() | bench.after.keys() if found.get(path) != bench.after.get(path)}
    assert not strange, "not as after an undisturbed run"


def _without_litter(bench: Bench) -> dict[str, bytes]:
    """The state without temporary files, and without folders that are empty because rmdir failed."""
    left = left_over(bench.folder)
    found = {path: data for path, data in state_of(bench.folder).items() if path not in left}
    filled = {str(parent) for path in found for parent in Path(path).parents}
    return {path: data for path, data in found.items() if path in bench.after or path in filled or data != b"folder"}
