"""The same site that the tests of the command line read."""

from __future__ import annotations

from tests.cli.conftest import carried

__all__ = ["carried"]
