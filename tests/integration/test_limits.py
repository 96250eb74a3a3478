"""Copies that a topic or the client does not take, and what that means for the others in flight."""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from kafka.cluster import Cluster
from kafka.model.copies import TimestampPolicy
from kafka.model.errors import CopyRefused, CopyTooLarge, CopyTooOld, QueueFull, ResendError, TransactionOpen
from kafka.model.policy import ResendPolicy
from kafka.model.records import Position
from kafka.resend.service import Resent
from tests.support.plain import PlainClient
from tests.support.topics import MakeTopic
from tests.support.worker import OpenCluster, eventually

HOUR_MS = 3_600_000


async def with_neighbours(cluster: Cluster, topic: str, bad: Position, good: int) -> CopyRefused:
    """Resend a bad record in the middle of many good ones; return its refusal, after none of the good ones failed."""
    positions = [Position(topic, 0, offset) for offset in range(good)]
    answers = await asyncio.gather(
        *(cluster.resend(position, "keyA") for position in (*positions[: good // 2], bad, *positions[good // 2 :])),
        return_exceptions=True,
    )
    refusal = answers.pop(good // 2)
    assert [type(answer) for answer in answers] == [Resent] * good
    assert isinstance(refusal, CopyRefused)
    return refusal


async def test_copy_too_large_for_the_topic_fails_alone(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A copy beyond the topic's limit is refused while sixty good resends in flight beside it succeed."""
    topic = make_topic(config={"max.message.bytes": "100000"})
    plain.produce_many(topic, [b"good"] * 60)
    plain.produce(topic, os.urandom(50_000))
    plain.set_config(topic, {"max.message.bytes": "20000"})
    refusal = await with_neighbours(cluster, topic, Position(topic, 0, 60), 60)
    assert isinstance(refusal, CopyTooLarge)
    assert refusal.limit_bytes == 20_000
    assert plain.high_watermark(topic, 0) == 61 + 60


async def test_copy_that_only_the_broker_can_refuse_fails_alone(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Where the topic's limit shrank after it was looked up the broker refuses the copy, and only that one."""
    topic = make_topic(config={"max.message.bytes": "100000"})
    plain.produce_many(topic, [b"good"] * 60)
    plain.produce(topic, os.urandom(50_000))
    await cluster.resend(Position(topic, 0, 0), None)
    plain.set_config(topic, {"max.message.bytes": "20000"})
    refusal = await with_neighbours(cluster, topic, Position(topic, 0, 60), 60)
    assert isinstance(refusal, CopyTooLarge)
    # Only a refusal by the broker does not know the limit.
    assert refusal.limit_bytes is None
    assert plain.high_watermark(topic, 0) == 61 + 1 + 60


async def test_copy_that_grew_over_the_limit_by_its_consumer_key_is_refused(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A record that just fits is resent as it is, and refused where the added header makes it too large."""
    topic = make_topic(config={"max.message.bytes": "1100"})
    value = os.urandom(1000)
    plain.produce(topic, value)
    assert (await cluster.resend(Position(topic, 0, 0), None)).offset == 1
    with pytest.raises(CopyTooLarge):
        await cluster.resend(Position(topic, 0, 0), "k" * 100)
    assert plain.high_watermark(topic, 0) == 2


async def test_copy_of_a_record_that_fits_only_compressed_is_written(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The limit is that of the compressed batch, for the copy as for its original."""
    topic = make_topic(config={"max.message.bytes": "2000"})
    plain.produce(topic, b"value" * 10_000, compression_type="lz4")
    assert (await cluster.resend(Position(topic, 0, 0), "keyA")).offset == 1
    assert plain.read(topic, 0, 1).value == b"value" * 10_000


async def test_copy_too_large_for_the_client_fails_alone(
    open_cluster: OpenCluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A copy beyond the client's own message.max.bytes is refused with that limit, and nothing else fails."""
    cluster = await open_cluster(properties={"message.max.bytes": "20000"})
    topic = make_topic()
    plain.produce_many(topic, [b"good"] * 60)
    plain.produce(topic, os.urandom(50_000))
    refusal = await with_neighbours(cluster, topic, Position(topic, 0, 60), 60)
    assert isinstance(refusal, CopyTooLarge)
    assert (refusal.limit_bytes, refusal.limit_name) == (20_000, "message.max.bytes of the client")


async def test_five_megabytes_are_resent_where_the_topic_takes_them(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The client's own limits are out of the way: the topic decides."""
    topic = make_topic(config={"max.message.bytes": "6000000"})
    value = os.urandom(5_000_000)
    plain.produce(topic, value, message_max_bytes=6_000_000)
    assert (await cluster.resend(Position(topic, 0, 0), "keyA")).offset == 1
    assert plain.read(topic, 0, 1).value == value


@pytest.mark.parametrize("limit", ["message.timestamp.before.max.ms", "retention.ms"])
async def test_copy_too_old_for_the_topic_fails_alone(
    open_cluster: OpenCluster, make_topic: MakeTopic, plain: PlainClient, limit: str
) -> None:
    """A copy whose time the topic no longer takes, or would not keep, is refused beside sixty good resends."""
    topic = make_topic(config={"retention.ms": "-1"})
    now_ms = time.time_ns() // 1_000_000
    plain.produce_many(topic, [b"good"] * 60)
    plain.produce(topic, b"old", timestamp_ms=now_ms - 2 * HOUR_MS)
    # The young records in the same segment keep the old one from being deleted during the test.
    plain.set_config(topic, {limit: str(HOUR_MS)})
    bad = Position(topic, 0, 60)
    refusal = await with_neighbours(await open_cluster(), topic, bad, 60)
    assert isinstance(refusal, CopyTooOld)
    assert (refusal.limit_name, refusal.limit_ms, refusal.timestamp_ms) == (limit, HOUR_MS, now_ms - 2 * HOUR_MS)
    assert plain.high_watermark(topic, 0) == 61 + 60
    dating = await open_cluster(policy=ResendPolicy(timestamp=TimestampPolicy.NOW))
    assert (await dating.resend(bad, None)).timestamp == "now"


async def test_requests_beyond_the_queue_are_refused_at_once(
    open_cluster: OpenCluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A full queue refuses the next request instead of letting all of them wait."""
    cluster = await open_cluster(queue=20)
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 2000)
    positions = [Position(topic, 0, 100 * number % 2000) for number in range(500)]
    answers = await asyncio.gather(*(cluster.resend(p, None) for p in positions), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, QueueFull)]
    resent = [answer for answer in answers if isinstance(answer, Resent)]
    assert refused
    assert len(resent) + len(refused) == 500
    assert plain.high_watermark(topic, 0) == 2000 + len(resent)


async def test_held_back_requests_beyond_the_queue_are_refused(
    open_cluster: OpenCluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """An open transaction does not let requests pile up without bound."""
    cluster = await open_cluster(queue=20, deadline_seconds=4.0, delivery_timeout_seconds=2.0)
    topic = make_topic()
    transaction = plain.transaction(topic, 0, [b"x"], "open")
    try:
        first = asyncio.create_task(cluster.resend(Position(topic, 0, 0), None))

        async def known() -> bool:
            return bool(cluster.held_back)

        await eventually(known, seconds=5)
        answers = await asyncio.gather(
            *(cluster.resend(Position(topic, 0, 0), None) for _ in range(100)), return_exceptions=True
        )
        kinds = {type(answer) for answer in answers if isinstance(answer, ResendError)}
        assert kinds == {QueueFull, TransactionOpen}
        with pytest.raises(TransactionOpen):
            await first
    finally:
        transaction.abort()


async def test_record_that_fits_only_compressed_is_resent(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The topic's limit is that of the compressed batch, and who wrote the original may have compressed it."""
    topic = make_topic()
    # 1.3 MB that repeat at a distance which lz4 looks back and zlib does not.
    value = os.urandom(33_000) * 40
    plain.produce(topic, value, compression_type="lz4", message_max_bytes=2_000_000)
    assert (await cluster.resend(Position(topic, 0, 0), "keyA")).offset == 1
    assert plain.read(topic, 0, 1).value == value


async def test_record_in_a_partition_that_was_added_is_resent_at_once(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Neither the topic's facts nor the writer's own may be those from before."""
    topic = make_topic(2)
    plain.produce(topic, b"x")
    await cluster.resend(Position(topic, 0, 0), "keyA")
    plain.add_partitions(topic, 4)
    plain.produce(topic, b"y", partition=3)
    assert (await cluster.resend(Position(topic, 3, 0), "keyA")).offset == 1
