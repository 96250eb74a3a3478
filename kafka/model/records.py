"""Positions and records: values, which touch no broker."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

CONSUMER_KEY = "consumer_key"
"""Name of the header that tells which consumer a record is meant for."""


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """A half-open range of offsets of one partition."""

    partition: int
    start: int
    end: int

    @property
    def length(self) -> int:
        """How many offsets it has, which is at least as many as there are records."""
        return max(0, self.end - self.start)


@dataclass(frozen=True, slots=True)
class Position:
    """Where one record is.

    Attributes:
        topic: name of the topic.
        partition: number of the partition, from 0.
        offset: offset within the partition, from 0.
    """

    topic: str
    partition: int
    offset: int

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


@dataclass(frozen=True, slots=True)
class Record:
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
