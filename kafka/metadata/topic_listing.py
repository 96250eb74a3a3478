"""The list of a cluster's topics, each with its bounds and descriptions, for a bounded number of requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from confluent_kafka import KafkaException

from kafka.fair_shares import FairShares
from kafka.metadata.protocol import Metadata, TopicSummary
from kafka.metadata.topic import Topic
from kafka.model.errors import NothingWritten

_LISTS_AT_ONCE = 4
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a partition begins and ends; None where that is not known."""

    partition: int
    log_start_offset: int | None
    high_watermark: int | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A topic in the list.

    Attributes:
        summary: what is known in any case.
        topic: its description; None where it is not known.
        configured: whether the description holds the topic's configuration.
        problem: why something is not known.
        bounds: of each partition.
    """

    summary: TopicSummary
    topic: Topic | None
    configured: bool
    problem: NothingWritten | None
    bounds: tuple[Bounds, ...]


class TopicListing:
    """Lists topics.

    Args:
        metadata: where they, and the bounds of their partitions, come from.
    """

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata
        self._places = FairShares(_LISTS_AT_ONCE, _PATIENCE_SECONDS)

    async def page(
        self, wanted: Callable[[str], bool], offset: int, limit: int, *, caller: str = ""
    ) -> tuple[int, list[Listed]]:
        """Return how many topics are wanted, and some of them with their descriptions, sorted by name.

        Args:
            wanted: whether a topic of this name is.
            offset: how many to leave out.
            limit: how many at most.
            caller: who asks: callers share fairly what can be listed at once.

        Raises:
            TooManyScans: as many lists are being made.
            ClusterAway: no answer came in time.
        """
        async with self._places.place(caller):
            return await self._page(wanted, offset, limit)

    async def _page(self, wanted: Callable[[str], bool], offset: int, limit: int) -> tuple[int, list[Listed]]:
        summaries = [summary for summary in await self._metadata.summaries() if wanted(summary.name)]
        page = summaries[offset : offset + limit]
        asked = [(summary.name, number) for summary in page for number in range(summary.partitions)]
        descriptions, starts, ends = await asyncio.gather(
            self._metadata.descriptions(page),
            self._metadata.starts(asked),
            self._metadata.ends(asked, committed=False),
        )
        return len(summaries), [
            Listed(
                summary,
                *descriptions[summary.name],
                tuple(
                    Bounds(number, _known(starts[summary.name, number]), _known(ends[summary.name, number]))
                    for number in range(summary.partitions)
                ),
            )
            for summary in page
        ]


def _known(answer: int | KafkaException) -> int | None:
    return None if isinstance(answer, KafkaException) else answer
