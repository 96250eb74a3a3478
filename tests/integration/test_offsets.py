"""What resending answers for every state that an offset can be in, on a real broker."""

from __future__ import annotations

import asyncio
import time
from threading import Event
from typing import Any

import pytest

from kafka.client.admin import Admin
from kafka.client.properties import reader_properties
from kafka.cluster import Cluster
from kafka.model.errors import (
    CompactedTopic,
    InternalTopic,
    NoRecordAtOffset,
    OffsetAtEnd,
    OffsetBeyondEnd,
    OffsetExpired,
    PartitionMissing,
    TopicMissing,
    TransactionOpen,
)
from kafka.model.policy import ResendPolicy
from kafka.model.records import Position
from kafka.search.selection import Paging, Selection
from tests.support.plain import PlainClient
from tests.support.topics import MakeTopic
from tests.support.worker import OpenCluster, eventually

COMPACTED = {"cleanup.policy": "compact"}


async def test_resend_writes_one_copy_and_tells_where(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The copy is at the reported offset, equal to its original but for the consumer_key header."""
    topic = make_topic(partitions=3)
    headers = (("a", b"1"), ("consumer_key", b"old"), ("a", None))
    offset = plain.produce(
        topic, b"value", b"key", headers, partition=2, timestamp_ms=time.time_ns() // 1_000_000 - 12_345
    )
    resent = await cluster.resend(Position(topic, 2, offset), "keyA")
    assert (resent.original, resent.partition, resent.offset, resent.timestamp) == (
        Position(topic, 2, offset),
        2,
        offset + 1,
        "original",
    )
    original, copy = plain.log(topic, partition=2)
    assert copy.headers == (("a", b"1"), ("a", None), ("consumer_key", b"keyA"))
    assert (copy.key, copy.value, copy.timestamp_ms, copy.timestamp_type) == (
        original.key,
        original.value,
        original.timestamp_ms,
        original.timestamp_type,
    )
    assert (plain.log(topic, partition=0), plain.log(topic, partition=1)) == ([], [])


async def test_resend_touches_no_group(cluster: Cluster, make_topic: MakeTopic, plain: PlainClient) -> None:
    """The group that a reader names does not come to exist, and the original stays as it is."""
    topic = make_topic()
    plain.produce(topic, b"value")
    original = plain.read(topic, 0, 0)
    await cluster.resend(Position(topic, 0, 0), None)
    assert reader_properties(cluster.config)["group.id"] not in plain.groups()
    assert plain.read(topic, 0, 0) == original


async def test_offset_below_the_log_start_is_expired(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """An offset whose record was deleted is an error that tells where the log starts, never the next record."""
    topic = make_topic()
    plain.produce_many(topic, [b"0", b"1", b"2"])
    plain.delete_records(topic, 0, 2)
    with pytest.raises(OffsetExpired) as expired:
        await cluster.resend(Position(topic, 0, 1), None)
    assert expired.value.log_start_offset == 2
    assert [seen.value for seen in plain.log(topic)] == [b"2"]


@pytest.mark.parametrize("records", [0, 3])
async def test_offset_at_the_high_watermark_is_not_written_yet(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient, records: int
) -> None:
    """The offset that the next record will get is an error of its own, in an empty log as well."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * records)
    with pytest.raises(OffsetAtEnd):
        await cluster.resend(Position(topic, 0, records), None)
    assert plain.high_watermark(topic, 0) == records


@pytest.mark.parametrize("offset", [4, 1000, 2**63 - 1])
async def test_offset_beyond_the_high_watermark_is_an_error(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient, offset: int
) -> None:
    """An offset beyond the end tells the high watermark."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 3)
    with pytest.raises(OffsetBeyondEnd) as beyond:
        await cluster.resend(Position(topic, 0, offset), None)
    assert beyond.value.high_watermark == 3


async def test_offset_that_was_compacted_away_has_no_record(
    open_cluster: OpenCluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A hole left by compaction is an error, and the record after it is not resent in its place."""
    cluster = await open_cluster(policy=ResendPolicy(allow_compacted=True))
    topic = make_topic(config=plain.compacting)
    hole = plain.compact(topic, 0)
    end = plain.high_watermark(topic, 0)
    with pytest.raises(NoRecordAtOffset) as hole_found:
        await cluster.resend(Position(topic, 0, hole), None)
    assert hole_found.value.reason == "no_record"
    assert plain.high_watermark(topic, 0) == end


async def test_offset_of_a_transaction_marker_has_no_record(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A transaction marker stands where no record is, at the end of the log and before another record."""
    topic = make_topic()
    plain.transaction(topic, 0, [b"0", b"1"], "commit")
    for _ in range(2):
        with pytest.raises(NoRecordAtOffset) as hole:
            await cluster.resend(Position(topic, 0, 2), None)
        assert hole.value.reason == "no_record"
        plain.produce(topic, b"3")


async def test_record_of_a_committed_transaction_is_resent(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """What a transaction committed is a record like any other."""
    topic = make_topic()
    plain.transaction(topic, 0, [b"0", b"1"], "commit")
    resent = await cluster.resend(Position(topic, 0, 1), None)
    assert resent.offset is not None
    assert plain.read(topic, 0, resent.offset).value == b"1"


async def test_record_of_an_aborted_transaction_is_refused(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A record whose transaction was aborted was never delivered, so it is not delivered again."""
    topic = make_topic()
    plain.transaction(topic, 0, [b"0", b"1"], "abort")
    for _ in range(2):
        for offset in (0, 1):
            with pytest.raises(NoRecordAtOffset) as aborted:
                await cluster.resend(Position(topic, 0, offset), None)
            assert aborted.value.reason == "aborted"
        plain.produce(topic, b"3")


async def test_record_of_an_open_transaction_waits_then_says_so(
    open_cluster: OpenCluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """At and above the last stable offset the answer waits for the deadline, then tells what held it back."""
    cluster = await open_cluster(deadline_seconds=3.0, delivery_timeout_seconds=2.0)
    topic = make_topic()
    plain.produce(topic, b"0")
    transaction = plain.transaction(topic, 0, [b"1", b"2"], "open")
    try:
        plain.produce(topic, b"3")
        answers = await asyncio.gather(
            *(cluster.resend(Position(topic, 0, offset), None) for offset in (1, 2, 3)), return_exceptions=True
        )
        assert [(type(answer), answer.last_stable_offset) for answer in answers] == [(TransactionOpen, 1)] * 3  # type: ignore[union-attr]
        with pytest.raises(OffsetAtEnd):
            await cluster.resend(Position(topic, 0, 4), None)
    finally:
        transaction.abort()


@pytest.mark.parametrize("offset", [1, 3])
async def test_record_behind_a_transaction_that_commits_in_time_is_resent(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient, offset: int
) -> None:
    """A resend held back by an open transaction continues when the transaction commits."""
    topic = make_topic()
    plain.produce(topic, b"0")
    transaction = plain.transaction(topic, 0, [b"1", b"2"], "open")
    plain.produce(topic, b"3")
    resend = asyncio.create_task(cluster.resend(Position(topic, 0, offset), None))
    await held_back(cluster)
    transaction.commit()
    resent = await resend
    assert resent.offset is not None
    assert plain.read(topic, 0, resent.offset).value == str(offset).encode()


async def test_record_of_a_transaction_that_aborts_in_time_is_refused(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A resend held back by an open transaction is refused when the transaction aborts."""
    topic = make_topic()
    transaction = plain.transaction(topic, 0, [b"0"], "open")
    resend = asyncio.create_task(cluster.resend(Position(topic, 0, 0), None))
    await held_back(cluster)
    transaction.abort()
    with pytest.raises(NoRecordAtOffset) as aborted:
        await resend
    assert aborted.value.reason == "aborted"


async def test_held_back_positions_do_not_hold_up_others(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """While a hundred requests wait for a transaction, those for other partitions and for older offsets go through."""
    topic = make_topic(partitions=4)
    for partition in range(4):
        plain.produce_many(topic, [b"x"] * 20, partition=partition)
    transaction = plain.transaction(topic, 0, [b"y"] * 10, "open")
    held = [asyncio.create_task(cluster.resend(Position(topic, 0, 20 + i % 10), None)) for i in range(100)]
    await held_back(cluster)
    others = [Position(topic, partition, offset) for partition in range(4) for offset in range(20)]
    resent = await asyncio.gather(*(cluster.resend(position, None) for position in others))
    assert [copy.original for copy in resent] == others
    assert not any(task.done() for task in held)
    transaction.commit()
    await asyncio.gather(*held)
    assert plain.high_watermark(topic, 0) == 20 + 10 + 20 + 1 + 100


async def test_topic_that_is_missing_is_an_error_until_it_appears(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Asking for a missing topic does not create it, where the broker would; once it is there it is found."""
    name = make_topic.unused_name()
    with pytest.raises(TopicMissing):
        await cluster.resend(Position(name, 0, 0), None)
    assert name not in plain.topics()
    make_topic(name=name)
    plain.produce(name, b"0")
    resent = await cluster.resend(Position(name, 0, 0), None)
    assert resent.offset == 1


async def test_partition_that_is_missing_is_an_error_until_it_appears(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A missing partition tells how many there are, and is found within seconds once it is added."""
    topic = make_topic(partitions=2)
    with pytest.raises(PartitionMissing) as missing:
        await cluster.resend(Position(topic, 2, 0), None)
    assert missing.value.partitions == 2
    plain.add_partitions(topic, 3)
    plain.produce(topic, b"0", partition=2)

    async def resent() -> bool:
        try:
            return (await cluster.resend(Position(topic, 2, 0), None)).offset == 1
        except PartitionMissing:
            return False

    await eventually(resent, seconds=10)


async def test_deleted_topic_is_not_made_again(
    open_cluster: OpenCluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Where the broker creates topics by itself: all clients have used it, and keep asking for it."""
    cluster = await open_cluster(properties={"topic.metadata.refresh.interval.ms": "50"})
    topic, other = make_topic(), make_topic()
    for name in (topic, other):
        plain.produce(name, b"0")
        await cluster.resend(Position(name, 0, 0), None)
    plain.delete_topic(topic)
    for _ in range(20):
        await cluster.resend(Position(other, 0, 0), None)
        await asyncio.sleep(0.05)
        assert topic not in plain.topics()


async def test_topic_deleted_and_made_again_is_read_anew(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """After a topic was deleted nothing of it is resent, and under the same name only the new topic's records are."""
    topic = make_topic()
    plain.produce_many(topic, [b"old 0", b"old 1"])
    await cluster.resend(Position(topic, 0, 0), None)
    plain.delete_topic(topic)

    async def gone() -> bool:
        try:
            await cluster.resend(Position(topic, 0, 0), None)
        except TopicMissing:
            return True
        return False

    await eventually(gone, seconds=15)
    assert topic not in plain.topics()
    make_topic(name=topic)
    plain.produce(topic, b"new 0")

    async def found() -> bool:
        try:
            resent = await cluster.resend(Position(topic, 0, 0), None)
        except TopicMissing:
            return False
        assert resent.offset is not None
        assert plain.read(topic, 0, resent.offset).value == b"new 0"
        return True

    await eventually(found, seconds=15)
    assert [seen.value for seen in plain.log(topic)] == [b"new 0", b"new 0"]


@pytest.mark.parametrize("topic", ["__consumer_offsets", "__transaction_state"])
async def test_internal_topic_is_refused(open_cluster: OpenCluster, plain: PlainClient, topic: str) -> None:
    """Kafka's own topics are refused even where compacted topics are allowed."""
    cluster = await open_cluster(policy=ResendPolicy(allow_compacted=True))
    plain.create_internal_topics()
    end = plain.high_watermark(topic, 0)
    with pytest.raises(InternalTopic):
        await cluster.resend(Position(topic, 0, 0), "refused")
    # Other tests commit and end transactions meanwhile.
    assert [seen for seen in plain.log(topic, start=end) if ("consumer_key", b"refused") in seen.headers] == []


async def test_compacted_topic_is_refused_unless_allowed(
    open_cluster: OpenCluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A resent record would replace the newest value of its key, so the operator has to allow it."""
    topic = make_topic(config=COMPACTED)
    plain.produce(topic, b"0", b"key")
    with pytest.raises(CompactedTopic):
        await (await open_cluster()).resend(Position(topic, 0, 0), None)
    assert plain.high_watermark(topic, 0) == 1
    allowing = await open_cluster(policy=ResendPolicy(allow_compacted=True))
    assert (await allowing.resend(Position(topic, 0, 0), None)).offset == 1


async def test_many_resends_at_once_are_each_their_own_record(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Hundreds of positions at once, neighbours and repeated ones among them, each bring exactly their record."""
    topic = make_topic(partitions=3)
    for partition in range(3):
        plain.produce_many(topic, [f"{partition}/{offset}".encode() for offset in range(100)], partition=partition)
    asked = [Position(topic, partition, offset) for offset in range(100) for partition in range(3)] * 2
    resent = await asyncio.gather(*(cluster.resend(position, None) for position in asked))
    for partition in range(3):
        log = {seen.offset: seen.value for seen in plain.log(topic, partition=partition)}
        copies = [copy for copy in resent if copy.partition == partition]
        assert len({copy.offset for copy in copies}) == len(copies) == 200
        assert [log[copy.offset] for copy in copies if copy.offset is not None] == [
            log[copy.original.offset] for copy in copies
        ]
        assert len(log) == 300


async def held_back(cluster: Cluster) -> None:
    """Wait until the worker knows that a partition is held back."""

    async def known() -> bool:
        return bool(cluster.held_back)

    await eventually(known, seconds=5)


@pytest.mark.parametrize("ask", ["resend", "read", "find"])
async def test_topic_that_a_broker_has_not_heard_of_yet_is_asked_for_again(
    ask: str, cluster: Cluster, make_topic: MakeTopic, plain: PlainClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Just after its creation a broker may answer that there is no such topic: that answer is not the last word."""
    name = make_topic.unused_name()
    describe_topics = Admin.describe_topics
    calls = 0

    def made_before_the_second(self: Admin, *arguments: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            make_topic(name=name)
            plain.produce(name, b"v")
        return describe_topics(self, *arguments, **more)

    monkeypatch.setattr(Admin, "describe_topics", made_before_the_second)
    if ask == "resend":
        found = (await cluster.resend(Position(name, 0, 0), None)).original.offset
    elif ask == "read":
        found = (await cluster.read(Position(name, 0, 0)))[1].position.offset
    else:
        found = (await cluster.find(Selection(name), Paging(1), None, Event())).found[0].offset

    assert 0 == found
