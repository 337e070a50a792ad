"""``python -m forge sample DIR``."""

from __future__ import annotations

import sys
from pathlib import Path

from .sample import write_sample

if len(sys.argv) != 3 or sys.argv[1] != "sample":
    sys.exit("usage: python -m forge sample DIR")
write_sample(Path(sys.argv[2]))
