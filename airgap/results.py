"""What the library gives: the documents of CONTRACT as typed, immutable values, made from what is printed as JSON.

Times are aware datetimes in UTC; digests are ``sha256:<hex>``, fingerprints upper-case hex. ``document`` is the whole
as it would be printed, for what has no attribute here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from airgap.digest import parse_digest
from airgap.errors import KINDS, AirgapError, FormatError, class_of, gravest
from airgap.limits import LIMITS
from airgap.strict_json import Fields, StrictJSONError, parse
from airgap.timestamp import parse_rfc3339

_MANY: Final = LIMITS.json_values
_FACTS: Final = (str, int, bool, type(None), list)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a signature says: that this reference is this digest."""

    format: str
    reference: str
    digest: str


@dataclass(frozen=True, slots=True)
class SignatureResult:
    """One signature file. ``reason`` is the kind of the error if it does not count, else None.

    ``maintainer``, ``certificate``, ``signing_key`` are of who signed, as far as that was proven; ``created`` is what
    the file says.
    """

    file: str
    counts: bool
    reason: str | None
    maintainer: str | None
    certificate: str | None
    signing_key: str | None
    created: datetime | None
    flags: tuple[str, ...]
    claim: Claim | None


@dataclass(frozen=True, slots=True)
class ImageResult:
    """One image of a bundle or of a store. ``signers`` are the people whose signatures count, enough or not."""

    reference: str
    digest: str
    accepted: bool
    threshold: int | None
    signers: tuple[str, ...]
    platforms: tuple[str, ...]
    signatures: tuple[SignatureResult, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict (airgap/verdict/v1). ``accepted`` is about all of it: every image, every byte, and no error.

    ``bundle`` and ``trust`` are ids, None where they could not be read. ``overrides`` name the checks that the operator
    weakened.
    """

    accepted: bool
    bundle: str | None
    trust: str | None
    reference_time: datetime
    images: tuple[ImageResult, ...]
    stored: bool
    overrides: tuple[str, ...]
    notes: tuple[str, ...]
    errors: tuple[AirgapError, ...]
    document: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def exit_status(self) -> int:
        """What the command ends with: 0 exactly if all was accepted."""
        return gravest(self.errors)

    def require_accepted(self) -> None:
        """Raises the gravest of the errors unless all was accepted."""
        for error in self.errors:
            if error.exit_status == self.exit_status:
                raise error


@dataclass(frozen=True, slots=True)
class AuditedImage:
    """One image folder of a signatures repository. ``digest`` is None where its name has no whole one."""

    name: str
    digest: str | None
    signers: tuple[str, ...]
    threshold: int
    quorum: bool
    signatures: tuple[SignatureResult, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """A signatures repository judged (airgap/audit/v1)."""

    images: tuple[AuditedImage, ...]
    document: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def complete(self) -> bool:
        """Whether there are images, and every one of them reaches its quorum."""
        return bool(self.images) and all(image.quorum for image in self.images)


def parse_verdict(data: bytes, where: str = "verdict") -> Verdict:
    """The verdict in JSON that ``airgap verify`` or ``import`` printed. ``where`` names it in errors.

    A file proves nothing: whoever can write to it can write any verdict. Raises FormatError(document-invalid,
    limit-exceeded).
    """
    if len(data) > LIMITS.bundle_manifest:
        raise FormatError("limit-exceeded", f"{where}: over {LIMITS.bundle_manifest} bytes")
    return _typed(lambda: verdict_of(_object(parse(data))), where)


def verdict_of(document: Mapping[str, Any]) -> Verdict:
    """Raises StrictJSONError for what is no such document, or contradicts itself."""
    fields = _fields(document, "airgap/verdict/v1")
    bundle, trust = (_optional(fields, name) for name in ("bundle", "trust"))
    fields.array("loaded", most=_MANY)
    verdict = Verdict(
        accepted=fields.boolean("accepted"),
        bundle=None if bundle is None else _digest(bundle.string("id"), bundle),
        trust=None if trust is None else _digest(trust.string("id"), trust),
        reference_time=_time(fields.nested("time").string("reference")),
        images=tuple(_image(Fields(one, "image")) for one in fields.array("images", most=_MANY)),
        stored=fields.boolean("stored"),
        overrides=tuple(fields.strings("overrides", most=_MANY)),
        notes=tuple(fields.strings("notes", most=_MANY)),
        errors=tuple(_error(Fields(one, "error")) for one in fields.array("errors", most=_MANY)),
        document=document,
    )
    fields.close()
    whole = bool(verdict.images) and all(image.accepted for image in verdict.images)
    if verdict.accepted != (whole and not verdict.errors) or verdict.accepted == bool(verdict.errors):
        raise StrictJSONError("'accepted' contradicts its images and errors")
    return verdict


def audit_of(document: Mapping[str, Any]) -> Audit:
    """Raises StrictJSONError for what is no such document."""
    fields = _fields(document, "airgap/audit/v1")
    images = tuple(_audited(Fields(one, "image")) for one in fields.array("images", most=_MANY))
    fields.nested("summary")
    fields.close()
    return Audit(images, document)


def _typed(make: Callable[[], Result], where: str) -> Result:
    try:
        return make()
    except StrictJSONError as error:
        raise FormatError("document-invalid", f"{where}: {error}") from None


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise StrictJSONError("expected an object")
    return value


def _fields(document: Mapping[str, Any], schema: str) -> Fields:
    fields = Fields(document, "document")
    found = fields.string("schema")
    if found != schema:
        raise StrictJSONError(f"this is {found[:60]!r}, not {schema}")
    return fields


def _image(fields: Fields) -> ImageResult:
    for name in ("referrers", "staleness"):
        fields.take(name)
    image = ImageResult(
        fields.string("reference"),
        _digest(fields.string("digest"), fields),
        fields.boolean("accepted"),
        _value(fields, "threshold", int),
        tuple(fields.strings("signers", most=_MANY)),
        tuple(fields.strings("platforms", most=_MANY)),
        _signatures(fields),
    )
    fields.close()
    return image


def _audited(fields: Fields) -> AuditedImage:
    digest = _value(fields, "digest", str)
    image = AuditedImage(
        fields.string("name"),
        None if digest is None else _digest(digest, fields),
        tuple(fields.strings("signers", most=_MANY)),
        fields.integer("threshold", high=_MANY),
        fields.boolean("quorum"),
        _signatures(fields),
    )
    fields.close()
    return image


def _signatures(fields: Fields) -> tuple[SignatureResult, ...]:
    return tuple(_signature(Fields(one, "signature")) for one in fields.array("signatures", most=_MANY))


def _signature(fields: Fields) -> SignatureResult:
    status, created, claim = fields.string("status"), _value(fields, "created", str), _optional(fields, "claim")
    if status not in ("good", "bad"):
        raise StrictJSONError(f"{fields.where}: status is {status[:20]!r}")
    signature = SignatureResult(
        fields.string("file"),
        status == "good",
        _value(fields, "reason", str),
        _value(fields, "maintainer", str),
        _value(fields, "certificate", str),
        _value(fields, "signing_key", str),
        None if created is None else _time(created),
        tuple(fields.strings("flags", most=_MANY)),
        None if claim is None else _claim(claim),
    )
    fields.close()
    return signature


def _claim(fields: Fields) -> Claim:
    digest = _digest(fields.string("digest"), fields)
    return Claim(fields.string("format"), fields.string("reference"), digest)


def _error(fields: Fields) -> AirgapError:
    """As it was raised, of the same class. One of a kind that this version does not know is refused, not guessed."""
    schema, kind, code = fields.string("schema"), fields.string("kind"), fields.string("code")
    if schema != "airgap/error/v1" or kind not in KINDS:
        raise StrictJSONError(f"an error of kind {kind[:60]!r} is not known to this version of airgap")
    facts: dict[str, Any] = dict(fields.nested("facts").items())
    if not all(isinstance(value, _FACTS) for value in facts.values()):
        raise StrictJSONError(f"{fields.where}: facts are strings, integers, booleans and lists")
    error = class_of(kind)(kind, fields.string("message"), hint=fields.string("hint"))
    error.facts = facts
    fields.close()
    if error.code != code:
        raise StrictJSONError(f"{fields.where}: {kind} is {error.code}, not {code[:20]!r}")
    return error


def _optional(fields: Fields, name: str) -> Fields | None:
    value = fields.take(name)
    return None if value is None else Fields(value, f"{fields.where}.{name}")


def _value(fields: Fields, name: str, type_: type[Result]) -> Result | None:
    value = fields.take(name)
    if value is None or (isinstance(value, type_) and not isinstance(value, bool)):
        return value
    raise StrictJSONError(f"{fields.where}: {name!r} has the wrong type")


def _digest(text: str, fields: Fields) -> str:
    try:
        return str(parse_digest(text, fields.where))
    except FormatError as error:
        raise StrictJSONError(error.message) from None


def _time(text: str) -> datetime:
    try:
        return datetime.fromtimestamp(parse_rfc3339(text), UTC)
    except (AirgapError, OverflowError, ValueError):
        raise StrictJSONError(f"{text[:40]!r} is no time") from None
