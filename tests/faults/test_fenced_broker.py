"""A cluster whose metadata names no broker: all are fenced, as after a hang. It must not end the process that asks."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

from kafka.checks.diagnose import diagnose
from kafka.client.config import ClusterConfig
from kafka.cluster import Cluster
from tests.support.brokers import StartBroker

_LOOK_SECONDS = 8.0


def test_process_survives_a_cluster_without_brokers(controlled_broker: StartBroker) -> None:
    """A broker that is fenced most of the time still answers; what asks it continues, and so does `check`."""
    # It is fenced a second after each heartbeat, until the next one.
    broker = controlled_broker({"broker.heartbeat.interval.ms": "4000", "broker.session.timeout.ms": "1000"})
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.test_fenced_broker", broker.bootstrap],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


async def look(bootstrap: str) -> None:
    """Open a cluster, and look at it for longer than a heartbeat takes."""
    config = ClusterConfig("fenced", (bootstrap,))
    cluster = Cluster(config)
    await cluster.open()
    until = time.monotonic() + _LOOK_SECONDS
    while time.monotonic() < until:
        await asyncio.to_thread(diagnose, config, 2.0)
    await cluster.close()


if __name__ == "__main__":
    asyncio.run(look(sys.argv[1]))
