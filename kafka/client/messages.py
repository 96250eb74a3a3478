"""What a Consumer hands out, interpreted: a message becomes a Record, and its error, if it has one, a ConsumerEvent."""

from __future__ import annotations

from enum import Enum
from operator import methodcaller
from typing import cast

from confluent_kafka import KafkaError, Message

from kafka.model.errors import AccessDenied, HeaderNameNotUtf8
from kafka.model.records import Header, Position, Record, TimestampType

_headers = methodcaller("headers")
"""Message.headers, called so that its failure is seen.

For a name that is not UTF-8 the library returns a broken list and leaves its exception pending. message.headers()
raises SystemError only until the interpreter specialises that call (PEP 659), after which the exception surfaces
anywhere; a call through PyObject_Call is checked always.
"""
_TIMESTAMP_TYPES = {kind.value: kind for kind in TimestampType}


def record_of(message: Message, position: Position) -> tuple[Record, HeaderNameNotUtf8 | None]:
    """Convert a message without an error; with the reason, the record has headers that cannot be read, and comes bare.

    Args:
        message: as a Consumer gave it.
        position: where it was read.
    """
    unreadable: HeaderNameNotUtf8 | None = None
    headers: tuple[Header, ...]
    try:
        # The library's type allows what it takes; what it gives is a list of names with bytes or None.
        headers = tuple(cast("list[Header]", _headers(message) or ()))
    except SystemError:
        # A second call would return a null name, which is then produced as "<NULL>".
        headers, unreadable = (), HeaderNameNotUtf8(position)
    timestamp_type, timestamp_ms = message.timestamp()
    record = Record(
        position,
        # A null key is None, an empty one b""; so for the value.
        message.key(),
        message.value(),
        headers,
        # -1 where the record has none, which timestamp_type says, too.
        timestamp_ms,
        _TIMESTAMP_TYPES[timestamp_type],
    )
    return record, unreadable


class ConsumerEvent(Enum):
    """What the error of a message means for who reads the partition that it names."""

    END = "the partition ends at the message's offset for now"
    OUT_OF_RANGE = "the broker has not the offset that was asked for; the partition is not read on"
    DENIED = "Kafka's ACLs forbid reading; it comes once, and nothing after it"
    DAMAGED = "a batch fails its checksum; the client asks for it again, for as long as it is assigned"
    FATAL = "the client is of no use any more"
    PASSING = "a connection or a fetch failed; the client tries again by itself"


_EVENTS = {
    KafkaError._PARTITION_EOF: ConsumerEvent.END,
    KafkaError._AUTO_OFFSET_RESET: ConsumerEvent.OUT_OF_RANGE,
    KafkaError.TOPIC_AUTHORIZATION_FAILED: ConsumerEvent.DENIED,
    KafkaError._BAD_MSG: ConsumerEvent.DAMAGED,
}


def event_of(error: KafkaError) -> ConsumerEvent:
    """Return what the error of a message means.

    Source: librdkafka's CONFIGURATION.md for enable.partition.eof, check.crcs and auto.offset.reset=error, with which
    all Consumers here are made; see kafka.client.properties.
    """
    found = _EVENTS.get(error.code())
    if found is None:
        return ConsumerEvent.FATAL if error.fatal() else ConsumerEvent.PASSING
    return found


def read_denied(topic: str) -> AccessDenied:
    """Return the error that ConsumerEvent.DENIED is to callers."""
    return AccessDenied("Read", f"topic {topic!r}")
