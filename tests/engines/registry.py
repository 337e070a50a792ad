"""docker-registry as the tests use it, one process a test on a free loopback port; and bad lines to it."""

from __future__ import annotations

import base64
import contextlib
import datetime
import http.client
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from forge import Sample

USER, PASSWORD = "user", "U*U"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
_BCRYPT = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
"""Of PASSWORD: a published test vector of crypt_blowfish, for which no program is needed."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def serving(folder: Path, auth: dict[str, object] | None = None) -> Iterator[str]:
    """A registry that keeps its data in ``folder``; HOST:PORT."""
    folder.mkdir(parents=True, exist_ok=True)
    host = f"127.0.0.1:{free_port()}"
    settings: dict[str, object] = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        "http": {"addr": host},
    }
    if auth is not None:
        settings["auth"] = auth
    (folder / "config.yml").write_text(json.dumps(settings))  # JSON is YAML
    line = ["docker-registry", "serve", str(folder / "config.yml")]
    environment = {"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"}
    with (
        open(folder / "log", "wb") as log,
        subprocess.Popen(line, stdout=log, stderr=log, env=environment) as process,
    ):
        try:
            _wait_for(host, process)
            yield host
        finally:
            process.kill()


def _wait_for(host: str, process: subprocess.Popen[bytes]) -> None:
    name, _, port = host.partition(":")
    for _ in range(400):
        assert process.poll() is None, "docker-registry ended"
        with contextlib.suppress(OSError), socket.create_connection((name, int(port)), 1):
            return
        time.sleep(0.05)
    raise AssertionError("docker-registry does not listen")


def put(host: str, repository: str, found: Sample, tag: str, authorization: str | None = None) -> None:
    """Push an image byte for byte: blobs, then children, then parents. None of airgap's code takes part."""
    connection = http.client.HTTPConnection(host, timeout=20)
    login = {} if authorization is None else {"Authorization": authorization}

    def send(method: str, path: str, data: bytes = b"", **headers: str) -> str:
        connection.request(method, path, data, login | headers)
        answer = connection.getresponse()
        words = answer.read()
        assert answer.status in (201, 202), (answer.status, words)
        return answer.headers.get("Location", "")

    documents = {blob.digest: blob for blob in (*(one for _, one in found.manifests), *found.attestations)}
    inner = {blob.digest: blob for blob in found.others if "index" in blob.media_type}
    for blob in (*found.configs, *found.layers, *found.others):
        if blob.digest not in inner:
            where = urlsplit(send("POST", f"/v2/{repository}/blobs/uploads/"))
            send("PUT", f"{where.path}?{where.query}&digest={blob.digest}", blob.data)
    for blob in (*documents.values(), *inner.values(), found.root):
        for name in (blob.digest, *([tag] if blob is found.root else [])):
            send("PUT", f"/v2/{repository}/manifests/{name}", blob.data, **{"Content-Type": blob.media_type})
    connection.close()


def basic_auth(folder: Path) -> dict[str, object]:
    """The registry's settings for USER and PASSWORD."""
    path = folder / "htpasswd"
    path.write_text(f"{USER}:{_BCRYPT}\n")
    return {"htpasswd": {"realm": "tests", "path": str(path)}}


@dataclass
class TokenServer:
    """Gives tokens for one registry to USER with PASSWORD, signed as distribution's token.md and jwt.md say."""

    folder: Path
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    port: int = field(default_factory=free_port)
    scopes: list[str] = field(default_factory=list)
    """What was asked for."""

    def __post_init__(self) -> None:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
        now = datetime.datetime.now(datetime.UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .sign(self.key, hashes.SHA256())
        )
        (self.folder / "root.pem").write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    @property
    def auth(self) -> dict[str, object]:
        """The registry's settings."""
        realm = f"http://127.0.0.1:{self.port}/token"
        bundle = str(self.folder / "root.pem")
        return {"token": {"realm": realm, "service": "tests", "issuer": "tests", "rootcertbundle": bundle}}

    def token(self, scopes: list[str]) -> str:
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        head = {"typ": "JWT", "alg": "ES256", "x5c": [base64.b64encode(der).decode()]}
        access = []
        for scope in scopes:
            kind, _, rest = scope.partition(":")
            name, _, actions = rest.rpartition(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        now = int(time.time())
        times = {"exp": now + 300, "nbf": now - 5, "iat": now}
        claims = {"iss": "tests", "sub": USER, "aud": "tests", "jti": "1", "access": access, **times}
        text = f"{_base64url(json.dumps(head).encode())}.{_base64url(json.dumps(claims).encode())}"
        r, s = decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{_base64url(r.to_bytes(32) + s.to_bytes(32))}"

    @contextlib.contextmanager
    def serving(self) -> Iterator[TokenServer]:
        tokens = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.headers.get("Authorization") != BASIC:
                    self.send_error(401)
                    return
                scopes = parse_qs(urlsplit(self.path).query).get("scope", [])
                tokens.scopes += scopes
                data = json.dumps({"token": tokens.token(scopes)}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing on stderr."""

        with ThreadingHTTPServer(("127.0.0.1", self.port), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Line:
    """A bad line to a registry: each connection carries so many bytes back, in small slow pieces, and then breaks."""

    target: str
    carries: int
    pause: float = 0.0
    breaks: int = 0
    """How often it broke."""

    @contextlib.contextmanager
    def open(self) -> Iterator[str]:
        """HOST:PORT at this end."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            accept = threading.Thread(target=self._accept, args=(server,), daemon=True)
            accept.start()
            yield f"127.0.0.1:{server.getsockname()[1]}"
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            accept.join(5)

    def _accept(self, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = server.accept()
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        host, _, port = self.target.partition(":")
        with near, socket.create_connection((host, int(port))) as far, contextlib.suppress(OSError):
            threading.Thread(target=_pump, args=(near, far), daemon=True).start()
            left = self.carries
            while left and (piece := far.recv(min(left, 16384))):
                near.sendall(piece)
                left -= len(piece)
                time.sleep(self.pause)
            self.breaks += not left
            for end in (near, far):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(16384):
            sink.sendall(piece)
