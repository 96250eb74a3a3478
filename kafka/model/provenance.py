"""Headers by which a copy says what it is a copy of, and how often that was resent. Pure.

A record that fails again and again comes back with the headers of its copy: its count tells a job when to stop.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from kafka.model.records import CONSUMER_KEY, Header, Position

ORIGIN, COUNT, JOB, AT = "resend.origin", "resend.count", "resend.job", "resend.at"
NAMES = frozenset({ORIGIN, COUNT, JOB, AT})

_COUNT = re.compile(rb"[0-9]{1,9}")


def resend_count(headers: Iterable[Header]) -> int:
    """Return how often jobs have resent a record, by its last header with the count; 0 for none, or for no number."""
    count = 0
    for name, value in headers:
        if name == COUNT:
            count = int(value) if value is not None and _COUNT.fullmatch(value) else 0
    return count


def with_provenance(
    headers: tuple[Header, ...], origin: Position, count: int, job_id: str, at_ms: int
) -> tuple[Header, ...]:
    """Return headers that say what a record is a copy of, instead of those that say so already.

    They are the last ones, but for a consumer_key that is the last itself: it stays so.

    Args:
        headers: of the copy.
        origin: the record that was copied.
        count: how often it was resent, this time included.
        job_id: the job that resends it.
        at_ms: the current time, in Unix milliseconds.
    """
    kept = tuple(header for header in headers if header[0] not in NAMES)
    own: tuple[Header, ...] = (
        (ORIGIN, str(origin).encode()),
        (COUNT, b"%d" % count),
        (JOB, job_id.encode()),
        (AT, b"%d" % at_ms),
    )
    if kept and kept[-1][0] == CONSUMER_KEY:
        return (*kept[:-1], *own, kept[-1])
    return (*kept, *own)
