"""Least privilege for a process that reads what an enemy wrote: from here on it changes nothing but a few places,
starts no program and opens no TCP connection, whatever becomes of it.

By Landlock (Linux 5.19 and later; landlock(7)) and no_new_privs (prctl(2)): a second wall behind the checks, not one
that they rest on. Where the kernel has neither, or a sandbox around this one forbids them, all goes on without.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

# System calls: the same numbers on every architecture since Linux 5.1 (but for alpha, where they are not there).
_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_VERSION: Final = 1  # LANDLOCK_CREATE_RULESET_VERSION
_PATH_BENEATH: Final = 1
_NO_NEW_PRIVS: Final = 38  # PR_SET_NO_NEW_PRIVS

# <linux/landlock.h>: what is forbidden unless a rule allows it. Reading stays free.
_EXECUTE: Final = 1 << 0
_WRITE_FILE: Final = 1 << 1
_CHANGES: Final = sum(1 << bit for bit in range(4, 13))  # REMOVE_DIR, REMOVE_FILE, MAKE_CHAR … MAKE_SYM
_REFER: Final = 1 << 13  # from version 2: without it a rename into another folder is refused, always
_TRUNCATE: Final = 1 << 14  # from version 3
_TCP: Final = 0b11  # BIND, CONNECT; from version 4
_SCOPES: Final = 0b11  # abstract UNIX sockets, signals; from version 6

_EVERYWHERE: Final = (Path(os.devnull),)  # where output goes that nobody wants


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def confine(writable: Iterable[Path]) -> bool:
    """Let this process change nothing but what is below ``writable``: folders and files that exist.

    For good, and for every thread and child that it starts later. Returns False, with nothing forbidden, where that
    cannot be done.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, 0, _VERSION)
    if version < 2:
        return False
    changes = _WRITE_FILE | _CHANGES | _REFER | (_TRUNCATE if version >= 3 else 0)
    wanted = _Ruleset(_EXECUTE | changes, _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    with contextlib.ExitStack() as stack:
        try:
            opened = [stack.enter_context(_opened(path)) for path in (*writable, *_EVERYWHERE)]
        except OSError:
            return False
        ruleset = libc.syscall(_CREATE_RULESET, ctypes.byref(wanted), ctypes.c_size_t(size), 0)
        if ruleset < 0:
            return False
        stack.callback(os.close, ruleset)
        for place in opened:
            is_folder = stat.S_ISDIR(os.fstat(place).st_mode)
            rule = _PathBeneath(changes if is_folder else changes & (_WRITE_FILE | _TRUNCATE), place)
            if libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0):
                return False
        failed: int = libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.syscall(_RESTRICT_SELF, ruleset, 0)
        return failed == 0


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
