#!/usr/bin/env python3
"""The worker in process against the floor, in turns, on a topic that is filled already.

usage: bench/worker.py BOOTSTRAP TOPIC [SECONDS [TURNS]]     prints a JSON object per measurement, then the ratios
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import uvloop
from confluent_kafka import Consumer, TopicPartition

from kafka.cluster import Cluster
from kafka.config import ClusterConfig
from kafka.records import Position
from service.cli.serve import SWITCH_INTERVAL_SECONDS

IN_FLIGHT = (1, 16, 64)
WARM_UP = 300

Row = dict[str, float]


def floor(bootstrap: str, topic: str, seconds: float) -> Row:
    """Measure what one thread needs without any of our code."""
    command = [sys.executable, str(Path(__file__).with_name("floor.py")), bootstrap, topic, str(seconds)]
    row: Row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return row


def bounds(bootstrap: str, topic: str) -> dict[int, tuple[int, int]]:
    """Return the log start offset and the high watermark of each partition."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench"})
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        return {number: consumer.get_watermark_offsets(TopicPartition(topic, number)) for number in partitions}
    finally:
        consumer.close()


def worker(bootstrap: str, topic: str, seconds: float, in_flight: int) -> Row:
    """Measure resends of random records, so many at once, in an event loop of their own."""
    return uvloop.run(resends(bootstrap, topic, seconds, in_flight))


async def resends(bootstrap: str, topic: str, seconds: float, in_flight: int) -> Row:
    """Measure resends of random records, so many at once."""
    ends = bounds(bootstrap, topic)
    choose = random.Random(1)
    cluster = Cluster(ClusterConfig("bench", (bootstrap,)))
    await cluster.open()

    async def once() -> None:
        partition = choose.choice(list(ends))
        await cluster.resend(Position(topic, partition, choose.randrange(*ends[partition])), "keyA")

    for _ in range(WARM_UP):
        await once()
    took: list[float] = []
    begun = time.perf_counter()

    async def lane() -> None:
        while (before := time.perf_counter()) - begun < seconds:
            await once()
            took.append(time.perf_counter() - before)

    await asyncio.gather(*(lane() for _ in range(in_flight)))
    elapsed = time.perf_counter() - begun
    await cluster.close()
    took.sort()
    return {
        "p50_ms": round(took[len(took) // 2] * 1e3, 3),
        "p99_ms": round(took[int(len(took) * 0.99)] * 1e3, 3),
        "rate_per_second": round(len(took) / elapsed),
        "count": len(took),
    }


def main(bootstrap: str, topic: str, seconds: str = "5", turns: str = "3") -> None:
    """Measure all rows in turns, so that a noisy machine hurts all alike."""
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    measure: dict[str, Callable[[], Row]] = {"floor": partial(floor, bootstrap, topic, float(seconds))}
    for count in IN_FLIGHT:
        measure[f"worker, {count} in flight"] = partial(worker, bootstrap, topic, float(seconds), count)
    rows: dict[str, list[Row]] = {name: [] for name in measure}
    for _ in range(int(turns)):
        for name, run in measure.items():
            rows[name].append(run())
            print(json.dumps({"row": name, **rows[name][-1]}), flush=True)

    def median(name: str, figure: str) -> float:
        return statistics.median(row[figure] for row in rows[name])

    print(
        json.dumps(
            {
                "p50, one in flight, to floor": round(
                    median("worker, 1 in flight", "p50_ms") / median("floor", "p50_ms"), 2
                ),
                "rate, 64 in flight, to floor": round(
                    median("worker, 64 in flight", "rate_per_second") / median("floor", "rate_per_second"), 2
                ),
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
