"""HTTP for registries and evidence: every answer bounded, retried where that is safe, redirects followed by our rules.

Proxies of the environment are not used, compressed transfer is not asked for, and no cookie is kept. TLS certificates
are always checked. What is received is believed by nobody: content is hashed by whoever asked for it.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from airgap import __version__
from airgap.disk.reading import BUFFER
from airgap.errors import HostError
from airgap.registry.location import Location
from airgap.registry.problem import Reason, RegistryProblem

if TYPE_CHECKING:  # loaded when a registry is used: the offline side may not have it
    import urllib3

REDIRECTS_MAX: Final = 5  # a registry needs one, a content network behind it another
_BODY_SECONDS: Final = 300  # for a whole bounded answer: manifests come in milliseconds
_PAUSE_MAX: Final = 30  # seconds: longest wait for a server that says when to come back
_CONNECTIONS: Final = 8  # kept open for each host
_CONNECTION: Final = re.compile(r"\AHTTPS?Connection(?:Pool)?\([^)]*\): ")
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_BUSY: Final = frozenset({408, 429, 500, 502, 503, 504})
_REPEATABLE: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Settings:
    """How servers are spoken to; times are in seconds.

    ``plain_http`` lets registries on this machine be asked without TLS. ``authorities`` are certificates (PEM) that are
    trusted beside the system's. ``attempts`` counts the first one; ``tell`` is told why there is a ``pause``
    before the next.
    """

    plain_http: bool = False
    authorities: str = ""
    attempts: int = 4
    connect_timeout: float = 20
    read_timeout: float = 60
    pause: Callable[[float], None] = time.sleep
    tell: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries: ``size`` bytes, made anew by each call of ``pieces``."""

    size: int
    pieces: Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer whose body is still to be read. ``location`` is where it came from after redirects."""

    location: Location
    status: int
    _raw: urllib3.BaseHTTPResponse

    def header(self, name: str) -> str:
        """The value of a header field; empty if it is not there."""
        return self._raw.headers.get(name, "")

    @property
    def length(self) -> int | None:
        """The announced size of the body in bytes."""
        text = self.header("Content-Length")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None

    def chunks(self) -> Iterator[bytes]:
        """The body as it comes, unbounded. Raises RegistryProblem(UNREACHABLE) where it is cut short."""
        while piece := self._read():
            yield piece

    def body(self, limit: int) -> bytes:
        """The whole body of at most ``limit`` bytes. Raises RegistryProblem(INVALID, UNREACHABLE)."""
        if (self.length or 0) > limit:
            raise self._too_large(limit)
        ends = time.monotonic() + _BODY_SECONDS
        data = bytearray()
        for piece in self.chunks():
            data += piece
            if len(data) > limit:
                raise self._too_large(limit)
            if time.monotonic() > ends:
                raise RegistryProblem(Reason.UNREACHABLE, f"{self.location}: the answer takes too long")
        return bytes(data)

    def _read(self) -> bytes:
        from urllib3.exceptions import HTTPError

        try:
            return self._raw.read1(BUFFER, decode_content=False)
        except (HTTPError, OSError, ValueError) as error:
            raise RegistryProblem(Reason.UNREACHABLE, f"{self.location}: the answer was cut short: {error}") from error

    def _too_large(self, limit: int) -> RegistryProblem:
        return RegistryProblem(Reason.INVALID, f"{self.location}: the answer has more than {limit} bytes")


@dataclass(slots=True)
class Client:
    """A pool of connections. Safe to use from several threads."""

    settings: Settings = field(default_factory=Settings)
    _pool: urllib3.PoolManager | None = None

    def __post_init__(self) -> None:
        """Raises HostError(extra-missing) where urllib3 is not installed."""
        try:
            import urllib3
            from urllib3.util.ssl_ import create_urllib3_context
        except ImportError:
            raise HostError(
                "extra-missing",
                "registries and web addresses need urllib3, which is not installed: pip install 'airgap[registry]'",
            ) from None
        context = create_urllib3_context()
        context.load_default_certs()
        if self.settings.authorities:
            try:
                context.load_verify_locations(cadata=self.settings.authorities)
            except (OSError, ValueError) as error:
                hint = "Give --ca-file a file of certificates in PEM form, as the registry's operator handed it out."
                raise HostError("input-output", f"the CA certificates cannot be used: {error}", hint=hint) from None
        self._pool = urllib3.PoolManager(ssl_context=context, maxsize=_CONNECTIONS)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.clear()

    @contextlib.contextmanager
    def open(
        self, method: str, location: Location, headers: Mapping[str, str] | None = None, body: Body | None = None
    ) -> Iterator[Response]:
        """Send a request and give its answer, whatever its status. Raises RegistryProblem(UNREACHABLE, TLS, INVALID).

        GET and HEAD are repeated while the server is busy or away, and follow redirects; an Authorization header never
        goes to another origin than ``location``'s, and https never leads to http.
        """
        response = self._follow(method, location, dict(headers or {}), body)
        try:
            yield response
        finally:
            response._raw.close()

    def _follow(self, method: str, location: Location, headers: dict[str, str], body: Body | None) -> Response:
        for _ in range(REDIRECTS_MAX + 1):
            response = self._attempt(method, location, headers, body)
            if response.status not in _REDIRECTS or method not in _REPEATABLE:
                return response
            response._raw.close()
            target = location.resolve(response.header("Location"))
            require_no_downgrade(location, target)
            if target.origin != location.origin:
                headers = {name: value for name, value in headers.items() if name != "Authorization"}
            location = target
        raise RegistryProblem(Reason.INVALID, f"{location}: more than {REDIRECTS_MAX} redirects")

    def _attempt(self, method: str, location: Location, headers: Mapping[str, str], body: Body | None) -> Response:
        attempts = self.settings.attempts if method in _REPEATABLE else 1
        for attempt in range(1, attempts + 1):
            try:
                response = self._send(method, location, headers, body)
            except RegistryProblem as problem:
                if attempt == attempts or problem.reason is not Reason.UNREACHABLE:
                    raise
                why, wait = str(problem), _pause("", attempt)
            else:
                if response.status not in _BUSY or attempt == attempts:
                    return response
                response._raw.close()
                why = f"{location}: the server answers {response.status}"
                wait = _pause(response.header("Retry-After"), attempt)
            self.settings.tell(f"{why}; trying again in {wait:g} s")
            self.settings.pause(wait)
        raise RuntimeError("no attempt was made")

    def _send(self, method: str, location: Location, headers: Mapping[str, str], body: Body | None) -> Response:
        import urllib3
        from urllib3.exceptions import HTTPError, SSLError

        if self._pool is None:
            raise RuntimeError("the client is not open")
        own = {"User-Agent": f"airgap/{__version__}", "Accept-Encoding": "identity"}
        if body is not None:
            own["Content-Length"] = str(body.size)
        try:
            raw = self._pool.request(
                method,
                location.url,
                headers={**own, **headers},
                body=None if body is None else iter(body.pieces()),
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=self.settings.connect_timeout, read=self.settings.read_timeout),
            )
        except (HTTPError, OSError) as error:
            reason = Reason.TLS if isinstance(error, SSLError) else Reason.UNREACHABLE
            raise RegistryProblem(reason, f"{location}: {_why(error)}") from error
        return Response(location, raw.status, raw)


def require_no_downgrade(location: Location, target: Location) -> None:
    """Who began with TLS stays with it, and nobody is led from this machine to a foreign one without it.

    Raises RegistryProblem(INVALID).
    """
    if target.scheme == "http" and not (location.scheme == "http" and target.is_loopback):
        raise RegistryProblem(Reason.INVALID, f"{location} leads to {target}, which is not protected by TLS")


def _pause(retry_after: str, attempt: int) -> float:
    if retry_after.isascii() and retry_after.isdecimal() and len(retry_after) < 6:
        return float(min(int(retry_after), _PAUSE_MAX))
    return 0.5 * (1 << attempt)


def _why(error: Exception) -> str:
    """Without the connection's name that urllib3 begins its texts with; ours names the address already."""
    return _CONNECTION.sub("", str(getattr(error, "reason", None) or error))
