"""Records that are damaged on the broker's disk: told, never resent, and in nobody's way."""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from pathlib import Path

import pytest

from kafka.cluster import Cluster
from kafka.model.errors import ClusterUnavailable, RecordDamaged
from kafka.model.records import Position
from tests.support.brokers import StartBroker
from tests.support.job_worker import config_of
from tests.support.jobs import StartWorker, counted, spec
from tests.support.plain import PlainClient
from tests.support.worker import eventually

BATCHES = 5
IN_BATCH = 3
DAMAGED = 6
"""The first offset of the third batch."""


def damage(log: Path, offset: int) -> None:
    """Change a byte near the end of the batch that begins at this offset, which its checksum covers."""
    content, at = bytearray(log.read_bytes()), 0
    while at < len(content):
        base_offset, length = struct.unpack_from(">qi", content, at)
        at += struct.calcsize(">qi") + length
        if base_offset == offset:
            content[at - 3] ^= 0xFF
            break
    else:
        pytest.fail(f"no batch begins at {offset}")
    # In place: the file stays the broker's own.
    with log.open("r+b") as file:
        file.write(content)


async def test_damaged_records_are_told_and_in_nobodys_way(
    controlled_broker: StartBroker, start_worker: StartWorker
) -> None:
    """Those of the batch are refused at once, all others resent; a job ends there, with what came before."""
    broker = controlled_broker()
    plain = PlainClient(broker.bootstrap)
    plain.create_internal_topics()
    plain.create_topic("topic", 1)
    for batch in range(BATCHES):
        plain.produce_many("topic", [b"%d" % batch] * IN_BATCH)
    broker.stop()
    damage(broker.data / "topic-0" / "00000000000000000000.log", DAMAGED)
    broker.start()
    config = config_of(broker.bootstrap, "jobs")
    cluster = Cluster(config)
    await cluster.open()
    try:
        start_worker(config)
        positions = [Position("topic", 0, offset) for offset in range(BATCHES * IN_BATCH)]
        answers = await asyncio.gather(
            *(cluster.resend(position, "key") for position in positions), return_exceptions=True
        )
        refused = [answer.position.offset for answer in answers if isinstance(answer, RecordDamaged)]
        assert refused == list(range(DAMAGED, DAMAGED + IN_BATCH))
        assert sum(isinstance(answer, BaseException) for answer in answers) == IN_BATCH

        made = await cluster.jobs.make(spec("topic", offsets={0: (0, BATCHES * IN_BATCH)}, consumer_key="job"))

        async def over() -> bool:
            with suppress(ClusterUnavailable):
                return (await cluster.jobs.get(made.job_id)).over
            return False

        await eventually(over, seconds=30)
        job = await cluster.jobs.get(made.job_id)
        assert (job.state, job.progress.counts) == ("failed", counted(resent=DAMAGED))
        assert job.progress.reason == str(RecordDamaged(Position("topic", 0, DAMAGED)))
    finally:
        await cluster.close()
