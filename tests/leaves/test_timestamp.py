"""Time is whole seconds in UTC, whatever the machine's zone (RFC 3339; attack TUF-17)."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.errors import UsageError
from airgap.timestamp import day, parse_rfc3339, rfc3339

KNOWN = {
    "1970-01-01T00:00:00Z": 0,
    "2026-11-23T00:00:00Z": 1_795_392_000,
    "2026-11-23t00:00:00z": 1_795_392_000,
    "2026-11-23T01:30:00+01:30": 1_795_392_000,
    "2026-11-22T19:00:00-05:00": 1_795_392_000,
    "2026-11-23T00:00:00.999999999Z": 1_795_392_000,
    "2038-01-19T03:14:08Z": 2**31,
    "2106-02-07T06:28:15Z": 2**32 - 1,
    "1969-12-31T23:59:59Z": -1,
    "2024-02-29T00:00:00-00:00": 1_709_164_800,
}

REFUSED = {
    "empty": "",
    "a day": "2026-11-23",
    "no zone": "2026-11-23T00:00:00",
    "a space": "2026-11-23 00:00:00Z",
    "no seconds": "2026-11-23T00:00Z",
    "no such day": "2026-02-29T00:00:00Z",
    "no such month": "2026-13-01T00:00:00Z",
    "hour 24": "2026-11-23T24:00:00Z",
    "leap second": "2026-12-31T23:59:60Z",
    "year 0": "0000-01-01T00:00:00Z",
    "zone without colon": "2026-11-23T00:00:00+0100",
    "zone of a day": "2026-11-23T00:00:00+24:00",
    "zone of 99 minutes": "2026-11-23T00:00:00+00:99",
    "ten decimals": "2026-11-23T00:00:00.0123456789Z",
    "no decimals": "2026-11-23T00:00:00.Z",
    "newline": "2026-11-23T00:00:00Z\n",
    "Arabic digits": "٢٠٢٦-11-23T00:00:00Z",
    "Unix time": "1795392000",
    "before year 1 in UTC": "0001-01-01T00:00:00+01:00",
    "after year 9999 in UTC": "9999-12-31T23:59:59-01:00",
}


@pytest.mark.parametrize(("text", "seconds"), KNOWN.items(), ids=KNOWN)
def test_known(text: str, seconds: int) -> None:
    assert parse_rfc3339(text) == seconds


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_rfc3339(text)
    assert (caught.value.kind, caught.value.exit_status) == ("usage", 2)


@given(st.integers(-62_135_596_800, 253_402_300_799))
def test_round_trip(seconds: int) -> None:
    assert parse_rfc3339(rfc3339(seconds)) == seconds
    assert rfc3339(seconds).startswith(day(seconds))


@pytest.mark.parametrize("zone", ["UTC", "America/St_Johns", "Asia/Kathmandu"])
def test_the_zone_of_the_machine_decides_nothing(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert rfc3339(1_795_392_000) == "2026-11-23T00:00:00Z"
        assert parse_rfc3339("2026-11-23T00:00:00Z") == 1_795_392_000
    finally:
        monkeypatch.undo()
        time.tzset()
