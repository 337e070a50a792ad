"""--format junit and --format sarif: what CI services show is what the verdict says."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from airgap.report.findings import junit, sarif
from tests.cli.site import AT, RUST, Result, Site, run, sample
from tests.leaves.test_escape import HOSTILE


def judged(site: Site, format_: str, *arguments: object) -> Result:
    return run("verify", site.bundle, "--trust", site.trust, "--at", AT, "--format", format_, *arguments)


def audited(site: Site, format_: str, *arguments: object) -> Result:
    people = ["--keyring", site.keyring, "--maintainers", site.maintainers, "--at", AT]
    return run("signatures", "audit", site.signatures, *people, "--format", format_, *arguments)


def cases(result: Result) -> dict[str, str | None]:
    """Test case to the type of its failure. Counts agree."""
    suites = ElementTree.fromstring(result.stdout)
    assert suites.tag == "testsuites"
    found = {case.attrib["name"]: case.find("failure") for case in suites.iter("testcase")}
    failures = [one for one in found.values() if one is not None]
    for element in (suites, *suites.iter("testsuite")):
        assert element.attrib["tests"] == str(len(found))
        assert element.attrib["failures"] == str(len(failures))
    assert all(one.text == one.attrib["message"] != "" for one in failures)
    return {name: None if one is None else one.attrib["type"] for name, one in found.items()}


def results(result: Result) -> list[dict[str, Any]]:
    """As SARIF 2.1.0 §3.27 has them; every rule is listed."""
    log = json.loads(result.stdout)
    assert log["version"] == "2.1.0"
    (one,) = log["runs"]
    assert one["tool"]["driver"]["name"] == "airgap"
    rules = [rule["id"] for rule in one["tool"]["driver"]["rules"]]
    assert one["invocations"] == [{"executionSuccessful": not one["results"]}]
    for found in one["results"]:
        assert rules[found["ruleIndex"]] == found["ruleId"]
        assert found["level"] == "error"
        assert found["message"]["text"]
    found_results: list[dict[str, Any]] = one["results"]
    return found_results


class TestVerify:
    def test_accepted(self, carried: Site) -> None:
        result = judged(carried, "junit")
        assert result.code == 0
        assert cases(result) == dict.fromkeys(["docker.io/stagex/other:1.0", RUST])
        result = judged(carried, "sarif")
        assert (result.code, results(result)) == (0, [])

    def test_too_few(self, site: Site) -> None:
        rust = site.image(RUST, sample("rust"), "anna")
        other = site.image("docker.io/stagex/other", sample("other"), "anna", "dora")
        assert site.export(rust, other, "--skip-preflight").code == 0
        result = judged(site, "junit")
        assert result.code == 30
        assert cases(result) == {
            RUST: "quorum-not-met",
            "docker.io/stagex/other": "refused",
            "AG401 quorum-not-met": "quorum-not-met",
        }
        assert "1 of 2 maintainers signed: anna" in result.text
        result = judged(site, "sarif")
        assert result.code == 30
        assert sorted(one["ruleId"] for one in results(result)) == ["quorum-not-met", "quorum-not-met", "refused"]

    @pytest.mark.parametrize("format_", ["junit", "sarif"])
    def test_no_trust_root(self, carried: Site, tmp_path: Path, format_: str) -> None:
        result = judged(carried, format_, "--trust", tmp_path / "none")
        assert result.code == 40
        assert "trust-root-missing" in result.text
        assert result.stderr == b""

    @pytest.mark.parametrize("format_", ["junit", "sarif"])
    def test_an_error_of_usage(self, carried: Site, format_: str) -> None:
        for line in ([f"--format={format_}"], ["--format", format_]):
            result = run("verify", carried.bundle, "--nothing", *line)
            assert result.code == 2
            found = list(cases(result).values()) if format_ == "junit" else [one["ruleId"] for one in results(result)]
            assert found == ["usage"]

    def test_a_command_that_judges_nothing_has_none(self, carried: Site) -> None:
        assert run("inspect", carried.bundle, "--format", "junit").code == 2


class TestMedia:
    def test_a_damaged_file(self, carried: Site, tmp_path: Path) -> None:
        good, bad = tmp_path / "good.airgap.tar.zst", tmp_path / "bad.airgap.tar.zst"
        data = carried.bundle.read_bytes()
        good.write_bytes(data)
        bad.write_bytes(data[:-100])
        line = ["verify", "--media", good, bad, "--format"]
        result = run(*line, "junit")
        assert (result.code, cases(result)) == (20, {str(good): None, str(bad): "bundle-truncated"})
        (one,) = results(run(*line, "sarif"))
        assert one["ruleId"] == "bundle-truncated"
        assert one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == bad.as_uri()


class TestSignatures:
    def test_audit(self, site: Site) -> None:
        folder = site.sign(RUST, sample("rust").digest, "anna", "dora")
        (folder / "signature-9 ä%").write_bytes(b"none")
        result = audited(site, "junit")
        found = cases(result)
        assert (result.code, found.pop("stagex/pallet-rust")) == (0, None)
        assert sorted(found.values(), key=str) == [None, None, "message-malformed"]
        (one,) = results(audited(site, "sarif"))
        uri = one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert uri.startswith("file:///")
        assert uri.endswith("/signature-9%20%C3%A4%25")

    def test_a_relative_path(self, site: Site) -> None:
        (site.folder / "signature-1").write_bytes(b"none")
        line = ["signatures", "verify", "--keyring", site.keyring, "signature-1", "--format", "sarif"]
        result = run(*line, cwd=site.folder)
        (one,) = results(result)
        assert one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "signature-1"
        assert result.code == 30

    def test_an_empty_repository(self, site: Site) -> None:
        assert cases(audited(site, "junit")) == {"signatures": "quorum-not-met"}


@pytest.mark.parametrize("text", HOSTILE[::5])
def test_hostile_names(text: str) -> None:
    """Nothing that came from outside is markup, or a character that XML or a terminal would not bear."""
    signature = {"file": text, "status": "bad", "reason": "bad-signature", "message": text}
    document = {"schema": "airgap/signatures/v1", "signatures": [signature]}
    shown = junit(document)
    (case,) = ElementTree.fromstring(shown).iter("testcase")
    assert case.attrib["name"].isprintable()
    assert all(line.isprintable() for line in shown.splitlines())
    assert json.dumps(sarif(document), ensure_ascii=False).isprintable()
