"""Times as they are typed on the command line."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import typer

from service.cli.times import Times, range_text, times

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("ago", "length"),
    [
        ("30s", timedelta(seconds=30)),
        ("10m", timedelta(minutes=10)),
        ("2h", timedelta(hours=2)),
        ("3d", timedelta(days=3)),
        ("1w", timedelta(weeks=1)),
    ],
)
def test_since_counts_back_from_now_and_has_no_end(ago: str, length: timedelta) -> None:
    """The range begins so long ago; its end is in the future, because producers' clocks may be ahead."""
    found = times(ago, None, None, NOW)

    assert found is not None
    assert (NOW_MS - int(length.total_seconds() * 1000), False, False) == (
        found.start_ms,
        found.end_named,
        found.zone_assumed,
    )
    assert found.end_ms > NOW_MS


def test_since_longer_than_time_itself_begins_in_1970() -> None:
    """A very long time is all time."""
    found = times("999999999w", None, None, NOW)

    assert found is not None
    assert 0 == found.start_ms


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("2026-01-31T13:45:00+01:00", 1769863500000),
        ("2026-01-31T12:45:00Z", 1769863500000),
        ("2026-01-31 12:45:00.250+00:00", 1769863500250),
        ("1769863500000", 1769863500000),
    ],
)
def test_from_with_a_zone_or_in_milliseconds_is_that_moment(text: str, milliseconds: int) -> None:
    """ISO 8601 with a zone, or Unix milliseconds: nothing has to be assumed."""
    assert Times(milliseconds, NOW_MS, end_named=True, zone_assumed=False) == times(None, text, str(NOW_MS), NOW)


@pytest.mark.usefixtures("in_berlin")
def test_from_without_a_zone_is_local_time_and_said_so() -> None:
    """Local time, with summer time where that is in force; the words show the offset that was assumed."""
    found = times(None, "2026-07-01T12:00:00", "2026-12-01", NOW)

    assert Times(NOW_MS - 7_200_000, 1796079600000, end_named=True, zone_assumed=True) == found
    assert (
        "times from 2026-07-01 12:00:00.000+02:00 until before 2026-12-01 00:00:00.000+01:00; "
        "what had no zone was taken for local time"
    ) == range_text(found)


def test_to_without_from_begins_in_1970() -> None:
    """No beginning is the beginning of time."""
    assert Times(0, NOW_MS, end_named=True, zone_assumed=False) == times(None, None, str(NOW_MS), NOW)


def test_no_times_are_no_range() -> None:
    """Then records are found otherwise."""
    assert times(None, None, None, NOW) is None


@pytest.mark.parametrize(
    ("since", "start", "end"),
    [
        ("10", None, None),
        ("10 m", None, None),
        ("0m", None, None),
        ("-1m", None, None),
        ("10m", "2026-01-01T00:00:00Z", None),
        (None, "yesterday", None),
        (None, "1769863500", None),
        (None, "20260131", None),
        (None, "1960-01-01T00:00:00Z", None),
        (None, "0001-01-01T00:00:00", None),
        (None, "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"),
        (None, "2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z"),
    ],
)
def test_times_that_make_no_range_are_refused(since: str | None, start: str | None, end: str | None) -> None:
    """Also Unix seconds, which would be taken for a day in 1970, and ranges that hold nothing."""
    with pytest.raises(typer.BadParameter):
        times(since, start, end, NOW)
