"""The worker in process: Cluster.resend, without HTTP.

usage: python -m bench.inprocess BOOTSTRAP IN_FLIGHT SECONDS SELECTION     prints figures as JSON
"""

from __future__ import annotations

import asyncio
import sys
import time

import uvloop

from bench.figures import Figures, Selection, figures_of
from kafka.client.config import ClusterConfig
from kafka.cluster import Cluster
from kafka.model.records import Position
from service.cli.serve import SWITCH_INTERVAL_SECONDS

_WARM_UP = 300


async def measure(bootstrap: str, in_flight: int, seconds: float, selection: Selection) -> Figures:
    """Measure resends, a number of them at once."""
    positions = selection.positions()
    cluster = Cluster(ClusterConfig("bench", (bootstrap,)))
    await cluster.open()
    took: list[float] = []

    async def once() -> None:
        partition, offset = next(positions)
        await cluster.resend(Position(selection.topic, partition, offset), "keyA")

    async def lane(until: float) -> None:
        while (begun := time.perf_counter()) < until:
            await once()
            took.append(time.perf_counter() - begun)

    for _ in range(_WARM_UP):
        await once()
    begun = time.perf_counter()
    await asyncio.gather(*(lane(begun + seconds) for _ in range(in_flight)))
    elapsed = time.perf_counter() - begun
    await cluster.close()
    return figures_of(took, elapsed)


if __name__ == "__main__":
    # As in the serving process.
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    _bootstrap, _in_flight, _seconds, _selection = sys.argv[1:]
    _figures = uvloop.run(measure(_bootstrap, int(_in_flight), float(_seconds), Selection.from_json(_selection)))
    print(_figures.to_json())
