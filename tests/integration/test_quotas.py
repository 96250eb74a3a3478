"""Copies that a cluster does not take now: it throttles the service, or replicas are missing."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from kafka.cluster import Cluster
from kafka.model.errors import NotEnoughReplicas, ResendError, Throttled
from kafka.model.records import Position
from kafka.resend.service import Resent
from tests.support.brokers import ControlledBroker, StartBroker, free_port, new_broker
from tests.support.plain import PlainClient
from tests.support.rawproduce import set_producer_quota
from tests.support.worker import OpenCluster, eventually

AT_ONCE = 96


async def outcome(cluster: Cluster, position: Position) -> Resent | ResendError:
    """Return what a resend ended in."""
    try:
        return await cluster.resend(position, None)
    except ResendError as error:
        return error


# Where a topic takes small batches only, each copy is a request of its own, and the broker waits after each.
@pytest.mark.parametrize(
    ("topic_config", "delivery_timeout_seconds"), [({}, 8.0), ({"max.message.bytes": "50000"}, 4.0)]
)
@pytest.mark.timeout(300)
async def test_quota_lets_through_what_fits_and_the_rest_is_refused_unwritten(
    open_cluster: OpenCluster,
    controlled_broker: StartBroker,
    topic_config: dict[str, str],
    delivery_timeout_seconds: float,
) -> None:
    """Far more at once than a producer quota allows: each answer is certain, and says that it is throttled."""
    broker = controlled_broker()
    plain = PlainClient(broker.bootstrap)
    plain.create_topic("topic", 1, topic_config)
    for _ in range(AT_ONCE):
        plain.produce("topic", os.urandom(2000))
    cluster = await open_cluster(bootstrap=broker.bootstrap, delivery_timeout_seconds=delivery_timeout_seconds)
    await cluster.resend(Position("topic", 0, 0), None)
    set_producer_quota(broker.bootstrap, 4000.0)

    outcomes = await asyncio.gather(*(outcome(cluster, Position("topic", 0, number)) for number in range(AT_ONCE)))
    count = Counter(type(found) for found in outcomes)
    assert {Resent, Throttled} == set(count), count
    assert AT_ONCE + 1 + count[Resent] == plain.high_watermark("topic", 0)
    assert all(found.retry_after_seconds >= 1 for found in outcomes if isinstance(found, Throttled))

    # It continues once the quota is gone.
    set_producer_quota(broker.bootstrap, 1e9)

    async def resent() -> bool:
        return isinstance(await outcome(cluster, Position("topic", 0, 0)), Resent)

    await eventually(resent, seconds=90)


@pytest.fixture
def two_brokers() -> Iterator[tuple[ControlledBroker, ControlledBroker]]:
    """Two brokers, of which the second one is not its own controller, so that the first one can continue without it."""
    ports, controller = [free_port(), free_port()], free_port()
    brokers = [
        new_broker(
            {
                "node.id": str(number + 1),
                "process.roles": "broker,controller" if number == 0 else "broker",
                "controller.quorum.voters": f"1@127.0.0.1:{controller}",
                "listeners": f"PLAINTEXT://127.0.0.1:{port}"
                + (f",CONTROLLER://127.0.0.1:{controller}" if number == 0 else ""),
                "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
                "default.replication.factor": "2",
                "min.insync.replicas": "2",
                "broker.session.timeout.ms": "3000",
                "broker.heartbeat.interval.ms": "500",
            },
        )
        for number, port in enumerate(ports)
    ]
    brokers[0].bootstrap = f"127.0.0.1:{ports[0]}"  # type: ignore[misc]
    with ExitStack() as removals:
        for broker in brokers:
            removals.callback(broker.remove)
            broker.start()
        yield brokers[0], brokers[1]


@pytest.mark.timeout(300)
async def test_missing_replicas_are_told_long_before_time_runs_out(
    open_cluster: OpenCluster, two_brokers: tuple[ControlledBroker, ControlledBroker]
) -> None:
    """A partition below min.insync.replicas takes nothing: that is said, and not that the cluster is away."""
    first, second = two_brokers
    plain = PlainClient(first.bootstrap)
    # A new leader may not know the high watermark yet, and below min.insync.replicas it never learns it: then the
    # record cannot even be read (OFFSET_NOT_AVAILABLE). The first one leads all the time.
    plain.create_topic("topic", 1, replicas=[1, 2])
    plain.produce("topic", b"0")
    cluster = await open_cluster(bootstrap=first.bootstrap, deadline_seconds=120.0, delivery_timeout_seconds=10.0)
    second.stop()

    async def alone() -> bool:
        return plain.in_sync_replicas("topic") == 1

    await eventually(alone, seconds=90)
    begun = time.monotonic()
    refused = await outcome(cluster, Position("topic", 0, 0))
    assert isinstance(refused, NotEnoughReplicas), refused
    assert ("topic", 0) == (refused.topic, refused.partition)
    assert time.monotonic() - begun < 60
    assert 1 == plain.high_watermark("topic", 0)
    await asyncio.to_thread(second.start)

    async def resent() -> bool:
        return isinstance(await outcome(cluster, Position("topic", 0, 0)), Resent)

    await eventually(resent, seconds=90)
