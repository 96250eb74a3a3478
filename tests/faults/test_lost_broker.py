"""What is left to do while one broker of three is dead, or hangs: everything, once Kafka has chosen new leaders."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from contextlib import suppress
from threading import Event

import pytest

from kafka.cluster import Cluster
from kafka.jobs.idempotency.requests import Key, digest_of
from kafka.jobs.job import Job
from kafka.model.errors import ResendError
from kafka.model.records import Position
from kafka.search.selection import Paging, Selection
from tests.support.job_worker import config_of
from tests.support.jobs import StartWorker, spec
from tests.support.plain import PlainClient
from tests.support.three_brokers import BrokerCluster
from tests.support.worker import eventually

PARTITIONS = 6
RECORDS = 50
_KEYS = itertools.count()


@pytest.fixture
def brokers() -> Iterator[BrokerCluster]:
    """Three, one of which is given up after three seconds of silence: with Kafka's nine all would take longer."""
    cluster = BrokerCluster({"broker.session.timeout.ms": "3000", "broker.heartbeat.interval.ms": "500"})
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


async def resends(cluster: Cluster) -> int:
    """Return how many partitions a record was resent in."""
    positions = [Position("topic", partition, 0) for partition in range(PARTITIONS)]
    answers = await asyncio.gather(*(cluster.resend(position, "key") for position in positions), return_exceptions=True)
    return sum(not isinstance(answer, BaseException) for answer in answers)


@pytest.mark.timeout(480)
@pytest.mark.parametrize("loss", ["kill", "pause"])
async def test_work_goes_on_without_one_broker_of_three(
    brokers: BrokerCluster, start_worker: StartWorker, loss: str
) -> None:
    """Whichever broker it is: resends of all partitions, with and without keys, searches, jobs, at little cost."""
    plain = PlainClient(brokers.bootstrap)
    await asyncio.to_thread(plain.create_internal_topics)
    await asyncio.to_thread(plain.create_topic, "topic", PARTITIONS)
    for partition in range(PARTITIONS):
        plain.produce_many("topic", [b"value"] * RECORDS, partition=partition)
    config = config_of(brokers.bootstrap, "jobs")
    cluster = Cluster(config)
    await cluster.open()
    try:
        start_worker(config)
        await work(cluster)
        for broker in brokers.brokers:
            await asyncio.to_thread(getattr(broker, loss))
            await work(cluster)
            assert cluster.availability.state == "ready"
            await eventually(quiet, seconds=60)
            await asyncio.to_thread(broker.resume if loss == "pause" else broker.start)
            await eventually(lambda: in_sync(plain), seconds=60)
    finally:
        await cluster.close()


async def work(cluster: Cluster) -> None:
    """Do one of each, as often as it takes."""

    async def resent_everywhere() -> bool:
        return await resends(cluster) == PARTITIONS

    async def found_everywhere() -> bool:
        with suppress(ResendError):
            times_ms = (0, time.time_ns() // 1_000_000 + 60_000)
            page = await cluster.find(Selection("topic", times_ms=times_ms), Paging(1000), None, Event())
            _, topics = await cluster.topics(lambda name: name == "topic", 0, 10)
            return len(page.found) > PARTITIONS * RECORDS and topics[0].problem is None
        return False

    async def job_done() -> bool:
        with suppress(ResendError):
            if not made:
                offsets = dict.fromkeys(range(PARTITIONS), (0, RECORDS))
                made.append(await cluster.jobs.make(spec("topic", offsets=offsets, consumer_key="job")))
            job = await cluster.jobs.get(made[0].job_id)
            return job.state == "succeeded" and job.progress.counts.resent == PARTITIONS * RECORDS
        return False

    async def resent_with_keys() -> bool:
        number = next(_KEYS)
        keys = [(Position("topic", partition, 0), f"{number}/{partition}") for partition in range(PARTITIONS)]
        asked = (
            cluster.resend_once(position, "keyed", Key("project", "test", "me", key, digest_of([str(position)])))
            for position, key in keys
        )
        answers = await asyncio.gather(*asked, return_exceptions=True)
        return not any(isinstance(answer, BaseException) for answer in answers)

    made: list[Job] = []
    await eventually(resent_everywhere, seconds=60)
    await eventually(resent_with_keys, seconds=60)
    await eventually(found_everywhere, seconds=60)
    await eventually(job_done, seconds=60)


async def quiet() -> bool:
    """Whether this process does next to nothing for a second."""
    begun = time.process_time()
    # Not a wait for something: the time in which it is measured.
    await asyncio.sleep(1.0)
    return time.process_time() - begun < 0.3


async def in_sync(plain: PlainClient) -> bool:
    """Whether all replicas of the topic have caught up."""
    return await asyncio.to_thread(plain.in_sync_replicas, "topic") == 3 * PARTITIONS
