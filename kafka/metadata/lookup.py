"""Asks the cluster for one topic."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from confluent_kafka import Consumer, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation, ConfigEntry, ConfigResource, ResourceType

from kafka.client.admin import Admin
from kafka.client.config import ClusterConfig
from kafka.client.connection import ConnectionErrors
from kafka.client.properties import reader_properties
from kafka.metadata.topic import Topic, is_internal
from kafka.model.errors import (
    AccessDenied,
    ClusterAway,
    TopicMissing,
    cause,
    from_lookup,
)

_LOOKUP_SECONDS = 5.0
_MISSING_ASKED_AGAIN_AFTER_SECONDS = (0.1, 0.2, 0.4)
_UNLIMITED_MS = 2**63 - 1


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
