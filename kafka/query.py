"""Find records by time, by position, or the newest; and count them by time.

Where the records of a range of times stand, by the broker's index, is only half of the answer: a log is not sorted by
time, since a copy that was resent keeps its original's. So a search by time has two stages:

    1. from the index entry of the start to that of the end: nearly all that is looked for, fast
    2. from there to the end of the log: what came late

In both, partitions are read side by side and merged by time, and records of other times are left out. All offsets are
fixed at the first page: what is written later is not part of the search.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass
from threading import Event

from kafka.config import ClusterConfig
from kafka.errors import AccessDenied, NoLookupByTime, TooManyScans, TopicReplaced
from kafka.offsets import Offsets, of_topic
from kafka.records import Span
from kafka.scan import Plan, Scanners, Stop
from kafka.streams import Found
from kafka.topics import Topic, Topics

Stages = tuple[tuple[Span, ...], ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records are looked for, and in which order.

    Attributes:
        topic: where.
        partition: the only one; None: all.
        times_ms: half-open range of the record's own timestamp; None: any.
        offsets: half-open range of offsets in the one partition, its end None for the end of the log.
        ascending: in the order of offsets and times, or against both.
        key: what the key is; None: anything.
        position: the only partition and offset that may be found; None: any.
    """

    topic: str
    partition: int | None = None
    times_ms: tuple[int, int] | None = None
    offsets: tuple[int, int | None] | None = None
    ascending: bool = True
    key: bytes | None = None
    position: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Paging:
    """How much of what is found to give at once.

    Attributes:
        limit: how many records at most.
        skip: how many to leave out first; a later page goes by its `rest`.
        preview_bytes: how much of each value to bring along.
    """

    limit: int
    skip: int = 0
    preview_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of a search after a page.

    Attributes:
        topic_id: the topic as it was at the first page.
        stages: what is still to be read.
        skip: how many of those found are still to be left out.
        passed: how many were found before, left out or given.
    """

    topic_id: str
    stages: Stages
    skip: int
    passed: int


@dataclass(frozen=True, slots=True)
class Page:
    """What a search has found.

    Attributes:
        topic: the topic's facts.
        found: in the order asked for.
        total: how many there are altogether; an upper bound unless `exact`.
        rest: where to go on; None when nothing follows.
        read: how many records were read for this page.
        seconds: how long that took.
        stopped_by: what ended the page; None when nothing follows.
    """

    topic: Topic
    found: list[Found]
    total: int
    exact: bool
    rest: Rest | None
    read: int
    seconds: float
    stopped_by: Stop | None


@dataclass(frozen=True, slots=True)
class Bucket:
    """A stretch of time, and about how many records have their time in it."""

    start_ms: int
    end_ms: int
    count: int


class Query:
    """Searches the topics of one cluster.

    Args:
        config: the cluster.
        topics: the facts of its topics.
        offsets: the bounds of their partitions.
    """

    def __init__(self, config: ClusterConfig, topics: Topics, offsets: Offsets) -> None:
        self._config = config
        self._limits = config.query
        self._topics = topics
        self._offsets = offsets
        self._scanners = Scanners(config)
        self._free = asyncio.Semaphore(config.query.max_scans)

    async def describe(self, name: str, deadline: float) -> Topic:
        """Return the facts of a topic as far as reading needs them: not its configuration, if ACLs hide that.

        Raises:
            TopicMissing, AccessDenied, ClusterAway, DeadlineExceeded: they are not known.
        """
        try:
            return await self._topics.describe(name, deadline)
        except AccessDenied as error:
            if error.operation != "DescribeConfigs":
                raise
            return await self._topics.outline(name)

    async def find(self, selection: Selection, paging: Paging, rest: Rest | None, abandoned: Event) -> Page:
        """Return a page of records.

        Args:
            selection: which records; the same for all pages of a search.
            paging: how much of it to give.
            rest: where to go on; None for the first page.
            abandoned: set it to have the search end soon.

        Raises:
            TopicMissing, PartitionMissing, TopicReplaced, AccessDenied: there is nothing to search.
            NoLookupByTime: by time, on the embedded broker.
            TooManyScans, ClusterAway, DeadlineExceeded: not now.
            kafka.scan.Abandoned: it was set.
        """
        deadline = time.monotonic() + self._limits.max_scan_seconds
        topic = await self.describe(selection.topic, deadline)
        if rest is None:
            if selection.partition is not None:
                topic.require_partition(selection.partition)
            rest = Rest(topic.topic_id, await self._stages(selection, topic), paging.skip, 0)
        elif rest.topic_id != topic.topic_id:
            raise TopicReplaced(topic.name)
        async with _Slot(self._free, self._limits.max_scans, self._limits.max_scan_seconds):
            started = time.monotonic()
            plan = Plan(
                topic,
                rest.stages,
                selection.ascending,
                selection.times_ms,
                selection.key,
                rest.skip,
                paging.limit,
                paging.preview_bytes,
                self._limits.max_scan_records,
                started + self._limits.max_scan_seconds,
            )
            scanned = await self._scanners.scan(plan, abandoned)
            seconds = time.monotonic() - started
        passed = rest.passed + scanned.skipped + len(scanned.found)
        left = sum(span.length for stage in scanned.rest for span in stage)
        return Page(
            topic,
            scanned.found,
            total=passed + left,
            exact=not left,
            rest=Rest(rest.topic_id, scanned.rest, rest.skip - scanned.skipped, passed) if left else None,
            read=scanned.read,
            seconds=seconds,
            stopped_by=scanned.stopped_by,
        )

    async def histogram(
        self, topic: str, partition: int | None, times_ms: tuple[int, int], buckets: int
    ) -> list[Bucket]:
        """Return about how many records there are in each stretch of time, from the broker's index; nothing is read.

        Args:
            topic: the topic.
            partition: the only one; None: all.
            times_ms: half-open range of times.
            buckets: into how many stretches to divide it; fewer where a stretch would be shorter than a millisecond.

        Raises:
            TopicMissing, PartitionMissing, AccessDenied, NoLookupByTime, ClusterAway, DeadlineExceeded: as find.
        """
        if self._config.embedded:
            raise NoLookupByTime
        described = await self.describe(topic, time.monotonic() + self._limits.max_scan_seconds)
        asked = _partitions(described, partition)
        start, end = times_ms
        number = min(buckets, end - start)
        borders = [start + (end - start) * index // number for index in range(number + 1)]
        ends, *at_borders = await asyncio.gather(
            self._ends(topic, asked), *(self._at_time(topic, asked, border) for border in borders)
        )
        placed = [{p: ends[p] if at[p] < 0 else min(at[p], ends[p]) for p in ends} for at in at_borders]
        return [
            Bucket(
                borders[index], borders[index + 1], sum(max(0, placed[index + 1][p] - placed[index][p]) for p in ends)
            )
            for index in range(number)
        ]

    async def _stages(self, selection: Selection, topic: Topic) -> Stages:
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
            stages = (
                tuple(Span(p, borders[p] if first[p] < 0 else first[p], borders[p]) for p in ends),
                tuple(Span(p, borders[p], ends[p]) for p in ends),
            )
        else:
            starts, ends = await asyncio.gather(self._starts(topic.name, asked), self._ends(topic.name, asked))
            if selection.offsets is not None:
                start, end = selection.offsets
                starts = {p: max(starts[p], start) for p in starts}
                ends = {p: ends[p] if end is None else min(ends[p], end) for p in ends}
            stages = (tuple(Span(p, starts[p], ends[p]) for p in starts),)
        if selection.position is not None:
            stages = tuple(tuple(_only(span, *selection.position) for span in stage) for stage in stages)
        return tuple(tuple(span for span in stage if span.length) for stage in stages)

    async def _starts(self, topic: str, partitions: Collection[int]) -> dict[int, int]:
        return of_topic(topic, await self._offsets.starts([(topic, number) for number in partitions]))

    async def _ends(self, topic: str, partitions: Collection[int]) -> dict[int, int]:
        """Return the last stable offsets: what lies above is not committed yet."""
        return of_topic(topic, await self._offsets.ends([(topic, number) for number in partitions], committed=True))

    async def _at_time(self, topic: str, partitions: Collection[int], time_ms: int) -> dict[int, int]:
        return of_topic(topic, await self._offsets.at_time([(topic, number) for number in partitions], time_ms))

    async def close(self) -> None:
        """End the threads; no search is under way any more."""
        await self._scanners.close()


class _Slot:
    """One of the searches that may be under way at once.

    Args:
        free: as many as are free.
        limit: how many there are, to tell.
        seconds: how long to wait for one.
    """

    def __init__(self, free: asyncio.Semaphore, limit: int, seconds: float) -> None:
        self._free = free
        self._limit = limit
        self._seconds = seconds

    async def __aenter__(self) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await self._free.acquire()
        except TimeoutError:
            raise TooManyScans(self._limit) from None

    async def __aexit__(self, *_: object) -> None:
        self._free.release()


def _partitions(topic: Topic, partition: int | None) -> Collection[int]:
    if partition is None:
        return range(topic.partitions)
    topic.require_partition(partition)
    return (partition,)


def _only(span: Span, partition: int, offset: int) -> Span:
    """Return the part of a span that is this one position, or an empty span."""
    if span.partition != partition:
        return Span(span.partition, span.start, span.start)
    return Span(partition, max(span.start, offset), min(span.end, offset + 1))
