"""skopeo, umoci and buildah as the tests use them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REF = "sample"
CONTENT = {"bin/hello": b"#!/bin/sh\necho hello\n", "etc/motd": b"carried by hand\n"}


@dataclass(slots=True)
class Tools:
    """A folder of one test, and what can be made in it. Each maker returns an OCI layout that holds the image REF."""

    folder: Path
    require: Callable[..., None]

    def run(self, *arguments: object, cwd: Path | None = None) -> bytes:
        self.require(str(arguments[0]))
        environment = {**os.environ, "BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs", "HOME": str(self.folder)}
        line = [str(one) for one in arguments]
        done = subprocess.run(line, capture_output=True, check=False, cwd=cwd, env=environment)
        assert done.returncode == 0, (line, done.stderr.decode())
        return done.stdout

    def rootfs(self) -> Path:
        root = self.folder / "rootfs"
        for name, data in CONTENT.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return root

    def by_umoci(self) -> Path:
        layout = self.folder / "umoci"
        root = self.rootfs()
        self.run("umoci", "init", "--layout", layout)
        self.run("umoci", "new", "--image", f"{layout}:{REF}")
        self.run("umoci", "insert", "--image", f"{layout}:{REF}", root, "/")
        return layout

    def by_skopeo(self) -> Path:
        """Once through a docker archive: config, manifest and layers are then skopeo's own."""
        archive, layout = self.folder / "docker.tar", self.folder / "skopeo"
        self.skopeo("copy", f"oci:{self.by_umoci()}:{REF}", f"docker-archive:{archive}:example.org/{REF}:1")
        self.skopeo("copy", f"docker-archive:{archive}", f"oci:{layout}:{REF}")
        return layout

    def by_buildah(self, format_: str = "oci") -> Path:
        layout = self.folder / "buildah"
        self.buildah("from", "--name", "work", "scratch")
        self.buildah("copy", "work", self.rootfs(), "/")
        self.buildah("config", "--cmd", "/bin/hello", "--label", "org.example=1", "work")
        self.buildah("commit", "--quiet", "--format", format_, "work", f"oci:{layout}:{REF}")
        self.buildah("rm", "work")
        return layout

    def skopeo(self, *arguments: object) -> bytes:
        return self.run("skopeo", "--insecure-policy", *arguments)

    def buildah(self, *arguments: object) -> bytes:
        store = ["--root", self.folder / "storage", "--runroot", self.folder / "run", "--storage-driver", "vfs"]
        return self.run("buildah", *store, *arguments)

    def raw_digest(self, image: str, *options: str) -> str:
        """SHA-256 of the manifest that skopeo hands out."""
        return f"sha256:{hashlib.sha256(self.skopeo('inspect', '--raw', *options, image)).hexdigest()}"

    def inspect(self, image: str) -> Any:
        found = json.loads(self.skopeo("inspect", image))
        return {key: found[key] for key in ("Digest", "Created", "Architecture", "Os", "Layers", "Labels", "Env")}

    def stat(self, layout: Path, name: str = REF) -> Any:
        return json.loads(self.run("umoci", "stat", "--json", "--image", f"{layout}:{name}"))

    def unpacked(self, layout: Path, name: str = REF) -> dict[str, bytes]:
        """The files of the image, as umoci unpacks them."""
        bundle = self.folder / f"unpacked {layout.name}"
        self.run("umoci", "unpack", "--rootless", "--image", f"{layout}:{name}", bundle)
        root = bundle / "rootfs"
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
