"""Grouping dead letters over HTTP: what is told, to which caller, and what is refused."""

from __future__ import annotations

import struct
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from kafka.model.records import Header
from service.api.schema.dead_letters import DeadLettersResponse
from tests.contract.conftest import callers, serving
from tests.support.brokers import Broker
from tests.support.plain import PlainClient
from tests.support.topics import MakeTopic

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVERYTHING: dict[str, object] = {"projects": ["*"], "instances": ["*"], "topics": ["*"], "actions": ["*"]}
BASE = "/v2/project/mqs/instances/prod"
NOW_MS = time.time_ns() // 1_000_000


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(tmp_path_factory: pytest.TempPathFactory, broker: Broker) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application on the session's broker, with callers of everything, of dead.* alone, and of jobs."""
    folder = tmp_path_factory.mktemp("grouping")
    file = folder / "callers.toml"
    dead = EVERYTHING | {"topics": ["dead.*"], "actions": ["read"]}
    granted = ({"name": "all", "token": "t", **EVERYTHING}, {"name": "dead", "token": "d", **dead})
    file.write_text(callers(*granted, {"name": "jobs", "token": "j", **EVERYTHING, "actions": ["jobs"]}), "utf-8")
    tables: dict[str, dict[str, object]] = {
        "auth": {"callers_file": str(file)},
        "query": {"max_scan_records": 1000},
        "instances.prod": {"bootstrap_servers": [broker.bootstrap]},
        "redrive.dialects.ours": {"topic": "dead-topic", "partition": "dead-partition", "group": "dead-group"},
    }
    async with serving(folder, tables) as client:
        client.headers["X-Auth-Token"] = "t"
        yield client


async def groups(client: httpx.AsyncClient, **asked: str) -> dict[str, Any]:
    """Return the answer to a request for groups."""
    answer = await client.get(f"{BASE}/dead-letters", params=asked)
    assert answer.status_code == 200, answer.text
    DeadLettersResponse.model_validate(answer.json())
    body: dict[str, Any] = answer.json()
    return body


def pointer(topic: str) -> list[Header]:
    """Return the headers that a broker writes for a share group."""
    named = (("topic", topic.encode()), ("partition", b"0"), ("offset", b"5"), ("group", b"shares"))
    return [(f"__dlq.errors.{name}", value) for name, value in named]


