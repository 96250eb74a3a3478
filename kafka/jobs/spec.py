"""What a client asks a job to be, and how that becomes a plan: checked, and with every end fixed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping

from msgspec.structs import replace

from kafka.client.config import ClusterConfig
from kafka.filter.expression import parse_expression
from kafka.jobs.errors import SelectionEmpty, SelectionTooLarge
from kafka.jobs.plan import JobTerms, Plan, new_job_id, spans_of_positions
from kafka.metadata.protocol import Metadata, of_topic
from kafka.metadata.topic import Topic
from kafka.metadata.topics import Topics
from kafka.model.records import Natural, OffsetRange, PartitionNumber
from kafka.resend.service import refuse_source, refuse_topic

_DESCRIBE_SECONDS = 10.0


class JobSpec(JobTerms, frozen=True, kw_only=True):
    """What to resend. At most one of offsets, times_ms and positions is given; none of them means everything.

    Attributes:
        partitions: the only ones; None: all, or those that offsets or positions name.
        offsets: by partition, a half-open range; an end of None is the end of the log.
        positions: partitions and offsets.
        allow_duplicate: accept the job although another one has resent some of the records for the same recipient.
    """

    partitions: tuple[PartitionNumber, ...] | None = None
    offsets: Mapping[PartitionNumber, tuple[Natural, Natural | None]] | None = None
    positions: tuple[tuple[PartitionNumber, Natural], ...] | None = None
    allow_duplicate: bool = False


class Planner:
    """Makes plans.

    Args:
        config: the cluster.
        topics: the facts of its topics.
        offsets: the bounds of their partitions.
    """

    def __init__(self, config: ClusterConfig, topics: Topics, offsets: Metadata) -> None:
        self._config = config
        self._topics = topics
        self._offsets = offsets

    async def plan(self, spec: JobSpec, store_partitions: int) -> Plan:
        """Return the plan of a new job.

        Each range ends at its high watermark of this moment: a job never meets its own copies, and does not leave out
        what is acknowledged but is behind an open transaction.

        Args:
            spec: what is asked for.
            store_partitions: how many partitions the store has.

        Raises:
            TopicMissing, PartitionMissing, TopicRefused, AccessDenied: nothing of this topic can be resent.
            SelectionEmpty, SelectionTooLarge, ExpressionRefused: the selection is invalid.
            ClusterAway, DeadlineExceeded: not now.
        """
        if spec.filter.jmespath is not None:
            parse_expression(spec.filter.jmespath)
        # As it is now: a plan outlives what is known of a topic for some seconds.
        topic = await self._topics.refresh(spec.topic, time.monotonic() + _DESCRIBE_SECONDS)
        refuse = refuse_topic if spec.target is None else refuse_source
        refuse(topic, self._config.policy)
        positions = _by_partition(spec.positions)
        spans, bounds = await self._spans(spec, topic, positions)
        selected = sum(span.length for span in spans)
        if not selected and positions is None:
            # Of named positions each is answered, also those that are not there.
            raise SelectionEmpty(topic.name)
        if selected > self._config.jobs.max_records:
            raise SelectionTooLarge(selected, self._config.jobs.max_records)
        terms = {name: getattr(spec, name) for name in JobTerms.__struct_fields__}
        if positions is not None:
            # A record that is named is meant, whether it is a copy or not.
            terms["filter"] = replace(spec.filter, include_resent=True)
        return Plan(
            **terms,
            job_id=new_job_id(store_partitions),
            instance=self._config.name,
            created_at_ms=time.time_ns() // 1_000_000,
            topic_id=topic.topic_id,
            spans=spans,
            positions=positions,
            bounds=bounds or None,
        )

    async def _spans(
        self, spec: JobSpec, topic: Topic, positions: Mapping[int, frozenset[int]] | None
    ) -> tuple[tuple[OffsetRange, ...], dict[int, tuple[int, int]]]:
        """Return what to read, and the bounds of the partitions in which positions lie outside of the log."""
        wanted: Collection[int] = positions or spec.offsets or spec.partitions or range(topic.partitions)
        for partition in wanted:
            topic.require_partition(partition)
        if spec.partitions is not None:
            wanted = kept_partitions(wanted, spec.partitions)
        asked = [(topic.name, partition) for partition in wanted]
        lows, highs = await asyncio.gather(self._offsets.starts(asked), self._offsets.ends(asked, committed=False))
        starts, ends = of_topic(topic.name, lows), of_topic(topic.name, highs)
        if positions is not None:
            return _inside(positions, starts, ends)
        if spec.offsets is not None:
            spans: Collection[OffsetRange] = [
                OffsetRange(partition, start, ends[partition] if end is None else end)
                for partition, (start, end) in spec.offsets.items()
                if partition in ends
            ]
        elif spec.times_ms is not None:
            # Only the start comes from the index: copies with their old time stand anywhere after it.
            begins = of_topic(topic.name, await self._offsets.at_time(asked, spec.times_ms[0]))
            spans = [
                OffsetRange(partition, begin, ends[partition]) for partition, begin in begins.items() if begin >= 0
            ]
        else:
            spans = [OffsetRange(partition, starts[partition], ends[partition]) for partition in ends]
        clipped = (
            OffsetRange(span.partition, max(span.start, starts[span.partition]), min(span.end, ends[span.partition]))
            for span in spans
            if span.partition in ends
        )
        return tuple(span for span in clipped if span.length), {}


def _inside(
    positions: Mapping[int, frozenset[int]], starts: Mapping[int, int], ends: Mapping[int, int]
) -> tuple[tuple[OffsetRange, ...], dict[int, tuple[int, int]]]:
    """Return spans of the positions that lie in the log, and its bounds where some lie outside of it."""
    inside = {
        partition: frozenset(offset for offset in offsets if starts[partition] <= offset < ends[partition])
        for partition, offsets in positions.items()
    }
    outside = [partition for partition, offsets in positions.items() if len(offsets) > len(inside[partition])]
    return spans_of_positions(inside), {partition: (starts[partition], ends[partition]) for partition in outside}


def kept_partitions(wanted: Collection[int], only: Collection[int]) -> list[int]:
    """Return those partitions that are also among the others, in linear time: a body can name many of both."""
    inside = frozenset(only)
    return [partition for partition in wanted if partition in inside]


def _by_partition(positions: Collection[tuple[int, int]] | None) -> Mapping[int, frozenset[int]] | None:
    if positions is None:
        return None
    found: dict[int, set[int]] = {}
    for partition, offset in positions:
        found.setdefault(partition, set()).add(offset)
    return {partition: frozenset(offsets) for partition, offsets in found.items()}
