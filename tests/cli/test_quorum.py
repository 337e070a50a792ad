"""People are counted, not files, keys or names (TRUST rule 1); and a refusal says who signed and who is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import forge
import pytest
from forge.keys import CREATED, SIGNED

from tests.cli.contract import check_verdict
from tests.cli.site import RUST, Result, Site, crew, litter, run, sample, signature

IMAGE = sample()
DAY = 86_400


def carry(site: Site, *files: bytes, extra: tuple[str, ...] = ()) -> Result:
    """The verdict of import on one image with these signature files; refused or not, it is the same on every side."""
    source = site.image(RUST, IMAGE)
    site.put(RUST, IMAGE.digest, *files)
    exported = site.export(source, *extra)
    skipped = site.export(source, "--skip-preflight", *extra)
    assert skipped.code == 0, skipped
    before = site.snapshot()
    verified, imported = site.verify(), site.import_()
    check_verdict(imported.json, imported.code)
    assert verified.code == imported.code
    assert exported.code == imported.code, (exported, imported)
    if imported.code:
        learned = {path for path in site.snapshot() if "/certificates/" in path}  # revocations stick
        assert set(site.snapshot()) - set(before) - learned <= {
            str(site.store),
            str(site.store / ".airgap"),
            str(site.store / ".airgap" / "lock"),
            str(site.store / ".airgap" / "quarantine"),
        }
        assert litter(site.folder) == []
    return imported


def by(nick: str, key: int = 0, reference: str = RUST, **options: Any) -> bytes:
    return signature(crew()[nick][key], reference, IMAGE.digest, **options)


def refused(site: Site, *files: bytes, kind: str = "quorum-not-met") -> Result:
    result = carry(site, *files)
    assert result.code == 30, result
    assert result.kinds == [kind]
    return result


def reasons(result: Result) -> list[str | None]:
    return [one["reason"] for one in result.json["images"][0]["signatures"]]


def test_two_people(site: Site) -> None:
    result = carry(site, by("anna"), by("bert"))
    assert result.code == 0
    assert result.json["images"][0]["signers"] == ["anna", "bert"]


def test_one_signer(site: Site) -> None:
    result = refused(site, by("bert"))
    assert "1 of 2 maintainers signed (bert), 1 more needed" in result.messages
    facts = result.json["errors"][0]["facts"]
    assert facts["signers"] == ["bert"]
    assert facts["missing"] == 1
    assert facts["threshold"] == 2


def test_one_signer_twice(site: Site) -> None:
    result = refused(site, by("bert"), by("bert", created=SIGNED + 60), by("bert", style="detached"))
    assert result.json["images"][0]["signers"] == ["bert"]
    assert reasons(result) == [None, None, None]
    assert "(bert), 1 more needed" in result.messages
    assert "by the same people count once" in result.messages


def test_two_keys_of_one_person(site: Site) -> None:
    result = refused(site, by("anna"), by("anna", 1))
    assert result.json["images"][0]["signers"] == ["anna"]
    assert reasons(result) == [None, None]
    assert "(anna), 1 more needed" in result.messages


def test_primary_and_subkey_of_one_person(site: Site) -> None:
    certificate = crew()["anna"][0]
    payload = forge.claim(RUST, IMAGE.digest)
    result = refused(site, by("anna"), forge.inline(certificate.primary, payload))
    assert result.json["images"][0]["signers"] == ["anna"]


def test_nobody(site: Site) -> None:
    result = refused(site, kind="image-unsigned")
    assert RUST in result.messages
    assert "2 maintainers must sign" in result.messages


def test_a_key_that_is_not_in_maintainers(site: Site) -> None:
    """Its certificate is in the keyring, and its signature is right."""
    eve = forge.certificate("eve")
    site.keyring.write_bytes(site.keyring.read_bytes() + eve.bytes)
    result = refused(site, by("anna"), signature(eve, RUST, IMAGE.digest))
    assert "(anna), 1 more needed" in result.messages
    assert reasons(result)[0] is None
    assert reasons(result)[1] in ("not-a-maintainer", "no-certificate")
    assert "signature-2" in result.messages
    assert any(eve.fingerprint in note for note in result.json["notes"])


def test_a_maintainer_of_the_bundle_is_not_one_of_the_root(site: Site) -> None:
    people = {**crew(), "eve": (forge.certificate("eve"),)}
    other = Site(site.folder / "other", people)
    assert other.export(other.image(RUST, IMAGE, "anna", "eve")).code == 0
    result = site.import_(bundle=other.bundle)
    assert result.code == 30
    assert result.json["images"][0]["signers"] == ["anna"]
    assert any("also lists eve" in note for note in result.json["notes"])


def test_a_maintainer_who_left_the_bundle_counts_until_the_root_says_otherwise(site: Site) -> None:
    other = Site(site.folder / "other", {nick: crew()[nick] for nick in ("anna", "bert")})
    assert other.export(other.image(RUST, IMAGE, "anna", "bert")).code == 0
    result = site.import_(bundle=other.bundle)
    assert result.code == 0
    assert any("no longer lists carl" in note for note in result.json["notes"])


def test_for_another_repository(site: Site) -> None:
    result = refused(site, by("anna"), by("bert", reference="docker.io/stagex/pallet-go"))
    assert reasons(result) == [None, "claim-identity-mismatch"]
    assert "pallet-go" in result.messages


@pytest.mark.parametrize("reference", ["quay.io/stagex/pallet-rust", "docker.io/stagex/pallet-rust/x", "pallet-rust"])
def test_for_a_repository_of_almost_that_name(site: Site, reference: str) -> None:
    assert reasons(refused(site, by("anna"), by("bert", reference=reference)))[1] == "claim-identity-mismatch"


@pytest.mark.parametrize("reference", ["stagex/pallet-rust", "index.docker.io/stagex/pallet-rust", f"{RUST}:latest"])
def test_for_the_same_repository_in_other_words(site: Site, reference: str) -> None:
    assert carry(site, by("anna"), by("bert", reference=reference)).code == 0


def test_for_another_digest(site: Site) -> None:
    result = refused(site, by("anna"), signature(crew()["bert"][0], RUST, "sha256:" + "0" * 64))
    assert reasons(result) == [None, "claim-digest-mismatch"]
    assert "0" * 64 in result.messages


@pytest.mark.parametrize("indent", [2, 3, 4])
def test_detached_over_pretty_printed_claims(site: Site, indent: int) -> None:
    result = carry(site, by("anna", style="detached", indent=indent), by("dora", style="detached", indent=indent))
    assert result.code == 0, result
    claims = [one["claim"] for one in result.json["images"][0]["signatures"]]
    assert claims == [{"format": "atomic", "reference": RUST, "digest": IMAGE.digest}] * 2


def test_every_style_and_algorithm(site: Site) -> None:
    files = [by("anna"), by("anna", 1), by("bert", style="plain"), by("carl", style="detached"), by("dora")]
    result = carry(site, *files)
    assert result.code == 0
    assert result.json["images"][0]["signers"] == ["anna", "bert", "carl", "dora"]


def test_armored_signatures(site: Site) -> None:
    files = [forge.armor("MESSAGE", by("anna")), forge.armor("SIGNATURE", by("bert", style="detached"))]
    assert carry(site, *files).code == 0


def test_legacy_claims_only_where_the_root_allows_them(site: Site) -> None:
    files = (by("anna", legacy=True, reference="stagex/pallet-rust"), by("bert", legacy=True))
    result = refused(site, *files)
    assert reasons(result) == ["claim-format-not-allowed"] * 2
    allowed = Site(site.folder / "allowed")
    assert allowed.init("--claim-format", "stagex-legacy").code == 0
    assert carry(allowed, *files, extra=("--claim-format", "stagex-legacy")).code == 0


def test_legacy_and_atomic_claims_together(site: Site) -> None:
    both = ("--claim-format", "stagex-legacy", "--claim-format", "atomic")
    other = Site(site.folder / "other")
    assert other.init(*both).code == 0
    result = carry(other, by("anna", legacy=True), by("bert"), extra=both)
    assert result.code == 0
    formats = [one["claim"]["format"] for one in result.json["images"][0]["signatures"]]
    assert formats == ["stagex-legacy", "atomic"]


def test_legacy_alone_excludes_atomic(site: Site) -> None:
    other = Site(site.folder / "other")
    assert other.init("--claim-format", "stagex-legacy").code == 0
    assert carry(other, by("anna"), by("bert"), extra=("--claim-format", "stagex-legacy")).code == 30


@pytest.mark.parametrize("threshold", [1, 2, 3, 4])
def test_exactly_the_threshold(tmp_path: Path, threshold: int) -> None:
    nicks = ["anna", "bert", "carl", "dora"]
    for signed in (threshold - 1, threshold):
        site = Site(tmp_path / str(signed))
        assert site.init(threshold=threshold).code == 0
        source = site.image(RUST, IMAGE, *nicks[:signed])
        assert site.export(source, "--skip-preflight").code == 0
        result = site.verify()
        assert result.code == (0 if signed == threshold else 30)
        if signed < threshold:
            assert result.json["errors"][0]["facts"]["missing"] == 1


def test_a_certificate_revoked_in_the_bundle_counts_no_more(site: Site) -> None:
    """The root pinned it unrevoked; revocations arrive with the media."""
    revoked = crew()["bert"][0].revoked()
    site.keyring.write_bytes(crew()["anna"][0].bytes + revoked.bytes)
    assert reasons(refused(site, by("anna"), by("bert"))) == [None, "certificate-revoked"]


def test_expired_keys(site: Site) -> None:
    """Expired after signing: counts, and is flagged. Expired before: never counts."""
    late = forge.certificate("late", key_expires=SIGNED + DAY - CREATED)
    early = forge.certificate("early", key_expires=SIGNED - DAY - CREATED)
    other = Site(site.folder / "other", {"late": (late,), "early": (early,), "carl": crew()["carl"]})
    assert other.init().code == 0
    files = [signature(one, RUST, IMAGE.digest) for one in (late, early)]
    result = carry(other, *files)
    assert result.code == 30
    assert reasons(result) == [None, "certificate-expired-at-signature-time"]
    assert result.json["images"][0]["signatures"][0]["flags"] == ["certificate-expired-since"]
    other.sign(RUST, IMAGE.digest, "carl")
    assert other.export(f"{RUST}=oci:{other.folder}/layouts/docker.io_stagex_pallet-rust").code == 0
    assert other.import_().code == 0


def test_a_root_that_is_strict_about_expiry(site: Site) -> None:
    late = forge.certificate("late", key_expires=SIGNED + DAY - CREATED)
    other = Site(site.folder / "other", {"late": (late,), "carl": crew()["carl"]})
    assert other.init("--require-live-keys").code == 0
    assert other.export(other.image(RUST, IMAGE, "late", "carl")).code == 0
    result = other.verify()
    assert result.code == 30
    assert reasons(result) == ["certificate-expired-now", None]


def test_a_signature_of_the_future(site: Site) -> None:
    result = refused(site, by("anna"), by("bert", created=SIGNED + 400 * DAY))
    assert reasons(result) == [None, "signature-from-the-future"]
    assert site.verify("--at", "2027-01-01T00:00:00Z").code == 0


def test_a_repository_that_the_root_does_not_speak_for(site: Site) -> None:
    other = Site(site.folder / "other")
    assert other.init("--repository", "quay.io/stagex", "--repository", "docker.io/other").code == 0
    assert other.export(other.image(RUST, IMAGE, "anna", "bert")).code == 0
    result = other.import_()
    assert result.code == 30
    assert result.kinds == ["repository-out-of-scope"]
    assert not (other.store / "index.json").exists()
    fitting = Site(site.folder / "fitting")
    assert fitting.init("--repository", "stagex").code == 0
    assert fitting.import_(bundle=other.bundle).code == 0


def test_all_failing_images_are_reported_and_none_is_kept(site: Site) -> None:
    sources = [
        site.image("docker.io/stagex/a", sample("a"), "anna", "bert"),
        site.image("docker.io/stagex/b", sample("b"), "carl"),
        site.image("docker.io/stagex/c", sample("c")),
        site.image("docker.io/stagex/d", sample("d"), "dora"),
    ]
    assert site.export(*sources, "--skip-preflight").code == 0
    for result in (site.verify(), site.import_()):
        assert result.code == 30
        check_verdict(result.json, 30)
        assert result.kinds == ["quorum-not-met", "image-unsigned", "quorum-not-met"]
        assert [one["signers"] for one in result.json["images"]] == [["anna", "bert"], ["carl"], [], ["dora"]]
    text = run("verify", site.bundle, "--trust", site.trust)
    assert text.lines[0] == "REFUSED: 4 images"
    for name in ("carl", "dora"):
        assert f"({name}), 1 more needed" in text.text
    assert not (site.store / "index.json").exists()


def test_the_gravest_failure_gives_the_exit_status(site: Site) -> None:
    """A hostile file (10) and a missing signer (30): the signer is the graver."""
    image = sample("b")
    sources = [
        site.image("docker.io/stagex/a", sample("a"), "anna"),
        site.image("docker.io/stagex/b", image, "anna", "bert"),
    ]
    bomb = forge.compressed(forge.literal(bytes(20_000_000)), 1, level=9)
    site.put("docker.io/stagex/b", image.digest, bomb)
    assert site.export(*sources, "--skip-preflight").code == 0
    result = site.import_()
    assert set(result.kinds) == {"quorum-not-met", "signature-inflates-past-limit"}
    assert result.code == 30
