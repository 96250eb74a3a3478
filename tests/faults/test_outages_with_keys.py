"""Requests with an Idempotency-Key through outages of the broker: answered again soon after, and no process ends."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.support.brokers import ControlledBroker, free_port
from tests.support.command_line import TOKEN, serving
from tests.support.plain import PlainClient
from tests.support.worker import eventually

URL = "/v2/project/mqs/instances/default/messages/action?action_id=resend"
PARTITIONS = 4
OUTAGES = ("stop", "kill", "pause")
ROUNDS = 100 if "TEST_LONG_FAULTS" in os.environ else len(OUTAGES)
LIMITS = {"RESEND_KAFKA__LIMITS__DEADLINE_SECONDS": "8", "RESEND_KAFKA__LIMITS__DELIVERY_TIMEOUT_SECONDS": "4"}


class Lane:
    """Sends one request after the other; with keys, each until it is answered with 200."""

    def __init__(self, http: httpx.AsyncClient, name: str, *, keyed: bool) -> None:
        self._http = http
        self._name = name
        self.keyed = keyed
        self.resent: list[str] = []
        self.refused = 0
        self.unknown: set[str] = set()
        self.stopping = False

    async def run(self) -> None:
        for number in itertools.count():
            if self.stopping:
                return
            send = partial(self._sent, number, f"{self._name}.{number}")
            if self.keyed:
                await eventually(send, seconds=120)
            elif not await send():
                # A moment for the others: all is refused at once while the cluster is away.
                await asyncio.sleep(0.02)

    async def _sent(self, number: int, marker: str) -> bool:
        body = {
            "topic": "topic",
            "partition": number % PARTITIONS,
            "message_offset": number % 50,
            "consumer_key": marker,
        }
        headers = {"Idempotency-Key": marker} if self.keyed else {}
        answer = await self._http.post(URL, json=body, headers=headers)
        if answer.status_code == 200:
            self.resent.append(marker)
            return True
        assert answer.status_code in {503, 504}, answer.text
        self.refused += 1
        if answer.status_code == 504 and not self.keyed:
            self.unknown.add(marker)
        return False


@pytest.mark.timeout(120 + 60 * ROUNDS)
async def test_outages_with_keys_in_use_end_no_process_and_refuse_nothing_for_good(
    controlled_broker: Callable[[], ControlledBroker], tmp_path: Path
) -> None:
    """After each outage both kinds of requests are answered again, and each key has made exactly one copy."""
    broker = controlled_broker()
    plain = PlainClient(broker.bootstrap)
    plain.create_internal_topics()
    plain.create_topic("topic", PARTITIONS)
    for partition in range(PARTITIONS):
        plain.produce_many("topic", [b"x"] * 50, partition=partition)
    address = f"http://127.0.0.1:{free_port()}"
    log = tmp_path / "serve.log"
    with serving(broker.bootstrap, address, log, LIMITS):
        async with httpx.AsyncClient(base_url=address, headers={"X-Auth-Token": TOKEN}, timeout=60) as http:
            lanes = [Lane(http, f"{number}", keyed=number % 2 == 1) for number in range(4)]
            running = [asyncio.create_task(lane.run()) for lane in lanes]

            def answered(lane: Lane) -> int:
                return len(lane.resent)

            def refused(lane: Lane) -> int:
                return lane.refused

            async def more(of: Callable[[Lane], int], count: int, seconds: float) -> None:
                """Wait until each lane has that many more."""
                goals = [of(lane) + count for lane in lanes]

                async def reached() -> bool:
                    for task in running:
                        assert not task.done(), task.exception()
                    return all(of(lane) >= goal for lane, goal in zip(lanes, goals, strict=True))

                await eventually(reached, seconds)

            await more(answered, 5, seconds=60)
            for outage in itertools.islice(itertools.cycle(OUTAGES), ROUNDS):
                await asyncio.to_thread(getattr(broker, outage))
                await more(refused, 1, seconds=60)
                await asyncio.to_thread(broker.resume if outage == "pause" else broker.start)
                await more(answered, 5, seconds=60)
            for lane in lanes:
                lane.stopping = True
            await asyncio.gather(*running)
    assert "starting it again" not in log.read_text()
    for partition in range(PARTITIONS):
        plain.wait_for_last_stable_offset("topic", partition)
    written = Counter(
        (dict(copy.headers)["consumer_key"] or b"").decode()
        for partition in range(PARTITIONS)
        for copy in plain.log("topic", partition=partition, isolation="read_committed")[50:]
    )
    assert {marker for marker, count in written.items() if count > 1} == set()
    told = {marker for lane in lanes for marker in lane.resent}
    unknown = {marker for lane in lanes for marker in lane.unknown}
    assert told - written.keys() == set()
    assert written.keys() - told - unknown == set()
