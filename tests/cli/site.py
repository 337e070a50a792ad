"""A connected side and an offline side in one folder: forged maintainers, images and signatures, and the command line.

`run` calls the command line in this process, which is fast; `process` starts a real one, for signals, pipes and limits.
"""

from __future__ import annotations

import io
import json
import os
import pty
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import forge
import pytest
from forge import Certificate, Layer, Person, Sample

from airgap.cli.main import main
from airgap.results import audit_of, verdict_of
from airgap.state import LOG_FILE
from tests.cli.schemas import check

ROOT = Path(__file__).resolve().parents[2]

READERS: Mapping[str, Any] = {"airgap/verdict/v1": verdict_of, "airgap/audit/v1": audit_of}
AT = "2025-07-01T00:00:00Z"
"""A month after forge signs."""
RUST = "docker.io/stagex/pallet-rust"
BUNDLE = "b.airgap.tar.zst"

Arguments = Sequence[object]


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended and what it printed."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        return self.stdout.decode()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def errors(self) -> str:
        return self.stderr.decode()

    @property
    def json(self) -> Any:
        """The one document on stdout: one line and nothing else, as its published schema says; the library reads it."""
        assert self.stdout.endswith(b"\n"), self
        assert self.stdout.count(b"\n") == 1, self
        document = json.loads(self.stdout)
        check(document, f"airgap:schemas/{document['schema'].removeprefix('airgap/').replace('/', '-')}")
        if (read := READERS.get(document["schema"])) is not None:
            assert read(document).document == document
        return document

    @property
    def kinds(self) -> list[str]:
        """The kinds of all errors in the document."""
        document = self.json
        found = [document] if document["schema"] == "airgap/error/v1" else document["errors"]
        return [error["kind"] for error in found]

    @property
    def messages(self) -> str:
        document = self.json
        found = [document] if document["schema"] == "airgap/error/v1" else document["errors"]
        return "\n".join(error["message"] for error in found)


def run(
    *arguments: object, stdin: bytes = b"", cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Result:
    """`airgap ARGUMENTS` in this process, through main(), as a program with no terminal would start it."""
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["airgap", *map(str, arguments)])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        patch.setattr(sys, "stdout", stdout)
        patch.setattr(sys, "stderr", stderr)
        for name, value in (env or {}).items():
            patch.setenv(name, value)
        if cwd is not None:
            patch.chdir(cwd)
        try:
            with pytest.raises(SystemExit) as ended:
                main(confined=False)  # it could not be undone
        finally:
            signal.signal(signal.SIGTERM, handler)
        code = ended.value.code
    assert isinstance(code, int), code
    return Result(code, _written(stdout), _written(stderr))


def _written(stream: io.TextIOWrapper) -> bytes:
    raw = stream.detach()
    assert isinstance(raw, io.BytesIO)
    return raw.getvalue()


