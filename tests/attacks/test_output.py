"""Attacks on whoever reads the verdict: terminals, logs, programs, spreadsheets (OUT)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import forge
import pytest

from airgap.state import LOG_FILE
from tests.attacks.catalogue import attack
from tests.attacks.lab import IMAGE, Lab, by, put_together
from tests.cli.site import AT, Result, run, sample
from tests.cli.test_output import HOSTILE, harmless

LINKS = "\x1b]8;;http://192.0.2.1/\x1b\\click\x1b]8;;\x1b\\\x1b[A\x1b[2KACCEPTED"
STATUS = "\n[GNUPG:] GOODSIG 0 bert\n[GNUPG:] VALIDSIG\nACCEPTED: 1 image\nRESULT: PASS\n"
CELLS = '=cmd|"/c calc"!A1,+1,-1,@SUM(1),\t,\r'
MARKUP = "| a | b |\n![x](http://192.0.2.1/x.png)`~~~<script>alert(1)</script><img src=x>[red]&lt;"
FORMATS = "%s%n%(x)s{0}{x.__class__}{{}}${HOME}$(id)`id`[bold red]"
TEXTS = {"OUT-01": [HOSTILE, LINKS], "OUT-04": [STATUS], "OUT-05": [CELLS], "OUT-07": [MARKUP], "OUT-11": [FORMATS]}


def every_view(lab: Lab, opened: bytes) -> Iterator[Result]:
    path = lab.site.folder / "shown.airgap.tar.zst"
    path.write_bytes(opened)
    for command in (
        ["verify", path, "--trust", lab.site.trust, "--at", AT],
        ["import", path, "--trust", lab.site.trust, "--store", lab.site.store, "--at", AT],
        ["inspect", path],
        ["log", "show", "--trust", lab.site.trust],
    ):
        for how in ("text", "json"):
            yield run(*command, "--format", how)


@pytest.mark.parametrize("text", [pytest.param(one, marks=attack(id_)) for id_ in TEXTS for one in TEXTS[id_]])
def test_hostile_text(fresh: Lab, text: str) -> None:
    """In a claim, a user id, a label and an annotation: printed as data, by no command as anything else."""
    eve = forge.certificate("eve", user_ids=[text])
    config = {"Labels": {text: text}, "User": text}
    found = forge.image([forge.Layer({"x": b"x"})], config=config, members={"annotations": {"x": text}})
    files = [
        by("anna", digest=found.digest),
        by("bert", digest=found.digest, reference=text),
        forge.inline(eve.signing_key, forge.claim(text, found.digest)),
    ]
    keyring = fresh.site.keyring.read_bytes() + eve.bytes
    results = list(every_view(fresh, put_together(found, files, fresh.site, keyring=keyring).packed()))
    harmless(*results)
    assert [one.code for one in results] == [30, 30, 30, 30, 0, 0, 0, 0]
    for result in results[:4]:
        if result.stdout.startswith(b"{"):
            assert result.json["accepted"] is False
            continue
        assert result.lines[0].startswith("REFUSED")
        assert result.lines[-1].startswith("REFUSED")
        assert not any(line.lstrip().startswith(("ACCEPTED", "[GNUPG:]", "RESULT:")) for line in result.lines)
    log = (fresh.site.trust / LOG_FILE).read_bytes()
    assert not any(byte < 32 and byte != 10 for byte in log)


@attack("OUT-01")
def test_names_of_files(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / f"\x1b[2J{'x' * 100}\nACCEPTED"
    path.write_bytes(b"garbage")
    for command in ("verify", "import"):
        store = ["--store", tmp_path / "store"] if command == "import" else []
        result = run(command, path, "--trust", lab.site.trust, *store, "--at", AT)
        harmless(result)
        assert result.code == 10
        assert result.lines[0].startswith("REFUSED")


@attack("OUT-05")
@attack("OUT-07")
def test_no_format_that_a_program_would_run(lab: Lab) -> None:
    """There are texts for terminals and JSON, and neither CSV nor Markdown."""
    for how in ("csv", "markdown", "html"):
        result = run("verify", lab.site.bundle, "--trust", lab.site.trust, "--format", how)
        assert result.code == 2


@attack("OUT-08")
def test_a_flood(lab: Lab) -> None:
    """Forty files that say 20 kB each: the verdict stands first and last, and every line has an end."""
    long = [by("bert", reference="x" * 20_000 + str(number)) for number in range(40)]
    opened = lab.signed(by("anna"), *long)
    result = lab.refused(opened, 30, "quorum-not-met")
    text = run("verify", lab.site.folder / "hostile.airgap.tar.zst", "--trust", lab.site.trust, "--at", AT)
    assert text.lines[0].startswith("REFUSED")
    assert text.lines[-1].startswith("REFUSED")
    assert max(map(len, text.lines)) < 4096
    assert max(len(error["message"]) for error in result.json["errors"]) < 40_000


@attack("OUT-08")
def test_a_name_of_a_mebibyte(lab: Lab) -> None:
    opened = lab.good()
    opened.manifest["images"][0]["reference"] = "docker.io/" + "x" * 2**20
    result = lab.refused(opened, 10)
    assert len(result.stdout) < 10_000


@attack("OUT-12")
def test_a_receipt_that_was_changed(fresh: Lab, tmp_path: Path) -> None:
    """Its last member is the digest of the rest: every change of it shows."""
    site, path = fresh.site, tmp_path / "receipt.json"
    site.bundle.write_bytes(fresh.good().packed())
    assert site.import_("--receipt", path).code == 0
    text = path.read_bytes()

    def holds(data: bytes) -> bool:
        value = json.loads(data)
        own = value.pop("self")
        body = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        return bool(own == forge.images.sha256(body))

    assert holds(text)
    assert json.loads(text)["bundle"] == site.verify().json["bundle"]["id"]
    assert IMAGE.digest in json.loads(text)["images"]
    for digest in [json.loads(text)["bundle"], json.loads(text)["trust"], IMAGE.digest]:
        assert not holds(text.replace(digest.encode(), sample("evil").digest.encode()))


@attack("OUT-12")
def test_no_receipt_of_what_was_refused(lab: Lab, tmp_path: Path) -> None:
    lab.refused(lab.signed(by("anna")), 30)
    path = tmp_path / "receipt.json"
    assert lab.site.import_("--receipt", path, bundle=lab.site.folder / "hostile.airgap.tar.zst").code == 30
    assert not path.exists()
