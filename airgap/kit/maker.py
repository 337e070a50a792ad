"""The workflow of ``airgap kit``: own wheel, wheels for each target, what checks and installs them, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from airgap.bundle import tar
from airgap.bundle.format import TAR_BLOCK
from airgap.digest import Digest, digest_of
from airgap.disk.folders import publish_folder
from airgap.disk.writing import write_whole
from airgap.errors import SourceError
from airgap.kit.closure import Resolved, read_wheels, resolve
from airgap.kit.content import Package, bill_of_materials, packages, requirements, sums, texts
from airgap.kit.own import own_wheel
from airgap.kit.pip import Pip, working_folder
from airgap.kit.target import Target
from airgap.kit.wheel import Wheel, in_normal_form
from airgap.progress import Progress

# Published without wheels; it has no compiled parts, so one that is made here serves every target.
_MADE_HERE: Final = "pgpy"
_SUMS: Final = "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class Kit:
    """The files of a kit by path. ``id`` is the SHA-256 of its list of files, so it covers all of them."""

    version: str
    targets: tuple[Target, ...]
    packages: tuple[Package, ...]
    files: Mapping[str, bytes]

    @property
    def id(self) -> Digest:
        return digest_of(self.files[_SUMS])

    def write_folder(self, folder: Path) -> None:
        """All files in a new folder, or none. Raises HostError(output-exists)."""
        publish_folder(folder, self.files)

    def write_archive(self, file: Path) -> bytes:
        """A tar file with one folder in it; what it holds is compressed already. Returns its bytes."""
        data = self._archive()
        write_whole(file, data)
        return data

    def _archive(self) -> bytes:
        pieces = []
        for path, data in sorted(self.files.items()):
            pieces += [tar.header(f"airgap-kit-{self.version}/{path}", len(data)), data, tar.padding(len(data))]
        return b"".join([*pieces, bytes(2 * TAR_BLOCK)])


def make_kit(targets: Sequence[Target], extras: Sequence[str], pip: Pip, progress: Progress) -> Kit:
    """Ask the index that pip is configured for. Nothing is written. Raises SourceError, IntegrityError, HostError."""
    wanted = sorted(extras)
    progress.stage("building", None)
    own = own_wheel(pip)
    resolved: list[Resolved] = []
    with working_folder() as made:
        for wheel in _built(own, pip):
            write_whole(made / wheel.filename, wheel.data)
        for target in targets:
            progress.stage(f"fetching for {target}", None)
            resolved.append(resolve(target, own, wanted, pip, made))
    all_ = packages(resolved)
    files = {f"wheels/{wheel.filename}": wheel.data for package in all_ for wheel in package.wheels}
    files |= texts(str(own.version), targets)
    files["requirements.txt"] = requirements(all_, targets, own, wanted)
    files["sbom.cdx.json"] = bill_of_materials(all_, resolved, own)
    return Kit(str(own.version), tuple(targets), all_, {**files, _SUMS: sums(files)})


def _built(own: Wheel, pip: Pip) -> list[Wheel]:
    """The wheels of dependencies that come as source only."""
    built = []
    for one in own.requires:
        if one.name.lower() == _MADE_HERE:
            with working_folder() as folder:
                pip.build(f"{one.name}{one.specifier}", folder)
                [wheel] = read_wheels(folder)
            if not wheel.is_pure:
                raise SourceError("package-invalid", f"{wheel.filename}: made here, it would run on this machine only")
            built.append(in_normal_form(wheel))
    return built
