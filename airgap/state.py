"""The trust folder on disk: the root, its certificates, its memory, and the log of every decision.

    roots/<VERSION>.json       every version of the trust root, canonical; the SHA-256 of the last is the root's id
    certificates/<FPR>-….pgp   the pinned certificates
    state.json                 which of these are in force, with their digests; marks and revocations; its own digest
    audit.log                  the audit log; whoever changes the folder holds it

state.json is what takes effect: other files are written before it, under names that are not in use, and it is replaced
in one step, after the log says why. State that is missing, cut short, flipped, or older than the log is an error, never
a first use.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from airgap.audit import AuditLog, Entry, Head, read_log
from airgap.digest import Digest, digest_of, parse_digest
from airgap.disk.host import host_errors
from airgap.disk.lock import held
from airgap.disk.paths import is_occupied, is_there, make_folder, remove_others, remove_tree
from airgap.disk.reading import read_bounded
from airgap.disk.writing import sync_folder, write_whole
from airgap.errors import KINDS, AirgapError, FormatError, HostError, TrustRootError
from airgap.limits import LIMITS
from airgap.openpgp.keyring import load_keyring
from airgap.openpgp.keys import Fingerprint
from airgap.reference import parse_repository
from airgap.strict_json import Fields, StrictJSONError, canonical, parse_canonical
from airgap.trust.pinned import Memory, Trust
from airgap.trust.rollback import Mark
from airgap.trust.root import TrustRoot, parse_root

SCHEMA: Final = "airgap/trust-state/v1"
LOG_FILE: Final = "audit.log"
_STATE: Final = "state.json"
_ROOTS: Final = "roots"
_CERTIFICATES: Final = "certificates"
_TIME_MAX: Final = 2**33  # seconds since 1970: past OpenPGP's 32 bits
_VERSIONS_MAX: Final = 10_000  # of the root
_TRIES: Final = 3  # readings, when an import is changing the folder at the same time
# A record of the log that names the next state has the digest of it under this name.
_NEXT: Final = "state"
_UNDOES: Final = "undoes"  # names the entry whose state never came into force

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _State:
    """state.json as a value. ``digest`` is of everything in it but the log's head: what a log record names."""

    roots: tuple[Digest, ...]  # of version 1 to the one in force
    certificates: Mapping[Fingerprint, Digest]
    memory: Memory
    log: Head

    def _body(self) -> dict[str, object]:
        memory = self.memory
        return {
            "certificates": {str(fingerprint): str(digest) for fingerprint, digest in self.certificates.items()},
            "maintainers": memory.maintainers,
            "marks": {
                str(repository): {"digests": sorted(map(str, mark.digests)), "time": mark.time}
                for repository, mark in memory.marks.items()
            },
            "revoked": {str(fingerprint): time for fingerprint, time in memory.revoked.items()},
            "roots": list(map(str, self.roots)),
            "schema": SCHEMA,
        }

    @property
    def digest(self) -> str:
        return str(digest_of(canonical(self._body())))

    def encoded(self) -> bytes:
        body = self._body() | {"log": {"entries": self.log.entries, "hash": self.log.hash}}
        return canonical(body | {"self": str(digest_of(canonical(body)))})


class TrustFolder:
    """A trust folder that this process holds: nobody else can change it meanwhile."""

    def __init__(self, folder: Path, trust: Trust, log: AuditLog, *, is_written: bool = True) -> None:
        self._folder = folder
        self._log = log
        self._is_written = is_written
        self._decided = False
        self._pending: _State | None = None
        self._before = trust
        self.trust = trust

    def record(self, record: Record) -> None:
        """Make an entry of the log durable; what was decided and not committed is undone by it. Raises HostError."""
        pending, self._pending, self._decided = self._pending, None, False
        if pending is None or _is_in_force(self._folder, pending):
            self._log.append(record)
            return
        self.trust = self._before
        self._log.append({**record, _UNDOES: self._log.head.entries})

    def decide(self, record: Record, trust: Trust) -> None:
        """Make an entry durable that says that ``trust`` comes into force; commit() makes it so. Raises HostError.

        Where nothing changes, an entry is all there is.
        """
        state = _state_of(trust, Head())
        if self._is_written and state.digest == _state_of(self.trust, Head()).digest:
            self._log.append(record)
        else:
            self._log.append({**record, _NEXT: state.digest})
            self._pending = replace(state, log=self._log.head)
        self._decided = True
        self._before, self.trust = self.trust, trust

    def commit(self) -> None:
        """Bring into force what was decided, in one step. Raises HostError: then all is as before."""
        if not self._decided:
            raise RuntimeError("nothing was decided")
        if self._pending is not None:
            _write(self._folder, self.trust, self._pending)
        self._pending, self._decided, self._is_written = None, False, True


