"""The audit log: whole, in front of what it tells of, and no import without it (TRUST rule 10)."""

from __future__ import annotations

import hashlib
import json
import subprocess

import pytest

from airgap.errors import HostError
from airgap.store import store as store_module
from tests.cli.site import Site, run, sample, settled, snapshot
from tests.cli.stocking import TOOL, accepted, bundle_of


class TestLog:
    def test_a_shell_can_check_it(self, site: Site) -> None:
        accepted(site, bundle_of(site, "new", "anna", "bert"))
        assert site.import_(bundle=site.keyring).code == 10
        script = (
            "h=$(printf %064d 0); while read -r d r; do "
            'h=$(printf \'%s %s\' "$h" "$r" | sha256sum | cut -c-64); [ "$h" = "$d" ] || exit 9; done; echo $h'
        )
        log = (site.trust / "audit.log").read_bytes()
        done = subprocess.run(["sh", "-c", script], input=log, capture_output=True, check=True)
        verified = run("log", "verify", "--trust", site.trust, "--format", "json")
        assert verified.code == 0
        assert verified.json == {
            "schema": "airgap/log-check/v1",
            "whole": True,
            "entries": 3,
            "head": f"sha256:{done.stdout.decode().strip()}",
        }

    def test_what_it_shows(self, site: Site) -> None:
        assert site.import_(bundle=bundle_of(site, "new", "anna", "bert")).code == 0
        entries = site.log()
        assert [one["number"] for one in entries] == [1, 2, 3]
        assert [one["event"] for one in entries] == ["init", "import", "load"]
        assert entries[1]["images"][0]["signers"] == ["anna", "bert"]
        assert entries[2]["loaded"][0]["target"] == f"oci:{site.out}"
        text = run("log", "show", "--trust", site.trust, "--last", "1").text
        assert "load" in text
        assert "init" not in text

    @pytest.mark.parametrize("line", [0, 1, 2])
    def test_an_entry_changed_removed_or_put_in(self, site: Site, line: int) -> None:
        assert site.import_(bundle=bundle_of(site, "new", "anna", "bert")).code == 0
        log = site.trust / "audit.log"
        lines = log.read_bytes().splitlines(keepends=True)
        forged = b'{"event":"import"}'
        link = hashlib.sha256(lines[line][:64] + b" " + forged).hexdigest().encode() + b" " + forged + b"\n"
        changes = {
            "changed": [*lines[:line], lines[line].replace(b"2025", b"2026"), *lines[line + 1 :]],
            "removed": [*lines[:line], *lines[line + 1 :]],
            "put in": [*lines[: line + 1], link, *lines[line + 1 :]],
        }
        if line == 2:  # the last one: a chain shows no end, but the state knows how far it must go
            del changes["removed"], changes["put in"]
        for name, changed in changes.items():
            log.write_bytes(b"".join(changed))
            for command in ("verify", "show"):
                result = run("log", command, "--trust", site.trust, "--format", "json")
                assert result.code == 40, (name, command, result)
                assert result.kinds == ["audit-log-damaged"]
            assert site.import_(bundle=site.folder / "new.airgap.tar.zst").code == 40
            assert log.read_bytes() == b"".join(changed)

    def test_the_end_is_missing(self, site: Site) -> None:
        accepted(site, bundle_of(site, "new", "anna", "bert"))
        log = site.trust / "audit.log"
        log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:1]))
        assert run("log", "verify", "--trust", site.trust, "--format", "json").kinds == ["audit-log-damaged"]

    def test_it_is_missing(self, site: Site) -> None:
        (site.trust / "audit.log").unlink()
        show = ["log", "show", "--trust", site.trust, "--format", "json"]
        for line in (site.verify_line(), site.import_line(), show):
            result = run(*line)
            assert result.code in (40, 70), result
            assert not (site.trust / "audit.log").exists()

    def test_fsm_24_no_entry_no_import(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        bundle = bundle_of(site, "new", "anna", "bert")

        def full(*_: object) -> None:
            raise HostError("disk-full", "no space for the log")

        before = snapshot(site.trust, site.store, site.out)
        monkeypatch.setattr("airgap.audit.append_durably", full)
        result = site.import_(bundle=bundle)
        assert result.code == 70
        assert set(result.kinds) == {"disk-full"}
        assert settled(snapshot(site.trust, site.store, site.out)) == before

    def test_a_decision_that_could_not_be_carried_out(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        """Publishing fails after the entry: a second entry undoes it, and the same command works later."""
        bundle = bundle_of(site, "new", "anna", "bert")
        before = site.snapshot()
        with monkeypatch.context() as patch:

            def full(*_: object) -> None:
                raise HostError("disk-full", "no space for blobs")

            patch.setattr(store_module, "sync_folder", full)
            assert site.import_(bundle=bundle).code == 70
        assert settled(site.snapshot()) == before
        assert [one.get("undoes") for one in site.log()] == [None, None, 2]
        assert run("log", "verify", "--trust", site.trust).code == 0
        accepted(site, bundle)


def test_receipt(site: Site) -> None:
    accepted(site, bundle_of(site, "one", "anna", "bert"))
    receipt = site.folder / "receipt.json"
    verdict = accepted(site, bundle_of(site, "two", "anna", "bert", name=TOOL), "--receipt", receipt)
    data = receipt.read_bytes()
    document = json.loads(data)
    own = document.pop("self")
    body = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    assert own == f"sha256:{hashlib.sha256(body).hexdigest()}"
    assert document["bundle"] == verdict["bundle"]["id"]
    assert document["trust"] == verdict["trust"]["id"]
    assert document["images"] == sorted([sample("one").digest, sample("two").digest])
    receipt.unlink()
    assert site.import_("--receipt", receipt, bundle=site.keyring).code == 10
    assert not receipt.exists()
