"""Find records by time, by position, or the newest, and count them by time, in places that callers share fairly.

Where the records of a range of times stand, by the broker's index, is only half of the answer: a log is not sorted by
time, since a copy that was resent keeps its original's. So a search by time has two stages:

    1. from the index entry of the start to that of the end: nearly all that is looked for, fast; of a partition whose
       index says nothing, behind a record of the future, all the rest
    2. from there to the end of the log: what came late

In both, partitions are read side by side and merged by time, and records of other times are left out. All offsets are
fixed at the first page: what is written later is not part of the search.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from threading import Event

from kafka.client.config import ClusterConfig
from kafka.fair_shares import FairShares
from kafka.hooks import RecordsRead, records_read
from kafka.metadata.protocol import Metadata, of_topic
from kafka.metadata.topic import Topic, is_internal
from kafka.metadata.topics import Topics
from kafka.model.errors import AccessDenied, DeadlineExceeded, InternalTopic, NoLookupByTime
from kafka.model.records import OffsetRange
from kafka.search.grouping import MOST_GROUPS, GroupingPlan, group_records
from kafka.search.histogram import Histogram, HistogramPlan, count
from kafka.search.scan import ScanPlan, scan
from kafka.search.scanners import Scanners
from kafka.search.selection import (
    Continuation,
    DeadLettersQuery,
    GroupsPage,
    HistogramQuery,
    Page,
    Paging,
    Selection,
    Stages,
)
from kafka.search.time_index import Border, ReadingEnd, contradicted

_PATIENCE = 2.0
"""How many times as long as one search may take others wait for their turn: every caller comes by then."""


class Query:
    """Searches the topics of one cluster.

    Args:
        config: the cluster.
        topics: the facts of its topics.
        metadata: where the bounds of their partitions come from.
    """

    def __init__(self, config: ClusterConfig, topics: Topics, metadata: Metadata) -> None:
        self._config = config
        self._limits = config.query
        self._topics = topics
        self._metadata = metadata
        self._scanners = Scanners(config)
        self._places = FairShares(config.query.max_concurrent_scans, _PATIENCE * config.query.max_scan_seconds)

    async def readable(self, name: str, deadline: float) -> Topic:
        """Return the facts of a topic as far as reading needs them: not its configuration, if ACLs hide that.

        Raises:
            InternalTopic: what is in it is Kafka's own, or other callers' jobs.
            TopicMissing, AccessDenied, ClusterAway, DeadlineExceeded: they are not known.
        """
        if is_internal(name, self._config):
            # Whether or not it is there.
            raise InternalTopic(name)
        try:
            topic = await self._topics.describe(name, deadline)
        except AccessDenied as error:
            if error.operation != "DescribeConfigs":
                raise
            topic = await self._topics.summary(name)
        if topic.internal:
            raise InternalTopic(name)
        return topic

    async def find(
        self, selection: Selection, paging: Paging, rest: Continuation | None, abandoned: Event, *, caller: str = ""
    ) -> Page:
        """Return a page of records.

        Args:
            selection: which records; the same for all pages of a search.
            paging: how much of it to give.
            rest: where to continue; None for the first page.
            abandoned: set it to have the search end soon.
            caller: who asks: callers share fairly what can be searched at once.

        Raises:
            TopicMissing, PartitionMissing, TopicReplaced, InternalTopic, AccessDenied: there is nothing to search.
            NoLookupByTime: by time, on the embedded broker.
            ExpressionRefused: the filter's expression cannot work on any value.
            TooManyScans, ClusterAway, DeadlineExceeded: not now.
            kafka.scanners.Abandoned: it was set.
        """
        if selection.filter is not None:
            # Parsed here, and kept with the filter.
            _ = selection.filter.expression
        topic = await self.readable(selection.topic, time.monotonic() + self._limits.max_scan_seconds)
        if selection.partition is not None:
            topic.require_partition(selection.partition)
        if rest is not None:
            topic.require_id(rest.topic_id)
        async with self._places.place(caller):
            if rest is None:
                rest = Continuation(topic.topic_id, await self._stages(selection, topic, abandoned), paging.skip, 0)
            else:
                rest = await self._within(topic, rest)
            started = time.monotonic()
            plan = ScanPlan(
                topic,
                rest.stages,
                selection.ascending,
                # By time, sorted logs make sorted pages; else no timestamps may keep a partition from a page.
                selection.times_ms is None,
                selection.times_ms,
                selection.filter,
                rest.skip,
                paging.limit,
                paging.preview_bytes,
                paging.contents,
                self._limits.max_scan_records,
                started + min(paging.seconds or math.inf, self._limits.max_scan_seconds),
                self._config.dialects,
            )
            scanned = await self._scanners.run(topic, lambda consumer: scan(consumer, plan, abandoned), abandoned)
            seconds = time.monotonic() - started
        if records_read.listeners:
            records_read(RecordsRead(self._config.name, topic.name, scanned.read, seconds, "search"))
        passed = rest.passed + scanned.skipped + len(scanned.found)
        left = sum(span.length for stage in scanned.rest for span in stage)
        return Page(
            topic,
            scanned.found,
            total=passed + left,
            exact=not left,
            rest=Continuation(rest.topic_id, scanned.rest, rest.skip - scanned.skipped, passed) if left else None,
            left=left,
            scanned=scanned,
            seconds=seconds,
        )

    async def dead_letters(
        self, asked: DeadLettersQuery, rest: Continuation | None, abandoned: Event, *, caller: str = ""
    ) -> GroupsPage:
        """Return the groups of some of a topic's records, by what their headers say of them as dead letters.

        Args:
            asked: which records; the same for all pages.
            rest: where to continue; None for the first page.
            abandoned: set it to have the reading end soon.
            caller: who asks; as find.

        Raises:
            TopicMissing, PartitionMissing, TopicReplaced, InternalTopic, AccessDenied: there is nothing to read.
            TooManyScans, ClusterAway, DeadlineExceeded: not now.
            kafka.scanners.Abandoned: it was set.
        """
        limits = self._limits
        topic = await self.readable(asked.topic, time.monotonic() + limits.max_scan_seconds)
        if rest is not None:
            topic.require_id(rest.topic_id)
        async with self._places.place(caller):
            if rest is None:
                stages = await self._stages(Selection(asked.topic, asked.partition), topic, abandoned)
                rest = Continuation(topic.topic_id, stages, 0, 0)
            else:
                rest = await self._within(topic, rest)
            spans = [span for stage in rest.stages for span in stage]
            started = time.monotonic()
            deadline, dialects = started + limits.max_scan_seconds, self._config.dialects
            plan = GroupingPlan(topic, spans, asked.dialect, dialects, MOST_GROUPS, limits.max_scan_records, deadline)
            grouped = await self._scanners.run(topic, lambda each: group_records(each, plan, abandoned), abandoned)
            seconds = time.monotonic() - started
        if records_read.listeners:
            records_read(RecordsRead(self._config.name, topic.name, grouped.read, seconds, "search"))
        left = sum(span.length for span in grouped.rest)
        more = Continuation(rest.topic_id, (grouped.rest,), 0, rest.passed + grouped.read) if left else None
        return GroupsPage(grouped, more, left, seconds)

    async def histogram(self, asked: HistogramQuery, abandoned: Event, *, caller: str = "") -> Histogram:
        """Return how many records there are in each stretch of time; see kafka.histogram.

        Args:
            asked: of which records, and how finely.
            abandoned: set it to have the counting end soon.
            caller: who asks; as find.

        Raises:
            TopicMissing, PartitionMissing, InternalTopic, AccessDenied, NoLookupByTime: as find.
            TooManyScans, ClusterAway, DeadlineExceeded: not now.
            kafka.scanners.Abandoned: it was set.
        """
        if self._config.embedded:
            raise NoLookupByTime
        topic = await self.readable(asked.topic, time.monotonic() + self._limits.max_scan_seconds)
        partitions = _partitions(topic, asked.partition)
        async with self._places.place(caller):
            ends = await self._ends(topic.name, partitions)
            deadline = time.monotonic() + self._limits.max_scan_seconds
            plan = HistogramPlan(topic, ends, asked.times_ms, asked.buckets, self._limits.max_scan_records, deadline)
            return await self._scanners.run(topic, lambda consumer: count(consumer, plan, abandoned), abandoned)

    async def _stages(self, selection: Selection, topic: Topic, abandoned: Event) -> Stages:
        asked = _partitions(topic, selection.partition)
        stages: Stages
        if selection.times_ms is not None:
            if self._config.embedded:
                raise NoLookupByTime
            first, after, ends = await asyncio.gather(
                self._at_time(topic.name, asked, selection.times_ms[0]),
                self._at_time(topic.name, asked, selection.times_ms[1]),
                self._ends(topic.name, asked),
            )
            borders = {p: ends[p] if after[p] < 0 else min(after[p], ends[p]) for p in ends}
            for partition in await self._contradicted(topic, borders, ends, selection.times_ms[1], abandoned):
                # It would else come after all others.
                borders[partition] = ends[partition]
            stages = (
                tuple(OffsetRange(p, borders[p] if first[p] < 0 else first[p], borders[p]) for p in ends),
                tuple(OffsetRange(p, borders[p], ends[p]) for p in ends),
            )
        else:
            starts, ends = await asyncio.gather(self._starts(topic.name, asked), self._ends(topic.name, asked))
            if selection.offsets is not None:
                start, end = selection.offsets
                starts = {p: max(starts[p], start) for p in starts}
                ends = {p: ends[p] if end is None else min(ends[p], end) for p in ends}
            stages = (tuple(OffsetRange(p, starts[p], ends[p]) for p in starts),)
        if selection.position is not None:
            stages = tuple(tuple(_only(span, *selection.position) for span in stage) for stage in stages)
        return tuple(tuple(span for span in stage if span.length) for stage in stages)

    async def _contradicted(
        self, topic: Topic, borders: Mapping[int, int], ends: Mapping[int, int], time_ms: int, abandoned: Event
    ) -> set[int]:
        """Return the partitions in which the index does not tell where a time is."""
        asked = [Border(p, borders[p], ends[p], time_ms) for p in ends if borders[p] < ends[p]]
        if not asked:
            return set()
        until = ReadingEnd(time.monotonic() + self._limits.max_scan_seconds, abandoned)
        return await self._scanners.run(
            topic, lambda consumer: contradicted(consumer, topic.name, asked, until), abandoned
        )

    async def _within(self, topic: Topic, rest: Continuation) -> Continuation:
        """Return the rest as far as it lies within the topic as it is now: a log may have been cut since.

        Raises:
            PartitionMissing: it names a partition that the topic does not have.
        """
        partitions = sorted({span.partition for stage in rest.stages for span in stage})
        for partition in partitions:
            topic.require_partition(partition)
        try:
            async with asyncio.timeout(self._limits.max_scan_seconds):
                ends = await self._ends(topic.name, partitions)
        except TimeoutError:
            raise DeadlineExceeded(f"the ends of topic {topic.name!r}") from None
        cut = (
            (OffsetRange(span.partition, span.start, min(span.end, ends[span.partition])) for span in stage)
            for stage in rest.stages
        )
        return replace(rest, stages=tuple(tuple(span for span in stage if span.length) for stage in cut))

    async def _starts(self, topic: str, partitions: Collection[int]) -> dict[int, int]:
        return of_topic(topic, await self._metadata.starts([(topic, number) for number in partitions]))

    async def _ends(self, topic: str, partitions: Collection[int]) -> dict[int, int]:
        """Return the last stable offsets: what lies above is not committed yet."""
        return of_topic(topic, await self._metadata.ends([(topic, number) for number in partitions], committed=True))

    async def _at_time(self, topic: str, partitions: Collection[int], time_ms: int) -> dict[int, int]:
        return of_topic(topic, await self._metadata.at_time([(topic, number) for number in partitions], time_ms))

    async def close(self) -> None:
        """End the threads; no search is under way any more."""
        await self._scanners.close()


def _partitions(topic: Topic, partition: int | None) -> Collection[int]:
    if partition is None:
        return range(topic.partitions)
    topic.require_partition(partition)
    return (partition,)


def _only(span: OffsetRange, partition: int, offset: int) -> OffsetRange:
    """Return the part of a span that is this one position, or an empty span."""
    if span.partition != partition:
        return OffsetRange(span.partition, span.start, span.start)
    return OffsetRange(partition, max(span.start, offset), min(span.end, offset + 1))
