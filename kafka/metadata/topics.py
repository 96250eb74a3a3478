"""What a topic is: its partitions, whether it is internal or compacted, and what its configuration lets a copy be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from confluent_kafka import Consumer, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation, ConfigEntry, ConfigResource, ResourceType

from kafka.client.admin import Admin
from kafka.client.config import ClusterConfig, JobsConfig, reader_properties
from kafka.client.connection import ConnectionErrors
from kafka.model.errors import (
    AccessDenied,
    ClusterAway,
    DeadlineExceeded,
    PartitionMissing,
    TopicMissing,
    cause,
    from_lookup,
)

_INTERNAL_TOPICS = frozenset(
    {"__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata", JobsConfig().topic}
)
"""Topics that Kafka or this service keeps state in, also where the broker does not mark them internal."""

_UNLIMITED_MS = 2**63 - 1
_FRESH_SECONDS = 2.0
_USABLE_SECONDS = 10.0
_LOOKUP_SECONDS = 5.0
_KEPT_TOPICS = 10_000
_MISSING_ASKED_AGAIN_AFTER_SECONDS = (0.1, 0.2, 0.4)


def is_internal(name: str, config: ClusterConfig) -> bool:
    """Whether a topic is Kafka's own or this service's by its name: neither read for a caller nor resent.

    That is the job store under its configured name, and under the default one, which another deployment may use.
    """
    return name in _INTERNAL_TOPICS or name == config.jobs.topic


@dataclass(frozen=True, slots=True)
class Topic:
    """The facts of a topic that decide whether and how its records are resent.

    Attributes:
        name: as Kafka has it.
        topic_id: changes when the topic is deleted and made again.
        partitions: how many; they are numbered from 0.
        internal: Kafka's own or this service's.
        compacted: its cleanup.policy contains compact.
        log_append_time: the broker sets the timestamps.
        max_message_bytes: largest record batch, after compression.
        retention_ms: age after which records are deleted; None: never for their age.
        timestamp_before_max_ms: greatest age that a record may have when it is written; None: any.
        timestamp_after_max_ms: how far ahead its timestamp may lie then; None: any.
        leaders: number of the broker that leads each partition, as far as is known; -1 where none does.

    Source: Kafka's topic configuration; KIP-937 for the two bounds of a timestamp.
    """

    name: str
    topic_id: str
    partitions: int
    internal: bool = False
    compacted: bool = False
    log_append_time: bool = False
    max_message_bytes: int = 1_048_588
    retention_ms: int | None = None
    timestamp_before_max_ms: int | None = None
    timestamp_after_max_ms: int | None = None
    leaders: tuple[int, ...] = ()

    def leader(self, partition: int) -> int | None:
        """Return the number of the broker that leads a partition; None where it is not known."""
        return self.leaders[partition] if partition < len(self.leaders) else None

    def require_partition(self, partition: int) -> None:
        """Raise PartitionMissing if the topic has no such partition."""
        if not 0 <= partition < self.partitions:
            raise PartitionMissing(self.name, partition, self.partitions)


class Lookup(Protocol):
    """Where the facts of topics come from."""

    async def topic(self, name: str) -> Topic:
        """Ask the cluster for the facts of one topic.

        Raises:
            TopicMissing: the cluster has none of that name.
            AccessDenied: Kafka's ACLs hide the topic's configuration.
            ClusterAway: no answer came in time.
        """

    async def summary(self, name: str) -> Topic:
        """Ask only for what a topic is called and how many partitions it has.

        Raises:
            TopicMissing, AccessDenied, ClusterAway: as topic.
        """

    def close(self) -> None:
        """End the client."""


class AdminLookup:
    """Asks a real cluster.

    Args:
        config: the cluster.
        errors: takes what the client reports of its connections, if it is polled.

    Attributes:
        admin: the client, which others may use, too.
    """

    def __init__(self, config: ClusterConfig, errors: ConnectionErrors | None = None) -> None:
        self.admin = Admin(config, errors)
        self._config = config

    async def topic(self, name: str, *, to_write: bool = False) -> Topic:
        """Ask for the facts of one topic.

        Args:
            name: the topic.
            to_write: AccessDenied also where Kafka's ACLs keep the service from writing to it.
        """
        return await _unless_missing(lambda: self._topic(name, to_write=to_write))

    async def _topic(self, name: str, *, to_write: bool) -> Topic:
        resource = ConfigResource(ResourceType.TOPIC, name)
        described = self.admin.describe_topics(
            TopicCollection([name]), include_authorized_operations=to_write, request_timeout=_LOOKUP_SECONDS
        )[name]
        configured = self.admin.describe_configs([resource], request_timeout=_LOOKUP_SECONDS)[resource]
        try:
            description = await self.admin.answer(described)
        except KafkaException as exception:
            # The other answer is not needed any more, and its error must not be reported as never retrieved.
            configured.add_done_callback(lambda done: done.exception())
            raise from_lookup(cause(exception), name, "Describe") from exception
        if is_internal(name, self._config) or description.is_internal:
            configured.add_done_callback(lambda done: done.exception())
            return Topic(name, str(description.topic_id), len(description.partitions), internal=True)
        allowed = description.authorized_operations if to_write else None
        # Brokers before Kafka 2.3 do not tell; to see the topic at all takes one of them.
        if allowed and AclOperation.WRITE not in allowed:
            configured.add_done_callback(lambda done: done.exception())
            raise AccessDenied("Write", f"topic {name!r}")
        try:
            entries = await self.admin.answer(configured)
        except KafkaException as exception:
            raise from_lookup(cause(exception), name, "DescribeConfigs") from exception
        partitions = sorted(description.partitions, key=lambda partition: partition.id)
        leaders = tuple(-1 if partition.leader is None else partition.leader.id for partition in partitions)
        topic = Topic(name, str(description.topic_id), len(partitions), leaders=leaders)
        return configured_topic(topic, entries)

    async def summary(self, name: str) -> Topic:
        """Ask without the configuration."""
        return await _unless_missing(lambda: self._summary(name))

    async def _summary(self, name: str) -> Topic:
        described = self.admin.describe_topics(TopicCollection([name]), request_timeout=_LOOKUP_SECONDS)[name]
        try:
            description = await self.admin.answer(described)
        except KafkaException as exception:
            raise from_lookup(cause(exception), name, "Describe") from exception
        internal = is_internal(name, self._config) or description.is_internal
        return Topic(name, str(description.topic_id), len(description.partitions), internal=internal)

    def close(self) -> None:
        """End the client."""
        # An AdminClient ends with its last reference; what else asks by this one goes with the Cluster.
        del self.admin


class EmbeddedLookup:
    """Asks librdkafka's mock cluster, which answers metadata requests only: all topics have default settings.

    Attributes:
        consumer: the client, which others may ask, too; nobody polls it.
    """

    def __init__(self, config: ClusterConfig) -> None:
        self.consumer = Consumer(reader_properties(config))
        self._config = config

    async def topic(self, name: str) -> Topic:
        """Ask for the facts of one topic."""
        try:
            metadata = await asyncio.to_thread(self.consumer.list_topics, name, _LOOKUP_SECONDS)
        except KafkaException as exception:
            raise from_lookup(cause(exception), name, "Describe") from exception
        found = metadata.topics[name]
        if found.error is not None:
            raise from_lookup(found.error, name, "Describe")
        return Topic(name, "", len(found.partitions), internal=is_internal(name, self._config))

    async def summary(self, name: str) -> Topic:
        """Ask as ever: there is no configuration."""
        return await self.topic(name)

    async def require(self, timeout_seconds: float) -> None:
        """Ask for a sign of life, as a Probe."""
        try:
            await asyncio.to_thread(self.consumer.list_topics, None, timeout_seconds)
        except KafkaException as exception:
            error = cause(exception)
            raise ClusterAway(f"{error.name()}: {error.str()}") from exception

    def close(self) -> None:
        """End the client."""
        self.consumer.close()


class Topics:
    """The facts of topics, each kept for a few seconds.

    Facts up to 2 s old are used as they are. Up to 10 s old they are still used while a refresh continues beside the
    request; older ones are asked for again before the request continues. A change of a topic's configuration, and a
    topic deleted and created again, is therefore noticed within seconds, at no cost on the way of a request.
    """

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._known: dict[str, tuple[float, Topic]] = {}
        self._pending: dict[str, asyncio.Task[Topic]] = {}

    async def describe(self, name: str, deadline: float) -> Topic:
        """Return the facts of a topic.

        Args:
            name: the topic.
            deadline: point of time.monotonic() after which to give up.

        Raises:
            TopicMissing, AccessDenied, ClusterAway: as Lookup.topic.
            DeadlineExceeded: the cluster did not answer in time.
        """
        now = time.monotonic()
        known = self._known.get(name)
        if known is not None and now - known[0] < _FRESH_SECONDS:
            return known[1]
        task = self._refresh(name)
        if known is not None and now - known[0] < _USABLE_SECONDS:
            return known[1]
        return await self._outcome(name, task, deadline)

    async def refresh(self, name: str, deadline: float) -> Topic:
        """Return the facts of a topic as they are now.

        Args:
            name: the topic.
            deadline: point of time.monotonic() after which to give up.

        Raises:
            TopicMissing, AccessDenied, ClusterAway, DeadlineExceeded: as describe.
        """
        return await self._outcome(name, self._refresh(name), deadline)

    async def _outcome(self, name: str, task: asyncio.Task[Topic], deadline: float) -> Topic:
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await asyncio.shield(task)
        except TimeoutError:
            raise DeadlineExceeded(f"the description of topic {name!r}") from None

    async def summary(self, name: str) -> Topic:
        """Return what a topic is called and how many partitions it has, where its configuration may not be read.

        Raises:
            TopicMissing, AccessDenied, ClusterAway: as Lookup.summary.
        """
        return await self._lookup.summary(name)

    def _refresh(self, name: str) -> asyncio.Task[Topic]:
        task = self._pending.get(name)
        if task is None:
            task = asyncio.create_task(self._lookup.topic(name), name=f"describe {name}")
            self._pending[name] = task
            task.add_done_callback(lambda done: self._settle(name, done))
        return task

    def _settle(self, name: str, done: asyncio.Task[Topic]) -> None:
        del self._pending[name]
        if done.cancelled():
            return
        error = done.exception()
        if error is None:
            self._known[name] = (time.monotonic(), done.result())
            if len(self._known) > 2 * _KEPT_TOPICS:
                self._forget_oldest()
        elif isinstance(error, TopicMissing | AccessDenied):
            # Facts of a topic that is gone, or hidden now, must not be used any longer.
            self._known.pop(name, None)

    def _forget_oldest(self) -> None:
        by_age = sorted(self._known, key=lambda name: self._known[name][0])
        for name in by_age[:_KEPT_TOPICS]:
            del self._known[name]

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._pending.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


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
