"""A registry that is served for one test, and quick ways to speak to it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

import pytest

from airgap.reference import parse_repository
from airgap.registry.access import Access
from airgap.registry.client import Settings
from airgap.registry.repository import RemoteRepository
from tests.sources.server import Registry

REPOSITORY = "stagex/x"
Opener = Callable[..., RemoteRepository]


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry().serving() as registry:
        yield registry


@pytest.fixture
def pauses() -> list[float]:
    """How long the client would have waited each time."""
    return []


@pytest.fixture
def access(pauses: list[float]) -> Iterator[Access]:
    with Access(Settings(plain_http=True, pause=pauses.append, connect_timeout=5, read_timeout=5)) as access:
        yield access


@pytest.fixture
def remote(registry: Registry, pauses: list[float]) -> Iterator[Opener]:
    """The test's repository, with the environment that says where credentials are."""
    with contextlib.ExitStack() as stack:

        def open_(environment: Mapping[str, str] | None = None, name: str = REPOSITORY) -> RemoteRepository:
            settings = Settings(plain_http=True, pause=pauses.append, connect_timeout=5, read_timeout=5)
            access = stack.enter_context(Access(settings, environment or {}))
            return access.repository(parse_repository(f"{registry.host}/{name}"))

        yield open_
