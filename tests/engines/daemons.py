"""Real engines for one test: started in private folders, on private sockets and loopback ports, stopped by their pid.

Each has ``env``, by which their client programs find them, and tells what it holds in its own words, without airgap.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.engines.registry import free_port

_START_SECONDS = 30.0


class Daemon:
    """A program that runs while the test does."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.env: dict[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *line: object, ready: Callable[[], object]) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([str(one) for one in line], stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + _START_SECONDS
        while not ready():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError((line, (self.folder / "log").read_text()[-2000:]))
            time.sleep(0.02)
        # Somebody else's may have taken the port meanwhile, and answer in its place.
        assert self.process.poll() is None, (line, (self.folder / "log").read_text()[-2000:])

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def run(self, *line: object, stdin: bytes = b"", check: bool = True) -> bytes:
        done = subprocess.run(
            [str(one) for one in line], input=stdin, capture_output=True, check=False, env={**os.environ, **self.env}
        )
        assert not check or done.returncode == 0, (line, done.stderr.decode())
        return done.stdout


class EngineDaemon(Daemon, ABC):
    """One that holds images under names."""

    @abstractmethod
    def held(self) -> dict[str, str]:
        """Every name, and the digest that it stands for."""

    @abstractmethod
    def image_count(self) -> int:
        """Images, named or not."""


class Podman(EngineDaemon):
    """No daemon: a storage of its own."""

    name = "podman"

    def start_up(self) -> None:
        conf = self.folder / "storage.conf"
        conf.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{self.folder}/root"\nrunroot = "{self.folder}/run"\n')
        self.env = {"CONTAINERS_STORAGE_CONF": str(conf), "HOME": str(self.folder), "TMPDIR": str(self.folder)}

    def images(self) -> list[Any]:
        found: list[Any] = json.loads(self.run("podman", "images", "--all", "--no-trunc", "--format", "json"))
        return found

    def held(self) -> dict[str, str]:
        return {name: image["Digest"] for image in self.images() for name in image.get("Names") or []}

    def image_count(self) -> int:
        return len(self.images())

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Nothing runs, but vfs leaves read-only folders."""
        self.run("podman", "rmi", "--all", "--force", check=False)


class Docker(EngineDaemon):
    """dockerd with vfs and no network."""

    name = "docker"

    def start_up(self) -> None:
        sock = self.folder / "d.sock"
        remove(self.folder / "e")  # a killed dockerd leaves the socket and pid of its containerd, and waits for them
        self.env = {"DOCKER_HOST": f"unix://{sock}", "HOME": str(self.folder)}
        places = [f"--data-root={self.folder}/d", f"--exec-root={self.folder}/e", f"--pidfile={self.folder}/p"]
        network = ["--iptables=false", "--ip6tables=false", "--bridge=none"]
        line = ["dockerd", *network, "--storage-driver=vfs", *places, "-H", f"unix://{sock}"]
        self.start(*line, ready=lambda: self.run("docker", "version", check=False) and self.answers())

    def answers(self) -> bool:
        return subprocess.run(["docker", "info"], env={**os.environ, **self.env}, capture_output=True).returncode == 0

    def images(self) -> list[Any]:
        lines = self.run("docker", "images", "--all", "--no-trunc", "--format", "{{json .}}").splitlines()
        return [json.loads(line) for line in lines]

    def held(self) -> dict[str, str]:
        found = {}
        for image in self.images():
            if image["Tag"] != "<none>":
                domain = "" if "." in image["Repository"].partition("/")[0] else "docker.io/"
                found[f"{domain}{image['Repository']}:{image['Tag']}"] = image["ID"]
        return found

    def image_count(self) -> int:
        return len({image["ID"] for image in self.images()})


class Containerd(EngineDaemon):
    """containerd without its Kubernetes part."""

    name = "containerd:k8s.io"

    def start_up(self) -> None:
        config, sock = self.folder / "config.toml", self.folder / "c.sock"
        config.write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
        self.env = {"CONTAINERD_ADDRESS": str(sock)}
        places = ["--address", sock, "--root", self.folder / "root", "--state", self.folder / "state"]
        self.start("containerd", "--config", config, *places, ready=self.answers)

    def answers(self) -> bool:
        done = subprocess.run(["ctr", "version"], env={**os.environ, **self.env}, capture_output=True)
        return done.returncode == 0

    def ctr(self, *line: object, **options: Any) -> bytes:
        return self.run("ctr", "-n", "k8s.io", *line, **options)

    def held(self) -> dict[str, str]:
        rows = [line.split() for line in self.ctr("images", "ls").decode().splitlines()[1:]]
        return {row[0]: row[2] for row in rows}

    def image_count(self) -> int:
        return len(self.held())

    def content(self, digest: str) -> bytes:
        return self.ctr("content", "get", digest)


class Registry(Daemon):
    """Debian's docker-registry, with deletion switched on."""

    def start_up(self) -> None:
        self.port = free_port()
        config = self.folder / "config.yml"
        config.write_text(
            "version: 0.1\nlog: {level: warn}\n"
            f"storage: {{filesystem: {{rootdirectory: {self.folder}/data}}, delete: {{enabled: true}}}}\n"
            f"http: {{addr: '127.0.0.1:{self.port}'}}\n"
        )
        self.start("docker-registry", "serve", config, ready=self.answers)

    @classmethod
    def at(cls, host: str) -> Registry:
        """One that is running already."""
        found = cls.__new__(cls)
        found.port = int(host.rpartition(":")[2])
        return found

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answers(self) -> bool:
        try:
            return bool(self.request("GET", "").status == 200)
        except (urllib.error.URLError, ConnectionError):
            return False

    def request(self, method: str, path: str, data: bytes | None = None, headers: Mapping[str, str] = {}) -> Any:
        request = urllib.request.Request(
            f"http://{self.host}/v2/{path}", data=data, method=method, headers=dict(headers)
        )
        return urllib.request.urlopen(request, timeout=20)


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
