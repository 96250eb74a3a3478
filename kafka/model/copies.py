"""What is written, and what resending makes of a record. Pure functions: nothing here touches a broker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from kafka.model.errors import CopyTooLarge, ResendError, TimestampNotCarriable
from kafka.model.records import CONSUMER_KEY, Header, Position, Record, TimestampType
from kafka.model.translation import from_delivery

if TYPE_CHECKING:
    from confluent_kafka import KafkaError


class TimestampPolicy(Enum):
    """Which timestamp a copy gets."""

    ORIGINAL = "original"
    NOW = "now"


@dataclass(frozen=True, slots=True, repr=False)
class ProducerRecord(ABC):
    """What is to be written, and where.

    Attributes:
        topic: which topic it goes to.
        partition: number of the partition there.
        key: None and b"" are different things; so for value.
        headers: in their order, repeated names included.
        timestamp_ms: None lets the client library write the current time.
    """

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()
    timestamp_ms: int | None = None

    @abstractmethod
    def failure(self, error: KafkaError, client_limit_bytes: int | None = None) -> ResendError:
        """Return what it means that this was not acknowledged.

        Args:
            error: as the client library gave it.
            client_limit_bytes: the limit of the client, where that is what it exceeds.
        """

    @property
    def size_bytes(self) -> int:
        """Size of a record batch (format v2) that holds only this record, before compression.

        Source: the record batch format in Kafka's protocol documentation; 61 bytes of batch header, then the record.
        """
        body = 3  # attributes, timestamp delta 0 and offset delta 0, a byte each
        body += _field_bytes(self.key) + _field_bytes(self.value) + _varint_bytes(len(self.headers))
        for name, value in self.headers:
            body += _field_bytes(name.encode()) + _field_bytes(value)
        return 61 + _varint_bytes(body) + body


@dataclass(frozen=True, slots=True, repr=False)
class Copy(ProducerRecord):
    """A copy that is to be written.

    Attributes:
        original: where the original is.
    """

    original: Position = field(kw_only=True)

    def __repr__(self) -> str:
        return f"<Copy of {self.original}>"

    def failure(self, error: KafkaError, client_limit_bytes: int | None = None) -> ResendError:
        """Return the error that names the original; see from_delivery."""
        if client_limit_bytes is not None:
            return CopyTooLarge(self.original, self.size_bytes, client_limit_bytes, "message.max.bytes of the client")
        return from_delivery(error, self.original, self.topic)


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
    position = record.position
    return Copy(position.topic, position.partition, record.key, record.value, headers, timestamp_ms, original=position)


def _field_bytes(content: bytes | None) -> int:
    """Size of a length-prefixed field; None is the length -1 and nothing after it."""
    return 1 if content is None else _varint_bytes(len(content)) + len(content)


def _varint_bytes(number: int) -> int:
    """Size of a zig-zag varint that holds this number, which is not negative."""
    return ((2 * number).bit_length() + 6) // 7 or 1
