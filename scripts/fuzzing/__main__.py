"""Runs one target under atheris: ``python -m fuzzing TARGET CORPUS_FOLDER SECONDS`` (see scripts/fuzz)."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["airgap"]):
    from fuzzing import targets

name, corpus, seconds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
for number, seed in enumerate(targets.seeds(name)):
    (corpus / f"seed-{number}").write_bytes(seed)
atheris.Setup(
    [sys.argv[0], str(corpus), f"-max_total_time={seconds}", "-max_len=8192", "-timeout=10", "-rss_limit_mb=1024"],
    lambda data: targets.run(name, bytes(data)),
)
atheris.Fuzz()
