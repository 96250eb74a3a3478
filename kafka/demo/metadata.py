"""What librdkafka's mock cluster knows: it answers metadata requests only, so all topics have default settings."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import ClusterMetadata

from kafka.client.config import ClusterConfig
from kafka.client.properties import reader_properties
from kafka.metadata.probe import away
from kafka.metadata.protocol import Description, Partition, TopicSummary, summaries_of
from kafka.metadata.topic import Topic, is_internal
from kafka.model.errors import NoLookupByTime
from kafka.model.translation import cause, from_lookup

_LOOKUP_SECONDS = 5.0


class EmbeddedMetadata:
    """Asks the embedded broker, as Metadata, with a Consumer that nobody polls.

    Args:
        config: the cluster.
    """

    def __init__(self, config: ClusterConfig) -> None:
        self._consumer = Consumer(reader_properties(config))
        self._config = config

    async def require(self, timeout_seconds: float) -> None:
        """Ask for a sign of life."""
        try:
            await self._metadata(None, timeout_seconds)
        except KafkaException as exception:
            raise away(exception) from exception

    async def topic(self, name: str) -> Topic:
        """Ask for the facts of one topic."""
        try:
            found = (await self._metadata(name, _LOOKUP_SECONDS)).topics[name]
        except KafkaException as exception:
            raise from_lookup(cause(exception), name, "Describe") from exception
        if found.error is not None:
            raise from_lookup(found.error, name, "Describe")
        return self._topic(name, len(found.partitions))

    async def summary(self, name: str) -> Topic:
        """Ask for the facts of one topic: there is no configuration to leave out."""
        return await self.topic(name)

    async def summaries(self) -> list[TopicSummary]:
        """Return all topics."""
        try:
            return summaries_of(await self._metadata(None, _LOOKUP_SECONDS))
        except KafkaException as exception:
            raise from_lookup(cause(exception), "", "Describe") from exception

    async def descriptions(self, summaries: Sequence[TopicSummary]) -> Mapping[str, Description]:
        """Return the descriptions of these topics."""
        return {each.name: (self._topic(each.name, each.partitions), True, None) for each in summaries}

    async def starts(self, partitions: Collection[Partition]) -> dict[Partition, int | KafkaException]:
        """Return each partition's log start offset."""
        return {partition: bounds[0] for partition, bounds in (await self._bounds(partitions)).items()}

    async def ends(
        self, partitions: Collection[Partition], *, committed: bool
    ) -> dict[Partition, int | KafkaException]:
        """Return each partition's high watermark: without isolation it is the last stable offset, too."""
        del committed
        return {partition: bounds[1] for partition, bounds in (await self._bounds(partitions)).items()}

    async def at_time(self, partitions: Collection[Partition], time_ms: int) -> dict[Partition, int | KafkaException]:
        """Refuse."""
        del partitions, time_ms
        raise NoLookupByTime

    def close(self) -> None:
        """End the client."""
        self._consumer.close()

    async def _metadata(self, topic: str | None, timeout_seconds: float) -> ClusterMetadata:
        return await asyncio.to_thread(self._consumer.list_topics, topic, timeout_seconds)

    def _topic(self, name: str, partitions: int) -> Topic:
        return Topic(name, "", partitions, internal=is_internal(name, self._config))

    async def _bounds(
        self, partitions: Collection[Partition]
    ) -> dict[Partition, tuple[int | KafkaException, int | KafkaException]]:
        return await asyncio.to_thread(lambda: {partition: self._ask(partition) for partition in partitions})

    def _ask(self, partition: Partition) -> tuple[int | KafkaException, int | KafkaException]:
        try:
            return self._consumer.get_watermark_offsets(TopicPartition(*partition), timeout=_LOOKUP_SECONDS)
        except KafkaException as exception:
            return exception, exception
