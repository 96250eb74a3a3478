"""What happens to resends while the broker is away, hangs, or comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from kafka.cluster import Cluster
from kafka.model.errors import ClusterAway, ClusterUnavailable, DeadlineExceeded, OutcomeUnknown, ResendError
from kafka.model.records import Position
from kafka.resend.service import Resent
from tests.support.brokers import ControlledBroker
from tests.support.plain import PlainClient
from tests.support.worker import OpenCluster, eventually

StartBroker = Callable[[], ControlledBroker]


async def in_state(cluster: Cluster, state: str, seconds: float = 30) -> None:
    """Wait until the worker knows that the cluster is in that state."""

    async def reached() -> bool:
        return cluster.availability.state == state

    await eventually(reached, seconds)


async def test_broker_down_at_the_start_is_found_when_it_comes(
    open_cluster: OpenCluster, controlled_broker: StartBroker
) -> None:
    """The worker starts without its broker, refuses at once, and recovers without a restart."""
    broker = controlled_broker()
    plain = PlainClient(broker.bootstrap)
    plain.create_topic("topic", 1)
    plain.produce("topic", b"0")
    broker.stop()
    cluster = await open_cluster(bootstrap=broker.bootstrap)
    assert cluster.availability.state == "away"
    assert cluster.availability.reason
    begun = time.monotonic()
    with pytest.raises(ClusterAway):
        await cluster.resend(Position("topic", 0, 0), None)
    assert time.monotonic() - begun < 1
    broker.start()
    await in_state(cluster, "ready")
    assert (await cluster.resend(Position("topic", 0, 0), None)).offset == 1


@pytest.mark.parametrize("outage", ["stop", "kill", "pause"])
async def test_outage_in_the_middle_of_a_load_loses_and_doubles_nothing(
    open_cluster: OpenCluster, controlled_broker: StartBroker, outage: str
) -> None:
    """Each answer is true: a success was written once, a refusal not at all; and the worker recovers."""
    broker = controlled_broker()
    plain = PlainClient(broker.bootstrap)
    plain.create_topic("topic", 4)
    for partition in range(4):
        plain.produce_many("topic", [f"{partition}/{number}".encode() for number in range(500)], partition=partition)
    cluster = await open_cluster(bootstrap=broker.bootstrap, deadline_seconds=6.0, delivery_timeout_seconds=3.0)
    answers: list[tuple[str, Resent | ResendError]] = []
    stopping = asyncio.Event()

    async def load(lane: int) -> None:
        number = 0
        while not stopping.is_set():
            position = Position("topic", lane % 4, (37 * number + lane) % 500)
            marker = f"{lane}.{number}"
            try:
                answers.append((marker, await cluster.resend(position, marker)))
            except ResendError as error:
                answers.append((marker, error))
                if isinstance(error, ClusterUnavailable):
                    await asyncio.sleep(0.01)
            number += 1

    lanes = [asyncio.create_task(load(lane)) for lane in range(32)]
    await eventually(lambda: reached(answers, Resent, 300), seconds=20)
    await asyncio.to_thread(getattr(broker, outage))
    await eventually(lambda: reached(answers, ClusterAway, 1), seconds=30)
    await asyncio.to_thread(broker.resume if outage == "pause" else broker.start)
    await in_state(cluster, "ready")
    recovered = len(answers)
    await eventually(lambda: reached(answers[recovered:], Resent, 300), seconds=40)
    stopping.set()
    await asyncio.gather(*lanes)

    copies = [seen for partition in range(4) for seen in plain.log("topic", partition=partition)[500:]]
    written: dict[str, int] = {}
    for copy in copies:
        marker = next(value for name, value in copy.headers if name == "consumer_key")
        assert marker is not None
        written[marker.decode()] = written.get(marker.decode(), 0) + 1
    resent = {marker for marker, answer in answers if isinstance(answer, Resent)}
    unknown = {marker for marker, answer in answers if isinstance(answer, OutcomeUnknown)}
    assert {marker for marker, count in written.items() if count > 1} == set()
    assert resent - written.keys() == set()
    assert written.keys() - resent - unknown == set()
    allowed = (Resent, OutcomeUnknown, ClusterUnavailable, DeadlineExceeded)
    assert [answer for _, answer in answers if not isinstance(answer, allowed)] == []


async def reached(answers: list[tuple[str, Resent | ResendError]], kind: type, count: int) -> bool:
    return sum(isinstance(answer, kind) for _, answer in answers) >= count
