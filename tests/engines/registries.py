"""A registry in this process, as far as push and read-back need one, that answers wrongly on order."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = Callable[["Handler"], bool]
"""Looks at a request; True if it has answered it in the registry's place."""


@dataclass(slots=True)
class FakeRegistry:
    """What it holds: blobs by digest, manifests by repository and digest or tag."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)  # method, path, Authorization
    deletes: bool = True
    fault: Fault = lambda _handler: False
    host: str = ""

    @property
    def names(self) -> set[str]:
        """REPOSITORY:TAG and REPOSITORY@DIGEST of all manifests."""
        return {f"{name}{'@' if ':' in ref else ':'}{ref}" for name, ref in self.manifests}

    @contextmanager
    def serving(self) -> Iterator[FakeRegistry]:
        class Bound(Handler):
            registry = self

        server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        server.daemon_threads = True
        self.host = f"127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    registry: FakeRegistry

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self, status: int, data: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def do(self) -> None:
        registry = self.registry
        registry.requests.append((self.command, self.path, self.headers.get("Authorization")))
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if registry.fault(self):
            return
        path = self.path.partition("?")[0]
        if match := re.fullmatch(r"/v2/(.+)/manifests/([^/]+)", path):
            self.manifest(match[1], match[2])
        elif match := re.fullmatch(r"/v2/(.+)/blobs/uploads/(\d*)", path):
            if self.command == "POST":
                self.answer(202, Location=f"{path}1")
            else:
                digest = f"sha256:{hashlib.sha256(self.body).hexdigest()}"
                if not self.path.endswith(f"digest={digest}"):
                    return self.answer(400)
                registry.blobs[digest] = self.body
                self.answer(201, Docker_Content_Digest=digest)
        elif match := re.fullmatch(r"/v2/.+/blobs/([^/]+)", path):
            data = registry.blobs.get(match[1])
            self.answer(404) if data is None else self.answer(200, data)
        else:
            self.answer(404)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do

    def manifest(self, name: str, ref: str) -> None:
        held = self.registry.manifests
        if self.command == "PUT":
            digest = f"sha256:{hashlib.sha256(self.body).hexdigest()}"
            entry = (self.headers["Content-Type"], self.body)
            held[name, digest] = held[name, ref] = entry
            self.answer(201, Docker_Content_Digest=digest)
        elif self.command == "DELETE":
            if not self.registry.deletes:
                return self.answer(405)
            if (name, ref) not in held:
                return self.answer(404)
            gone = held[name, ref]
            for key in [key for key, entry in held.items() if key[0] == name and (entry == gone or key[1] == ref)]:
                if ":" in ref or key[1] == ref:
                    del held[key]
            self.answer(202)
        elif (name, ref) in held:
            media_type, data = held[name, ref]
            digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
            self.answer(200, data, Content_Type=media_type, Docker_Content_Digest=digest)
        else:
            self.answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')


def on(method: str, part: str, do: Callable[[Handler], None], *, after: int = 0) -> Fault:
    """A fault at requests of this method whose path has ``part``; the first ``after`` of them are served."""
    seen = 0

    def fault(handler: Handler) -> bool:
        nonlocal seen
        if handler.command != method or part not in handler.path:
            return False
        seen += 1
        if seen <= after:
            return False
        do(handler)
        return True

    return fault


def status(code: int, **headers: str) -> Callable[[Handler], None]:
    return lambda handler: handler.answer(code, b"", **headers)


def cut(handler: Handler) -> None:
    """A promise of more bytes than come, and the end of the connection."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"{")
    handler.close_connection = True


def hang_up(handler: Handler) -> None:
    handler.close_connection = True


def slow(seconds: float) -> Callable[[Handler], None]:
    def wait(handler: Handler) -> None:
        time.sleep(seconds)
        handler.answer(500)

    return wait
