"""A process that reads what an enemy wrote gives up its rights first, where the kernel lets it (Landlock)."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.site import AT, ROOT, Result, Site, process

# In the middle of the work, as if something hostile had taken over. Each line says what was refused, or "done".
ESCAPE = """
import json, os, pathlib, socket, subprocess, sys
import airgap.bundle.reader

elsewhere, port = pathlib.Path({elsewhere!r}), {port}

def tried(work):
    try:
        work()
    except PermissionError:
        return "refused"
    except OSError as error:
        return type(error).__name__
    return "done"

def in_a_child():
    child = os.fork()
    if child == 0:
        os._exit(0 if tried(lambda: (elsewhere / "child").write_text("x")) == "done" else 1)
    if os.waitpid(child, 0)[1]:
        raise PermissionError

def connected():
    socket.create_connection(("127.0.0.1", port)).close()

def told(self):
    found = {{
        "write": tried(lambda: (elsewhere / "new").write_text("x")),
        "append": tried(lambda: open(elsewhere / "file", "a").close()),
        "truncate": tried(lambda: os.truncate(elsewhere / "file", 0)),
        "remove": tried(lambda: os.unlink(elsewhere / "file")),
        "folder": tried(lambda: os.mkdir(elsewhere / "folder")),
        "link": tried(lambda: os.symlink("x", elsewhere / "link")),
        "move": tried(lambda: os.rename(elsewhere / "file", elsewhere / "moved")),
        "program": tried(lambda: subprocess.run(["/bin/true"], check=True)),
        "connect": tried(connected),
        "child": tried(in_a_child),
        "read": tried(lambda: (elsewhere / "file").read_bytes()),
        "discard": tried(lambda: open(os.devnull, "w").close()),
    }}
    print(json.dumps(found), file=sys.stderr)
    return read_manifest(self)

reader = airgap.bundle.reader.BundleReader
read_manifest, reader.read_manifest = reader.read_manifest, told
"""
REFUSED = ("write", "append", "truncate", "remove", "folder", "link", "move", "program", "child")
FREE = ("read", "discard")


@pytest.fixture(scope="module")
def version() -> int:
    """Of Landlock, in a process that is confined for nothing else."""
    code = (
        "import ctypes; from airgap.confinement import confine; "
        "print(ctypes.CDLL(None).syscall(444, None, 0, 1) if confine([]) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    found = int(done.stdout)
    if not found:
        pytest.skip("this kernel has no Landlock of version 2 or later")  # nor can it be installed
    return found


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "file").write_text("kept")
    return folder


def escaping(elsewhere: Path, *line: object) -> tuple[Result, dict[str, str]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        hook = ESCAPE.format(elsewhere=str(elsewhere), port=server.getsockname()[1])
        result = process(*line, before=hook)
    (told,) = [json.loads(one) for one in result.errors.splitlines() if one.startswith("{")]
    return result, told


def require_confined(told: dict[str, str], elsewhere: Path, version: int) -> None:
    refused = [*REFUSED, *(["connect"] if version >= 4 else [])]
    assert told == {**told, **dict.fromkeys(refused, "refused"), **dict.fromkeys(FREE, "done")}
    assert {path.name: path.read_text() for path in elsewhere.iterdir()} == {"file": "kept"}


def test_verify(carried: Site, elsewhere: Path, version: int) -> None:
    result, told = escaping(elsewhere, *carried.verify_line())
    assert result.json["accepted"]
    require_confined(told, elsewhere, version)


def test_verify_does_not_write_where_it_reads(carried: Site, tmp_path: Path, version: int) -> None:
    shutil.copytree(carried.folder, tmp_path / "site")  # which others use, and this one might write to
    site = Site(tmp_path / "site", carried.people)
    for place in (site.trust, site.folder):
        before = sorted(place.rglob("*"))
        _, told = escaping(place, *site.verify_line())
        assert (told["write"], told["folder"]) == ("refused", "refused")
        assert sorted(place.rglob("*")) == before


def test_papers_are_written(carried: Site, tmp_path: Path, elsewhere: Path, version: int) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    result, told = escaping(
        elsewhere, *carried.verify_line(), "--report", papers / "r.html", "--attestation", papers / "a.json"
    )
    assert result.code == 0
    require_confined(told, elsewhere, version)
    assert sorted(path.name for path in papers.iterdir()) == ["a.json", "r.html"]


def test_import(carried: Site, tmp_path: Path, elsewhere: Path, version: int) -> None:
    """Into a store and a layout that are not there yet, with a receipt."""
    place = tmp_path / "place"
    shutil.copytree(carried.trust, place / "trust")
    receipt = tmp_path / "receipts" / "r.json"
    receipt.parent.mkdir()
    targets = ["--store", place / "a" / "store", "--to", f"oci:{place}/b/out", "--receipt", receipt]
    line = ["import", carried.bundle, "--trust", place / "trust", *targets, "--at", AT, "--format", "json"]
    result, told = escaping(elsewhere, *line)
    assert result.json["accepted"], result
    assert receipt.exists()
    require_confined(told, elsewhere, version)


def test_an_engine_needs_its_program(carried: Site, tmp_path: Path, elsewhere: Path) -> None:
    """So nothing is given up: the engine's program would inherit it."""
    shutil.copytree(carried.trust, tmp_path / "trust")
    places = ["--trust", tmp_path / "trust", "--store", tmp_path / "store", "--to", "podman"]
    _, told = escaping(elsewhere, "import", carried.bundle, *places, "--at", AT, "--format", "json")
    assert told["program"] == "done"


@pytest.mark.parametrize(
    "without",
    [
        "ctypes.CDLL = lambda *_, **__: type('', (), {'syscall': lambda *_: -1, 'prctl': lambda *_: -1})()",
        "ctypes.CDLL = lambda *_, **__: type('', (), {'syscall': lambda *_: 1, 'prctl': lambda *_: 0})()",
        "import airgap.confinement; from pathlib import Path; airgap.confinement._EVERYWHERE = (Path('/none'),)",
    ],
)
def test_without_it(carried: Site, without: str) -> None:
    """The verdict is the same, byte for byte."""
    result = process(*carried.verify_line(), before=f"import ctypes\n{without}")
    assert (result.code, result.stderr) == (0, b"")
    assert result.stdout == process(*carried.verify_line()).stdout
