"""Where a topic's partitions begin and end, and where a time is in them: asked of many partitions at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from concurrent.futures import Future
from typing import Protocol

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import ListOffsetsResultInfo, OffsetSpec

from kafka.client.admin import Admin, offset_of
from kafka.model.errors import NoLookupByTime, cause, from_lookup

Partition = tuple[str, int]
"""A partition by topic and number."""

_LOOKUP_SECONDS = 5.0
_FIRST_TRY_SECONDS = 1.5
_LOOK_AGAIN_SECONDS = 0.1
_MISSING_SECONDS = 0.7
ASK_AGAIN = frozenset(
    {
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.OFFSET_NOT_AVAILABLE,
    }
)
"""With these another broker may lead the partition by now and be able to answer, or the same one a moment later."""
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

    def __init__(self, admin: Admin) -> None:
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
        level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        began = time.monotonic()
        deadline = began + _LOOKUP_SECONDS
        # The library asks each partition's leader as it knows it, once; one that has died never answers.
        found = await self._ask_once(partitions, spec, level, _FIRST_TRY_SECONDS)
        while again := [
            partition for partition, answer in found.items() if _perhaps_elsewhere(answer, time.monotonic() - began)
        ]:
            await self._admin.learn_leaders({topic for topic, _ in again})
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            left = deadline - time.monotonic()
            if left < _LOOK_AGAIN_SECONDS:
                break
            found |= await self._ask_once(again, spec, level, left)
        return found

    async def _ask_once(
        self, partitions: Collection[Partition], spec: OffsetSpec, level: IsolationLevel, seconds: float
    ) -> dict[Partition, int | KafkaException]:
        if not partitions:
            return {}
        asked = {TopicPartition(*partition): spec for partition in partitions}
        futures = self._admin.list_offsets(asked, isolation_level=level, request_timeout=seconds)
        return {(asked.topic, asked.partition): await self._offset(future) for asked, future in futures.items()}

    async def _offset(self, future: Future[ListOffsetsResultInfo]) -> int | KafkaException:
        try:
            return offset_of(await self._admin.answer(future))
        except KafkaException as exception:
            return exception


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


def _perhaps_elsewhere(answer: int | KafkaException, seconds: float) -> bool:
    """Whether another broker may know, who leads the partition by now, or has not heard of it yet.

    Args:
        answer: as it came.
        seconds: how long it was asked already.
    """
    if not isinstance(answer, KafkaException):
        return False
    code = cause(answer).code()
    return code in ASK_AGAIN or (code == KafkaError.UNKNOWN_TOPIC_OR_PART and seconds < _MISSING_SECONDS)


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
