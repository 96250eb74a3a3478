"""Where a partition begins and ends now, and whether a position lies within it; asked of two Consumers."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from kafka.client.messages import ConsumerEvent, event_of
from kafka.model.errors import (
    ClusterAway,
    OffsetAtEnd,
    OffsetBeyondEnd,
    OffsetExpired,
    PartitionMissing,
    ResendError,
    TopicMissing,
)
from kafka.model.records import Position
from kafka.model.translation import cause, from_lookup

_QUERY_SECONDS = 1.0
_LEADERS_SECONDS = 0.25
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class OffsetBounds:
    """The offsets of a partition that decide, as they were after the reader's sign."""

    log_start_offset: int
    last_stable_offset: int
    high_watermark: int

    def refusal(self, position: Position) -> ResendError | None:
        """Return why an offset lies outside the log, or None if it does not."""
        if position.offset < self.log_start_offset:
            return OffsetExpired(position, self.log_start_offset)
        if position.offset == self.high_watermark:
            return OffsetAtEnd(position)
        if position.offset > self.high_watermark:
            return OffsetBeyondEnd(position, self.high_watermark)
        return None


def ask_bounds(committed: Consumer, uncommitted: Consumer, position: Position) -> OffsetBounds | ResendError:
    """Ask for a partition's bounds; the error is ClusterAway where the same question may be answered later.

    ListOffsets carries the isolation level, so the end that a read_committed client is told is the last stable offset.
    """
    partition = TopicPartition(position.topic, position.partition)
    try:
        log_start_offset, high_watermark = uncommitted.get_watermark_offsets(partition, timeout=_QUERY_SECONDS)
        _, last_stable_offset = committed.get_watermark_offsets(partition, timeout=_QUERY_SECONDS)
    except KafkaException as exception:
        if cause(exception).code() in (KafkaError._UNKNOWN_PARTITION, KafkaError.UNKNOWN_TOPIC_OR_PART):
            return _missing(uncommitted, position)
        # The broker that was asked may be dead, and the partition have another leader: the client asks who it is only
        # when a connection breaks, which is before there is another one.
        for consumer in (committed, uncommitted):
            with suppress(KafkaException):
                consumer.list_topics(position.topic, timeout=_LEADERS_SECONDS)
        return from_lookup(cause(exception), position.topic, "Describe")
    return OffsetBounds(log_start_offset, last_stable_offset, high_watermark)


def _missing(consumer: Consumer, position: Position) -> ResendError:
    """Return whether it is the topic or only the partition that does not exist."""
    try:
        found = consumer.list_topics(position.topic, timeout=_QUERY_SECONDS).topics[position.topic]
    except KafkaException as exception:
        return from_lookup(cause(exception), position.topic, "Describe")
    if found.error is not None:
        return from_lookup(found.error, position.topic, "Describe")
    if position.partition in found.partitions:
        return ClusterAway(f"partition {position.partition} of topic {position.topic!r} has no leader")
    if not found.partitions:
        return TopicMissing(position.topic)
    return PartitionMissing(position.topic, position.partition, len(found.partitions))


def is_present_uncommitted(consumer: Consumer, position: Position) -> bool | None:
    """Return whether a record of any transaction is at this offset; None if the broker did not say in time."""
    assigned = [TopicPartition(position.topic, position.partition, position.offset)]
    deadline = time.monotonic() + 2 * _QUERY_SECONDS
    consumer.incremental_assign(assigned)
    try:
        for message in _events(consumer, deadline):
            error = message.error()
            offset = message.offset()
            if message.topic() != position.topic or offset is None or offset < position.offset:
                continue
            if error is None:
                return offset == position.offset
            if event_of(error) is ConsumerEvent.END:
                return False
        return None
    finally:
        consumer.incremental_unassign(assigned)


def _events(consumer: Consumer, deadline: float) -> Iterable[Message]:
    while (left := deadline - time.monotonic()) > 0:
        message = consumer.poll(min(left, _POLL_SECONDS))
        if message is not None:
            yield message
