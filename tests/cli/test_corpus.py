"""Real data: what StageX published, and the fixtures of containers/image."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from forge.images import sha256

from tests.cli.contract import check_audit, check_signature
from tests.cli.site import run
from tests.corpus import CORPUS, needs_corpus

pytestmark = needs_corpus

NOW = "2026-11-23T00:00:00Z"
STAGEX = CORPUS / "stagex"
FIXTURES = CORPUS / "peers"


@pytest.fixture(scope="module")
def audited() -> Any:
    keys = ["--keyring", STAGEX / "keyring.pgp", "--maintainers", STAGEX / "MAINTAINERS"]
    line = ["signatures", "audit", STAGEX / "signatures", *keys, "--claim-format", "stagex-legacy", "--threshold", "1"]
    result = run(*line, "--at", NOW, "--format", "json")
    assert result.code == 30
    assert result.stderr == b""
    return result.json


class TestStageX:
    def test_the_document(self, audited: Any) -> None:
        check_audit(audited)
        assert audited["summary"]["signatures"] == 3020
        assert audited["summary"]["images"] == sum(1 for path in (STAGEX / "signatures").rglob("*@sha256=*"))

    def test_every_row(self, audited: Any) -> None:
        expected = json.loads((STAGEX / "expected.json").read_bytes())
        rows = {one["file"]: one for image in audited["images"] for one in image["signatures"]}
        assert len(expected) == 3020
        wrong = []
        for row in expected:
            found = rows[str(STAGEX / row["file"])]
            if (found["status"], found["reason"]) != (row["expected"], row["reason"]):
                wrong.append((row["file"], row["expected"], row["reason"], found["status"], found["reason"]))
        # A right signature in the folder with the empty digest is still no signature of an image.
        odd = [one for one in wrong if "@sha256=/" in one[0]]
        assert [one for one in wrong if one not in odd] == []
        assert all(one[3] == "bad" for one in odd)

    def test_the_folder_with_the_empty_digest(self, audited: Any) -> None:
        (image,) = [one for one in audited["images"] if one["digest"] is None]
        assert image["quorum"] is False
        assert image["signatures"]
        assert all(one["status"] == "bad" for one in image["signatures"])

    def test_who_signed(self, audited: Any) -> None:
        assert {nick for image in audited["images"] for nick in image["signers"]} <= {"lancevick", "dannygrove"}
        assert audited["summary"]["good"] == sum(
            row["expected"] == "good" for row in json.loads((STAGEX / "expected.json").read_bytes())
        )

    def test_without_the_legacy_format_nothing_counts(self) -> None:
        keys = ["--keyring", STAGEX / "keyring.pgp", "--maintainers", STAGEX / "MAINTAINERS"]
        folder = sorted((STAGEX / "signatures").rglob("*@sha256=*"))[0].parent
        result = run("signatures", "audit", folder, *keys, "--threshold", "1", "--at", NOW, "--format", "json")
        assert result.code == 30
        assert result.json["summary"]["good"] == 0


@cache
def fixtures() -> Any:
    return json.loads((FIXTURES / "fixtures.json").read_bytes()) if FIXTURES.is_dir() else {}


def _named(rows: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(row, id=f"{number}: {row['why'][:40]}") for number, row in enumerate(rows)]


def _manifest_digest(text: str) -> str:
    if text.startswith("inline:"):
        return sha256(text.removeprefix("inline:").encode())
    return sha256((FIXTURES / text).read_bytes())


class TestContainersImage:
    @pytest.mark.parametrize("row", _named(fixtures().get("manifest_signatures", [])))
    def test_signatures_of_manifests(self, row: dict[str, Any]) -> None:
        image = ["--reference", row["expected_reference"], "--digest", _manifest_digest(row["manifest"])]
        line = ["signatures", "verify", "--keyring", FIXTURES / row["keyring"], "--at", NOW, "--format", "json"]
        result = run(*line, *image, FIXTURES / row["file"])
        signers = []
        if result.json["schema"] == "airgap/signatures/v1":
            for one in result.json["signatures"]:
                check_signature(one)
                if one["status"] == "good":
                    signers.append(one["certificate"])
        accepted = bool(set(signers) & set(row["accepted_fingerprints"]))
        assert accepted is (row["expect"] == "accept"), result

    @pytest.mark.parametrize("row", _named(fixtures().get("image_dirs", [])))
    def test_image_folders(self, row: dict[str, Any]) -> None:
        keyrings = row["keyring"] if isinstance(row["keyring"], list) else [row["keyring"]]
        folder = FIXTURES / row["dir"]
        files = sorted(folder.glob("signature-*"))
        rings = [text for ring in keyrings for text in ("--keyring", str(FIXTURES / ring))]
        image = ["--reference", row["image_reference"], "--digest", sha256((folder / "manifest.json").read_bytes())]
        how = ["--identity", row["identity"], "--at", NOW, "--format", "json"]
        good = 0
        for file in files:
            result = run("signatures", "verify", *rings, *image, *how, file)
            assert result.code in (0, 30), result
            good += result.code == 0
        if Path(row["dir"]).name != "dir-img-valid-subkey":  # signed with v3, which we refuse by choice
            assert good == row["valid_signatures"]
            assert (good > 0) is (row["expect"] == "accept")
