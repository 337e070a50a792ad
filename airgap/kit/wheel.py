"""Wheels: what one says of itself, and one written so that the same files are always the same bytes.

Format: PyPA's binary distribution format. Only kit needs packaging, so only kit imports it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from packaging.metadata import RawMetadata, parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, NormalizedName, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from airgap.digest import Digest, digest_of
from airgap.errors import SourceError

_METADATA_MAX: Final = 4 * 1024 * 1024  # bytes: long descriptions have 100 KiB
_LICENCE_MAX: Final = 100  # characters: some packages put the whole text there
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the first date that a zip file can say
_MODE: Final = 0o100644 << 16
_UNIX: Final = 3


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel whose file name and metadata agree about what it is."""

    filename: str
    data: bytes
    name: NormalizedName
    version: Version
    requires: tuple[Requirement, ...]
    licence: str | None
    licence_is_expression: bool  # SPDX; else it is what its author calls it

    @property
    def digest(self) -> Digest:
        return digest_of(self.data)

    @property
    def is_pure(self) -> bool:
        return self.filename.endswith("-none-any.whl")


def parse_wheel(filename: str, data: bytes) -> Wheel:
    """Raises SourceError(package-invalid)."""
    try:
        name, version, _, _ = parse_wheel_filename(filename)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            [member] = [one for one in archive.infolist() if _is_metadata(one.filename)]
            if member.file_size > _METADATA_MAX:
                raise _invalid(filename, f"its METADATA has more than {_METADATA_MAX} bytes")
            raw, _ = parse_email(archive.read(member))
        requires = tuple(Requirement(text) for text in raw.get("requires_dist", ()))
    # zipfile raises NotImplementedError for a compression that it does not know; ValueError is also "not one METADATA".
    except (InvalidWheelFilename, InvalidRequirement, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise _invalid(filename, str(error)) from error
    if canonicalize_name(raw.get("name", "")) != name or raw.get("version") != str(version):
        raise _invalid(filename, f"its METADATA is of {raw.get('name')} {raw.get('version')}")
    return Wheel(filename, data, name, version, requires, licence_of(raw), bool(raw.get("license_expression")))


def licence_of(raw: RawMetadata) -> str | None:
    """The licence that a package declares: its expression, else its field, else its classifiers."""
    if expression := raw.get("license_expression"):
        return expression
    field = (raw.get("license") or "").strip()
    if field and "\n" not in field and len(field) <= _LICENCE_MAX:
        return field
    rows = [one.split(" :: ")[-1] for one in raw.get("classifiers", ()) if one.startswith("License :: ")]
    return " AND ".join(rows) or None


def in_normal_form(wheel: Wheel) -> Wheel:
    """The same files, in a wheel that does not tell when, where and by which compressor it was made.

    Raises SourceError(package-invalid).
    """
    try:
        with zipfile.ZipFile(io.BytesIO(wheel.data)) as archive:
            files = {one: archive.read(one) for one in archive.namelist() if not one.endswith("/")}
    except (zipfile.BadZipFile, NotImplementedError) as error:  # the latter: a compression that zipfile does not know
        raise _invalid(wheel.filename, str(error)) from error
    return parse_wheel(wheel.filename, write_wheel(files))


def write_wheel(files: Mapping[str, bytes]) -> bytes:
    """A wheel of these files, by path; its RECORD is made anew. Nothing is compressed: compressors differ."""
    [folder] = {path.partition("/")[0] for path in files if _is_metadata(path)}
    record = f"{folder}/RECORD"
    kept = sorted((path for path in files if path != record), key=lambda path: (path.startswith(f"{folder}/"), path))
    rows = [f"{_quoted(path)},sha256={record_hash(files[path])},{len(files[path])}\n" for path in kept]
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive:
        for path in kept:
            archive.writestr(_member(path), files[path])
        archive.writestr(_member(record), "".join([*rows, f"{record},,\n"]))
    return output.getvalue()


def record_hash(data: bytes) -> str:
    """SHA-256 as RECORD writes it."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _is_metadata(path: str) -> bool:
    return path.endswith(".dist-info/METADATA") and path.count("/") == 1


def _member(path: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(path, _EPOCH)
    member.external_attr = _MODE
    member.create_system = _UNIX
    return member


def _quoted(path: str) -> str:
    """RECORD is CSV."""
    return '"' + path.replace('"', '""') + '"' if any(one in path for one in ',"') else path


def _invalid(filename: str, why: str) -> SourceError:
    return SourceError("package-invalid", f"{filename[:200]}: {why}", file=filename[:200])
