"""What hooks tell their listeners, each heard on the way of a real record."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import httpx
import pytest

from kafka.client.clients import callbacks
from kafka.client.config import ClusterConfig
from kafka.demo.embedded import EmbeddedBroker
from kafka.hooks import (
    Hook,
    RecordsRead,
    client_statistics,
    copy_written,
    records_read,
    transaction_committed,
)
from kafka.jobs.plan import partition_of
from kafka.model.records import Position
from service.app import create_app
from service.http.request_context import request_finished
from service.settings.model import demo_settings
from tests.support.jobs import JobsStage
from tests.support.topics import MakeTopic
from tests.support.worker import OpenCluster, eventually

Event = TypeVar("Event")

INSTANCE = "/v2/demo-project/mqs/instances/demo"
RESEND = f"{INSTANCE}/messages/action?action_id=resend"
BODY = {"topic": "topic-test", "partition": 0, "message_offset": 4, "consumer_key": "keyA"}


@contextmanager
def heard(hook: Hook[Event]) -> Iterator[list[Event]]:
    """Yield a list of what the hook tells from now on."""
    events: list[Event] = []
    listener = events.append
    hook.add(listener)
    try:
        yield events
    finally:
        hook.remove(listener)


@pytest.fixture(scope="module")
def embedded() -> Iterator[str]:
    """Address of an embedded broker with the sample records."""
    with EmbeddedBroker() as broker:
        yield broker.start()


@pytest.fixture
async def client(embedded: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application on the embedded broker."""
    app = create_app(demo_settings(embedded, "demo", 0))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost", headers={"X-Auth-Token": "any"}) as client,
    ):
        yield client


async def test_single_resend_is_told_as_read_as_written_and_as_a_finished_request(client: httpx.AsyncClient) -> None:
    """Each event has the facts of the answer, and nothing of the record."""
    with heard(records_read) as read, heard(copy_written) as written, heard(request_finished) as finished:
        answer = await client.post(RESEND, json=BODY, headers={"X-Request-Id": "heard"})

    assert 200 == answer.status_code, answer.text
    assert [("demo", "topic-test", 1, "position")] == [
        (event.cluster, event.topic, event.records, event.way) for event in read
    ]
    assert [("demo", Position("topic-test", 0, 4), 0, int(answer.headers["X-Resend-Offset"]))] == [
        (event.cluster, event.original, event.partition, event.offset) for event in written
    ]
    assert 0 < written[0].seconds <= finished[0].milliseconds / 1000
    assert 0 < read[0].seconds <= finished[0].milliseconds / 1000
    assert [("heard", "resent", "POST", RESEND.partition("?")[0], 200)] == [
        (event.request_log.request_id, event.request_log.outcome, event.method, event.path, event.status)
        for event in finished
    ]


async def test_search_is_told_with_how_many_records_it_read(client: httpx.AsyncClient) -> None:
    """The answer says the same."""
    with heard(records_read) as read:
        answer = await client.get(f"{INSTANCE}/messages", params={"topic": "topic-test"})

    assert 200 == answer.status_code, answer.text
    assert [("demo", "topic-test", "search")] == [(event.cluster, event.topic, event.way) for event in read]
    assert answer.json()["scan"]["records"] == read[0].records


async def test_refused_resend_is_a_finished_request_alone(client: httpx.AsyncClient) -> None:
    """Nothing was read and nothing written."""
    with heard(records_read) as read, heard(copy_written) as written, heard(request_finished) as finished:
        answer = await client.post(RESEND, json=BODY | {"message_offset": 1000})

    assert ([], []) == (read, written)
    assert [answer.status_code] == [event.status for event in finished]
    assert answer.json()["error_code"] == finished[0].request_log.outcome


async def test_listener_that_fails_fails_no_resend(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """The log has why."""

    def fail(event: object) -> NoReturn:
        raise ZeroDivisionError(type(event).__name__)

    copy_written.add(fail)
    try:
        with caplog.at_level(logging.ERROR, "kafka"):
            answer = await client.post(RESEND, json=BODY)
    finally:
        copy_written.remove(fail)

    assert 200 == answer.status_code, answer.text
    assert "a listener of CopyWritten failed" in caplog.text


async def test_clients_tell_their_figures_only_to_who_listens(embedded: str, open_cluster: OpenCluster) -> None:
    """Without a listener librdkafka does not even gather them."""
    with heard(client_statistics) as figures:
        await open_cluster(bootstrap=embedded, properties={"statistics.interval.ms": "100"})

        async def all_told() -> bool:
            return {"test reader 0", "test writer", "test admin"} <= {event.client for event in figures}

        await eventually(all_told, seconds=20)

    assert {"test"} == {event.cluster for event in figures}
    kinds = {event.client: event.statistics["type"] for event in figures}
    assert ("consumer", "producer") == (kinds["test reader 0"], kinds["test writer"])
    assert all("brokers" in event.statistics for event in figures)
    reports: dict[str, Any] = callbacks(ClusterConfig("test", (embedded,)), "client", lambda _: None)
    assert ["error_cb"] == list(reports)


async def test_job_is_told_by_what_it_read_and_by_its_transactions(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """Every copy is in one of the transactions of the owner of the job's store partition."""
    topic = make_topic()
    jobs_stage.plain.produce_many(topic, [b"x"] * 500)
    with heard(records_read) as read, heard(transaction_committed) as committed:
        jobs_stage.worker(batch_records=200)
        job = await jobs_stage.run(topic)

    assert "succeeded" == job.state
    told = [event for event in read if event.way == "job"]
    assert {("test", topic)} == {(event.cluster, event.topic) for event in told}
    assert 500 == sum(event.records for event in told)
    with_copies = [event for event in committed if event.copies]
    assert {("test", partition_of(job.job_id))} == {(event.cluster, event.store_partition) for event in with_copies}
    assert 500 == sum(event.copies for event in with_copies)
    assert len(with_copies) >= 3
    # Heartbeats, and the takeover of the other partitions.
    assert len(committed) > len(with_copies)


def test_hook_without_listeners_costs_a_look_at_an_empty_tuple() -> None:
    """Where something happens only its listeners are looked at."""
    hook: Hook[RecordsRead] = Hook()
    with heard(hook) as events:
        hook(RecordsRead("test", "orders", 1, 0.1, "job"))

    assert 1 == len(events)
    assert () == hook.listeners
