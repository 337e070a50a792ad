"""Logging in: whose credentials are found, where they are sent, and where not."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.digest import parse_digest
from airgap.reference import parse_repository
from airgap.registry.auth import parse_challenge
from airgap.registry.credentials import Credentials, CredentialStore
from airgap.registry.problem import Reason, RegistryProblem
from airgap.registry.repository import RemoteRepository
from tests.cli.site import sample
from tests.sources.conftest import REPOSITORY, Opener
from tests.sources.server import Handler, Registry, basic

IMAGE = sample()


def auth(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def write(path: Path, document: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def find(environment: Mapping[str, str], name: str = "example.org/a/b") -> Credentials | None:
    return CredentialStore(environment).find(parse_repository(name))


def helper(folder: Path, name: str, script: str) -> dict[str, str]:
    """The environment in which docker-credential-NAME is this shell script."""
    path = folder / "bin" / f"docker-credential-{name}"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"PATH": f"{path.parent}:/usr/bin:/bin", "HOME": str(folder)}


class TestFiles:
    def test_the_first_file_that_knows(self, tmp_path: Path) -> None:
        environment = {"HOME": str(tmp_path / "home"), "XDG_RUNTIME_DIR": str(tmp_path / "run")}
        assert find(environment) is None
        places = [
            tmp_path / "home/.docker/config.json",
            tmp_path / "home/.config/containers/auth.json",
            tmp_path / "run/containers/auth.json",
        ]
        for number, path in enumerate(places):
            write(path, {"auths": {"example.org": auth(f"user{number}", "p")}})
            assert find(environment) == Credentials(f"user{number}", "p")
        write(places[2], {"auths": {"other.org": auth("x", "y")}})
        assert find(environment) == Credentials("user1", "p")

    def test_folders_of_the_environment(self, tmp_path: Path) -> None:
        write(tmp_path / "d" / "config.json", {"auths": {"example.org": auth("docker", "p")}})
        environment = {"DOCKER_CONFIG": str(tmp_path / "d"), "XDG_CONFIG_HOME": str(tmp_path / "c")}
        assert find(environment) == Credentials("docker", "p")
        write(tmp_path / "c" / "containers" / "auth.json", {"auths": {"example.org": auth("podman", "p")}})
        assert find(environment) == Credentials("podman", "p")

    def test_the_named_file_alone(self, tmp_path: Path) -> None:
        write(tmp_path / ".docker" / "config.json", {"auths": {"example.org": auth("user", "p")}})
        named = write(tmp_path / "named.json", {"auths": {}})
        assert find({"HOME": str(tmp_path), "REGISTRY_AUTH_FILE": str(named)}) is None

    @pytest.mark.parametrize(
        ("keys", "name", "found"),
        [
            (["example.org", "example.org/a", "example.org/a/b"], "example.org/a/b", "example.org/a/b"),
            (["example.org", "example.org/a"], "example.org/a/b", "example.org/a"),
            (["example.org", "example.org/a"], "example.org/ab", "example.org"),
            (["https://example.org/v1/"], "example.org/a", "https://example.org/v1/"),
            (["https://index.docker.io/v1/"], "stagex/x", "https://index.docker.io/v1/"),
            (["docker.io"], "docker.io/stagex/x", "docker.io"),
            (["docker.io/stagex"], "docker.io/stagex/x", "docker.io/stagex"),
            (["example.org:5000"], "example.org:5000/a", "example.org:5000"),
            (["example.org:5000"], "example.org/a", None),
            (["ample.org", "example.org.evil.org"], "example.org/a", None),
        ],
    )
    def test_the_most_specific_entry(self, tmp_path: Path, keys: list[str], name: str, found: str | None) -> None:
        path = write(tmp_path / "auth.json", {"auths": {key: auth("u", key) for key in keys}})
        credentials = find({"REGISTRY_AUTH_FILE": str(path)}, name)
        assert (credentials and credentials.secret) == found

    def test_a_password_with_colons_and_an_identity_token(self, tmp_path: Path) -> None:
        entries = {"a.org": auth("u", "p:q:r"), "b.org": {"auth": "", "identitytoken": "t"}, "c.org": {}}
        environment = {"REGISTRY_AUTH_FILE": str(write(tmp_path / "auth.json", {"auths": entries}))}
        assert find(environment, "a.org/x") == Credentials("u", "p:q:r")
        assert find(environment, "b.org/x") == Credentials("<token>", "t", is_identity_token=True)
        assert find(environment, "c.org/x") is None

    @pytest.mark.parametrize(
        "text",
        [
            *("", "[]", '{"auths":[]}', '{"auths":{"example.org":[]}}', '{"auths":{"example.org":{"auth":1}}}'),
            *('{"auths":{"example.org":{"auth":"%%"}}}', '{"auths":{"example.org":{"auth":"bm9jb2xvbg=="}}}'),
            *('{"credHelpers":{"example.org":"../evil"}}', '{"credsStore":"a/b"}', '{"credsStore":7}'),
            '{"credHelpers":{"example.org":"no-such-helper"}}',
        ],
    )
    def test_a_broken_file_is_no_missing_one(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "auth.json").write_text(text)
        with pytest.raises(RegistryProblem) as caught:
            find({"REGISTRY_AUTH_FILE": str(tmp_path / "auth.json"), "PATH": "/usr/bin"})
        assert caught.value.reason is Reason.CREDENTIALS

    def test_secrets_are_not_shown(self) -> None:
        assert "secret" not in repr(Credentials("user", "secret"))
        assert "secret" not in f"{Credentials('user', 'secret')}"


class TestHelpers:
    def test_a_helper_for_a_host_and_one_for_the_rest(self, tmp_path: Path) -> None:
        script = 'read server; echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"u\\",\\"Secret\\":\\"$server\\"}"'
        environment = helper(tmp_path, "one", script)
        helper(tmp_path, "two", 'read server; echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"$server\\"}"')
        write(tmp_path / ".docker/config.json", {"credHelpers": {"example.org": "one"}, "credsStore": "two"})
        assert find(environment) == Credentials("u", "example.org")
        assert find(environment, "other.org/x") == Credentials("<token>", "other.org", is_identity_token=True)
        assert find(environment, "stagex/x") == Credentials(
            "<token>", "https://index.docker.io/v1/", is_identity_token=True
        )

    def test_a_helper_that_knows_nothing(self, tmp_path: Path) -> None:
        environment = helper(tmp_path, "one", 'echo "credentials not found in native keychain"; exit 1')
        write(tmp_path / ".docker/config.json", {"credsStore": "one"})
        assert find(environment) is None

    @pytest.mark.parametrize("script", ["exit 1", "echo s3cret; exit 3", "echo not json", "echo '{}'", "yes s3cret"])
    def test_a_helper_that_fails_says_no_secret(self, tmp_path: Path, script: str) -> None:
        environment = helper(tmp_path, "one", script)
        write(tmp_path / ".docker/config.json", {"credsStore": "one"})
        with pytest.raises(RegistryProblem) as caught:
            find(environment)
        assert caught.value.reason is Reason.CREDENTIALS
        assert "s3cret" not in str(caught.value)


class TestChallenges:
    @pytest.mark.parametrize(
        ("text", "scheme", "parameters"),
        [
            ('Bearer realm="https://a/t",service="s",scope="r:x:pull,push"', "bearer", {"realm": "https://a/t"}),
            ('BEARER realm = "https://a/t" , service=s', "bearer", {"realm": "https://a/t", "service": "s"}),
            ('Basic realm="a \\"quoted\\" b"', "basic", {"realm": 'a "quoted" b'}),
            ('Bearer realm="first",realm="second"', "bearer", {"realm": "first"}),
            ("Basic", "basic", {}),
            ("", "", {}),
        ],
    )
    def test_parsed(self, text: str, scheme: str, parameters: dict[str, str]) -> None:
        found, values = parse_challenge(text)
        assert found == scheme
        assert {name: values[name] for name in parameters} == parameters

    @given(st.text(alphabet='Bearl=", \\ms\t', max_size=3000))
    def test_any_text_is_read_or_not_and_soon(self, text: str) -> None:
        parse_challenge(text)

    def test_a_long_one(self) -> None:
        parse_challenge("Bearer " + 'a="\\' * 100_000)
        parse_challenge("Bearer " + "a=" + " " * 100_000)


@pytest.fixture
def environment(registry: Registry, tmp_path: Path) -> dict[str, str]:
    """Credentials for the registry under test."""
    path = write(tmp_path / "auth.json", {"auths": {registry.host: auth("user", "pass")}})
    return {"REGISTRY_AUTH_FILE": str(path)}


class TestLogin:
    @pytest.fixture(autouse=True)
    def image(self, registry: Registry) -> None:
        registry.add(REPOSITORY, IMAGE, "v1")

    def test_basic(self, registry: Registry, remote: Opener, environment: dict[str, str]) -> None:
        registry.login = ("user", "pass")
        repository = remote(environment)
        assert repository.manifest("v1").data == IMAGE.root.data
        assert repository.manifest("v1").data == IMAGE.root.data
        used = basic("user", "pass")
        assert registry.authorizations("/manifests/") == ["", used, used]

    def test_basic_with_a_wrong_password(self, registry: Registry, remote: Opener, environment: dict[str, str]) -> None:
        registry.login = ("user", "other")
        assert reason_of(remote(environment)) is Reason.DENIED
        assert len(registry.requests) == 2

    def test_basic_without_credentials(self, registry: Registry, remote: Opener) -> None:
        registry.login = ("user", "pass")
        assert reason_of(remote()) is Reason.DENIED

    def test_an_anonymous_token(self, registry: Registry, remote: Opener) -> None:
        registry.token = "t0ken"
        repository = remote()
        assert repository.manifest("v1").data == IMAGE.root.data
        assert repository.tags() == ["v1"]
        asked = [path for _, path, _ in registry.requests if path.startswith("/token")]
        assert asked == ["/token?service=tests&scope=repository%3Astagex%2Fx%3Apull"]

    def test_a_token_for_a_user(self, registry: Registry, remote: Opener, environment: dict[str, str]) -> None:
        """The password goes to the token server, the token to the registry."""
        registry.token, registry.login = "t0ken", ("user", "pass")
        assert remote(environment).manifest("v1").data == IMAGE.root.data
        assert registry.authorizations("/token") == [basic("user", "pass")]
        assert registry.authorizations("/manifests/") == ["", "Bearer t0ken"]

    def test_a_token_for_an_identity_token(self, registry: Registry, remote: Opener, tmp_path: Path) -> None:
        registry.token, registry.login = "t0ken", ("user", "pass")
        entry = {"identitytoken": "identity"}
        path = write(tmp_path / "auth.json", {"auths": {registry.host: entry}})
        assert remote({"REGISTRY_AUTH_FILE": str(path)}).manifest("v1").data == IMAGE.root.data
        methods = [
            (method, headers.get("Authorization")) for method, path, headers in registry.requests if path == "/token"
        ]
        assert methods == [("POST", None)]

    def test_a_token_that_is_not_given(self, registry: Registry, remote: Opener) -> None:
        registry.token, registry.login = "t0ken", ("user", "pass")
        assert reason_of(remote()) is Reason.DENIED

    def test_a_token_that_expires_on_the_way(self, registry: Registry, remote: Opener) -> None:
        registry.token = "first"
        repository = remote()
        repository.manifest("v1")
        registry.token = "second"
        assert repository.manifest("v1").data == IMAGE.root.data
        assert registry.authorizations("/manifests/") == ["", "Bearer first", "Bearer first", "Bearer second"]

    def test_a_token_that_is_never_taken(self, registry: Registry, remote: Opener) -> None:
        registry.token = "t0ken"

        def other(handler: Handler) -> bool:
            if handler.path.startswith("/token"):
                handler.reply(200, b'{"token":"other"}')
                return True
            return False

        registry.faults.append(other)
        assert reason_of(remote()) is Reason.DENIED
        assert len(registry.requests) == 3

    @pytest.mark.parametrize(
        "answer",
        [b"", b"{}", b'{"token":""}', b'{"token":7}', b'{"token":"a\\r\\nHost: evil"}', b"[" * 70_000, bytes(70_000)],
    )
    def test_a_token_that_is_none(self, registry: Registry, remote: Opener, answer: bytes) -> None:
        registry.token = "t0ken"
        registry.faults.append(lambda handler: handler.path.startswith("/token") and handler.reply(200, answer))
        assert reason_of(remote()) is Reason.INVALID

    @pytest.mark.parametrize(
        "realm", ["http://192.0.2.1/token", "ftp://127.0.0.1/", "", "https://user:x@127.0.0.1/", "http://127.0.0.1 /"]
    )
    def test_a_token_server_that_must_not_be_asked(
        self, registry: Registry, remote: Opener, environment: dict[str, str], realm: str
    ) -> None:
        registry.faults.append(lambda handler: handler.reply(401, headers=challenge(f'Bearer realm="{realm}"')))
        assert reason_of(remote(environment)) is Reason.INVALID

    @pytest.mark.parametrize("text", ["", "Negotiate", 'Digest realm="x"'])
    def test_an_unknown_way_to_log_in(
        self, registry: Registry, remote: Opener, environment: dict[str, str], text: str
    ) -> None:
        registry.faults.append(lambda handler: handler.reply(401, headers=challenge(text)))
        assert reason_of(remote(environment)) is Reason.DENIED
        assert registry.authorizations("") == [""]

    def test_ldr_11_nobody_is_logged_in_where_a_redirect_leads(
        self, registry: Registry, remote: Opener, environment: dict[str, str]
    ) -> None:
        """Another host that asks for the password gets neither it nor the registry's token."""
        registry.token, registry.login = "t0ken", ("user", "pass")
        digest = IMAGE.layers[0].digest
        with Registry(
            faults=[lambda handler: handler.reply(401, headers=challenge('Basic realm="x"')) or True]
        ).serving() as evil:

            def away(handler: Handler) -> bool:
                if "/blobs/" in handler.path and handler.headers.get("Authorization") == "Bearer t0ken":
                    handler.reply(307, headers={"Location": f"{evil.url}/steal"})
                    return True
                return False

            registry.faults.append(away)
            repository = remote(environment)
            with pytest.raises(RegistryProblem) as caught:
                list(repository.blob(parse_digest(digest, "x"), len(IMAGE.layers[0].data)))
        assert caught.value.reason is Reason.DENIED
        assert evil.authorizations("") == [""]


def challenge(text: str) -> dict[str, str]:
    return {"WWW-Authenticate": text}


def reason_of(repository: RemoteRepository) -> Reason:
    with pytest.raises(RegistryProblem) as caught:
        repository.manifest("v1")
    return caught.value.reason
