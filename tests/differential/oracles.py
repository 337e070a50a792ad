"""Other people's verifiers: what they say about a case. Each answer is True (accepted), False, or None (cannot say)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from airgap.openpgp.verifier import CLOCK_TOLERANCE
from airgap.timestamp import rfc3339

from .case import Case

SEQUOIA_PROGRAMS = ("sqv", "sq")
_SECONDS = 20  # for one case; a verifier that takes longer has not accepted
_WORKERS = (os.cpu_count() or 2) + 1
_WORKER = Path(__file__).with_name("pysequoia_worker.py")
PYSEQUOIA_PYTHON = "AIRGAP_PYSEQUOIA_PYTHON"
"""The environment variable with the interpreter that has the package pysequoia, if this one has not."""

Answers = list[bool | None]
_Ask = Callable[[Path, Case], bool]


def missing_programs() -> list[str]:
    return [program for program in SEQUOIA_PROGRAMS if shutil.which(program) is None]


def ask_sequoia(cases: Sequence[Case]) -> Answers:
    """``sqv`` about detached signatures, ``sq verify`` about inline ones; both judge now, so cases must too."""
    return _ask_each(cases, _sequoia)


def ask_gpg(cases: Sequence[Case]) -> Answers:
    """gpg's status lines after an import into an empty home: one GOODSIG and no word of expiry or revocation."""
    return _ask_each(cases, _gpg)


def ask_pysequoia(cases: Sequence[Case]) -> Answers:
    """sequoia-openpgp 2 by way of the optional package pysequoia, in one process for all cases; None without it."""
    python = pysequoia_python()
    if python is None or not cases:
        return [None] * len(cases)
    with _folder() as folder:
        for place, case in enumerate(cases):
            write(folder / str(place), case)
        ran = subprocess.run(
            [python, str(_WORKER), str(folder)], input=b"", capture_output=True, timeout=600, check=True
        )
    answers: list[bool] = json.loads(ran.stdout)
    return list(answers)


def pysequoia_python() -> str | None:
    """The interpreter to ask, or None."""
    for python in (os.environ.get(PYSEQUOIA_PYTHON), sys.executable):
        if (
            python
            and subprocess.run([python, "-c", "import pysequoia"], capture_output=True, check=False).returncode == 0
        ):
            return python
    return None


def _ask_each(cases: Sequence[Case], ask: _Ask) -> Answers:
    with _folder() as folder, ThreadPoolExecutor(_WORKERS) as pool:
        return list(pool.map(partial(_in_folder, ask, folder), enumerate(cases)))


def _in_folder(ask: _Ask, folder: Path, numbered: tuple[int, Case]) -> bool:
    place, case = numbered
    own = folder / str(place)
    write(own, case)
    try:
        return ask(own, case)
    except subprocess.TimeoutExpired:
        return False
    finally:
        shutil.rmtree(own)


def _sequoia(folder: Path, case: Case) -> bool:
    if case.payload is None:
        command = ["sq", "verify", "--signer-cert", "certificate", "signature"]
    else:
        # sqv alone has no patience with clocks that are ahead; Sequoia's library and rule S10 have 30 minutes.
        patient = rfc3339(case.reference + CLOCK_TOLERANCE)
        command = ["sqv", "--not-after", patient, "--keyring", "certificate", "signature", "payload"]
    return _run(command, folder).returncode == 0


def _gpg(folder: Path, case: Case) -> bool:
    folder.chmod(0o700)
    gpg = [
        "gpg",
        "--homedir",
        ".",
        "--batch",
        "--no-tty",
        "--no-autostart",
        "--no-auto-check-trustdb",
        "--status-fd",
        "1",
    ]
    gpg += ["--no-auto-key-retrieve", "--disable-dirmngr"]
    _run([*gpg, "--import", "certificate"], folder)
    ran = _run([*gpg, "--verify", "signature", *([] if case.payload is None else ["payload"])], folder)
    words = [
        line.split()[1] for line in ran.stdout.decode("utf-8", "replace").splitlines() if line.startswith("[GNUPG:] ")
    ]
    return words.count("GOODSIG") == 1 and not {"BADSIG", "ERRSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG"} & set(words)


def _run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
    )


def write(folder: Path, case: Case) -> None:
    folder.mkdir()
    (folder / "certificate").write_bytes(case.certificate)
    (folder / "signature").write_bytes(case.signature)
    if case.payload is not None:
        (folder / "payload").write_bytes(case.payload)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="airgap-differential-") as name:
        yield Path(name)
