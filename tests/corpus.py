"""Where the corpus of real signatures and published vectors lies, if it is there: beside this repository."""

from __future__ import annotations

from pathlib import Path

import pytest

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"
WHY_NOT = f"no corpus beside this repository ({CORPUS})"
# Also where skips are forbidden: it is not part of the project, whose own fixtures cover the same rules.
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=WHY_NOT)
