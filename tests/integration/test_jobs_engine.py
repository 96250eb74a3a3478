"""Jobs on a real broker: what is written, by the account of a client that shares no code with them."""

from __future__ import annotations

import os
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from kafka.client.config import ClusterConfig, JobsConfig
from kafka.cluster import Cluster
from kafka.filter.conditions import Filter, HeaderCondition
from kafka.jobs.errors import SelectionEmpty
from kafka.jobs.job import Job
from kafka.jobs.spec import JobSpec
from tests.support.brokers import Broker
from tests.support.jobs import StartWorker, counted
from tests.support.plain import PlainClient, Seen
from tests.support.topics import MakeTopic
from tests.support.worker import eventually

Finished = Callable[[Job], Awaitable[Job]]


@pytest.fixture
def config(broker: Broker) -> ClusterConfig:
    """A cluster whose jobs are the test's own: store, group and transactional ids."""
    name = f"jobs-{uuid.uuid4().hex[:8]}"
    jobs = JobsConfig(topic=name, group=name, transactional_prefix=name, partitions=3)
    return ClusterConfig("test", (broker.bootstrap,), jobs=jobs)


@pytest.fixture
async def cluster(config: ClusterConfig, plain: PlainClient) -> AsyncIterator[Cluster]:
    """The service's side of the cluster."""
    cluster = Cluster(config)
    await cluster.open()
    yield cluster
    await cluster.close()
    if config.jobs.topic in plain.topics():
        plain.delete_topic(config.jobs.topic)


@pytest.fixture
def finished(cluster: Cluster) -> Finished:
    """A function that waits for the end of a job."""

    async def wait(job: Job) -> Job:
        async def over() -> bool:
            return (await cluster.jobs.get(job.job_id)).over

        await eventually(over, seconds=40)
        return await cluster.jobs.get(job.job_id)

    return wait


def spec(topic: str, **more: object) -> JobSpec:
    return JobSpec(project="project", created_by="somebody", topic=topic, **more)  # type: ignore[arg-type]


def copies(plain: PlainClient, topic: str, partitions: int, originals: int) -> list[Seen]:
    """Return what consumers of committed records see after the originals, of which each partition has that many."""
    return [
        seen
        for partition in range(partitions)
        for seen in plain.log(topic, partition, "read_committed")
        if seen.offset >= originals
    ]


async def test_job_over_a_topic_copies_every_record_once(
    cluster: Cluster,
    config: ClusterConfig,
    start_worker: StartWorker,
    make_topic: MakeTopic,
    plain: PlainClient,
    finished: Finished,
) -> None:
    """Keys, values and order of each partition arrive; each copy once, also when a job ends within one batch."""
    topic = make_topic(3)
    for partition in range(3):
        plain.produce_many(topic, [f"{partition}/{number}".encode() for number in range(50)], partition=partition)
    start_worker(config)
    for _ in range(3):
        job = await finished(
            await cluster.jobs.make(spec(topic, consumer_key="keyA", offsets=dict.fromkeys(range(3), (0, 50))))
        )
        assert (job.state, job.progress.counts) == ("succeeded", counted(resent=150))
    for partition in range(3):
        seen = [seen.value for seen in plain.log(topic, partition, "read_committed")]
        assert seen == 4 * [f"{partition}/{number}".encode() for number in range(50)]
    assert {seen.headers for seen in copies(plain, topic, 3, 50)} == {(("consumer_key", b"keyA"),)}


async def test_job_larger_than_a_batch_copies_every_record_once(
    cluster: Cluster,
    config: ClusterConfig,
    start_worker: StartWorker,
    make_topic: MakeTopic,
    plain: PlainClient,
    finished: Finished,
) -> None:
    """Many transactions make no difference, and neither does a worker that takes over in the middle."""
    topic = make_topic(2)
    values = [f"{number}".encode() for number in range(20_000)]
    for partition in range(2):
        plain.produce_many(topic, values, partition=partition)
    first = start_worker(config)
    job = await cluster.jobs.make(spec(topic, consumer_key="keyA"))

    async def begun() -> bool:
        return (await cluster.jobs.get(job.job_id)).progress.counts.resent > 0

    await eventually(begun, seconds=30)
    start_worker(config)
    assert first.stop(10)
    done = await finished(job)
    assert (done.state, done.progress.counts.resent) == ("succeeded", 40_000)
    for partition in range(2):
        assert [seen.value for seen in plain.log(topic, partition, "read_committed")] == 2 * values


