"""The list of a cluster's topics, each with its bounds and descriptions, for a bounded number of requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from confluent_kafka import Consumer, KafkaException, TopicCollection
from confluent_kafka.admin import ClusterMetadata, ConfigResource, ResourceType, TopicMetadata

from kafka.client.admin import Admin
from kafka.client.config import ClusterConfig
from kafka.fair_shares import FairShares
from kafka.metadata.lookup import configured_topic
from kafka.metadata.offsets import Offsets
from kafka.metadata.topic import Topic, is_internal
from kafka.model.errors import NothingWritten, cause, from_lookup

_LOOKUP_SECONDS = 5.0
_LISTS_AT_ONCE = 4
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a partition begins and ends; None where that is not known."""

    partition: int
    log_start_offset: int | None
    high_watermark: int | None


@dataclass(frozen=True, slots=True)
class TopicSummary:
    """What the cluster's metadata tell of a topic."""

    name: str
    partitions: int
    replication: int


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


Description = tuple[Topic | None, bool, NothingWritten | None]
"""The topic, whether its configuration is in it, and what is in the way of knowing more."""


class TopicList(Protocol):
    """Where the list of topics and their descriptions come from."""

    async def summaries(self) -> list[TopicSummary]:
        """Return all topics that the cluster shows to this service, sorted by name.

        Raises:
            ClusterAway: no answer came in time.
        """

    async def descriptions(self, summaries: Sequence[TopicSummary]) -> dict[str, Description]:
        """Return the descriptions of these topics, by name."""


class AdminTopicList:
    """Asks a real cluster: for any number of topics one request for metadata, one to describe, one for configurations.

    Args:
        config: the cluster.
        admin: a client of it that others may use, too.
    """

    def __init__(self, config: ClusterConfig, admin: Admin) -> None:
        self._config = config
        self._admin = admin

    async def summaries(self) -> list[TopicSummary]:
        """Return all topics."""
        return await _summaries(lambda: self._admin.list_topics(timeout=_LOOKUP_SECONDS))

    async def descriptions(self, summaries: Sequence[TopicSummary]) -> dict[str, Description]:
        """Return the descriptions of these topics."""
        if not summaries:
            return {}
        names = [summary.name for summary in summaries]
        resources = {name: ConfigResource(ResourceType.TOPIC, name) for name in names}
        described = self._admin.describe_topics(TopicCollection(names), request_timeout=_LOOKUP_SECONDS)
        configured = self._admin.describe_configs(list(resources.values()), request_timeout=_LOOKUP_SECONDS)
        descriptions: dict[str, Description] = {}
        for summary in summaries:
            name = summary.name
            topic = Topic(name, "", summary.partitions, internal=is_internal(name, self._config))
            problem: NothingWritten | None = None
            known = complete = False
            try:
                description = await self._admin.answer(described[name])
                internal = topic.internal or description.is_internal
                topic = Topic(name, str(description.topic_id), len(description.partitions), internal=internal)
                known = True
            except KafkaException as exception:
                problem = from_lookup(cause(exception), name, "Describe")
            try:
                topic = configured_topic(topic, await self._admin.answer(configured[resources[name]]))
                complete = known
            except KafkaException as exception:
                problem = problem or from_lookup(cause(exception), name, "DescribeConfigs")
            descriptions[name] = (topic if known else None, complete, problem)
        return descriptions


class EmbeddedTopicList:
    """Asks librdkafka's mock cluster, which answers metadata requests only: all topics have default settings.

    Args:
        config: the cluster.
        consumer: a client of it that others may ask, too, and that nobody polls.
    """

    def __init__(self, config: ClusterConfig, consumer: Consumer) -> None:
        self._config = config
        self._consumer = consumer

    async def summaries(self) -> list[TopicSummary]:
        """Return all topics."""
        return await _summaries(lambda: self._consumer.list_topics(timeout=_LOOKUP_SECONDS))

    async def descriptions(self, summaries: Sequence[TopicSummary]) -> dict[str, Description]:
        """Return the descriptions of these topics."""
        return {
            summary.name: (
                Topic(summary.name, "", summary.partitions, internal=is_internal(summary.name, self._config)),
                True,
                None,
            )
            for summary in summaries
        }


class TopicListing:
    """Lists topics.

    Args:
        topics: where they come from.
        offsets: where the bounds of their partitions come from.
    """

    def __init__(self, topics: TopicList, offsets: Offsets) -> None:
        self._topics = topics
        self._offsets = offsets
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
        summaries = [summary for summary in await self._topics.summaries() if wanted(summary.name)]
        page = summaries[offset : offset + limit]
        asked = [(summary.name, number) for summary in page for number in range(summary.partitions)]
        descriptions, starts, ends = await asyncio.gather(
            self._topics.descriptions(page), self._offsets.starts(asked), self._offsets.ends(asked, committed=False)
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


async def _summaries(ask: Callable[[], ClusterMetadata]) -> list[TopicSummary]:
    try:
        metadata = await asyncio.to_thread(ask)
    except KafkaException as exception:
        raise from_lookup(cause(exception), "", "Describe") from exception
    return [_summary(name, topic) for name, topic in sorted(metadata.topics.items())]


def _summary(name: str, topic: TopicMetadata) -> TopicSummary:
    replicas = [len(partition.replicas) for partition in topic.partitions.values()]
    return TopicSummary(name, len(replicas), max(replicas, default=0))


def _known(answer: int | KafkaException) -> int | None:
    return None if isinstance(answer, KafkaException) else answer
