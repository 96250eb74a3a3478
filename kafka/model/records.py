"""Positions and records: values, which touch no broker."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from msgspec import Meta, Struct

CONSUMER_KEY = "consumer_key"
"""Name of the header that tells which consumer a record is meant for."""


MAX_PARTITION = 2**31 - 1
MAX_OFFSET = 2**63 - 1

PartitionNumber = Annotated[int, Meta(ge=0, le=MAX_PARTITION)]
"""The number of a partition, an int32. Bounds hold where a value is decoded, here and below."""

Natural = Annotated[int, Meta(ge=0, le=MAX_OFFSET)]
"""A whole number from 0 to the largest int64: offsets, counts and times in Kafka are of that type."""


class OffsetRange(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A half-open range of offsets of one partition."""

    partition: PartitionNumber
    start: Natural
    end: Natural

    @property
    def length(self) -> int:
        """How many offsets it has, which is at least as many as there are records."""
        return max(0, self.end - self.start)


class Position(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where one record is.

    Attributes:
        topic: name of the topic.
        partition: number of the partition, from 0.
        offset: offset within the partition, from 0.
    """

    topic: str
    partition: PartitionNumber
    offset: Natural

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}@{self.offset}"


@dataclass(frozen=True, slots=True)
class TopicPartition:
    """One partition of one topic."""

    topic: str
    partition: int


Header = tuple[str, bytes | None]
"""Name and value of one header, as the client library gives and takes them.

Names may repeat; a value of None and an empty one are different things.
"""


class TimestampType(Enum):
    """Who set a record's timestamp, numbered as librdkafka numbers it (rd_kafka_timestamp_type_t)."""

    NOT_AVAILABLE = 0
    CREATE_TIME = 1
    LOG_APPEND_TIME = 2


class Record(Struct, frozen=True):
    """A record as it is in the log.

    Attributes:
        position: where it was read.
        key: None and b"" are different things; so for value.
        headers: in their order, repeated names included.
        timestamp_ms: milliseconds since the Unix epoch.
        timestamp_type: who set it.
    """

    position: Position
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    timestamp_ms: int
    timestamp_type: TimestampType

    def __repr__(self) -> str:
        # A record in a traceback or a log line must not show its content.
        return f"<Record {self.position}>"
