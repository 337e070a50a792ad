"""The audit log: append-only, hash-chained, durable before what it tells of takes effect (TRUST rule 10).

One entry a line: 64 hex digits, a space, a record in canonical JSON. The digits are the SHA-256 of the line before's
digits (64 zeros for the first), a space and the record, so that a shell can check it:

    h=$(printf %064d 0)
    while read -r d r; do
        h=$(printf '%s %s' "$h" "$r" | sha256sum | cut -c-64); [ "$h" = "$d" ] || echo "not as written: $r"
    done < audit.log
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from airgap.disk.host import host_errors
from airgap.disk.reading import open_regular
from airgap.disk.writing import append_durably
from airgap.errors import FormatError, TrustRootError
from airgap.limits import LIMITS
from airgap.printable import printable
from airgap.strict_json import StrictJSONError, canonical, parse_canonical

_START: Final = "0" * 64
_LINE_MAX: Final = LIMITS.audit_record + 66  # bytes: digits, space and end of line


@dataclass(frozen=True, slots=True)
class Head:
    """How far a log goes: the number of entries, and the digits of the last one."""

    entries: int = 0
    hash: str = _START


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, whose chain was checked. ``size`` is that of the log up to its end, in bytes."""

    head: Head
    record: bytes
    size: int

    def parsed(self) -> dict[str, object]:
        """The record as a value. Raises TrustRootError(audit-log-damaged)."""
        try:
            value = parse_canonical(self.record)
        except StrictJSONError as error:
            raise _damaged(f"entry {self.head.entries}: {error}") from None
        if not isinstance(value, dict):
            raise _damaged(f"entry {self.head.entries} is no record")
        return value


def read_entries(file: BinaryIO, what: str) -> Iterator[Entry]:
    """All whole entries in their order; a last one that was cut off while it was written is not among them.

    Raises TrustRootError(audit-log-damaged) at the first byte that is not the one that was written.
    """
    head, size = Head(), 0
    with host_errors(what):
        while (line := file.readline(_LINE_MAX)).endswith(b"\n"):
            digits, _, record = line[:-1].partition(b" ")
            head = Head(head.entries + 1, _link(head.hash, record))
            if digits != head.hash.encode():
                raise _damaged(f"{what}: entry {head.entries} is not the one that was written")
            size += len(line)
            yield Entry(head, record, size)
    if len(line) == _LINE_MAX:
        raise _damaged(f"{what}: entry {head.entries + 1} is over the limit of {LIMITS.audit_record} bytes")


def read_log(path: Path) -> Iterator[Entry]:
    """The entries of a log that nobody needs to hold. Raises TrustRootError, HostError."""
    with host_errors(str(path)), open_regular(path) as file:
        yield from read_entries(file, str(path))


def require_whole(path: Path) -> None:
    """Raises TrustRootError(audit-log-damaged) if the last entry was cut off: a program was stopped while it wrote."""
    size = max((entry.size for entry in read_log(path)), default=0)
    with host_errors(str(path)):
        left = os.stat(path).st_size - size
    if left:
        raise TrustRootError(
            "audit-log-damaged",
            f"{path}: the last {left} bytes are no whole entry",
            hint="If airgap was stopped while it wrote, run the same command again: the entry is then written whole.",
        )


class AuditLog:
    """A log that is held for writing; entries are added behind the last whole one."""

    def __init__(self, file: BinaryIO, path: Path, head: Head, size: int) -> None:
        self._file = file
        self._path = path
        self._size = size
        with host_errors(str(path)):
            self._torn = os.fstat(file.fileno()).st_size - size
        self.head = head

    def append(self, record: Mapping[str, object]) -> Head:
        """Write one entry and wait until it is on the disk.

        If the last one was cut off while it was written, this one takes its place and tells of its bytes. Raises
        HostError or FormatError(limit-exceeded): then there is no entry.
        """
        data = canonical(_shown({**record, "replaces": self._torn} if self._torn else dict(record)))
        if len(data) > LIMITS.audit_record:
            raise FormatError("limit-exceeded", f"an entry of {len(data)} bytes, over {LIMITS.audit_record}")
        head = Head(self.head.entries + 1, _link(self.head.hash, data))
        line = f"{head.hash} ".encode() + data + b"\n"
        append_durably(self._file, self._size, line, str(self._path))
        self._size += len(line)
        self._torn = 0
        self.head = head
        return head


def _link(previous: str, record: bytes) -> str:
    return hashlib.sha256(f"{previous} ".encode() + record).hexdigest()


def _shown(value: object) -> object:
    """A record as it may stand in a file that people look at: strings of strangers are escaped."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {printable(name): _shown(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(inner) for inner in value]
    return value


def _damaged(why: str) -> TrustRootError:
    return TrustRootError("audit-log-damaged", why)
