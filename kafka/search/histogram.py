"""Count records by time.

The broker's index of times answers with the first offset whose timestamp is not below a time. Where a log is sorted,
the difference of two answers is the number of offsets between two times. It is not where a record with a later time,
such as one of the future, is before others: from there on the index holds the later time only. So:

    1. what is not much is read, from the first offset that may have a record of the range: the counts are exact, and
       copies count where their time is
    2. of the rest the differences are taken, after a look at the records behind the longest stretch that is empty by
       the index: if most of them belong before it, the index of this partition tells nothing
    3. such a partition is read, if that is possible within the bounds of a search, and else said to be uncounted
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Event

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, TopicPartition

from kafka.metadata.kafka_metadata import ASK_AGAIN
from kafka.metadata.topic import Topic
from kafka.model.records import OffsetRange
from kafka.model.translation import cause, from_lookup
from kafka.search.scanners import Abandoned
from kafka.search.time_index import Border, ReadingEnd, contradicted, read_times

_READ_RECORDS = 20_000
_READ_SECONDS = 1.0
_LOOKUP_SECONDS = 2.0
_LOOK_AGAIN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Bucket:
    """A stretch of time, and how many records have their time in it."""

    start_ms: int
    end_ms: int
    count: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """Records by time.

    Attributes:
        buckets: without gaps, the earliest first.
        exact: whether every record was counted by its own timestamp.
        uncounted: the partitions that are left out: their index tells nothing, and they are too large to be read.
    """

    buckets: tuple[Bucket, ...]
    exact: bool
    uncounted: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HistogramPlan:
    """What to count.

    Attributes:
        topic: where.
        ends: the last stable offset of each partition that is meant.
        times_ms: half-open range of times.
        buckets: into how many stretches to divide it; fewer where a stretch would be shorter than a millisecond.
        most_read: how many records may be read.
        deadline: point of time.monotonic().
    """

    topic: Topic
    ends: Mapping[int, int]
    times_ms: tuple[int, int]
    buckets: int
    most_read: int
    deadline: float

    @property
    def borders(self) -> list[int]:
        """Return the times between the stretches, both ends included."""
        start, end = self.times_ms
        number = min(self.buckets, end - start)
        return [start + (end - start) * index // number for index in range(number + 1)]


def count(consumer: Consumer, plan: HistogramPlan, abandoned: Event) -> Histogram:
    """Return how many records there are in each stretch of time.

    Args:
        consumer: knows the topic, and has nothing assigned.
        plan: what to count.
        abandoned: is set when no request waits for the result any more.

    Raises:
        AccessDenied, TopicMissing, ClusterAway: the cluster does not tell.
        Abandoned: it was set.
        KafkaException: as the library raises it.
    """
    return _Counting(consumer, plan, abandoned).run()


class _Counting:
    def __init__(self, consumer: Consumer, plan: HistogramPlan, abandoned: Event) -> None:
        self._consumer = consumer
        self._plan = plan
        self._abandoned = abandoned
        self._borders = plan.borders
        self._counts = [0] * (len(self._borders) - 1)

    def run(self) -> Histogram:
        plan = self._plan
        starts = self._at_time(list(plan.ends), self._borders[0])
        left = [OffsetRange(partition, starts[partition], end) for partition, end in plan.ends.items()]
        left = [span for span in left if span.length]
        uncounted: list[int] = []
        by_index = False
        if sum(span.length for span in left) <= min(_READ_RECORDS, plan.most_read):
            left = self._read(left, min(plan.deadline, time.monotonic() + _READ_SECONDS))
        if left:
            placed = self._placed([span.partition for span in left])
            contradicted = self._contradicted(left, placed)
            doubtful = [span for span in left if span.partition in contradicted]
            for span in left:
                if span not in doubtful:
                    by_index = True
                    self._add_differences(placed[span.partition])
            readable = []
            room = plan.most_read
            for span in sorted(doubtful, key=lambda span: span.length):
                if span.length <= room:
                    room -= span.length
                    readable.append(span)
            unread = [*(span for span in doubtful if span not in readable), *self._read(readable, plan.deadline)]
            uncounted = sorted(span.partition for span in unread)
        buckets = tuple(
            Bucket(start, end, number)
            for start, end, number in zip(self._borders, self._borders[1:], self._counts, strict=False)
        )
        return Histogram(buckets, exact=not by_index and not uncounted, uncounted=tuple(uncounted))

    def _placed(self, partitions: Collection[int]) -> dict[int, list[int]]:
        """Return for each partition where the borders are, by the index."""
        answers = [self._at_time(partitions, border) for border in self._borders]
        return {partition: [answer[partition] for answer in answers] for partition in partitions}

    def _add_differences(self, placed: Sequence[int]) -> None:
        for index in range(len(self._counts)):
            self._counts[index] += max(0, placed[index + 1] - placed[index])

    def _contradicted(self, spans: Collection[OffsetRange], placed: Mapping[int, Sequence[int]]) -> set[int]:
        """Return the partitions whose records behind the longest empty stretch mostly belong before its end."""
        borders = []
        for span in spans:
            index = _end_of_longest_stretch(placed[span.partition], span.end)
            if index is not None:
                borders.append(Border(span.partition, placed[span.partition][index], span.end, self._borders[index]))
        return contradicted(self._consumer, self._plan.topic.name, borders, self._end(self._plan.deadline))

    def _read(self, spans: Collection[OffsetRange], deadline: float) -> list[OffsetRange]:
        """Count records by their own timestamps; return the spans that could not be read to their end, uncounted."""
        counts = {span.partition: [0] * len(self._counts) for span in spans}

        def take(partition: int, time_ms: int) -> None:
            if self._borders[0] <= time_ms < self._borders[-1]:
                counts[partition][bisect_right(self._borders, time_ms) - 1] += 1

        unread = read_times(self._consumer, self._plan.topic.name, spans, take, self._end(deadline))
        for span in spans:
            if span not in unread:
                self._counts = [sum(pair) for pair in zip(self._counts, counts[span.partition], strict=True)]
        return unread

    def _end(self, deadline: float) -> ReadingEnd:
        return ReadingEnd(deadline, self._abandoned)

    def _at_time(self, partitions: Collection[int], time_ms: int) -> dict[int, int]:
        """Return for each partition the first offset whose record is not older than this, or the partition's end."""
        topic = self._plan.topic.name
        found: dict[int, int] = {}
        while asked := [TopicPartition(topic, number, time_ms) for number in partitions if number not in found]:
            if self._abandoned.is_set():
                raise Abandoned
            failed: KafkaError | None = None
            answers: list[TopicPartition] = []
            try:
                answers = self._consumer.offsets_for_times(asked, timeout=_LOOKUP_SECONDS)
            except KafkaException as exception:
                failed = cause(exception)
            for answer in answers:
                if answer.offset == OFFSET_INVALID:
                    failed = answer.error or KafkaError(KafkaError._TIMED_OUT)
                elif answer.error is None:
                    end = self._plan.ends[answer.partition]
                    found[answer.partition] = end if answer.offset < 0 else min(answer.offset, end)
                else:
                    failed = answer.error
            if failed is not None:
                if failed.code() not in ASK_AGAIN or time.monotonic() > self._plan.deadline:
                    raise from_lookup(failed, topic, "Describe")
                self._learn_leaders()
        return found

    def _learn_leaders(self) -> None:
        """Ask who leads the topic's partitions by now."""
        time.sleep(_LOOK_AGAIN_SECONDS)
        # What is not learnt now may be another time.
        with suppress(KafkaException):
            self._consumer.list_topics(self._plan.topic.name, timeout=_LOOKUP_SECONDS)


def _end_of_longest_stretch(placed: Sequence[int], end: int) -> int | None:
    """Return at which border the longest stretch without any offset ends, if there is one before the log's end."""
    longest, last, first = 0, None, 0
    for index in range(1, len(placed)):
        if placed[index] != placed[first]:
            first = index
        elif placed[index] < end and index - first > longest:
            longest, last = index - first, index
    return last
