"""Asks pysequoia about every case in a folder; runs in an interpreter that has it, with nothing of ours importable."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

pysequoia: Any = importlib.import_module("pysequoia")  # by name: type checkers need not have it


def accepts(folder: Path) -> bool:
    data = (folder / "signature").read_bytes()
    payload = folder / "payload"
    try:
        certificates = pysequoia.Cert.split_bytes((folder / "certificate").read_bytes())
        if payload.exists():
            signature = pysequoia.Sig.from_bytes(data)
            found = pysequoia.verify(payload.read_bytes(), store=lambda ids: certificates, signature=signature)
        else:
            found = pysequoia.verify(data, store=lambda ids: certificates)
    except BaseException as error:  # pyo3 turns a Rust panic into a BaseException
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        return False
    return bool(found.valid_sigs)


if __name__ == "__main__":
    root = Path(sys.argv[1])
    folders = sorted(root.iterdir(), key=lambda folder: int(folder.name))
    json.dump([accepts(folder) for folder in folders], sys.stdout)
