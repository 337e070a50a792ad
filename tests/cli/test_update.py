"""`trust update`: from a bundle, from files, by hand; and the new options of `trust init`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import forge
import pytest
from forge import SIGNED, Person

from tests.cli.contract import check_error
from tests.cli.site import (
    AT,
    RUST,
    Result,
    Site,
    crew,
    gang,
    maintainers,
    on_terminal,
    run,
    sample,
    signature,
    snapshot,
)

DAY = 86_400


def key_of(nick: str) -> forge.Certificate:
    return crew()[nick][0] if nick in crew() else forge.certificate(f"newcomer {nick}")


def people_file(*nicks: str) -> bytes:
    return maintainers({nick: (crew()[nick] if nick in crew() else (key_of(nick),)) for nick in nicks}).encode()


def signed(folder: Path, data: bytes, *nicks: str, created: int = SIGNED) -> Path:
    """A folder of detached signatures over a MAINTAINERS file."""
    folder.mkdir(parents=True)
    for nick in nicks:
        (folder / f"{nick}.sig").write_bytes(forge.detached(key_of(nick).signing_key, data, created=created))
    return folder


NEW = ("anna", "bert", "carl", "emil")  # dora left, emil joins


class Rotation:
    """A site, and the files of a change of its people."""

    def __init__(self, site: Site, people: Sequence[str] = NEW, signers: Sequence[str] = ("anna", "bert")) -> None:
        self.site = site
        self.data = people_file(*people)
        self.maintainers = site.folder / "MAINTAINERS.new"
        self.maintainers.write_bytes(self.data)
        self.signatures = signed(site.folder / "rotation", self.data, *signers)
        self.keyring = site.folder / "emil.pgp"
        self.keyring.write_bytes(key_of("emil").bytes)

    def update(self, *arguments: object, **options: Any) -> Result:
        return run("trust", "update", "--trust", self.site.trust, "--at", AT, "--format", "json", *arguments, **options)

    def from_files(self, *arguments: object) -> Result:
        files = ["--maintainers", self.maintainers, "--maintainers-signatures", self.signatures]
        return self.update(*files, "--keyring", self.keyring, *arguments)

    def by_hand(self, *arguments: object) -> Result:
        return self.update("--maintainers", self.maintainers, "--by-hand", "--keyring", self.keyring, *arguments)

    def bundle(self, *who: str) -> Path:
        """A bundle that carries the new MAINTAINERS and what authorises it."""
        output = self.site.folder / "rotated.airgap.tar.zst"
        source = self.site.image(RUST, sample("rotated"), *(who or ("anna", "bert")))
        evidence = ["--maintainers", self.maintainers, "--maintainers-signatures", self.signatures]
        rings = ["--keyring", self.site.keyring, "--keyring", self.keyring]
        line = ["export", source, *evidence, *rings, "--signatures", self.site.signatures, "--at", AT]
        result = run(*line, "-o", output, "--format", "json")
        assert result.code == 0, result
        return output


def names(document: Any) -> list[str]:
    return [person["name"] for person in document["people"]]


@pytest.fixture
def rotation(site: Site) -> Rotation:
    return Rotation(site)


class TestAuthorised:
    def test_from_files(self, rotation: Rotation) -> None:
        before = run("trust", "show", "--trust", rotation.site.trust, "--format", "json").json
        result = rotation.from_files()
        assert result.code == 0, result
        document = result.json
        assert document["schema"] == "airgap/trust-update/v1"
        assert document["before"] == {"id": before["id"], "version": 1}
        assert (document["joined"], document["left"], document["by_hand"]) == (["emil"], ["dora"], False)
        (step,) = document["steps"]
        assert (step["version"], step["old_signers"], step["new_signers"]) == (2, ["anna", "bert"], ["anna", "bert"])
        assert names(document["trust"]) == ["anna", "bert", "carl", "emil"]
        assert run("trust", "show", "--trust", rotation.site.trust, "--format", "json").json == document["trust"]
        entry = rotation.site.log()[-1]
        assert (entry["event"], entry["accepted"], entry["byHand"]) == ("update", True, False)

    def test_from_a_bundle(self, rotation: Rotation) -> None:
        bundle = rotation.bundle()
        imported = rotation.site.import_(bundle=bundle)
        assert imported.code == 0, imported
        assert any("`airgap trust update` only" in note for note in imported.json["notes"])
        assert imported.json["trust"]["version"] == 1
        result = rotation.update("--from", bundle)
        assert result.code == 0, result
        assert rotation.site.log()[-1]["bundle"] == imported.json["bundle"]["id"]
        assert rotation.site.verify(bundle=bundle).json["trust"]["version"] == 2
        again = rotation.update("--from", bundle)
        assert again.code == 0
        assert again.json["steps"] == []
        assert "UNCHANGED" in run("trust", "update", "--trust", rotation.site.trust, "--from", bundle).text

    def test_the_newcomer_counts_and_who_left_does_not(self, rotation: Rotation) -> None:
        site = rotation.site
        assert rotation.from_files().code == 0
        image = sample("after")
        site.people = {**crew(), "emil": (key_of("emil"),)}
        site.maintainers.write_bytes(rotation.data)
        source = site.image(RUST, image, "anna", "dora")
        assert site.export(source, "--skip-preflight").code == 0
        refused = site.import_()
        assert refused.code == 30
        assert [one["reason"] for one in refused.json["images"][0]["signatures"]] == [None, "not-a-maintainer"]
        site.put(RUST, image.digest, signature(key_of("emil"), RUST, image.digest))
        ring = ["--keyring", rotation.keyring]
        assert site.export(source, *ring).code == 0
        accepted = site.import_()
        assert accepted.code == 0, accepted
        assert accepted.json["images"][0]["signers"] == ["anna", "emil"]

    def test_a_chain_in_a_bundle(self, site: Site) -> None:
        """A site that missed a version catches up: folders 1, 2 … beside the signatures of the newest."""
        first = Rotation(site, signers=("bert", "carl"))
        newest = people_file("bert", "carl", "emil")
        folder = signed(site.folder / "chain", newest, "bert", "emil", created=SIGNED + DAY)
        step = signed(folder / "1", first.data, "bert", "carl")
        (step / "MAINTAINERS").write_bytes(first.data)
        first.maintainers.write_bytes(newest)
        first.signatures = folder
        bundle = first.bundle("bert", "carl")
        paths = [one["path"] for one in run("inspect", bundle, "--format", "json").json["members"]]
        assert [path for path in paths if path.startswith("trust/MAINTAINERS")] == [
            "trust/MAINTAINERS",
            "trust/MAINTAINERS.history/1/MAINTAINERS",
            "trust/MAINTAINERS.history/1/signature-1",
            "trust/MAINTAINERS.history/1/signature-2",
            "trust/MAINTAINERS.signatures/signature-1",
            "trust/MAINTAINERS.signatures/signature-2",
        ]
        result = first.update("--from", bundle)
        assert result.code == 0, result
        assert [step["version"] for step in result.json["steps"]] == [2, 3]
        assert names(result.json["trust"]) == ["bert", "carl", "emil"]
        assert [entry["event"] for entry in site.log()] == ["init", "update", "update"]

    def test_a_lower_threshold_is_pointed_out(self, rotation: Rotation) -> None:
        result = rotation.from_files("--threshold", 1)
        assert result.code == 0
        assert "lowered from 2 to 1" in result.errors
        assert result.json["trust"]["threshold"] == 1

    def test_a_newcomer_without_a_certificate_is_pointed_out(self, rotation: Rotation) -> None:
        rotation.keyring.write_bytes(crew()["anna"][0].bytes)
        assert "emil has no certificate" in rotation.from_files().errors


class TestRefused:
    def refused(self, rotation: Rotation, result: Result, code: int, kind: str) -> str:
        assert result.code == code, result
        assert result.kinds == [kind]
        check_error(result.json)
        return result.messages

    @pytest.mark.parametrize("signers", [(), ("anna",), ("anna", "anna"), ("dora", "emil"), ("carl", "dora")])
    def test_tuf_09_too_few(self, site: Site, signers: tuple[str, ...]) -> None:
        rotation = Rotation(site, signers=sorted(set(signers)))
        before, told = site.snapshot(), site.log()
        self.refused(rotation, rotation.from_files(), 40, "rotation-not-authorised")
        assert site.snapshot() == before
        (entry,) = site.log()[len(told) :]
        assert (entry["event"], entry["accepted"]) == ("update", False)
        assert entry["errors"][0]["kind"] == "rotation-not-authorised"

    def test_tuf_10_back_again(self, rotation: Rotation) -> None:
        old = people_file(*crew())
        assert rotation.from_files().code == 0
        rotation.maintainers.write_bytes(old)
        rotation.signatures = signed(rotation.site.folder / "back", old, *crew(), created=SIGNED + DAY)
        before = rotation.site.snapshot()
        self.refused(rotation, rotation.from_files(), 41, "maintainers-older")
        assert rotation.site.snapshot() == before

    def test_a_whole_other_world(self, rotation: Rotation) -> None:
        """The attacker's own people, with the same names, sign their own MAINTAINERS."""
        forged = Site(rotation.site.folder / "forged", gang())
        data = forged.maintainers.read_bytes()
        folder = rotation.site.folder / "forged-signatures"
        folder.mkdir()
        for nick, (certificate,) in gang().items():
            (folder / f"{nick}.sig").write_bytes(forge.detached(certificate.signing_key, data))
        line = ["--maintainers", forged.maintainers, "--maintainers-signatures", folder, "--keyring", forged.keyring]
        message = self.refused(rotation, rotation.update(*line), 40, "rotation-not-authorised")
        assert "nobody of the people of version 1" in message

    def test_revocations_are_kept_all_the_same(self, site: Site) -> None:
        rotation = Rotation(site, signers=("anna",))
        rotation.keyring.write_bytes(crew()["bert"][0].revoked().bytes)
        self.refused(rotation, rotation.from_files(), 40, "rotation-not-authorised")
        assert [entry["event"] for entry in site.log()] == ["init", "revocation", "update"]

    @pytest.mark.parametrize(
        "arguments",
        [
            [],
            ["--by-hand"],
            ["--maintainers", "M"],
            ["--from", "b", "--maintainers", "M"],
            ["--from", "b", "--by-hand"],
            ["--maintainers", "M", "--maintainers-signatures", "s", "--by-hand"],
            ["--maintainers", "M", "--maintainers-signatures", "s", "--require-one-of", "anna"],
        ],
    )
    def test_usage(self, rotation: Rotation, arguments: list[str]) -> None:
        self.refused(rotation, rotation.update(*arguments), 2, "usage")

    @pytest.mark.parametrize("folders", [["2"], ["1", "3"], ["one"]])
    def test_folders_that_are_no_chain(self, rotation: Rotation, folders: list[str]) -> None:
        for name in folders:
            (rotation.signatures / name).mkdir()
        self.refused(rotation, rotation.from_files(), 50, "source-invalid")

    def test_a_step_without_its_file(self, rotation: Rotation) -> None:
        (rotation.signatures / "1").mkdir()
        self.refused(rotation, rotation.from_files(), 70, "file-not-found")

    def test_too_many_signatures(self, rotation: Rotation) -> None:
        for number in range(101):
            (rotation.signatures / f"{number}.sig").write_bytes(b"")
        self.refused(rotation, rotation.from_files(), 50, "source-invalid")

    def test_a_bundle_that_is_none(self, rotation: Rotation) -> None:
        self.refused(rotation, rotation.update("--from", rotation.keyring), 10, "not-a-bundle")


