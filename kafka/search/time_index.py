"""Whether the broker's index of times can be believed, found out by reading a few timestamps.

The index holds maxima: behind a record of the future it answers with that record for every time before it, whatever the
records that follow are. Where most of these belong before a time, the answer for that time says nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from threading import Event

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from kafka.client.messages import ConsumerEvent, event_of, read_denied
from kafka.model.records import OffsetRange
from kafka.search.scanners import Abandoned

_MOST_BYTES = 64_000_000
_LOOKED_AT = 20
_LOOK_SECONDS = 0.5
_POLL_SECONDS = 0.05
_BATCH = 500


@dataclass(frozen=True, slots=True)
class ReadingEnd:
    """What ends a reading before its time.

    Attributes:
        deadline: point of time.monotonic().
        abandoned: is set when no request waits for the result any more.
    """

    deadline: float
    abandoned: Event


@dataclass(frozen=True, slots=True)
class Border:
    """An answer of the index.

    Attributes:
        partition: of which partition.
        offset: the first offset whose timestamp is not below the time.
        end: where the log ends.
        time_ms: the time.
    """

    partition: int
    offset: int
    end: int
    time_ms: int


def contradicted(consumer: Consumer, topic: str, borders: Collection[Border], until: ReadingEnd) -> set[int]:
    """Return the partitions whose records right behind the border mostly belong before it.

    Args:
        consumer: knows the topic, and has nothing assigned.
        topic: its name.
        borders: at most one for each partition.
        until: when to stop.

    Raises:
        AccessDenied, Abandoned, KafkaException: as read_times.
    """
    times: dict[int, list[int]] = {border.partition: [] for border in borders}
    spans = [
        OffsetRange(border.partition, border.offset + 1, min(border.end, border.offset + 1 + _LOOKED_AT))
        for border in borders
    ]
    spans = [span for span in spans if span.length]
    until = replace(until, deadline=min(until.deadline, time.monotonic() + _LOOK_SECONDS))
    read_times(consumer, topic, spans, lambda partition, time_ms: times[partition].append(time_ms), until)
    return {
        border.partition
        for border in borders
        if 2 * sum(0 <= time_ms < border.time_ms for time_ms in times[border.partition]) > len(times[border.partition])
    }


def read_times(
    consumer: Consumer, topic: str, spans: Collection[OffsetRange], take: Callable[[int, int], None], until: ReadingEnd
) -> list[OffsetRange]:
    """Read the timestamps of spans side by side; return the spans that were not read to their end.

    Args:
        consumer: knows the topic, and has nothing assigned.
        topic: its name.
        spans: at most one for each partition.
        take: is given the partition and the timestamp of each record, -1 where it has none.
        until: when to stop.

    Raises:
        AccessDenied: Kafka's ACLs forbid reading the topic.
        Abandoned: it was set.
        KafkaException: as the library raises it.
    """
    reading = {span.partition: span for span in spans}
    size = 0
    if reading:
        consumer.incremental_assign([TopicPartition(topic, span.partition, span.start) for span in spans])
    try:
        while reading and size < _MOST_BYTES and time.monotonic() < until.deadline:
            if until.abandoned.is_set():
                raise Abandoned
            first = consumer.poll(_POLL_SECONDS)
            for message in () if first is None else (first, *consumer.consume(_BATCH, 0)):
                span = reading.get(-1 if message.partition() is None else message.partition() or 0)
                if span is None or message.topic() != topic:
                    continue
                size += len(message)
                if _over(message, span, take):
                    del reading[span.partition]
    finally:
        if spans:
            consumer.incremental_unassign([TopicPartition(topic, span.partition) for span in spans])
    return list(reading.values())


def _over(message: Message, span: OffsetRange, take: Callable[[int, int], None]) -> bool:
    """Take a record or an event; return whether its span is read to its end."""
    error, offset = message.error(), message.offset()
    if offset is None:
        return False
    if error is None:
        if span.start <= offset < span.end:
            timestamp_type, time_ms = message.timestamp()
            take(span.partition, time_ms if timestamp_type else -1)
        return offset >= span.end - 1
    match event_of(error):
        case ConsumerEvent.DENIED:
            raise read_denied(str(message.topic()))
        case ConsumerEvent.FATAL:
            raise KafkaException(error)
        case event:
            # Not at the end of what to read: a follower that lags, or the start was deleted meanwhile. Time runs out.
            return event is ConsumerEvent.END and offset >= span.end
