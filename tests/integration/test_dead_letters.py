"""Dead letters grouped on a real broker, page by page, and a group resent by a job."""

from __future__ import annotations

import struct
import time
from collections.abc import AsyncIterator
from threading import Event

import pytest

from kafka.client.config import QueryLimits
from kafka.cluster import Cluster
from kafka.filter.conditions import Filter
from kafka.model.errors import InternalTopic, PartitionMissing, TopicMissing, TopicReplaced
from kafka.model.records import Header
from kafka.redrive.dead_letters import DeadLetter, DeadLetterCondition
from kafka.redrive.target import Target
from kafka.search.grouping import MOST_GROUPS
from kafka.search.scanners import Abandoned
from kafka.search.selection import Continuation, DeadLettersQuery, GroupsPage
from tests.support.brokers import Broker
from tests.support.jobs import JobsStage, counted, everybody
from tests.support.plain import PlainClient
from tests.support.rawproduce import produce_raw
from tests.support.topics import MakeTopic
from tests.support.worker import OpenCluster

NOW_MS = time.time_ns() // 1_000_000


def spring(topic: str, group: str = "billing", reason: str = "java.lang.IllegalStateException") -> list[Header]:
    """Return the headers of a record that Spring's recoverer has published."""
    return [
        ("kafka_dlt-original-topic", topic.encode()),
        ("kafka_dlt-original-partition", struct.pack(">i", 0)),
        ("kafka_dlt-exception-fqcn", reason.encode()),
        ("kafka_dlt-original-consumer-group", group.encode()),
    ]


def connect(topic: str) -> list[Header]:
    """Return the headers of a record that Kafka Connect has reported."""
    return [("__connect.errors.topic", topic.encode()), ("__connect.errors.partition", b"0")]


async def pages(cluster: Cluster, asked: DeadLettersQuery) -> AsyncIterator[GroupsPage]:
    """Yield all pages."""
    rest: Continuation | None = None
    while True:
        page = await cluster.dead_letters(asked, rest, Event())
        yield page
        rest = page.rest
        if rest is None:
            return


async def added_up(cluster: Cluster, asked: DeadLettersQuery) -> dict[DeadLetter, int]:
    """Return how many records each group of a topic has."""
    counts: dict[DeadLetter, int] = {}
    async for page in pages(cluster, asked):
        for group in page.grouped.groups:
            counts[group.said] = counts.get(group.said, 0) + group.count
    return counts


async def test_records_are_grouped_by_what_their_headers_say(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient, broker: Broker
) -> None:
    """Copies are told apart, times and the first position are told; what is no dead letter says why."""
    topic = make_topic(2)
    for number in range(4):
        plain.produce(topic, b"x", headers=spring("orders"), partition=number % 2, timestamp_ms=NOW_MS + number)
    copy = [*spring("orders"), ("consumer_key", b"billing")]
    plain.produce(topic, b"x", headers=copy, partition=1, timestamp_ms=NOW_MS - 5)
    plain.produce(topic, b"x", headers=connect("orders"), partition=1, timestamp_ms=NOW_MS)
    plain.produce(topic, b"none", timestamp_ms=NOW_MS)
    plain.produce(topic, b"half", headers=connect("orders")[:1], timestamp_ms=NOW_MS)
    plain.transaction(topic, 0, [b"aborted"] * 3, "abort")
    produce_raw(broker.bootstrap, topic, 1, b"x", headers=[(b"\xff", b"")], timestamp_ms=NOW_MS)
    page = await cluster.dead_letters(DeadLettersQuery(topic), None, Event())
    unclear = {group.said.problem: group.count for group in page.grouped.groups if group.said.dialect is None}
    first, second, *_ = page.grouped.groups

    assert (page.rest, page.left, page.grouped.read, page.grouped.stopped_by) == (None, 0, 9, None)
    assert first.said == DeadLetter("spring", "orders", "billing", "java.lang.IllegalStateException")
    assert (first.count, first.already_resent, first.example) == (5, 1, (0, 0))
    assert (first.first_ms, first.last_ms) == (NOW_MS - 5, NOW_MS + 3)
    assert {
        "its headers are of no known dialect": 1,
        "it has no header __connect.errors.partition": 1,
        "the name of one of its headers is not UTF-8": 1,
    } == unclear
    assert second.count == 1
    assert {DeadLetter("connect", "orders"): 1} == await added_up(cluster, DeadLettersQuery(topic, dialect="connect"))
    assert 5 == sum((await added_up(cluster, DeadLettersQuery(topic, 1))).values())


