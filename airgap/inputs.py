"""What an operator names on a command line, or a caller to the library: keyrings, MAINTAINERS, digest lists, as files.

Each is read within its limit, and parsed by the module that knows its form; errors name the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from airgap.digest import Digest
from airgap.disk.host import host_errors
from airgap.disk.reading import read_given
from airgap.errors import FormatError, OpenPGPError, SourceError
from airgap.limits import LIMITS
from airgap.openpgp.keyring import Keyring, load_keyring
from airgap.sources.spec import parse_digest_list
from airgap.trust.maintainers import People, parse_maintainers
from airgap.trust.rotation import Offer


def read_keyrings(paths: Iterable[Path]) -> Keyring:
    """All certificates of all files. Raises the error of the first file that is no keyring, naming it."""
    return load_keyrings((str(path), read_given(path, LIMITS.keyring)) for path in paths)


def load_keyrings(files: Iterable[tuple[str, bytes]]) -> Keyring:
    """Like read_keyrings(), for the names and bytes of files that were read already."""
    keyring = Keyring()
    for name, data in files:
        try:
            keyring = keyring.merged_with(load_keyring([data]))
        except (FormatError, OpenPGPError) as error:
            raise type(error)(error.kind, f"{name}: {error.message}", hint=error.hint, path=name) from error
    if not keyring and not keyring.problems:
        raise FormatError("keyring-invalid", "the keyring files hold no certificate")
    return keyring


def read_maintainers(path: Path) -> People:
    """Raises HostError, FormatError(maintainers-invalid)."""
    return parse_maintainers(read_given(path, LIMITS.trust_file), str(path))


def read_listed(paths: Iterable[Path]) -> dict[str, Digest]:
    """Names and digests of all digest lists; the last one to name an image has it.

    Raises HostError, FormatError(digest-list-invalid).
    """
    return {
        name: found
        for path in paths
        for name, found in parse_digest_list(read_given(path, LIMITS.trust_file), str(path)).items()
    }


def read_signed_maintainers(newest: bytes, signatures: Path | None) -> list[Offer]:
    """MAINTAINERS with the signatures over it in a folder, after its earlier versions with theirs, oldest first.

    Raises SourceError(source-not-found, source-invalid), HostError, FormatError(limit-exceeded).
    """
    if signatures is None:
        return [Offer(newest)]
    earlier = [
        Offer(read_given(folder / "MAINTAINERS", LIMITS.trust_file), _read_signatures(folder))
        for folder in _numbered(signatures)
    ]
    return [*earlier, Offer(newest, _read_signatures(signatures))]


def _read_signatures(folder: Path) -> tuple[tuple[str, bytes], ...]:
    with host_errors(str(folder)):
        paths = sorted(path for path in folder.iterdir() if path.name != "MAINTAINERS" and not path.is_dir())
    if len(paths) > LIMITS.signatures_per_image:
        raise SourceError("source-invalid", f"{folder}: more than {LIMITS.signatures_per_image} signature files")
    return tuple((path.name, read_given(path, LIMITS.signature_file)) for path in paths)


def _numbered(folder: Path) -> list[Path]:
    """The folders 1, 2, 3 … of earlier versions."""
    with host_errors(str(folder)):
        names = {path.name for path in folder.iterdir() if path.is_dir()}
    numbered = [str(number) for number in range(1, len(names) + 1)]
    if names != set(numbered) or len(names) > LIMITS.maintainers_history:
        raise SourceError(
            "source-invalid",
            f"{folder}: folders of earlier versions are called 1, 2, … up to {LIMITS.maintainers_history}; "
            f"found {', '.join(sorted(names))[:200]}",
            hint="Number the folders from the oldest version on, without gaps.",
        )
    return [folder / name for name in numbered]