async def test_filter_and_selection_decide_what_is_resent(
    cluster: Cluster,
    config: ClusterConfig,
    start_worker: StartWorker,
    make_topic: MakeTopic,
    plain: PlainClient,
    finished: Finished,
) -> None:
    """Only selected records that meet all conditions are copied, and copies of earlier jobs are left alone."""
    topic = make_topic(1)
    plain.produce(topic, b'{"total": 5}', b"a", [("kind", b"order")])
    plain.produce(topic, b'{"total": 50}', b"a", [("kind", b"order")])
    plain.produce(topic, b'{"total": 50}', b"b", [("kind", b"order")])
    plain.produce(topic, b'{"total": 50}', b"a", [("kind", b"refund")])
    plain.produce(topic, b"not JSON", b"a", [("kind", b"order")])
    plain.produce(topic, b'{"total": 50}', b"a", [("kind", b"order"), ("consumer_key", b"other")])
    start_worker(config)
    conditions = Filter(key="a", headers=(HeaderCondition("kind", "order"),), jmespath="total > `10`")
    job = await finished(await cluster.jobs.make(spec(topic, filter=conditions)))
    assert job.progress.counts == counted(resent=1, not_matched=3, not_json=1, already_resent=1)
    assert [seen.value for seen in copies(plain, topic, 1, 6)] == [b'{"total": 50}']


async def test_record_that_cannot_be_copied_is_listed_and_does_not_stop_the_others(
    cluster: Cluster,
    config: ClusterConfig,
    start_worker: StartWorker,
    make_topic: MakeTopic,
    plain: PlainClient,
    finished: Finished,
) -> None:
    """The broker refuses a whole batch for one record; only that one fails."""
    topic = make_topic(1, {"max.message.bytes": "100000"})
    plain.produce_many(topic, [b"good"] * 100)
    plain.produce(topic, os.urandom(80_000))
    plain.produce_many(topic, [b"good"] * 100)
    plain.set_config(topic, {"max.message.bytes": "70000"})
    start_worker(config)
    job = await finished(await cluster.jobs.make(spec(topic, consumer_key="keyA")))
    assert (job.state, job.progress.counts.resent, job.progress.counts.failed) == ("succeeded", 200, 1)
    assert [(failure.partition, failure.offset) for failure in job.progress.failures] == [(0, 100)]
    assert Counter(seen.value for seen in copies(plain, topic, 1, 201)) == {b"good": 200}


async def test_cancelled_job_ends_soon_with_a_count_that_is_true(
    cluster: Cluster,
    config: ClusterConfig,
    start_worker: StartWorker,
    make_topic: MakeTopic,
    plain: PlainClient,
    finished: Finished,
) -> None:
    """What the job says to have resent is what is in the topic, and nothing comes after."""
    topic = make_topic(1)
    plain.produce_many(topic, [b"x"] * 2000)
    start_worker(config)
    job = await cluster.jobs.make(spec(topic, records_per_second=100))

    async def begun() -> bool:
        return (await cluster.jobs.get(job.job_id)).progress.counts.resent > 0

    await eventually(begun, seconds=30)
    asked = time.monotonic()
    await cluster.jobs.cancel(job.job_id)
    done = await finished(job)
    assert time.monotonic() - asked < 2
    assert done.state == "cancelled"
    assert 0 < done.progress.counts.resent == len(copies(plain, topic, 1, 2000)) < 2000


async def test_dry_run_writes_nothing_and_counts_right(
    cluster: Cluster,
    config: ClusterConfig,
    start_worker: StartWorker,
    make_topic: MakeTopic,
    plain: PlainClient,
    finished: Finished,
) -> None:
    """The report tells what would be resent."""
    topic = make_topic(2)
    for partition in range(2):
        plain.produce_many(topic, [b"12345"] * 30, partition=partition)
    start_worker(config)
    job = await finished(await cluster.jobs.make(spec(topic, dry_run=True, positions=[(0, 3), (1, 4), (1, 29)])))
    report = job.progress.report
    assert report is not None
    assert (dict(report.would_resend), report.first, report.size_bytes) == ({0: 1, 1: 2}, ((0, 3), (1, 4), (1, 29)), 24)
    assert sum(report.histogram.values()) == 3
    assert copies(plain, topic, 2, 30) == []


async def test_empty_selection_is_refused_at_once(cluster: Cluster, make_topic: MakeTopic) -> None:
    """There is no job that would do nothing."""
    with pytest.raises(SelectionEmpty):
        await cluster.jobs.make(spec(make_topic(2)))
