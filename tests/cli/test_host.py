"""The machine says no: files that are none, a full disk, a lock, a signal, a reader who went away."""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.contract import check_verdict
from tests.cli.site import AT, RUST, Site, dripped, half_done, litter, popen, process, run, sample, snapshot, waiting
from tests.needs import lacking

MIB = 1024 * 1024


def limited(octets: int) -> Callable[[], None]:
    """No file may grow over this: write() fails as on a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (octets, octets))


def _patched(place: str, action: str) -> str:
    """Python that makes a function of the package do something else first."""
    return f"""
import os, pkgutil, signal
from airgap.errors import HostError
holder = pkgutil.resolve_name({place.rpartition(".")[0]!r})
original = getattr(holder, {place.rpartition(".")[2]!r})
def first(*args, **kwargs):
    {action}
    return original(*args, **kwargs)
setattr(holder, {place.rpartition(".")[2]!r}, first)
"""


def wait_for(what: Callable[[], object]) -> None:
    for _ in range(2000):
        if what():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within 20 s")


class TestInput:
    @pytest.fixture(params=["folder", "fifo", "socket", "/dev/zero", "/proc/self/mem", "missing", "below a file"])
    def unreadable(self, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
        path = tmp_path / "input"
        if request.param == "folder":
            path.mkdir()
        elif request.param == "fifo":
            os.mkfifo(path)
        elif request.param == "socket":
            with socket.socket(socket.AF_UNIX) as server, contextlib.chdir(tmp_path):
                server.bind("input")
        elif request.param == "below a file":
            path.write_text("")
            path = path / "input"
        elif request.param != "missing":
            path = Path(request.param)
        return path

    def test_as_bundle(self, carried: Site, unreadable: Path) -> None:
        before = carried.snapshot()
        for result in (carried.verify(bundle=unreadable), carried.import_(bundle=unreadable)):
            assert result.code == 70, result
            check_verdict(result.json, 70)
            assert str(unreadable) in result.messages
        inspected = run("inspect", unreadable, "--format", "json")
        assert inspected.code == 70
        assert inspected.json["schema"] == "airgap/error/v1"
        assert carried.snapshot() == before

    @pytest.mark.parametrize("option", ["--maintainers", "--keyring", "--digests", "--images"])
    def test_as_evidence(self, carried: Site, unreadable: Path, tmp_path: Path, option: str) -> None:
        source = f"{RUST}=oci:{carried.folder}/layouts/docker.io_stagex_pallet-rust"
        result = carried.export(source, option, unreadable, output=tmp_path / "out.airgap.tar.zst")
        assert result.code in (50, 70), result
        assert unreadable.name in result.messages
        assert litter(tmp_path) == []
        assert not (tmp_path / "out.airgap.tar.zst").exists()

    def test_of_another_user(self, carried: Site) -> None:
        if os.getuid() != 0:
            lacking("needs root, to become somebody who may not read")
        become = (
            "import airgap.cli.main, airgap.cli.verify, airgap.confinement, os; os.setegid(65534); os.seteuid(65534)"
        )
        with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to others
            Path(folder).chmod(0o755)
            shutil.copytree(carried.trust, f"{folder}/trust")
            path = Path(folder, "private.airgap.tar.zst")
            path.write_bytes(carried.bundle.read_bytes())
            path.chmod(0)
            result = process(*carried.verify_line("--trust", f"{folder}/trust", bundle=path), before=become)
        assert result.code == 70, result
        assert result.kinds == ["permission-denied"]
        assert str(path) in result.messages

    def test_a_link_to_a_bundle_is_followed(self, carried: Site, tmp_path: Path) -> None:
        link = tmp_path / "link"
        link.symlink_to(carried.bundle)
        assert carried.verify(bundle=link).code == 0
        loop = tmp_path / "loop"
        loop.symlink_to(loop)
        assert carried.verify(bundle=loop).code == 70

    def test_a_link_in_the_lookaside_tree_is_not(self, site: Site) -> None:
        image = sample()
        source = site.image(RUST, image, "anna", "bert")
        secret = site.folder / "secret"
        secret.write_text("secret")
        folder = site.signatures / f"stagex/pallet-rust@{image.digest.replace(':', '=')}"
        (folder / "signature-3").symlink_to(secret)
        result = site.export(source)
        assert result.code == 70, result
        assert "signature-3" in result.messages

    def test_no_stdin(self, carried: Site) -> None:
        result = process(*carried.verify_line(bundle="-"), stdin=b"")
        assert result.code == 10
        assert result.kinds == ["not-a-bundle"]


class TestOutput:
    @pytest.mark.parametrize("kind", ["folder", "in no folder", "fifo"])
    def test_where_no_bundle_can_be(self, carried: Site, tmp_path: Path, kind: str) -> None:
        output = tmp_path / "out"
        if kind == "folder":
            output.mkdir()
        elif kind == "fifo":
            os.mkfifo(output)
        else:
            output = output / "file"
        before = snapshot(tmp_path) if kind != "fifo" else {}
        source = f"{RUST}=oci:{carried.folder}/layouts/docker.io_stagex_pallet-rust"
        result = carried.export(source, output=output)
        assert kind != "fifo" or output.is_fifo(), "a device or pipe that was named as output was replaced by a file"
        assert result.code == 70, result
        assert kind == "fifo" or snapshot(tmp_path) == before

    def test_export_keeps_what_was_there_if_it_fails(self, bulky: Site, tmp_path: Path) -> None:
        output = tmp_path / "out.airgap.tar.zst"
        output.write_text("precious")
        sidecar = tmp_path / "out.airgap.tar.zst.sha256"
        sidecar.write_text("precious, too")
        before = snapshot(tmp_path)
        source = f"{RUST}=oci:{bulky.folder}/layouts/docker.io_stagex_pallet-rust"
        line = ["export", source, *bulky.evidence(), "-o", output, "--format", "json"]
        result = process(*line, preexec=limited(MIB))
        assert result.code == 70, result
        assert result.kinds == ["disk-full"]
        assert str(output) in result.messages
        assert snapshot(tmp_path) == before

    def test_a_full_disk_behind_stdout(self, carried: Site) -> None:
        with open("/dev/full", "wb") as full:
            for line in (
                ["inspect", carried.bundle],
                carried.verify_line(),
                ["trust", "show", "--trust", carried.trust],
                ["--help"],
            ):
                result = process(*line, stdout=full.fileno())
                assert result.code == 70, (line, result)
                assert "unforeseen" not in result.errors

    def test_a_full_disk_behind_a_bundle_on_stdout(self, carried: Site) -> None:
        source = f"{RUST}=oci:{carried.folder}/layouts/docker.io_stagex_pallet-rust"
        with open("/dev/full", "wb") as full:
            result = process("export", source, *carried.evidence(), "-o", "-", stdout=full.fileno())
        assert result.code == 70, result

    @pytest.mark.parametrize("command", ["inspect", "verify", "import", "export -o -"])
    def test_a_reader_who_went_away(self, carried: Site, tmp_path: Path, command: str) -> None:
        source = f"{RUST}=oci:{carried.folder}/layouts/docker.io_stagex_pallet-rust"
        line = {
            "inspect": ["inspect", carried.bundle],
            "verify": carried.verify_line(),
            "import": [*carried.import_line("--store", tmp_path / "store", "--to", f"oci:{tmp_path}/out")],
            "export -o -": ["export", source, *carried.evidence(), "-o", "-"],
        }[command]
        read, write = os.pipe()
        os.close(read)
        try:
            result = process(*line, stdout=write)
        finally:
            os.close(write)
        assert b"Traceback" not in result.stderr
        assert result.code == 70, result

    @pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
    def test_a_terminal_of_another_encoding(self, carried: Site, encoding: str) -> None:
        """The marks and dots of the text views must not turn a verdict into an error."""
        env = {"PYTHONIOENCODING": encoding}
        good = process("verify", carried.bundle, "--trust", carried.trust, "--at", AT, env=env)
        assert good.code == 0, good
        assert good.stdout.startswith(b"ACCEPTED")
        bad = process("verify", carried.keyring, "--trust", carried.trust, env=env)
        assert bad.code == 10


class TestDiskFull:
    def test_on_import(self, bulky: Site) -> None:
        before = bulky.snapshot()
        result = process(*bulky.import_line(), preexec=limited(2 * MIB))
        assert result.code == 70, result
        assert result.kinds == ["disk-full"]
        check_verdict(result.json, 70)
        assert bulky.snapshot() == before

    def test_at_any_point_of_an_import(self, carried: Site, tmp_path: Path) -> None:
        """Store and target on a file system that has one page more each time."""
        place = tmp_path / "small"
        place.mkdir()
        codes = []
        for pages in range(4, 60, 2):
            mount = ["mount", "-t", "tmpfs", "-o", f"size={pages * 4096},mode=700", "none", str(place)]
            if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
                lacking("needs the right to mount a small file system")
            try:
                result = run(
                    *("import", carried.bundle, "--trust", carried.trust, "--store", place / "store"),
                    *("--to", f"oci:{place}/out", "--at", AT, "--format", "json"),
                )
                codes.append(result.code)
                assert result.code in (0, 70), (pages, result)
                check_verdict(result.json, result.code)
                assert half_done(place) == [], pages
                waiting(place / "store")
                if result.code:
                    assert result.kinds == ["disk-full"], (pages, result)
                    assert not (place / "out" / "index.json").exists(), pages
            finally:
                gc.collect()  # whatever this process still holds open
                subprocess.run(["umount", str(place)], check=True)
        assert set(codes) == {0, 70}
        assert codes == sorted(codes, reverse=True)

    @pytest.mark.parametrize(
        "place", ["airgap.store.evidence.Evidence.keep_signatures", "airgap.engines.layout.LayoutEngine._copy"]
    )
    def test_while_publishing(self, carried: Site, tmp_path: Path, place: str) -> None:
        """The index says all of an import or nothing, and the last line of the verdict does not say otherwise."""
        fault = _patched(place, "raise HostError('disk-full', 'no space left')")
        line = ["import", carried.bundle, "--trust", carried.trust, "--store", tmp_path / "store", "--at", AT]
        result = process(*line, "--to", f"oci:{tmp_path}/out", before=fault)
        assert result.code == 70, result
        assert half_done(tmp_path) == []
        assert snapshot(tmp_path / "out").keys() <= {f"{tmp_path}/out{end}" for end in ("", "/blobs", "/blobs/sha256")}
        kept = (tmp_path / "store" / "index.json").exists()
        assert kept is ("engines" in place)
        assert run(*line, "--to", f"oci:{tmp_path}/out").code == 0
        assert not (kept and "Nothing of this bundle was let in" in result.text), "the images are in the store"

    def test_on_trust_init(self, carried: Site, tmp_path: Path) -> None:
        folder = tmp_path / "trust"
        line = ["trust", "init", folder, "--maintainers", carried.maintainers, "--keyring", carried.keyring, "--yes"]
        result = process(*line, "--format", "json", preexec=limited(100))
        assert result.code == 70, result
        assert result.kinds == ["disk-full"]
        assert list(tmp_path.iterdir()) == []

    def test_a_store_that_cannot_be_written(self, carried: Site, tmp_path: Path) -> None:
        (tmp_path / "store").write_text("a file")
        result = carried.import_("--store", tmp_path / "store")
        assert result.code == 70, result
        assert (tmp_path / "store").read_text() == "a file"


SIGNALS = [signal.SIGINT, signal.SIGTERM]


class TestSignals:
    @pytest.mark.parametrize("number", SIGNALS)
    @pytest.mark.parametrize("command", ["verify", "import"])
    def test_while_a_stream_is_read(self, bulky: Site, number: signal.Signals, command: str) -> None:
        before = bulky.snapshot()
        data = bulky.bundle.read_bytes()
        line = (bulky.import_line if command == "import" else bulky.verify_line)("-j", "1", bundle="-")
        with popen(*line) as child:
            assert child.stdin is not None
            child.stdin.write(data[: len(data) - 2 * MIB])
            child.stdin.flush()
            if command == "import":
                wait_for(lambda: any((bulky.store / ".airgap" / "quarantine").glob("*/*")))
            else:
                time.sleep(0.3)
            child.send_signal(number)
            stdout, stderr = child.communicate(timeout=30)
        assert child.returncode == 130, (stdout, stderr)
        assert b"Traceback" not in stderr
        assert stdout.count(b"\n") == 1
        assert b'"interrupted"' in stdout
        assert bulky.snapshot() == before
        assert litter(bulky.folder) == []

    @pytest.mark.parametrize("number", SIGNALS)
    def test_in_the_middle_of_an_export(self, bulky: Site, tmp_path: Path, number: signal.Signals) -> None:
        output = tmp_path / "out.airgap.tar.zst"
        fault = f"""
