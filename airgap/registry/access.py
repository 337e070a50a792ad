"""How one command reaches registries and web addresses: one pool of connections, one log-in, made when first used."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from airgap.errors import UsageError
from airgap.reference import Repository
from airgap.registry.auth import Authenticator
from airgap.registry.client import Client, Settings
from airgap.registry.credentials import CredentialStore
from airgap.registry.location import Location, parse_location
from airgap.registry.problem import Reason, RegistryProblem
from airgap.registry.repository import RemoteRepository

_URL: Final = re.compile(r"https?://", re.IGNORECASE)


def is_url(text: str) -> bool:
    return _URL.match(text) is not None


@dataclass(slots=True)
class Access:
    """``environment`` says where credentials are. Safe to use from several threads; use as a context manager."""

    settings: Settings = field(default_factory=Settings)
    environment: Mapping[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _client: Client | None = None
    _authenticator: Authenticator | None = None

    def __enter__(self) -> Access:
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()

    def repository(self, name: Repository) -> RemoteRepository:
        """Nothing is sent yet. Raises UsageError for plain http to another machine, HostError(extra-missing)."""
        client = self._open()
        with self._lock:
            if self._authenticator is None:
                self._authenticator = Authenticator(client, CredentialStore(self.environment))
            return RemoteRepository(name, client, self._authenticator)

    def get(self, location: Location, limit: int) -> bytes | None:
        """A file of at most ``limit`` bytes from a web server, None if there is none (404). No credentials are sent.

        A web page in its place is refused: it is what many servers say instead of 404. Raises RegistryProblem.
        """
        with self._open().open("GET", location) as response:
            if response.status == 404:
                return None
            if response.status != 200:
                reason = Reason.UNREACHABLE if response.status >= 500 else Reason.DENIED
                raise RegistryProblem(reason, f"{location}: the server answers {response.status}")
            if response.header("Content-Type").partition(";")[0].strip().lower() == "text/html":
                raise RegistryProblem(Reason.INVALID, f"{location}: the server sends a web page, not the file")
            return response.body(limit)

    def _open(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = Client(self.settings)
            return self._client


def parse_url(text: str) -> Location:
    """A web address that an operator typed; without TLS it must be this machine. Raises UsageError."""
    try:
        location = parse_location(text, "address")
    except RegistryProblem as problem:
        raise UsageError("usage", str(problem)) from None
    if location.scheme == "http" and not location.is_loopback:
        raise UsageError("usage", f"{location}: evidence is fetched with TLS only; write https://")
    return location
