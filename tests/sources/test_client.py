"""HTTP by our rules: bounded answers, retries, redirects without credentials, TLS that is checked."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from airgap.errors import HostError, UsageError
from airgap.reference import parse_repository
from airgap.registry.access import Access, is_url, parse_url
from airgap.registry.client import REDIRECTS_MAX, Client, Settings
from airgap.registry.location import is_loopback, parse_location
from airgap.registry.problem import Reason, RegistryProblem
from tests.sources.server import Fault, Handler, Registry


def get(access: Access, url: str, limit: int = 1000) -> bytes | None:
    return access.get(parse_location(url, "test"), limit)


def reason_of(access: Access, url: str, limit: int = 1000) -> Reason:
    with pytest.raises(RegistryProblem) as caught:
        get(access, url, limit)
    return caught.value.reason


class TestLocation:
    @pytest.mark.parametrize(
        ("text", "url", "shown"),
        [
            ("https://example.org", "https://example.org/", "https://example.org/"),
            ("https://Example.ORG:443/a?b=c", "https://example.org/a?b=c", "https://example.org/a"),
            ("http://127.0.0.1:5000/v2/", "http://127.0.0.1:5000/v2/", "http://127.0.0.1:5000/v2/"),
            ("http://[::1]:80/", "http://[::1]/", "http://[::1]/"),
            ("https://example.org?x", "https://example.org/?x", "https://example.org/"),
        ],
    )
    def test_parsed(self, text: str, url: str, shown: str) -> None:
        location = parse_location(text, "test")
        assert (location.url, str(location)) == (url, shown)

    @pytest.mark.parametrize(
        "text",
        [
            *("", "example.org", "ftp://example.org/", "file:///etc/passwd", "HTTPS://x", "https:/x", "https:///x"),
            *("https://user:secret@example.org/", "https://example.org:0/", "https://example.org:65536/"),
            *("https://example.org/a b", "https://example.org/\r\nHost: evil", "https://example.org/\N{SNOWMAN}"),
            *("https://exa mple.org/", "https://[::1/", "https://example.org:/", "https://example.org/" + "a" * 9000),
        ],
    )
    def test_refused(self, text: str) -> None:
        with pytest.raises(RegistryProblem) as caught:
            parse_location(text, "test")
        assert caught.value.reason is Reason.INVALID

    def test_resolved(self) -> None:
        base = parse_location("https://example.org/v2/x?y", "test")
        assert base.resolve("/a?b#c").url == "https://example.org/a?b"
        assert base.resolve("https://other.org/z").url == "https://other.org/z"
        for text in ("//other.org/z", "z", "", "../z"):
            with pytest.raises(RegistryProblem):
                base.resolve(text)

    def test_loopback(self) -> None:
        assert all(map(is_loopback, ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "::1"]))
        names = ["example.org", "10.0.0.1", "0.0.0.0", "localhost.example.org", "127.0.0.1.example.org", "[::2]", ""]
        assert not any(map(is_loopback, names))


class TestAnswers:
    def test_a_file(self, registry: Registry, access: Access) -> None:
        registry.files["/f"] = b"content"
        assert get(access, f"{registry.url}/f") == b"content"
        assert get(access, f"{registry.url}/missing") is None
        _, _, headers = registry.requests[0]
        assert headers["User-Agent"].startswith("airgap/")
        assert headers["Accept-Encoding"] == "identity"
        assert "Authorization" not in headers

    def test_an_announced_size_over_the_limit_is_not_read(self, registry: Registry, access: Access) -> None:
        registry.files["/f"] = bytes(1001)
        assert reason_of(access, f"{registry.url}/f") is Reason.INVALID
        assert get(access, f"{registry.url}/f", 1001) == bytes(1001)

    def test_an_endless_answer_is_stopped_at_the_limit(self, registry: Registry, access: Access) -> None:
        sent = 0

        def endless(handler: Handler) -> bool:
            nonlocal sent
            handler.send_response(200)
            handler.end_headers()
            handler.close_connection = True
            with contextlib.suppress(OSError):
                while sent < 100_000_000:
                    sent += handler.wfile.write(bytes(10_000))
            return True

        registry.faults.append(endless)
        assert reason_of(access, f"{registry.url}/f") is Reason.INVALID
        assert sent < 50_000_000

    def test_a_bomb_is_not_inflated(self, registry: Registry, access: Access) -> None:
        def compressed(handler: Handler) -> bool:
            handler.reply(200, b"\x1f\x8b not inflated", headers={"Content-Encoding": "gzip"})
            return True

        registry.faults.append(compressed)
        assert get(access, f"{registry.url}/f") == b"\x1f\x8b not inflated"

    def test_a_web_page_is_no_file(self, registry: Registry, access: Access) -> None:
        def page(handler: Handler) -> bool:
            handler.reply(200, b"<html>", "text/html; charset=utf-8")
            return True

        registry.faults.append(page)
        assert reason_of(access, f"{registry.url}/f") is Reason.INVALID

    @pytest.mark.parametrize(("status", "reason"), [(403, Reason.DENIED), (501, Reason.UNREACHABLE)])
    def test_refusals(self, registry: Registry, access: Access, status: int, reason: Reason) -> None:
        registry.faults.append(lambda handler: handler.reply(status))
        assert reason_of(access, f"{registry.url}/f") is reason


class TestRetries:
    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
    def test_a_busy_server_is_asked_again(
        self, registry: Registry, access: Access, pauses: list[float], status: int
    ) -> None:
        registry.files["/f"] = b"content"
        registry.faults.append(lambda handler: len(registry.requests) < 3 and handler.reply(status))
        assert get(access, f"{registry.url}/f") == b"content"
        assert pauses == [1.0, 2.0]

    def test_a_server_that_says_when_to_come_back(
        self, registry: Registry, access: Access, pauses: list[float]
    ) -> None:
        registry.files["/f"] = b"content"
        waits = iter(["3", "999999", "Wed, 21 Oct 2026 07:28:00 GMT"])

        def busy(handler: Handler) -> bool:
            wait = next(waits, None)
            if wait is not None:
                handler.reply(503, headers={"Retry-After": wait})
            return wait is not None

        registry.faults.append(busy)
        assert get(access, f"{registry.url}/f") == b"content"
        assert pauses == [3.0, 2.0, 4.0]

    def test_why_it_waits(self, registry: Registry, pauses: list[float]) -> None:
        answers = iter([lambda handler: handler.reply(503), lambda handler: handler.hang_up()])
        registry.files["/f"] = b"content"
        registry.faults.append(lambda handler: next(answers, lambda _: False)(handler))
        told: list[str] = []
        with Access(Settings(pause=pauses.append, tell=told.append)) as access:
            assert get(access, f"{registry.url}/f") == b"content"
        assert told[0] == f"{registry.url}/f: the server answers 503; trying again in 1 s"
        assert told[1].startswith(f"{registry.url}/f: ")
        assert told[1].endswith("; trying again in 2 s")

    def test_a_long_wait_is_cut(self, registry: Registry, access: Access, pauses: list[float]) -> None:
        registry.faults.append(lambda handler: handler.reply(503, headers={"Retry-After": "3600"}))
        assert reason_of(access, f"{registry.url}/f") is Reason.UNREACHABLE
        assert pauses == [30.0] * 3

    def test_a_server_that_hangs_up(self, registry: Registry, access: Access, pauses: list[float]) -> None:
        registry.faults.append(lambda handler: handler.hang_up())
        assert reason_of(access, f"{registry.url}/f") is Reason.UNREACHABLE
        assert len(registry.requests) == 4
        assert pauses == [1.0, 2.0, 4.0]

    def test_nobody_there(self, access: Access) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with pytest.raises(RegistryProblem, match="refused"):
            get(access, f"http://127.0.0.1:{port}/f")

    def test_a_silent_server(self, registry: Registry, pauses: list[float]) -> None:
        """It takes the connection and never answers."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            settings = Settings(pause=pauses.append, read_timeout=0.2, attempts=2)
            with Access(settings) as access:
                assert reason_of(access, f"http://127.0.0.1:{silent.getsockname()[1]}/") is Reason.UNREACHABLE

    def test_what_changes_something_is_sent_once(self, registry: Registry, pauses: list[float]) -> None:
        registry.faults.append(lambda handler: handler.reply(503))
        client = Client(Settings(pause=pauses.append))
        with client.open("POST", parse_location(f"{registry.url}/f", "test")) as response:
            assert response.status == 503
        client.close()
        assert len(registry.requests) == 1


