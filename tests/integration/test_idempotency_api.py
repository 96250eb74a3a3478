"""Idempotency-Key over HTTP, on a real broker, with a worker in the test's process."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio
import structlog

from kafka.client.config import ClusterConfig
from tests.integration.test_jobs_api import JOBS, applied, ended, jobs_of
from tests.support.brokers import Broker
from tests.support.jobs import RunningWorker
from tests.support.plain import PlainClient
from tests.support.topics import MakeTopic

pytestmark = pytest.mark.asyncio(loop_scope="session")

RESEND = "/v2/project/mqs/instances/prod/messages/action?action_id=resend"


@pytest.fixture(scope="session")
def idempotency_store(broker: Broker) -> Iterator[str]:
    """Name of a store of these tests' own, with a worker for it."""
    name = f"keys-{uuid.uuid4().hex[:8]}"
    worker = RunningWorker(ClusterConfig("prod", (broker.bootstrap,), jobs=jobs_of(name)))
    yield name
    assert worker.stop()
    PlainClient(broker.bootstrap).delete_topic(name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def clients(
    tmp_path_factory: pytest.TempPathFactory, broker: Broker, idempotency_store: str
) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """Clients of two applications on the session's broker, which know nothing of each other."""
    folder = tmp_path_factory.mktemp("keys")
    async with (
        applied(folder / "one", broker, idempotency_store) as one,
        applied(folder / "two", broker, idempotency_store) as two,
    ):
        yield one, two


def code(answer: httpx.Response) -> int:
    """Return status and number of an error as one."""
    return int(answer.json()["error_code"].removeprefix("RESEND.00"))


async def test_resend_is_answered_again_in_the_same_words(
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient], make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Body and headers are the first one's, and one more says so; another body is refused, another caller's is not."""
    topic = make_topic()
    plain.produce_many(topic, [b"a", b"b"])
    body = {"topic": topic, "partition": 0, "message_offset": 0, "consumer_key": "keyA"}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    with structlog.testing.capture_logs() as lines:
        first = await clients[0].post(RESEND, json=body, headers=key)
        again = [await client.post(RESEND, json=dict(reversed(body.items())), headers=key) for client in clients]
    assert first.status_code == 200, first.text
    assert "Idempotency-Replayed" not in first.headers
    assert first.headers["X-Resend-Offset"] == "2"
    for answer in again:
        assert (answer.json(), answer.headers["Idempotency-Replayed"]) == (first.json(), "true")
        for name in ("X-Resend-Partition", "X-Resend-Offset", "X-Resend-Timestamp"):
            assert answer.headers[name] == first.headers[name]
    told = [(line["outcome"], line["idempotency_key"], line["replayed"]) for line in lines if "outcome" in line]
    assert told == [("resent", True, False), ("resent", True, True), ("resent", True, True)]
    assert code(await clients[1].post(RESEND, json=body | {"message_offset": 1}, headers=key)) == 400702
    other = await clients[0].post(RESEND, json=body | {"message_offset": 1}, headers=key | {"X-Auth-Token": "n"})
    assert (other.status_code, other.headers["X-Resend-Offset"] != "2") == (200, True)
    assert [seen.value for seen in plain.log(topic, 0, "read_committed", 2)] == [b"a", b"b"]


async def test_refusal_is_answered_again_in_the_same_words(
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient], make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Also when the topic has changed meanwhile."""
    topic = make_topic()
    plain.produce(topic, b"a")
    body = {"topic": topic, "partition": 0, "message_offset": 5}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = await clients[0].post(RESEND, json=body, headers=key)
    plain.produce(topic, b"b")
    again = await clients[1].post(RESEND, json=body, headers=key)
    assert code(first) == 400105
    assert (again.status_code, again.json()) == (first.status_code, first.json())


async def test_job_is_made_once_by_requests_at_once(
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient], make_topic: MakeTopic, plain: PlainClient
) -> None:
    """All have the same Location; later ones are told how the job is by then; another body is refused."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 10)
    key = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"topic": topic, "consumer_key": "keyA"}
    asked = [client.post(JOBS, json=body, headers=key) for client in clients * 3]
    answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    done = await ended(clients[0], answers[0].headers["Location"])
    again = await clients[1].post(JOBS, json=body, headers=key)
    assert (again.headers["Idempotency-Replayed"], again.json()["job_id"]) == ("true", done["job_id"])
    assert code(await clients[1].post(JOBS, json=body | {"dry_run": True}, headers=key)) == 400702
    assert len(plain.log(topic, 0, "read_committed", 10)) == 10


async def test_what_failed_is_resent_once(
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient], make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The new job of a job's failures is made once, too; for another job the key is refused."""
    topic = make_topic(config={"max.message.bytes": "400000"})
    plain.produce(topic, os.urandom(300_000))
    plain.set_config(topic, {"max.message.bytes": "200000"})
    jobs = []
    for _ in range(2):
        made = await clients[0].post(JOBS, json={"topic": topic, "messages": [{"partition": 0, "message_offset": 0}]})
        jobs.append(made.headers["Location"])
        assert (await ended(clients[0], jobs[-1]))["counts"]["failed"] == 1
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first, again = [await client.post(f"{jobs[0]}/resend-failed", headers=key) for client in clients]
    assert (first.status_code, again.headers["Location"]) == (202, first.headers["Location"])
    assert code(await clients[0].post(f"{jobs[1]}/resend-failed", headers=key)) == 400702
