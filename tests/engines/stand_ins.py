"""Stand-ins for podman, docker and ctr: installed, asked what they hold, and told how to lie."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.cli.site import AT, Result, Site, run
from tests.engines import fake

TARGETS = {"podman": "podman", "docker": "docker", "ctr": "containerd"}
OTHER = "docker.io/stagex/other:1.0"
EVIL = "a" * 64


class Fake:
    """Programs of that name on PATH, and what they hold."""

    def __init__(self, folder: Path, **state: Any) -> None:
        folder.mkdir()
        self.folder = folder
        self.state = {"images": [], "content": [], "lies": {}, "calls": []} | state
        for name in TARGETS:
            (folder / name).write_text(f"#!{sys.executable} -ISB\n" + Path(fake.__file__).read_text())
            (folder / name).chmod(0o755)

    @property
    def state(self) -> Any:
        return json.loads((self.folder / "state.json").read_text())

    @state.setter
    def state(self, value: Any) -> None:
        (self.folder / "state.json").write_text(json.dumps(value))

    def lie(self, **lies: Any) -> None:
        self.state = self.state | {"lies": lies}

    @property
    def names(self) -> dict[str, str]:
        return {name: image["id"] for image in self.state["images"] for name in image["names"]}

    def load(self, site: Site, *targets: str, more: tuple[str, ...] = ()) -> Result:
        to = [text for target in targets for text in ("--to", target)]
        line = ["--trust", site.trust, "--store", site.store, "--at", AT, "--format", "json"]
        return run("import", site.bundle, *line, *to, *more, env={"PATH": str(self.folder)})


LIES: dict[str, Any] = {
    "nothing": {"stdin": -1, "out": "Loaded image: docker.io/stagex/pallet-rust\n"},
    "failure": {"stdin": -1, "status": 1, "err": "no space left on device"},
    "early end": {"stdin": 100, "status": 0},
    "another image": {"stdin": -1, "put": [["{name}", EVIL, f"sha256:{EVIL}"]]},
    "another name": {"stdin": -1, "out": "{said}", "put": [["docker.io/evil/x:1", EVIL, f"sha256:{EVIL}"]]},
}
SAID = {"podman": "Loaded image: {}\n", "docker": "Loaded image: {}\n", "ctr": "unpacking {} (sha256:…)...done\n"}