async def test_pages_add_up_to_every_record_once(
    open_cluster: OpenCluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Each request reads no more than is set, and the next one continues there; later records are not met."""
    topic = make_topic(3)
    for partition in range(3):
        for origin, count in (("a", 700), ("b", 300)):
            plain.produce_many(topic, [b"x"] * count, partition=partition, headers=connect(origin))
    plain.delete_records(topic, 1, 100)
    cluster = await open_cluster(query=QueryLimits(max_scan_records=1000))
    counts: dict[DeadLetter, int] = {}
    stops: list[str | None] = []
    left: list[int] = []
    async for page in pages(cluster, DeadLettersQuery(topic)):
        if not stops:
            plain.produce_many(topic, [b"x"] * 50, headers=connect("late"))
        assert page.grouped.read <= 1000
        stops.append(page.grouped.stopped_by)
        left.append(page.left)
        for group in page.grouped.groups:
            counts[group.said] = counts.get(group.said, 0) + group.count

    assert {DeadLetter("connect", "a"): 2000, DeadLetter("connect", "b"): 900} == counts
    assert stops == ["records", "records", None]
    assert left == sorted(left, reverse=True)


async def test_page_ends_before_it_has_too_many_groups(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Whatever producers write, an answer has a bound; nothing is left out, or counted twice."""
    topic = make_topic()
    for number in range(MOST_GROUPS + 200):
        plain.produce(topic, b"x", headers=[*connect("a"), ("__connect.errors.connector.name", b"%d" % number)])
    sizes = []
    groups: set[DeadLetter] = set()
    async for page in pages(cluster, DeadLettersQuery(topic)):
        sizes.append((len(page.grouped.groups), page.grouped.read, page.grouped.stopped_by))
        groups |= {group.said for group in page.grouped.groups}

    assert sizes == [(MOST_GROUPS, MOST_GROUPS, "groups"), (200, 200, None)]
    assert len(groups) == MOST_GROUPS + 200


async def test_records_deleted_between_two_pages_are_passed(
    open_cluster: OpenCluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The rest continues where the log starts now."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 3000, headers=connect("a"))
    cluster = await open_cluster(query=QueryLimits(max_scan_records=1000))
    first = await cluster.dead_letters(DeadLettersQuery(topic), None, Event())
    plain.delete_records(topic, 0, 2500)
    second = await cluster.dead_letters(DeadLettersQuery(topic), first.rest, Event())

    assert [(page.grouped.read, page.left) for page in (first, second)] == [(1000, 2000), (500, 0)]


async def test_what_cannot_be_grouped_is_refused(cluster: Cluster, make_topic: MakeTopic, plain: PlainClient) -> None:
    """As a search of it is; one that nobody waits for ends."""
    topic, missing = make_topic(), make_topic.unused_name()
    plain.create_internal_topics()
    abandoned = Event()
    abandoned.set()
    plain.produce(topic, b"x")
    for asked, rest, error in (
        (DeadLettersQuery(missing), None, TopicMissing),
        (DeadLettersQuery(topic, 7), None, PartitionMissing),
        (DeadLettersQuery("__consumer_offsets"), None, InternalTopic),
        (DeadLettersQuery(topic), Continuation("another", (), 0, 0), TopicReplaced),
    ):
        with pytest.raises(error):
            await cluster.dead_letters(asked, rest, Event())
    with pytest.raises(Abandoned):
        await cluster.dead_letters(DeadLettersQuery(topic), None, abandoned)
    empty = await cluster.dead_letters(DeadLettersQuery(make_topic()), None, Event())
    assert (empty.grouped.groups, empty.rest) == ([], None)


async def test_group_is_resent_by_a_job_and_nothing_else(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """The job's counts are those of the group: what carries a consumer_key already is left out, as the group says."""
    dead, topic, plain = make_topic(), make_topic(), jobs_stage.plain
    reasons = ("java.io.IOException", "java.lang.IllegalStateException")
    for number in range(60):
        plain.produce(dead, b"%d" % number, headers=spring(topic, f"group-{number % 3}", reasons[number % 2]))
    plain.produce(dead, b"copy", headers=[*spring(topic, "group-1", reasons[0]), ("consumer_key", b"k")])
    plain.produce(dead, b"none")
    page = await jobs_stage.cluster.dead_letters(DeadLettersQuery(dead), None, Event())
    wanted = DeadLetter("spring", topic, "group-1", reasons[0])
    [group] = [group for group in page.grouped.groups if group.said == wanted]
    jobs_stage.worker(everybody)
    chosen = DeadLetterCondition(wanted.dialect, wanted.topic, wanted.group or "", wanted.reason or "")
    target = Target("spring", by_operator=False, remove_headers=True, group_as_recipient=True)
    job = await jobs_stage.run(dead, filter=Filter(dead_letters=chosen), target=target)

    assert (group.count, group.already_resent) == (11, 1)
    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=10, not_matched=51, already_resent=1))
    copies = plain.log(topic, 0, "read_committed")
    assert [copy.value for copy in copies] == [b"%d" % number for number in range(60) if number % 6 == 4]
    assert {copy.headers for copy in copies} == {(("consumer_key", b"group-1"),)}


async def test_filter_by_a_dialect_that_a_worker_does_not_know_ends_the_job(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """It would match nothing, and the job would succeed."""
    dead = make_topic()
    jobs_stage.plain.produce(dead, b"x", headers=spring(dead))
    jobs_stage.worker(everybody)
    job = await jobs_stage.run(dead, filter=Filter(dead_letters=DeadLetterCondition("legacy")))

    assert job.state == "failed"
    assert (job.progress.reason or "").startswith("the job names the dialect 'legacy', not one of spring, ")
