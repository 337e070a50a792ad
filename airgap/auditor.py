"""Judging a whole signatures repository: every file of every image folder gets a row, whatever state it is in."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar, Final

from airgap.digest import Digest
from airgap.disk.host import host_errors
from airgap.disk.paths import is_folder, is_there, require_no_link
from airgap.disk.reading import read_bounded
from airgap.errors import AirgapError, FormatError, SourceError
from airgap.inputs import read_keyrings, read_listed, read_maintainers
from airgap.limits import LIMITS
from airgap.progress import Progress
from airgap.reference import Reference, parse_reference
from airgap.trust.claim import ClaimFormat
from airgap.trust.evidence import SIGNATURE_FILE, Expectation, Policy, SignatureReport, judge_signature
from airgap.trust.maintainers import People
from airgap.trust.quorum import signers

_MARK: Final = "@sha256="
_FOLDER: Final = re.compile(r"(?P<name>.+)@sha256=(?P<hex>[^=]*)")
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_CHUNK: Final = 25  # image folders judged in one go
_FEW: Final = 200  # image folders for which further processes are not worth their start


@dataclass(frozen=True, slots=True)
class AuditedImage:
    """One image folder. ``digest`` is None where the folder's name gives no whole one."""

    name: str
    digest: Digest | None
    signers: tuple[str, ...]
    reports: tuple[SignatureReport, ...]
    threshold: int

    @property
    def reaches_quorum(self) -> bool:
        return self.digest is not None and len(self.signers) >= self.threshold


@dataclass(frozen=True, slots=True)
class Audited:
    """A whole repository judged: by whom, how many of them, and at which time in seconds since 1970."""

    images: tuple[AuditedImage, ...]
    people: People
    threshold: int
    reference_time: int

    @property
    def is_complete(self) -> bool:
        """Whether there are images, and every one of them reaches its quorum."""
        return bool(self.images) and all(image.reaches_quorum for image in self.images)


def audit_files(
    root: Path,
    keyrings: Iterable[Path],
    maintainers: Path,
    reference_time: int,
    *,
    threshold: int,
    digests: Iterable[Path] = (),
    formats: tuple[ClaimFormat, ...],
    jobs: int,
    progress: Progress,
) -> Audited:
    """Like audit(), with keyrings, MAINTAINERS and digest lists as files.

    Raises HostError, FormatError for those, SourceError if ``root`` cannot be read.
    """
    policy = Policy(read_keyrings(keyrings), formats, reference_time)
    people = read_maintainers(maintainers)
    images = audit(root, policy, people, threshold, listed=read_listed(digests), jobs=jobs, progress=progress)
    return Audited(tuple(images), people, threshold, reference_time)


def audit(
    root: Path,
    policy: Policy,
    people: People,
    threshold: int,
    *,
    listed: Mapping[str, Digest],
    jobs: int,
    progress: Progress,
) -> list[AuditedImage]:
    """Judge every image folder under a lookaside root, in order of its name.

    Large repositories are spread over ``jobs`` processes. ``listed`` are images that must be there (``--digests``);
    one without a folder is a row without signatures.
    Raises SourceError only if ``root`` itself cannot be read.
    """
    if not (is_there(root) and is_folder(root)):
        raise SourceError("signatures-not-found", f"{root}: no such folder of signatures")
    progress.stage("finding signatures", None)
    folders = sorted(_image_folders(root))
    progress.stage("checking signatures", len(folders))
    judge: _Judge = partial(_audit_folders, root, policy, people, threshold)
    chunks = [folders[at : at + _CHUNK] for at in range(0, len(folders), _CHUNK)]
    rows: list[AuditedImage] = []
    with contextlib.ExitStack() as stack:
        judged: Iterable[list[AuditedImage]] = map(judge, chunks)
        if jobs > 1 and len(folders) > _FEW:
            pool = ProcessPoolExecutor(jobs, initializer=_Worker.begin, initargs=(judge,))
            judged = stack.enter_context(pool).map(_Worker.work, chunks)
        for part in judged:
            rows += part
            progress.advance(len(part))
    return rows + list(_missing(rows, listed, threshold))


def _image_folders(root: Path) -> Iterator[Path]:
    """What is called like an image's folder or holds a signature; and what may hold some, and is not looked into.

    That is a link, or a folder that cannot be read: to leave it out would be to say that there is nothing.
    """
    closed: list[Path] = []

    def unreadable(error: OSError) -> None:
        if error.filename == str(root):
            raise error
        closed.append(Path(error.filename))

    with host_errors(str(root)):
        for top, names, files in os.walk(root, onerror=unreadable):
            folder = Path(top)
            if (folder != root and _MARK in folder.name) or any(map(SIGNATURE_FILE.fullmatch, files)):
                yield folder
            yield from (path for name in names if (path := folder / name).is_symlink())
    yield from closed


_Judge = Callable[[Sequence[Path]], list[AuditedImage]]


class _Worker:
    """A process of its own. How it judges is handed over once: copying a keyring takes as long as judging ten files."""

    _judge: ClassVar[_Judge]

    @classmethod
    def begin(cls, judge: _Judge) -> None:
        """Interrupts are for the process that prints; it ends the workers."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        cls._judge = judge

    @classmethod
    def work(cls, folders: Sequence[Path]) -> list[AuditedImage]:
        return cls._judge(folders)


def _audit_folders(
    root: Path, policy: Policy, people: People, threshold: int, folders: Sequence[Path]
) -> list[AuditedImage]:
    return [_audit_folder(root, folder, policy, people, threshold) for folder in folders]


def _audit_folder(root: Path, folder: Path, policy: Policy, people: People, threshold: int) -> AuditedImage:
    relative = folder.relative_to(root).as_posix()
    match = _FOLDER.fullmatch(relative)
    name, hex_ = (match["name"], match["hex"]) if match is not None else (relative, "")
    digest = Digest(hex_) if _HEX.fullmatch(hex_) else None
    reports: list[SignatureReport] = []
    try:
        require_no_link(root, folder)
        with host_errors(str(folder)):
            files = sorted(folder.iterdir(), key=lambda path: (len(path.name), path.name))
        reference = parse_reference(name, "folder")
    except AirgapError as error:
        return AuditedImage(name, digest, (), (SignatureReport(str(folder), error),), threshold)
    for path in files:
        reports.append(_audit_file(path, reference, digest, policy, people))
    return AuditedImage(name, digest, signers(reports) if digest is not None else (), tuple(reports), threshold)


def _audit_file(
    path: Path, reference: Reference, digest: Digest | None, policy: Policy, people: People
) -> SignatureReport:
    try:
        data = read_bounded(path, LIMITS.signature_file)
    except AirgapError as error:
        return SignatureReport(str(path), error)
    report = judge_signature(str(path), data, policy, people=people, expected=Expectation(reference, digest))
    if digest is None and report.counts:
        return replace(report, error=FormatError("digest-invalid", f"{path.parent.name}: no whole digest in its name"))
    if report.counts and not SIGNATURE_FILE.fullmatch(path.name):
        hint = "Rename it: export and podman look for signature-1, signature-2 and so on."
        return replace(
            report, error=SourceError("signatures-not-found", f"{path.name} is no signature's name", hint=hint)
        )
    return report


def _missing(rows: Iterable[AuditedImage], listed: Mapping[str, Digest], threshold: int) -> Iterator[AuditedImage]:
    found = {(row.name.rpartition("/")[2], row.digest) for row in rows}
    for name, digest in sorted(listed.items()):
        if (name.rpartition("/")[2], digest) not in found:
            yield AuditedImage(name, digest, (), (), threshold)
