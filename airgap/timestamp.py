"""Points in time as whole seconds since 1970-01-01T00:00:00Z, written as RFC 3339 in UTC. No time zone, no locale."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from airgap.errors import UsageError

_RFC3339: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]{1,9})?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse_rfc3339(text: str) -> int:
    """Seconds since the epoch; fractions are cut off. Raises UsageError for anything else (RFC 3339 §5.6)."""
    match = _RFC3339.fullmatch(text)
    if match is not None:
        year, month, day, hour, minute, second, sign, off_hours, off_minutes = match.groups()
        offset = timedelta(hours=int(off_hours or 0), minutes=int(off_minutes or 0))
        try:
            zone = timezone(-offset if sign == "-" else offset)
            moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=zone)
            seconds = (moment - _EPOCH) // timedelta(seconds=1)
            rfc3339(seconds)  # an offset may lead out of the years that can be written
            return seconds
        except (ValueError, OverflowError):
            pass
    raise UsageError("usage", f"{text[:60]!r} is not an RFC 3339 time such as 2026-11-23T00:00:00Z", found=text[:60])


def rfc3339(seconds: int) -> str:
    """``2026-11-23T00:00:00Z``; OpenPGP's 32-bit range (to 2106) and the years 1 to 9999 are representable."""
    return f"{(_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()}Z"


def day(seconds: int) -> str:
    """``2026-11-23``, for messages to people."""
    return rfc3339(seconds)[:10]


def days_before(time: int, reference_time: int) -> int:
    """Whole days from ``time`` to the reference time; 0 if it is not past."""
    return max(0, reference_time - time) // 86_400
