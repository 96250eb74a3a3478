"""Resend one record: read it, set its consumer_key, write the copy."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from kafka.client.config import ClusterConfig
from kafka.hooks import CopyWritten, copy_written
from kafka.metadata.topic import Topic
from kafka.metadata.topics import Topics
from kafka.model.copies import Copy, TimestampPolicy, copy_of
from kafka.model.errors import (
    CompactedTopic,
    CopyTooLarge,
    CopyTooNew,
    CopyTooOld,
    InternalTopic,
    TopicNotAllowed,
)
from kafka.model.policy import ResendPolicy
from kafka.model.records import Position
from kafka.resend.reader import Reader
from kafka.resend.writer import Writer


@dataclass(frozen=True, slots=True)
class Resent:
    """An acknowledged copy.

    Attributes:
        original: where the original is.
        partition: where the copy is: the original's partition.
        offset: the copy's offset; None where the client library does not know it, see Written.
        timestamp: whose time the copy has: the original's, the current one, or, in a LogAppendTime topic, the broker's.
    """

    original: Position
    partition: int
    offset: int | None
    timestamp: Literal["original", "now", "broker"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A copy that may be written.

    Attributes:
        copy: what to write.
        topic: the facts of its topic.
        timestamp: see Resent.
    """

    copy: Copy
    topic: Topic
    timestamp: Literal["original", "now", "broker"]

    def explained(self, error: CopyTooLarge) -> CopyTooLarge:
        """Return the refusal of this copy with its size, and the limit as far as it can be told."""
        if error.limit_bytes is not None:
            return error
        # The broker does not tell its limit; what is known of it explains the refusal, or it is older.
        largest = self.topic.max_message_bytes
        limit = largest if self.copy.size_bytes > largest else None
        return CopyTooLarge(self.copy.original, self.copy.size_bytes, limit, "max.message.bytes of the topic")


class Preparer:
    """Makes the copies of single records: all of a resend but the writing.

    Args:
        policy: what may be resent.
        topics: the facts of topics.
        reader: reads records.
    """

    def __init__(self, policy: ResendPolicy, topics: Topics, reader: Reader) -> None:
        self._policy = policy
        self._topics = topics
        self._reader = reader

    async def topic(self, position: Position, deadline: float) -> Topic:
        """Return the facts of a topic that records may be resent in, and that has this partition.

        Raises:
            TopicMissing, PartitionMissing, TopicRefused, AccessDenied: it is not so.
            ClusterAway, DeadlineExceeded: not now.
        """
        topic = await self._topics.describe(position.topic, deadline)
        refuse_topic(topic, self._policy)
        if position.partition >= topic.partitions:
            # It may have been added since.
            topic = await self._topics.refresh(position.topic, deadline)
        topic.require_partition(position.partition)
        return topic

    async def prepare(self, position: Position, consumer_key: str | None, deadline: float) -> Prepared:
        """Return the copy of the record at exactly this position.

        Args:
            position: the record.
            consumer_key: the recipient; None leaves the headers alone.
            deadline: point of time.monotonic().

        Raises:
            NothingWritten: one of its kinds, see kafka.errors.
        """
        topic = await self.topic(position, deadline)
        record = await self._reader.read(position, topic, deadline)
        policy = copy_time(topic, self._policy)
        copy = copy_of(record, consumer_key, policy)
        refuse_copy(copy, topic)
        timestamp: Literal["original", "now", "broker"] = (
            "broker" if topic.log_append_time else "original" if policy is TimestampPolicy.ORIGINAL else "now"
        )
        return Prepared(copy, topic, timestamp)


class Resender:
    """Resends single records of one cluster.

    Args:
        config: the cluster.
        preparer: makes copies.
        writer: writes copies.
    """

    def __init__(self, config: ClusterConfig, preparer: Preparer, writer: Writer) -> None:
        self._config = config
        self._preparer = preparer
        self._writer = writer

    async def resend(self, position: Position, consumer_key: str | None, deadline: float) -> Resent:
        """Write one copy of the record at exactly this position and return once it is acknowledged.

        Args:
            position: the record.
            consumer_key: the recipient; None leaves the headers alone.
            deadline: point of time.monotonic(); the copy is handed over only if the delivery timeout fits before it.

        Raises:
            NothingWritten: one of its kinds, see kafka.errors.
            OutcomeUnknown: the copy may or may not have been written.
        """
        read_deadline = deadline - self._config.limits.delivery_timeout_seconds
        prepared = await self._preparer.prepare(position, consumer_key, read_deadline)
        handed_over = time.monotonic()
        try:
            leader = prepared.topic.leader(position.partition)
            written = await self._writer.write(prepared.copy, deadline, prepared.topic.max_message_bytes, leader)
        except CopyTooLarge as error:
            raise prepared.explained(error) from error
        if copy_written.listeners:
            seconds = time.monotonic() - handed_over
            copy_written(CopyWritten(self._config.name, position, written.partition, written.offset, seconds))
        return Resent(position, written.partition, written.offset, prepared.timestamp)


def copy_time(topic: Topic, policy: ResendPolicy) -> TimestampPolicy:
    """Return whose time copies in this topic get; where the broker sets it, it must not look like the original's."""
    return TimestampPolicy.NOW if topic.log_append_time else policy.timestamp


def refuse_source(topic: Topic, policy: ResendPolicy) -> None:
    """Raise the TopicRefused that applies to this topic, if one does, where its records are copied to another one."""
    if topic.internal:
        raise InternalTopic(topic.name)
    if not policy.allows(topic.name):
        raise TopicNotAllowed(topic.name)


def refuse_topic(topic: Topic, policy: ResendPolicy) -> None:
    """Raise the TopicRefused that applies to this topic, if one does; see also ResendPolicy.require_resends."""
    refuse_source(topic, policy)
    if topic.compacted and not policy.allow_compacted:
        raise CompactedTopic(topic.name)


def refuse_copy(copy: Copy, topic: Topic) -> None:
    """Raise if the topic would not take the copy, or would not keep it.

    Whether it is too large only the broker can tell, whose limit is that of the compressed batch.

    Raises:
        CopyTooOld, CopyTooNew: with the topic's limit.
    """
    if copy.timestamp_ms is not None:
        _refuse_time(copy.original, copy.timestamp_ms, topic)


def _refuse_time(position: Position, timestamp_ms: int, topic: Topic) -> None:
    age_ms = time.time_ns() // 1_000_000 - timestamp_ms
    for limit_name, limit_ms in (
        ("retention.ms", topic.retention_ms),
        ("message.timestamp.before.max.ms", topic.timestamp_before_max_ms),
    ):
        if limit_ms is not None and age_ms > limit_ms:
            raise CopyTooOld(position, timestamp_ms, limit_ms, limit_name)
    if topic.timestamp_after_max_ms is not None and -age_ms > topic.timestamp_after_max_ms:
        raise CopyTooNew(position, timestamp_ms, topic.timestamp_after_max_ms)
