"""The trust folder on disk: the root, its certificates, and what proves that neither was touched.

    root.json                  the trust root, canonical; its SHA-256 is the id
    certificates/<FPR>.pgp     the pinned certificates
    state.json                 digests of all of these, and of itself

State that is missing, cut short or flipped is an error, never a first use.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from airgap.digest import digest_of
from airgap.errors import AirgapError, FormatError, HostError, TrustRootError
from airgap.files import host_errors, make_folder, read_bounded, remove_tree, sync_folder, write_whole
from airgap.limits import LIMITS
from airgap.openpgp.keyring import Keyring, load_keyring
from airgap.openpgp.keys import Fingerprint
from airgap.strict_json import Fields, StrictJSONError, canonical, parse_canonical
from airgap.trust.root import TrustRoot, parse_root

SCHEMA: Final = "airgap/trust-state/v1"
_ROOT: Final = "root.json"
_STATE: Final = "state.json"
_CERTIFICATES: Final = "certificates"


@dataclass(frozen=True, slots=True)
class Trust:
    """A trust root with its pinned certificates."""

    root: TrustRoot
    keyring: Keyring


def create_trust(folder: Path, trust: Trust) -> None:
    """Write a new trust folder, whole or not at all. Raises TrustRootError(trust-root-exists), HostError."""
    require_no_trust(folder)
    partial = folder.with_name(f"{folder.name}.airgap-partial")
    remove_tree(partial)
    try:
        make_folder(partial / _CERTIFICATES)
        certificates = {str(one.primary.fingerprint): one.encoded() for one in trust.keyring}
        for fingerprint, data in certificates.items():
            write_whole(partial / _CERTIFICATES / f"{fingerprint}.pgp", data)
        root = trust.root.encoded()
        write_whole(partial / _ROOT, root)
        write_whole(partial / _STATE, _encode_state(root, certificates))
        with host_errors(str(folder)):
            partial.rename(folder)
        sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def require_no_trust(folder: Path) -> None:
    """Raises TrustRootError(trust-root-exists) if the folder is there and not empty."""
    with host_errors(str(folder)):
        occupied = folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir())))
    if occupied:
        raise TrustRootError("trust-root-exists", f"{folder} already exists", path=str(folder))


def load_trust(folder: Path) -> Trust:
    """Read and check a trust folder. Raises TrustRootError, or HostError where a file cannot be read."""
    root_data = _read(folder / _ROOT, LIMITS.bundle_manifest)
    expected_root, fingerprints = _parse_state(_read(folder / _STATE, LIMITS.bundle_manifest), folder)
    if str(digest_of(root_data)) != expected_root:
        raise _invalid(folder, f"{_ROOT} is not the file that was pinned")
    root = parse_root(root_data)
    certificates: list[bytes] = []
    for fingerprint, digest in fingerprints.items():
        data = _read(folder / _CERTIFICATES / f"{fingerprint}.pgp", LIMITS.keyring)
        if str(digest_of(data)) != digest:
            raise _invalid(folder, f"the certificate {fingerprint} is not the one that was pinned")
        certificates.append(data)
    try:
        keyring = load_keyring(certificates)
    except AirgapError as error:
        raise _invalid(folder, f"a pinned certificate cannot be read: {error}") from error
    found = {str(one.primary.fingerprint) for one in keyring}
    if found != set(fingerprints) or not found <= set(map(str, root.people.fingerprints)) or keyring.problems:
        raise _invalid(folder, "the pinned certificates are not those of the people in the root")
    return Trust(root, keyring)


def _encode_state(root: bytes, certificates: dict[str, bytes]) -> bytes:
    body: dict[str, object] = {
        "certificates": {name: str(digest_of(data)) for name, data in certificates.items()},
        "root": str(digest_of(root)),
        "schema": SCHEMA,
    }
    return canonical(body | {"self": str(digest_of(canonical(body)))})


def _parse_state(data: bytes, folder: Path) -> tuple[str, dict[str, str]]:
    try:
        value = parse_canonical(data)
        fields = Fields(value, _STATE)
        own = fields.string("self")
        if fields.string("schema") != SCHEMA:
            raise StrictJSONError(f"its schema is not {SCHEMA}")
        root = fields.string("root")
        certificates = {str(Fingerprint(name)): str(digest) for name, digest in fields.nested("certificates").items()}
        fields.close()
    except (StrictJSONError, ValueError) as error:
        raise _invalid(folder, f"{_STATE}: {error}") from None
    body = {"certificates": certificates, "root": root, "schema": SCHEMA}
    if str(digest_of(canonical(body))) != own:
        raise _invalid(folder, f"{_STATE} was changed or damaged")
    return root, certificates


def _read(path: Path, limit: int) -> bytes:
    try:
        return read_bounded(path, limit)
    except FormatError as error:
        raise _invalid(path.parent, error.message) from error
    except HostError as error:
        if error.kind == "file-not-found":
            raise TrustRootError(
                "trust-root-missing", f"there is no trust root at {path.parent}: {path.name} is missing", path=str(path)
            ) from error
        raise


def _invalid(folder: Path, why: str) -> TrustRootError:
    return TrustRootError("trust-root-invalid", f"the trust folder {folder} is damaged: {why}", path=str(folder))
