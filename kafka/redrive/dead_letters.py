"""What dead letters are grouped by, and the condition that selects one of these groups: by the same code."""

from __future__ import annotations

import re
from typing import NamedTuple

from msgspec import Struct

from kafka.model.records import Record
from kafka.redrive.dialects import AUTO, Dialect
from kafka.redrive.known import Dialects
from kafka.redrive.origin import OriginUnclear, group_of, origin_of

_MOST_REASON = 500
_CAUSE = b"\nCaused by: "
# As Java prints it; a name with other letters than these is not looked for.
_CLASS = re.compile(rb"([a-zA-Z0-9_.$]{1,500})(?:[:\r\n]|$)")
_UNREADABLE = "the name of one of its headers is not UTF-8"


class DeadLetter(NamedTuple):
    """What the headers of a record say of it as a dead letter; records of which they say the same are one group.

    Attributes:
        dialect: name of the one that was recognised; None: it is no dead letter, or one that contradicts itself.
        topic: where it came from.
        group: the consumer group that could not process it; None where none is named, or not clearly.
        reason: the class of the exception, or what comes closest, up to 500 characters; None where none is named.
        problem: why there is no dialect.
    """

    dialect: str | None
    topic: str | None = None
    group: str | None = None
    reason: str | None = None
    problem: str | None = None


UNREADABLE = DeadLetter(None, problem=_UNREADABLE)
"""What is said of a record whose headers cannot be read."""


class DeadLetterCondition(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which dead letters are meant: those of which all that is given here is true.

    Attributes:
        dialect: the one that is recognised; None: any.
        topic: where they came from; None: anywhere.
        group: the consumer group that could not process them, "" for none; None: any or none.
        reason: as group, the class of the exception.
    """

    dialect: str | None = None
    topic: str | None = None
    group: str | None = None
    reason: str | None = None

    def holds(self, record: Record, dialects: Dialects) -> bool:
        """Whether the record meets it; one that is no dead letter never does."""
        found = dead_letter_of(record, dialects)
        return (
            found.dialect is not None
            and self.dialect in (None, found.dialect)
            and self.topic in (None, found.topic)
            and self.group in (None, found.group or "")
            and self.reason in (None, found.reason or "")
        )


def dead_letter_of(record: Record, dialects: Dialects) -> DeadLetter:
    """Return what the headers of a record say of it as a dead letter, in whichever dialect they are.

    Args:
        record: with its headers.
        dialects: those that are known.
    """
    try:
        origin = origin_of(record, AUTO, dialects)
    except OriginUnclear as unclear:
        return DeadLetter(None, problem=unclear.reason)
    try:
        group = group_of(record, origin.dialects)
    except OriginUnclear:
        group = None
    return DeadLetter(origin.dialect.name, origin.topic, group, _reason(record, origin.dialect))


def _reason(record: Record, dialect: Dialect) -> str | None:
    if dialect.stack_trace is not None:
        cause = _last_cause(_last(record, dialect.stack_trace))
        if cause is not None:
            return cause
    for wanted in dialect.reason:
        value = _last(record, wanted)
        if value:
            return value.decode("utf-8", "replace")[:_MOST_REASON]
    return None


def _last(record: Record, wanted: str) -> bytes:
    # Of several, which frameworks append, the last is of this failure.
    return next((value for name, value in reversed(record.headers) if name == wanted), None) or b""


def _last_cause(stack_trace: bytes) -> str | None:
    # A line that is indented is within an exception that was suppressed.
    start = stack_trace.rfind(_CAUSE)
    found = _CLASS.match(stack_trace, start + len(_CAUSE)) if start >= 0 else None
    return found[1].decode() if found else None
