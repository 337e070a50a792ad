"""Sets of images, and the commands that export, verify and import them: ours and by hand."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.measure import Step, once

SCRIPTS = Path(__file__).resolve().parents[1]
AIRGAP = (sys.executable, "-m", "airgap")
AT = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class ImageSet:
    """Images of one layout that travel together, ``count`` of them from the first on."""

    data: Path
    name: str
    count: int = 1

    @property
    def title(self) -> str:
        kind, _, size = self.name.partition("-")
        what = {"raw": "raw layer", "gzip": "gzip layer", "zeros": "layer of zeros"}.get(kind)
        return f"{self.count} small images, {2 * self.count} signatures" if what is None else f"{size} MB {what}"

    @property
    def trust(self) -> Path:
        """Keyring and MAINTAINERS, as they are found online."""
        return self.data / "trust"

    @property
    def root(self) -> Path:
        """What `airgap trust init` made of them."""
        return self.data / "root"

    @property
    def folder(self) -> Path:
        return self.data / self.name

    @property
    def bundle(self) -> Path:
        return self.folder / f"ours-{self.count}.airgap.tar.zst"

    @property
    def by_hand(self) -> Path:
        return self.folder / f"hand-{self.count}.tar.zst"

    @cached_property
    def names(self) -> list[str]:
        return [self.name] if self.name != "many" else [f"many-{number}" for number in range(self.count)]

    @cached_property
    def amount(self) -> int:
        """Bytes of blobs: what there is to hash."""
        index = json.loads((self.folder / "layout" / "index.json").read_bytes())
        total = 0
        for entry in index["manifests"][: self.count]:
            blob = self.folder / "layout" / "blobs" / "sha256" / entry["digest"].removeprefix("sha256:")
            manifest = json.loads(blob.read_bytes())
            total += entry["size"] + manifest["config"]["size"] + sum(layer["size"] for layer in manifest["layers"])
        return total

    def export(self, output: Path) -> Step:
        listed = self.folder / f"images-{self.count}.txt"
        layout, trust = self.folder / "layout", self.trust
        listed.write_text("".join(f"docker.io/stagex/{name}=oci:{layout}:{name}\n" for name in self.names))
        evidence = ["--keyring", f"{trust}/keyring.pgp", "--maintainers", f"{trust}/MAINTAINERS"]
        evidence += ["--signatures", f"{self.folder}/signatures", "--at", AT]
        return Step([*AIRGAP, "export", "--images", str(listed), *evidence, "-o", str(output)], [output])

    def export_by_hand(self, output: Path) -> Step:
        names, work = self.folder / f"names-{self.count}.txt", self.folder / "hand-work"
        names.write_text("".join(f"{name}\n" for name in self.names))
        inputs = [self.folder / "layout", names, self.folder / "signatures", self.trust]
        return Step(
            [str(SCRIPTS / "benchmarks" / "export_by_hand.sh"), *map(str, inputs), str(work), str(output)],
            [work, output],
        )

    def verify(self) -> Step:
        return Step([*AIRGAP, "verify", str(self.bundle), "--trust", str(self.root), "--at", AT])

    def import_(self) -> Step:
        store = self.folder / "store"
        command = [*AIRGAP, "import", str(self.bundle), "--trust", str(self.root), "--store", str(store)]
        return Step([*command, "--at", AT], [store])

    def import_by_hand(self) -> Step:
        work, store = self.folder / "hand-work", self.folder / "hand-store"
        script = str(SCRIPTS / "benchmarks" / "import_by_hand.sh")
        return Step([script, *map(str, (self.by_hand, self.trust, work, store))], [work, store])

    def prepare(self) -> None:
        """The bundle that verify and import read."""
        if not self.bundle.exists():
            step = self.export(self.bundle)
            once(Step(step.command))

    def prepare_by_hand(self) -> None:
        if not self.by_hand.exists():
            step = self.export_by_hand(self.by_hand)
            once(Step(step.command))
            once(Step(["rm", "-rf", str(self.folder / "hand-work")]))
