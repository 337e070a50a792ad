"""The TARGET argument of ``import --to``."""

from __future__ import annotations

from pathlib import Path

from airgap.engines.engine import Engine
from airgap.engines.layout import LayoutEngine
from airgap.errors import EngineError


def open_target(text: str) -> Engine:
    """The engine that ``text`` names. Raises EngineError(target-unsupported)."""
    transport, colon, rest = text.partition(":")
    if transport == "oci" and colon and rest:
        return LayoutEngine(Path(rest))
    raise EngineError("target-unsupported", f"{text[:200]!r} is no target that this version can load into", target=text)
