"""Metadata that names no broker, as one that has just started gives it: librdkafka then drops all brokers, for good.

Its issue 5301. Whether a client meets it is a matter of moments; with a short rebootstrap interval it always does.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import suppress
from threading import Event

import pytest

from kafka.client.config import ClusterConfig, JobsConfig
from kafka.cluster import Cluster
from kafka.jobs.idempotency.requests import Key, digest_of
from kafka.model.errors import ResendError
from kafka.model.records import Position
from kafka.search.selection import Paging, Selection
from tests.support.brokers import free_port, new_broker
from tests.support.jobs import StartWorker
from tests.support.plain import PlainClient
from tests.support.proxy import proxied
from tests.support.worker import eventually

STUCK = {"metadata.recovery.rebootstrap.trigger.ms": "5000"}
RECORDS = 20


@pytest.fixture
def behind_proxy() -> Iterator[tuple[str, int]]:
    """A broker, by its own address, that advertises the port of a proxy; it reaches that, too, as transactions need."""
    own, controller, port = free_port(), free_port(), free_port()
    broker = new_broker(
        {
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{own},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        },
    )
    try:
        broker.start()
        yield f"127.0.0.1:{own}", port
    finally:
        broker.remove()


@pytest.mark.timeout(300)
async def test_clients_that_have_lost_all_brokers_are_made_again(
    behind_proxy: tuple[str, int], start_worker: StartWorker
) -> None:
    """Resends, with keys and without, and searches work again soon after brokers are named again."""
    broker, port = behind_proxy
    async with proxied(broker, port) as proxy:
        plain = PlainClient(f"127.0.0.1:{port}")
        await asyncio.to_thread(plain.create_internal_topics)
        await asyncio.to_thread(plain.create_topic, "topic", 1)
        await asyncio.to_thread(plain.produce_many, "topic", [b"value"] * RECORDS)
        jobs = JobsConfig(topic="store", group="workers", transactional_prefix="workers", partitions=1)
        config = ClusterConfig("test", (f"127.0.0.1:{port}",), STUCK, jobs=jobs)
        cluster = Cluster(config)
        await cluster.open()
        worker = start_worker(config)
        try:
            await eventually(Work(cluster).done, seconds=60)
            proxy.without_brokers = True
            await eventually(lambda: away(cluster), seconds=30)
            # Longer than the interval in STUCK, with the library's jitter; nothing shows outside when it has passed.
            await asyncio.sleep(8)
            proxy.without_brokers = False
            await eventually(Work(cluster).done, seconds=90)
        finally:
            await cluster.close()
            await asyncio.to_thread(worker.stop)


async def away(cluster: Cluster) -> bool:
    return cluster.availability.state == "away"


class Work:
    """One of each kind of request, each until it was answered once."""

    numbers = itertools.count()

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._left = [self._resend, self._resend_with_key, self._find]

    async def done(self) -> bool:
        for ask in list(self._left):
            with suppress(ResendError):
                await ask()
                self._left.remove(ask)
        return not self._left

    async def _resend(self) -> None:
        await self._cluster.resend(Position("topic", 0, 0), "plain")

    async def _resend_with_key(self) -> None:
        key = Key("project", "test", "me", f"{next(self.numbers)}", digest_of("request"))
        await self._cluster.resend_once(Position("topic", 0, 0), "keyed", key)

    async def _find(self) -> None:
        page = await self._cluster.find(Selection("topic"), Paging(5), None, Event())
        assert len(page.found) == 5
