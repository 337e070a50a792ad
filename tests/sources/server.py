"""A registry of the tests' own on a free loopback port: small, in this process, and badly behaved on demand."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import ssl
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from forge import Sample
from forge.images import Blob, sha256

Fault = Callable[["Handler"], bool]
"""Given the request; True if it has answered (or dropped) it."""


@dataclass
class Registry:
    """What the server holds, how it misbehaves, and what it was asked."""

    manifests: dict[str, dict[str, tuple[str, bytes]]] = field(default_factory=dict)
    """Repository to digest or tag to (media type, bytes)."""
    blobs: dict[str, dict[str, bytes]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    """Plain files by path."""
    login: tuple[str, str] | None = None
    """User and password that are asked for."""
    token: str | None = None
    """The bearer token that is asked for, given by /token; with ``login`` only to that user."""
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    uploads: dict[str, bytearray] = field(default_factory=dict)
    port: int = 0
    scheme: str = "http"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"

    @property
    def counts(self) -> Counter[str]:
        """How often each blob and manifest was read."""
        asked = [path for method, path, _ in self.requests if method == "GET" and "/referrers/" not in path]
        return Counter(path.rpartition("/")[2] for path in asked)

    def authorizations(self, path: str) -> list[str]:
        """The Authorization headers that came with requests for paths that contain ``path``."""
        return [headers.get("Authorization", "") for _, asked, headers in self.requests if path in asked]

    def add(self, repository: str, found: Sample, *tags: str) -> None:
        manifests, blobs = self.manifests.setdefault(repository, {}), self.blobs.setdefault(repository, {})
        documents = [found.root, *(blob for _, blob in found.manifests), *found.attestations]
        for blob in documents:
            manifests[blob.digest] = (blob.media_type, blob.data)
        for blob in (*found.configs, *found.layers, *found.others):
            if blob.media_type.endswith(("index.v1+json", "manifest.v1+json")):
                manifests[blob.digest] = (blob.media_type, blob.data)
            blobs[blob.digest] = blob.data
        for tag in tags:
            manifests[tag] = (found.root.media_type, found.root.data)

    def add_manifest(self, repository: str, blob: Blob, *tags: str) -> None:
        for name in (blob.digest, *tags):
            self.manifests.setdefault(repository, {})[name] = (blob.media_type, blob.data)

    @contextlib.contextmanager
    def serving(self, context: ssl.SSLContext | None = None) -> Iterator[Registry]:
        server = _Server(("127.0.0.1", 0), Handler)
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
            self.scheme = "https"
        server.registry = self
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    registry: Registry

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of many tests; anything else is a mistake in them."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # as it was given to us


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def registry(self) -> Registry:
        assert isinstance(self.server, _Server)
        return self.server.registry

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr."""

    def do_GET(self) -> None:
        self._take()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    def _take(self) -> None:
        self.registry.requests.append((self.command, self.path, dict(self.headers.items())))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if not any(fault(self) for fault in self.registry.faults):
                self._answer()

    def _answer(self) -> bool:
        path = urlsplit(self.path).path
        if path == "/token":
            return self._give_token()
        if path in self.registry.files:
            return self.reply(200, self.registry.files[path], "application/octet-stream")
        if not path.startswith("/v2/"):
            return self.reply(404)
        if not self._is_allowed():
            return True
        match = re.fullmatch(r"/v2/(.+)/(manifests|blobs|tags|referrers)/(.+)", path)
        if match is None:
            return self.reply(404)
        serve = {"manifests": self._manifests, "blobs": self._blobs, "tags": self._tags, "referrers": self._referrers}
        return serve[match[2]](match[1], match[3])

    def _is_allowed(self) -> bool:
        registry, given = self.registry, self.headers.get("Authorization", "")
        if registry.token is not None and given != f"Bearer {registry.token}":
            realm = f'Bearer realm="{registry.url}/token",service="tests",scope="whatever"'
            self.reply(401, headers={"WWW-Authenticate": realm})
        elif registry.token is None and registry.login is not None and given != basic(*registry.login):
            self.reply(401, headers={"WWW-Authenticate": 'Basic realm="tests"'})
        else:
            return True
        return False

    def _give_token(self) -> bool:
        registry = self.registry
        form = parse_qs(self.body().decode())
        refreshed = form.get("refresh_token") == ["identity"] and self.command == "POST"
        known = registry.login is None or self.headers.get("Authorization") == basic(*registry.login) or refreshed
        if not known:
            return self.reply(401)
        return self.reply(200, json.dumps({"token": registry.token, "expires_in": 60.5}).encode(), "application/json")

    def _manifests(self, repository: str, name: str) -> bool:
        held = self.registry.manifests.setdefault(repository, {})
        if self.command == "PUT":
            data = self.body()
            for key in {name, sha256(data)}:
                held[key] = (self.headers["Content-Type"], data)
            return self.reply(201, headers={"Docker-Content-Digest": sha256(data)})
        if name not in held:
            return self.reply(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
        if self.command == "DELETE":
            data = held[name][1]
            for key in [key for key, (_, other) in held.items() if other == data]:
                del held[key]
            return self.reply(202)
        media_type, data = held[name]
        return self.reply(200, data, media_type, {"Docker-Content-Digest": sha256(data)})

    def _blobs(self, repository: str, name: str) -> bool:
        held = self.registry.blobs.setdefault(repository, {})
        if name == "uploads/":
            return self._begin_upload(held)
        if self.command == "PUT":
            return self._end_upload(held)
        if name not in held:
            return self.reply(404)
        data, match = held[name], re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if match is None:
            return self.reply(200, data, "application/octet-stream")
        start = int(match[1])
        span = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        return self.reply(206, data[start:], "application/octet-stream", span)

    def _begin_upload(self, held: dict[str, bytes]) -> bool:
        query = parse_qs(urlsplit(self.path).query)
        if "mount" in query:
            data = self.registry.blobs.get(query["from"][0], {}).get(query["mount"][0])
            if data is not None:
                held[query["mount"][0]] = data
                return self.reply(201)
        return self.reply(202, headers={"Location": self.path.partition("?")[0] + "one?state=x"})

    def _end_upload(self, held: dict[str, bytes]) -> bool:
        data, digest = self.body(), parse_qs(urlsplit(self.path).query)["digest"][0]
        if sha256(data) != digest:
            return self.reply(400, b'{"errors":[{"code":"DIGEST_INVALID","message":"digest invalid"}]}')
        held[digest] = data
        return self.reply(201, headers={"Docker-Content-Digest": digest})

    def _tags(self, repository: str, name: str) -> bool:
        tags = sorted(key for key in self.registry.manifests.get(repository, {}) if ":" not in key)
        return self.reply(200, json.dumps({"name": repository, "tags": tags}).encode(), "application/json")

    def _referrers(self, repository: str, name: str) -> bool:
        return self.reply(404)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def reply(
        self,
        status: int,
        data: bytes = b"",
        media_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> bool:
        """Answer. True, as a fault says that it has answered."""
        self.send_response(status)
        length = {"Content-Type": media_type, "Content-Length": str(len(data))}
        for name, value in (length | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        return True

    def cut(self, data: bytes, after: int) -> bool:
        """Announce all of ``data``, send a part, and hang up."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:after])
        return self.hang_up()

    def hang_up(self) -> bool:
        self.wfile.flush()
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        return True


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
