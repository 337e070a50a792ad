"""What an operator of the connected side may ask for, and how export says no."""

from __future__ import annotations

import forge
import pytest

from tests.cli.contract import check_error
from tests.cli.site import AT, RUST, Site, crew, litter, run, sample
from tests.cli.surgery import open_bundle

OTHER = "docker.io/stagex/other"


def refused(site: Site, code: int, kind: str, *arguments: object) -> str:
    """The message; nothing may have been written."""
    result = site.export(*arguments)
    assert result.code == code, result
    assert result.kinds == [kind]
    document = result.json
    for error in document.get("errors", [document]):
        check_error(error)
    assert not site.bundle.exists()
    assert litter(site.folder) == []
    return result.messages


def test_a_list_of_images(site: Site) -> None:
    sources = [site.image(RUST, sample(), "anna", "bert"), site.image(OTHER, sample("other"), "anna", "bert")]
    listed = site.folder / "images.txt"
    listed.write_text(f"# what we need\n\n  {sources[0]}  \n")
    assert site.export("--images", listed, sources[1]).code == 0
    assert [one["reference"] for one in site.verify().json["images"]] == [OTHER, RUST]


def test_a_list_that_is_not_text(site: Site) -> None:
    listed = site.folder / "images.txt"
    listed.write_bytes(b"\xff\xfe")
    assert str(listed) in refused(site, 50, "source-invalid", "--images", listed)


def test_nothing_to_export(site: Site) -> None:
    refused(site, 2, "usage")
    empty = site.folder / "images.txt"
    empty.write_text("# nothing\n")
    refused(site, 2, "usage", "--images", empty)


@pytest.mark.parametrize("source", ["layout", "dir:layout", "http://example.org/x", "", "oci:", "=oci:x"])
def test_no_source(site: Site, source: str) -> None:
    result = site.export(source)
    assert result.code == 2, result
    assert result.kinds == ["usage"]


@pytest.mark.parametrize("name", ["stagex/UPPER", "stagex/../x", "stagex/x\x1b[2J", "docker.io/", "a" * 64])
def test_a_name_that_is_no_repository(site: Site, name: str) -> None:
    refused(site, 2, "usage", f"{name}=oci:{site.layout(sample())}")


def test_a_name_with_a_digest(site: Site) -> None:
    refused(site, 2, "usage", f"{RUST}@sha256:{'0' * 64}=oci:{site.layout(sample())}")


def test_the_name_is_missing(site: Site) -> None:
    for ref in ("", "rust", "1.0"):
        message = refused(site, 50, "source-name-missing", f"oci:{site.layout({ref: sample()}, f'l{ref}')}")
        assert "repository" in message


def test_the_layout_may_give_the_name(site: Site) -> None:
    image = sample()
    site.sign(RUST, image.digest, "anna", "bert")
    assert site.export(f"oci:{site.layout({RUST + ':latest': image})}").code == 0
    assert site.verify().json["images"][0]["reference"] == RUST


def test_which_image_of_a_layout(site: Site) -> None:
    one, other = sample("one"), sample("other")
    layout = site.layout({"one": one, "other": other})
    site.sign(RUST, other.digest, "anna", "bert")
    assert "one, other" in refused(site, 50, "source-ambiguous", f"{RUST}=oci:{layout}")
    assert "'third'" in refused(site, 50, "source-not-found", f"{RUST}=oci:{layout}:third")
    assert site.export(f"{RUST}=oci:{layout}:other").code == 0
    assert site.verify().json["images"][0]["digest"] == other.digest


def test_there_is_no_layout(site: Site) -> None:
    for path in (site.folder / "nowhere", site.folder, site.maintainers):
        assert str(path) in refused(site, 50, "source-not-found", f"{RUST}=oci:{path}")
    refused(site, 50, "source-not-found", f"{RUST}=oci-archive:{site.folder}/nowhere.tar")


@pytest.mark.parametrize("content", ["{}", "[]", "", '{"schemaVersion":1,"manifests":[]}', "[" * 1000])
def test_an_index_that_is_none(site: Site, content: str) -> None:
    layout = site.layout(sample())
    (layout / "index.json").write_text(content)
    refused(site, 50, "source-invalid", f"{RUST}=oci:{layout}")


def test_an_empty_layout(site: Site) -> None:
    layout = site.layout({})
    refused(site, 50, "source-not-found", f"{RUST}=oci:{layout}")


