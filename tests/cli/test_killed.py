"""Killed anywhere: the same command again ends as if nobody had killed it."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import forge
import pytest
from forge import Layer

from tests.cli.killing import calls, killed, points
from tests.cli.site import AT, RUST, Site, index, litter, run, snapshot

MIB = 1024 * 1024
LOG = ("/trust/audit.log", "/trust/state.json")
SEED = int(os.environ.get("AIRGAP_SEED", "1"))


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A store that holds one image, and a bundle and parts of two others, one over several frames."""
    site = Site(tmp_path_factory.mktemp("seed"))
    assert site.init().code == 0
    first = site.image("docker.io/stagex/first", forge.image([Layer({"a": b"first"})]), "anna", "bert", "carl")
    assert site.export(first, output=site.folder / "first").code == 0
    assert run(*import_line(site, site.folder / "first")).code == 0
    noise = random.Random(3)
    layers = [Layer({f"bin/{n}": noise.randbytes(5 * MIB + n)}, "none") for n in range(3)]
    sources = [
        site.image(RUST, forge.image(layers), "anna", "bert", "dora"),
        site.image("docker.io/stagex/other", forge.image([Layer({"b": b"other"})]), "anna", "carl"),
    ]
    assert site.export(*sources).code == 0
    (site.folder / "parts").mkdir()
    assert site.export(*sources, "--volume-size", "9M", output=site.folder / "parts" / "cut").code == 0
    return site


def import_line(site: Site, bundle: Path) -> list[object]:
    places = ["--trust", site.trust, "--store", site.store]
    return ["import", bundle, *places, "--at", AT, "--format", "json", "-j", "2"]


def offline(seed: Site, folder: Path) -> Site:
    for name in ("trust", "store"):
        shutil.copytree(seed.folder / name, folder / name)
    return Site(folder)


def state(site: Site) -> dict[str, bytes]:
    """Store and trust, but for the log, which tells of each try, and its head, which the state names."""
    found = {path.removeprefix(str(site.folder)): data for path, data in snapshot(site.store, site.trust).items()}
    shown = run("trust", "show", "--trust", site.trust, "--format", "json").stdout
    return {path: data for path, data in found.items() if path not in LOG} | {"trust": shown}


def check_import(seed: Site, tmp_path: Path, bundle: Path, most: int) -> int:
    """Kill an import at so many points, and go on each time. Returns how many ended by SIGKILL."""
    whole = offline(seed, tmp_path / "whole")
    total = calls(import_line(whole, bundle), tmp_path)
    expected, before = state(whole), index(seed.store)
    kills = 0
    for number in points(total, most, SEED):
        site = offline(seed, tmp_path / str(number))
        kills += killed(import_line(site, bundle), number)
        assert index(site.store) in (before, index(whole.store)), number
        again = run(*import_line(site, bundle))
        assert again.code == 0, (number, again)
        assert state(site) == expected, number
        assert litter(site.folder) == [], number
        assert run("log", "verify", "--trust", site.trust).code == 0, number
        shutil.rmtree(site.folder)
    return kills


def check_export(seed: Site, tmp_path: Path, most: int, *options: object) -> int:
    layouts = seed.folder / "layouts"
    sources = [
        f"{RUST}=oci:{layouts}/docker.io_stagex_pallet-rust",
        f"docker.io/stagex/other=oci:{layouts}/docker.io_stagex_other",
    ]

    def line(folder: Path) -> list[object]:
        folder.mkdir()
        return ["export", *sources, *seed.evidence(), "-o", folder / "cut", "-j", "2", *options, "--format", "json"]

    def made(folder: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    total = calls(line(tmp_path / "whole"), tmp_path)
    expected = made(tmp_path / "whole")
    kills = 0
    for number in points(total, most, SEED):
        command = line(tmp_path / str(number))
        kills += killed(command, number)
        again = run(*command)
        assert again.code == 0, (number, again)
        assert made(tmp_path / str(number)) == expected, number
        shutil.rmtree(tmp_path / str(number))
    return kills


def test_an_import_here_and_there(seed: Site, tmp_path: Path) -> None:
    assert check_import(seed, tmp_path, seed.bundle, 6) >= 5


def test_an_export_here_and_there(seed: Site, tmp_path: Path) -> None:
    assert check_export(seed, tmp_path, 6) >= 5


@pytest.mark.exhaustive
@pytest.mark.parametrize("form", ["file", "parts"])
def test_an_import_at_a_hundred_points(seed: Site, tmp_path: Path, form: str) -> None:
    assert check_import(seed, tmp_path, seed.bundle if form == "file" else seed.folder / "parts", 100) >= 90


@pytest.mark.exhaustive
@pytest.mark.parametrize("options", [(), ("--volume-size", "9M"), ("--volume-size", "9M", "--recovery", "10%")])
def test_an_export_at_a_hundred_points(seed: Site, tmp_path: Path, options: tuple[str, ...]) -> None:
    assert check_export(seed, tmp_path, 100, *options) >= 15
