"""The trust folder: what is missing, cut or flipped is an error, never a first use (attack TUF-18)."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airgap import audit, state
from airgap.audit import Entry, read_log, require_whole
from airgap.digest import digest_of
from airgap.errors import AirgapError, FormatError, HostError, TrustRootError
from airgap.limits import LIMITS
from airgap.openpgp.keyring import load_keyring
from airgap.openpgp.keys import parse_fingerprint
from airgap.state import create_trust, load_trust, open_trust, require_no_trust
from airgap.strict_json import canonical, parse
from airgap.trust.pinned import Trust
from airgap.trust.root import new_root
from tests.trust.judged import KEYS, certificate_of, everybody, fingerprint_of, trust

INIT = {"event": "init"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_trust(tmp_path / "trust", trust(), INIT)
    return tmp_path / "trust"


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def refused(folder: Path) -> str:
    with pytest.raises(TrustRootError) as caught:
        load_trust(folder)
    assert caught.value.exit_status == 40
    return caught.value.kind


def test_round_trip(folder: Path) -> None:
    found = load_trust(folder)
    assert found.root.id == trust().root.id
    assert found.keyring.encoded() == trust().keyring.encoded()
    assert [path.relative_to(folder).parts[0] for path in files_of(folder)] == ["audit.log"] + ["certificates"] * 4 + [
        "roots",
        "state.json",
    ]


def test_the_same_folder_twice(folder: Path, tmp_path: Path) -> None:
    create_trust(tmp_path / "other", trust(), INIT)
    for path in files_of(folder):
        assert (tmp_path / "other" / path.relative_to(folder)).read_bytes() == path.read_bytes()


def flipped(path: Path, stride: int) -> Iterator[None]:
    good = path.read_bytes()
    for bit in range(0, len(good) * 8, stride):
        data = bytearray(good)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        yield
    path.write_bytes(good)


@pytest.mark.parametrize("name", ["roots/1.json", "state.json", "certificate", "audit.log"])
def test_every_byte_flipped(folder: Path, name: str) -> None:
    path = files_of(folder / "certificates")[0] if name == "certificate" else folder / name
    for _ in flipped(path, 31):
        refused(folder)
    load_trust(folder)


@pytest.mark.slow
def test_every_bit_flipped(folder: Path) -> None:
    for path in files_of(folder):
        for _ in flipped(path, 1):
            refused(folder)


def test_every_file_cut(folder: Path) -> None:
    for path in files_of(folder):
        good = path.read_bytes()
        for length in {0, 1, len(good) // 2, len(good) - 1}:
            path.write_bytes(good[:length])
            assert refused(folder) in ("trust-root-invalid", "audit-log-damaged")
        path.write_bytes(good + b"\n")
        assert refused(folder) in ("trust-root-invalid", "audit-log-damaged")
        path.write_bytes(good)


def test_tuf_18_every_file_missing(folder: Path) -> None:
    for path in files_of(folder):
        good = path.read_bytes()
        path.unlink()
        assert refused(folder) == "trust-root-missing"
        path.write_bytes(good)
    load_trust(folder)


def test_tuf_12_no_folder(tmp_path: Path) -> None:
    assert refused(tmp_path / "nothing") == "trust-root-missing"
    assert refused(tmp_path) == "trust-root-missing"


def test_a_link_in_the_place_of_a_file(folder: Path) -> None:
    (folder / "roots/1.json").rename(folder / "roots" / "elsewhere")
    (folder / "roots/1.json").symlink_to("elsewhere")
    with pytest.raises(HostError):
        load_trust(folder)


def reseal(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """state.json with a change, a ``self`` that fits, and a log whose last entry names it: all but what is checked."""
    value = parse((folder / "state.json").read_bytes())
    assert isinstance(value, dict)
    value.pop("self")
    log = value.pop("log")
    change(value)
    lines = (folder / "audit.log").read_bytes().splitlines()
    previous = lines[-2][:64].decode() if len(lines) > 1 else "0" * 64
    record = canonical({"event": "init", "state": str(digest_of(canonical(value)))})
    link = hashlib.sha256(f"{previous} ".encode() + record).hexdigest()
    (folder / "audit.log").write_bytes(b"".join(line + b"\n" for line in [*lines[:-1], f"{link} ".encode() + record]))
    value["log"] = {**log, "hash": link}
    value["self"] = str(digest_of(canonical(value)))
    (folder / "state.json").write_bytes(canonical(value))


def test_a_state_that_fits_itself(folder: Path) -> None:
    reseal(folder, lambda value: None)
    load_trust(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(schema="x"),
        lambda value: value.pop("schema"),
        lambda value: value.pop("roots"),
        lambda value: value.update(roots=[]),
        lambda value: value.update(roots=value["roots"] * 2),
        lambda value: value.pop("certificates"),
        lambda value: value.update(extra=1),
        lambda value: value.update(roots=1),
        lambda value: value.update(certificates=[]),
        lambda value: value["certificates"].update({"../../x": "sha256:0"}),
        lambda value: value.update(maintainers="now"),
        lambda value: value.update(marks={"docker.io/stagex/x": {"time": 1}}),
        lambda value: value.update(marks={"docker.io/stagex/x": {"digests": [], "time": -1}}),
        lambda value: value.update(marks={"stagex/x": {"digests": [], "time": 1}}),
        lambda value: value.update(revoked={"A" * 40: 2**40}),
        lambda value: value.update(revoked={"a" * 40: 1}),
    ],
)
def test_a_state_of_another_form(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    reseal(folder, change)
    assert refused(folder) in ("trust-root-invalid", "trust-root-missing")


def test_a_person_may_be_without_a_certificate(folder: Path) -> None:
    """What is pinned is what the state says."""
    reseal(folder, lambda value: value["certificates"].clear())
    assert len(load_trust(folder).keyring) == 0


def test_a_certificate_of_nobody(tmp_path: Path) -> None:
    stranger = load_keyring([certificate_of("mallory").bytes])
    create_trust(tmp_path / "trust", Trust(trust().root, stranger), INIT)
    assert refused(tmp_path / "trust") == "trust-root-invalid"


def pin(folder: Path, key: str, data: bytes) -> None:
    """Other bytes for a certificate, with a state that says so."""
    name, digest = fingerprint_of(key), digest_of(data)
    (folder / "certificates" / f"{name}-{digest.hex[:16]}.pgp").write_bytes(data)
    reseal(folder, lambda value: value["certificates"].update({name: str(digest)}))


def test_a_certificate_that_is_another(folder: Path) -> None:
    pin(folder, "alice", certificate_of("bob").bytes)
    assert refused(folder) == "trust-root-invalid"


@pytest.mark.parametrize("data", [b"no certificate", b""])
def test_a_certificate_that_cannot_be_read(folder: Path, data: bytes) -> None:
    pin(folder, "alice", data)
    assert refused(folder) == "trust-root-invalid"


def test_a_root_that_is_broken_but_pinned(folder: Path) -> None:
    (folder / "roots" / "1.json").write_bytes(b"{}")
    reseal(folder, lambda value: value.update(roots=[str(digest_of(b"{}"))]))
    assert refused(folder) == "trust-root-invalid"


def test_a_root_of_another_version(folder: Path) -> None:
    data = replace(trust().root, version=2).encoded()
    (folder / "roots" / "1.json").write_bytes(data)
    reseal(folder, lambda value: value.update(roots=[str(digest_of(data))]))
    assert refused(folder) == "trust-root-invalid"


def revoked(folder: Path, key: str = "alice", *, commit: bool = True) -> None:
    """A change of the trust folder; without ``commit`` it is cut off after its decision."""
    with open_trust(folder) as held:
        fingerprint = parse_fingerprint(fingerprint_of(key))
        after = replace(held.trust, memory=held.trust.memory.without([fingerprint], 5))
        held.decide({"event": "revoke"}, after)
        if commit:
            held.commit()


def revocations(folder: Path) -> set[str]:
    return {str(fingerprint) for fingerprint in load_trust(folder).memory.revoked}


class TestChanging:
    def test_it_is_read_back(self, folder: Path) -> None:
        revoked(folder)
        revoked(folder, "bob")
        assert revocations(folder) == {fingerprint_of("alice"), fingerprint_of("bob")}
        assert len(list(read_log(folder / "audit.log"))) == 3

    def test_a_decision_that_was_cut_off(self, folder: Path) -> None:
        """As if killed between the log and the state: nothing has changed, and the next change says so first."""
        revoked(folder, commit=False)
        assert revocations(folder) == set()
        revoked(folder, "bob")
        assert revocations(folder) == {fingerprint_of("bob")}
        records = [entry.parsed() for entry in read_log(folder / "audit.log")]
        assert [record["event"] for record in records] == ["init", "revoke", "interrupted", "revoke"]
        assert records[2]["undoes"] == 2

    def test_a_refusal_after_a_decision_undoes_it(self, folder: Path) -> None:
        with open_trust(folder) as held:
            before = held.trust
            fingerprint = parse_fingerprint(fingerprint_of("alice"))
            held.decide({"event": "import"}, replace(before, memory=before.memory.without([fingerprint], 1)))
            held.record({"event": "import", "accepted": False})
            assert held.trust == before
            with pytest.raises(RuntimeError, match="nothing was decided"):
                held.commit()
        assert [entry.parsed().get("undoes") for entry in read_log(folder / "audit.log")] == [None, None, 2]
        load_trust(folder)

    def test_tuf_18_the_state_of_last_year(self, folder: Path) -> None:
        old = (folder / "state.json").read_bytes()
        revoked(folder)
        revoked(folder, "bob")
        (folder / "state.json").write_bytes(old)
        assert refused(folder) == "trust-root-invalid"

    def test_tuf_18_the_state_before_a_change_and_a_refusal(self, folder: Path) -> None:
        old = (folder / "state.json").read_bytes()
        revoked(folder)
        with open_trust(folder) as held:
            held.record({"event": "import", "accepted": False})
        (folder / "state.json").write_bytes(old)
        assert refused(folder) == "trust-root-invalid"

    def test_a_log_of_another_installation(self, folder: Path, tmp_path: Path) -> None:
        create_trust(tmp_path / "other", trust(1), INIT)
        shutil.copy(tmp_path / "other" / "audit.log", folder / "audit.log")
        assert refused(folder) == "audit-log-damaged"

    def test_a_log_that_was_cut_short(self, folder: Path) -> None:
        revoked(folder)
        log = folder / "audit.log"
        log.write_bytes(log.read_bytes().splitlines(keepends=True)[0])
        assert refused(folder) == "audit-log-damaged"

    def test_an_entry_that_was_half_written(self, folder: Path) -> None:
        """It was never durable, so nothing rests on it; the next one takes its place."""
        with open(folder / "audit.log", "ab") as file:
            file.write(b"0123 {half")
        load_trust(folder)
        with pytest.raises(TrustRootError, match="no whole entry"):
            require_whole(folder / "audit.log")
        revoked(folder)
        require_whole(folder / "audit.log")
        assert revocations(folder) == {fingerprint_of("alice")}

    def test_a_full_disk_at_the_log(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        before = {path: path.read_bytes() for path in files_of(folder)}

        def fail(_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(HostError) as caught:
            revoked(folder)
        assert caught.value.kind == "disk-full"
        assert {path: path.read_bytes() for path in files_of(folder)} == before

    def test_what_changes_nothing_is_an_entry_alone(self, folder: Path) -> None:
        before = (folder / "state.json").read_bytes()
        with open_trust(folder) as held:
            held.decide({"event": "import", "accepted": True}, held.trust)
            held.commit()
        assert (folder / "state.json").read_bytes() == before
        assert len(list(read_log(folder / "audit.log"))) == 2
        load_trust(folder)

    @pytest.mark.parametrize("record", [b"[]", b"{", b'{"b":1,"a":2}'])
    def test_an_entry_that_is_no_record(self, folder: Path, record: bytes) -> None:
        """Chained as it should be, but not written by airgap."""
        log = folder / "audit.log"
        link = hashlib.sha256(log.read_bytes().splitlines()[-1][:64] + b" " + record).hexdigest().encode()
        log.write_bytes(log.read_bytes() + link + b" " + record + b"\n")
        assert refused(folder) == "audit-log-damaged"

    def test_an_entry_over_the_limit(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(audit, "_LINE_MAX", 100)
        assert refused(folder) == "audit-log-damaged"

    def test_no_entry_over_the_limit_is_written(self, folder: Path) -> None:
        before = (folder / "audit.log").read_bytes()
        with open_trust(folder) as held, pytest.raises(FormatError) as caught:
            held.record({"event": "import", "errors": ["x" * 1000] * (LIMITS.audit_record // 1000)})
        assert caught.value.kind == "limit-exceeded"
        assert (folder / "audit.log").read_bytes() == before

    def test_it_never_stops_changing(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        spaces = itertools.count()
        original = state._read

        def changing(path: Path, limit: int) -> bytes:
            return original(path, limit) + b" " * next(spaces)

        def damaged(*_: object) -> None:
            raise TrustRootError("trust-root-invalid", "as it is now")

        monkeypatch.setattr(state, "_read", changing)
        monkeypatch.setattr(state, "_parse_state", lambda *_: None)
        monkeypatch.setattr(state, "_read_trust", damaged)
        with pytest.raises(TrustRootError, match="it changes while it is read"):
            load_trust(folder)

    def test_two_at_once(self, folder: Path) -> None:
        with open_trust(folder):
            with pytest.raises(HostError) as caught, open_trust(folder):
                pass
            load_trust(folder)
        assert caught.value.kind == "store-locked"
        with open_trust(folder):
            pass

    def test_old_certificates_are_cleared_away(self, folder: Path) -> None:
        junk = folder / "certificates" / "left-over.pgp"
        junk.write_bytes(b"x")
        revoked(folder)
        assert not junk.exists()
        assert len(files_of(folder / "certificates")) == len(KEYS)

    def test_it_changes_while_it_is_read(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A reader that has the state of before an import, and the log of after it, reads again."""
        changes = ["alice", "bob"]

        def slow(path: Path) -> Iterator[Entry]:
            now, changes[:] = tuple(changes), []
            for key in now:
                revoked(folder, key)
            yield from read_log(path)

        monkeypatch.setattr(state, "read_log", slow)
        assert len(load_trust(folder).memory.revoked) == 2


