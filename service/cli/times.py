"""Times as people type them: how long ago, a date and time, or Unix milliseconds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import typer

_AGO = re.compile(r"([1-9][0-9]{0,8})([smhdw])")
_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_UNIX_MS = re.compile(r"[0-9]{11,15}")
"""Fewer digits are more likely to be seconds, or a date without its dashes, than a time before March 1973."""

_AHEAD = timedelta(days=1)
"""Where no end is named: clocks of producers may be ahead of ours, and what they wrote is not to be left out."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Times:
    """A half-open range of the records' own timestamps.

    Attributes:
        start_ms: Unix milliseconds.
        end_ms: Unix milliseconds.
        end_named: the end is not just somewhere in the future.
        zone_assumed: a time had no zone of its own and was taken for this machine's local time.
    """

    start_ms: int
    end_ms: int
    end_named: bool
    zone_assumed: bool


def times(since: str | None, start: str | None, end: str | None, now: datetime) -> Times | None:
    """Return the range that --since, or --from and --to, name; None when none of them is given.

    Args:
        since: how long ago it begins.
        start: when it begins; None, with an end, is the beginning of time.
        end: when it ends; None is after all that could have been written by now.
        now: the current time.

    Raises:
        BadParameter: they are no times, do not go together, or the range is empty.
    """
    if since is None and start is None and end is None:
        return None
    if since is not None and (start is not None or end is not None):
        raise typer.BadParameter("--since does not go together with --from and --to")
    if since is not None:
        start_ms, assumed = _milliseconds(_ago(since, now)), False
    else:
        start_ms, assumed = (0, False) if start is None else moment("--from", start)
    end_ms, also_assumed = (_milliseconds(now + _AHEAD), False) if end is None else moment("--to", end)
    if start_ms >= end_ms:
        raise typer.BadParameter(
            f"--from must be before --to: the range begins at {_zoned(start_ms)} and ends at {_zoned(end_ms)}"
        )
    return Times(start_ms, end_ms, end is not None, assumed or also_assumed)


def _ago(since: str, now: datetime) -> datetime:
    found = _AGO.fullmatch(since)
    if found is None:
        raise typer.BadParameter("--since must be such as 30s, 10m, 2h, 3d or 1w")
    try:
        return max(now - int(found[1]) * _UNITS[found[2]], _EPOCH)
    except OverflowError:
        return _EPOCH


def moment(option: str, text: str) -> tuple[int, bool]:
    """Return a time in Unix milliseconds, and whether its zone had to be assumed.

    Args:
        option: where it was given.
        text: ISO 8601, or Unix milliseconds.

    Raises:
        BadParameter: it is neither, or before 1970.
    """
    if _UNIX_MS.fullmatch(text):
        return int(text), False
    try:
        parsed = None if text.isdigit() else datetime.fromisoformat(text)
        assumed = parsed is not None and parsed.tzinfo is None
        # What has no zone is local time.
        milliseconds = None if parsed is None else _milliseconds(parsed.astimezone(UTC))
    except (ValueError, OverflowError):
        milliseconds, assumed = None, False
    if milliseconds is None or milliseconds < 0:
        raise typer.BadParameter(
            f"{option} must be a date and time such as 2026-01-31T13:45:00+01:00 (without a zone it is local time), "
            "or Unix milliseconds"
        )
    return milliseconds, assumed


def _milliseconds(when: datetime) -> int:
    return (when - _EPOCH) // timedelta(milliseconds=1)


def range_text(asked: Times) -> str:
    """Return the range in words, in local time with its offset from UTC."""
    until = f" until before {_zoned(asked.end_ms)}" if asked.end_named else " on"
    said = f"times from {_zoned(asked.start_ms)}{until}"
    return f"{said}; what had no zone was taken for local time" if asked.zone_assumed else said


def _zoned(milliseconds: int) -> str:
    from service.cli.output import time_text

    return time_text(milliseconds)
