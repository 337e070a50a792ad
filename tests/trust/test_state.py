"""The trust folder: what is missing, cut or flipped is an error, never a first use (attack TUF-18)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airgap import state
from airgap.digest import digest_of
from airgap.errors import AirgapError, HostError, TrustRootError
from airgap.openpgp.keyring import load_keyring
from airgap.state import Trust, create_trust, load_trust, require_no_trust
from airgap.strict_json import canonical, parse
from airgap.trust.root import new_root
from tests.trust.judged import KEYS, certificate_of, everybody, fingerprint_of, trust


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_trust(tmp_path / "trust", trust())
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
    assert [path.relative_to(folder).parts[0] for path in files_of(folder)] == ["certificates"] * 4 + [
        "root.json",
        "state.json",
    ]


def test_the_same_folder_twice(folder: Path, tmp_path: Path) -> None:
    create_trust(tmp_path / "other", trust())
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


@pytest.mark.parametrize("name", ["root.json", "state.json", "certificate"])
def test_every_byte_flipped(folder: Path, name: str) -> None:
    path = files_of(folder)[0] if name == "certificate" else folder / name
    for _ in flipped(path, 9):
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
            assert refused(folder) == "trust-root-invalid"
        path.write_bytes(good + b"\n")
        assert refused(folder) == "trust-root-invalid"
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
    (folder / "root.json").rename(folder / "elsewhere")
    (folder / "root.json").symlink_to("elsewhere")
    with pytest.raises(HostError):
        load_trust(folder)


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """state.json with a change, and a ``self`` that fits."""
    value = parse((folder / "state.json").read_bytes())
    assert isinstance(value, dict)
    value.pop("self")
    change(value)
    value["self"] = str(digest_of(canonical(value)))
    (folder / "state.json").write_bytes(canonical(value))


def test_a_state_that_fits_itself(folder: Path) -> None:
    rewrite(folder, lambda value: None)
    load_trust(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(schema="x"),
        lambda value: value.pop("schema"),
        lambda value: value.pop("root"),
        lambda value: value.pop("certificates"),
        lambda value: value.update(extra=1),
        lambda value: value.update(root=1),
        lambda value: value.update(certificates=[]),
        lambda value: value["certificates"].update({"../../x": "sha256:0"}),
    ],
    ids=["schema", "no schema", "no root", "no certificates", "extra", "type", "list", "path"],
)
def test_a_state_of_another_form(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    rewrite(folder, change)
    assert refused(folder) == "trust-root-invalid"


def test_a_person_may_be_without_a_certificate(folder: Path) -> None:
    """What is pinned is what the state says."""
    rewrite(folder, lambda value: value["certificates"].clear())
    assert len(load_trust(folder).keyring) == 0


def test_a_certificate_of_nobody(tmp_path: Path) -> None:
    stranger = load_keyring([certificate_of("mallory").bytes])
    create_trust(tmp_path / "trust", Trust(trust().root, stranger))
    assert refused(tmp_path / "trust") == "trust-root-invalid"


def pin(folder: Path, key: str, data: bytes) -> None:
    """Other bytes for a certificate, with a state that says so."""
    name = fingerprint_of(key)
    (folder / "certificates" / f"{name}.pgp").write_bytes(data)
    rewrite(folder, lambda value: value["certificates"].update({name: str(digest_of(data))}))


def test_a_certificate_that_is_another(folder: Path) -> None:
    pin(folder, "alice", certificate_of("bob").bytes)
    assert refused(folder) == "trust-root-invalid"


@pytest.mark.parametrize("data", [b"no certificate", b""])
def test_a_certificate_that_cannot_be_read(folder: Path, data: bytes) -> None:
    pin(folder, "alice", data)
    assert refused(folder) == "trust-root-invalid"


def test_a_root_that_is_broken_but_pinned(folder: Path) -> None:
    (folder / "root.json").write_bytes(b"{}")
    rewrite(folder, lambda value: value.update(root=str(digest_of(b"{}"))))
    assert refused(folder) == "trust-root-invalid"


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
            create_trust(path, trust())
        assert (caught.value.kind, caught.value.exit_status) == ("trust-root-exists", 40)
        assert not (tmp_path / "trust.airgap-partial").exists()

    def test_an_empty_folder_will_do(self, tmp_path: Path) -> None:
        (tmp_path / "trust").mkdir()
        require_no_trust(tmp_path / "trust")
        create_trust(tmp_path / "trust", trust())
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
            create_trust(tmp_path / "trust", trust())
        assert list(tmp_path.iterdir()) == []

    def test_what_an_earlier_run_left_is_removed(self, tmp_path: Path) -> None:
        (tmp_path / "trust.airgap-partial" / "certificates").mkdir(parents=True)
        (tmp_path / "trust.airgap-partial" / "certificates" / "old.pgp").write_bytes(b"x")
        create_trust(tmp_path / "trust", trust())
        assert len(list((tmp_path / "trust" / "certificates").iterdir())) == len(KEYS)


def test_two_folders_mixed(folder: Path, tmp_path: Path) -> None:
    """The root of one installation with the state of another."""
    create_trust(tmp_path / "other", Trust(new_root(everybody(), 1), trust().keyring))
    shutil.copy(tmp_path / "other" / "root.json", folder / "root.json")
    assert refused(folder) == "trust-root-invalid"


def test_a_file_that_never_ends(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trust folder over a limit is refused; by which status is not fixed here."""
    with open(folder / "root.json", "r+b") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    with pytest.raises(AirgapError):
        load_trust(folder)