async def test_groups_tell_what_a_job_needs(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Its filter has the same fields; the operator's own dialects are told as well."""
    topic = make_topic()
    plain.produce(topic, None, headers=pointer("orders"), timestamp_ms=NOW_MS)
    ours: list[Header] = [("dead-topic", b"orders"), ("dead-partition", b"0"), ("dead-group", "Zoë".encode())]
    for time_ms in (NOW_MS + 2, NOW_MS + 1):
        plain.produce(topic, b"x", headers=ours, timestamp_ms=time_ms)
    plain.produce(topic, b"x", headers=[("consumer_key", b"k")], timestamp_ms=NOW_MS)
    body = await groups(client, topic=topic)

    assert {
        "dialect": "ours",
        "topic": "orders",
        "group": "Zoë",
        "reason": None,
        "problem": None,
        "count": 2,
        "already_resent": 0,
        "first_time": NOW_MS + 1,
        "last_time": NOW_MS + 2,
        "example": {"partition": 0, "message_offset": 1},
    } == body["groups"][0]
    assert [
        ("share-group", "shares", None, 1, 0),
        (None, None, "its headers are of no known dialect", 1, 1),
    ] == [
        tuple(group[name] for name in ("dialect", "group", "problem", "count", "already_resent"))
        for group in body["groups"][1:]
    ]
    scan = body["scan"]
    assert (3, None, 4, True, None, 0) == (
        body["size"],
        body["cursor"],
        *(scan[name] for name in ("records", "complete", "stopped_by", "left")),
    )


async def test_cursor_leads_to_the_rest_and_to_no_other(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Changed ones, those of another topic, of other parameters or of a search are refused."""
    topic, other = make_topic(), make_topic()
    plain.produce_many(topic, [b"x"] * 2500, headers=[("x-original-topic", b"a"), ("x-original-partition", b"0")])
    found = []
    body = await groups(client, topic=topic, dialect="x-original")
    cursor = body["cursor"]
    while True:
        found.append((body["groups"][0]["count"], body["scan"]["stopped_by"], body["scan"]["left"]))
        if body["cursor"] is None:
            break
        body = await groups(client, topic=topic, dialect="x-original", cursor=body["cursor"])
    search = (await client.get(f"{BASE}/messages", params={"topic": topic, "limit": "1"})).json()["cursor"]
    refused = [
        await client.get(f"{BASE}/dead-letters", params=asked)
        for asked in (
            {"topic": topic, "cursor": cursor},
            {"topic": topic, "dialect": "x-original", "partition": "0", "cursor": cursor},
            {"topic": other, "dialect": "x-original", "cursor": cursor},
            {"topic": topic, "dialect": "x-original", "cursor": f"{cursor}x"},
            {"topic": topic, "cursor": search},
        )
    ]

    assert [(1000, "records", 1500), (1000, "records", 500), (500, None, 0)] == found
    assert ["RESEND.00400041"] * 5 == [answer.json()["error_code"] for answer in refused]


async def test_callers_read_dead_letters_as_far_as_their_grants_reach(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Of the topic that is read: what its headers name is told to those who may read these headers anyway."""
    dead, orders = make_topic(name="dead.letters"), make_topic()
    headers: list[Header] = [("kafka_dlt-original-topic", orders.encode())]
    headers.append(("kafka_dlt-original-partition", struct.pack(">i", 9)))
    plain.produce(dead, b"x", headers=headers)
    answers = [
        await client.get(f"{BASE}/dead-letters", params={"topic": topic}, headers={"X-Auth-Token": token})
        for token, topic in (("d", dead), ("d", orders), ("j", dead), ("none", dead))
    ]

    assert [orders] == [group["topic"] for group in answers[0].json()["groups"]]
    assert ["RESEND.00403001"] * 3 == [answer.json()["error_code"] for answer in answers[1:]]


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ({}, 34),
        ({"topic": "a b"}, 13),
        ({"topic": "__consumer_offsets"}, 201),
        ({"topic": "no-such-topic"}, 101),
        ({"topic": "t", "partition": "x"}, 35),
        ({"topic": "t", "dialect": "any"}, 36),
        ({"topic": "t", "dialect": "auto"}, 36),
        ({"topic": "t", "dialect": "x" * 65}, 46),
        ({"topic": "t", "cursor": "x"}, 41),
        ({"topic": "t", "limit": "5"}, 32),
    ],
)
async def test_question_that_has_no_answer_is_refused(
    client: httpx.AsyncClient, asked: dict[str, str], number: int
) -> None:
    """As a search with the same parameters is."""
    answer = await client.get(f"{BASE}/dead-letters", params=asked)

    assert f"RESEND.00400{number:03d}" == answer.json()["error_code"]


async def test_search_takes_the_filter_of_a_group(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """So its records can be looked at before they are resent; an unknown dialect is refused there, too."""
    topic = make_topic()
    for name in (b"orders", b"other"):
        plain.produce(topic, name, headers=[("dead-topic", name), ("dead-partition", b"0")])
    asked = {"topic": topic, "filter": '{"dead_letters": {"dialect": "ours", "topic": "other", "group": ""}}'}
    found = (await client.get(f"{BASE}/messages", params=asked)).json()["messages"]
    one = {**asked, "partition": "0", "message_offset": "0"}
    unknown = {"topic": topic, "filter": '{"dead_letters": {"dialect": "theirs"}}'}
    refused = (await client.get(f"{BASE}/messages", params=unknown)).json()

    assert [1] == [message["message_offset"] for message in found]
    assert [] == (await client.get(f"{BASE}/messages", params=one)).json()["messages"]
    assert 'filter.dead_letters.dialect is "theirs", not one of spring, ' in refused["error_msg"]