@pytest.fixture
def other() -> Iterator[Registry]:
    with Registry().serving() as other:
        yield other


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_followed_with_credentials_on_the_same_host(self, registry: Registry, access: Access, status: int) -> None:
        registry.files["/g"] = b"content"
        registry.faults.append(redirect("/f", "/g", status))
        assert self.authorized(registry) == b"content"
        assert registry.authorizations("/g") == ["Bearer secret"]

    def test_ldr_11_credentials_do_not_go_to_another_host(self, registry: Registry, other: Registry) -> None:
        other.files["/g"] = b"content"
        registry.faults.append(redirect("/f", f"{other.url}/g"))
        assert self.authorized(registry) == b"content"
        assert registry.authorizations("/f") == ["Bearer secret"]
        assert other.authorizations("/g") == [""]

    def test_nor_to_another_host_and_back(self, registry: Registry, other: Registry) -> None:
        registry.files["/h"] = b"content"
        registry.faults.append(redirect("/f", f"{other.url}/g"))
        other.faults.append(redirect("/g", f"{registry.url}/h"))
        assert self.authorized(registry) == b"content"
        assert registry.authorizations("/h") == [""]

    def test_a_ring(self, registry: Registry, access: Access) -> None:
        registry.faults.append(redirect("/f", "/f"))
        assert reason_of(access, f"{registry.url}/f") is Reason.INVALID
        assert len(registry.requests) == REDIRECTS_MAX + 1

    @pytest.mark.parametrize(
        "target",
        ["http://192.0.2.1/f", "file:///etc/passwd", "ftp://127.0.0.1/f", "", "http://127.0.0.1:1@192.0.2.1/f"],
    )
    def test_out_of_this_machine_without_tls_or_by_another_scheme(
        self, registry: Registry, access: Access, target: str
    ) -> None:
        registry.faults.append(redirect("/f", target))
        assert reason_of(access, f"{registry.url}/f") is Reason.INVALID

    def authorized(self, registry: Registry) -> bytes:
        client = Client(Settings())
        location = parse_location(f"{registry.url}/f", "test")
        with client.open("GET", location, {"Authorization": "Bearer secret"}) as response:
            data = response.body(1000)
        client.close()
        return data


