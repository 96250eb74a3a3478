"""`kafka-resend serve` as its operators run it: a process of its own, configured by variables, ended by SIGTERM."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.brokers import Broker, ControlledBroker, free_port
from tests.support.command_line import log_lines
from tests.support.plain import PlainClient
from tests.support.topics import MakeTopic
from tests.support.worker import eventually

REPOSITORY = Path(__file__).parents[2]
TOKEN = "e2e-token"
URL = "/v2/project/mqs/instances/default/messages/action?action_id=resend"

Serve = Callable[..., tuple[subprocess.Popen[bytes], str]]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the service's output goes: nobody reads it while it runs, so a pipe would fill and hold it up."""
    return tmp_path / "serve.log"


@pytest.fixture
def serve(log: Path) -> Iterator[Serve]:
    """A function that starts `kafka-resend serve` on a broker and returns the process and its address."""
    started: list[subprocess.Popen[bytes]] = []

    def start(bootstrap: str, *options: str, log_level: str = "info") -> tuple[subprocess.Popen[bytes], str]:
        port = free_port()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RESEND_")} | {
            "RESEND_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
            "RESEND_AUTH__TOKEN_DIGEST": hashlib.sha256(TOKEN.encode()).hexdigest(),
            "RESEND_LOG__LEVEL": log_level,
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "service", "serve", "--port", str(port), *options],
                cwd=REPOSITORY,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        started.append(process)
        return process, f"http://127.0.0.1:{port}"

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=60)


def client(address: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=address, headers={"X-Auth-Token": TOKEN}, timeout=60)


async def ready(http: httpx.AsyncClient, state: str = "ready") -> None:
    """Wait until the service tells that its instance is in this state."""

    async def reached() -> bool:
        try:
            answer = await http.get("/readyz")
        except httpx.TransportError:
            return False
        found: str = answer.json()["instances"]["default"]["state"]
        return answer.status_code == 200 and found == state

    await eventually(reached, seconds=30)


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one process", "two workers"])
async def test_serve_stopped_in_the_middle_of_a_load_loses_no_accepted_request(
    broker: Broker, make_topic: MakeTopic, plain: PlainClient, serve: Serve, log: Path, options: tuple[str, ...]
) -> None:
    """After SIGTERM what was written is answered, what has no answer is not written, and the exit code is 0."""
    topic = make_topic(partitions=4)
    for partition in range(4):
        plain.produce_many(topic, [b"x"] * 500, partition=partition)
    process, address = serve(broker.bootstrap, *options)
    answered: Counter[str] = Counter()

    async def load(http: httpx.AsyncClient, lane: int) -> None:
        number = 0
        while True:
            marker = f"{lane}.{number}"
            body = {
                "topic": topic,
                "partition": lane % 4,
                "message_offset": 37 * number % 500,
                "consumer_key": marker,
            }
            try:
                answer = await http.post(URL, json=body)
            except httpx.TransportError:
                return
            if answer.status_code == 503:
                return
            assert (answer.status_code, answer.text) == (200, answer.text)
            answered[marker] += 1
            number += 1

    async with client(address) as http:
        await ready(http)
        lanes = [asyncio.create_task(load(http, lane)) for lane in range(32)]

        async def under_way() -> bool:
            return len(answered) > 300

        await eventually(under_way, seconds=30)
        process.send_signal(signal.SIGTERM)
        await asyncio.gather(*lanes)
    code = await asyncio.to_thread(process.wait, 60)
    said = await asyncio.to_thread(log.read_text)
    assert (code, "Traceback" in said) == (0, False), said[-3000:]
    written: Counter[str] = Counter()
    for partition in range(4):
        for copy in plain.log(topic, partition=partition)[500:]:
            marker = dict(copy.headers)["consumer_key"]
            assert marker is not None
            written[marker.decode()] += 1
    assert written == answered


async def test_serve_started_before_its_broker_answers_503_and_recovers(
    controlled_broker: Callable[[], ControlledBroker], serve: Serve
) -> None:
    """The service starts while its broker is away, says so in words, and serves once the broker is there."""
    own = controlled_broker()
    plain = PlainClient(own.bootstrap)
    plain.create_topic("topic-test", 1)
    plain.produce_many("topic-test", [b"x"] * 5)
    own.stop()
    process, address = serve(own.bootstrap)
    body = {"topic": "topic-test", "partition": 0, "message_offset": 4, "consumer_key": "keyA"}
    async with client(address) as http:
        await ready(http, "away")
        begun = time.monotonic()
        refused = await http.post(URL, json=body)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert time.monotonic() - begun < 2
        own.start()
        await ready(http)
        resent = await http.post(URL, json=body)
        assert (resent.status_code, resent.json()) == (200, body)
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 30) == 0
    assert dict(plain.read("topic-test", 0, int(resent.headers["X-Resend-Offset"])).headers) == {
        "consumer_key": b"keyA"
    }


async def test_serve_without_jobs_does_not_complain_of_jobs(serve: Serve, log: Path) -> None:
    """With --no-jobs and the cluster away, that the jobs cannot be read is a line for the level debug."""
    serve("127.0.0.1:1", "--no-jobs", log_level="debug")

    def lines() -> list[dict[str, object]]:
        return [line for line in log_lines(log) if "jobs view" in str(line["event"])]

    async def told() -> bool:
        return bool(lines())

    await eventually(told, seconds=60)
    assert {"debug"} == {line["level"] for line in lines()}
