"""Logging in to a registry when it asks: Basic (RFC 7617) or a bearer token from the server that it names.

The token protocol is docker's (distribution: docs/spec/auth/token.md, oauth.md).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from airgap.limits import KIB
from airgap.reference import Repository
from airgap.registry.client import Body, Client, Response, require_no_downgrade
from airgap.registry.credentials import Credentials, CredentialStore
from airgap.registry.location import Location, parse_location
from airgap.registry.problem import Reason, RegistryProblem
from airgap.strict_json import Fields, StrictJSONError, parse

TOKEN_MAX: Final = 64 * KIB  # bytes of a token server's answer
_CHALLENGE_MAX: Final = 8 * KIB  # characters of a WWW-Authenticate header
# Possessive, so that a hostile header costs no more than its length.
_PARAMETER: Final = re.compile(r'\s*+,?+\s*+([A-Za-z_]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^\s,"]++))')
_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_CLIENT_ID: Final = "airgap"


@dataclass(slots=True)
class Authenticator:
    """Who we are to the registries of one command. Tokens are kept for each scope, as long as they are taken.

    A scope is one or more of ``repository:PATH:pull,push``, separated by spaces.
    """

    client: Client
    credentials: CredentialStore
    _headers: dict[tuple[str, str], str] = field(default_factory=dict)
    _locks: dict[tuple[str, str], threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def header(self, registry: Location, scope: str) -> str | None:
        """The Authorization header that was last good here."""
        return self._headers.get((registry.origin, scope))

    def answer(self, challenged: Response, repository: Repository, scope: str, used: str | None) -> str:
        """The header that meets a 401 answer; ``used`` is the one that was refused.

        Raises RegistryProblem: DENIED if there is nothing better to offer, else what the token server did.
        """
        key = (challenged.location.origin, scope)
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            held = self._headers.get(key)
            if held is not None and held != used:
                return held  # another thread was faster
            made = self._make(challenged, repository, scope)
            if made == used:
                raise RegistryProblem(Reason.DENIED, f"{challenged.location}: the registry refuses these credentials")
            self._headers[key] = made
            return made

    def _make(self, challenged: Response, repository: Repository, scope: str) -> str:
        scheme, parameters = parse_challenge(challenged.header("WWW-Authenticate"))
        found = self.credentials.find(repository)
        if scheme == "basic":
            if found is None or found.is_identity_token:
                raise RegistryProblem(
                    Reason.DENIED, f"{challenged.location}: the registry wants a user and a password, and none is known"
                )
            return found.basic
        if scheme == "bearer":
            return "Bearer " + self._token(challenged.location, parameters, found, scope)
        raise RegistryProblem(Reason.DENIED, f"{challenged.location}: the registry asks for an unknown way to log in")

    def _token(self, registry: Location, parameters: Mapping[str, str], found: Credentials | None, scope: str) -> str:
        realm = parse_location(parameters.get("realm", ""), f"token server of {registry}")
        require_no_downgrade(registry, realm)
        service = parameters.get("service", "")
        if found is not None and found.is_identity_token:
            form = {"grant_type": "refresh_token", "refresh_token": found.secret, "client_id": _CLIENT_ID}
            data = _form([*form.items(), ("service", service), ("scope", scope)]).encode()
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            with self.client.open("POST", realm, headers, Body(len(data), lambda: [data])) as response:
                return _read_token(response)
        headers = {} if found is None else {"Authorization": found.basic}
        query = _form([("service", service), *(("scope", one) for one in scope.split())])
        mark = "&" if "?" in realm.target else "?"
        with self.client.open("GET", realm.at(f"{realm.target}{mark}{query}"), headers) as response:
            return _read_token(response)


def parse_challenge(text: str) -> tuple[str, dict[str, str]]:
    """The scheme, in lower case, and the parameters of a WWW-Authenticate header (RFC 9110 §11.6.1)."""
    scheme, _, rest = text[:_CHALLENGE_MAX].strip().partition(" ")
    parameters: dict[str, str] = {}
    at = 0
    while (match := _PARAMETER.match(rest, at)) is not None:
        value = match[3] if match[2] is None else re.sub(r"\\(.)", r"\1", match[2])
        parameters.setdefault(match[1].lower(), value)
        at = match.end()
    return scheme.lower(), parameters


def _read_token(response: Response) -> str:
    if response.status in (400, 401, 403):
        raise RegistryProblem(Reason.DENIED, f"{response.location}: no token is given (status {response.status})")
    if response.status != 200:
        raise RegistryProblem(Reason.UNREACHABLE, f"{response.location}: no token, but status {response.status}")
    try:
        fields = Fields(parse(response.body(TOKEN_MAX), floats=True), "token")
        name = "token" if fields.has("token") else "access_token"
        token = fields.string(name)
    except StrictJSONError as error:
        raise RegistryProblem(Reason.INVALID, f"{response.location}: {error}") from None
    if not token or not all("!" <= char <= "~" for char in token):
        raise RegistryProblem(Reason.INVALID, f"{response.location}: the token is malformed")
    return token


def _form(values: Iterable[tuple[str, str]]) -> str:
    """application/x-www-form-urlencoded without empty values; all but RFC 3986's unreserved characters escaped."""
    return "&".join(f"{name}={_escaped(value)}" for name, value in values if value)


def _escaped(text: str) -> str:
    return "".join(chr(octet) if octet in _UNRESERVED else f"%{octet:02X}" for octet in text.encode())
