"""Paths on the command line: empty ones, those that name no file, who says that one cannot be read, what is kept."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from airgap.cli.main import cli
from tests.cli.site import AT, RUST, Result, Site, process, run, snapshot
from tests.needs import lacking

_METAVAR = re.compile(r"FILE|DIR|BUNDLE|PATH|SIGNATURE…")
NO_FILE = ["/", ".", "..", "folder", "folder/", "folder/..", "link"]


def commands(command: click.Command, *names: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(command, click.Group):
        yield names, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from commands(found, *names, name)


PATHS = [
    pytest.param(names, one, id=f"{' '.join(names)} {one.opts[-1]}")
    for names, command in commands(cli)
    for one in command.params
    if isinstance(one.type, click.Path) or _METAVAR.search(one.metavar or "")
]


def refused(result: Result, code: int, kind: str) -> None:
    assert (result.code, result.kinds) == (code, [kind]), result


def source(site: Site) -> str:
    return f"{RUST}=oci:{site.folder}/layouts/docker.io_stagex_pallet-rust"


@pytest.mark.parametrize(("names", "parameter"), PATHS)
def test_an_empty_path_is_none(tmp_path: Path, names: tuple[str, ...], parameter: click.Parameter) -> None:
    """As of a variable that was not set: it does not stand for the folder one is in."""
    option = parameter.opts[-1:] if isinstance(parameter, click.Option) else []
    result = run(*names, *option, "", "--format", "json", cwd=tmp_path)
    refused(result, 2, "usage")
    assert "a path is expected" in result.messages


@pytest.mark.parametrize(("names", "parameter"), PATHS)
def test_what_reads_a_file_says_whether_it_can(names: tuple[str, ...], parameter: click.Parameter) -> None:
    """click would call it a mistake in the command line."""
    kind = parameter.type
    assert isinstance(kind, click.Path)
    checks = (kind.exists, kind.readable, kind.writable, kind.executable, not kind.file_okay, not kind.dir_okay)
    assert not any(checks)


class TestNoFile:
    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        (tmp_path / "folder").mkdir()
        (tmp_path / "link").symlink_to("folder")
        return tmp_path

    @pytest.mark.parametrize("path", NO_FILE)
    @pytest.mark.parametrize("command", ["export", "export in parts", "join", "split", "repair"])
    def test_for_a_bundle(self, carried: Site, place: Path, command: str, path: str) -> None:
        volume = ["--volume-size", "5M"]
        lines: dict[str, list[object]] = {
            "export": ["export", source(carried), *carried.evidence()],
            "export in parts": ["export", source(carried), *carried.evidence(), *volume],
            "split": ["split", carried.bundle, *volume],
        }
        line = lines.get(command, [command, carried.bundle])
        before = snapshot(place)
        refused(run(*line, "-o", path, "--format", "json", cwd=place), 70, "not-a-regular-file")
        assert snapshot(place) == before

    @pytest.mark.parametrize("path", NO_FILE)
    @pytest.mark.parametrize("option", ["--report", "--attestation", "--receipt"])
    def test_for_what_an_import_writes(self, carried: Site, place: Path, option: str, path: str) -> None:
        before = carried.snapshot()
        line = ["import", carried.bundle, "--trust", carried.trust, "--store", place / "store", "--at", AT]
        refused(run(*line, option, path, "--format", "json", cwd=place), 70, "not-a-regular-file")
        assert not (place / "store").exists()
        assert carried.snapshot() == before

    @pytest.mark.parametrize("path", NO_FILE)
    def test_for_the_archive_of_a_kit(self, place: Path, path: str) -> None:
        result = run("kit", "--archive", path, "--format", "json", cwd=place)
        refused(result, 70, "not-a-regular-file")
        assert "stream" not in result.json["hint"]  # there is none to a kit

    @pytest.mark.parametrize("path", ["/", ".", ".."])
    @pytest.mark.parametrize("command", ["kit", "policy", "trust"])
    def test_for_a_new_folder(self, carried: Site, tmp_path: Path, command: str, path: str) -> None:
        """The folder one is in may be empty, and still cannot be replaced."""
        lines: dict[str, list[object]] = {
            "kit": ["kit", "-o", path],
            "policy": ["policy", "write", "--trust", carried.trust, "--store", carried.store, "-o", path],
            "trust": ["trust", "init", path, "--maintainers", carried.maintainers, "--keyring", carried.keyring],
        }
        refused(run(*lines[command], "--format", "json", cwd=tmp_path), 70, "output-exists")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--trust", "--store"])
def test_a_folder_of_another_user(carried: Site, option: str) -> None:
    """The verdict says so, where click would say that the option is wrong."""
    if os.getuid() != 0:
        lacking("needs root, to become somebody who may not read")
    become = "import airgap.cli.main, airgap.cli.verify, airgap.confinement, os; os.setgid(65534); os.setuid(65534)"
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to others
        Path(folder).chmod(0o755)
        copies = {"--trust": Path(folder, "trust"), "--store": Path(folder, "store")}
        shutil.copytree(carried.trust, copies["--trust"])
        shutil.copytree(carried.store, copies["--store"])
        shutil.copy(carried.bundle, folder)
        copies[option].chmod(0)
        judged = [Path(folder, carried.bundle.name)] if option == "--trust" else []
        line = ["verify", *judged, *(word for pair in copies.items() for word in pair), "--at", AT]
        result = process(*line, "--format", "json", before=become)
    refused(result, 70, "permission-denied")
    assert result.json["schema"] == "airgap/verdict/v1"


class TestWhatIsReadIsNotWrittenOver:
    @pytest.fixture
    def parts(self, carried: Site, tmp_path: Path) -> Path:
        """The stem of a bundle in parts."""
        stem = tmp_path / "parts" / "p.airgap.tar.zst"
        stem.parent.mkdir()
        assert run("split", carried.bundle, "--volume-size", "5M", "-o", stem).code == 0
        return stem

    @pytest.fixture
    def copy(self, carried: Site, tmp_path: Path) -> Site:
        """A site that a test may spoil."""
        shutil.copytree(carried.folder, tmp_path / "copy", symlinks=True)
        return Site(tmp_path / "copy")

    def kept(self, folder: Path, *line: object, cwd: Path | None = None) -> None:
        before = snapshot(folder)
        result = run(*line, "--format", "json", cwd=cwd)
        refused(result, 2, "usage")
        assert re.search("is used already|is in or around", result.messages)
        assert snapshot(folder) == before

    @pytest.mark.parametrize("option", ["--maintainers", "--keyring", "--digests", "--images", "--since", "--ca-file"])
    @pytest.mark.parametrize("spelling", ["as it is", "another way", "by a link", "its checksum", "its recovery"])
    def test_by_an_export(self, carried: Site, tmp_path: Path, option: str, spelling: str) -> None:
        end = {"its checksum": ".sha256", "its recovery": ".rec.001"}.get(spelling, "")
        path = tmp_path / f"input{end}"
        path.write_text(f"{source(carried)}\n")
        output = {"another way": tmp_path / "x" / ".." / "input", "by a link": tmp_path / "link"}.get(
            spelling, tmp_path / "input"
        )
        (tmp_path / "link").symlink_to("input")
        self.kept(
            tmp_path, "export", source(carried), *carried.evidence(), "--recovery", "5", option, path, "-o", output
        )

    @pytest.mark.parametrize("transport", ["oci-archive", "docker-archive"])
    def test_by_an_export_of_an_archive(self, carried: Site, tmp_path: Path, transport: str) -> None:
        path = tmp_path / "image.tar"
        path.write_bytes(b"precious")
        self.kept(tmp_path, "export", f"{RUST}={transport}:{path}", *carried.evidence(), "-o", path)

    @pytest.mark.parametrize("command", ["join", "repair"])
    @pytest.mark.parametrize("named", [".001", "the folder"])
    @pytest.mark.parametrize("number", ["001", "002"])
    def test_by_what_makes_parts_whole(self, parts: Path, command: str, named: str, number: str) -> None:
        given = parts.parent if named == "the folder" else f"{parts}{named}"
        self.kept(parts.parent, command, given, "-o", f"{parts}.{number}")

    @pytest.mark.parametrize("named", [".001", "the folder"])
    def test_by_what_cuts_parts_anew(self, parts: Path, named: str) -> None:
        given = parts.parent if named == "the folder" else f"{parts}{named}"
        self.kept(parts.parent, "split", given, "--volume-size", "6M", "-o", parts)

    def test_parts_beside_what_they_are_cut_from_and_back(self, parts: Path) -> None:
        assert run("join", parts.parent, "-o", parts).code == 0
        assert run("split", parts, "--volume-size", "5M", "-o", parts).code == 0

    @pytest.mark.parametrize("option", ["--report", "--attestation"])
    @pytest.mark.parametrize("place", ["trust/state.json", "store/index.json", "trust/new", "link/new"])
    def test_by_a_verdict(self, copy: Site, option: str, place: str) -> None:
        (copy.folder / "link").symlink_to("store/blobs")
        line = ["verify", copy.bundle, "--trust", copy.trust, "--store", copy.store, "--at", AT]
        self.kept(copy.folder, *line, option, place, cwd=copy.folder)

    @pytest.mark.parametrize("line", [["verify"], ["import", "b.airgap.tar.zst"]])
    @pytest.mark.parametrize("place", ["trust/trust.json", "store/index.json", "store/new"])
    def test_by_a_receipt(self, copy: Site, line: list[str], place: str) -> None:
        places = ["--trust", copy.trust, "--store", copy.store, "--at", AT]
        self.kept(copy.folder, *line, *places, "--receipt", place, cwd=copy.folder)

    def test_in_the_default_folders(self, copy: Site) -> None:
        env = {"AIRGAP_HOME": str(copy.folder)}
        result = run("verify", copy.bundle, "--report", copy.trust / "x", "--format", "json", env=env)
        refused(result, 2, "usage")

    @pytest.mark.parametrize("path", ["MAINTAINERS", "keyring.pgp", "pallet.txt"])
    def test_by_an_audit(self, copy: Site, path: str) -> None:
        people = ["--maintainers", copy.maintainers, "--keyring", copy.keyring, "--digests", "pallet.txt"]
        self.kept(
            copy.folder, "signatures", "audit", copy.signatures, *people, "--report", path, "--at", AT, cwd=copy.folder
        )

    @pytest.mark.parametrize("place", ["trust/policy", "store/policy"])
    def test_by_a_policy(self, copy: Site, place: str) -> None:
        line = ["policy", "write", "--trust", copy.trust, "--store", copy.store, "--at", AT]
        self.kept(copy.folder, *line, "-o", copy.folder / place)

    @pytest.mark.parametrize("target", ["store", "trust", "./x/../store", "link", "store/inner", "trust/inner", "."])
    def test_the_store_is_no_target(self, copy: Site, target: str) -> None:
        """It would list each image twice."""
        (copy.folder / "link").symlink_to("store")
        self.kept(copy.folder, *copy.import_line()[:-2], "--to", f"oci:{target}", cwd=copy.folder)


@pytest.mark.parametrize("data", ["", "data", "./data"])
def test_a_data_folder_must_be_absolute(tmp_path: Path, data: str) -> None:
    """XDG base directory specification: "If an implementation encounters a relative path … ignore it"."""
    env = {"AIRGAP_HOME": "", "HOME": str(tmp_path / "home"), "XDG_DATA_HOME": data}
    result = run("trust", "show", "--format", "json", cwd=tmp_path, env=env)
    refused(result, 40, "trust-root-missing")
    assert str(tmp_path / "home" / ".local" / "share" / "airgap" / "trust") in result.messages


def test_a_data_folder(tmp_path: Path) -> None:
    result = run("trust", "show", "--format", "json", env={"AIRGAP_HOME": "", "XDG_DATA_HOME": str(tmp_path)})
    refused(result, 40, "trust-root-missing")
    assert str(tmp_path / "airgap" / "trust") in result.messages
