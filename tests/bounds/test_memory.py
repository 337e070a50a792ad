"""Peak memory of a command, whatever it is given: at most 256 MiB, under ``ulimit -v`` (R7).

The peak is that of the process as the kernel counts it (VmHWM, by wait4). AIRGAP_BOUNDS_GIB=50 tries a layer of 50 GiB;
CI runs 2 GiB.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import forge
import pytest
import zstandard
from forge.hostile import KEYRINGS, SIGNATURE_FILES

from airgap.bundle import frames
from airgap.bundle.format import FRAME_SIZE
from airgap.limits import LIMITS, MIB
from tests.bounds.streams import Zeros, many_images
from tests.bundle.simulator import encode, entries, sample, stream
from tests.cli.site import ROOT
from tests.tally import Tally

PEAK: Final = 256 * MIB
ADDRESSES: Final = 2048 * MIB  # ulimit -v: what threads and allocators reserve without using it counts, too
GIB: Final = 1024 * MIB
AT: Final = "2025-07-01T00:00:00Z"
LAUNCHER: Final = Path(__file__).with_name("launcher.py")
LARGEST: Final = int(os.environ.get("AIRGAP_BOUNDS_GIB", "2"))


@dataclass(frozen=True, slots=True)
class Measured:
    """How a command ended, what it printed, and its peak in bytes."""

    code: int
    document: Any
    peak: int
    seconds: float


def measure(*arguments: object, stdin: Iterable[bytes] = ()) -> Measured:
    """Run a command with little address space, feeding it what ``stdin`` gives."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as output, tempfile.NamedTemporaryFile() as report:
        command = [sys.executable, "-m", "airgap", *map(str, arguments), "--format", "json"]
        child = subprocess.Popen(
            [sys.executable, LAUNCHER, report.name, str(ADDRESSES), *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        feeder = threading.Thread(target=_feed, args=(child, stdin))
        feeder.start()
        child.wait()
        feeder.join()
        output.seek(0)
        printed = output.read()
        ended = json.loads(report.read())
    document = json.loads(printed) if printed else None
    return Measured(ended["code"], document, ended["peak"], time.monotonic() - started)


def _feed(child: subprocess.Popen[bytes], data: Iterable[bytes]) -> None:
    assert child.stdin is not None
    with contextlib.suppress(BrokenPipeError), child.stdin as sink:
        for piece in data:
            sink.write(piece)


def require(tally: Tally, what: str, found: Measured, codes: Sequence[int]) -> None:
    assert found.code in codes, (what, found)
    assert found.peak <= PEAK, f"{what}: {found.peak / MIB:.0f} MiB"
    tally("R7", what, 1, 1, f"peak {found.peak / MIB:.0f} MiB, {found.seconds:.1f} s, exit {found.code}")


SIZES = [
    *((command, size) for command in ("verify", "import") for size in (MIB, 256 * MIB)),
    pytest.param("verify", LARGEST * GIB, marks=pytest.mark.exhaustive),
    pytest.param("import", min(LARGEST, 4) * GIB, marks=pytest.mark.exhaustive),  # which needs as much disk
]


@pytest.mark.parametrize(("command", "size"), SIZES)
def test_bytes(tally: Tally, trust_folder: Path, tmp_path: Path, command: str, size: int) -> None:
    """A stream of zeros, which is small on the wire."""
    trust = trust_folder
    if command == "import":
        trust = tmp_path / "trust"
        subprocess.run(["cp", "-r", trust_folder, trust], check=True)
    places = ["--trust", trust, *(["--store", tmp_path / "store"] if command == "import" else [])]
    found = measure(command, "-", *places, "--at", AT, stdin=Zeros(size).frames())
    assert found.code == 0, found.document
    require(tally, f"{command} - of {size // MIB} MiB", found, [0])


COUNTS = [1, 1_000, pytest.param(LIMITS.images, marks=pytest.mark.exhaustive)]


@pytest.mark.parametrize("count", COUNTS)
def test_images(tally: Tally, trust_folder: Path, count: int) -> None:
    """As many images as there may be, each signed by two."""
    found = measure("verify", "-", "--trust", trust_folder, "--at", AT, stdin=[encode(many_images(count))])
    assert found.document["accepted"], found
    require(tally, f"verify of {count} images", found, [0])


def test_blobs(tally: Tally, trust_folder: Path, tmp_path: Path) -> None:
    """Twenty images of a thousand layers each: 20 000 blobs, which all must be kept in mind until the end."""
    from tests.bundle.simulator import bundle_of

    layers = LIMITS.oci_layers
    given = {
        f"docker.io/stagex/image{number}": forge.image(
            [forge.Layer({f"f{number}": str(layer).encode()}, "none") for layer in range(layers)]
        )
        for number in range(20)
    }
    path = tmp_path / "many.airgap.tar.zst"
    path.write_bytes(encode(bundle_of(given)))
    found = measure("verify", path, "--trust", trust_folder, "--at", AT)
    require(tally, f"verify of {20 * layers} blobs", found, [0])


def _bomb(content: int, *, window: int = 21) -> bytes:
    """One frame of zeros, with its size declared, and a window of 2 to this power."""
    parameters = zstandard.ZstdCompressionParameters(window_log=window, write_checksum=True, write_content_size=True)
    made = zstandard.ZstdCompressor(compression_params=parameters).compressobj(size=content)
    piece = bytes(FRAME_SIZE)
    return b"".join(made.compress(piece) for _ in range(content // FRAME_SIZE)) + made.flush()


def _first_frame(document: bytes) -> bytes:
    """A carrier whose bundle.json is this."""
    archive = stream(entries(sample(), document))
    cut = [archive[at : at + FRAME_SIZE] for at in range(0, len(archive), FRAME_SIZE)]
    packed = [frames.compress(one, 3) for one in cut]
    return b"".join(packed) + frames.seek_table([(len(one), len(of)) for one, of in zip(packed, cut, strict=True)])


BOMBS = {
    "a frame of 1 GiB": lambda: _bomb(GIB),
    "a window of 128 MiB": lambda: _bomb(256 * MIB, window=27),
    "bundle.json of 64 MiB in brackets": lambda: _first_frame(b"[" * (LIMITS.bundle_manifest - 1)),
    "bundle.json of 64 MiB in numbers": lambda: _first_frame(b"[" + b"1," * (32 * MIB - 2) + b"1]"),
    "bundle.json of one string of 64 MiB": lambda: _first_frame(b'"' + b"a" * (64 * MIB - 2) + b'"'),
    "bundle.json of one string of 64 MiB without an end": lambda: _first_frame(b'"' + b"a" * (64 * MIB - 2)),
    "bundle.json of 63 strings of a MiB": lambda: _first_frame(b"[" + b'"' + b'","'.join([b"a" * MIB] * 63) + b'"]'),
    "bundle.json of 64 MiB with one character that takes four bytes": lambda: _first_frame(
        b'["' + "\U0001f600".encode() + b'","' + b'","'.join([b"a" * 1000] * 66_000) + b'"]'
    ),
    "bundle.json of 16 MiB with one such character": lambda: _first_frame(
        b'["' + "\U0001f600".encode() + b'","' + b'","'.join([b"a" * 1000] * 16_000) + b'"]'
    ),
    "bundle.json of a million empty objects": lambda: _first_frame(b"[" + b"{}," * 999_999 + b"{}]"),
    "bundle.json over its limit": lambda: _first_frame(b'"' + b"a" * (65 * MIB) + b'"'),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bundle_bombs(tally: Tally, trust_folder: Path, name: str) -> None:
    found = measure("verify", "-", "--trust", trust_folder, "--at", AT, stdin=[BOMBS[name]()])
    require(tally, f"bomb: {name}", found, [10, 20])


@pytest.mark.parametrize("name", SIGNATURE_FILES)
def test_signature_bombs(tally: Tally, tmp_path: Path, name: str) -> None:
    (tmp_path / "signature").write_bytes(SIGNATURE_FILES[name]())
    (tmp_path / "keyring").write_bytes(forge.certificate("alice").bytes)
    found = measure("signatures", "verify", "--keyring", tmp_path / "keyring", tmp_path / "signature", "--at", AT)
    require(tally, f"bomb: signature file of {name}", found, [0, 30])


SLOW_KEYRINGS = {"1 MiB with misplaced signatures", "16 MiB of tiny certificates", "5 MiB by RSA-16384"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.exhaustive] if name in SLOW_KEYRINGS else []) for name in KEYRINGS]
)
def test_keyring_bombs(tally: Tally, tmp_path: Path, name: str) -> None:
    (tmp_path / "signature").write_bytes(forge.inline(forge.certificate("alice").signing_key, b"{}"))
    (tmp_path / "keyring").write_bytes(KEYRINGS[name]())
    found = measure("signatures", "verify", "--keyring", tmp_path / "keyring", tmp_path / "signature", "--at", AT)
    require(tally, f"bomb: keyring of {name}", found, [0, 10, 30])
