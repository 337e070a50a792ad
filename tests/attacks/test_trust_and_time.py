"""Attacks on what the offline machine remembers: rollback, rotation, clocks, lost and exchanged state (TUF)."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import forge
import pytest
from forge import SIGNED

from airgap.bundle import frames
from airgap.bundle.format import FRAME_SIZE
from airgap.state import LOG_FILE
from tests.attacks.catalogue import attack
from tests.attacks.lab import IMAGE, Lab, by, put_together, reasons
from tests.cli.site import AT, RUST, Result, crew, popen, process, run, sample, snapshot
from tests.cli.surgery import archive, canonical, flipped
from tests.cli.test_update import Rotation, people_file, signed

DAY = 86_400


def taken_in(lab: Lab, bundle: bytes, *arguments: object) -> Result:
    """Imported into the store alone: a layout, as a target, keeps another image from taking a name."""
    path = lab.site.folder / "taken.airgap.tar.zst"
    path.write_bytes(bundle)
    places = ["--trust", lab.site.trust, "--store", lab.site.store, "--at", AT, "--format", "json"]
    return run("import", path, *places, *arguments)


def dated(lab: Lab, text: str, *times: int) -> bytes:
    """An image signed by anna, bert … at these times."""
    found = sample(text)
    files = [by(nick, digest=found.digest, created=time) for nick, time in zip(crew(), times, strict=False)]
    return put_together(found, files, lab.site).packed()


@attack("TUF-01")
def test_an_older_bundle_again(fresh: Lab) -> None:
    old, new = dated(fresh, "old", SIGNED, SIGNED), dated(fresh, "new", SIGNED + DAY, SIGNED + DAY)
    for bundle in (old, new):
        assert taken_in(fresh, bundle).code == 0
    fresh.refused(old, 41, "older-than-accepted")
    allowed = taken_in(fresh, old, "--allow-older")
    assert allowed.code == 0
    assert allowed.json["overrides"] == ["allow-older"]
    assert fresh.site.log()[-1]["overrides"] == ["allow-older"]
    fresh.refused(old, 41, "older-than-accepted")


@attack("TUF-03")
def test_the_same_bundle_again(fresh: Lab) -> None:
    bundle = fresh.good().packed()
    first = fresh.site.import_(bundle="-", stdin=bundle)
    before = fresh.site.snapshot()
    again = fresh.site.import_(bundle="-", stdin=bundle)
    assert first.code == 0
    assert again == first
    assert fresh.site.snapshot() == before
    assert fresh.site.log()[-1]["event"] == "load", "the target is read back again"


@attack("TUF-07")
def test_data_without_end(lab: Lab) -> None:
    """A stream that goes on after the bundle, one of zeros, and frames that hold zeros for ever."""
    zeros = frames.compress(bytes(FRAME_SIZE), 1)
    for start, forever in ((lab.good().packed(), b"x" * 65_536), (b"", bytes(65_536)), (b"", zeros)):
        with popen(*lab.site.verify_line(bundle="-")) as child:
            assert child.stdin is not None
            written = 0
            with contextlib.suppress(BrokenPipeError):
                os.write(child.stdin.fileno(), start)
                while written < 2**28:
                    written += os.write(child.stdin.fileno(), forever)
            assert written < 2**28, "it was read on"
            assert child.wait(60) == 10


@attack("TUF-09")
@pytest.mark.parametrize("signers", [(), ("anna",), ("dora", "emil"), ("emil",)], ids=str)
def test_a_new_maintainers_with_too_few(fresh: Lab, signers: tuple[str, ...]) -> None:
    rotation = Rotation(fresh.site, signers=signers)
    before, told = fresh.site.snapshot(), fresh.log()
    for result in (rotation.from_files(), rotation.update("--from", rotation.bundle("anna", "carl"))):
        assert (result.code, result.kinds) == (40, ["rotation-not-authorised"])
    assert fresh.site.snapshot() == before
    entries = fresh.site.log()[len(told) :]
    assert [(one["event"], one["accepted"]) for one in entries] == [("update", False)] * 2


@attack("TUF-09")
def test_a_new_maintainers_without_the_new_people(fresh: Lab) -> None:
    """Both of those who leave agree, and none of those who come."""
    rotation = Rotation(fresh.site, people=("carl", "emil"), signers=("anna", "bert"))
    result = rotation.from_files()
    assert (result.code, result.kinds) == (40, ["rotation-not-authorised"])


@attack("TUF-10")
def test_an_old_maintainers_again(fresh: Lab) -> None:
    rotation = Rotation(fresh.site)
    assert rotation.from_files().code == 0
    before = fresh.site.snapshot()
    for number, data in enumerate((people_file(*crew()), people_file("anna", "bert", "carl", "emil", "dora"))):
        rotation.maintainers.write_bytes(data)
        created = SIGNED + DAY if number == 0 else SIGNED - DAY
        rotation.signatures = signed(fresh.site.folder / f"back {number}", data, "anna", "bert", created=created)
        result = rotation.from_files()
        assert (result.code, result.kinds) == (41, ["maintainers-older"]), result
    assert fresh.site.snapshot() == before


@attack("TUF-12")
def test_no_trust_root(fresh: Lab, tmp_path: Path) -> None:
    """Nothing is believed because it came first, and nothing is made in its place."""
    site = fresh.site
    site.bundle.write_bytes(fresh.good().packed())
    before = snapshot(site.store, site.out)
    for folder in (tmp_path / "nowhere", site.folder / "layouts"):
        for line in (site.verify_line(), site.import_line()):
            result = run(*line, "--trust", folder)
            assert (result.code, result.kinds) == (40, ["trust-root-missing"])
    assert not (tmp_path / "nowhere").exists()
    assert snapshot(site.store, site.out) == before
    evidence = ["--maintainers", site.maintainers, "--keyring", site.keyring]
    asked = run("trust", "init", tmp_path / "new", *evidence, "--format", "json")
    assert (asked.code, asked.kinds) == (40, ["not-confirmed"])
    assert not (tmp_path / "new").exists()


@attack("TUF-15")
@attack("TUF-17")
@pytest.mark.parametrize("clock", [0, 2**31, 4_070_908_800, 2**32 + 1], ids=["1970", "2038", "2099", "2106"])
def test_clocks_and_zones(lab: Lab, clock: int) -> None:
    """With --at no clock is asked; the verdict has the same bytes. Without, a far clock poisons nothing."""
    data = lab.good().packed()
    expected = lab.accepted(data).stdout
    before = f"import time; time.time = lambda: {clock}; time.time_ns = lambda: {clock * 10**9}"
    for zone, locale in (("Pacific/Chatham", "tr_TR.UTF-8"), ("America/New_York", "C")):
        env = {"TZ": zone, "LC_ALL": locale, "LANG": locale}
        assert process(*lab.site.verify_line(bundle="-"), stdin=data, before=before, env=env).stdout == expected


@attack("TUF-15")
def test_an_import_with_the_clock_in_2099(fresh: Lab) -> None:
    """What it remembers is when people signed, not when it ran: the day after, with a right clock, all is well."""
    data = dated(fresh, "now", SIGNED, SIGNED)
    line = ["import", "-", "--trust", fresh.site.trust, "--store", fresh.site.store, "--format", "json"]
    before = "import time; time.time = lambda: 4070908800; time.time_ns = lambda: 4070908800 * 10**9"
    assert process(*line, stdin=data, before=before).code == 0
    assert taken_in(fresh, dated(fresh, "next", SIGNED + DAY, SIGNED + DAY)).code == 0


@attack("TUF-17")
@pytest.mark.parametrize("created", [0, 2**31 - 1, 2**31, 2**32 - 1])
def test_times_at_the_edge(lab: Lab, created: int) -> None:
    """Unsigned seconds: none of them wraps around into the past, or becomes good."""
    result = lab.refused(lab.signed(by("anna"), by("bert", created=created)), 30)
    why = "signature-older-than-key" if created == 0 else "signature-from-the-future"
    assert reasons(result)[1] in (why, "self-signature-newer-than-signature")


def damaged(folder: Path, path: Path, how: str) -> None:
    data = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": data[: len(data) // 2], "flipped": flipped(data, len(data) // 2), "empty": b""}[how])


@attack("TUF-18")
@pytest.mark.parametrize("how", ["gone", "cut", "flipped", "empty"])
def test_damaged_state(fresh: Lab, tmp_path: Path, how: str) -> None:
    """Every file of the trust folder: an error, never a first use; and the folder stays as it is."""
    site = fresh.site
    site.bundle.write_bytes(fresh.good().packed())
    whole = tmp_path / "whole"
    shutil.copytree(site.trust, whole)
    for path in [path for path in sorted(site.trust.rglob("*")) if path.is_file()]:
        damaged(site.trust, path, how)
        before = snapshot(site.trust, site.store, site.out)
        for line in (site.verify_line(), site.import_line()):
            result = run(*line)
            assert result.code == 40, (path, result)
            assert set(result.kinds) <= {"trust-root-missing", "trust-root-invalid", "audit-log-damaged"}
        assert snapshot(site.trust, site.store, site.out) == before
        shutil.rmtree(site.trust)
        shutil.copytree(whole, site.trust)
    assert site.verify().code == 0


@attack("TUF-18")
def test_state_of_last_year(fresh: Lab, tmp_path: Path) -> None:
    """A backup of everything but the log: the log knows of what came since.

    State that is older by the last entry alone is what a loss of power before the last step leaves: it is taken for
    that, the next entry says so, and the import has to be repeated (docs/THREATS.md).
    """
    site, old = fresh.site, tmp_path / "old"
    shutil.copytree(site.trust, old)
    (old / LOG_FILE).unlink()
    for day in (1, 2):
        assert taken_in(fresh, dated(fresh, f"new {day}", SIGNED + day * DAY, SIGNED + day * DAY)).code == 0
        shutil.copytree(site.trust, tmp_path / f"after {day}")
    shutil.copytree(old, site.trust, dirs_exist_ok=True)
    site.bundle.write_bytes(dated(fresh, "old", SIGNED, SIGNED))
    for line in (site.verify_line(), site.import_line()):
        result = run(*line)
        assert result.code == 40, result
        assert set(result.kinds) <= {"trust-root-invalid", "audit-log-damaged"}
    (tmp_path / "after 1" / LOG_FILE).unlink()
    shutil.copytree(tmp_path / "after 1", site.trust, dirs_exist_ok=True)
    result = site.import_()
    assert (result.code, result.kinds) == (41, ["older-than-accepted"]), "the mark of the day before still holds"
    assert [one["event"] for one in site.log()[-2:]] == ["interrupted", "import"]


@attack("TUF-20")
def test_a_signer_who_dates_ahead(fresh: Lab) -> None:
    """One liar moves no mark; a quorum of the far future is refused, and moves none either."""
    assert taken_in(fresh, dated(fresh, "ahead", SIGNED, SIGNED + 20 * DAY)).code == 0
    assert taken_in(fresh, dated(fresh, "next", SIGNED + DAY, SIGNED + DAY)).code == 0
    far = 2**32 - 2
    result = fresh.refused(dated(fresh, "far", far, far), 30, "quorum-not-met")
    assert reasons(result) == ["signature-from-the-future"] * 2
    assert taken_in(fresh, dated(fresh, "after", SIGNED + 2 * DAY, SIGNED + 2 * DAY)).code == 0


@attack("TUF-22")
def test_keys_that_expired_since(tmp_path: Path) -> None:
    """A root does not expire: it goes on deciding, and what has become old is flagged in every verdict."""
    keys = {nick: (forge.certificate(nick, key_expires=SIGNED + DAY - forge.CREATED),) for nick in ("anna", "bert")}
    lab = Lab(tmp_path / "lab", keys)
    verdict = lab.accepted(lab.image(IMAGE), "--at", "2039-01-01T00:00:00Z").json
    (image,) = verdict["images"]
    assert {flag for one in image["signatures"] for flag in one["flags"]} == {"certificate-expired-since"}
    assert image["staleness"]["days"] > 4000


@attack("TUF-18")
def test_two_states_of_one_log(fresh: Lab, tmp_path: Path) -> None:
    """Two machines that share a backup, and went on: the state of one does not fit the log of the other."""
    site, other = fresh.site, tmp_path / "other"
    shutil.copytree(site.trust, other)
    assert taken_in(fresh, dated(fresh, "one", SIGNED, SIGNED)).code == 0
    path = tmp_path / "two.airgap.tar.zst"
    path.write_bytes(dated(fresh, "two", SIGNED + DAY, SIGNED + DAY))
    assert run("import", path, "--trust", other, "--store", tmp_path / "store", "--at", AT).code == 0
    shutil.copyfile(other / "state.json", site.trust / "state.json")
    result = run("verify", path, "--trust", site.trust, "--at", AT, "--format", "json")
    assert result.code == 40, result
    assert set(result.kinds) <= {"trust-root-invalid", "audit-log-damaged"}


@attack("TUF-01")
def test_a_mark_is_for_its_repository(fresh: Lab) -> None:
    """A new image of one repository keeps no other one out; a bundle with one old image is refused whole."""
    assert taken_in(fresh, dated(fresh, "new", SIGNED + DAY, SIGNED + DAY)).code == 0
    site = fresh.site
    tool = sample("tool")
    sources = [
        site.image(RUST, sample("old"), "anna", "bert"),
        site.image("docker.io/stagex/tool", tool, "anna", "bert"),
    ]
    assert site.export(*sources).code == 0
    fresh.refused(site.bundle.read_bytes(), 41, "older-than-accepted")
    assert not (site.store / "blobs" / "sha256" / tool.digest[7:]).exists()


@attack("TUF-07")
def test_a_bundle_json_without_end(lab: Lab) -> None:
    opened = lab.good()
    stream = archive(canonical(opened.manifest), opened.members)
    head = bytearray(stream[:512])
    head[124:136] = b"77777777777\0"
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    frame = frames.compress((bytes(head) + b"{" * FRAME_SIZE)[:FRAME_SIZE], 1)
    lab.refused(frame * 40, 10)