class TestCreating:
    @pytest.mark.parametrize("occupant", ["file", "folder", "link", "dangling"])
    def test_nothing_is_overwritten(self, tmp_path: Path, occupant: str) -> None:
        path = tmp_path / "trust"
        if occupant == "file":
            path.write_bytes(b"precious")
        elif occupant == "folder":
            path.mkdir()
            (path / "precious").write_bytes(b"x")
        else:
            (tmp_path / "real").mkdir()
            path.symlink_to("real" if occupant == "link" else "nowhere")
        with pytest.raises(TrustRootError) as caught:
            create_trust(path, trust(), INIT)
        assert (caught.value.kind, caught.value.exit_status) == ("trust-root-exists", 40)
        assert not (tmp_path / "trust.airgap-partial").exists()

    def test_an_empty_folder_will_do(self, tmp_path: Path) -> None:
        (tmp_path / "trust").mkdir()
        require_no_trust(tmp_path / "trust")
        create_trust(tmp_path / "trust", trust(), INIT)
        load_trust(tmp_path / "trust")

    def test_half_a_folder_is_never_left(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        written = []

        def fail(path: Path, data: bytes) -> None:
            written.append(path)
            if len(written) == 3:
                raise HostError("disk-full", "no space")
            path.write_bytes(data)

        monkeypatch.setattr(state, "write_whole", fail)
        with pytest.raises(HostError):
            create_trust(tmp_path / "trust", trust(), INIT)
        assert list(tmp_path.iterdir()) == []

    def test_what_an_earlier_run_left_is_removed(self, tmp_path: Path) -> None:
        (tmp_path / "trust.airgap-partial" / "certificates").mkdir(parents=True)
        (tmp_path / "trust.airgap-partial" / "certificates" / "old.pgp").write_bytes(b"x")
        create_trust(tmp_path / "trust", trust(), INIT)
        assert len(list((tmp_path / "trust" / "certificates").iterdir())) == len(KEYS)


def test_two_folders_mixed(folder: Path, tmp_path: Path) -> None:
    """The root of one installation with the state of another."""
    create_trust(tmp_path / "other", Trust(new_root(everybody(), 1), trust().keyring), INIT)
    shutil.copy(tmp_path / "other" / "roots/1.json", folder / "roots/1.json")
    assert refused(folder) == "trust-root-invalid"


def test_a_file_that_never_ends(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trust folder over a limit is refused; by which status is not fixed here."""
    with open(folder / "roots/1.json", "r+b") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    with pytest.raises(AirgapError):
        load_trust(folder)
