"""Attacks and accidents of media, disks, memory and processes (FSM)."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import resource
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from forge import Blob, Sample
from forge.images import OCI_TYPES, to_json

from airgap import audit
from airgap.bundle import frames, tar
from airgap.bundle.format import FRAME_SIZE
from airgap.bundle.volumes import PRESETS
from airgap.disk.reading import ErrorTyping
from airgap.errors import HostError
from tests.attacks.catalogue import attack
from tests.attacks.lab import IMAGE, Lab, by, put_together
from tests.bounds.test_memory import PEAK, measure
from tests.bundle.simulator import join
from tests.cli.site import (
    RUST,
    Site,
    dripped,
    heavy,
    litter,
    popen,
    process,
    run,
    sample,
    snapshot,
)
from tests.cli.surgery import canonical, flipped
from tests.cli.test_host import wait_for

MIB = 2**20


@pytest.fixture(scope="module")
def ready(untouched: Path, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A lab with the good bundle on disk, to be copied."""
    folder = tmp_path_factory.mktemp("ready") / "lab"
    shutil.copytree(untouched, folder)
    lab = Lab(folder)
    lab.site.bundle.write_bytes(lab.good().packed())
    return lab


@pytest.fixture
def copied(ready: Lab, tmp_path: Path) -> Site:
    return copy_of(ready, tmp_path / "copy")


def copy_of(ready: Lab, folder: Path) -> Site:
    shutil.copytree(ready.site.folder, folder, symlinks=True)
    return Site(folder)


@attack("FSM-01")
def test_a_file_system_with_small_files(ready: Lab, tmp_path: Path) -> None:
    """The exporter stops and leaves nothing, or cuts; half a file is never taken for a bundle."""
    site = Site(tmp_path / "large")
    assert site.init().code == 0
    source = site.image(RUST, heavy(9 * MIB), "anna", "bert")
    line = ["export", source, *site.evidence(), "-o", site.bundle, "--format", "json"]
    small = process(*line, preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5 * MIB, 5 * MIB)))
    assert (small.code, small.kinds) == (70, ["disk-full"])
    assert litter(site.folder) == []
    assert not site.bundle.exists()
    assert PRESETS["fat32"] == 2**32 - 1
    cut = process(
        *line, "--volume-size", 5 * MIB, preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5 * MIB,) * 2)
    )
    assert cut.code == 0, cut
    parts = sorted(site.folder.glob("*.00?"))
    assert len(parts) > 1
    assert site.verify(bundle=parts[0]).code == 0
    parts[0].write_bytes(parts[0].read_bytes()[: 3 * MIB])
    assert site.verify(bundle=parts[1]).code == 20


@attack("FSM-05")
def test_short_reads_and_interrupted_calls(ready: Lab) -> None:
    """A pipe that gives one byte at a time, to a process that is interrupted every millisecond."""
    data = ready.site.bundle.read_bytes()
    timer = (
        "import atexit, signal; signal.signal(signal.SIGALRM, lambda *_: None);"
        "signal.setitimer(signal.ITIMER_REAL, .02, .001); atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)"
    )
    with popen(*ready.site.verify_line(bundle="-"), before=timer) as child:
        stdout = dripped(child, data, 600)
    assert child.returncode == 0, stdout
    assert stdout == ready.site.verify().stdout


