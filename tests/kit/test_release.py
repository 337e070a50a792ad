"""The release: built twice with the same bytes, one version, and a wheel that works where it is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import airgap
from tests.cli.site import ROOT
from tests.kit.pythons import python

pytestmark = pytest.mark.engines  # it asks the package index that pip is configured for


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What scripts/build makes, twice and compared."""
    folder = tmp_path_factory.mktemp("release")
    done = subprocess.run([ROOT / "scripts" / "build", "--twice", folder], capture_output=True, check=False)
    assert done.returncode == 0, done
    return folder


@pytest.fixture(scope="session")
def clean(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and its dependencies, and nothing of this checkout."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    subprocess.run([_base_python(), "-m", "venv", folder], check=True)
    [wheel] = release.glob("*.whl")
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, f"{wheel}[kit]"], check=True, cwd=folder, env=_environment(), capture_output=True)
    return folder


def _base_python() -> str:
    return python(f"{sys.version_info[0]}.{sys.version_info[1]}")


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def run(clean: Path, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    line = [str(clean / "bin" / "airgap"), *map(str, arguments)]
    return subprocess.run(line, cwd=clean, env=_environment(), capture_output=True, check=False)


def test_the_version_comes_from_one_place(release: Path) -> None:
    """airgap/__init__.py says it; files, metadata and the command repeat it."""
    assert sorted(path.name for path in release.iterdir()) == [
        f"airgap-{airgap.__version__}-py3-none-any.whl",
        f"airgap-{airgap.__version__}.tar.gz",
    ]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["dynamic"] == ["version"]
    assert "version" not in project


def test_the_wheel_decides_in_a_clean_environment(clean: Path) -> None:
    assert run(clean, "--version").stdout.decode() == f"airgap, version {airgap.__version__}\n"
    sample = ROOT / "bundles" / "sample"
    line = ["verify", sample / "sample.airgap.tar.zst", "--trust", sample / "trust", "--format", "json"]
    verified = run(clean, *line)
    assert verified.returncode == 0, verified
    assert json.loads(verified.stdout)["accepted"] is True


def test_what_an_extra_is_for_is_told_where_it_is_missing(clean: Path) -> None:
    """The wheel was installed without registry and recovery."""
    sample = ROOT / "bundles" / "sample"
    line = ["import", sample / "sample.airgap.tar.zst", "--trust", sample / "trust", "--store", clean / "store"]
    result = run(clean, *line, "--to", "docker://127.0.0.1:9", "--plain-http")
    assert result.returncode == 70
    assert b"pip install 'airgap[registry]'" in result.stderr


def test_the_wheel_holds_the_program_its_manual_and_its_licence_and_no_more(release: Path) -> None:
    [path] = release.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
    info, data = (f"airgap-{airgap.__version__}.{kind}" for kind in ("dist-info", "data"))
    assert {f"{info}/licenses/LICENSE", "airgap/kit/install.sh", f"{data}/data/share/man/man1/airgap.1"} <= names
    assert {name.partition("/")[0] for name in names} == {"airgap", info, data}
    assert not [name for name in names if "__pycache__" in name]


def test_the_source_holds_what_its_own_tests_need(release: Path) -> None:
    [path] = release.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        folders = {name.split("/")[1] for name in archive.getnames()}
        assert {one.mode for one in archive.getmembers()} <= {0o644, 0o755}
        assert {(one.uid, one.gid, one.uname, one.gname) for one in archive.getmembers()} == {(0, 0, "", "")}
    assert {"airgap", "bundles", "docs", "scripts", "tests", "pyproject.toml", "LICENSE"} <= folders
    assert not folders & {".ci", ".git", ".venv", ".cache", "dist"}


def test_a_kit_of_the_installed_wheel_holds_that_wheel(clean: Path, release: Path, tmp_path: Path) -> None:
    """The same files as in the wheel that was installed, though not the same zip file."""
    result = run(clean, "kit", "-o", tmp_path / "kit", "--python", "3.12", "-q")
    assert result.returncode == 0, result
    [made], [given] = (tmp_path / "kit" / "wheels").glob("airgap-*.whl"), release.glob("*.whl")
    with zipfile.ZipFile(made) as ours, zipfile.ZipFile(given) as theirs:
        record = f"airgap-{airgap.__version__}.dist-info/RECORD"
        assert sorted(ours.namelist()) == sorted(theirs.namelist())
        assert all(ours.read(name) == theirs.read(name) for name in theirs.namelist() if name != record)
        assert sorted(ours.read(record).split()) == sorted(theirs.read(record).split())


def test_a_changed_installation_makes_no_kit(clean: Path, tmp_path: Path) -> None:
    [module] = clean.glob("lib/python3*/site-packages/airgap/progress.py")
    before = module.read_bytes()
    try:
        module.write_bytes(before + b"# changed\n")
        result = run(clean, "kit", "-o", tmp_path / "kit", "--format", "json")
    finally:
        module.write_bytes(before)
    assert result.returncode == 20
    assert json.loads(result.stdout)["kind"] == "installation-differs"
    assert not (tmp_path / "kit").exists()
