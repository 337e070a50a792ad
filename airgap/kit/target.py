"""What a kit is for: a version of CPython on a kind of machine, and the platform tags of wheels that run there."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from airgap.errors import UsageError

PYTHONS: Final = ("3.11", "3.12", "3.13")
"""The versions that airgap is tested on."""

# PEP 600, PEP 656, and names that are older than both; what numbers mean is the C library's version.
_PLATFORM: Final = re.compile(r"(manylinux_2_|musllinux_1_|manylinux(?=2014_))(\d{1,4})_([a-z0-9_]+)")
_MANYLINUX2014: Final = 17  # glibc 2.17


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """One Python on one kind of machine. ``machine`` is what `uname -m` says, ``platform`` a platform tag of wheels."""

    python: str
    machine: str
    platform: str

    def __str__(self) -> str:
        return f"Python {self.python} on {self.platform}"

    @property
    def tags(self) -> tuple[str, ...]:
        """All platform tags of wheels that run there: a C library runs what was made for older ones. Best first."""
        match = _PLATFORM.fullmatch(self.platform)
        if match is None or match[1] == "manylinux":
            return (self.platform, f"manylinux_2_{_MANYLINUX2014}_{self.machine}")
        oldest = 1 if match[1].startswith("musl") else _MANYLINUX2014
        tags = tuple(f"{match[1]}{minor}_{self.machine}" for minor in range(int(match[2]), oldest - 1, -1))
        return tags if oldest == 1 else (*tags, f"manylinux2014_{self.machine}")

    @property
    def environment(self) -> dict[str, str]:
        """What markers of requirements are compared with there (PEP 508). The last part of the version is unknown."""
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }


def parse_targets(pythons: Sequence[str], platforms: Sequence[str]) -> tuple[Target, ...]:
    """Every Python on every platform; defaults: PYTHONS, this machine. Raises UsageError."""
    machines = {name: _machine(name) for name in platforms or (this_platform(),)}
    ordered = sorted(set(pythons or PYTHONS), key=PYTHONS.index)
    return tuple(Target(python, machines[name], name) for python in ordered for name in sorted(machines))


def _machine(name: str) -> str:
    match = _PLATFORM.fullmatch(name)
    if match is None or (match[1] == "manylinux_2_" and int(match[2]) < _MANYLINUX2014) or int(match[2]) < 1:
        raise UsageError(
            "usage",
            f"--platform {name[:100]!r} is no platform of wheels for Linux",
            hint="Write it as manylinux2014_x86_64, manylinux_2_28_aarch64 or musllinux_1_2_x86_64.",
        )
    return match[3]


def this_platform() -> str:
    """The widest tag that this kind of machine runs: glibc 2.17 (2014), or musl 1.2."""
    libc, _ = platform.libc_ver()
    return f"{'manylinux2014' if libc == 'glibc' else 'musllinux_1_2'}_{platform.machine()}"