class TestDigestLists:
    def test_the_list_is_carried(self, site: Site) -> None:
        image = sample()
        source = site.image(RUST, image, "anna", "bert")
        listed = site.folder / "Pallet"
        listed.write_text(forge.digests_list({"pallet-rust": image.digest, "core-x": "0" * 64}))
        result = site.export(source, "--digests", listed)
        assert result.code == 0, result
        assert result.json["notes"] == []
        assert open_bundle(site.bundle).content("trust/digests/pallet.txt") == listed.read_bytes()

    def test_another_digest(self, site: Site) -> None:
        image = sample()
        source = site.image(RUST, image, "anna", "bert")
        listed = site.folder / "pallet.txt"
        listed.write_text(forge.digests_list({"pallet-rust": "0" * 64}))
        message = refused(site, 50, "digest-list-mismatch", source, "--digests", listed)
        assert image.digest in message
        assert "0" * 64 in message
        assert RUST in message

    def test_an_image_that_is_in_no_list_is_pointed_out(self, site: Site) -> None:
        listed = site.folder / "pallet.txt"
        listed.write_text(forge.digests_list({"core-x": "0" * 64}))
        result = site.export(site.image(RUST, sample(), "anna", "bert"), "--digests", listed)
        assert result.code == 0
        assert RUST in " ".join(result.json["notes"])

    @pytest.mark.parametrize("order", [("one", "two"), ("two", "one")], ids=" ".join)
    def test_two_lists_of_one_name(self, site: Site, order: tuple[str, str]) -> None:
        """Both are cross-checked, or the command is refused: none may fall out of sight."""
        source = site.image(RUST, sample(), "anna", "bert")
        options: list[object] = []
        for folder in order:
            (site.folder / folder).mkdir()
            listed = site.folder / folder / "digests.txt"
            listed.write_text(forge.digests_list({"pallet-rust" if folder == "two" else "core-x": "0" * 64}))
            options += ["--digests", listed]
        result = site.export(source, *options)
        assert result.code != 0, "the list with another digest was dropped"
        assert not site.bundle.exists()

    @pytest.mark.parametrize("name", ["pallet (1).txt", "Änderungen.txt", "con.txt"])
    def test_a_list_whose_file_name_cannot_be_carried(self, site: Site, name: str) -> None:
        """Renamed, or refused in words that speak of the file that was given and not of the inside of a bundle."""
        listed = site.folder / name
        listed.write_text(forge.digests_list({"core-x": "0" * 64}))
        result = site.export(site.image(RUST, sample(), "anna", "bert"), "--digests", listed)
        if result.code:
            assert str(listed) in result.messages
            assert "bundle.json" not in result.messages

    @pytest.mark.parametrize("text", ["what\n", f"{'0' * 63} x\n", f"{'0' * 64} x\n{'1' * 64} x\n", "\xff"])
    def test_no_list(self, site: Site, text: str) -> None:
        listed = site.folder / "pallet.txt"
        listed.write_bytes(text.encode("latin-1"))
        message = refused(
            site, 10, "digest-list-invalid", site.image(RUST, sample(), "anna", "bert"), "--digests", listed
        )
        assert "pallet.txt" in message


