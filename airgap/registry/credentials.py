"""Credentials as podman, skopeo and docker keep them (containers-auth.json(5); docker's config.json and helpers)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from airgap.disk.reading import read_given
from airgap.errors import AirgapError, HostError
from airgap.limits import LIMITS
from airgap.process import run, small_environment
from airgap.reference import Repository
from airgap.registry.problem import Reason, RegistryProblem
from airgap.strict_json import Fields, StrictJSONError, parse

_HELPER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HELPER_SECONDS: Final = 60  # it may ask a keyring that asks its user
_TOKEN_USER: Final = "<token>"  # noqa: S105  # how helpers mark an identity token
_HUB: Final = ("docker.io", "index.docker.io", "registry-1.docker.io")
_HUB_SERVER: Final = "https://index.docker.io/v1/"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name with a password, or an identity token (OAuth2 refresh token)."""

    user: str
    secret: str
    is_identity_token: bool = False

    def __repr__(self) -> str:
        """A secret never reaches a traceback or a log."""
        return f"Credentials({self.user!r})"

    @property
    def basic(self) -> str:
        """The value of an Authorization header (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.secret}".encode()).decode()


class CredentialStore:
    """What this user may log in with; looked up when a registry asks for it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """``environment`` says where the files are: REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, HOME and others."""
        self._environment = environment

    def find(self, repository: Repository) -> Credentials | None:
        """For this repository, the most specific entry of the first file that has one; None: ask anonymously.

        Raises RegistryProblem(CREDENTIALS) for a file or helper that is broken: going on without would hide it.
        """
        for path in _files(self._environment):
            found = self._in_file(path, repository)
            if found is not None:
                return found
        return None

    def _in_file(self, path: Path, repository: Repository) -> Credentials | None:
        if not path.exists():
            return None
        try:
            fields = Fields(parse(read_given(path, LIMITS.trust_file), floats=True), "document")
            helpers = dict(fields.nested("credHelpers").items()) if fields.has("credHelpers") else {}
            store = fields.take("credsStore") if fields.has("credsStore") else None
            entries = dict(fields.nested("auths").items()) if fields.has("auths") else {}
            for key in _keys(repository):
                if key in helpers:
                    return self._ask(helpers[key], _server(key))
                entry = next((value for name, value in entries.items() if _normalised(name) == key), None)
                if entry is not None and (found := _entry(Fields(entry, "auths entry"))) is not None:
                    return found
            return None if not store else self._ask(store, _server(repository.domain))
        except StrictJSONError as error:
            raise RegistryProblem(Reason.CREDENTIALS, f"{path}: {error}") from None
        except AirgapError as error:
            raise RegistryProblem(Reason.CREDENTIALS, error.message) from None

    def _ask(self, helper: object, server: str) -> Credentials | None:
        """docker's credential helper protocol: the server on stdin, a JSON object on stdout."""
        if not isinstance(helper, str) or not _HELPER.fullmatch(helper):
            raise StrictJSONError("the name of a credential helper is malformed")
        program = f"docker-credential-{helper}"
        try:
            done = run(
                [program, "get"],
                stdin=[server.encode()],
                timeout=_HELPER_SECONDS,
                environment=small_environment(self._environment),
            )
        except HostError as error:
            raise RegistryProblem(Reason.CREDENTIALS, error.message) from None
        if done.status != 0:
            if b"credentials not found" in done.stdout:
                return None
            # What a helper prints may hold a secret, so it is not repeated.
            raise RegistryProblem(Reason.CREDENTIALS, f"{program} failed for {server} with status {done.status}")
        answer = Fields(parse(done.stdout), f"answer of {program}")
        user, secret = answer.string("Username"), answer.string("Secret")
        return Credentials(user, secret, is_identity_token=user == _TOKEN_USER)


def _files(environment: Mapping[str, str]) -> Iterator[Path]:
    """In the order of containers-auth.json(5)."""
    if environment.get("REGISTRY_AUTH_FILE"):
        yield Path(environment["REGISTRY_AUTH_FILE"])
        return
    home = environment.get("HOME")
    if environment.get("XDG_RUNTIME_DIR"):
        yield Path(environment["XDG_RUNTIME_DIR"], "containers", "auth.json")
    if environment.get("XDG_CONFIG_HOME"):
        yield Path(environment["XDG_CONFIG_HOME"], "containers", "auth.json")
    elif home:
        yield Path(home, ".config", "containers", "auth.json")
    if environment.get("DOCKER_CONFIG"):
        yield Path(environment["DOCKER_CONFIG"], "config.json")
    elif home:
        yield Path(home, ".docker", "config.json")


def _keys(repository: Repository) -> Iterator[str]:
    """``host/a/b``, ``host/a``, ``host``."""
    name = str(repository)
    while name:
        yield name
        name = name.rpartition("/")[0]


def _normalised(key: str) -> str:
    """docker writes ``https://host/v1/`` for a host; Docker Hub has three names."""
    if "://" in key:
        key = key.partition("://")[2].partition("/")[0]
    key = key.rstrip("/")
    return "docker.io" if key in _HUB else key


def _server(key: str) -> str:
    return _HUB_SERVER if key == "docker.io" else key


def _entry(fields: Fields) -> Credentials | None:
    """One entry of ``auths``; None if it is empty (docker leaves such beside a credsStore)."""
    token = fields.string("identitytoken") if fields.has("identitytoken") else ""
    if token:
        return Credentials(_TOKEN_USER, token, is_identity_token=True)
    encoded = fields.string("auth") if fields.has("auth") else ""
    if not encoded:
        return None
    try:
        user, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise StrictJSONError("'auth' is not base64 of USER:PASSWORD") from None
    if not colon:
        raise StrictJSONError("'auth' is not base64 of USER:PASSWORD")
    return Credentials(user, secret.rstrip("\0"))
