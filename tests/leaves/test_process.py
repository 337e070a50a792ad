"""Programs that are started: bounded in time and output, stopped with all they started, in a small environment."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from airgap.errors import HostError, IntegrityError
from airgap.process import Finished, run, small_environment


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def test_outputs_and_status_are_apart() -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    assert run(python(code), timeout=20) == Finished(3, b"out\n", b"err\n")


def test_arguments_are_no_shell() -> None:
    assert run(python("import sys; print(sys.argv[1])", "$HOME; ls *"), timeout=20).stdout == b"$HOME; ls *\n"


def test_input_larger_than_any_pipe_is_written_whole() -> None:
    code = "import sys; sys.stdout.write(str(len(sys.stdin.buffer.read())))"
    assert run(python(code), stdin=(bytes(100_000) for _ in range(30)), timeout=20).stdout == b"3000000"


def test_input_and_output_do_not_wait_for_each_other() -> None:
    code = "import sys\nwhile piece := sys.stdin.buffer.read(4096): sys.stdout.buffer.write(piece)"
    done = run(python(code), stdin=(b"x" * 100_000 for _ in range(20)), timeout=20)
    assert done.stdout == b"x" * 2_000_000


def test_program_that_wants_no_input_is_judged_by_its_status() -> None:
    done = run(
        python("import sys; sys.stdin.close(); sys.exit(5)"), stdin=(bytes(1 << 20) for _ in range(9)), timeout=20
    )
    assert done.status == 5


def test_missing_program_is_named() -> None:
    with pytest.raises(HostError) as caught:
        run(["no-such-program"], timeout=1)
    assert caught.value.kind == "program-not-found"
    assert "no-such-program" in caught.value.message


def test_file_that_is_no_program(tmp_path: Path) -> None:
    path = tmp_path / "tool"
    path.write_bytes(b"\x7fELF nothing")
    path.chmod(0o755)
    with pytest.raises(HostError) as caught:
        run([str(path)], timeout=1)
    assert caught.value.kind == "program-not-found"


def test_endless_program_is_stopped_with_its_children(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "open(sys.argv[1], 'w').write(str(child.pid))\n"
        "time.sleep(60)"
    )
    began = time.monotonic()
    with pytest.raises(HostError) as caught:
        run(python(code, str(pid)), timeout=2)
    assert caught.value.kind == "program-timed-out"
    assert time.monotonic() - began < 20
    assert _is_gone(int(pid.read_text()))


def test_program_that_reads_no_input_is_stopped_in_time() -> None:
    with pytest.raises(HostError) as caught:
        run(python("import time; time.sleep(60)"), stdin=(bytes(1 << 20) for _ in range(100)), timeout=1)
    assert caught.value.kind == "program-timed-out"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_endless_output_is_stopped(stream: str) -> None:
    code = f"import sys\nwhile True: sys.{stream}.write('x' * 1000)"
    with pytest.raises(HostError) as caught:
        run(python(code), timeout=30, output_limit=10_000)
    assert caught.value.kind == "program-output-too-large"


def test_error_of_the_input_stops_the_program(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = "import os, sys, time\nopen(sys.argv[1], 'w').write(str(os.getpid()))\ntime.sleep(60)"

    def pieces() -> Iterator[bytes]:
        while not pid.exists() or not pid.read_text():
            time.sleep(0.01)
        yield b"some"
        raise IntegrityError("blob-differs", "the stored blob is damaged")

    with pytest.raises(IntegrityError):
        run(python(code, str(pid)), stdin=pieces(), timeout=30)
    assert _is_gone(int(pid.read_text()))


def test_environment_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "x")
    monkeypatch.setenv("LD_PRELOAD_NOT", "x")
    monkeypatch.setenv("DOCKER_HOST", "unix:///d.sock")
    done = run(["env"], timeout=20)
    names = {line.partition("=")[0] for line in done.stdout.decode().splitlines()}
    assert "SECRET_TOKEN" not in names
    assert "LD_PRELOAD_NOT" not in names
    assert {"PATH", "DOCKER_HOST", "LC_ALL"} <= names
    assert run(["env"], timeout=20, environment={"PATH": os.environ["PATH"]}).stdout.startswith(b"PATH=")
    assert small_environment({"http_proxy": "http://x", "HOME": "/h"}) == {"HOME": "/h", "LC_ALL": "C.UTF-8"}


def test_complaint_is_the_end_of_what_was_said() -> None:
    assert Finished(1, b"out", b"x" * 5000 + b"why\n").complaint.endswith("xwhy")
    assert len(Finished(1, b"out", b"x" * 5000).complaint) < 700
    assert Finished(2, b"only\xff", b"\n").complaint == "status 2: only\N{REPLACEMENT CHARACTER}"
    assert Finished(2, b"", b"").complaint == "status 2"


def _is_gone(pid: int) -> bool:
    """Whether the process ended; one that nobody has waited for yet (a zombie) has."""
    for _ in range(100):
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False).stdout
        if not state.strip() or state.strip().startswith(b"Z"):
            return True
        time.sleep(0.05)
    return False


def test_input_that_fails_is_no_input_that_ended(tmp_path: Path) -> None:
    """A program must not take the part that it got for the whole."""
    ended = tmp_path / "ended"

    def pieces() -> Iterator[bytes]:
        yield b"the first half"
        raise IntegrityError("blob-differs", "the second half is another")

    code = "import sys; sys.stdin.buffer.read(); open(sys.argv[1], 'w').close()"
    for _ in range(20):
        with pytest.raises(IntegrityError):
            run(python(code, str(ended)), stdin=pieces(), timeout=20)
        assert not ended.exists()


def test_what_a_program_leaves_behind_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has ended, but a child in a session of its own keeps its outputs open."""
    monkeypatch.setattr("airgap.process._GRACE", 0.2)
    code = (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(30)'], start_new_session=True)\n"
    )
    began = time.monotonic()
    with pytest.raises(HostError) as caught:
        run(python(code), timeout=1)
    assert caught.value.kind == "program-timed-out"
    assert time.monotonic() - began < 20
