"""A worker that is started while its cluster cannot be reached."""

from __future__ import annotations

import asyncio
import logging
from threading import Event, Thread

import pytest

from kafka.client.admin import Admin
from kafka.client.config import ClusterConfig
from kafka.jobs.store.topic import ensure_store
from kafka.jobs.worker.group import JobsWorker
from kafka.jobs.worker.renewal import keep_running
from tests.support.acls import Administrator, sasl
from tests.support.brokers import StartBroker
from tests.support.worker import eventually


@pytest.mark.timeout(300)
@pytest.mark.parametrize("outage", ["stop", "pause"])
async def test_worker_that_cannot_reach_the_cluster_at_its_start_tries_again(
    controlled_broker: StartBroker, caplog: pytest.LogCaptureFixture, outage: str
) -> None:
    """It says that no jobs are run, and takes all partitions of the store once the broker answers."""
    caplog.set_level(logging.ERROR, "kafka")
    broker = controlled_broker()
    config = ClusterConfig("test", (broker.bootstrap,))
    await asyncio.to_thread(ensure_store, Admin(config), config)
    await asyncio.to_thread(getattr(broker, outage))
    workers: list[JobsWorker] = []

    def make() -> JobsWorker:
        workers.append(JobsWorker(config))
        return workers[-1]

    stopped = Event()
    running = Thread(target=keep_running, args=(config, make, stopped))
    running.start()
    try:

        async def told() -> bool:
            return "no jobs are run" in caplog.text

        await eventually(told, seconds=60)
        await asyncio.to_thread(broker.resume if outage == "pause" else broker.start)

        async def owns_all() -> bool:
            return len(workers[-1]._owners) == config.jobs.partitions

        await eventually(owns_all, seconds=90)
    finally:
        stopped.set()
        await asyncio.to_thread(running.join)


async def test_worker_that_is_refused_says_so(
    with_acls: tuple[str, Administrator], caplog: pytest.LogCaptureFixture
) -> None:
    """The brokers refuse its login: that is why no jobs are run, and not that time ran out."""
    caplog.set_level(logging.ERROR, "kafka")
    address, _ = with_acls
    stopped = Event()
    worker = JobsWorker(ClusterConfig("test", (address,), sasl("full", "wrong")))
    running = Thread(target=worker.run, args=(stopped,))
    running.start()
    try:

        async def told() -> bool:
            return "no jobs are run: _AUTHENTICATION" in caplog.text

        await eventually(told, seconds=60)
    finally:
        stopped.set()
        await asyncio.to_thread(running.join)
