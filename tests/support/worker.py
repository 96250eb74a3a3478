"""Fixtures that open the worker on a broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

import pytest

from kafka.cluster import Cluster
from kafka.config import ClusterConfig, Limits
from kafka.policy import ResendPolicy
from tests.support.brokers import Broker

DEFAULT_POLICY = ResendPolicy()


class OpenCluster(Protocol):
    """Opens a Cluster that the test need not close."""

    async def __call__(
        self,
        *,
        bootstrap: str | None = None,
        policy: ResendPolicy = DEFAULT_POLICY,
        properties: dict[str, str] | None = None,
        deadline_seconds: float = 20.0,
        delivery_timeout_seconds: float = 8.0,
        queue: int = 1000,
    ) -> Cluster: ...


@pytest.fixture
async def open_cluster(request: pytest.FixtureRequest) -> AsyncIterator[OpenCluster]:
    """A function that opens the worker, on the session's broker unless another one is named."""
    opened: list[Cluster] = []

    async def open_one(
        *,
        bootstrap: str | None = None,
        policy: ResendPolicy = DEFAULT_POLICY,
        properties: dict[str, str] | None = None,
        deadline_seconds: float = 20.0,
        delivery_timeout_seconds: float = 8.0,
        queue: int = 1000,
    ) -> Cluster:
        if bootstrap is None:
            broker: Broker = request.getfixturevalue("broker")
            bootstrap = broker.bootstrap
        limits = Limits(
            deadline_seconds=deadline_seconds, delivery_timeout_seconds=delivery_timeout_seconds, queue=queue
        )
        config = ClusterConfig("test", (bootstrap,), properties or {}, limits=limits, policy=policy)
        cluster = Cluster(config)
        await cluster.open()
        opened.append(cluster)
        return cluster

    yield open_one
    for cluster in opened:
        await cluster.close()


@pytest.fixture
async def cluster(open_cluster: OpenCluster) -> Cluster:
    """The worker on the session's broker, as it is without any configuration."""
    return await open_cluster()


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float) -> None:
    """Wait until the condition holds; fail if it does not within that time."""
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {condition.__qualname__}")
        await asyncio.sleep(0.02)
