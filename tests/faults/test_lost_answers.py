"""What is told about copies whose acknowledgements are lost: never a success for two, never a refusal for one."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from kafka.cluster import Cluster
from kafka.model.errors import NothingWritten, OutcomeUnknown, ResendError
from kafka.model.records import Position
from kafka.resend.service import Resent
from tests.support.brokers import StartBroker, free_port
from tests.support.plain import PlainClient
from tests.support.proxy import Proxy, proxied
from tests.support.worker import OpenCluster, eventually

PARTITIONS = 4


@dataclass(frozen=True, slots=True)
class Stage:
    """A worker that reaches its broker through a proxy, and a topic with an old and a new record in each partition."""

    proxy: Proxy
    cluster: Cluster
    plain: PlainClient

    async def resend(self, partition: int, offset: int, marker: str) -> tuple[str, Resent | ResendError]:
        try:
            return marker, await self.cluster.resend(Position("topic", partition, offset), marker)
        except ResendError as error:
            return marker, error

    def written(self) -> Counter[str]:
        copies = [seen for partition in range(PARTITIONS) for seen in self.plain.log("topic", partition=partition)]
        return Counter(
            value.decode() for copy in copies for name, value in copy.headers if name == "consumer_key" and value
        )


@pytest.fixture
async def stage(open_cluster: OpenCluster, controlled_broker: StartBroker) -> AsyncIterator[Stage]:
    port = free_port()
    address = f"127.0.0.1:{port}"
    broker = controlled_broker({"advertised.listeners": f"PLAINTEXT://{address}"})
    async with proxied(broker.bootstrap, port) as proxy:
        plain = PlainClient(address)

        def fill() -> None:
            plain.create_topic("topic", PARTITIONS)
            for partition in range(PARTITIONS):
                plain.produce("topic", b"old", partition=partition, timestamp_ms=time.time_ns() // 1_000_000 - 600_000)
                plain.produce("topic", b"new", partition=partition)

        await asyncio.to_thread(fill)
        cluster = await open_cluster(bootstrap=address, deadline_seconds=9.0, delivery_timeout_seconds=4.0)
        yield Stage(proxy, cluster, plain)


def judge(answers: list[tuple[str, Resent | ResendError]], written: Counter[str]) -> None:
    assert [marker for marker, count in written.items() if count > 1] == []
    for marker, answer in answers:
        if isinstance(answer, Resent):
            assert written[marker] == 1, marker
        elif isinstance(answer, NothingWritten):
            assert written[marker] == 0, (marker, answer)


async def test_time_out_of_one_copy_does_not_double_those_of_other_partitions(stage: Stage) -> None:
    """A copy whose acknowledgement is lost times out alone; what went to other partitions is not sent again."""
    for partition in range(PARTITIONS):
        await stage.resend(partition, 1, f"before {partition}")
    stage.proxy.hold = True

    async def later(partition: int, seconds: float) -> tuple[str, Resent | ResendError]:
        await asyncio.sleep(seconds)
        return await stage.resend(partition, 1, f"lost {partition}")

    tasks = [asyncio.create_task(later(partition, 1.2 * partition)) for partition in range(3)]

    async def all_held() -> bool:
        return stage.proxy.held >= 3

    await eventually(all_held, seconds=10)
    stage.proxy.hold = False
    answers = await asyncio.gather(*tasks)
    written = await asyncio.to_thread(stage.written)
    judge(answers, written)
    assert any(isinstance(answer, OutcomeUnknown) for _, answer in answers)
    assert isinstance((await stage.resend(3, 1, "after"))[1], Resent)


async def test_refusal_after_a_lost_acknowledgement_is_not_told_as_certain(stage: Stage) -> None:
    """Copies were written, their answers lost, and the topic takes such records no more: nobody is told 'refused'."""
    await stage.resend(1, 1, "before")
    stage.proxy.hold = True
    tasks = [asyncio.create_task(stage.resend(1, number % 2, f"lost {number}")) for number in range(6)]

    async def one_held() -> bool:
        return stage.proxy.held >= 1

    await eventually(one_held, seconds=10)
    await asyncio.to_thread(stage.plain.set_config, "topic", {"message.timestamp.before.max.ms": "60000"})
    stage.proxy.hold = False
    stage.proxy.drop_connections()
    answers = await asyncio.gather(*tasks)
    judge(answers, await asyncio.to_thread(stage.written))
    assert any(isinstance(answer, OutcomeUnknown) for _, answer in answers)
