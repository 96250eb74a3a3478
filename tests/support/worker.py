"""Fixtures that open the worker on a broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from kafka.client.config import ClusterConfig, Limits, QueryLimits
from kafka.cluster import Cluster
from kafka.model.policy import ResendPolicy
from tests.support.brokers import Broker

DEFAULT_POLICY = ResendPolicy()
DEFAULT_QUERY = QueryLimits()


class OpenCluster:
    """Opens Clusters that the test need not close.

    Args:
        bootstrap: returns the address of the broker to use where none is named.
    """

    def __init__(self, bootstrap: Callable[[], str]) -> None:
        self._bootstrap = bootstrap
        self._opened: list[Cluster] = []

    async def __call__(
        self,
        *,
        bootstrap: str | None = None,
        policy: ResendPolicy = DEFAULT_POLICY,
        properties: dict[str, str] | None = None,
        deadline_seconds: float = 20.0,
        delivery_timeout_seconds: float = 8.0,
        queue: int = 1000,
        query: QueryLimits = DEFAULT_QUERY,
    ) -> Cluster:
        limits = Limits(
            deadline_seconds=deadline_seconds,
            delivery_timeout_seconds=delivery_timeout_seconds,
            max_queued_requests=queue,
        )
        servers = tuple((bootstrap or self._bootstrap()).split(","))
        cluster = Cluster(ClusterConfig("test", servers, properties or {}, limits, policy, query))
        await cluster.open()
        self._opened.append(cluster)
        return cluster

    async def close(self) -> None:
        """Close all of them."""
        for cluster in self._opened:
            await cluster.close()


@pytest.fixture
async def open_cluster(request: pytest.FixtureRequest) -> AsyncIterator[OpenCluster]:
    """A function that opens the worker, on the session's broker unless another one is named."""

    def shared() -> str:
        # Not started for tests that bring a broker of their own.
        broker: Broker = request.getfixturevalue("broker")
        return broker.bootstrap

    opening = OpenCluster(shared)
    yield opening
    await opening.close()


@pytest.fixture
async def cluster(open_cluster: OpenCluster) -> Cluster:
    """The worker on the session's broker, as it is without any configuration."""
    return await open_cluster()


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float) -> None:
    """Wait until the condition holds; fail if it does not within that time."""
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {getattr(condition, '__qualname__', condition)}")
        await asyncio.sleep(0.02)
