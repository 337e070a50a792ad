"""Addresses of the web, in the few forms that are followed: http and https, no user name in them."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import Final

from airgap.registry.problem import Reason, RegistryProblem

_LOCATION: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>[/?][!-~]*)?",
)
_PORTS: Final = {"http": 80, "https": 443}
LENGTH_MAX: Final = 8192  # characters: what web servers commonly take; signed download links have about 1000


@dataclass(frozen=True, slots=True)
class Location:
    """A parsed URL; ``target`` is path and query, ``host`` is in lower case and has brackets if it is IPv6."""

    scheme: str
    host: str
    port: int
    target: str

    def __str__(self) -> str:
        """Without the query, which may hold a secret (a signed download link)."""
        return f"{self.origin}{self.target.partition('?')[0]}"

    @property
    def origin(self) -> str:
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"

    @property
    def url(self) -> str:
        return f"{self.origin}{self.target}"

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)

    def at(self, target: str) -> Location:
        return replace(self, target=target)

    def resolve(self, text: str) -> Location:
        """Where a Location header leads: a URL, or a path on this host (RFC 9110 §10.2.2). Raises RegistryProblem."""
        if text.startswith("/") and not text.startswith("//"):
            text = self.origin + text
        return parse_location(text.partition("#")[0], f"redirect of {self}")


def parse_location(text: str, where: str) -> Location:
    """Parse an absolute URL. Raises RegistryProblem(INVALID)."""
    match = _LOCATION.fullmatch(text) if len(text) <= LENGTH_MAX else None
    if match is None:
        raise RegistryProblem(Reason.INVALID, f"{where}: {text[:200]!r} is no http or https address")
    port = int(match["port"] or _PORTS[match["scheme"]])
    if not 0 < port < 65536:
        raise RegistryProblem(Reason.INVALID, f"{where}: {text[:200]!r} has no possible port")
    target = match["target"] or "/"
    return Location(match["scheme"], match["host"].lower(), port, target if target.startswith("/") else f"/{target}")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine by definition (RFC 6761 §6.3, RFC 5735 §3); no look-up is made."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
