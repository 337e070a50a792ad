"""What somebody does who has never seen airgap: each mistake is answered with what was meant, or what to do next.

docs/first-hour.md tells how they were found.
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from airgap.cli.main import cli
from tests.cli.site import AT, RUST, Site, popen, run, sample, snapshot

COLUMNS = 80
HELLO = "docker.io/stagex/hello"


def _walk(command: click.Command, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    yield command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _walk(inner, click.Context(inner, info_name=name, parent=context, terminal_width=COLUMNS))


ALL = list(_walk(cli, click.Context(cli, info_name="airgap", terminal_width=COLUMNS, **cli.context_settings)))


@pytest.mark.parametrize(("command", "context"), ALL, ids=[context.command_path for _, context in ALL])
def test_help_fits_a_terminal(command: click.Command, context: click.Context) -> None:
    shown = command.get_help(context).splitlines()
    assert [line for line in shown if len(line) > COLUMNS] == []
    assert [line for line in shown if line.endswith("...") and "Usage:" not in line] == [], (
        "a command's help is cut off"
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["verfy"], "No such command 'verfy'. Did you mean 'verify'?"),
        (["trust", "intt"], "No such command 'intt'. Did you mean 'init'?"),
        (["log", "shwo"], "No such command 'shwo'. Did you mean 'show'?"),
        (["dance"], "No such command 'dance'."),
        (["verify"], "`airgap verify --help`"),
        (["trust", "update"], "`airgap trust update --help`"),
        (["trust", "init", "x", "--threshold", "two"], "'two' is not a valid whole number."),
    ],
    ids=" ".join,
)
def test_a_slip_of_the_fingers(line: list[str], words: str) -> None:
    result = run(*line)
    assert result.code == 2
    assert words in result.errors
    assert "COMMAND" not in result.errors


def _on_screen(*arguments: object, typed: bytes = b"") -> bytes:
    """What a terminal gets on which all three streams are."""
    ours, theirs = pty.openpty()
    shown = b""
    try:
        with popen(*arguments, stdin=theirs, stdout=theirs, stderr=theirs):
            os.close(theirs)
            os.write(ours, typed)
            with contextlib.suppress(OSError):  # Linux's way to say that nobody writes any more
                while piece := os.read(ours, 4096):
                    shown += piece
    finally:
        os.close(ours)
    return shown


def test_the_verdict_stands_on_a_line_of_its_own(site: Site) -> None:
    site.export(site.image(RUST, sample(), "anna", "bert"))
    shown = _on_screen(*site.verify_line("--format", "text"))
    assert b"checking" in shown
    assert b"\r\x1b[KACCEPTED" in shown


def test_the_word_at_the_prompt(site: Site) -> None:
    line = ["trust", "init", site.folder / "new", "--maintainers", site.maintainers, "--keyring", site.keyring]
    assert b"type 'pin': \r\nerror AG002" in _on_screen(*line, typed=b"\x04").replace(b"^D\x08\x08", b"")
    refused = run(*line)
    assert "'pin' was not typed" in refused.errors
    shown = _on_screen(*line, typed=b"pin\n")
    assert b"PINNED in " in shown
    assert shown.count(b"people must sign") == 1  # what was confirmed is not shown once more
    assert "people must sign" in run(*line[:2], site.folder / "other", *line[3:], "--yes").text


def test_trust_of_another_folder(site: Site, tmp_path: Path) -> None:
    for line in (["verify", "x"], ["log", "show"], ["trust", "show"]):
        result = run(*line, "--trust", tmp_path / "nowhere")
        assert result.code == 40
        assert "with --trust, or make one" in result.errors + result.text


def test_a_folder_where_a_file_is_expected(site: Site) -> None:
    line = ["--trust", site.trust, "--at", AT]
    result = run("trust", "init", site.folder / "new", "--maintainers", site.folder, "--keyring", site.keyring)
    assert (result.code, f"{site.folder}: is a folder" in result.errors) == (70, True)
    export = site.export(site.image(RUST, sample(), "anna", "bert"), output=site.folder, text=True)
    assert (export.code, f"{site.folder}: is a folder" in export.errors) == (70, True)
    site.export(site.image(RUST, sample(), "anna", "bert"))
    result = run("verify", site.bundle.parent, *line)
    assert result.code == 70
    assert f"a whole one: {site.bundle}" in result.text
    assert "Name the bundle itself" in result.text


def test_no_folder_for_the_bundle(site: Site) -> None:
    result = site.export(
        site.image(RUST, sample(), "anna", "bert"), output=site.folder / "nowhere" / "x.airgap.tar.zst", text=True
    )
    assert result.code == 70
    assert f"there is no folder {site.folder / 'nowhere'}" in result.errors
    assert "airgap-lock" not in result.errors


def test_no_place_for_the_bundle(site: Site) -> None:
    """The lock beside it is none of the operator's business."""
    result = site.export(
        site.image(RUST, sample(), "anna", "bert"), output=Path("/proc/self/x.airgap.tar.zst"), text=True
    )
    assert result.code == 70
    assert "/proc/self/x.airgap.tar.zst: " in result.errors
    assert "airgap-lock" not in result.errors


