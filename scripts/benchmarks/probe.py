"""What is measured inside one process, printed as JSON: ``python -m benchmarks.probe signature|machine|hostile``."""

from __future__ import annotations

import contextlib
import hashlib
import json
import multiprocessing
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

MB = 10**6
BUFFER = 4 * MB


def signature(file: Path, keyring: Path, at: int) -> dict[str, float]:
    """Microseconds to parse and verify one signature file, the keyring being loaded."""
    from airgap.openpgp.keyring import load_keyring
    from airgap.openpgp.message import parse_signature_file
    from airgap.openpgp.verifier import verify_message

    start = time.perf_counter()
    people = load_keyring([keyring.read_bytes()])
    loaded = time.perf_counter() - start
    data = file.read_bytes()

    def verify() -> None:
        verify_message(parse_signature_file(data), people, at)

    verify()
    return {
        "keyring_us": loaded * 1e6,
        "parse_us": _best(lambda: parse_signature_file(data), 200) * 1e6,
        "verify_us": _best(verify, 200) * 1e6,
    }


def machine(folder: Path) -> dict[str, float]:
    """Bytes a second: SHA-256 on one core and on all, a write with fsync; and milliseconds of one small fsync."""
    cores = len(os.sched_getaffinity(0))
    data = os.urandom(BUFFER)

    def work() -> None:
        for _ in range(50):
            hashlib.sha256(data)

    def everywhere() -> None:
        threads = [threading.Thread(target=work) for _ in range(cores)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    path = folder / "probe"

    def write() -> None:
        with path.open("wb", 0) as file:
            for _ in range(50):
                file.write(data)
            os.fsync(file.fileno())

    def write_little() -> None:
        with path.open("wb", 0) as file:
            file.write(data[:100_000])
            os.fsync(file.fileno())

    amount = 50 * BUFFER
    result = {
        "cores": float(cores),
        "hash_one_core": amount / _best(work, 3),
        "hash_all_cores": cores * amount / _best(everywhere, 3),
        "write_fsync": amount / _best(write, 3),
        "small_fsync_ms": sum(_best(write_little, 1) for _ in range(20)) / 20 * 1e3,
    }
    path.unlink()
    return result


def hostile() -> dict[str, tuple[float, float, int]]:
    """Seconds, CPU seconds and peak bytes to read each of the most expensive OpenPGP files, refused or not."""
    from forge.hostile import KEYRINGS, SIGNATURE_FILES

    start = multiprocessing.get_context("spawn")
    found = {}
    for name, make in {**SIGNATURE_FILES, **KEYRINGS}.items():
        with start.Pool(1) as pool:  # a process each: the peak of one is not the next one's
            found[name] = pool.apply(_read_hostile, (make(), name in KEYRINGS))
    return found


def _read_hostile(data: bytes, is_keyring: bool) -> tuple[float, float, int]:
    from airgap.errors import AirgapError
    from airgap.openpgp.keyring import load_keyring
    from airgap.openpgp.message import parse_signature_file

    start, cpu = time.perf_counter(), time.process_time()
    with contextlib.suppress(AirgapError):
        if is_keyring:
            load_keyring([data])
        else:
            parse_signature_file(data)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    # Not getrusage(): that begins with the peak of the process which started this one.
    peak = re.search(r"^VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return seconds, cpu, int(peak[1]) * 1024 if peak else 0


def _best(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


if __name__ == "__main__":
    if sys.argv[1] == "signature":
        print(json.dumps(signature(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))))
    elif sys.argv[1] == "hostile":
        print(json.dumps(hostile()))
    else:
        print(json.dumps(machine(Path(sys.argv[2]))))
