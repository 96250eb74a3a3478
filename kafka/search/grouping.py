"""Count the records of a dead-letter topic by what their headers say of them, as far as the bounds of a request go."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import Literal

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from kafka.client.clients import log
from kafka.client.messages import ConsumerEvent, event_of, read_denied, record_of
from kafka.metadata.topic import Topic
from kafka.model.errors import DeadlineExceeded
from kafka.model.records import CONSUMER_KEY, OffsetRange, Position, Record, TimestampType
from kafka.redrive.dead_letters import UNREADABLE, DeadLetter, dead_letter_of
from kafka.redrive.known import Dialects
from kafka.search.scanners import Abandoned

MOST_GROUPS = 1000
_POLL_SECONDS = 0.05
_BATCH = 500
_LOOKUP_SECONDS = 1.0

GroupingStop = Literal["groups", "records", "seconds"]


@dataclass(slots=True)
class Group:
    """Records of which their headers say the same.

    Attributes:
        said: what they say.
        count: how many there are.
        already_resent: how many of them carry a consumer_key; jobs leave these out.
        first_ms: the lowest of their timestamps; None while none has any.
        last_ms: the highest.
        example: partition and offset of the first one.
    """

    said: DeadLetter
    example: tuple[int, int]
    count: int = 0
    already_resent: int = 0
    first_ms: int | None = None
    last_ms: int | None = None

    def add(self, record: Record) -> None:
        """Count a record."""
        position = record.position
        self.count += 1
        self.already_resent += any(name == CONSUMER_KEY for name, _ in record.headers)
        self.example = min(self.example, (position.partition, position.offset))
        if record.timestamp_type is not TimestampType.NOT_AVAILABLE and record.timestamp_ms >= 0:
            time_ms = record.timestamp_ms
            self.first_ms = time_ms if self.first_ms is None else min(self.first_ms, time_ms)
            self.last_ms = time_ms if self.last_ms is None else max(self.last_ms, time_ms)


@dataclass(frozen=True, slots=True)
class GroupingPlan:
    """What to group.

    Attributes:
        topic: where.
        spans: what to read, at most one of a partition.
        dialect: the only one whose records are grouped; None: all records.
        dialects: those that are known.
        most_groups: how many groups there may be; the first record of one more ends the reading before it.
        most_read: how many records may be read.
        deadline: point of time.monotonic() after which to stop.
    """

    topic: Topic
    spans: Sequence[OffsetRange]
    dialect: str | None
    dialects: Dialects
    most_groups: int
    most_read: int
    deadline: float


@dataclass(frozen=True, slots=True)
class Grouped:
    """What came of a plan.

    Attributes:
        groups: the largest first.
        rest: what is left to read.
        read: how many records were read.
        stopped_by: what ended it; None when everything was read.
    """

    groups: list[Group]
    rest: tuple[OffsetRange, ...]
    read: int
    stopped_by: GroupingStop | None


def group_records(consumer: Consumer, plan: GroupingPlan, abandoned: Event) -> Grouped:
    """Do what the plan says.

    Args:
        consumer: knows the topic, and has nothing assigned before or after.
        plan: what to group.
        abandoned: is set when no request waits for the result any more.

    Raises:
        AccessDenied: Kafka's ACLs forbid reading the topic.
        DeadlineExceeded: not a single record came in time.
        Abandoned: it was set.
        KafkaException: as the library raises it.
    """
    return _Grouping(consumer, plan, abandoned).run()


class _Grouping:
    """One plan, done with one Consumer."""

    def __init__(self, consumer: Consumer, plan: GroupingPlan, abandoned: Event) -> None:
        self._consumer = consumer
        self._plan = plan
        self._abandoned = abandoned
        self._left = {span.partition: span for span in plan.spans if span.length}
        self._assigned: set[int] = set()
        self._groups: dict[DeadLetter, Group] = {}
        self._full = False
        self._read = 0
        self._moved = False

    def run(self) -> Grouped:
        stopped_by: GroupingStop | None = None
        try:
            while self._left and (stopped_by := self._bound()) is None:
                self._assign()
                self._take_events()
        finally:
            self._release(self._assigned)
        if not self._moved and stopped_by == "seconds":
            raise DeadlineExceeded(f"records of topic {self._plan.topic.name!r}")
        groups = sorted(self._groups.values(), key=lambda group: (-group.count, group.example))
        return Grouped(groups, tuple(self._left[number] for number in sorted(self._left)), self._read, stopped_by)

    def _bound(self) -> GroupingStop | None:
        if self._abandoned.is_set():
            raise Abandoned
        if self._full:
            return "groups"
        if self._read >= self._plan.most_read:
            return "records"
        return "seconds" if time.monotonic() >= self._plan.deadline else None

    def _assign(self) -> None:
        spans = [span for number, span in self._left.items() if number not in self._assigned]
        if spans:
            name = self._plan.topic.name
            self._consumer.incremental_assign([TopicPartition(name, span.partition, span.start) for span in spans])
            self._assigned.update(span.partition for span in spans)

    def _take_events(self) -> None:
        """Wait for the first event, then take a batch of those that are there already."""
        first = self._consumer.poll(min(_POLL_SECONDS, max(0.0, self._plan.deadline - time.monotonic())))
        if first is None:
            return
        over: set[int] = set()
        for message in (first, *self._consumer.consume(_BATCH, 0)):
            if self._full or self._read >= self._plan.most_read:
                # What was not taken is read again by the next request.
                break
            partition = message.partition()
            # What is still queued of a partition that is over belongs to an assignment that ends now.
            if partition is not None and partition not in over and self._take(message, partition):
                over.add(partition)
        self._release(over)

    def _take(self, message: Message, partition: int) -> bool:
        """Take a record or an event; return whether the reading of its partition ends, for now or altogether."""
        span, offset = self._left.get(partition), message.offset()
        if span is None or offset is None or message.topic() != self._plan.topic.name:
            return False
        if message.error() is not None:
            return self._take_error(message, span, offset)
        if offset < span.start:
            return False
        if offset < span.end:
            record, unreadable = record_of(message, Position(self._plan.topic.name, partition, offset))
            said = UNREADABLE if unreadable is not None else dead_letter_of(record, self._plan.dialects)
            if not self._count(record, said):
                return False
            self._read += 1
        return self._pass_to(span, offset + 1)

    def _count(self, record: Record, said: DeadLetter) -> bool:
        """Count a record, unless it begins one group too many."""
        if self._plan.dialect not in (None, said.dialect):
            return True
        group = self._groups.get(said)
        if group is None:
            if len(self._groups) >= self._plan.most_groups:
                self._full = True
                return False
            position = record.position
            group = self._groups[said] = Group(said, (position.partition, position.offset))
        group.add(record)
        return True

    def _take_error(self, message: Message, span: OffsetRange, offset: int) -> bool:
        error = message.error()
        assert error is not None  # noqa: S101 - the caller has looked
        match event_of(error):
            case ConsumerEvent.END:
                # Below the end of what to read: a follower that lags, or a log that was cut. More may come.
                return offset >= span.end and self._pass_to(span, offset)
            case ConsumerEvent.OUT_OF_RANGE:
                # The start was deleted since it was asked for.
                asked = TopicPartition(self._plan.topic.name, span.partition)
                log_start_offset, _ = self._consumer.get_watermark_offsets(asked, timeout=_LOOKUP_SECONDS)
                if log_start_offset > span.start:
                    self._pass_to(span, log_start_offset)
                    return True
                return False
            case ConsumerEvent.DENIED:
                raise read_denied(self._plan.topic.name)
            case ConsumerEvent.FATAL:
                raise KafkaException(error)
            case _:
                log.warning("%s: %s", self._plan.topic.name, error.name())
                return False

    def _pass_to(self, span: OffsetRange, offset: int) -> bool:
        """Take note that there is nothing more below this offset; return whether the span is read to its end."""
        self._moved = True
        if offset >= span.end:
            del self._left[span.partition]
            return True
        self._left[span.partition] = OffsetRange(span.partition, offset, span.end)
        return False

    def _release(self, partitions: set[int]) -> None:
        if partitions:
            name = self._plan.topic.name
            self._consumer.incremental_unassign([TopicPartition(name, number) for number in partitions])
            self._assigned = self._assigned - partitions
