"""What resending makes of a record. Pure functions: nothing here touches a broker."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kafka.model.errors import TimestampNotCarriable
from kafka.model.records import CONSUMER_KEY, Header, Position, Record, TimestampType, TopicPartition


class TimestampPolicy(Enum):
    """Which timestamp a copy gets."""

    ORIGINAL = "original"
    NOW = "now"


@dataclass(frozen=True, slots=True)
class Copy:
    """What is to be written.

    Attributes:
        original: where the original is.
        timestamp_ms: None lets the client library write the current time.
        to: where the copy goes; None: to the original's topic and partition.
    """

    original: Position
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    timestamp_ms: int | None
    to: TopicPartition | None = None

    def __repr__(self) -> str:
        return f"<Copy of {self.original}>"

    @property
    def topic(self) -> str:
        """Which topic the copy goes to."""
        return self.original.topic if self.to is None else self.to.topic

    @property
    def partition(self) -> int:
        """Which partition of that topic the copy goes to."""
        return self.original.partition if self.to is None else self.to.partition

    @property
    def size_bytes(self) -> int:
        """Size of a record batch (format v2) that holds only this copy, before compression.

        Source: the record batch format in Kafka's protocol documentation; 61 bytes of batch header, then the record.
        """
        body = 3  # attributes, timestamp delta 0 and offset delta 0, a byte each
        body += _field_bytes(self.key) + _field_bytes(self.value) + _varint_bytes(len(self.headers))
        for name, value in self.headers:
            body += _field_bytes(name.encode()) + _field_bytes(value)
        return 61 + _varint_bytes(body) + body


def copy_of(record: Record, consumer_key: str | None, timestamp: TimestampPolicy) -> Copy:
    """Return what resending this record writes.

    Key, value and headers stay as they are, in their order. With a consumer_key, all headers of that name are removed
    and the new one is last; without, an existing one stays and names the recipient.

    Args:
        record: the original.
        consumer_key: the recipient; None leaves the headers alone.
        timestamp: `ORIGINAL` carries the record's own timestamp, `NOW` gives the copy the current time.

    Raises:
        TimestampNotCarriable: the original timestamp is to be kept and is zero, negative or missing; the client library
            takes 0 for "now".
    """
    headers = record.headers
    if consumer_key is not None:
        kept = [header for header in headers if header[0] != CONSUMER_KEY]
        headers = (*kept, (CONSUMER_KEY, consumer_key.encode()))
    if timestamp is TimestampPolicy.NOW:
        timestamp_ms = None
    elif record.timestamp_type is TimestampType.NOT_AVAILABLE or record.timestamp_ms <= 0:
        raise TimestampNotCarriable(record.position, record.timestamp_ms)
    else:
        timestamp_ms = record.timestamp_ms
    return Copy(record.position, record.key, record.value, headers, timestamp_ms)


def _field_bytes(content: bytes | None) -> int:
    """Size of a length-prefixed field; None is the length -1 and nothing after it."""
    return 1 if content is None else _varint_bytes(len(content)) + len(content)


def _varint_bytes(number: int) -> int:
    """Size of a zig-zag varint that holds this number, which is not negative."""
    return ((2 * number).bit_length() + 6) // 7 or 1
