"""Errors, exit statuses and limits as rows, read from the modules that define them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import NamedTuple

from airgap import errors, limits

# A line of the tree at the top of errors.py: class, exit status, the numbers of its kinds, what it means.
_BRANCH = re.compile(r"^[├└]── (\w+) +(\d+)(?: +(?:AG(\d+)(x+))?(?: +(.+))?)?$", re.MULTILINE)
_LIMIT = re.compile(r"^    (\w+): int = [^#]+# (.+)$", re.MULTILINE)
_NO_FAMILY = {"unforeseen": 1, "usage": 2, "interrupted": 130}


class Family(NamedTuple):
    """A class of errors; ``first`` is the lowest number of its kinds, None for those outside of families."""

    name: str
    status: int
    first: int | None
    meaning: str


class ErrorRow(NamedTuple):
    """One kind of refusal."""

    code: str
    kind: str
    status: int
    hint: str


def families() -> list[Family]:
    """In the order of errors.py. Raises ValueError where its tree is not what its classes say."""
    found = [
        Family(name, int(status), int(first + "0" * len(rest)) if first else None, meaning or "interrupted")
        for name, status, first, rest, meaning in _BRANCH.findall(errors.__doc__ or "")
    ]
    for one in found:
        if getattr(errors, one.name).exit_status != one.status:
            raise ValueError(f"errors.py: the tree at its top says {one.status} of {one.name}")
    return found


def error_rows() -> Iterator[ErrorRow]:
    """All kinds, by number."""
    starts = sorted((one.first, one.status) for one in families() if one.first is not None)
    for kind, value in sorted(errors.KINDS.items(), key=lambda item: item[1].number):
        status = _NO_FAMILY.get(kind) or [status for first, status in starts if first <= value.number][-1]
        yield ErrorRow(f"AG{value.number:03d}", kind, status, value.hint)


def limit_rows() -> Iterator[tuple[str, int, str]]:
    """Name, value, and what the code says of its unit and reason. Raises ValueError for a limit without a comment."""
    reasons = dict(_LIMIT.findall(inspect.getsource(limits.Limits)))
    for name in limits.Limits.__dataclass_fields__:
        if name not in reasons:
            raise ValueError(f"limits.py: {name} has no reason")
        yield name, getattr(limits.LIMITS, name), reasons[name]
