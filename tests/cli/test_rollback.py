"""An older image than the newest accepted one is refused, whatever the clock says (TRUST rule 8)."""

from __future__ import annotations

import pytest
from forge import SIGNED

from tests.cli.contract import check_verdict
from tests.cli.site import RUST, Site, process, run, sample
from tests.cli.stocking import DAY, TOOL, accepted, bundle_of, into_store


class TestRollback:
    def test_tuf_01_an_older_bundle(self, site: Site) -> None:
        old, new = bundle_of(site, "old", "anna", "bert"), bundle_of(site, "new", "anna", "bert", created=SIGNED + DAY)
        accepted(site, old)
        before_new = site.snapshot()
        assert accepted(site, new)["images"][0]["staleness"] == {"newest": "2025-06-02T00:00:00Z", "days": 29}
        before, told = site.snapshot(), site.log()
        assert before != before_new
        for result in (into_store(site, old), site.verify(bundle=old)):
            assert result.code == 41, result
            assert result.kinds == ["older-than-accepted"]
            check_verdict(result.json, 41)
            assert "--allow-older" in result.json["errors"][0]["hint"]
        assert site.snapshot() == before
        (entry,) = site.log()[len(told) :]
        assert (entry["event"], entry["accepted"]) == ("import", False)

    def test_the_override_is_said_and_logged_and_lowers_nothing(self, site: Site) -> None:
        old, new = bundle_of(site, "old", "anna", "bert"), bundle_of(site, "new", "anna", "bert", created=SIGNED + DAY)
        accepted(site, new)
        marks = run("trust", "show", "--trust", site.trust, "--format", "json").json["marks"]
        verdict = accepted(site, old, "--allow-older")
        assert verdict["overrides"] == ["allow-older"]
        assert any("allowed by --allow-older" in note for note in verdict["notes"])
        assert site.log()[-1]["overrides"] == ["allow-older"]
        assert run("trust", "show", "--trust", site.trust, "--format", "json").json["marks"] == marks
        assert into_store(site, old).code == 41

    def test_tuf_03_the_same_again(self, site: Site) -> None:
        new = bundle_of(site, "new", "anna", "bert")
        first = accepted(site, new)
        before = site.snapshot()
        assert accepted(site, new) == first
        assert site.snapshot() == before

    def test_another_repository_has_a_mark_of_its_own(self, site: Site) -> None:
        accepted(site, bundle_of(site, "new", "anna", "bert", created=SIGNED + DAY))
        accepted(site, bundle_of(site, "other", "anna", "bert", name=TOOL))

    def test_tuf_20_a_single_liar_moves_no_mark(self, site: Site) -> None:
        """bert dates his signature 20 days ahead of anna's: the mark stays at hers."""
        image = sample("new")
        site.sign(RUST, image.digest, "anna", created=SIGNED)
        site.sign(RUST, image.digest, "bert", created=SIGNED + 20 * DAY)
        assert site.export(site.image(RUST, image)).code == 0
        accepted(site, site.bundle)
        accepted(site, bundle_of(site, "later", "carl", "dora", created=SIGNED + DAY))

    def test_a_claim_from_the_future_poisons_nothing(self, site: Site) -> None:
        """What counts at no time of this machine cannot raise a mark, even with a quorum."""
        ahead = site.folder / "ahead.airgap.tar.zst"
        source = site.image(RUST, sample("ahead"), "anna", "bert", created=SIGNED + 300 * DAY)
        assert site.export(source, "--skip-preflight", output=ahead).code == 0
        result = site.import_(bundle=ahead)
        assert result.code == 30, result
        assert {one["reason"] for one in result.json["images"][0]["signatures"]} == {"signature-from-the-future"}
        accepted(site, bundle_of(site, "now", "anna", "bert"))


@pytest.mark.parametrize("clock", [0, 1_750_000_000, 4_070_908_800])
def test_the_clock_decides_nothing(site: Site, clock: int) -> None:
    """Clocks in 1970 and 2099, other zones and locales: the verdict has the same bytes (TUF-15, TUF-17)."""
    bundle = bundle_of(site, "new", "anna", "bert")
    expected = site.verify(bundle=bundle)
    before = f"import time; time.time = lambda: {clock}"
    for zone, locale in (("UTC", "C"), ("Pacific/Chatham", "tr_TR.UTF-8")):
        env = {"TZ": zone, "LC_ALL": locale}
        assert process(*site.verify_line(bundle=bundle), before=before, env=env).stdout == expected.stdout
    imported = process(*site.import_line(bundle=bundle), before=before)
    assert imported.code == 0
    assert run(*site.verify_line(bundle=bundle)).code == 0
