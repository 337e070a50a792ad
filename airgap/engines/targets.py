"""The TARGET argument of ``import --to`` and ``check-digest``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from airgap.engines.containerd import DEFAULT_NAMESPACE, ContainerdEngine
from airgap.engines.docker import DockerEngine
from airgap.engines.engine import Engine
from airgap.engines.layout import LayoutEngine
from airgap.engines.podman import PodmanEngine
from airgap.engines.registry import RegistryEngine
from airgap.errors import EngineError, FormatError
from airgap.reference import parse_repository
from airgap.registry.access import Access

FORMS: Final = "oci:DIR, podman, docker, containerd[:NAMESPACE], docker://HOST[:PORT][/PREFIX]"
_NAMESPACE: Final = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")  # containerd's identifiers; never an option
_NAMESPACE_MAX: Final = 76  # characters


def open_targets(texts: Iterable[str], access: Access, *, allow_retag: bool = False) -> list[Engine]:
    """The engines in the order in which they should be loaded: registries last, as not all of them take back."""
    engines = [open_target(text, access, allow_retag=allow_retag) for text in texts]
    return sorted(engines, key=lambda engine: isinstance(engine, RegistryEngine))


def open_target(text: str, access: Access, *, allow_retag: bool = False) -> Engine:
    """The engine that ``text`` names; nothing is contacted yet. Raises EngineError(target-unsupported), UsageError."""
    transport, colon, rest = text.partition(":")
    if transport == "oci" and rest:
        return LayoutEngine(Path(rest), allow_retag=allow_retag)
    if text == "podman":
        return PodmanEngine(text, allow_retag=allow_retag)
    if transport == "docker":
        if not colon:
            return DockerEngine(text, allow_retag=allow_retag)
        if rest.startswith("//") and is_registry(rest[2:]):
            return RegistryEngine(text, rest[2:], access, allow_retag=allow_retag)
    if transport == "containerd" and (not colon or (len(rest) <= _NAMESPACE_MAX and _NAMESPACE.fullmatch(rest))):
        return ContainerdEngine(text, rest or DEFAULT_NAMESPACE, allow_retag=allow_retag)
    raise EngineError("target-unsupported", f"{text[:200]!r} is none of {FORMS}", target=text)


def is_registry(text: str) -> bool:
    """Whether a text is HOST[:PORT][/PREFIX]; a host without dot and port would be read as a path on docker.io."""
    try:
        return str(parse_repository(f"{text}/x")) == f"{text}/x"
    except FormatError:
        return False
