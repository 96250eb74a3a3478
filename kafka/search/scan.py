"""Read many records of several partitions in one list, as far as a page and its bounds go."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event
from typing import Literal

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from kafka.client.clients import log
from kafka.client.messages import ConsumerEvent, event_of, read_denied, record_of
from kafka.filter.conditions import Filter, Outcome
from kafka.filter.interpreter import EvaluationFailed
from kafka.metadata.topic import Topic
from kafka.model.errors import DeadlineExceeded
from kafka.model.records import OffsetRange, Position
from kafka.redrive.known import Dialects
from kafka.search.merge import Merge, MergeBounds, Placed, in_order
from kafka.search.outcomes import OutcomeTally
from kafka.search.scanners import Abandoned
from kafka.search.streams import RecordSummary, Stream, found_of

_POLL_SECONDS = 0.05
_BATCH = 500
_LOOKUP_SECONDS = 1.0

_MOST_CONTENTS_BYTES = 16_000_000
"""Of the records whose contents are asked for, found for one page: it is held as records, and again as an answer."""

Stop = Literal["limit", "records", "seconds", "bytes"]


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """What to look for.

    Attributes:
        topic: where.
        stages: what to read, one stage after the other; within a stage partitions are merged.
        ascending: in the order of offsets and times, or against both.
        in_turn: whether partitions take turns in the merge; there is one stage then. See kafka.merge.
        times_ms: half-open range that a record's own timestamp lies in; None: any.
        filter: which records; None: all.
        skip: how many of those found are left out first.
        most: how many are wanted after that.
        preview_bytes: how much of the value to bring along; 0: nothing.
        contents: whether to bring along all of each record.
        most_read: how many records may be read.
        deadline: point of time.monotonic() after which to stop.
        dialects: of dead letters, those that are known to the filter.
    """

    topic: Topic
    stages: tuple[tuple[OffsetRange, ...], ...]
    ascending: bool
    in_turn: bool
    times_ms: tuple[int, int] | None
    filter: Filter | None
    skip: int
    most: int
    preview_bytes: int
    contents: bool
    most_read: int
    deadline: float
    dialects: Dialects


@dataclass(frozen=True, slots=True)
class Scanned:
    """What came of a plan.

    Attributes:
        found: in the order of the plan.
        skipped: how many were left out.
        rest: the stages that are left; empty when everything was read and given out.
        read: how many records were read.
        read_bytes: their keys, values and headers.
        reached_ms: the timestamp of the one that was read last; None where it has none, and without any.
        outcomes: what became of those that are not read again for what is left.
        not_evaluated: the first of them on whose value the filter's expression cannot be evaluated, with the reason.
        stopped_by: what ended it; None when everything was read.
    """

    found: list[RecordSummary]
    skipped: int
    rest: tuple[tuple[OffsetRange, ...], ...]
    read: int
    read_bytes: int
    reached_ms: int | None
    outcomes: Mapping[Outcome, int]
    not_evaluated: tuple[int, int, str] | None
    stopped_by: Stop | None


def scan(consumer: Consumer, plan: ScanPlan, abandoned: Event) -> Scanned:
    """Do what the plan says.

    Args:
        consumer: knows the topic, and has nothing assigned before or after.
        plan: what to look for.
        abandoned: is set when no request waits for the result any more.

    Raises:
        AccessDenied: Kafka's ACLs forbid reading the topic.
        DeadlineExceeded: not a single record came in time.
        Abandoned: it was set.
        KafkaException: as the library raises it.
    """
    return _Scan(consumer, plan, abandoned).run()


class _Scan:
    """One plan, done with one Consumer."""

    def __init__(self, consumer: Consumer, plan: ScanPlan, abandoned: Event) -> None:
        self._consumer = consumer
        self._plan = plan
        self._abandoned = abandoned
        self._reading: dict[int, tuple[OffsetRange, Stream]] = {}
        self._read = 0
        self._read_bytes = 0
        self._found_bytes = 0
        self._reached_ms: int | None = None
        self._moved = False
        self._tally = OutcomeTally()
        self._slow = plan.filter is not None and plan.filter.jmespath is not None

    def run(self) -> Scanned:
        plan = self._plan
        most = plan.skip + plan.most
        found: list[Placed] = []
        stopped_by: Stop | None = None
        rest: tuple[tuple[OffsetRange, ...], ...] = ()
        try:
            for number, stage in enumerate(plan.stages):
                merge = Merge(
                    stage,
                    ascending=plan.ascending,
                    in_turn=plan.in_turn,
                    bounds=MergeBounds(most - len(found), plan.most_read, self._slow),
                )
                stopped_by = self._run_stage(merge, found, most)
                self._release_all()
                if stopped_by is not None:
                    rest = (merge.rest(), *plan.stages[number + 1 :])
                    break
        finally:
            self._release_all()
        if not any(rest):
            rest, stopped_by = (), None
        if not self._moved and stopped_by == "seconds":
            raise DeadlineExceeded(f"records of topic {plan.topic.name!r}")
        skipped = min(plan.skip, len(found))
        page = found[skipped:]
        told = in_order(page) if plan.in_turn else [each for _, each in page]
        return Scanned(
            told,
            skipped,
            rest,
            self._read,
            self._read_bytes,
            self._reached_ms,
            *self._tally.final(rest),
            stopped_by,
        )

    def _run_stage(self, merge: Merge, found: list[Placed], most: int) -> Stop | None:
        """Add to what was found until everything is read, or return what stops it."""
        while True:
            found.extend(merge.give(most - len(found)))
            if len(found) >= most:
                return "limit"
            if merge.exhausted:
                return None
            stopped_by = self._bound()
            if stopped_by is not None:
                # What was found is told now, although some partition might still have something between.
                found.extend(merge.give(most - len(found), anyway=True))
                return stopped_by
            self._assign(merge)
            self._take_events()

    def _bound(self) -> Stop | None:
        if self._abandoned.is_set():
            raise Abandoned
        if self._read >= self._plan.most_read:
            return "records"
        if self._found_bytes >= _MOST_CONTENTS_BYTES:
            return "bytes"
        if time.monotonic() >= self._plan.deadline:
            return "seconds"
        return None

    def _assign(self, merge: Merge) -> None:
        assigned = []
        for stream in merge.wanted():
            if stream.partition not in self._reading:
                span = stream.reading()
                self._reading[stream.partition] = (span, stream)
                assigned.append(TopicPartition(self._plan.topic.name, span.partition, span.start))
        if assigned:
            self._consumer.incremental_assign(assigned)

    def _take_events(self) -> None:
        """Wait for the first event, then take a batch of those that are there already."""
        first = self._consumer.poll(min(_POLL_SECONDS, max(0.0, self._plan.deadline - time.monotonic())))
        if first is None:
            return
        over: list[int] = []
        for message in (first, *self._consumer.consume(_BATCH, 0)):
            if self._full():
                # The rest of the batch is read again.
                break
            partition = message.partition()
            if partition is not None and self._take_event(message, partition):
                # What is still queued of it belongs to an assignment that has ended.
                del self._reading[partition]
                over.append(partition)
        if over:
            self._release(over)

    def _full(self) -> bool:
        """Whether a bound is reached in the midst of a batch: a filter may take its time for each record."""
        if self._read >= self._plan.most_read or self._found_bytes >= _MOST_CONTENTS_BYTES:
            return True
        return self._slow and (time.monotonic() >= self._plan.deadline or self._abandoned.is_set())

    def _take_event(self, message: Message, partition: int) -> bool:
        """Take a record or an event; return whether the reading of its partition has come to its end."""
        reading, offset = self._reading.get(partition), message.offset()
        if reading is None or offset is None or message.topic() != self._plan.topic.name:
            return False
        span, stream = reading
        error = message.error()
        if error is not None:
            return self._take_error(error, offset, span, stream)
        if offset < span.start:
            return False
        self._moved = True
        if offset >= span.end:
            return stream.pass_to(offset)
        self._read += 1
        self._read_bytes += len(message)
        outcome, found = self._judged(message, partition, offset)
        self._tally.note(partition, offset, outcome)
        return stream.take(offset, found)

    def _take_error(self, error: KafkaError, offset: int, span: OffsetRange, stream: Stream) -> bool:
        match event_of(error):
            case ConsumerEvent.END:
                # Below the end of what to read: a follower that lags, or a log that was cut. More may come.
                over = offset >= span.start and stream.pass_to(offset)
            case ConsumerEvent.OUT_OF_RANGE:
                # The start was deleted since it was asked for.
                asked = TopicPartition(self._plan.topic.name, span.partition)
                log_start_offset, _ = self._consumer.get_watermark_offsets(asked, timeout=_LOOKUP_SECONDS)
                over = log_start_offset > span.start
                if over:
                    stream.begin_at(log_start_offset)
            case ConsumerEvent.DENIED:
                raise read_denied(self._plan.topic.name)
            case ConsumerEvent.FATAL:
                raise KafkaException(error)
            case _:
                log.warning("%s: %s", self._plan.topic.name, error.name())
                over = False
        self._moved = self._moved or over
        return over

    def _judged(self, message: Message, partition: int, offset: int) -> tuple[Outcome, RecordSummary | None]:
        """Return what becomes of a record, and what is told of it if it is looked for."""
        plan = self._plan
        timestamp_type, timestamp_ms = message.timestamp()
        self._reached_ms = timestamp_ms if timestamp_type else None
        # Most records of a search by time are none that it looks for: they are not converted.
        if plan.times_ms is not None and not (timestamp_type and plan.times_ms[0] <= timestamp_ms < plan.times_ms[1]):
            return Outcome.OUTSIDE_TIME_RANGE, None
        record, unreadable = record_of(message, Position(plan.topic.name, partition, offset))
        headers_known = unreadable is None
        if plan.filter is not None:
            try:
                outcome = plan.filter.judge(record, headers_known=headers_known, dialects=plan.dialects)
            except EvaluationFailed as error:
                self._tally.note_not_evaluated(partition, offset, str(error))
                outcome = Outcome.NOT_EVALUATED
            if outcome is not Outcome.MATCHED:
                return outcome, None
        if plan.contents:
            self._found_bytes += len(message)
        found = found_of(record, plan.preview_bytes, headers_known=headers_known, contents=plan.contents)
        return Outcome.MATCHED, found

    def _release(self, partitions: list[int]) -> None:
        self._consumer.incremental_unassign([TopicPartition(self._plan.topic.name, number) for number in partitions])

    def _release_all(self) -> None:
        if self._reading:
            self._release(list(self._reading))
            self._reading.clear()
