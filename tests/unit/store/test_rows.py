"""How the wire writes times."""

from __future__ import annotations

import datetime as dt

from kefu.store.rows import author, iso, iso_from_ms, iso_or_none


def test_times_are_iso_utc_with_milliseconds() -> None:
    """Section 3: ISO-8601 UTC with milliseconds, wherever the database's session says it is."""
    shanghai = dt.timezone(dt.timedelta(hours=8))
    assert iso(dt.datetime(2026, 3, 1, 8, 0, 0, 123456, tzinfo=shanghai)) == "2026-03-01T00:00:00.123Z"
    assert iso_from_ms(1_772_323_200_000) == "2026-03-01T00:00:00.000Z"
    assert iso_from_ms(1_772_323_200_007) == "2026-03-01T00:00:00.007Z"
    assert iso_or_none(None) is None


def test_a_message_without_an_agent_has_no_author() -> None:
    """`author` is there where an agent wrote."""
    assert author(None, "https://a") is None
    written = author("Ann", None)
    assert written is not None
    assert (written.name, written.avatar_url) == ("Ann", None)