class TestEvidence:
    def test_keyrings_of_several_files_binary_and_armored(self, site: Site) -> None:
        source = site.image(RUST, sample(), "anna", "bert")
        anna, bert = site.folder / "anna.asc", site.folder / "bert.pgp"
        anna.write_bytes(crew()["anna"][0].armored())
        bert.write_bytes(crew()["bert"][0].bytes)
        site.keyring.unlink()
        line = ["export", source, *site.evidence(keyrings=[anna, bert]), "-o", site.bundle, "--format", "json"]
        assert run(*line).code == 0
        assert site.verify().code == 0

    def test_several_lookaside_trees(self, site: Site) -> None:
        image = sample()
        source = site.image(RUST, image, "anna")
        second = Site(site.folder / "second")
        second.sign(RUST, image.digest, "bert")
        assert site.export(source, "--signatures", second.signatures).code == 0

    def test_both_spellings_of_the_folder(self, site: Site) -> None:
        image = sample()
        source = site.image(RUST, image, "anna")
        other = Site(site.folder / "second")
        forge.write_lookaside(
            site.signatures,
            RUST,
            image.digest,
            [path.read_bytes() for path in other.sign(RUST, image.digest, "bert").iterdir()],
        )
        assert site.export(source).code == 0
        assert site.verify().json["images"][0]["signers"] == ["anna", "bert"]

    def test_what_is_missing(self, site: Site) -> None:
        source = site.image(RUST, sample(), "anna", "bert")
        nowhere = site.folder / "nowhere"
        assert str(nowhere) in refused(site, 50, "signatures-not-found", source, "--signatures", nowhere)
        refused(site, 70, "file-not-found", source, "--keyring", nowhere)
        refused(site, 70, "file-not-found", source, "--digests", nowhere)
        refused(site, 70, "file-not-found", source, "--images", nowhere)

    def test_no_keyring(self, site: Site) -> None:
        other = site.folder / "other"
        for content in (b"", b"hello", crew()["anna"][0].secret_bytes):
            other.write_bytes(content)
            result = site.export(site.image(RUST, sample()), "--keyring", other)
            assert result.code in (10, 30), (content[:10], result)
            assert not site.bundle.exists()

    def test_no_maintainers(self, site: Site) -> None:
        source = site.image(RUST, sample(), "anna", "bert")
        for text in ("", "[people]\n", "anna 0x1234\n", "[people.anna]\n[keys.bert.x]\nid = '00'\n"):
            site.maintainers.write_text(text)
            assert str(site.maintainers) in refused(site, 10, "maintainers-invalid", source)


class TestPreflight:
    def test_a_threshold_of_its_own(self, site: Site) -> None:
        source = site.image(RUST, sample(), "anna")
        assert "anna" in refused(site, 30, "quorum-not-met", source)
        assert site.export(source, "--threshold", "1").code == 0
        assert site.verify().code == 30

    def test_a_threshold_that_cannot_be(self, site: Site) -> None:
        source = site.image(RUST, sample(), "anna")
        assert site.export(source, "--threshold", "0").code == 2
        refused(site, 40, "threshold-invalid", source, "--threshold", "5")

    def test_every_image_that_would_be_refused_is_named(self, site: Site) -> None:
        sources = [
            site.image(RUST, sample("1"), "anna"),
            site.image(OTHER, sample("2")),
            site.image("docker.io/stagex/good", sample("3"), "anna", "bert"),
        ]
        result = site.export(*sources)
        assert result.code == 30
        assert result.kinds == ["image-unsigned", "quorum-not-met"]
        assert OTHER in result.messages
        assert RUST in result.messages
        assert not site.bundle.exists()

    def test_skipping_it_is_loud(self, site: Site) -> None:
        source = site.image(RUST, sample())
        result = site.export(source, "--skip-preflight")
        assert result.code == 0
        assert "preflight skipped" in result.errors
        assert result.json["preflight"] == "skipped"
        assert result.json["errors"][0]["kind"] == "image-unsigned"
        text = site.export(source, "--skip-preflight", text=True)
        assert text.lines[0].startswith("WRITTEN WITHOUT PREFLIGHT")
        verdict = site.verify()
        assert verdict.code == 30
        assert verdict.kinds == ["image-unsigned"]


def test_quiet_prints_the_id_alone(site: Site) -> None:
    source = site.image(RUST, sample(), "anna", "bert")
    identity = site.export(source).json["bundle"]["id"]
    assert site.export(source, "--quiet", text=True).text == f"{identity}\n"


@pytest.mark.parametrize("level", ["1", "19"])
def test_levels_change_the_file_and_not_the_id(site: Site, level: str) -> None:
    source = site.image(RUST, sample("hello" * 2000, compression="none"), "anna", "bert")
    identity = site.export(source).json["bundle"]["id"]
    assert site.export(source, "--level", level).json["bundle"]["id"] == identity
    assert site.verify().code == 0


@pytest.mark.parametrize("at", ["yesterday", "2025-07-01", "2025-13-01T00:00:00Z", ""])
def test_no_time(carried: Site, at: str) -> None:
    result = run(*carried.verify_line("--at", at))
    assert result.code == 2
    assert result.kinds == ["usage"]


def test_the_evidence_must_hold_at_the_reference_time(site: Site) -> None:
    source = site.image(RUST, sample(), "anna", "bert")
    refused(site, 30, "quorum-not-met", source, "--at", "2024-06-01T00:00:00Z")
    assert AT > "2025-06-01"