def create_trust(folder: Path, trust: Trust, record: Record) -> None:
    """Write a new trust folder, whole or not at all. Raises TrustRootError(trust-root-exists), HostError."""
    require_no_trust(folder)
    partial = folder.with_name(f"{folder.name}.airgap-partial")
    remove_tree(partial)
    try:
        make_folder(partial)
        write_whole(partial / LOG_FILE, b"")
        with held(partial / LOG_FILE, partial) as file:
            log = AuditLog(file, partial / LOG_FILE, Head(), 0)
            held_folder = TrustFolder(partial, trust, log, is_written=False)
            held_folder.decide(record, trust)
            held_folder.commit()
        with host_errors(str(folder)):
            partial.rename(folder)
        sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def require_no_trust(folder: Path) -> None:
    """Raises TrustRootError(trust-root-exists) if the folder is there and not empty."""
    if is_occupied(folder):
        raise TrustRootError("trust-root-exists", f"{folder} already exists", path=str(folder))


@contextlib.contextmanager
def open_trust(folder: Path) -> Iterator[TrustFolder]:
    """Hold a trust folder for changing it. Raises TrustRootError, HostError(store-locked)."""
    folder = Path(os.path.realpath(folder))  # the operator may have put a link in its place
    with _missing_is_no_first_use(folder / LOG_FILE), held(folder / LOG_FILE, folder) as file:
        trust, tail = _load(folder)
        log = AuditLog(file, folder / LOG_FILE, tail.head, tail.size)
        if tail.is_undone:
            log.append({"event": "interrupted", _UNDOES: tail.head.entries})
        yield TrustFolder(folder, trust, log)


def load_trust(folder: Path) -> Trust:
    """Read and check a trust folder without holding it. Raises TrustRootError, or HostError if it cannot be read."""
    return _load(folder)[0]


@dataclass(frozen=True, slots=True)
class _Tail:
    """The end of the log. ``is_undone`` says that its last entry named a state that never came into force."""

    head: Head
    size: int
    is_undone: bool


def _load(folder: Path) -> tuple[Trust, _Tail]:
    data = _read(folder / _STATE, LIMITS.trust_state)
    for _ in range(_TRIES):
        state = _parse_state(data, folder)
        try:
            trust = _read_trust(folder, state)
            return trust, _require_log(folder, state)
        except TrustRootError:
            # An import may have changed the folder since; if it did not, the error stands.
            again = _read(folder / _STATE, LIMITS.trust_state)
            if again == data:
                raise
            data = again
    raise _invalid(folder, "it changes while it is read")


def _read_trust(folder: Path, state: _State) -> Trust:
    *history, root = [_read_root(folder, version, digest) for version, digest in enumerate(state.roots, 1)]
    certificates: list[bytes] = []
    for fingerprint, digest in state.certificates.items():
        data = _read(folder / _CERTIFICATES / _name(fingerprint, digest), LIMITS.keyring)
        if digest_of(data) != digest:
            raise _invalid(folder, f"the certificate {fingerprint} is not the one that was pinned")
        certificates.append(data)
    try:
        keyring = load_keyring(certificates)
    except AirgapError as error:
        raise _invalid(folder, f"a pinned certificate cannot be read: {error}") from error
    found = {one.primary.fingerprint for one in keyring}
    people = {fingerprint for version in (*history, root) for fingerprint in version.people.fingerprints}
    if found != set(state.certificates) or not found <= people or keyring.problems:
        raise _invalid(folder, "the pinned certificates are not those of the people in the root")
    return Trust(root, keyring, state.memory, tuple(history))


def _read_root(folder: Path, version: int, digest: Digest) -> TrustRoot:
    data = _read(folder / _ROOTS / f"{version}.json", LIMITS.trust_state)
    if digest_of(data) != digest:
        raise _invalid(folder, f"version {version} of the root is not the one that was pinned")
    root = parse_root(data)
    if root.version != version:
        raise _invalid(folder, f"the root is version {root.version}, its file is called {version}")
    return root


def _require_log(folder: Path, state: _State) -> _Tail:
    """The log goes through the entry that brought this state into force, and no later one did with another.

    Raises TrustRootError(audit-log-damaged, trust-root-invalid).
    """
    last = Entry(Head(), b"", 0)
    undone: Entry | None = None
    found = False
    with _missing_is_no_first_use(folder / LOG_FILE):
        for last in read_log(folder / LOG_FILE):
            if last.head.entries == state.log.entries:
                found = last.head == state.log and last.parsed().get(_NEXT) == state.digest
            elif last.head.entries > state.log.entries:
                record = last.parsed()
                if undone is not None and record.get(_UNDOES) != undone.head.entries:
                    raise _invalid(folder, f"{_STATE} is older than entry {undone.head.entries} of the log")
                undone = last if _NEXT in record else None
    if not found:
        raise TrustRootError(
            "audit-log-damaged", f"{folder / LOG_FILE} does not hold entry {state.log.entries}, which {_STATE} names"
        )
    return _Tail(last.head, last.size, undone is not None)


