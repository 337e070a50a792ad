"""Revocations stick, those that a bundle brings and those by hand; and what one would cost (TRUST rule 3)."""

from __future__ import annotations

import forge
import pytest

from tests.cli.contract import check_error
from tests.cli.site import AT, RUST, Site, crew, run, sample, snapshot
from tests.cli.stocking import TOOL, accepted, bundle_of


class TestRevocations:
    def test_kept_though_the_bundle_was_refused(self, site: Site) -> None:
        """bert's revocation comes with an image that has no quorum; then without it, and still he does not count."""
        clean = bundle_of(site, "good", "anna", "bert")
        keyring = site.keyring.read_bytes()
        site.keyring.write_bytes(crew()["anna"][0].bytes + crew()["bert"][0].revoked().bytes)
        refused = site.folder / "refused.airgap.tar.zst"
        source = site.image(RUST, sample("bad"), "anna")
        assert site.export(source, "--skip-preflight", output=refused).code == 0
        assert site.verify(bundle=clean).code == 0
        told = len(site.log())
        assert site.verify(bundle=refused).code == 30
        assert site.verify(bundle=clean).code == 0, "verify writes nothing"
        assert site.import_(bundle=refused).code == 30
        assert [entry["event"] for entry in site.log()[told:]] == ["revocation", "import"]
        assert site.log()[told]["certificates"] == [crew()["bert"][0].fingerprint]
        shown = run("trust", "show", "--trust", site.trust, "--format", "json").json["people"]
        assert {one["name"]: [cert["revoked"] is not None for cert in one["certificates"]] for one in shown} == {
            "anna": [False, False], "bert": [True], "carl": [False], "dora": [False]
        }  # fmt: skip
        assert "its signatures never count" in run("trust", "show", "--trust", site.trust).text
        site.keyring.write_bytes(keyring)
        result = site.verify(bundle=clean)
        assert result.code == 30
        assert "certificate-revoked" in str(result.json["images"][0]["signatures"])
        before = site.snapshot()
        assert site.import_(bundle=refused).code == 30
        assert site.snapshot() == before, "what is known already changes nothing"

    def test_a_new_subkey_comes_into_force_with_an_accepted_bundle_only(self, site: Site) -> None:
        extra = forge.secret_key("carl/extra", "eddsa")
        site.keyring.write_bytes(site.keyring.read_bytes() + crew()["carl"][0].with_subkey(extra).bytes)
        pinned = sorted(path.name for path in (site.trust / "certificates").iterdir())
        refused = site.folder / "refused.airgap.tar.zst"
        assert site.export(site.image(RUST, sample("bad"), "anna"), "--skip-preflight", output=refused).code == 0
        assert site.import_(bundle=refused).code == 30
        assert sorted(path.name for path in (site.trust / "certificates").iterdir()) == pinned
        accepted(site, bundle_of(site, "good", "anna", "bert"))
        assert len(set(pinned) - {path.name for path in (site.trust / "certificates").iterdir()}) == 1

    @pytest.mark.parametrize("named", ["nick", "fingerprint"])
    def test_by_hand(self, site: Site, named: str) -> None:
        who = "bert" if named == "nick" else crew()["bert"][0].fingerprint
        bundle = bundle_of(site, "new", "anna", "bert")
        line = ["trust", "revoke", "--trust", site.trust, who, "--at", AT, "--format", "json"]
        before = site.snapshot()
        asked = run(*line)
        assert asked.code == 40
        assert asked.kinds == ["not-confirmed"]
        assert site.snapshot() == before
        result = run(*line, "--yes")
        assert result.code == 0, result
        assert result.json["revoked"] == [{"certificate": crew()["bert"][0].fingerprint, "time": AT}]
        refused = site.import_(bundle=bundle)
        assert refused.code == 30
        assert "certificate-revoked" in refused.messages or "revoked on this machine" in refused.messages
        assert site.log()[-2]["event"] == "revoke"
        assert "REVOKED on this machine" in run("trust", "show", "--trust", site.trust).text

    def test_of_too_many(self, site: Site) -> None:
        for nick in ("anna", "bert", "carl"):
            result = run("trust", "revoke", "--trust", site.trust, nick, "--yes", "--format", "json")
            assert result.code == 0
        assert "nothing can be accepted any more" in result.errors

    def test_of_nobody(self, site: Site) -> None:
        before = site.snapshot()
        result = run("trust", "revoke", "--trust", site.trust, "mallory", "--yes", "--format", "json")
        assert result.code == 40
        assert result.kinds == ["person-unknown"]
        check_error(result.json)
        assert site.snapshot() == before


class TestDrill:
    def test_it(self, site: Site) -> None:
        accepted(site, bundle_of(site, "two", "anna", "bert", name=f"{TOOL}-two"))
        accepted(site, bundle_of(site, "three", "anna", "bert", "carl", name=f"{TOOL}-three"))
        accepted(site, bundle_of(site, "other", "carl", "dora", name=f"{TOOL}-other"))
        before = snapshot(site.folder)
        line = ["trust", "drill", "--trust", site.trust, "--store", site.store, "--at", AT]
        result = run(*line, "--revoke", "bert", "--format", "json")
        assert result.code == 0, result
        found = {one["reference"].rpartition("-")[2]: one for one in result.json["images"]}
        assert {name: one["outcome"] for name, one in found.items()} == {
            "two": "below-quorum",
            "three": "at-threshold",
            "other": "unaffected",
        }
        assert (found["two"]["before"], found["two"]["after"]) == (["anna", "bert"], ["anna"])
        assert result.json["summary"] == {"images": 3, "below-quorum": 1, "at-threshold": 1, "unaffected": 1}
        assert run(*line, "--revoke", "bert").text.startswith("DRILL: 1 of 3")
        assert run(*line, "--revoke", "nobody", "--format", "json").kinds == ["person-unknown"]
        assert snapshot(site.folder) == before
        assert run("trust", "revoke", "--trust", site.trust, "bert", "--yes").code == 0
        again = run(*line, "--revoke", "carl", "--format", "json").json
        assert again["summary"] == {"images": 3, "already-below-quorum": 1, "below-quorum": 2}

    def test_an_empty_store(self, site: Site) -> None:
        line = ["trust", "drill", "--trust", site.trust, "--store", site.folder / "nowhere", "--revoke", "bert"]
        result = run(*line, "--format", "json")
        assert result.code == 50
        assert result.kinds == ["source-not-found"]
        assert not (site.folder / "nowhere").exists()
