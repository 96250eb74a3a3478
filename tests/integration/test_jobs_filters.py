"""Filters of jobs over HTTP: refused if they cannot work, and each record counted by what became of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from kafka.client.config import ClusterConfig
from tests.integration.test_jobs_api import JOBS, applied, ended, jobs_of, made
from tests.support.brokers import Broker
from tests.support.jobs import RunningWorker
from tests.support.plain import PlainClient
from tests.support.topics import MakeTopic

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOW_MS = time.time_ns() // 1_000_000
LEFT_OUT = ("outside_time_range", "already_resent", "not_matched", "not_json", "not_evaluated")


@pytest.fixture(scope="module")
def store(broker: Broker) -> Iterator[str]:
    """Name of a store of these tests' own, with a worker for it."""
    name = f"jobs-{uuid.uuid4().hex[:8]}"
    worker = RunningWorker(ClusterConfig("prod", (broker.bootstrap,), jobs=jobs_of(name)))
    yield name
    assert worker.stop()
    PlainClient(broker.bootstrap).delete_topic(name)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(
    tmp_path_factory: pytest.TempPathFactory, broker: Broker, store: str
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application on the session's broker."""
    async with applied(tmp_path_factory.mktemp("filters"), broker, store) as client:
        yield client


async def done(client: httpx.AsyncClient, topic: str, **body: object) -> dict[str, Any]:
    """Return a job once it has ended; its counts add up."""
    job = await ended(client, await made(client, {"topic": topic, **body}))
    counts = job["counts"]
    assert counts["scanned"] == sum(counts[name] for name in LEFT_OUT) + counts["matched"]
    if not job["dry_run"]:
        assert counts["matched"] == counts["resent"] + counts["failed"]
    return job


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("lenght(@) > `0`", "no function lenght()"),
        ("foo(value)", "no function foo()"),
        ("length(a, b)", "length() takes 1 argument, not 2"),
        ("sort_by(@, name)", "argument 2 of sort_by()"),
    ],
)
async def test_filter_that_can_never_work_is_refused(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient, expression: str, reason: str
) -> None:
    """It would match nothing, and the job would succeed: a false all-clear."""
    topic = make_topic(1)
    plain.produce(topic, b"{}")
    answer = await client.post(JOBS, json={"topic": topic, "filter": {"jmespath": expression}})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "RESEND.00400604")
    assert reason in answer.json()["error_msg"]


async def test_counts_tell_for_each_record_what_became_of_it(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Every reason has a count of its own, and with what matched they are the records that were scanned."""
    topic = make_topic(1)
    large, small = b'{"total": 50}', b'{"total": 5}'
    for value in (large, small, small, b"NaN", b'\xef\xbb\xbf{"total": 50}', None, b'{"total": "50"}'):
        plain.produce(topic, value, timestamp_ms=NOW_MS)
    plain.produce(topic, large, timestamp_ms=NOW_MS - 10_000)
    plain.produce(topic, large, headers=[("consumer_key", b"x")], timestamp_ms=NOW_MS)
    selected = {"start_time": NOW_MS - 1000, "end_time": NOW_MS + 1000, "filter": {"jmespath": "total > `10`"}}
    expected = {
        "selected": 9,
        "scanned": 9,
        "outside_time_range": 1,
        "already_resent": 1,
        "not_matched": 2,
        "not_json": 3,
        "not_evaluated": 1,
        "matched": 1,
        "resent": 0,
        "failed": 0,
        "expired": 0,
    }
    preview = await done(client, topic, dry_run=True, **selected)
    assert (preview["counts"], preview["report"]["would_resend"]) == (expected, 1)
    real = await done(client, topic, **selected)
    assert real["counts"] == {**expected, "resent": 1}
    reason = "it compares a string with a number"
    first = {"partition": 0, "message_offset": 6, "reason": reason, "error_code": None}
    assert [job["first_not_evaluated"] for job in (preview, real)] == [first, first]
    assert "hint" not in real


async def test_records_between_named_positions_are_not_counted(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """They are read, since that is faster than to leave them out, but nobody has selected them."""
    topic = make_topic(1)
    plain.produce_many(topic, [b"x"] * 30)
    job = await done(client, topic, messages=[{"partition": 0, "message_offset": offset} for offset in (3, 20)])
    assert (job["counts"]["scanned"], job["counts"]["resent"]) == (2, 2)


async def test_comparison_of_two_fields_is_pointed_out_where_nothing_matches(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Double quotes name a field in JMESPath, and who writes them most often means a text."""
    topic = make_topic(1)
    plain.produce_many(topic, [b'{"status": "FAILED"}'] * 3)
    job = await done(client, topic, dry_run=True, filter={"jmespath": 'status == "FAILED"'})
    assert job["counts"]["matched"] == 0
    assert 'compares two fields of the value, "status" and "FAILED"' in job["hint"]
    meant = await done(client, topic, dry_run=True, filter={"jmespath": "status == 'FAILED'"})
    assert (meant["counts"]["matched"], "hint" in meant) == (3, False)


async def test_rate_is_that_of_what_is_resent(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A cap of 20 a second is never told as a rate above it, however many records are scanned meanwhile."""
    topic = make_topic(1)
    plain.produce_many(topic, [b'{"n": %d}' % number for number in range(1000)])
    job = await done(client, topic, filter={"jmespath": "n < `40`"}, records_per_second=20)
    assert (job["counts"]["resent"], job["counts"]["scanned"]) == (40, 1000)
    seconds = (job["updated_at"] - job["started_at"]) / 1000
    assert job["rate"] == pytest.approx(40 / seconds, abs=0.1)
    assert job["scan_rate"] == pytest.approx(1000 / seconds, abs=0.1)
    assert 0 < job["rate"] < 35