class TestByHand:
    def test_it_is_logged(self, rotation: Rotation) -> None:
        result = rotation.by_hand()
        assert result.code == 0, result
        assert result.json["by_hand"] is True
        assert names(result.json["trust"]) == ["anna", "bert", "carl", "emil"]
        assert rotation.site.log()[-1]["byHand"] is True
        again = rotation.by_hand()
        assert (again.code, again.json["steps"]) == (0, [])
        back = ["--maintainers", rotation.site.maintainers, "--by-hand", "--at", AT]
        assert "BY HAND" in run("trust", "update", "--trust", rotation.site.trust, *back).text

    def test_another_group(self, rotation: Rotation) -> None:
        result = rotation.by_hand("--require-one-of", "anna,emil", "--threshold", 3)
        assert result.code == 0, result
        assert result.json["trust"]["required"] == [["anna", "emil"]]
        assert result.json["trust"]["threshold"] == 3

    @pytest.mark.parametrize(
        ("arguments", "kind"),
        [
            (["--threshold", 5], "threshold-invalid"),
            (["--require-one-of", "dora"], "required-people-unknown"),
        ],
    )
    def test_what_makes_no_root(self, rotation: Rotation, arguments: list[object], kind: str) -> None:
        before = rotation.site.snapshot()
        result = rotation.by_hand(*arguments)
        assert result.code == 40
        assert result.kinds == [kind]
        assert rotation.site.snapshot() == before