def _state_of(trust: Trust, log: Head) -> _State:
    certificates = {one.primary.fingerprint: digest_of(one.encoded()) for one in trust.keyring}
    roots = tuple(root.id for root in (*trust.history, trust.root))
    return _State(roots, certificates, trust.memory, log)


def _write(folder: Path, trust: Trust, state: _State) -> None:
    """New files first, then state.json, then what is in force no longer is cleared away."""
    make_folder(folder / _CERTIFICATES)
    make_folder(folder / _ROOTS)
    kept = {_name(fingerprint, digest) for fingerprint, digest in state.certificates.items()}
    for certificate in trust.keyring:
        fingerprint = certificate.primary.fingerprint
        _ensure(folder / _CERTIFICATES / _name(fingerprint, state.certificates[fingerprint]), certificate.encoded())
    _ensure(folder / _ROOTS / f"{trust.root.version}.json", trust.root.encoded())
    sync_folder(folder)
    write_whole(folder / _STATE, state.encoded())
    with contextlib.suppress(HostError):  # what is left over is in nobody's way, and cleared the next time
        remove_others(folder / _CERTIFICATES, kept)


def _is_in_force(folder: Path, state: _State) -> bool:
    """Whether it is in its place, although writing it failed: then it was the last step that did."""
    with contextlib.suppress(HostError, FormatError):
        return read_bounded(folder / _STATE, LIMITS.trust_state) == state.encoded()
    return False


def _ensure(path: Path, data: bytes) -> None:
    with contextlib.suppress(HostError, FormatError):
        if read_bounded(path, len(data)) == data:
            return
    write_whole(path, data)


def _name(fingerprint: Fingerprint, digest: Digest) -> str:
    return f"{fingerprint}-{digest.hex[:16]}.pgp"


def _parse_state(data: bytes, folder: Path) -> _State:
    try:
        fields = Fields(parse_canonical(data), _STATE)
        fields.string("self")
        if fields.string("schema") != SCHEMA:
            raise StrictJSONError(f"its schema is not {SCHEMA}")
        log = fields.nested("log")
        state = _State(
            tuple(parse_digest(text, "root") for text in fields.strings("roots", most=_VERSIONS_MAX)),
            {Fingerprint(name): parse_digest(str(text), name) for name, text in fields.nested("certificates").items()},
            _memory(fields),
            Head(log.integer("entries", low=1, high=2**53), log.string("hash")),
        )
        log.close()
        fields.close()
        if not state.roots:
            raise StrictJSONError("it names no root")
    except (StrictJSONError, FormatError, ValueError) as error:
        raise _invalid(folder, f"{_STATE}: {error}") from None
    if state.encoded() != data:
        raise _invalid(folder, f"{_STATE} was changed or damaged")
    return state


def _memory(fields: Fields) -> Memory:
    marks = {}
    for name, value in fields.nested("marks").items():
        mark = Fields(value, f"mark of {name[:200]}")
        digests = frozenset(parse_digest(text, name) for text in mark.strings("digests", most=LIMITS.images))
        marks[parse_repository(name)] = Mark(mark.integer("time", high=_TIME_MAX), digests)
        mark.close()
    nested = fields.nested("revoked")
    revoked = {
        Fingerprint(name): Fields({"time": time}, name).integer("time", high=_TIME_MAX) for name, time in nested.items()
    }
    adopted = fields.take("maintainers")
    time = None if adopted is None else Fields({"time": adopted}, "maintainers").integer("time", high=_TIME_MAX)
    return Memory(marks, revoked, time)


def _read(path: Path, limit: int) -> bytes:
    try:
        with _missing_is_no_first_use(path):
            return read_bounded(path, limit)
    except FormatError as error:
        raise _invalid(path.parent, error.message) from error


@contextlib.contextmanager
def _missing_is_no_first_use(path: Path) -> Iterator[None]:
    try:
        yield
    except HostError as error:
        if error.kind != "file-not-found" or error.facts.get("path") != str(path):
            raise
        why, hint = f"there is no trust root at {path.parent}: {path.name} is missing", None
        if any(is_there(place / name) for place in path.parents[:2] for name in (_STATE, LOG_FILE, _ROOTS)):
            why, hint = f"{path} is missing, and the rest of the trust root is not", KINDS["trust-root-invalid"].hint
        raise TrustRootError("trust-root-missing", why, hint=hint, path=str(path)) from error


def _invalid(folder: Path, why: str) -> TrustRootError:
    return TrustRootError("trust-root-invalid", f"the trust folder {folder} is damaged: {why}", path=str(folder))