def test_an_image_as_podman_calls_it(site: Site) -> None:
    result = site.export(HELLO, text=True)
    assert result.code == 2
    assert "docker://HOST/REPOSITORY" in result.errors


def test_signatures_of_another_folder(site: Site) -> None:
    found = sample()
    result = site.export(f"{HELLO}=oci:{site.layout(found)}:sample", text=True)
    assert result.code in (30, 50), result
    image = site.image(HELLO, found)
    site.signatures.mkdir(exist_ok=True)
    result = site.export(image, text=True)
    assert result.code == 30
    assert f"into stagex/hello@sha256={found.digest.removeprefix('sha256:')}/ below --signatures" in result.text


def test_audit_of_another_folder(site: Site) -> None:
    site.image(RUST, sample(), "anna", "bert")
    empty = site.folder / "layout"
    empty.mkdir(exist_ok=True)
    result = run("signatures", "audit", empty, "--keyring", site.keyring, "--maintainers", site.maintainers)
    assert result.code == 30
    assert result.text.startswith("INCOMPLETE: no signatures are there")


def test_a_store_that_is_none(site: Site) -> None:
    site.export(site.image(RUST, sample(), "anna", "bert"))
    papers = site.folder / "papers"
    papers.mkdir()
    (papers / "letter.txt").write_text("dear")
    before = snapshot(papers)
    result = run("import", site.bundle, "--trust", site.trust, "--store", papers, "--at", AT, "--format", "json")
    assert (result.code, result.kinds) == (70, ["output-exists"])
    assert snapshot(papers) == before
    (papers / "letter.txt").rename(papers / "lost+found")  # what a new file system has in it
    assert run("import", site.bundle, "--trust", site.trust, "--store", papers, "--at", AT).code == 0


def test_import_tells_where_the_images_are(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRGAP_HOME", str(site.folder / "home"))
    site.export(site.image(RUST, sample(), "anna", "bert"))
    result = run("import", site.bundle, "--trust", site.trust, "--at", AT)
    assert result.code == 0, result
    assert f"the images are kept in {site.folder / 'home' / 'store'}" in result.text


def test_a_kit_may_have_whatever_the_offline_machine_is_asked_for() -> None:
    shown = run("kit", "--help").text
    for extra in ("registry", "report"):  # what `airgap repair` needs is in it unless somebody leaves it out
        assert re.search(rf"--extra \[[a-z|]*\b{extra}\b", shown), extra


def test_whole_bundles_are_named_one_by_one(site: Site) -> None:
    site.export(site.image(RUST, sample(), "anna", "bert"))
    other = site.bundle.with_name("other.airgap.tar.zst")
    other.write_bytes(site.bundle.read_bytes())
    result = run("inspect", site.bundle, other)
    assert result.code == 10
    assert "name a whole bundle by itself" in result.errors


def test_an_age_is_not_told_of_a_time_before_it(site: Site) -> None:
    site.export(site.image(RUST, sample(), "anna", "bert"))
    assert site.import_().code == 0
    assert " 0 days" not in run("verify", site.bundle, "--trust", site.trust, "--at", AT).text
    result = run("verify", site.bundle, "--trust", site.trust, "--at", "2001-01-01T00:00:00Z")
    assert result.code == 30
    assert "reached quorum" not in result.text
    assert "next: Check the clock of this machine" in result.text
    assert "\n  not counted: " in result.text  # a long error has a line for each statement