@pytest.mark.parametrize(("typed", "code"), [(b"adopt\n", 0), (b"pin\n", 40), (b"\n", 40)])
def test_by_hand_on_a_terminal(rotation: Rotation, typed: bytes, code: int) -> None:
    line = ["--maintainers", rotation.maintainers, "--by-hand", "--keyring", rotation.keyring]
    before = rotation.site.snapshot()
    status, stdout, stderr = on_terminal("trust", "update", "--trust", rotation.site.trust, *line, typed=typed)
    assert status == code, (stdout, stderr)
    assert b"type 'adopt'" in stderr
    assert key_of("emil").fingerprint[:4].encode() in stderr
    assert (rotation.site.snapshot() == before) is (code != 0)


@pytest.mark.parametrize(("typed", "code"), [(b"revoke\n", 0), (b"yes\n", 40)])
def test_revoking_on_a_terminal(site: Site, typed: bytes, code: int) -> None:
    status, stdout, stderr = on_terminal("trust", "revoke", "--trust", site.trust, "bert", typed=typed)
    assert status == code, (stdout, stderr)
    assert b"type 'revoke'" in stderr
    assert (b"REVOKED on this machine" in stdout) is (code == 0)


class TestInit:
    """What a trust root may ask for besides a number of people."""

    def carry(self, site: Site, trust: Path, *who: str) -> Result:
        output = site.folder / f"{'-'.join(who)}.airgap.tar.zst"
        assert site.export(site.image(RUST, sample("-".join(who)), *who), output=output).code == 0
        return site.verify("--trust", trust, bundle=output)

    def test_one_of_a_group(self, site: Site) -> None:
        trust = site.folder / "strict"
        result = site.init("--require-one-of", "carl, dora", folder=trust)
        assert result.code == 0, result
        assert result.json["required"] == [["carl", "dora"]]
        assert "at least one of carl, dora" in run("trust", "show", "--trust", trust).text
        refused = self.carry(site, trust, "anna", "bert")
        assert refused.code == 30
        assert refused.kinds == ["required-signer-missing"]
        assert refused.json["errors"][0]["facts"]["required"] == ["carl", "dora"]
        assert self.carry(site, trust, "anna", "dora").code == 0

    def test_an_older_maintainers_after_it(self, site: Site) -> None:
        """dora was thrown out; the file before that, and the signatures that it once got, are public."""
        older, newer = people_file("anna", "bert", "carl", "dora"), people_file("anna", "bert", "carl")
        signatures = signed(site.folder / "older", older, "anna", "bert", created=SIGNED - 2 * DAY)
        (site.folder / "MAINTAINERS.old").write_bytes(older)
        site.maintainers.write_bytes(newer)
        files = ["--maintainers", site.folder / "MAINTAINERS.old", "--maintainers-signatures", signatures]
        update = ["trust", "update", *files, "--keyring", site.keyring, "--at", AT, "--format", "json", "--trust"]
        unknown, known = site.folder / "unknown", site.folder / "known"
        assert site.init(folder=unknown).code == 0
        result = run(*update, unknown)
        assert result.code == 0
        assert b"be sure that the new one, signed on 2025-05-30, is not older" in result.stderr
        dated = signed(site.folder / "newer", newer, "anna", "carl")
        assert site.init("--maintainers-signatures", dated, folder=known).code == 0
        before = snapshot(known / "roots")
        result = run(*update, known)
        assert (result.code, result.kinds) == (41, ["maintainers-older"])
        assert snapshot(known / "roots") == before

    def test_signatures_that_are_too_few(self, site: Site) -> None:
        signatures = signed(site.folder / "few", site.maintainers.read_bytes(), "anna")
        result = site.init("--maintainers-signatures", signatures, folder=site.folder / "none")
        assert (result.code, result.kinds) == (40, ["rotation-not-authorised"])
        assert not (site.folder / "none").exists()

    def test_one_secret_under_two_names(self, site: Site) -> None:
        twins = [forge.certificate("twin", created=forge.CREATED + at) for at in (0, 1)]
        site.maintainers.write_text(maintainers({"anna": (twins[0],), "bert": (twins[1],)}))
        site.keyring.write_bytes(b"".join(one.bytes for one in twins))
        result = site.init(folder=site.folder / "none")
        assert (result.code, result.kinds) == (40, ["key-of-two-people"])
        assert not (site.folder / "none").exists()

    @pytest.mark.parametrize("group", ["mallory", "anna,mallory", ""])
    def test_a_group_of_strangers(self, site: Site, group: str) -> None:
        result = site.init("--require-one-of", group, folder=site.folder / "strict")
        assert result.code == 40
        assert result.kinds == ["required-people-unknown"]
        assert not (site.folder / "strict").exists()

    def test_algorithms(self, site: Site) -> None:
        trust = site.folder / "strict"
        result = site.init("--allow-algorithm", "rsa", "--minimum-rsa-bits", 3072, folder=trust)
        assert result.code == 0, result
        assert (result.json["algorithms"], result.json["minimum_rsa_bits"]) == (["rsa"], 3072)
        refused = self.carry(site, trust, "anna", "bert", "carl")
        reasons = [one["reason"] for one in refused.json["images"][0]["signatures"]]
        assert reasons == ["algorithm-unsupported", None, "algorithm-unsupported"]
        assert "ed25519" in refused.messages  # anna's primary; her subkey is RSA

    def test_a_repository_with_its_rule(self, site: Site) -> None:
        trust = site.folder / "strict"
        rule = "quay.io/stagex=remapIdentity=quay.io/stagex:docker.io/stagex"
        result = site.init("--repository", rule, "--repository", "docker.io/stagex=reject", folder=trust)
        assert result.code == 0, result
        assert result.json["repositories"] == [
            {"scope": "docker.io/stagex", "identity": "reject"},
            {"scope": "quay.io/stagex", "identity": "remapIdentity=quay.io/stagex:docker.io/stagex"},
        ]
        image = sample("mirrored")
        site.sign(RUST, image.digest, "anna", "bert")  # as docker.io/stagex/pallet-rust
        mirror = "quay.io/stagex/pallet-rust"
        layout = site.layout(image, "mirror")
        assert site.export(f"{mirror}=oci:{layout}", "--skip-preflight").code == 0
        accepted = site.verify("--trust", trust)
        assert accepted.code == 0, accepted
        assert accepted.json["images"][0]["reference"] == mirror
        assert site.verify().code == 30
        assert self.carry(site, trust, "anna", "bert").kinds == ["repository-out-of-scope"]

    def test_a_policy_as_source_of_scopes(self, site: Site) -> None:
        policy = site.folder / "policy.json"
        by_key = {"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/x.gpg"}
        docker = {"docker.io/stagex": [by_key], "quay.io": [{"type": "insecureAcceptAnything"}]}
        policy.write_text(json.dumps({"default": [{"type": "reject"}], "transports": {"docker": docker}}))
        trust = site.folder / "strict"
        result = site.init("--policy", policy, folder=trust)
        assert result.code == 0, result
        assert "quay.io was left out" in result.errors
        assert [one["scope"] for one in result.json["repositories"]] == ["", "docker.io/stagex"]
        assert self.carry(site, trust, "anna", "bert").code == 0
        policy.write_text("{}")
        refused = site.init("--policy", policy, folder=site.folder / "none")
        assert refused.code == 10
        assert refused.kinds == ["policy-invalid"]

    def test_one_address_under_two_names(self, site: Site) -> None:
        people = [
            Person(nick, nick, "same@example.org", tuple(one.fingerprint for one in crew()[nick]))
            for nick in ("anna", "bert")
        ]
        site.maintainers.write_text(forge.maintainers_toml(people))
        result = site.init(folder=site.folder / "other")
        assert result.code == 0
        assert "anna and bert share the address same@example.org" in result.errors
