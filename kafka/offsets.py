"""Where a topic's partitions begin and end, and where a time stands in them: asked of many partitions at once."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from concurrent.futures import Future
from typing import Protocol

from confluent_kafka import Consumer, IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ListOffsetsResultInfo, OffsetSpec

from kafka.errors import NoLookupByTime, cause, from_lookup

Partition = tuple[str, int]
"""A partition by topic and number."""

_LOOKUP_SECONDS = 5.0
_EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]


class Offsets(Protocol):
    """Where the bounds of partitions come from."""

    async def starts(self, partitions: Collection[Partition]) -> dict[Partition, int | KafkaException]:
        """Return each partition's log start offset, or what is in the way of knowing it."""

    async def ends(
        self, partitions: Collection[Partition], *, committed: bool
    ) -> dict[Partition, int | KafkaException]:
        """Return each partition's end: the last stable offset if committed, else the high watermark."""

    async def at_time(self, partitions: Collection[Partition], time_ms: int) -> dict[Partition, int | KafkaException]:
        """Return for each partition the first offset whose record is not older than this; -1 where all are.

        Raises:
            NoLookupByTime: the broker has no index of times.
        """


class AdminOffsets:
    """Asks a real cluster: one request to each broker that leads some of the partitions, however many these are.

    Args:
        admin: a client that others may use, too.
    """

    def __init__(self, admin: AdminClient) -> None:
        self._admin = admin

    async def starts(self, partitions: Collection[Partition]) -> dict[Partition, int | KafkaException]:
        """Return each partition's log start offset."""
        return await self._ask(partitions, _EARLIEST, committed=False)

    async def ends(
        self, partitions: Collection[Partition], *, committed: bool
    ) -> dict[Partition, int | KafkaException]:
        """Return each partition's end."""
        return await self._ask(partitions, _LATEST, committed=committed)

    async def at_time(self, partitions: Collection[Partition], time_ms: int) -> dict[Partition, int | KafkaException]:
        """Return for each partition the first offset whose record is not older than this."""
        return await self._ask(partitions, OffsetSpec.for_timestamp(time_ms), committed=True)

    async def _ask(
        self, partitions: Collection[Partition], spec: OffsetSpec, *, committed: bool
    ) -> dict[Partition, int | KafkaException]:
        if not partitions:
            return {}
        level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        asked = {TopicPartition(*partition): spec for partition in partitions}
        futures = self._admin.list_offsets(asked, isolation_level=level, request_timeout=_LOOKUP_SECONDS)
        return {(partition.topic, partition.partition): await _offset(future) for partition, future in futures.items()}


class EmbeddedOffsets:
    """Asks librdkafka's mock cluster, partition by partition; it has no look-up by time.

    Args:
        consumer: a client that others may ask, too, and that nobody polls.
    """

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    async def starts(self, partitions: Collection[Partition]) -> dict[Partition, int | KafkaException]:
        """Return each partition's log start offset."""
        return {partition: bounds[0] for partition, bounds in (await self._bounds(partitions)).items()}

    async def ends(
        self, partitions: Collection[Partition], *, committed: bool
    ) -> dict[Partition, int | KafkaException]:
        """Return each partition's high watermark: without isolation it is the last stable offset, too."""
        del committed
        return {partition: bounds[1] for partition, bounds in (await self._bounds(partitions)).items()}

    async def _bounds(
        self, partitions: Collection[Partition]
    ) -> dict[Partition, tuple[int | KafkaException, int | KafkaException]]:
        return await asyncio.to_thread(lambda: {partition: self._ask(partition) for partition in partitions})

    def _ask(self, partition: Partition) -> tuple[int | KafkaException, int | KafkaException]:
        try:
            return self._consumer.get_watermark_offsets(TopicPartition(*partition), timeout=_LOOKUP_SECONDS)
        except KafkaException as exception:
            return exception, exception

    async def at_time(self, partitions: Collection[Partition], time_ms: int) -> dict[Partition, int | KafkaException]:
        """Refuse."""
        del partitions, time_ms
        raise NoLookupByTime


async def _offset(future: Future[ListOffsetsResultInfo]) -> int | KafkaException:
    try:
        return (await asyncio.wrap_future(future)).offset
    except KafkaException as exception:
        return exception


def of_topic(topic: str, answers: dict[Partition, int | KafkaException]) -> dict[int, int]:
    """Return the offsets of one topic by partition.

    Raises:
        TopicMissing, AccessDenied, ClusterAway: one of them is not known.
    """
    offsets: dict[int, int] = {}
    for (_, partition), answer in answers.items():
        if isinstance(answer, KafkaException):
            raise from_lookup(cause(answer), topic, "Describe") from answer
        offsets[partition] = answer
    return offsets
