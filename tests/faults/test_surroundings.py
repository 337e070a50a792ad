"""A machine that is set up strangely, or by an enemy: links, umask, locale, streams, folders, environment (R5)."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.site import RUST, Result, Site, popen, process, sample, snapshot
from tests.faults.scenarios import in_force, left_over, require_sound, state_of
from tests.needs import lacking
from tests.tally import Tally


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A trust root and a bundle."""
    site = Site(tmp_path_factory.mktemp("seed"))
    assert site.init().code == 0
    assert site.export(site.image(RUST, sample("rust"), "anna", "bert")).code == 0
    return site


@pytest.fixture
def place(seed: Site, tmp_path: Path) -> Site:
    """A copy of it, to be used once."""
    shutil.copytree(seed.trust, tmp_path / "trust")
    shutil.copyfile(seed.bundle, tmp_path / seed.bundle.name)
    return Site(tmp_path)


@pytest.fixture(scope="module")
def undisturbed(seed: Site, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, dict[str, bytes]]:
    """What an import prints, and the store that it makes, by the paths in it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    shutil.copytree(seed.trust, folder / "trust")
    site = Site(folder)
    result = process(*site.import_line(bundle=seed.bundle))
    assert result.code == 0, result
    return result.stdout.replace(bytes(folder), b"."), stored(site)


def stored(site: Site) -> dict[str, bytes]:
    return {str(Path(path).relative_to(site.folder)): data for path, data in snapshot(site.store, site.out).items()}


def closing(*numbers: int) -> Callable[[], None]:
    def close() -> None:
        for number in numbers:
            os.close(number)

    return close


def below_a_folder_that_is_gone(folder: Path) -> Callable[[], None]:
    def enter() -> None:
        gone = folder / "gone"
        gone.mkdir()
        os.chdir(gone)
        gone.rmdir()

    return enter


SURROUNDINGS: dict[str, dict[str, Any]] = {
    "umask 000": {"preexec": lambda: os.umask(0) and None},
    "umask 077": {"preexec": lambda: os.umask(0o077) and None},
    "umask 777": {"preexec": lambda: os.umask(0o777) and None},
    "locale C": {"env": {"LC_ALL": "C"}},
    "locale POSIX, no UTF-8": {"env": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}},
    "a locale that is none": {"env": {"LC_ALL": "xx_XX.no-such", "LANG": "\u0130"}},
    "Turkish": {"env": {"LC_ALL": "tr_TR.UTF-8"}},
    "a time zone that is none": {"env": {"TZ": "../../etc/passwd"}},
    "no stdin": {"preexec": closing(0)},
    "no stdin and no stderr": {"preexec": closing(0, 2)},
    "a huge environment": {"env": {f"X{number}": "y" * 1000 for number in range(1000)}},
    "bytes that are no text in the environment": {"env": {"X": "\udcff\udcfe", "HOME": "\udcff"}},
    "few open files": {"preexec": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))},
    "no HOME and no USER": {"env": {"HOME": "", "USER": "", "LOGNAME": "", "XDG_DATA_HOME": ""}},
    "a folder for temporary files that is none": {"env": {"TMPDIR": "/no/such/folder"}},
}


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_the_same_import(tally: Tally, place: Site, undisturbed: tuple[bytes, dict[str, bytes]], name: str) -> None:
    """The verdict is byte for byte the same, and so is the store."""
    result = process(*place.import_line(), **SURROUNDINGS[name])
    if name == "umask 777" and os.geteuid() != 0:
        assert result.code == 70
        return
    assert result.code == 0, result
    assert result.stdout.replace(bytes(place.folder), b".") == undisturbed[0]
    assert stored(place) == undisturbed[1]
    assert left_over(place.folder) == []
    tally("R5", f"surroundings: {name}", 1, 1)


def test_a_working_folder_that_is_gone(tally: Tally, place: Site, undisturbed: tuple[bytes, dict[str, bytes]]) -> None:
    result = process(*place.import_line(), preexec=below_a_folder_that_is_gone(place.folder))
    assert result.code == 0, result
    assert result.stdout.replace(bytes(place.folder), b".") == undisturbed[0]
    tally("R5", "surroundings: the working folder is gone", 1, 1)


def test_no_standard_output(tally: Tally, place: Site) -> None:
    """Nobody can have read the verdict: the status says so, and what was let in is whole."""
    before = state_of(place.folder)
    result = process(*place.import_line(), preexec=closing(1))
    assert result.code == 70, result
    assert b"Traceback" not in result.stderr
    again = place.import_()
    assert again.code == 0, again
    require_sound(place.folder, before, state_of(place.folder))
    tally("R5", "surroundings: no standard output", 1, 1)


# Links that somebody put where airgap is going to write


@pytest.fixture
def victim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("victim")
    (folder / "file").write_text("precious")
    (folder / "folder").mkdir()
    (folder / "folder" / "kept").write_text("precious, too")
    return folder


LINKS: dict[str, str] = {
    "store/.airgap": "folder",
    "store/.airgap/lock": "file",
    "store/.airgap/quarantine": "folder",
    "store/blobs": "folder",
    "store/blobs/sha256": "folder",
    "store/index.json": "file",
    "store/index.json.airgap-partial": "file",
    "store/oci-layout": "file",
    "store/signatures": "folder",
    "out/blobs": "folder",
    "out/index.json": "file",
    "out/index.json.airgap-partial": "file",
    "out/oci-layout": "file",
    "trust/audit.log": "file",
    "trust/state.json": "file",
    "trust/state.json.airgap-partial": "file",
    "trust/roots": "folder",
    "trust/certificates": "folder",
}


@pytest.mark.parametrize("name", LINKS)
def test_a_link_in_the_way(tally: Tally, place: Site, victim: Path, name: str) -> None:
    """Nothing behind the link is written, emptied or removed."""
    path = place.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(victim / LINKS[name])
    before = snapshot(victim)
    result = place.import_()
    assert result.code in (0, 10, 40, 60, 70), result
    found = snapshot(victim)
    changed = {one for one in found if found[one] != before.get(one)} | (before.keys() - found.keys())
    assert not changed & before.keys(), f"{changed} of somebody else"
    assert not [one for one in changed if (victim / "folder") not in Path(one).parents], changed
    tally("R5", f"a link at {name}", 1, 1, f"exit {result.code}")


# Two at once


@pytest.mark.parametrize("rounds", [3, pytest.param(30, marks=pytest.mark.exhaustive)])
def test_imports_at_the_same_time(tally: Tally, place: Site, rounds: int) -> None:
    """One of them may be told to wait; each that says it was accepted is in the log, once."""
    before = state_of(place.folder)
    accepted = 0
    for _ in range(rounds):
        children = [popen(*place.import_line()) for _ in range(2)]
        codes = []
        for child in children:
            with child:
                stdout, stderr = child.communicate(timeout=60)
            codes.append(child.returncode)
            assert child.returncode in (0, 70), (stdout, stderr)
            assert child.returncode == 0 or b'"store-locked"' in stdout
        assert 0 in codes
        accepted += codes.count(0)
    require_sound(place.folder, before, state_of(place.folder))
    imports = [entry for entry in in_force(place.folder) if entry["event"] == "import"]
    assert len(imports) == accepted
    tally("R6", "two imports at the same time", 2 * rounds, 2 * rounds, f"{accepted} accepted, {accepted} in the log")


# A file system that is small, or not to be written


@pytest.fixture
def mounted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Path]]:
    folder = tmp_path_factory.mktemp("mounted")

    def mount(*options: str) -> Path:
        line = ["mount", "-t", "tmpfs", "-o", ",".join(("mode=700", *options)), "none", str(folder)]
        if subprocess.run(line, capture_output=True, check=False).returncode != 0:
            lacking("needs the right to mount a small file system")
        return folder

    yield mount
    subprocess.run(["umount", str(folder)], capture_output=True, check=False)


@pytest.mark.parametrize("what", ["store", "out", "trust"])
def test_a_read_only_file_system(tally: Tally, place: Site, mounted: Callable[..., Path], what: str) -> None:
    folder = mounted("size=4m")
    if what == "trust":
        shutil.copytree(place.trust, folder / "trust")
    else:
        assert place.import_(f"--{'store' if what == 'store' else 'to'}", _target(folder, what)).code == 0
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    before = snapshot(folder)
    option = {"store": "--store", "out": "--to", "trust": "--trust"}[what]
    result: Result = place.import_(option, _target(folder, what))
    assert result.code == 70, result
    assert set(result.kinds) == {"permission-denied"}, result
    assert snapshot(folder) == before
    tally("R5", f"{what} on a read-only file system", 1, 1)


def _target(folder: Path, what: str) -> object:
    return f"oci:{folder}/out" if what == "out" else folder / what


def test_umask_of_a_store_that_others_read(place: Site) -> None:
    """Blobs and index are readable for the tools of other users as far as the umask lets them be."""
    assert process(*place.import_line(), preexec=lambda: os.umask(0o022) and None).code == 0
    assert {oct(path.stat().st_mode & 0o777) for path in place.store.rglob("blobs/sha256/*")} == {"0o644"}
