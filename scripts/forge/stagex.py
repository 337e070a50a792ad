"""The files around the images in StageX's repository: MAINTAINERS, signatures, digests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Person:
    """A maintainer: full fingerprints, any case; the first key is labelled "personal", further ones key2, key3 …"""

    nick: str
    name: str
    email: str | tuple[str, ...]
    fingerprints: tuple[str, ...]


def maintainers_toml(people: Sequence[Person]) -> str:
    """A MAINTAINERS file of the form in use since 2025: tables of people, then tables of keys."""
    lines = ["[people]", ""]
    for person in people:
        email = person.email if isinstance(person.email, str) else list(person.email)
        lines += [f"[people.{person.nick}]", f"name = {_toml(person.name)}", f"email = {_toml(email)}", ""]
    lines += ["[keys]", ""]
    for person in people:
        for place, fingerprint in enumerate(person.fingerprints):
            label = f"key{place + 1}" if place else "personal"
            lines += [f"[keys.{person.nick}.{label}]", f"id = {_toml(fingerprint)}", ""]
    return "\n".join(lines)


def _toml(value: str | list[str]) -> str:
    """JSON strings and lists of them are TOML as well."""
    return json.dumps(value, ensure_ascii=False)


def write_lookaside(folder: Path, repository: str, digest: str, signatures: Sequence[bytes]) -> Path:
    """Write ``<repository>@sha256=<hex>/signature-<N>`` from 1 on (containers/image, signature-protocols.md)."""
    place = folder / f"{repository}@{digest.replace(':', '=')}"
    place.mkdir(parents=True, exist_ok=True)
    for number, signature in enumerate(signatures, 1):
        (place / f"signature-{number}").write_bytes(signature)
    return place


def digests_list(entries: Mapping[str, str]) -> str:
    """``HEX NAME`` lines, sorted by name as in StageX's digests folder."""
    return "".join(f"{entries[name].removeprefix('sha256:')} {name}\n" for name in sorted(entries))
