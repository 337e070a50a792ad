"""`--attestation`: the verdict as an in-toto Statement, valid by the published specification, for refusals, too."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from airgap.strict_json import canonical
from tests.cli.schemas import check
from tests.cli.site import AT, RUST, Site, litter, run, sample

VSA = "airgap:schemas/in-toto-vsa-v1"


def read(path: Path) -> Any:
    """The statement, which is valid and in its one spelling."""
    data = path.read_bytes()
    statement = json.loads(data)
    check(statement, VSA)
    assert canonical(statement) + b"\n" == data
    return statement


def test_an_accepted_bundle(carried: Site, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    result = carried.verify("--attestation", path)
    assert result.code == 0, result
    verdict, statement = result.json, read(path)
    predicate = statement["predicate"]
    assert [one["digest"]["sha256"] for one in statement["subject"]] == [
        image["digest"].removeprefix("sha256:") for image in verdict["images"]
    ]
    assert [one["annotations"]["airgap:signers"] for one in statement["subject"]] == [
        image["signers"] for image in verdict["images"]
    ]
    assert predicate["verificationResult"] == "PASSED"
    assert predicate["verifiedLevels"] == ["AIRGAP_QUORUM_OF_2"]
    assert predicate["timeVerified"] == AT
    assert predicate["policy"]["digest"]["sha256"] == verdict["trust"]["id"].removeprefix("sha256:")
    assert predicate["resourceUri"] == f"nih:sha-256;{verdict['bundle']['id'].removeprefix('sha256:')}"
    files = sorted(path for path in carried.signatures.rglob("signature-*") if "before" not in str(path))
    assert sorted(one["digest"]["sha256"] for one in predicate["inputAttestations"]) == sorted(
        hashlib.sha256(one.read_bytes()).hexdigest() for one in files
    )


def test_the_same_bytes_each_time(carried: Site, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert carried.verify("--attestation", tmp_path / name).code == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_tag_is_in_the_package_url(carried: Site, tmp_path: Path) -> None:
    assert carried.verify("--attestation", tmp_path / "a").code == 0
    urls = [one["uri"] for one in read(tmp_path / "a")["subject"]]
    assert any(url.endswith("?repository_url=docker.io/stagex/other&tag=1.0") for url in urls)
    assert all(url.startswith("pkg:oci/") and "@sha256%3A" in url for url in urls)


def test_a_quorum_that_is_not_met(site: Site) -> None:
    exported = site.export(site.image(RUST, sample(), "anna"), "--skip-preflight")
    assert exported.code == 0, exported
    path = site.folder / "a.json"
    for judge in (site.verify, site.import_):
        result = judge("--attestation", path)
        assert result.code == 30
        statement = read(path)
        assert statement["predicate"]["verificationResult"] == "FAILED"
        assert statement["predicate"]["policy"]["annotations"]["airgap:errors"] == ["AG401 quorum-not-met"]
        assert [one["annotations"]["airgap:accepted"] for one in statement["subject"]] == [False]
        path.unlink()


@pytest.mark.parametrize("stdin", [False, True])
def test_what_is_no_bundle_has_no_subject(site: Site, stdin: bool) -> None:
    """An old statement must not stay, as if it spoke of this one."""
    path = site.folder / "a.json"
    path.write_text("PASSED")
    site.bundle.write_bytes(b"no bundle")
    result = site.verify("--attestation", path, bundle="-" if stdin else None, stdin=b"no bundle")
    assert result.code == 10
    statement = read(path)
    assert statement["subject"] == []
    assert statement["predicate"]["verificationResult"] == "FAILED"
    assert statement["predicate"]["resourceUri"] == ("file:///dev/stdin" if stdin else site.bundle.as_uri())


def test_no_trust_root(carried: Site, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    result = run("verify", carried.bundle, "--trust", tmp_path / "none", "--attestation", path)
    assert result.code == 40
    assert "digest" not in read(path)["predicate"]["policy"]


def test_overrides_are_told(carried: Site, tmp_path: Path) -> None:
    assert carried.verify("--allow-older", "--attestation", tmp_path / "a").code == 0
    assert read(tmp_path / "a")["predicate"]["policy"]["annotations"]["airgap:overrides"] == ["allow-older"]


def test_a_store(carried: Site, tmp_path: Path) -> None:
    path = tmp_path / "a"
    found = run("verify", "--store", carried.store, "--trust", carried.trust, "--at", AT, "--attestation", path)
    assert found.code == 0, found
    assert read(path)["predicate"]["resourceUri"] == carried.store.as_uri()
    assert len(read(path)["predicate"]["inputAttestations"]) == 2


class TestWriting:
    def test_nothing_is_begun_where_it_cannot_be_written(self, site: Site) -> None:
        assert site.export(site.image(RUST, sample(), "anna", "bert")).code == 0
        before = site.snapshot()
        result = site.import_("--attestation", site.folder / "none" / "a.json")
        assert (result.code, result.kinds) == (70, ["file-not-found"])
        assert site.snapshot() == before

    def test_a_link_is_not_replaced(self, carried: Site, tmp_path: Path) -> None:
        (tmp_path / "a").symlink_to(tmp_path / "b")
        result = carried.verify("--attestation", tmp_path / "a")
        assert (result.code, result.kinds) == (70, ["not-a-regular-file"])

    def test_the_bundle_is_not_overwritten(self, carried: Site) -> None:
        before = carried.bundle.read_bytes()
        assert carried.verify("--attestation", carried.bundle).code == 2
        assert carried.bundle.read_bytes() == before

    def test_a_disk_that_fills_up_after_an_import(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        """The import stands, the status is 70, and the verdict says both."""
        assert site.export(site.image(RUST, sample(), "anna", "bert")).code == 0
        _fail_writing(monkeypatch)
        result = site.import_("--attestation", site.folder / "a.json")
        assert (result.code, result.kinds) == (70, ["disk-full"])
        assert result.json["stored"] is True
        assert site.verify().code == 0
        assert not (site.folder / "a.json").exists()
        assert litter(site.folder) == []

    def test_a_refusal_stays_one(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        assert site.export(site.image(RUST, sample(), "anna"), "--skip-preflight").code == 0
        _fail_writing(monkeypatch)
        result = site.verify("--attestation", site.folder / "a.json")
        assert (result.code, result.kinds) == (30, ["quorum-not-met", "disk-full"])
        assert litter(site.folder) == []

    @pytest.mark.parametrize("option", ["--part", "--media"])
    def test_what_judges_no_signature_attests_nothing(self, carried: Site, tmp_path: Path, option: str) -> None:
        assert run("verify", option, carried.bundle, "--attestation", tmp_path / "a").code == 2
        assert not (tmp_path / "a").exists()


def _fail_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    from airgap.disk.writing import PendingFile
    from airgap.errors import HostError

    def full(self: PendingFile, data: bytes, /) -> None:
        if self.path.name != "a.json":
            write(self, data)
            return
        raise HostError("disk-full", f"{self.path}: no space left on device")

    write = PendingFile.write
    monkeypatch.setattr(PendingFile, "write", full)