def redirect(path: str, target: str, status: int = 307) -> Fault:
    def fault(handler: Handler) -> bool:
        if handler.path != path:
            return False
        handler.reply(status, headers={"Location": target})
        return True

    return fault


class TestTLS:
    def test_an_authority_of_ones_own(self, tmp_path: Path) -> None:
        context, authority = certificate(tmp_path, "127.0.0.1")
        with Registry(files={"/f": b"content"}).serving(context) as registry:
            with Access(Settings(authorities=authority)) as access:
                assert get(access, f"{registry.url}/f") == b"content"
            with Access(Settings(pause=lambda _: pytest.fail("asked again"))) as access:
                assert reason_of(access, f"{registry.url}/f") is Reason.TLS
            assert len(registry.requests) == 1

    def test_a_certificate_for_another_host(self, tmp_path: Path) -> None:
        context, authority = certificate(tmp_path, "127.0.0.2")
        with Registry().serving(context) as registry, Access(Settings(authorities=authority)) as access:
            assert reason_of(access, f"{registry.url}/f") is Reason.TLS

    def test_tls_never_leads_to_http(self, tmp_path: Path, registry: Registry) -> None:
        context, authority = certificate(tmp_path, "127.0.0.1")
        registry.files["/g"] = b"content"
        led = Registry(faults=[redirect("/f", f"{registry.url}/g")])
        with led.serving(context), Access(Settings(authorities=authority)) as access:
            assert reason_of(access, f"{led.url}/f") is Reason.INVALID
            assert len(led.requests) == 1
        assert registry.requests == []

    def test_http_where_tls_is_expected(self, registry: Registry) -> None:
        with Access(Settings()) as access:
            assert reason_of(access, f"https://{registry.host}/f") is Reason.TLS

    def test_authorities_that_are_none(self) -> None:
        for text in ("nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
            with pytest.raises(HostError, match="CA certificates"):
                Client(Settings(authorities=text))


def certificate(folder: Path, address: str) -> tuple[ssl.SSLContext, str]:
    """A server context for this address, and the authority (PEM) that vouches for it: itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(private + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, pem.decode()


def test_proxies_of_the_environment_are_not_used(
    registry: Registry, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    registry.files["/f"] = b"content"
    assert get(access, f"{registry.url}/f") == b"content"


def test_addresses_that_operators_type() -> None:
    assert is_url("https://x")
    assert is_url("HTTP://x")
    assert not is_url("x/https://y")
    assert parse_url("https://example.org/x").url == "https://example.org/x"
    assert parse_url("http://127.0.0.1:9/x").host == "127.0.0.1"
    for text in ("http://example.org/x", "https://user@example.org/", "https://", "HTTP://127.0.0.1/"):
        with pytest.raises(UsageError):
            parse_url(text)


def test_plain_http_is_for_this_machine() -> None:
    with Access(Settings(plain_http=True)) as access:
        for name in ("docker.io/stagex/x", "registry.example.org:5000/x", "10.0.0.1:5000/x"):
            with pytest.raises(UsageError, match="--plain-http is for registries on this machine"):
                access.repository(parse_repository(name))
        assert access.repository(parse_repository("localhost:5000/x")).registry.url == "http://localhost:5000/"
        assert access.repository(parse_repository("[::1]:5000/x")).registry.url == "http://[::1]:5000/"
    with Access() as access:
        assert access.repository(parse_repository("127.0.0.1:5000/x")).registry.scheme == "https"
        assert access.repository(parse_repository("stagex/x")).registry.url == "https://registry-1.docker.io/"


def test_without_urllib3_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "urllib3", None)
    with pytest.raises(HostError, match=r"pip install 'airgap\[registry\]'") as caught:
        Client()
    assert caught.value.kind == "extra-missing"
