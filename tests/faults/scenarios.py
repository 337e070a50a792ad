"""Commands that change something, each with the files it starts from; and what may be left when it was disturbed."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from airgap.audit import read_log
from airgap.state import LOG_FILE, load_trust
from tests.cli.site import AT, RUST, Site, crew, litter, run, sample, snapshot

OTHER: Final = "docker.io/stagex/other"
FORMAT: Final = ["--format", "json"]


@dataclass(frozen=True)
class Scenario:
    """One command. ``prepare`` makes what is there before; ``line`` is the command, in a folder that holds that.

    ``once``: what it says instead if it was done already; None if it may be done again. ``finish`` is the command that
    does what was left to do then.
    """

    name: str
    prepare: Callable[[Path], None]
    line: Callable[[Path], list[object]]
    once: str | None = None
    finish: Callable[[Path], list[object]] | None = None


def _image(folder: Path, reference: str, text: str, output: str, *who: str) -> Path:
    site = Site(folder)
    path = folder / output
    assert site.export(site.image(reference, sample(text), *who), output=path).code == 0
    return path


def _offline(folder: Path, *, store: bool) -> None:
    """A trust root and a bundle; and, if asked for, a store and a target that hold another image."""
    site = Site(folder)
    assert site.init().code == 0
    if store:
        _image(folder, OTHER, "other", "other.airgap.tar.zst", "carl", "dora")
        assert site.import_(bundle=folder / "other.airgap.tar.zst").code == 0
    _image(folder, RUST, "rust", "rust.airgap.tar.zst", "anna", "bert")
    shutil.rmtree(folder / "layouts")
    shutil.rmtree(folder / "signatures")


def _import(folder: Path) -> list[object]:
    places = ["--trust", folder / "trust", "--store", folder / "store", "--to", f"oci:{folder / 'out'}"]
    return ["import", folder / "rust.airgap.tar.zst", *places, "--at", AT, "-j", "1", *FORMAT]


def _shelf(folder: Path) -> None:
    """A store with two images and something that was left on its way."""
    _offline(folder, store=True)
    places = ["--trust", folder / "trust", "--store", folder / "store", "--at", AT]
    assert run("import", folder / "rust.airgap.tar.zst", *places).code == 0
    garbage = folder / "store" / "blobs" / "sha256" / hashlib.sha256(b"garbage").hexdigest()
    garbage.write_bytes(b"garbage")


def _connected(folder: Path) -> None:
    site = Site(folder)
    site.image(RUST, sample("rust"), "anna", "bert")


def _export(folder: Path) -> list[object]:
    name = RUST.replace("/", "_")
    source = f"{RUST}=oci:{folder / 'layouts' / name}"
    evidence = ["--maintainers", folder / "MAINTAINERS", "--keyring", folder / "keyring.pgp"]
    places = ["--signatures", folder / "signatures", "-o", folder / "made.airgap.tar.zst"]
    return ["export", source, *evidence, *places, "--at", AT, "-j", "1", *FORMAT]


def _init(folder: Path) -> list[object]:
    people = ["--maintainers", folder / "MAINTAINERS", "--keyring", folder / "keyring.pgp"]
    return ["trust", "init", folder / "trust", *people, "--threshold", "2", "--yes", "--at", AT, *FORMAT]


def _update(folder: Path) -> list[object]:
    return [
        *("trust", "update", "--trust", folder / "trust", "--maintainers", folder / "NEXT", "--by-hand"),
        *("--threshold", "3", "--yes", "--at", AT, *FORMAT),
    ]


def _next_people(folder: Path) -> None:
    """A trust root, and the MAINTAINERS that is to follow."""
    site = Site(folder)
    assert site.init().code == 0
    fewer = Site(folder / "next", {nick: many for nick, many in crew().items() if nick != "dora"})
    shutil.copyfile(fewer.maintainers, folder / "NEXT")
    shutil.rmtree(fewer.folder)


def _revoke(folder: Path) -> list[object]:
    return ["trust", "revoke", "--trust", folder / "trust", "carl", "--yes", "--at", AT, *FORMAT]


def _sweep(folder: Path) -> list[object]:
    return ["store", "gc", "--store", folder / "store", *FORMAT]


SCENARIOS: Final = {
    one.name: one
    for one in (
        Scenario("import", lambda folder: _offline(folder, store=False), _import),
        Scenario("import into a store in use", lambda folder: _offline(folder, store=True), _import),
        Scenario("export", _connected, _export),
        Scenario("trust init", lambda folder: _unpinned(folder), _init, "trust-root-exists"),
        Scenario("trust update", _next_people, _update),
        Scenario("trust revoke", lambda folder: _offline(folder, store=False), _revoke),
        Scenario("store gc", _shelf, _sweep),
        Scenario(
            "store rm",
            _shelf,
            lambda folder: ["store", "rm", RUST, "--yes", "--store", folder / "store", *FORMAT],
            "source-not-found",
            _sweep,
        ),
        Scenario(
            "policy write",
            _shelf,
            lambda folder: [
                *("policy", "write", "--trust", folder / "trust", "--store", folder / "store"),
                *("-o", folder / "policy", "--at", AT, *FORMAT),
            ],
            "output-exists",
        ),
    )
}


def _unpinned(folder: Path) -> None:
    Site(folder)


# What is left


def state_of(folder: Path) -> dict[str, bytes]:
    """Every file, but for what tells of a disturbance: the audit log, and the place in it that state.json names."""
    found = snapshot(folder)
    for path in [path for path in found if path.endswith(f"/{LOG_FILE}")]:
        del found[path]
    state = str(folder / "trust" / "state.json")
    if state in found:
        found[state] = json.dumps(_without_log(found[state].removeprefix(b"file "))).encode()
    return found


def _without_log(data: bytes) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(data)
    return {name: part for name, part in value.items() if name not in ("log", "self")}


def records(folder: Path) -> list[dict[str, object]]:
    """The audit log; its chain is checked by reading it."""
    path = folder / "trust" / LOG_FILE
    return [entry.parsed() for entry in read_log(path)] if path.exists() else []


def in_force(folder: Path) -> list[dict[str, object]]:
    """Entries of the log that tell of something that happened: what was decided and undone later is left out."""
    found = records(folder)
    undone = {entry["undoes"] for entry in found if "undoes" in entry}
    return [entry for number, entry in enumerate(found, 1) if number not in undone and entry["event"] != "interrupted"]


def _logged(folder: Path) -> set[object]:
    """The images that the log says were accepted."""
    accepted = [one for one in in_force(folder) if one["event"] == "import" and one["accepted"]]
    return {image["digest"] for entry in accepted for image in _images(entry)}


def _images(entry: dict[str, object]) -> list[dict[str, object]]:
    images = entry["images"]
    assert isinstance(images, list)
    return images


def require_sound(folder: Path, before: dict[str, bytes], after: dict[str, bytes]) -> None:
    """Whatever happened: what is published is complete, trust is as before or as after, and nothing is half."""
    now = state_of(folder)
    for name in ("store", "out"):
        layout = folder / name
        index = str(layout / "index.json")
        assert now.get(index) in (None, before.get(index), after.get(index)), f"{name}: another index"
        if index in now:
            _require_complete(layout)
        for blob in (layout / "blobs" / "sha256").glob("*"):
            if ".airgap-partial" not in blob.name:
                assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name, f"{name}: a blob is not what it is"
        if before.get(index) is not None:
            assert index in now, f"{name}: the index is gone"
    trust = folder / "trust"
    state = str(trust / "state.json")
    if state in before or trust.exists():
        assert now.get(state) in (before.get(state), after.get(state)), "trust is neither as before nor as after"
        load_trust(trust)
        records(folder)
    index = str(folder / "store" / "index.json")
    if index in now and now[index] == after.get(index) != before.get(index):
        images = {one["digest"] for one in json.loads((folder / "store" / "index.json").read_bytes())["manifests"]}
        assert images <= _logged(folder), "an image is in the store, and the log does not say why"
    published = {path for path in now if path.startswith(f"{folder}/made.") or path.startswith(f"{folder}/policy/")}
    for path in published:
        if not path.endswith((".airgap-partial", ".airgap-lock")):
            assert now[path] == after[path], f"{path} is not what an undisturbed run makes"


def _require_complete(layout: Path) -> None:
    """Every blob that the index leads to is there, with its bytes."""
    waiting = json.loads((layout / "index.json").read_bytes())["manifests"]
    while waiting:
        one = waiting.pop()
        data = (layout / "blobs" / "sha256" / one["digest"].removeprefix("sha256:")).read_bytes()
        assert f"sha256:{hashlib.sha256(data).hexdigest()}" == one["digest"]
        assert len(data) == one["size"]
        if one["mediaType"].endswith(("manifest.v1+json", "index.v1+json")):
            document = json.loads(data)
            inner = [document["config"]] if "config" in document else []
            waiting += inner + document.get("layers", []) + document.get("manifests", [])


def left_over(folder: Path, *, private: bool = True) -> list[str]:
    """Temporary files anywhere, and what is in TMPDIR; ``private`` says whether that counts which the next run goes on
    from: the quarantine, and the beginning of an export.
    """
    found = litter(folder) + [str(path) for path in (*(folder / "tmp").glob("*"), *folder.glob("*.airgap-lock"))]
    return [path for path in found if private or not ("/.airgap/" in path or path.startswith(f"{folder}/made."))]


def published(folder: Path) -> dict[str, bytes]:
    """What is below a folder, but for what waits in quarantine for the next import of the same bundle."""
    return {path: data for path, data in snapshot(folder).items() if "/.airgap" not in path and path != str(folder)}
