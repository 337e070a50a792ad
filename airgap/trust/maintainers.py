"""StageX's MAINTAINERS file: people and the full fingerprints of their keys.

``[people.<nick>]`` describes a person, ``[keys.<nick>.<label>] id = "<full fingerprint>"`` gives a key. Other tables
(``machines``) are not ours to judge. The file that comes inside a bundle is compared, never adopted (TRUST rule 2).
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from airgap.errors import FormatError, TrustRootError
from airgap.limits import LIMITS
from airgap.openpgp.keys import Fingerprint, parse_fingerprint

_NICK: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Person:
    """One person with all primary fingerprints that are theirs, sorted. People are counted, not keys (TRUST rule 1)."""

    nick: str
    fingerprints: tuple[Fingerprint, ...]


class People:
    """Everybody whose signature may count, with no fingerprint belonging to two of them."""

    def __init__(self, people: Iterable[Person]) -> None:
        """Raises TrustRootError(key-of-two-people) for a fingerprint that is listed under two nicks."""
        self._people = tuple(sorted(people, key=lambda person: person.nick))
        self._nicks: dict[Fingerprint, str] = {}
        for person in self._people:
            for fingerprint in person.fingerprints:
                other = self._nicks.setdefault(fingerprint, person.nick)
                if other != person.nick:
                    raise TrustRootError(
                        "key-of-two-people",
                        f"fingerprint {fingerprint} is listed under both {other} and {person.nick}",
                        fingerprint=str(fingerprint),
                        people=[other, person.nick],
                    )

    def __iter__(self) -> Iterator[Person]:
        return iter(self._people)

    def __len__(self) -> int:
        return len(self._people)

    def nick_of(self, fingerprint: Fingerprint) -> str | None:
        """Who a *primary* fingerprint belongs to; None for strangers."""
        return self._nicks.get(fingerprint)

    @property
    def fingerprints(self) -> tuple[Fingerprint, ...]:
        return tuple(sorted(self._nicks))

    def fingerprints_of(self, text: str) -> tuple[Fingerprint, ...]:
        """All fingerprints of the person called ``text``, or the one that ``text`` is.

        Raises TrustRootError(person-unknown).
        """
        for person in self._people:
            if person.nick == text and person.fingerprints:
                return person.fingerprints
        with contextlib.suppress(ValueError):
            fingerprint = parse_fingerprint(text)
            if fingerprint in self._nicks:
                return (fingerprint,)
        raise TrustRootError("person-unknown", f"{text[:80]!r} is no person with a key, and no full fingerprint, here")


def parse_maintainers(data: bytes, where: str = "MAINTAINERS") -> People:
    """Read the file. Raises FormatError(maintainers-invalid) or TrustRootError(key-of-two-people)."""
    document = _document(data, where)
    people, keys = _table(document, "people", where), _table(document, "keys", where)
    strangers = sorted(set(keys) - set(people))
    if strangers:
        raise _invalid(where, f"[keys.{strangers[0]}] belongs to nobody under [people]")
    found = [Person(nick, _fingerprints(nick, keys.get(nick, {}), where)) for nick in people]
    if not found:
        raise _invalid(where, "it names no people")
    for nick in people:
        if not _NICK.fullmatch(nick):
            raise _invalid(where, f"{nick[:80]!r} is not a nickname")
    return People(found)


def shared_addresses(data: bytes, where: str = "MAINTAINERS") -> dict[str, list[str]]:
    """E-mail addresses that stand under more than one nick: perhaps one person with two votes.

    Raises FormatError(maintainers-invalid).
    """
    found: dict[str, list[str]] = {}
    for nick, person in _table(_document(data, where), "people", where).items():
        emails = person.get("email", []) if isinstance(person, dict) else []
        for address in {str(one).strip().lower() for one in (emails if isinstance(emails, list) else [emails])}:
            found.setdefault(address, []).append(nick)
    return {address: sorted(nicks) for address, nicks in sorted(found.items()) if len(nicks) > 1}


def _document(data: bytes, where: str) -> dict[str, object]:
    if len(data) > LIMITS.trust_file:
        raise FormatError("limit-exceeded", f"{where}: {len(data)} bytes, over the limit of {LIMITS.trust_file}")
    try:
        return tomllib.loads(data.decode("utf-8", "strict"))
    except UnicodeDecodeError as error:
        raise _invalid(where, f"not UTF-8 at byte {error.start}") from None
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, and int() on thousands of digits
        raise _invalid(where, f"not TOML: {error}") from None


def _fingerprints(nick: str, keys: object, where: str) -> tuple[Fingerprint, ...]:
    if not isinstance(keys, dict):
        raise _invalid(where, f"keys.{nick} is not a table")
    found: set[Fingerprint] = set()
    for label, key in keys.items():
        text = key.get("id") if isinstance(key, dict) else None
        if not isinstance(text, str):
            raise _invalid(where, f"[keys.{nick}.{label}] has no id")
        try:
            found.add(parse_fingerprint(text))
        except ValueError:
            raise _invalid(
                where, f"[keys.{nick}.{label}] id {text[:70]!r} is not a full fingerprint of 40 or 64 hex digits"
            ) from None
    return tuple(sorted(found))


def _table(document: Mapping[str, object], name: str, where: str) -> dict[str, object]:
    table = document.get(name)
    if not isinstance(table, dict):
        raise _invalid(where, f"it has no [{name}] table")
    return table


def _invalid(where: str, why: str) -> FormatError:
    return FormatError("maintainers-invalid", f"{where}: {why}", where=where)