import os
from airgap.bundle.writer import _FrameWriter
emit = _FrameWriter._emit
def interrupted(self, data):
    emit(self, data)
    os.kill(os.getpid(), {int(number)})
_FrameWriter._emit = interrupted
"""
        source = f"{RUST}=oci:{bulky.folder}/layouts/docker.io_stagex_pallet-rust"
        line = ["export", source, *bulky.evidence(), "-o", output, "--format", "json"]
        result = process(*line, before=fault)
        assert result.code == 130, result
        assert result.kinds == ["interrupted"]
        assert [path.name for path in tmp_path.iterdir()] == [f"{output.name}.airgap-partial"]
        assert run(*line).code == 0
        assert output.read_bytes() == bulky.bundle.read_bytes()
        assert litter(tmp_path) == []

    @pytest.mark.parametrize("number", SIGNALS)
    def test_while_nobody_reads_an_export(self, bulky: Site, number: signal.Signals) -> None:
        """`airgap export -o - | consumer`, and the consumer hangs: the operator must still be able to leave."""
        source = f"{RUST}=oci:{bulky.folder}/layouts/docker.io_stagex_pallet-rust"
        with popen("export", source, *bulky.evidence(), "-o", "-") as child:
            assert child.stdout is not None
            child.stdout.read(1)
            time.sleep(0.3)
            child.send_signal(number)
            try:
                child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                child.kill()
                pytest.fail("it waits for its reader after the signal")
            finally:
                child.stdout.close()
        assert child.returncode == 130

    @pytest.mark.parametrize(
        "place",
        [
            "airgap.store.store.Store.publish",
            "airgap.store.evidence.Evidence.keep_signatures",
            "airgap.store.store.encode_index",
            "airgap.engines.layout.LayoutEngine.load",
            "airgap.engines.layout.encode_index",
        ],
    )
    def test_at_every_stage_of_publishing(self, bulky: Site, tmp_path: Path, place: str) -> None:
        fault = _patched(place, "os.kill(os.getpid(), signal.SIGINT)")
        line = [
            "import",
            bulky.bundle,
            "--trust",
            bulky.trust,
            "--store",
            tmp_path / "store",
            "--to",
            f"oci:{tmp_path}/out",
            "--at",
            AT,
            "--format",
            "json",
        ]
        result = process(*line, before=fault)
        assert result.code == 130, result
        assert half_done(tmp_path) == []
        assert len(waiting(tmp_path / "store")) == ("store" in place)  # the one layer, which need not be read again
        assert not (tmp_path / "out" / "index.json").exists()
        if "store" in place:
            assert not (tmp_path / "store" / "index.json").exists()
        assert run(*line).code == 0

    @pytest.mark.parametrize("number", SIGNALS)
    def test_while_trust_is_made(self, carried: Site, tmp_path: Path, number: signal.Signals) -> None:
        fault = f"""
