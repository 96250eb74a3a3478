"""Asking about consumer groups while brokers go away: an answer in time, and the process that asks lives on.

Admin requests to a group's coordinator end the process in these moments (librdkafka issue 4605). What is sent instead
is sent here as often as possible, while the broker goes and comes in each way there is.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from threading import Event

import pytest
from confluent_kafka import Consumer, TopicPartition

from kafka.client.config import ClusterConfig
from kafka.cluster import Cluster
from kafka.consumers.passed import one_copy
from kafka.consumers.service import GroupsFound
from kafka.model.errors import NothingWritten
from kafka.model.records import Position
from tests.support.brokers import StartBroker
from tests.support.plain import PlainClient
from tests.support.three_brokers import BrokerCluster
from tests.support.worker import eventually

_LONGEST_SECONDS = 15.0
"""For a list and all that it names; what takes longer has no bound."""
_AT_ONCE = 3
_TIMES_MORE = 4
_BOTH_PASSED = "passed passed"


def prepare(bootstrap: str) -> None:
    """Make a topic with a record, and two groups that are past it."""
    plain = PlainClient(bootstrap)
    plain.create_internal_topics()
    plain.create_topic("topic", 1)
    plain.produce("topic", b"x")
    for group in ("one", "two"):
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False})
        consumer.commit(offsets=[TopicPartition("topic", 0, 1)], asynchronous=False)
        consumer.close()


async def ask(cluster: Cluster, *groups: str) -> GroupsFound:
    copy = one_copy(Position("topic", 0, 0))
    return await cluster.consumers_past(copy, {"topic": ""}, groups, Event(), caller="me")


@pytest.mark.timeout(240)
async def test_process_lives_on_and_answers_in_time_while_the_broker_comes_and_goes(
    controlled_broker: StartBroker,
) -> None:
    """Refused as the cluster that is away while it is, and answered afterwards."""
    broker = controlled_broker()
    await asyncio.to_thread(prepare, broker.bootstrap)
    command = [sys.executable, "-m", "tests.faults.test_consumers", broker.bootstrap]
    process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    lines: list[str] = []

    async def listen() -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            lines.append(line.decode().removesuffix("\n"))

    async def more(*, answered: bool) -> None:
        """Wait until it has asked some times more, and was answered or was not: then requests are under way."""
        begin = len(lines)

        async def enough() -> bool:
            assert process.returncode is None
            return sum((line == _BOTH_PASSED) is answered for line in lines[begin:]) >= _TIMES_MORE

        await eventually(enough, seconds=60)

    listening = asyncio.create_task(listen())
    try:
        for how, back in (("stop", "start"), ("kill", "start"), ("pause", "resume"), ("stop", "start")):
            await more(answered=True)
            await asyncio.to_thread(getattr(broker, how))
            await more(answered=False)
            await asyncio.to_thread(getattr(broker, back))
        assert process.stdin is not None
        process.stdin.write(b"end\n")
        await asyncio.wait_for(process.wait(), 90)
        await listening
    finally:
        listening.cancel()
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0
    report = json.loads(lines[-1])
    assert report["longest"] < _LONGEST_SECONDS
    assert report["outcomes"].pop(_BOTH_PASSED) > 20
    assert report["outcomes"].pop("ClusterAway") > 0
    # Right after its start a broker has not loaded its groups, and names none, or it is not asked in time.
    assert set(report["outcomes"]) <= {"", "passed", "passed unknown", "unknown passed", "DeadlineExceeded"}
    assert report["last"] == _BOTH_PASSED


@pytest.mark.timeout(240)
async def test_groups_of_other_brokers_are_answered_while_one_is_away() -> None:
    """With what is missing, as long as the cluster counts on it; its groups have another coordinator soon."""
    brokers = BrokerCluster()
    try:
        await asyncio.to_thread(brokers.start)
        await asyncio.to_thread(prepare, brokers.bootstrap)
        cluster = Cluster(ClusterConfig("three", tuple(brokers.bootstrap.split(","))))
        await cluster.open()
        try:
            assert [each.state for each in (await ask(cluster)).groups] == ["passed", "passed"]
            await asyncio.to_thread(brokers.brokers[0].kill)

            async def answered() -> bool:
                began = time.monotonic()
                found: list[str] = []
                # Of the partition, or of both groups, it may be the leader.
                with suppress(NothingWritten):
                    found = [each.state for each in (await ask(cluster)).groups]
                assert time.monotonic() - began < _LONGEST_SECONDS
                return found == ["passed", "passed"]

            await eventually(answered, seconds=60)
        finally:
            await cluster.close()
    finally:
        brokers.remove()


async def keep_asking(bootstrap: str) -> dict[str, object]:
    """Ask all the time, until a line is read, and then until there is an answer; return what came of it.

    Each outcome is printed, in a line of its own.
    """
    cluster = Cluster(ClusterConfig("test", (bootstrap,)))
    await cluster.open()
    outcomes: Counter[str] = Counter()
    longest, last = 0.0, ""
    ended = asyncio.ensure_future(asyncio.to_thread(sys.stdin.readline))

    async def once(*groups: str) -> str:
        nonlocal longest
        began = time.monotonic()
        try:
            found = await ask(cluster, *groups)
            outcome = " ".join(each.state for each in found.groups)
        except NothingWritten as error:
            outcome = type(error).__name__
            await asyncio.sleep(0.05)
        longest = max(longest, time.monotonic() - began)
        outcomes[outcome] += 1
        sys.stdout.write(f"{outcome}\n")
        sys.stdout.flush()
        return outcome

    async def ask_until(named: tuple[str, ...]) -> None:
        while not ended.done():
            await once(*named)

    await asyncio.gather(*(ask_until(named) for named in ((), ("one", "two"), ())[:_AT_ONCE]))
    deadline = time.monotonic() + 60
    while (last := await once()) != _BOTH_PASSED and time.monotonic() < deadline:
        pass
    await cluster.close()
    return {"outcomes": outcomes, "longest": longest, "last": last}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(keep_asking(sys.argv[1]))))
