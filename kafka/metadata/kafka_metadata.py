"""What a real cluster knows, asked with one AdminClient."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AclOperation,
    ConfigEntry,
    ConfigResource,
    ListOffsetsResultInfo,
    OffsetSpec,
    ResourceType,
    TopicDescription,
)

from kafka.client.admin import Admin, offset_of
from kafka.client.config import ClusterConfig
from kafka.client.connection import ConnectionErrors
from kafka.metadata.probe import LeaderProbe
from kafka.metadata.protocol import Description, Partition, TopicSummary, summaries_of
from kafka.metadata.topic import Topic, is_internal
from kafka.model.errors import AccessDenied, TopicMissing
from kafka.model.translation import cause, from_lookup

_LOOKUP_SECONDS = 5.0
_FIRST_TRY_SECONDS = 1.5
_LOOK_AGAIN_SECONDS = 0.1
_MISSING_SECONDS = 0.7
_MISSING_ASKED_AGAIN_AFTER_SECONDS = (0.1, 0.2, 0.4)
_UNLIMITED_MS = 2**63 - 1
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


class KafkaMetadata:
    """Asks a real cluster, as Metadata: for any number of topics or partitions few requests, to each broker one.

    Args:
        config: the cluster.
        errors: takes what the client reports of its connections, if `require` is called from time to time: that polls.

    Attributes:
        admin: the client, which others may use, too.
    """

    def __init__(self, config: ClusterConfig, errors: ConnectionErrors | None = None) -> None:
        self.admin = Admin(config, errors)
        self._config = config
        self._probe = LeaderProbe(self.admin, errors or ConnectionErrors())

    async def require(self, timeout_seconds: float) -> None:
        """Return if a broker that leads partitions answers; see LeaderProbe."""
        await self._probe.require(timeout_seconds)

    async def topic(self, name: str, *, to_write: bool = False) -> Topic:
        """Ask for the facts of one topic.

        Args:
            name: the topic.
            to_write: AccessDenied also where Kafka's ACLs keep the service from writing to it.
        """
        return await _unless_missing(lambda: self._topic(name, to_write=to_write))

    async def summary(self, name: str) -> Topic:
        """Ask without the configuration."""
        return await _unless_missing(lambda: self._summary(name))

    async def summaries(self) -> list[TopicSummary]:
        """Return all topics."""
        try:
            return summaries_of(await asyncio.to_thread(self.admin.list_topics, timeout=_LOOKUP_SECONDS))
        except KafkaException as exception:
            raise from_lookup(cause(exception), "", "Describe") from exception

    async def descriptions(self, summaries: Sequence[TopicSummary]) -> Mapping[str, Description]:
        """Return the descriptions of these topics."""
        if not summaries:
            return {}
        names = [summary.name for summary in summaries]
        described, configured = self._ask_for(names)
        return {name: await self._description(name, described[name], configured[name]) for name in names}

    async def starts(self, partitions: Collection[Partition]) -> dict[Partition, int | KafkaException]:
        """Return each partition's log start offset."""
        return await self._offsets(partitions, _EARLIEST, committed=False)

    async def ends(
        self, partitions: Collection[Partition], *, committed: bool
    ) -> dict[Partition, int | KafkaException]:
        """Return each partition's end."""
        return await self._offsets(partitions, _LATEST, committed=committed)

    async def at_time(self, partitions: Collection[Partition], time_ms: int) -> dict[Partition, int | KafkaException]:
        """Return for each partition the first offset whose record is not older than this."""
        return await self._offsets(partitions, OffsetSpec.for_timestamp(time_ms), committed=True)

    def close(self) -> None:
        """End the client."""
        # An AdminClient ends with its last reference; what else asks by this one goes with the Cluster.
        del self.admin, self._probe

    def _ask_for(
        self, names: Sequence[str], *, to_write: bool = False
    ) -> tuple[dict[str, Future[TopicDescription]], dict[str, Future[dict[str, ConfigEntry]]]]:
        """Ask for descriptions and configurations, each with one request for all topics, at the same time."""
        resources = {name: ConfigResource(ResourceType.TOPIC, name) for name in names}
        described = self.admin.describe_topics(
            TopicCollection(list(names)), include_authorized_operations=to_write, request_timeout=_LOOKUP_SECONDS
        )
        configured = self.admin.describe_configs(list(resources.values()), request_timeout=_LOOKUP_SECONDS)
        for answer in configured.values():
            # Not all are waited for, and the error of one that is not must not be reported as never retrieved.
            answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        return described, {name: configured[resource] for name, resource in resources.items()}

    async def _topic(self, name: str, *, to_write: bool) -> Topic:
        described, configured = self._ask_for([name], to_write=to_write)
        try:
            description = await self.admin.answer(described[name])
        except KafkaException as exception:
            raise from_lookup(cause(exception), name, "Describe") from exception
        topic = self._described(name, description)
        if topic.internal:
            return topic
        allowed = description.authorized_operations if to_write else None
        # Brokers before Kafka 2.3 do not tell; to see the topic at all takes one of them.
        if allowed and AclOperation.WRITE not in allowed:
            raise AccessDenied("Write", f"topic {name!r}")
        try:
            entries = await self.admin.answer(configured[name])
        except KafkaException as exception:
            raise from_lookup(cause(exception), name, "DescribeConfigs") from exception
        return configured_topic(topic, entries)

    async def _summary(self, name: str) -> Topic:
        described = self.admin.describe_topics(TopicCollection([name]), request_timeout=_LOOKUP_SECONDS)[name]
        try:
            return self._described(name, await self.admin.answer(described))
        except KafkaException as exception:
            raise from_lookup(cause(exception), name, "Describe") from exception

    async def _description(
        self, name: str, described: Future[TopicDescription], configured: Future[dict[str, ConfigEntry]]
    ) -> Description:
        try:
            topic = self._described(name, await self.admin.answer(described))
        except KafkaException as exception:
            return None, False, from_lookup(cause(exception), name, "Describe")
        try:
            entries = await self.admin.answer(configured)
        except KafkaException as exception:
            return topic, False, from_lookup(cause(exception), name, "DescribeConfigs")
        return configured_topic(topic, entries), True, None

    def _described(self, name: str, description: TopicDescription) -> Topic:
        """Return a topic without the facts of its configuration."""
        partitions = sorted(description.partitions, key=lambda partition: partition.id)
        return Topic(
            name,
            str(description.topic_id),
            len(partitions),
            internal=is_internal(name, self._config) or description.is_internal,
            # None where there is none, whatever the library's types say.
            leaders=tuple(getattr(partition.leader, "id", -1) for partition in partitions),
        )

    async def _offsets(
        self, partitions: Collection[Partition], spec: OffsetSpec, *, committed: bool
    ) -> dict[Partition, int | KafkaException]:
        level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        began = time.monotonic()
        deadline = began + _LOOKUP_SECONDS
        # The library asks each partition's leader as it knows it, once; one that has died never answers.
        found = await self._offsets_once(partitions, spec, level, _FIRST_TRY_SECONDS)
        while again := [
            partition for partition, answer in found.items() if _perhaps_elsewhere(answer, time.monotonic() - began)
        ]:
            await self.admin.learn_leaders({topic for topic, _ in again})
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            left = deadline - time.monotonic()
            if left < _LOOK_AGAIN_SECONDS:
                break
            found |= await self._offsets_once(again, spec, level, left)
        return found

    async def _offsets_once(
        self, partitions: Collection[Partition], spec: OffsetSpec, level: IsolationLevel, seconds: float
    ) -> dict[Partition, int | KafkaException]:
        if not partitions:
            return {}
        asked = {TopicPartition(*partition): spec for partition in partitions}
        futures = self.admin.list_offsets(asked, isolation_level=level, request_timeout=seconds)
        return {(asked.topic, asked.partition): await self._offset(future) for asked, future in futures.items()}

    async def _offset(self, future: Future[ListOffsetsResultInfo]) -> int | KafkaException:
        try:
            return offset_of(await self.admin.answer(future))
        except KafkaException as exception:
            return exception


