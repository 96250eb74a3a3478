"""Which topics and copies are refused before anything is written."""

from __future__ import annotations

import time

import pytest

from kafka.metadata.topic import Topic
from kafka.model.copies import Copy
from kafka.model.errors import (
    CompactedTopic,
    CopyTooNew,
    CopyTooOld,
    InternalTopic,
    PartitionMissing,
    TopicNotAllowed,
    TopicRefused,
)
from kafka.model.policy import ResendPolicy
from kafka.model.records import Position
from kafka.resend.service import refuse_copy, refuse_topic

POSITION = Position("orders", 0, 42)
HOUR_MS = 3_600_000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def copy(value: bytes = b"v", timestamp_ms: int | None = None) -> Copy:
    return Copy(POSITION.topic, POSITION.partition, b"k", value, (), timestamp_ms, original=POSITION)


@pytest.mark.parametrize(
    ("topic", "policy", "refusal"),
    [
        (Topic("_resend_jobs", "id", 1, internal=True), ResendPolicy(), InternalTopic),
        (Topic("__consumer_offsets", "id", 1, internal=True), ResendPolicy(allow_compacted=True), InternalTopic),
        (Topic("orders", "id", 1), ResendPolicy(topics=("payments.*", "order")), TopicNotAllowed),
        (Topic("orders", "id", 1, compacted=True), ResendPolicy(), CompactedTopic),
    ],
)
def test_topic_that_policy_or_kind_forbids_is_refused(
    topic: Topic, policy: ResendPolicy, refusal: type[TopicRefused]
) -> None:
    """Each reason to leave a topic alone has an error of its own."""
    with pytest.raises(refusal):
        refuse_topic(topic, policy)


@pytest.mark.parametrize(
    ("topic", "policy"),
    [
        (Topic("orders", "id", 1), ResendPolicy()),
        (Topic("orders.eu", "id", 1), ResendPolicy(topics=("payments", "orders.*"))),
        (Topic("orders", "id", 1, compacted=True), ResendPolicy(allow_compacted=True)),
    ],
)
def test_topic_that_policy_allows_passes(topic: Topic, policy: ResendPolicy) -> None:
    """Nothing else is in the way."""
    refuse_topic(topic, policy)


@pytest.mark.parametrize("partition", [-1, 3, 2_511_839])
def test_partition_that_the_topic_lacks_is_refused(partition: int) -> None:
    """The client library would wait forever for a partition that does not exist."""
    with pytest.raises(PartitionMissing) as missing:
        Topic("orders", "id", 3).require_partition(partition)
    assert missing.value.partitions == 3


def test_copy_older_than_the_retention_is_refused() -> None:
    """A copy that would be deleted within minutes is not written."""
    topic = Topic("orders", "id", 1, retention_ms=HOUR_MS)
    with pytest.raises(CopyTooOld) as refused:
        refuse_copy(copy(timestamp_ms=now_ms() - HOUR_MS - 1000), topic)
    assert refused.value.limit_name == "retention.ms"
    refuse_copy(copy(timestamp_ms=now_ms() - HOUR_MS + 10_000), topic)


def test_copy_older_than_the_topic_takes_is_refused() -> None:
    """A copy that the broker would refuse for its age is not sent to it."""
    topic = Topic("orders", "id", 1, timestamp_before_max_ms=HOUR_MS)
    with pytest.raises(CopyTooOld) as refused:
        refuse_copy(copy(timestamp_ms=now_ms() - HOUR_MS - 1000), topic)
    assert refused.value.limit_name == "message.timestamp.before.max.ms"


def test_copy_newer_than_the_topic_takes_is_refused() -> None:
    """A copy too far in the future is not sent to the broker."""
    topic = Topic("orders", "id", 1, timestamp_after_max_ms=HOUR_MS)
    with pytest.raises(CopyTooNew):
        refuse_copy(copy(timestamp_ms=now_ms() + 2 * HOUR_MS), topic)
    refuse_copy(copy(timestamp_ms=now_ms() + HOUR_MS - 10_000), topic)


def test_copy_without_a_time_of_its_own_is_never_too_old() -> None:
    """A copy that gets the present fits every bound of time."""
    refuse_copy(copy(), Topic("orders", "id", 1, retention_ms=1, timestamp_before_max_ms=1, timestamp_after_max_ms=1))
