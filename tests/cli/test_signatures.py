"""`signatures verify` and `signatures audit`: signature files by themselves."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import forge
import pytest
from forge.keys import CREATED, SIGNED

from tests.cli.contract import check_audit, check_signature
from tests.cli.site import AT, RUST, Result, Site, crew, run, sample, signature

IMAGE = sample()
DAY = 86_400


def by(nick: str, reference: str = RUST, digest: str = IMAGE.digest, **options: Any) -> bytes:
    return signature(crew()[nick][0], reference, digest, **options)


class Verifier:
    def __init__(self, site: Site) -> None:
        self.site = site

    def __call__(self, *files: bytes, options: tuple[object, ...] = ()) -> Result:
        paths = [self.site.folder / f"signature-{number}" for number in range(1, len(files) + 1)]
        for path, data in zip(paths, files, strict=True):
            path.write_bytes(data)
        line = ["signatures", "verify", "--keyring", self.site.keyring, "--at", AT, "--format", "json"]
        result = run(*line, *options, *paths)
        if result.code in (0, 30):
            assert result.json["schema"] == "airgap/signatures/v1"
            assert [one["file"] for one in result.json["signatures"]] == [str(path) for path in paths]
            for one in result.json["signatures"]:
                check_signature(one)
            good = all(one["status"] == "good" for one in result.json["signatures"])
            assert (result.code == 0) is good
        return result


@pytest.fixture
def verify(tmp_path: Path) -> Verifier:
    return Verifier(Site(tmp_path))


def rows(result: Result) -> list[str | None]:
    return [one["reason"] for one in result.json["signatures"]]


IS_RUST = ("--reference", RUST, "--digest", IMAGE.digest)


class TestVerify:
    def test_everything_about_a_good_one(self, verify: Verifier) -> None:
        result = verify(by("anna"))
        assert result.code == 0, result
        anna = crew()["anna"][0]
        assert result.json["signatures"] == [
            {
                "file": str(verify.site.folder / "signature-1"),
                "status": "good",
                "reason": None,
                "maintainer": None,
                "certificate": anna.fingerprint,
                "signing_key": anna.signing_key.fingerprint.hex().upper(),
                "created": "2025-06-01T00:00:00Z",
                "flags": [],
                "claim": {"format": "atomic", "reference": RUST, "digest": IMAGE.digest},
            }
        ]

    def test_several_of_which_one_is_bad(self, verify: Verifier) -> None:
        result = verify(by("anna"), by("bert", corrupt=True), by("carl"))
        assert result.code == 30
        assert rows(result) == [None, "bad-signature", None]
        text = run(
            "signatures",
            "verify",
            "--keyring",
            verify.site.keyring,
            "--at",
            AT,
            verify.site.folder / "signature-1",
            verify.site.folder / "signature-2",
        )
        assert text.code == 30
        assert text.lines[0] == "BAD: 1 of 2 signatures are good"

    def test_a_payload_that_is_no_claim(self, verify: Verifier) -> None:
        letter = forge.inline(crew()["carl"][0].primary, b"Dear Bob", compress=1)
        result = verify(letter)
        assert result.code == 0
        assert result.json["signatures"][0]["claim"] is None
        assert rows(verify(letter, options=IS_RUST)) == ["claim-malformed"]

    def test_an_unknown_key(self, verify: Verifier) -> None:
        assert rows(verify(signature(forge.certificate("eve"), RUST, IMAGE.digest))) == ["no-certificate"]

    def test_detached_with_its_payload(self, verify: Verifier) -> None:
        payload = verify.site.folder / "payload.json"
        payload.write_bytes(forge.claim(RUST, IMAGE.digest, indent=7))
        file = by("dora", style="detached", indent=7)
        assert verify(file, options=("--payload", payload)).code == 0
        assert verify(file, options=("--payload", payload, *IS_RUST)).code == 0
        payload.write_bytes(payload.read_bytes() + b"\n")
        assert rows(verify(file, options=("--payload", payload))) == ["bad-signature"]
        assert verify(file).code == 30
        missing = verify(file, options=("--payload", verify.site.folder / "nowhere"))
        assert missing.code == 70

    @pytest.mark.parametrize("indent", [None, 2, 3, 4])
    def test_detached_over_a_known_spelling(self, verify: Verifier, indent: int | None) -> None:
        file = by("dora", style="detached", indent=indent)
        result = verify(file, options=IS_RUST)
        assert result.code == 0, result
        assert result.json["signatures"][0]["claim"]["reference"] == RUST
        for half in (IS_RUST[:2], IS_RUST[2:], ()):
            assert verify(file, options=half).code == 30, half

    def test_a_reference_and_a_digest_alone(self, verify: Verifier) -> None:
        other = "sha256:" + "0" * 64
        assert verify(by("carl"), options=("--reference", RUST)).code == 0
        assert rows(verify(by("carl"), options=("--reference", "stagex/other"))) == ["claim-identity-mismatch"]
        assert verify(by("carl"), options=("--digest", IMAGE.digest)).code == 0
        assert rows(verify(by("carl"), options=("--digest", other))) == ["claim-digest-mismatch"]

    def test_a_digest_in_the_reference(self, verify: Verifier) -> None:
        other = "sha256:" + "0" * 64
        detached = by("carl", style="detached")
        for file in (by("carl"), detached):
            assert verify(file, options=("--reference", f"{RUST}@{IMAGE.digest}")).code == 0
        assert rows(verify(by("carl"), options=("--reference", f"{RUST}@{other}"))) == ["claim-digest-mismatch"]
        both = ("--reference", f"{RUST}@{other}", "--digest", IMAGE.digest)
        result = verify(by("carl"), options=both)
        assert (result.code, result.kinds) == (2, ["usage"])

    def test_an_exact_rule_needs_no_reference(self, verify: Verifier) -> None:
        for option in ((), ("--digest", IMAGE.digest)):
            assert verify(by("carl"), options=("--identity", f"exactRepository={RUST}", *option)).code == 0
            result = verify(by("carl"), options=("--identity", "exactRepository=docker.io/stagex/other", *option))
            assert rows(result) == ["claim-identity-mismatch"]
            for rule in ("matchRepository", "remapIdentity=quay.io/a:docker.io/stagex"):
                result = verify(by("carl"), options=("--identity", rule, *option))
                assert (result.code, result.kinds) == (2, ["usage"])

    def test_a_payload_for_a_signed_message(self, verify: Verifier, tmp_path: Path) -> None:
        """It must be just what is signed; it is not passed over."""
        file = tmp_path / "payload"
        file.write_bytes(forge.claim(RUST, IMAGE.digest))
        assert verify(by("carl"), options=("--payload", file)).code == 0
        file.write_bytes(b"completely other")
        assert rows(verify(by("carl"), options=("--payload", file))) == ["bad-signature"]

    @pytest.mark.parametrize(
        "option",
        [
            "--reference=UP/../x",
            "--digest=0123",
            "--digest=sha512:" + "0" * 128,
            "--identity=any",
            "--identity=exactReference=",
            "--identity=remapIdentity=x",
        ],
    )
    def test_options_that_are_none(self, verify: Verifier, option: str) -> None:
        result = verify(by("carl"), options=(option,))
        assert result.code in (2, 10), result
        assert result.kinds in (["reference-invalid"], ["digest-invalid"], ["usage"])

    @pytest.mark.parametrize(
        ("rule", "reference", "signed", "good"),
        [
            ("matchExact", f"{RUST}:1", f"{RUST}:1", True),
            ("matchExact", f"{RUST}:1", f"{RUST}:2", False),
            ("matchExact", f"{RUST}:1", RUST, False),
            ("matchRepoDigestOrExact", RUST, f"{RUST}:2", True),
            ("matchRepoDigestOrExact", f"{RUST}:1", f"{RUST}:2", False),
            ("matchRepository", f"{RUST}:1", f"{RUST}:2", True),
            ("matchRepository", f"{RUST}:1", "docker.io/stagex/other:1", False),
            (f"exactReference={RUST}:3", f"{RUST}:1", f"{RUST}:3", True),
            (f"exactReference={RUST}:3", f"{RUST}:1", f"{RUST}:1", False),
            ("exactRepository=quay.io/a/b", f"{RUST}:1", "quay.io/a/b:9", True),
            ("exactRepository=quay.io/a/b", f"{RUST}:1", f"{RUST}:1", False),
            ("remapIdentity=quay.io/stagex:docker.io/stagex", "quay.io/stagex/pallet-rust", RUST, True),
            ("remapIdentity=quay.io/stagex:docker.io/stagex", "quay.io/stagex/other", RUST, False),
            ("remapIdentity=localhost:5000/m:docker.io/stagex", "localhost:5000/m/pallet-rust:1", f"{RUST}:1", True),
        ],
    )
    def test_identity_rules(self, verify: Verifier, rule: str, reference: str, signed: str, good: bool) -> None:
        result = verify(by("carl", signed), options=("--identity", rule, "--reference", reference))
        assert rows(result) == [None if good else "claim-identity-mismatch"]

    def test_claim_formats(self, verify: Verifier) -> None:
        old = by("carl", "stagex/pallet-rust", legacy=True)
        assert rows(verify(old, options=IS_RUST)) == ["claim-format-not-allowed"]
        legacy = ("--claim-format", "stagex-legacy")
        result = verify(old, options=(*IS_RUST, *legacy))
        assert result.code == 0
        assert result.json["signatures"][0]["claim"] == {
            "format": "stagex-legacy",
            "reference": "stagex/pallet-rust",
            "digest": IMAGE.digest,
        }
        assert rows(verify(by("carl"), options=(*IS_RUST, *legacy))) == ["claim-format-not-allowed"]
        assert verify(by("carl"), old, options=(*IS_RUST, *legacy, "--claim-format", "atomic")).code == 0
        assert verify(by("carl"), options=("--claim-format", "cosign")).code == 2

    def test_the_reference_time(self, verify: Verifier) -> None:
        assert rows(verify(by("carl"), options=("--at", "2025-05-01T00:00:00Z"))) == ["signature-from-the-future"]
        assert verify(by("carl"), options=("--at", "2099-05-01T00:00:00+02:00")).code == 0

    def test_a_key_that_expired_since(self, verify: Verifier) -> None:
        late = forge.certificate("late", key_expires=SIGNED + DAY - CREATED)
        verify.site.keyring.write_bytes(late.bytes)
        result = verify(signature(late, RUST, IMAGE.digest))
        assert result.code == 0
        assert result.json["signatures"][0]["flags"] == ["certificate-expired-since"]

    def test_files_that_cannot_be_read_are_rows(self, verify: Verifier) -> None:
        folder = verify.site.folder
        (folder / "folder").mkdir()
        os.mkfifo(folder / "fifo")
        (folder / "big").write_bytes(bytes(70_000))
        line = ["signatures", "verify", "--keyring", verify.site.keyring, "--at", AT, "--format", "json"]
        good = folder / "good"
        good.write_bytes(by("carl"))
        names = ["folder", "fifo", "big", "nowhere", "good"]
        result = run(*line, *(folder / name for name in names))
        assert result.code == 30
        assert rows(result) == ["not-a-regular-file", "not-a-regular-file", "limit-exceeded", "file-not-found", None]

    def test_nothing_to_verify(self, verify: Verifier) -> None:
        result = run("signatures", "verify", "--keyring", verify.site.keyring, "--format", "json")
        assert result.code == 2
        assert result.kinds == ["usage"]


class TestAudit:
    @pytest.fixture
    def tree(self, tmp_path: Path) -> Site:
        site = Site(tmp_path)
        for name, who in (("a", ("anna", "bert")), ("b", ("carl",)), ("c", ("dora", "dora"))):
            site.sign(f"docker.io/stagex/{name}", sample(name).digest, *who)
        return site

    @staticmethod
    def audit(site: Site, *options: object, folder: Path | None = None) -> Result:
        line = [
            "signatures",
            "audit",
            folder or site.signatures,
            "--keyring",
            site.keyring,
            "--maintainers",
            site.maintainers,
            "--at",
            AT,
            "--format",
            "json",
        ]
        result = run(*line, *options)
        if result.code in (0, 30):
            check_audit(result.json)
        return result

    def test_rows(self, tree: Site) -> None:
        result = self.audit(tree)
        assert result.code == 30
        assert result.stderr == b""
        found = [(one["name"], one["digest"], one["signers"], one["quorum"]) for one in result.json["images"]]
        assert found == [
            ("stagex/a", sample("a").digest, ["anna", "bert"], True),
            ("stagex/b", sample("b").digest, ["carl"], False),
            ("stagex/c", sample("c").digest, ["dora"], False),
        ]
        summary = {"images": 3, "quorum": 1, "signatures": 5, "good": 5, "bad": 0, "by_reason": {}}
        assert result.json["summary"] == summary
        assert result.json["images"][0]["signatures"][0]["maintainer"] == "anna"

    def test_thresholds(self, tree: Site) -> None:
        assert self.audit(tree, "--threshold", "1").code == 0
        assert self.audit(tree, "--threshold", "3").json["summary"]["quorum"] == 0
        assert self.audit(tree, "--threshold", "0").code == 2

    def test_text(self, tree: Site) -> None:
        line = ["signatures", "audit", tree.signatures, "--keyring", tree.keyring, "--maintainers", tree.maintainers]
        text = run(*line, "--at", AT)
        assert text.code == 30
        assert text.lines[0] == "INCOMPLETE: 1 of 3 images reach quorum; 5 of 5 signatures are good"
        assert text.lines[1:] == [
            "",
            "2 under quorum: too few signatures",
            f"  ✗ 1 of 2  {sample('b').digest[:19]}…  stagex/b (by carl)",
            f"  ✗ 1 of 2  {sample('c').digest[:19]}…  stagex/c (by dora)",
        ]
        assert run(*line, "--at", AT, "--threshold", "1").lines == [
            "COMPLETE: 3 of 3 images reach quorum; 5 of 5 signatures are good"
        ]

    def test_text_says_why_whose_and_what_to_do(self, tree: Site) -> None:
        """Each kind once, the most frequent first, with the keys it is about; on a terminal of 80 columns."""
        eve = forge.certificate("eve")
        for name in ("a", "b", "c"):
            tree.put(f"docker.io/stagex/{name}", sample(name).digest, signature(eve, f"stagex/{name}", "0" * 64))
        tree.put("docker.io/stagex/a", sample("a").digest, b"hello")
        line = ["signatures", "audit", tree.signatures, "--keyring", tree.keyring, "--maintainers", tree.maintainers]
        lines = run(*line, "--at", AT).lines
        assert lines[2:4] == ["3 refused: no-certificate", f"       3  by {eve.fingerprint}"]
        assert "  next: Add the signer's certificate to the keyring, if the signer is a" in lines
        assert lines.index("1 refused: message-malformed") > lines.index("3 refused: no-certificate")
        assert "2 under quorum: no-certificate" in lines
        assert [one for one in lines if len(one) > 80 and "/" not in one] == []

    def test_text_says_how_much_it_leaves_out(self, tree: Site) -> None:
        for number in range(205):
            (tree.signatures / f"stagex/many@sha256={number:064x}").mkdir()
        line = ["signatures", "audit", tree.signatures, "--keyring", tree.keyring, "--maintainers", tree.maintainers]
        lines = run(*line, "--at", AT).lines
        assert sum(one.startswith("  ✗") for one in lines) == 200
        assert lines[-1] == "  … and 7 more; --format json lists them all"

    def test_text_names_only_the_keys_that_matter_most(self, tree: Site) -> None:
        for number in range(7):
            stranger = forge.certificate(f"stranger-{number}")
            tree.put("docker.io/stagex/a", sample("a").digest, signature(stranger, "stagex/a", "0" * 64))
        line = ["signatures", "audit", tree.signatures, "--keyring", tree.keyring, "--maintainers", tree.maintainers]
        assert "          and by 2 other keys" in run(*line, "--at", AT).lines

    def test_digest_lists(self, tree: Site) -> None:
        listed = tree.folder / "digests.txt"
        listed.write_text(forge.digests_list({"a": sample("a").digest, "z": "0" * 64, "b": "1" * 64}))
        result = self.audit(tree, "--digests", listed, "--threshold", "1")
        assert result.code == 30
        assert [(one["name"], one["signatures"]) for one in result.json["images"]][3:] == [("b", []), ("z", [])]

    def test_a_claim_for_another_image(self, tree: Site) -> None:
        tree.put("docker.io/stagex/a", sample("a").digest, by("carl"))
        result = self.audit(tree, "--threshold", "2")
        assert result.json["summary"]["by_reason"] == {"claim-digest-mismatch": 1}

    def test_a_stranger(self, tree: Site) -> None:
        eve = forge.certificate("eve")
        tree.keyring.write_bytes(tree.keyring.read_bytes() + eve.bytes)
        tree.put("docker.io/stagex/b", sample("b").digest, signature(eve, "stagex/b", sample("b").digest))
        assert self.audit(tree).json["summary"]["by_reason"] == {"not-a-maintainer": 1}

    def test_broken_files_and_folders_are_rows(self, tree: Site) -> None:
        good = by("carl", "docker.io/stagex/x", sample("x").digest)
        folders = {
            "stagex/empty-digest@sha256=": {"signature-1": good},
            "stagex/short@sha256=0123": {"signature-1": good},
            "stagex/upper@sha256=" + "A" * 64: {"signature-1": good},
            "stagex/nothing@sha256=" + "0" * 64: {},
            "stagex/UPPER@sha256=" + "0" * 64: {"signature-1": good},
            "stagex/x@sha256=" + sample("x").digest[7:]: {
                "signature-1": good,
                "signature-2": b"",
                "signature-3": b"\0" * 100,
                "signature-4": bytes(70_000),
                "README": b"hello",
                "\x1b[2Jname": b"x",
            },
        }
        for name, files in folders.items():
            folder = tree.signatures / name
            folder.mkdir(parents=True)
            for file, data in files.items():
                (folder / file).write_bytes(data)
        whole = tree.signatures / ("stagex/x@sha256=" + sample("x").digest[7:])
        os.mkfifo(whole / "signature-5")
        (whole / "signature-6").symlink_to("/etc/passwd")
        (whole / "signature-7").mkdir()
        (tree.signatures / ("stagex/link@sha256=" + "0" * 64)).symlink_to(whole)
        (tree.signatures / ("stagex/file@sha256=" + "0" * 64)).write_text("")
        result = self.audit(tree, "--threshold", "1")
        assert result.code == 30
        found = {one["name"]: one for one in result.json["images"]}
        assert found["stagex/x"]["signers"] == ["carl"]
        assert len(found["stagex/x"]["signatures"]) == 9
        assert [one["status"] for one in found["stagex/x"]["signatures"]].count("good") == 1
        for name in ("stagex/empty-digest", "stagex/short", "stagex/upper"):
            assert found[name]["digest"] is None, name
            assert found[name]["quorum"] is False
            assert [one["status"] for one in found[name]["signatures"]] == ["bad"]
        assert found["stagex/nothing"]["signatures"] == []
        assert found["stagex/UPPER"]["signatures"][0]["reason"] == "reference-invalid"
        assert found["stagex/a"]["quorum"] is True

    def test_no_folder(self, tree: Site) -> None:
        for folder in (tree.folder / "nowhere", tree.keyring):
            result = self.audit(tree, folder=folder)
            assert result.code == 50
            assert result.kinds == ["signatures-not-found"]

    @pytest.mark.parametrize("closed", ["stagex", "stagex/a@sha256="])
    def test_a_folder_that_cannot_be_read(self, tree: Site, monkeypatch: pytest.MonkeyPatch, closed: str) -> None:
        """There may be images in it: to say nothing of them would be to say that there are none."""

        def refusing(real: Callable[..., Any]) -> Callable[..., Any]:
            def listing(path: Any) -> Any:
                if str(path).startswith(str(tree.signatures / closed)):
                    raise PermissionError(errno.EACCES, "no", str(path))
                return real(path)

            return listing

        for name in ("scandir", "listdir"):
            monkeypatch.setattr(os, name, refusing(getattr(os, name)))
        result = self.audit(tree)
        assert result.code == 30
        (row,) = [one for one in result.json["images"] if one["name"] == closed.partition("@")[0]]
        assert [one["reason"] for one in row["signatures"]] == ["permission-denied"]

    def test_links_are_not_followed_and_not_left_out(self, tree: Site) -> None:
        (image,) = tree.signatures.glob("stagex/a@*")
        image.rename(tree.folder / "elsewhere")
        image.symlink_to(tree.folder / "elsewhere")
        (tree.signatures / "names").symlink_to(tree.signatures / "stagex")
        result = self.audit(tree)
        assert result.code == 30
        links = [one for one in result.json["images"] if one["name"] in ("stagex/a", "names")]
        assert [[one["reason"] for one in row["signatures"]] for row in links] == [["not-a-regular-file"]] * 2
        assert not any(row["quorum"] for row in links)

    @pytest.mark.parametrize("name", ["notes.txt", "signature-02", "signature-0", "signature-1.asc", "Signature-2"])
    def test_only_what_export_would_find_counts(self, tree: Site, name: str) -> None:
        (image,) = tree.signatures.glob("stagex/a@*")
        (image / "signature-2").rename(image / name)
        result = self.audit(tree)
        (row,) = [one for one in result.json["images"] if one["name"] == "stagex/a"]
        assert (row["signers"], row["quorum"]) == (["anna"], False)
        assert "signatures-not-found" in [one["reason"] for one in row["signatures"]]

    @pytest.mark.parametrize("name", ["stagex/z@sha512=00", "stagex/w@md5=aa", "nodigest", "."])
    def test_signatures_in_other_folders_are_rows(self, tree: Site, name: str) -> None:
        folder = tree.signatures / name
        folder.mkdir(exist_ok=True)
        (folder / "signature-1").write_bytes(by("anna"))
        result = self.audit(tree)
        (row,) = [one for one in result.json["images"] if one["name"] == name]
        assert (row["digest"], row["quorum"]) == (None, False)
        assert [one["status"] for one in row["signatures"]] == ["bad"]

    def test_nothing_in_it_is_no_success(self, tree: Site) -> None:
        empty = tree.folder / "empty"
        empty.mkdir()
        result = self.audit(tree, folder=empty)
        assert result.code == 30
        assert result.json["summary"]["images"] == 0
