"""How many threads or processes work is spread over."""

from __future__ import annotations

import os
from typing import Final

JOBS_MAX: Final = 8  # more would only cost memory: hashing and disks are the limit


def job_count(wanted: int | None) -> int:
    """``wanted``, or one for each core that this process may use; never over JOBS_MAX."""
    return min(wanted or len(os.sched_getaffinity(0)), JOBS_MAX)
