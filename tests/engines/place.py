"""An offline site whose maintainers sign with gpg, a registry of its own, and the policy over it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import forge

from tests.cli.site import AT, Result, Site, run
from tests.engines.daemons import Podman, Registry
from tests.engines.gpg import Gpg
from tests.engines.tools import Tools

PATH = "site/stagex"


class Place:
    """``carry`` fills the registry, ``write`` the policy; ``copy`` and ``pull`` are what it is asked by."""

    def __init__(self, folder: Path, gpg: Gpg, registry: Registry, tools: Tools) -> None:
        self.gpg, self.registry, self.tools = gpg, registry, tools
        self.site = Site(folder)
        self.site.maintainers.write_text(gpg.maintainers())
        self.site.keyring.write_bytes(gpg.export())
        assert self.site.init().code == 0
        self.folder = folder / "policy"

    def carry(self, images: Sequence[tuple[str, forge.Sample, Sequence[str]]], *, detached: bool = False) -> None:
        """Signed by these people and pushed to the registry by our import."""
        sources = []
        for reference, found, people in images:
            claim = forge.claim(reference, found.digest)
            sign = self.gpg.detach if detached else self.gpg.sign
            self.site.put(reference, found.digest, *(sign(nick, claim) for nick in people))
            sources.append(self.site.image(reference, found))
        exported = self.site.export(*sources)
        assert exported.code == 0, exported
        line = ["--trust", self.site.trust, "--store", self.site.store, "--at", AT, "--format", "json"]
        to = ["--to", f"docker://{self.registry.host}/site", "--plain-http"]
        loaded = run("import", self.site.bundle, *line, *to)
        assert loaded.code == 0, loaded

    def write(self, *more: object) -> Result:
        line = ["--trust", self.site.trust, "--store", self.site.store, "--at", AT, "--format", "json"]
        return run("policy", "write", *line, "-o", self.folder, "--registry", f"{self.registry.host}/site", *more)

    def copy(self, name: str) -> subprocess.CompletedProcess[bytes]:
        """skopeo, with our policy and nothing else."""
        self.tools.require("skopeo")
        where = ["--policy", self.folder / "policy.json", "--registries.d", self.folder / "registries.d"]
        source = f"docker://{self.registry.host}/{PATH}/{name}"
        target = f"dir:{self.tools.folder}/copy"
        self.tools.folder.mkdir(exist_ok=True)
        line = ["skopeo", *map(str, where), "copy", "--src-tls-verify=false", source, target]
        return subprocess.run(line, capture_output=True, check=False)

    def signatures(self, found: forge.Sample, name: str) -> list[Path]:
        return sorted((self.folder / "lookaside" / PATH / f"{name}@{found.digest.replace(':', '=')}").iterdir())

    def bind(self, podman: Podman) -> None:
        """Put the policy where this podman looks for it."""
        settings = podman.folder / ".config" / "containers"
        settings.mkdir(parents=True, exist_ok=True)
        for name in ("policy.json", "registries.d"):
            (settings / name).unlink(missing_ok=True)
            (settings / name).symlink_to(self.folder / name)

    def pull(self, podman: Podman, name: str) -> None:
        """Raises AssertionError with what podman says."""
        podman.run("podman", "pull", "-q", "--tls-verify=false", f"{self.registry.host}/{PATH}/{name}")


def accepted(done: subprocess.CompletedProcess[bytes]) -> bool:
    """Copied; or refused for its signatures, and for nothing else."""
    if done.returncode != 0:
        assert b"Source image rejected" in done.stderr, done.stderr
    return done.returncode == 0
