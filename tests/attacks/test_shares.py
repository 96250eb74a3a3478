"""One caller who asks for all that there is: others are served meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from threading import Event

from kafka.client.config import QueryLimits
from kafka.cluster import Cluster
from kafka.filter.conditions import Filter
from kafka.model.errors import TooManyScans
from kafka.search.selection import HistogramQuery, Paging, Selection
from tests.support.plain import PlainClient
from tests.support.topics import MakeTopic
from tests.support.worker import OpenCluster

FLOOD = 40
RECORDS = 30_000

Ask = Callable[[str], Awaitable[object]]


async def ended_when_others_were_served(greedy: Ask, other: Ask) -> int:
    """Have one caller ask for much, and then another one three times; return how many of the first's were done by then.

    Fails if the other one is refused.
    """
    flood = [asyncio.create_task(outcome(greedy("greedy"))) for _ in range(FLOOD)]
    # All of them are in the line, or refused.
    await asyncio.sleep(0)
    for _ in range(3):
        await other("other")
    done = sum(task.done() and task.result() for task in flood)
    for task in flood:
        task.cancel()
    await asyncio.gather(*flood, return_exceptions=True)
    return done


async def outcome(asked: Awaitable[object]) -> bool:
    """Return whether something was carried out, not refused for want of a place."""
    try:
        await asked
    except TooManyScans:
        return False
    return True


async def test_caller_with_forty_searches_leaves_room_for_another_ones(
    open_cluster: OpenCluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Searches that match nothing take all the time that they may; one by another caller comes before most of them."""
    cluster = await open_cluster(query=QueryLimits(max_concurrent_scans=4, max_scan_seconds=3))
    large, small = make_topic(), make_topic()
    plain.produce_many(large, [b"v" * 10] * RECORDS)
    plain.produce_many(small, [b"v"] * 10)

    async def greedy(caller: str) -> None:
        await cluster.find(Selection(large, filter=Filter(key="none")), Paging(1), None, Event(), caller=caller)

    async def other(caller: str) -> None:
        page = await cluster.find(Selection(small), Paging(10), None, Event(), caller=caller)
        assert 10 == len(page.found)

    await other("other")

    assert FLOOD // 2 > await ended_when_others_were_served(greedy, other)


async def test_caller_with_forty_histograms_leaves_room_for_lists_of_another_one(
    open_cluster: OpenCluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A hundred buckets of fifty partitions are 5,000 questions: not all forty are asked at once."""
    cluster = await open_cluster()
    topic = make_topic(partitions=50)
    now_ms = time.time_ns() // 1_000_000
    # Too much to be read.
    plain.produce_many(topic, [b"v"] * 21_000, timestamps_ms=range(now_ms, now_ms + 21_000))

    async def greedy(caller: str) -> None:
        await cluster.histogram(HistogramQuery(topic, None, (now_ms, now_ms + 21_000), 100), Event(), caller=caller)

    async def other(caller: str) -> None:
        await listed(cluster, topic, caller)
        await cluster.find(Selection(topic, 0), Paging(10), None, Event(), caller=caller)

    await other("other")

    assert FLOOD // 2 > await ended_when_others_were_served(greedy, other)


async def test_caller_with_forty_lists_of_topics_leaves_room_for_another_one(
    open_cluster: OpenCluster, make_topic: MakeTopic
) -> None:
    """Lists have places of their own, shared in the same way."""
    cluster = await open_cluster()
    topic = make_topic(partitions=20)

    async def ask(caller: str) -> None:
        await listed(cluster, topic, caller)

    assert FLOOD // 2 > await ended_when_others_were_served(ask, ask)


async def listed(cluster: Cluster, topic: str, caller: str) -> None:
    """List one topic."""
    total, _ = await cluster.topics(lambda name: name == topic, 0, 10, caller=caller)
    assert 1 == total
