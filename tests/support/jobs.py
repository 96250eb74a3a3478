"""Jobs of a test's own, and workers as threads of its own process."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event, Thread
from typing import Any

import pytest

from kafka.client.admin import Admin
from kafka.client.config import ClusterConfig, JobsConfig
from kafka.cluster import Cluster
from kafka.jobs.job import Job
from kafka.jobs.progress import Counts
from kafka.jobs.spec import JobSpec
from kafka.jobs.store.topic import ensure_store
from kafka.jobs.worker.group import JobsWorker
from kafka.jobs.worker.renewal import keep_running
from kafka.jobs.worker.rules import MayResend, nobody
from kafka.model.records import Header, Position, Record, TimestampType
from service.http.errors import code_of
from tests.support.brokers import Broker
from tests.support.plain import PlainClient, Seen
from tests.support.worker import eventually


def everybody(caller: str, project: str, instance: str, topic: str) -> bool:
    """Whether a caller may, where all may."""
    del caller, project, instance, topic
    return True


class RunningWorker:
    """A worker that runs until it is stopped.

    Args:
        config: the cluster.
        may_resend: what callers may do.
    """

    def __init__(self, config: ClusterConfig, may_resend: MayResend = nobody) -> None:
        self._stopped = Event()
        make = partial(JobsWorker, config, may_resend=may_resend, code_of=code_of)
        self._thread = Thread(target=keep_running, args=(config, make, self._stopped), daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 30.0) -> bool:
        """Stop it as an operator would; return whether it has ended in time."""
        self._stopped.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()


StartWorker = Callable[..., RunningWorker]
"""Takes what RunningWorker takes."""


@pytest.fixture
def start_worker() -> Iterator[StartWorker]:
    """A function that starts workers, which are stopped after the test."""
    running: list[RunningWorker] = []

    def start(config: ClusterConfig, may_resend: MayResend = nobody) -> RunningWorker:
        worker = RunningWorker(config, may_resend)
        running.append(worker)
        return worker

    yield start
    ended = [worker.stop() for worker in running]
    assert all(ended)


def spec(topic: str, **more: Any) -> JobSpec:
    """Return the spec of a job."""
    return JobSpec(project="project", created_by="somebody", topic=topic, **more)


def counted(resent: int = 0, failed: int = 0, expired: int = 0, **left_out: int) -> Counts:
    """Return the counts of a job that scanned exactly these records; what was left out is named by its reason."""
    matched = resent + failed
    scanned = matched + sum(left_out.values())
    return Counts(scanned=scanned, matched=matched, resent=resent, failed=failed, expired=expired, **left_out)


def record(
    value: bytes | None = b"{}",
    key: bytes | None = None,
    headers: tuple[Header, ...] = (),
    *,
    partition: int = 0,
    offset: int = 0,
    timestamp_ms: int = 1000,
) -> Record:
    position = Position("topic", partition, offset)
    return Record(position, key, value, headers, timestamp_ms, TimestampType.CREATE_TIME)


@dataclass(frozen=True, slots=True)
class JobsStage:
    """A cluster with jobs of the test's own, and workers for them.

    Attributes:
        config: names a store, a group and transactional ids that nobody else uses.
        cluster: the service's side.
        plain: a client that shares no code with ours.
    """

    config: ClusterConfig
    cluster: Cluster
    plain: PlainClient
    _start_worker: StartWorker
    _running: list[RunningWorker] = field(default_factory=list)

    def worker(self, may_resend: MayResend = nobody, **changes: Any) -> RunningWorker:
        """Start a worker; changes are those of JobsConfig."""
        worker = self._start_worker(replace(self.config, jobs=replace(self.config.jobs, **changes)), may_resend)
        self._running.append(worker)
        return worker

    def make_store(self, partitions: int) -> None:
        """Make the store before the first job does."""
        config = replace(self.config, jobs=replace(self.config.jobs, partitions=partitions))
        ensure_store(Admin(config), config)

    async def stop_workers(self) -> None:
        """Stop all that still run."""
        await asyncio.gather(*(asyncio.to_thread(worker.stop) for worker in self._running))

    async def make(self, topic: str, **more: Any) -> Job:
        """Have a job accepted."""
        return await self.cluster.jobs.make(spec(topic, **more))

    async def run(self, topic: str, **more: Any) -> Job:
        """Have a job accepted, and wait for its end."""
        return await self.finished(await self.make(topic, **more))

    async def get(self, job: Job) -> Job:
        """Return the job as it is now."""
        return await self.cluster.jobs.get(job.job_id)

    async def finished(self, job: Job, seconds: float = 40) -> Job:
        """Wait for the end of a job, and return it."""

        async def over() -> bool:
            return (await self.get(job)).over

        await eventually(over, seconds)
        return await self.get(job)

    async def resent(self, job: Job, count: int, seconds: float = 30) -> Job:
        """Wait until it has resent that many records, and return it."""

        async def reached() -> bool:
            return (await self.get(job)).progress.counts.resent >= count

        await eventually(reached, seconds)
        return await self.get(job)

    def copies(self, topic: str, originals: int, partition: int = 0) -> list[Seen]:
        """Return what consumers of committed records see from an offset on."""
        return self.plain.log(topic, partition, "read_committed", originals)


@pytest.fixture
async def jobs_stage(broker: Broker, plain: PlainClient, start_worker: StartWorker) -> AsyncIterator[JobsStage]:
    """A cluster with jobs of the test's own."""
    name = f"jobs-{uuid.uuid4().hex[:8]}"
    jobs = JobsConfig(topic=name, group=name, transactional_prefix=name, partitions=3)
    config = ClusterConfig("test", (broker.bootstrap,), jobs=jobs)
    cluster = Cluster(config)
    await cluster.open()
    stage = JobsStage(config, cluster, plain, start_worker)
    yield stage
    await cluster.close()
    await stage.stop_workers()
    if name in plain.topics():
        plain.delete_topic(name)
