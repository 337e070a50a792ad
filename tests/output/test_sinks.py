"""Two hundred hostile strings through every field of every document into every sink (CONTRACT §1).

The documents are those of real commands; each of their strings, names of members included where they are data, becomes
a hostile one in its turn.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from airgap.audit import AuditLog, Head, read_log
from airgap.disk.lock import held
from airgap.report.escape import json_pieces
from airgap.report.text import render
from tests.cli.site import AT, RUST, Site, run, sample
from tests.leaves.test_escape import HOSTILE, is_dangerous
from tests.tally import Tally

OTHER: Final = "docker.io/stagex/other:1.0"


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What commands print, by what they are."""
    site = Site(tmp_path_factory.mktemp("sinks"))
    one = site.image(RUST, sample("rust"), "anna", "bert")
    two = site.image(OTHER, sample("other"), "anna")
    trust = ["--trust", site.trust]
    found = {"trust init": site.init()}
    found["export"] = site.export(one)
    found["refused export"] = site.export(two, output=site.folder / "x.airgap.tar.zst")
    found["inspect"] = run("inspect", site.bundle, "--format", "json")
    found["verify"] = site.verify()
    found["refused"] = site.verify(bundle=site.keyring)
    found["import"] = site.import_()
    site.init(folder=site.folder / "strict", threshold=4)
    found["below quorum"] = site.verify("--trust", site.folder / "strict")
    found["store list"] = run("store", "list", "--store", site.store, "--format", "json")
    found["store gc"] = run("store", "gc", "--store", site.store, "--format", "json")
    found["log show"] = run("log", "show", *trust, "--format", "json")
    found["drill"] = run("trust", "drill", *trust, "--store", site.store, "--revoke", "anna", "--format", "json")
    audit = ["--keyring", site.keyring, "--maintainers", site.maintainers, "--at", AT, "--format", "json"]
    found["audit"] = run("signatures", "audit", site.signatures, *audit)
    files = sorted(site.signatures.rglob("signature-*"))
    found["signatures"] = run("signatures", "verify", "--keyring", site.keyring, *files, "--format", "json")
    found["diff"] = run("diff", site.bundle, site.bundle, "--format", "json")
    return {name: result.json for name, result in found.items()}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a document its strings are, but for the words that choose a view."""
    if isinstance(value, str) and path and path[-1] not in ("schema", "kind", "code", "outcome", "event", "status"):
        yield path
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(inner, (*path, number))


def put(document: Any, path: tuple[Any, ...], text: str) -> Any:
    changed = copy.deepcopy(document)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = text
    return changed


def test_every_field_of_every_document(tally: Tally, documents: dict[str, Any]) -> None:
    """The text view obeys nothing; JSON is plain ASCII. Each field is given several of the strings, in turn."""
    assert len(set(HOSTILE)) >= 200
    fields = [(name, path) for name, document in documents.items() for path in places(document)]
    assert len(fields) > 150
    tried = unseen = 0
    for number, (name, path) in enumerate(fields):
        for text in {HOSTILE[(number * 7 + step) % len(HOSTILE)] for step in range(0, len(HOSTILE), len(HOSTILE) // 4)}:
            document = put(documents[name], path, text)
            try:
                shown = render(document)
            except (KeyError, ValueError):  # a digest, a time or a word that no document of ours can hold so
                shown = ""
                unseen += 1
            dangerous = [char for char in shown if is_dangerous(char) and char != "\n"]
            assert not dangerous, (name, path, text)
            assert "RESULT: PASS" not in shown.splitlines(), (name, path)
            line = "".join(json_pieces(document))
            assert line.isascii(), (name, path, text)
            assert line.isprintable(), (name, path, text)
            tried += 1
    assert unseen < tried / 8
    tally("R8", f"hostile strings in {len(fields)} fields of {len(documents)} documents", tried, tried)


def test_every_string_in_the_log(tally: Tally, tmp_path: Path) -> None:
    """Whoever reads audit.log with cat sees escapes, in records and in their names."""
    path = tmp_path / "audit.log"
    path.write_bytes(b"")
    with held(path, tmp_path) as file:
        log = AuditLog(file, path, Head(), 0)
        for text in HOSTILE:
            log.append({"event": "import", "errors": [{"message": text}], "images": [{text: text}]})
    written = path.read_bytes().decode("utf-8")
    assert [char for char in written if is_dangerous(char) and char != "\n"] == []
    assert written.count("\n") == len(HOSTILE) == sum(1 for _ in read_log(path))
    tally("R8", "hostile strings in the audit log", len(HOSTILE), len(HOSTILE))
