"""`trust init` and `trust show`: what is pinned, what is refused, and that a refusal writes nothing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import forge
import pytest

from tests.cli.contract import check_error
from tests.cli.site import (
    RUST,
    Result,
    Site,
    crew,
    maintainers,
    on_terminal,
    run,
    sample,
    snapshot,
)
from tests.corpus import CORPUS, needs_corpus


def refused(site: Site, kind: str, *arguments: object, code: int = 40, threshold: int = 2) -> Result:
    folder = site.folder / "new" / "trust"
    before = snapshot(site.folder)
    result = site.init(*arguments, threshold=threshold, folder=folder)
    assert result.code == code, result
    assert result.kinds == [kind]
    check_error(result.json)
    assert snapshot(site.folder) == before
    return result


def test_what_is_pinned(site: Site) -> None:
    shown = run("trust", "show", "--trust", site.trust, "--format", "json")
    assert shown.code == 0
    document = shown.json
    assert document["version"] == 1
    assert document["threshold"] == 2
    assert document["id"] == f"sha256:{hashlib.sha256((site.trust / 'roots' / '1.json').read_bytes()).hexdigest()}"
    assert document["claim_formats"] == ["atomic"]
    assert document["strict_expiry"] is False
    for person in document["people"]:
        held = crew()[person["name"]]
        assert person["fingerprints"] == sorted(one.fingerprint for one in held)
        assert {one["fingerprint"] for one in person["certificates"]} == set(person["fingerprints"])
    assert [person["name"] for person in document["people"]] == ["anna", "bert", "carl", "dora"]
    assert site.init(folder=site.folder / "again").json == document


def test_the_same_files_give_the_same_folder(site: Site) -> None:
    assert site.init(folder=site.folder / "again").code == 0
    one, other = snapshot(site.trust), snapshot(site.folder / "again")
    assert list(one.values()) == list(other.values())


def test_fingerprints_are_shown_for_comparison(site: Site) -> None:
    text = run("trust", "show", "--trust", site.trust).text
    fingerprint = crew()["carl"][0].fingerprint
    assert " ".join(fingerprint[at : at + 4] for at in range(0, 40, 4)) in text
    assert text.startswith("trust   sha256:")


def test_options(site: Site) -> None:
    folder = site.folder / "other"
    both = ("--claim-format", "stagex-legacy", "--claim-format", "atomic")
    result = site.init(
        "--repository", "stagex/", "--repository", "quay.io", *both, "--require-live-keys", folder=folder
    )
    assert result.code == 0, result
    document = result.json
    assert [one["scope"] for one in document["repositories"]] == ["docker.io/stagex", "quay.io"], (
        "not as `trust show` says it"
    )
    assert document["claim_formats"] == ["atomic", "stagex-legacy"]
    assert document["strict_expiry"] is True
    assert run("trust", "show", "--trust", folder, "--format", "json").json == document


@pytest.mark.parametrize("threshold", [0, 5, 1000])
def test_a_threshold_that_cannot_be(site: Site, threshold: int) -> None:
    message = refused(site, "threshold-invalid", threshold=threshold).messages
    assert str(threshold) in message
    assert "4 people" in message


def test_people_without_a_key_do_not_raise_the_threshold(site: Site) -> None:
    site.maintainers.write_text(maintainers({**crew(), "eve": ()}))
    refused(site, "threshold-invalid", threshold=5)
    assert site.init(threshold=4, folder=site.folder / "other").code == 0


@pytest.mark.parametrize("threshold", ["-1", "two", "1.5"])
def test_a_threshold_that_is_no_number(site: Site, threshold: str) -> None:
    refused(site, "usage", "--threshold", threshold, code=2)


def test_a_key_under_two_people(site: Site) -> None:
    site.maintainers.write_text(maintainers({**crew(), "eve": crew()["carl"]}))
    message = refused(site, "key-of-two-people").messages
    assert "carl" in message
    assert "eve" in message
    assert crew()["carl"][0].fingerprint in message


def test_one_key_twice_in_different_spelling_under_two_people(site: Site) -> None:
    fingerprint = crew()["carl"][0].fingerprint
    for other in (
        fingerprint.lower(),
        f"0x{fingerprint}",
        " ".join(fingerprint[at : at + 4] for at in range(0, 40, 4)),
    ):
        text = maintainers(crew()) + f'[people.eve]\nname = "Eve"\n[keys.eve.x]\nid = "{other}"\n'
        site.maintainers.write_text(text)
        result = site.init(folder=site.folder / "other")
        assert result.code in (10, 40), (other, result)
        assert not (site.folder / "other").exists()


@pytest.mark.parametrize("identity", ["", "DEADBEEF", "0123456789ABCDEF", "x" * 40, 5])
def test_a_key_that_is_no_full_fingerprint(site: Site, identity: object) -> None:
    text = f'[people.eve]\nname = "Eve"\n[keys.eve.x]\nid = {json.dumps(identity)}\n'
    site.maintainers.write_text(text)
    message = refused(site, "maintainers-invalid", code=10, threshold=1).messages
    assert "eve" in message


def test_there_is_one_already(site: Site) -> None:
    before = snapshot(site.folder)
    result = site.init("--repository", "quay.io")
    assert result.code == 40
    assert result.kinds == ["trust-root-exists"]
    assert str(site.trust) in result.messages
    assert snapshot(site.folder) == before


@pytest.mark.parametrize("kind", ["file", "folder with a file", "link", "dangling link"])
def test_something_is_there_already(site: Site, kind: str) -> None:
    place = site.folder / "taken"
    if kind == "file":
        place.write_text("precious")
    elif kind == "folder with a file":
        place.mkdir()
        (place / "precious").write_text("data")
    else:
        place.symlink_to(site.folder / ("trust" if kind == "link" else "nowhere"))
    before = snapshot(site.folder)
    result = site.init(folder=place)
    assert result.code in (40, 70), result
    assert snapshot(site.folder) == before


def test_an_empty_folder_will_do(site: Site) -> None:
    (site.folder / "empty").mkdir()
    assert site.init(folder=site.folder / "empty").code == 0


def test_people_without_certificate_are_pointed_out(site: Site) -> None:
    site.keyring.write_bytes(crew()["anna"][0].bytes)
    result = site.init(folder=site.folder / "other")
    assert result.code == 0
    for nick in ("bert", "carl", "dora"):
        assert f"{nick} has no certificate" in result.errors
    assert "anna has no certificate" not in result.errors
    assert "no certificate here" in run("trust", "show", "--trust", site.folder / "other").text


def test_a_pinned_person_whose_certificate_comes_with_the_bundle(site: Site) -> None:
    full = site.keyring.read_bytes()
    site.keyring.write_bytes(crew()["anna"][0].bytes)
    assert site.init(folder=site.folder / "other").code == 0
    site.keyring.write_bytes(full)
    assert site.export(site.image(RUST, sample(), "carl", "dora")).code == 0
    assert site.verify("--trust", site.folder / "other").code == 0


def test_strangers_in_the_keyring_are_not_pinned(site: Site) -> None:
    eve = forge.certificate("eve")
    site.keyring.write_bytes(site.keyring.read_bytes() + eve.bytes)
    result = site.init(folder=site.folder / "other")
    assert result.code == 0
    assert eve.fingerprint.encode() not in b"".join(snapshot(site.folder / "other").values())
    assert result.json == run("trust", "show", "--trust", site.trust, "--format", "json").json


def test_secret_keys_are_refused(site: Site) -> None:
    """The other certificates are taken, the secret one is not, and it is said."""
    site.keyring.write_bytes(site.keyring.read_bytes() + crew()["carl"][0].secret_bytes)
    result = site.init(folder=site.folder / "other")
    if result.code == 0:
        assert "secret" in result.errors
    for content in snapshot(site.folder / "other").values():
        assert crew()["carl"][0].secret_bytes[:60] not in content


class TestConfirmation:
    def test_a_script_must_say_yes(self, site: Site) -> None:
        before = snapshot(site.folder)
        line = ["trust", "init", site.folder / "new" / "trust", "--maintainers", site.maintainers]
        for stdin in (b"", b"pin\n", b"yes\n"):
            result = run(*line, "--keyring", site.keyring, stdin=stdin)
            assert result.code == 40, result
            assert result.stdout == b""
            assert "not-confirmed" in result.errors
            assert "--yes" in result.errors
            assert crew()["carl"][0].fingerprint[:4] in result.errors
            assert snapshot(site.folder) == before

    @pytest.mark.parametrize(
        ("typed", "code"), [(b"pin\n", 0), (b" pin \n", 0), (b"no\n", 40), (b"\n", 40), (b"y\n", 40)]
    )
    def test_on_a_terminal(self, site: Site, typed: bytes, code: int) -> None:
        line = ["trust", "init", site.folder / "other", "--maintainers", site.maintainers, "--keyring", site.keyring]
        status, stdout, stderr = on_terminal(*line, "--format", "json", typed=typed)
        assert status == code, (stdout, stderr)
        assert (site.folder / "other").exists() is (code == 0)
        document = json.loads(stdout)
        assert document["schema"] == ("airgap/trust/v1" if code == 0 else "airgap/error/v1")
        assert b"type 'pin'" in stderr


def test_show_without_a_root(tmp_path: Path) -> None:
    result = run("trust", "show", "--trust", tmp_path / "nowhere", "--format", "json")
    assert result.code == 40
    assert result.kinds == ["trust-root-missing"]
    assert list(tmp_path.iterdir()) == []


@needs_corpus
def test_the_maintainers_file_of_stagex(tmp_path: Path) -> None:
    stagex = CORPUS / "stagex"
    line = ["trust", "init", tmp_path / "trust", "--keyring", stagex / "keyring.pgp", "--yes", "--format", "json"]
    old = run(*line, "--maintainers", stagex / "MAINTAINERS.2024-02-not-toml")
    assert old.code == 10
    assert old.kinds == ["maintainers-invalid"]
    assert "not TOML" in old.messages
    assert list(tmp_path.iterdir()) == []
    new = run(*line, "--maintainers", stagex / "MAINTAINERS")
    assert new.code == 0, new
    assert len(new.json["people"]) == 8