def popen(
    *arguments: object,
    before: str = "",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    preexec: Callable[[], None] | None = None,
    stdin: int | None = subprocess.PIPE,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    """`airgap ARGUMENTS` as a process of its own. ``before`` is Python that runs first in it: faults are put in so."""
    program = ["-m", "airgap"] if not before else ["-c", f"{before}\nfrom airgap.cli.main import main\nmain()"]
    return subprocess.Popen(
        [sys.executable, *program, *map(str, arguments)],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        preexec_fn=partial(_prepare, preexec),
    )


def _prepare(also: Callable[[], None] | None) -> None:
    """Interrupts reach it, even where a shell started the tests in the background and had them ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if also is not None:
        also()


def dripped(child: subprocess.Popen[bytes], data: bytes, octets: int) -> bytes:
    """Feed a process ``octets`` bytes one by one, then the rest at once. Returns what it prints."""
    sink, source = child.stdin, child.stdout
    assert sink is not None
    assert source is not None

    def drip() -> None:
        for at in range(octets):
            sink.write(data[at : at + 1])
            sink.flush()
        sink.write(data[octets:])
        sink.close()

    thread = threading.Thread(target=drip)
    thread.start()
    stdout = source.read()
    thread.join()
    return stdout


def process(*arguments: object, stdin: bytes = b"", **options: Any) -> Result:
    """Like `run`, in a process of its own; the options are those of `popen`."""
    with popen(*arguments, **options) as child:
        stdout, stderr = child.communicate(stdin, timeout=60)
    return Result(child.returncode, stdout or b"", stderr)


def on_terminal(*arguments: object, typed: bytes) -> tuple[int, bytes, bytes]:
    """`airgap ARGUMENTS` with a terminal as its input, at which somebody types. Status, stdout, stderr."""
    ours, theirs = pty.openpty()
    try:
        with popen(*arguments, stdin=theirs) as child:
            os.write(ours, typed)
            stdout, stderr = child.communicate(timeout=60)
    finally:
        os.close(ours)
        os.close(theirs)
    return child.returncode, stdout, stderr


@cache
def crew() -> dict[str, tuple[Certificate, ...]]:
    """Four maintainers with keys of as many kinds; anna has a signing subkey, and a second key of version 6."""

    def one(nick: str, seed: str | None = None, **options: Any) -> Certificate:
        return forge.certificate(seed or nick, user_ids=[f"{nick.title()} <{nick}@example.org>"], **options)

    return {
        "anna": (one("anna", signing_subkey="rsa2048"), one("anna", "anna/2", algorithm="ed25519", version=6)),
        "bert": (one("bert", algorithm="rsa3072"),),
        "carl": (one("carl"),),
        "dora": (one("dora", algorithm="p256"),),
    }


@cache
def gang() -> dict[str, tuple[Certificate, ...]]:
    """Attackers who bear the same names."""
    return {nick: (forge.certificate(f"mallory as {nick}"),) for nick in crew()}


def maintainers(people: Mapping[str, Sequence[Certificate]]) -> str:
    """The MAINTAINERS file of these people."""
    return forge.maintainers_toml(
        [
            Person(nick, nick.title(), f"{nick}@example.org", tuple(one.fingerprint for one in certificates))
            for nick, certificates in people.items()
        ]
    )


def sample(text: str = "hello", *, compression: str = "gzip", **options: Any) -> Sample:
    """A small single image."""
    return forge.image([Layer({"bin/sample": text.encode()}, compression)], **options)


def heavy(octets: int = 14 * 1024 * 1024) -> Sample:
    """An image whose one layer fills several frames and does not compress."""
    return forge.image([Layer({"bin/noise": random.Random(7).randbytes(octets)}, "none")])


def signature(
    certificate: Certificate,
    reference: str,
    digest: str,
    *,
    legacy: bool = False,
    indent: int | None = None,
    style: str = "gpg",
    **options: Any,
) -> bytes:
    """A signature file: style "gpg" (compressed, as `gpg --sign` writes), "plain" or "detached"."""
    payload = forge.claim(reference, digest, legacy=legacy, indent=indent)
    key = certificate.signing_key
    if style == "detached":
        return forge.detached(key, payload, **options)
    return forge.inline(key, payload, compress=1 if style == "gpg" else None, **options)


@dataclass(slots=True)
class Site:
    """Everything an export needs, and the folders of the offline side."""

    folder: Path
    people: Mapping[str, Sequence[Certificate]] = field(default_factory=crew)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.signatures.mkdir(exist_ok=True)
        self.maintainers.write_text(maintainers(self.people))
        self.keyring.write_bytes(b"".join(one.bytes for many in self.people.values() for one in many))

    @property
    def maintainers(self) -> Path:
        return self.folder / "MAINTAINERS"

    @property
    def keyring(self) -> Path:
        return self.folder / "keyring.pgp"

    @property
    def signatures(self) -> Path:
        return self.folder / "signatures"

    @property
    def bundle(self) -> Path:
        return self.folder / BUNDLE

    @property
    def trust(self) -> Path:
        return self.folder / "trust"

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def put(self, reference: str, digest: str, *files: bytes) -> Path:
        """Add signature files to the lookaside tree."""
        repository = reference.removeprefix("docker.io/").partition(":")[0]
        place = self.signatures / f"{repository}@{digest.replace(':', '=')}"
        held = [path.read_bytes() for path in sorted(place.glob("signature-*"))]
        return forge.write_lookaside(self.signatures, repository, digest, [*held, *files])

    def sign(self, reference: str, digest: str, *who: str, **options: Any) -> Path:
        """Sign with the first key of each of these people."""
        return self.put(
            reference, digest, *(signature(self.people[nick][0], reference, digest, **options) for nick in who)
        )

    def layout(self, found: Sample | Mapping[str, Sample], name: str = "layout") -> Path:
        """Write an OCI layout."""
        folder = self.folder / "layouts" / name
        forge.write_layout(folder, {"": found} if isinstance(found, Sample) else found)
        return folder

    def image(self, reference: str, found: Sample, *who: str, **options: Any) -> str:
        """Write an image, sign its top digest, and say how it is named to `export`."""
        name = reference.replace("/", "_").replace(":", "_")
        folder = self.layout(found, name)
        if who:
            self.sign(reference, found.digest, *who, **options)
        return f"{reference}=oci:{folder}"

    def evidence(self, *, keyrings: Sequence[Path] | None = None) -> list[str]:
        """The options of `export` that say where the evidence is."""
        rings = [text for path in keyrings or [self.keyring] for text in ("--keyring", str(path))]
        return ["--maintainers", str(self.maintainers), *rings, "--signatures", str(self.signatures), "--at", AT]

    def export(self, *arguments: object, output: Path | None = None, text: bool = False) -> Result:
        how = [] if text else ["--format", "json"]
        return run("export", *self.evidence(), "-o", output or self.bundle, *how, *arguments)

    def init(self, *arguments: object, threshold: int = 2, folder: Path | None = None) -> Result:
        people = ["--maintainers", self.maintainers, "--keyring", self.keyring]
        return run(
            *("trust", "init", folder or self.trust, *people, "--threshold", str(threshold)),
            *("--yes", "--format", "json", "--at", AT, *arguments),
        )

    def verify(self, *arguments: object, bundle: Path | str | None = None, stdin: bytes = b"") -> Result:
        return run(*self.verify_line(*arguments, bundle=bundle), stdin=stdin)

    def verify_line(self, *arguments: object, bundle: Path | str | None = None) -> Arguments:
        return ["verify", bundle or self.bundle, "--trust", self.trust, "--at", AT, "--format", "json", *arguments]

    def import_(self, *arguments: object, bundle: Path | str | None = None, stdin: bytes = b"") -> Result:
        return run(*self.import_line(*arguments, bundle=bundle), stdin=stdin)

    def import_line(self, *arguments: object, bundle: Path | str | None = None) -> Arguments:
        places = ["--trust", self.trust, "--store", self.store, "--to", f"oci:{self.out}"]
        return ["import", bundle or self.bundle, *places, "--at", AT, "--format", "json", *arguments]

    def snapshot(self) -> dict[str, bytes]:
        """Trust root, store and target, byte for byte, but for the audit log: that tells of every refusal."""
        log = str(self.trust / LOG_FILE)
        return {path: data for path, data in snapshot(self.trust, self.store, self.out).items() if path != log}

    def log(self) -> list[dict[str, Any]]:
        """The audit log, whose chain is whole."""
        result = run("log", "show", "--trust", self.trust, "--format", "json")
        assert result.code == 0, result
        entries: list[dict[str, Any]] = result.json["entries"]
        return entries


def snapshot(*folders: Path) -> dict[str, bytes]:
    """Every file, folder and link below these folders, with its content."""
    found: dict[str, bytes] = {}
    for folder in folders:
        for path in sorted([folder, *folder.rglob("*")]):
            if path.is_symlink():
                found[str(path)] = b"link " + os.readlink(path).encode()
            elif path.is_dir():
                found[str(path)] = b"folder"
            elif path.exists():
                found[str(path)] = b"file " + path.read_bytes()
    return found


def half_done(*folders: Path) -> list[str]:
    """Files that are not whole: there must be none, however a command ended, if it was not killed."""
    ends = (".airgap-partial", ".partial")
    return [str(path) for folder in folders for path in folder.rglob("*") if path.name.endswith(ends)]


def waiting(store: Path) -> dict[str, bytes]:
    """The blobs that wait in quarantine for an import to go on, by digest; each must be what its name says."""
    paths = (store / ".airgap" / "quarantine").glob("*/*")
    found = {f"sha256:{path.name}": path.read_bytes() for path in paths}
    assert {digest: forge.images.sha256(data) for digest, data in found.items()} == {key: key for key in found}
    return found


def settled(found: Mapping[str, bytes]) -> dict[str, bytes]:
    """A snapshot without what waits in quarantine, and without a store that holds nothing else."""
    left = {path: data for path, data in found.items() if "/.airgap/quarantine" not in path}
    published = {path.removesuffix("/index.json") for path in left if path.endswith("/index.json")}
    private = {path.removesuffix("/.airgap") for path in left if path.endswith("/.airgap")}
    for store in private - published:
        left = {path: data for path, data in left.items() if path not in (store, f"{store}/.airgap")}
    return left


def litter(*folders: Path) -> list[str]:
    """Temporary and quarantined files: there must be none after a decision, whatever it was."""
    return [
        str(path)
        for folder in folders
        for path in folder.rglob("*")
        if path.name.endswith(".airgap-partial") or ("quarantine" in path.parts and path.name != "quarantine")
    ]


def blobs(layout: Path) -> dict[str, bytes]:
    """The blobs of a layout by digest; each must be what its name says."""
    found = {f"sha256:{path.name}": path.read_bytes() for path in (layout / "blobs" / "sha256").iterdir()}
    assert {digest: forge.images.sha256(data) for digest, data in found.items()} == {key: key for key in found}
    return found


def index(layout: Path) -> dict[str, str]:
    """Ref name to digest, of a layout's index.json."""
    document = json.loads((layout / "index.json").read_bytes())
    return {one["annotations"][forge.images.REF_NAME]: one["digest"] for one in document["manifests"]}