import os, airgap.state
write = airgap.state.write_whole
def interrupted(path, data):
    write(path, data)
    os.kill(os.getpid(), {int(number)})
airgap.state.write_whole = interrupted
"""
        line = ["trust", "init", tmp_path / "trust", "--maintainers", carried.maintainers]
        result = process(*line, "--keyring", carried.keyring, "--yes", before=fault)
        assert result.code == 130, result
        assert list(tmp_path.iterdir()) == []


class TestTwoAtOnce:
    def test_imports_into_one_store(self, bulky: Site, tmp_path: Path) -> None:
        data = bulky.bundle.read_bytes()
        places = ["--store", tmp_path / "store", "--at", AT, "--format", "json"]
        with popen("import", "-", "--trust", bulky.trust, *places) as first:
            assert first.stdin is not None
            first.stdin.write(data[:MIB])
            first.stdin.flush()
            wait_for((tmp_path / "store" / ".airgap" / "lock").exists)
            time.sleep(0.2)
            before = snapshot(tmp_path)
            second = run("import", bulky.bundle, "--trust", bulky.trust, *places)
            assert second.code == 70, second
            assert second.kinds == ["store-locked"]
            assert str(bulky.trust) in second.messages
            check_verdict(second.json, 70)
            shutil.copytree(bulky.trust, tmp_path / "trust")
            third = run("import", bulky.bundle, "--trust", tmp_path / "trust", *places)
            assert third.kinds == ["store-locked"]
            assert str(tmp_path / "store") in third.messages
            assert set(before) <= set(snapshot(tmp_path))
            assert not (tmp_path / "store" / "index.json").exists()
            stdout, _ = first.communicate(data[MIB:], timeout=60)
        assert first.returncode == 0, stdout
        assert run("import", bulky.bundle, "--trust", bulky.trust, *places).code == 0

    def test_reading_needs_no_lock(self, bulky: Site, tmp_path: Path) -> None:
        with popen("import", "-", "--trust", bulky.trust, "--store", tmp_path / "store") as first:
            wait_for((tmp_path / "store" / ".airgap" / "lock").exists)
            assert bulky.verify().code == 0
            first.kill()

    def test_a_killed_import_leaves_no_lock(self, bulky: Site, tmp_path: Path) -> None:
        places = ["--trust", bulky.trust, "--store", tmp_path / "store"]
        line = ["import", "-", *places, "--at", AT, "--format", "json", "-j", "1"]
        data = bulky.bundle.read_bytes()
        with popen(*line) as first:
            assert first.stdin is not None
            first.stdin.write(data[: len(data) - 2 * MIB])
            first.stdin.flush()
            wait_for(lambda: any((tmp_path / "store" / ".airgap" / "quarantine").glob("*/*")))
            first.kill()
        assert not (tmp_path / "store" / "index.json").exists()
        again = run(*line, stdin=data)
        assert again.code == 0, again
        assert litter(tmp_path) == []


def test_a_slow_stream(carried: Site) -> None:
    """Byte by byte: pipes give what they have."""
    data = carried.bundle.read_bytes()
    with popen(*carried.verify_line(bundle="-")) as child:
        stdout = dripped(child, data, 2000)
    assert child.returncode == 0
    assert stdout == carried.verify().stdout