@attack("FSM-05")
def test_short_writes(copied: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that takes a hundred bytes at a time: everything arrives."""
    original = os.fdopen

    def fdopen(descriptor: int, mode: str = "r", *rest: Any, **options: Any) -> Any:
        file = original(descriptor, mode, *rest, **options)
        return _Short(file) if mode == "wb" and rest == (0,) else file

    monkeypatch.setattr(os, "fdopen", fdopen)
    assert copied.import_().code == 0
    monkeypatch.undo()
    stored = copied.store / "blobs" / "sha256" / IMAGE.layers[0].digest[7:]
    assert stored.read_bytes() == IMAGE.layers[0].data


class _Short:
    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, data: Any) -> int:
        return int(self._file.write(memoryview(data)[:100]))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> _Short:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@attack("FSM-06")
@pytest.mark.parametrize("error", [errno.EIO, errno.ENODEV, errno.ENODATA], ids=errno.errorcode.get)
def test_a_medium_that_is_pulled_out(copied: Site, error: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of reading; put in again, the same command does it."""
    original, left = ErrorTyping.read, [2]

    def read(self: ErrorTyping, size: int) -> bytes:
        left[0] -= 1
        if left[0] < 0:
            self._file = _Gone(error)  # type: ignore[assignment]
        return original(self, min(size, 2000))

    monkeypatch.setattr(ErrorTyping, "read", read)
    before = copied.snapshot()
    result = copied.import_()
    assert (result.code, result.kinds) == (70, ["input-output"]), result
    assert copied.snapshot() == before
    assert litter(copied.folder) == []
    monkeypatch.undo()
    assert copied.import_().code == 0


class _Gone:
    def __init__(self, error: int) -> None:
        self._error = error

    def read(self, _: int) -> bytes:
        raise OSError(self._error, os.strerror(self._error))


def failing_once(patch: pytest.MonkeyPatch, name: str, nth: int) -> None:
    """The nth call fails, the others do what they should."""
    original, calls = getattr(os, name), [0]

    def call(*arguments: Any, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] == nth + 1:
            raise OSError(errno.EIO, "Input/output error")
        return original(*arguments, **options)

    patch.setattr(os, name, call)


@attack("FSM-07")
def test_an_fsync_that_fails_once(ready: Lab, tmp_path: Path) -> None:
    """Linux tells of a lost page once; whoever tries again is told that all is well. The first word counts."""
    ends = []
    for nth in range(40):
        site = copy_of(ready, tmp_path / str(nth))
        with pytest.MonkeyPatch.context() as patch:
            failing_once(patch, "fsync", nth)
            result = site.import_()
        ends.append(result.code)
        assert result.code in (0, 70), result
        if result.code == 0:
            break
        assert result.kinds[0] == "input-output"
        assert site.import_().code == 0, "the same command, with the disk well again"
        shutil.rmtree(site.folder)
    assert ends[-1] == 0
    assert len(ends) > 5
    assert set(ends[:-1]) == {70}


@attack("FSM-07")
@attack("FSM-09")
def test_an_export_whose_fsync_fails(ready: Lab, tmp_path: Path) -> None:
    site = copy_of(ready, tmp_path / "site")
    source = site.image(RUST, sample("new"), "anna", "bert")
    before = site.bundle.read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        failing_once(patch, "fsync", 0)
        result = site.export(source)
    assert result.code == 70, result
    assert site.bundle.read_bytes() == before
    assert [Path(path).name for path in litter(site.folder)] == [f"{site.bundle.name}.airgap-partial"]
    assert site.export(source).code == 0  # goes on from there
    assert litter(site.folder) == []


@attack("FSM-08")
def test_a_medium_that_forgets(ready: Lab, tmp_path: Path) -> None:
    """`verify --media` reads back around the page cache what a counterfeit stick gave back as if all were well."""
    site = Site(tmp_path / "site")
    assert site.export(site.image(RUST, sample("kept"), "anna", "bert")).code == 0
    assert run("verify", "--media", site.bundle).code == 0
    data = site.bundle.read_bytes()
    for wrong in (
        data[:512] * (len(data) // 512 + 1),
        flipped(data, len(data) // 2),
        data[: len(data) // 2] + bytes(len(data) // 2 + 1),
    ):
        site.bundle.write_bytes(wrong[: len(data)])
        result = run("verify", "--media", site.bundle, "--format", "json")
        assert result.code in (10, 20), result


CALLS = ("open", "fdopen", "replace", "unlink", "rmdir", "fsync", "mkdir", "link", "rename")


def killed(call: int, line: Callable[[], object]) -> bool:
    """Whether a child that ran this died at its nth file call; a fork, for a process would take ten times as long."""
    child = os.fork()
    if child == 0:
        left = [call]

        def dying(original: Callable[..., Any]) -> Callable[..., Any]:
            def counted(*arguments: Any, **options: Any) -> Any:
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1
                return original(*arguments, **options)

            return counted

        for name in CALLS:
            setattr(os, name, dying(getattr(os, name)))
        try:
            line()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@attack("FSM-10")
@attack("FSM-11")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.exhaustive), 7])
def test_an_import_that_is_killed_at_every_file_call(ready: Lab, tmp_path: Path, step: int) -> None:
    """The index lists all or nothing, the log is whole, and the same command again comes to the same end."""
    whole = copy_of(ready, tmp_path / "whole")
    assert whole.import_().code == 0
    final = snapshot(whole.store, whole.out)
    final = {path.replace(str(whole.folder), ""): data for path, data in final.items()}
    survived = 0
    for call in range(0, 400, step):
        site = copy_of(ready, tmp_path / "killed")
        if not killed(call, site.import_):
            survived = call
            break
        before = len(site.log())
        assert run("log", "verify", "--trust", site.trust).code in (0, 40)
        for folder in (site.store, site.out):
            listed = IMAGE.digest.encode() in (folder / "index.json").read_bytes()
            assert not listed or all((folder / "blobs" / "sha256" / one[7:]).exists() for one in IMAGE.blobs)
        again = site.import_()
        assert again.code == 0, (call, again)
        end = snapshot(site.store, site.out)
        assert {path.replace(str(site.folder), ""): data for path, data in end.items()} == final, call
        assert litter(site.folder) == []
        events = [one["event"] for one in site.log()[before:]]
        assert [event for event in events if event != "interrupted"] in (["import", "load"], ["import"]), events
        assert run("log", "verify", "--trust", site.trust).code == 0
        shutil.rmtree(site.folder)
    assert survived > 20


@attack("FSM-09")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_an_export_that_is_killed_at_every_file_call(ready: Lab, tmp_path: Path) -> None:
    """Under the final name stands the old bundle or the new one, whole."""
    site = copy_of(ready, tmp_path / "site")
    source = site.image(RUST, sample("new"), "anna", "bert")
    old = site.bundle.read_bytes()
    assert site.export(source, output=tmp_path / "new").code == 0
    new = (tmp_path / "new").read_bytes()
    seen = set()
    for call in range(400):
        site.bundle.write_bytes(old)
        if not killed(call, lambda: site.export(source)):
            break
        found = site.bundle.read_bytes()
        assert found in (old, new), call
        seen.add(found == new)
    assert call > 5
    assert seen == {False, True}


@attack("FSM-12")
def test_two_at_once(copied: Site) -> None:
    data = copied.bundle.read_bytes()
    with popen(*copied.import_line(bundle="-")) as first:
        assert first.stdin is not None
        first.stdin.write(data[:100])
        first.stdin.flush()
        wait_for(lambda: str(copied.store / ".airgap" / "lock") in held_by(first.pid))
        time.sleep(0.1)  # from opening the lock to holding it
        second = copied.import_()
        first.kill()
    assert (second.code, second.kinds) == (70, ["store-locked"]), second
    assert copied.import_().code == 0, "a killed import leaves no lock"


def held_by(pid: int) -> list[str]:
    """The files that a process has open."""
    found = []
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(os.readlink(path))
    return found


@attack("FSM-15")
@pytest.mark.parametrize(
    "place",
    [
        *("store/.airgap", "store/.airgap/quarantine", "store/.airgap/lock", "store/index.json", "store/oci-layout"),
        *("store/blobs", "store/blobs/sha256", "store/signatures", "store/signatures/stagex"),
    ],
)
def test_a_link_where_we_write(copied: Site, tmp_path: Path, place: str) -> None:
    """Refused, as a fault of this host (70) and not of the bundle; nothing appears or changes where the link leads."""
    target = tmp_path / "elsewhere"
    path = copied.folder / place
    if path.is_dir():
        shutil.copytree(path, target)
        shutil.rmtree(path)
    elif path.exists():
        shutil.copyfile(path, target)
        path.unlink()
    else:
        target.mkdir()
        (target / "precious").write_text("data")
    path.symlink_to(target)
    before = snapshot(target)
    result = copied.import_()
    assert (result.code, result.kinds) == (70, ["not-a-regular-file"]), result
    assert str(path) in result.messages
    assert snapshot(target) == before
    assert path.is_symlink()


@attack("FSM-15")
def test_a_link_for_a_receipt(copied: Site, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("data")
    link = tmp_path / "receipt.json"
    link.symlink_to(precious)
    result = copied.import_("--receipt", link)
    assert (result.code, result.kinds) == (70, ["not-a-regular-file"]), result
    assert precious.read_text() == "data"


@attack("FSM-17")
@pytest.mark.parametrize(
    "name", [b"-rf", b"--to=podman", b"a\nb", b"\x1b[2J", b"x" * 255, b"\xff\xfe", b"$(id)", b"a;b"]
)
def test_hostile_names_on_the_medium(copied: Site, tmp_path: Path, name: bytes) -> None:
    """Beside the bundle, and as folders that are to hold parts."""
    medium = tmp_path / "medium"
    medium.mkdir()
    shutil.copy(copied.bundle, medium / "b.airgap.tar.zst")
    with open(bytes(medium) + b"/" + name, "wb") as file:
        file.write(b"garbage")
    assert copied.verify(bundle=medium / "b.airgap.tar.zst").code == 0
    found = run("verify", medium, "--trust", copied.trust)
    assert found.code in (0, 10, 20, 70)
    assert not set(found.stdout + found.stderr) & (set(range(32)) - {10})


@attack("FSM-21")
def test_other_files_on_the_medium(copied: Site, tmp_path: Path) -> None:
    """Nothing but the file that was named is opened there. What the desktop does with a stick is not ours."""
    medium = tmp_path / "medium"
    medium.mkdir()
    shutil.copy(copied.bundle, medium / "b.airgap.tar.zst")
    for name in ("autorun.inf", ".DS_Store", "index.html", "b.airgap.tar.zst.sha256", "c.airgap.tar.zst"):
        (medium / name).write_text("evil")
    hook = f"""
import sys
def tell(event, arguments):
    if event == "open" and {str(medium)!r} in str(arguments[0]):
        print("opened", arguments[0], file=sys.stderr)
sys.addaudithook(tell)"""
    result = process(*copied.import_line(bundle=medium / "b.airgap.tar.zst"), before=hook)
    assert result.code == 0, result
    opened = {line for line in result.errors.splitlines() if line.startswith("opened")}
    assert opened == {f"opened {medium / 'b.airgap.tar.zst'}"}


@attack("FSM-23")
def test_another_bundle_after_an_interruption(ready: Lab, copied: Site) -> None:
    """What lies in quarantine under the right names with other bytes is not believed."""
    id_ = copied.verify().json["bundle"]["id"]
    folder = copied.store / ".airgap" / "quarantine" / id_.removeprefix("sha256:")
    folder.mkdir(parents=True)
    for digest in IMAGE.blobs:
        (folder / digest[7:]).write_bytes(b"evil")
    assert copied.import_().code == 0
    for digest, data in IMAGE.blobs.items():
        assert (copied.store / "blobs" / "sha256" / digest[7:]).read_bytes() == data
    assert litter(copied.folder) == []


@attack("FSM-24")
def test_a_full_disk_at_the_audit_log(copied: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be written down does not happen."""

    def full(*_: object) -> None:
        raise HostError("disk-full", "no space left", path="audit.log")

    before = copied.snapshot()
    monkeypatch.setattr(audit, "append_durably", full)
    result = copied.import_()
    assert (result.code, result.kinds[0]) == (70, "disk-full")
    assert result.json["loaded"] == []
    assert result.json["stored"] is False
    found = copied.snapshot()
    waiting = copied.store / ".airgap" / "quarantine"  # the next import of the same bundle goes on from there
    assert {path: data for path, data in found.items() if not path.startswith(str(waiting))} == before


def large(lab: Lab, octets: int) -> bytes:
    """A good bundle of one layer of zeros: its frames are the same, so that it is made in a moment."""
    pieces, left = hashlib.sha256(), octets
    while left:
        pieces.update(bytes(min(left, MIB)))
        left -= min(left, MIB)
    digest = pieces.hexdigest()
    config = {
        "os": "linux", "architecture": "amd64", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }  # fmt: skip
    blob = Blob(OCI_TYPES.config, to_json(config))
    layer = {"mediaType": OCI_TYPES.layer, "digest": f"sha256:{digest}", "size": octets}
    value = {"schemaVersion": 2, "mediaType": OCI_TYPES.manifest, "config": blob.descriptor(), "layers": [layer]}
    root = Blob(OCI_TYPES.manifest, to_json(value))
    found = Sample(root, (("linux/amd64", root),), (blob,), ())
    files = [by(nick, digest=root.digest) for nick in ("anna", "bert")]
    opened = put_together(found, files, lab.site)
    rows = opened.listed()
    path = f"blobs/sha256/{digest}"
    rows["members"].append({"path": path, "sha256": digest, "size": octets})
    head = b"".join(
        tar.header(name, len(data)) + data + tar.padding(len(data))
        for name, data in [("bundle.json", canonical(rows)), *opened.members]
    ) + tar.header(path, octets)
    zeros = octets + len(tar.padding(octets)) + 1024
    first = head + bytes(FRAME_SIZE - len(head))
    zeros -= FRAME_SIZE - len(head)
    middle = (frames.compress(bytes(FRAME_SIZE), 1), FRAME_SIZE)
    last = bytes(zeros % FRAME_SIZE)
    cut = [(frames.compress(first, 1), FRAME_SIZE), *[middle] * (zeros // FRAME_SIZE)]
    return join([*cut, *([(frames.compress(last, 1), len(last))] if last else [])])


@attack("FSM-25")
def test_little_memory(lab: Lab, tmp_path: Path) -> None:
    """1 GiB unpacked, with 256 MiB of memory at the most. scripts/bench has the growth to 50 GiB."""
    path = tmp_path / "large.airgap.tar.zst"
    path.write_bytes(large(lab, 2**30))
    found = measure(*lab.site.verify_line(bundle=path))
    assert found.code == 0, found.document
    assert found.peak < PEAK


def test_the_large_bundle_is_a_bundle(lab: Lab) -> None:
    octets = 9 * MIB + 5
    assert lab.accepted(large(lab, octets)).json["bundle"]["bytes"] > octets
