"""A real kit: made twice, installed with no network by every Python that is here, tampered with in every way."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.site import ROOT, Result, process, run
from tests.engines.conftest import require, require_root
from tests.kit.pythons import PYTHONS, python

pytestmark = pytest.mark.engines  # it asks the package index that pip is configured for


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kit")
    (folder / "kit.json").write_bytes(
        subprocess.check_output(
            airgap("kit", "-o", folder / "kit", "--archive", folder / "kit.tar", "--format", "json")
        )
    )
    return folder / "kit"


def airgap(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "airgap", *map(str, arguments)]


def told_id(kit: Path) -> str:
    found: str = json.loads((kit.parent / "kit.json").read_bytes())["id"]
    return found


def install(kit: Path, target: Path, *arguments: str, version: str = PYTHONS[0], network: bool = False) -> Result:
    """install.sh with nothing in its environment but the name of a Python, an empty home, and no network."""
    home = kit.parent / f"home-{version}"
    home.mkdir(exist_ok=True)
    line = ["sh", str(kit / "install.sh"), str(target), *arguments]
    if not network:
        require("unshare")
        require_root("unshare -n")
        line = ["unshare", "-n", *line]
    path = os.defpath if os.defpath.startswith("/") else "/usr/bin:/bin"
    environment = {"HOME": str(home), "PATH": path, "PYTHON": python(version)}
    done = subprocess.run(line, env=environment, capture_output=True, check=False)
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("version", PYTHONS)
def test_it_installs_without_a_network_and_decides(kit: Path, tmp_path: Path, version: str) -> None:
    target = tmp_path / "airgap"
    done = install(kit, target, told_id(kit), version=version)
    assert done.code == 0, done
    assert done.errors == ""
    assert done.lines[-1] == f"Installed: {target}/bin/airgap"
    assert not list((kit.parent / f"home-{version}").rglob("*"))
    sample = ROOT / "bundles" / "sample"
    line = ["unshare", "-n", str(target / "bin" / "airgap"), "verify", str(sample / "sample.airgap.tar.zst")]
    verified = subprocess.run(
        [*line, "--trust", str(sample / "trust"), "--format", "json"], env={}, capture_output=True, check=False
    )
    assert verified.returncode == 0, verified
    assert json.loads(verified.stdout)["accepted"] is True
    code = "import sys, zfec, pgpy; print('%d.%d' % sys.version_info[:2])"
    assert subprocess.check_output([target / "bin" / "python", "-c", code], env={}).decode().strip() == version


def test_two_runs_are_the_same_bytes(kit: Path, tmp_path: Path) -> None:
    subprocess.run(
        airgap("kit", "--archive", tmp_path / "kit.tar", "-q"),
        env={**os.environ, "TZ": "Asia/Tokyo", "LC_ALL": "C"},
        umask=0o077,
        check=True,
        capture_output=True,
    )
    assert (tmp_path / "kit.tar").read_bytes() == (kit.parent / "kit.tar").read_bytes()


def test_the_archive_is_the_folder(kit: Path) -> None:
    with tarfile.open(kit.parent / "kit.tar") as archive:
        [root] = {name.partition("/")[0] for name in archive.getnames()}
        members = {one.name.partition("/")[2]: archive.extractfile(one) for one in archive.getmembers()}
        assert root.startswith("airgap-kit-")
        assert {name: file.read() for name, file in members.items() if file} == {
            str(path.relative_to(kit)): path.read_bytes() for path in kit.rglob("*") if path.is_file()
        }
    assert told_id(kit) == f"sha256:{hashlib.sha256((kit / 'SHA256SUMS').read_bytes()).hexdigest()}"


def test_nothing_names_an_index(kit: Path) -> None:
    """Not even pip's own settings: which index was asked is the connected side's matter."""
    settings = subprocess.check_output([sys.executable, "-m", "pip", "config", "list"]).decode()
    hosts = {part.split("/")[0] for part in settings.replace("'", " ").split("//")[1:]} - {""}
    for path in (
        kit / name for name in ("requirements.txt", "README.txt", "install.sh", "SHA256SUMS", "sbom.cdx.json")
    ):
        text = path.read_text()
        assert "https://" not in text
        assert not [host for host in hosts if host.split()[0] in text], path.name


def test_the_bill_of_materials_names_every_wheel(kit: Path) -> None:
    bill = json.loads((kit / "sbom.cdx.json").read_bytes())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    all_ = [bill["metadata"]["component"], *bill["components"]]
    wheels = {one["name"]: one["hashes"][0]["content"] for package in all_ for one in package["components"]}
    assert wheels == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (kit / "wheels").iterdir()}
    needs = {one["ref"]: one["dependsOn"] for one in bill["dependencies"]}
    assert set(needs) == {package["purl"] for package in all_}
    assert {one.split("@")[0] for one in needs[all_[0]["purl"]]} >= {"pkg:pypi/pgpy", "pkg:pypi/zfec"}
    assert all(package["licenses"] for package in all_), "each has a licence"


def _tampered_wheel(kit: Path) -> None:
    with next((kit / "wheels").glob("click-*.whl")).open("r+b") as file:
        file.seek(100)
        file.write(b"X")


def _missing_wheel(kit: Path) -> None:
    next((kit / "wheels").glob("click-*.whl")).unlink()


def _extra_wheel(kit: Path) -> None:
    found = next((kit / "wheels").glob("click-*.whl"))
    shutil.copy(found, found.with_name("click-99-py3-none-any.whl"))


def _extra_link(kit: Path) -> None:
    (kit / "wheels" / "click-99-py3-none-any.whl").symlink_to("/etc/passwd")


def _extra_hidden(kit: Path) -> None:
    (kit / ".pip").write_text("[global]\nindex-url = evil\n")


def _linked_folder(kit: Path) -> None:
    (kit / "wheels").rename(kit.parent / "wheels")
    (kit / "wheels").symlink_to(kit.parent / "wheels")


def _changed_requirements(kit: Path) -> None:
    with (kit / "requirements.txt").open("a") as file:
        file.write("evil==1\n")


def _listed_twice(kit: Path) -> None:
    sums = kit / "SHA256SUMS"
    sums.write_text(sums.read_text() + sums.read_text().splitlines(keepends=True)[0])


def _removed_from_the_list(kit: Path) -> None:
    sums = kit / "SHA256SUMS"
    sums.write_text("".join(line for line in sums.read_text().splitlines(keepends=True) if "click" not in line))


def _empty_list(kit: Path) -> None:
    (kit / "SHA256SUMS").write_text("")


def _no_list(kit: Path) -> None:
    (kit / "SHA256SUMS").unlink()


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (_tampered_wheel, "damaged or was changed"),
        (_missing_wheel, "damaged or was changed"),
        (_changed_requirements, "damaged or was changed"),
        (_empty_list, "damaged or was changed"),
        (_no_list, "SHA256SUMS"),
        (_extra_wheel, "other files"),
        (_extra_link, "other files"),
        (_extra_hidden, "other files"),
        (_linked_folder, "other files"),
        (_listed_twice, "other files"),
        (_removed_from_the_list, "other files"),
    ],
)
def test_a_kit_that_was_changed_is_refused(
    kit: Path, tmp_path: Path, tamper: Callable[[Path], None], said: str
) -> None:
    copy, target = tmp_path / "kit", tmp_path / "airgap"
    shutil.copytree(kit, copy)
    tamper(copy)
    done = install(copy, target, network=True)
    assert done.code != 0, done
    assert said in done.errors
    assert "Take another copy" in done.errors
    assert not target.exists()


def _resummed(kit: Path) -> None:
    lines = subprocess.check_output(
        "find . ! -type d ! -name SHA256SUMS | cut -c3- | sort | xargs sha256sum", shell=True, cwd=kit
    )
    (kit / "SHA256SUMS").write_bytes(lines)


def test_a_kit_whose_list_was_made_anew_is_another_kit(kit: Path, tmp_path: Path) -> None:
    """Only the id that came by another way can tell."""
    copy, target = tmp_path / "kit", tmp_path / "airgap"
    shutil.copytree(kit, copy)
    _changed_requirements(copy)
    _resummed(copy)
    done = install(copy, target, told_id(kit), network=True)
    assert done.code != 0
    assert f"and not {told_id(kit)}" in done.errors
    assert not target.exists()


@pytest.mark.parametrize("tamper", [_tampered_wheel, _extra_wheel, _missing_wheel])
def test_requirements_hold_where_the_list_was_made_anew(
    kit: Path, tmp_path: Path, tamper: Callable[[Path], None]
) -> None:
    """pip takes only what has the hashes in requirements.txt; an extra wheel is then never taken."""
    copy, target = tmp_path / "kit", tmp_path / "airgap"
    shutil.copytree(kit, copy)
    tamper(copy)
    _resummed(copy)
    done = install(copy, target)
    if tamper is _extra_wheel:
        assert done.code == 0, done
        assert "click-99" not in str(list(target.rglob("click-*")))
    else:
        assert done.code != 0
        assert not target.exists()


def test_a_folder_that_is_there_is_left_alone(kit: Path, tmp_path: Path) -> None:
    target = tmp_path / "airgap"
    target.mkdir()
    done = install(kit, target, network=True)
    assert done.code != 0
    assert "is there already" in done.errors
    assert target.is_dir()


def test_a_folder_that_cannot_be_made_is_told(kit: Path) -> None:
    done = install(kit, Path("/proc/airgap/venv"), network=True)
    assert done.code != 0
    assert "cannot be made" in done.errors


def test_a_python_that_the_wheels_are_not_for_is_told(kit: Path, tmp_path: Path) -> None:
    fake = tmp_path / "python3"
    fake.write_text("#!/bin/sh\necho 3.8\n")
    fake.chmod(0o755)
    line = ["sh", str(kit / "install.sh"), str(tmp_path / "airgap")]
    done = subprocess.run(line, env={"PYTHON": str(fake)}, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"the wheels are for Python 3.11 3.12 3.13; none was found" in done.stderr


def test_without_a_pip_it_is_told_how_to_get_one() -> None:
    before = "import sys, importlib.util as u\nf = u.find_spec\nu.find_spec = lambda n: None if n == 'pip' else f(n)"
    result = process("kit", "-o", "never", "--format", "json", before=before)
    assert (result.code, result.kinds) == (70, ["extra-missing"])
    assert "ensurepip" in result.json["hint"]


def test_an_index_out_of_reach_is_told_without_its_address(tmp_path: Path) -> None:
    env = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://user:secret@127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    result = run("kit", "-o", tmp_path / "kit", "--format", "json", env=env)
    assert (result.code, result.kinds) == (50, ["packages-not-found"])
    assert "secret" not in result.text
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_in_use_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run("kit", "-o", tmp_path, "--format", "json", env={"PIP_NO_INDEX": "1"})
    assert (result.code, result.kinds) == (70, ["output-exists"])