async def _unless_missing(ask: Callable[[], Awaitable[Topic]]) -> Topic:
    """Ask for a topic, and again while the answer is that there is none: a broker may not have heard of it yet.

    Raises:
        TopicMissing: it was the answer every time.
    """
    for pause_seconds in _MISSING_ASKED_AGAIN_AFTER_SECONDS:
        with suppress(TopicMissing):
            return await ask()
        await asyncio.sleep(pause_seconds)
    return await ask()


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


def configured_topic(topic: Topic, entries: Mapping[str, ConfigEntry]) -> Topic:
    """Return the topic with the facts that its configuration tells.

    Args:
        topic: as the cluster describes it.
        entries: its configuration, by property.
    """
    config = {name: entry.value for name, entry in entries.items() if entry.value is not None}
    policies = {policy.strip() for policy in config["cleanup.policy"].split(",")}
    return replace(
        topic,
        compacted="compact" in policies,
        log_append_time=config["message.timestamp.type"] == "LogAppendTime",
        max_message_bytes=int(config["max.message.bytes"]),
        retention_ms=_bound(config["retention.ms"]) if "delete" in policies else None,
        # Brokers before Kafka 3.6 know neither.
        timestamp_before_max_ms=_bound(config.get("message.timestamp.before.max.ms")),
        timestamp_after_max_ms=_bound(config.get("message.timestamp.after.max.ms")),
    )


def _bound(text: str | None) -> int | None:
    """Parse a bound in milliseconds: absent, -1 and the greatest long all mean that there is none."""
    if text is None:
        return None
    number = int(text)
    return None if number < 0 or number >= _UNLIMITED_MS else number
