"""Looking over HTTP at what a client that shares no code with the service has written."""

from __future__ import annotations

import base64
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from kafka.client.config import ClusterConfig
from kafka.client.properties import reader_properties
from kafka.demo.embedded import EmbeddedBroker
from service.app import create_app
from service.settings.model import demo_settings
from tests.contract.conftest import callers, serving
from tests.support.brokers import Broker
from tests.support.plain import PlainClient
from tests.support.rawproduce import produce_raw
from tests.support.topics import MakeTopic

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVERYTHING: dict[str, object] = {"projects": ["*"], "instances": ["*"], "topics": ["*"], "actions": ["*"]}
BASE = "/v2/project/mqs/instances/prod"
NOW_MS = time.time_ns() // 1_000_000


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(tmp_path_factory: pytest.TempPathFactory, broker: Broker) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application on the session's broker, with a caller of everything and one of orders alone."""
    folder = tmp_path_factory.mktemp("looking")
    file = folder / "callers.toml"
    orders = EVERYTHING | {"topics": ["orders.*"], "actions": ["read"]}
    file.write_text(
        callers({"name": "all", "token": "t", **EVERYTHING}, {"name": "orders", "token": "o", **orders}), "utf-8"
    )
    tables: dict[str, dict[str, object]] = {
        "auth": {"callers_file": str(file)},
        "query": {"max_value_bytes": 1000},
        "instances.prod": {"bootstrap_servers": [broker.bootstrap]},
        "instances.read-only": {"bootstrap_servers": [broker.bootstrap]},
        "instances.read-only.policy": {"read_only": True},
    }
    async with serving(folder, tables) as client:
        client.headers["X-Auth-Token"] = "t"
        yield client


async def test_message_by_position_has_its_content_with_nulls_and_repeated_headers(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Text is text, other bytes are base64 and said to be, null is null, empty is empty, headers keep their order."""
    topic = make_topic()
    headers = [("h", b"1"), ("consumer_key", b"billing"), ("h", b"\xff"), ("none", None), ("empty", b"")]
    plain.produce(topic, "Zoë".encode(), b"\xfe", headers, timestamp_ms=NOW_MS)
    plain.produce(topic, None, None)
    plain.produce(topic, b"", b"")
    ask = f"{BASE}/messages?topic={topic}&partition=0&message_offset="
    bodies = [(await client.get(f"{ask}{offset}")).json() for offset in range(3)]
    first, null, empty = (body["messages"][0] for body in bodies)

    assert {
        "topic": topic,
        "partition": 0,
        "message_offset": 0,
        "timestamp": NOW_MS,
        "timestamp_type": "CreateTime",
        "key": base64.b64encode(b"\xfe").decode(),
        "key_encoding": "base64",
        "size": 1 + 4 + (1 + 1) + (12 + 7) + (1 + 1) + 4 + 5,
        "value_size": 4,
        "message_id": "0-0",
        "app_id": "",
        "tag": "",
        "huge_message": False,
        "consumer_key": "billing",
        "consumer_key_encoding": "utf-8",
        "has_consumer_key": True,
        "value": "Zoë",
        "value_encoding": "utf-8",
        "headers": [
            {"name": "h", "value": "1", "encoding": "utf-8"},
            {"name": "consumer_key", "value": "billing", "encoding": "utf-8"},
            {"name": "h", "value": "/w==", "encoding": "base64"},
            {"name": "none", "value": None, "encoding": "utf-8"},
            {"name": "empty", "value": "", "encoding": "utf-8"},
        ],
    } == first
    assert (None, None, None, []) == (null["key"], null["value"], null["value_size"], null["headers"])
    assert ("", "", 0) == (empty["key"], empty["value"], empty["value_size"])
    assert all((1, "exact", 1, None) == (b["total"], b["total_relation"], b["size"], b["cursor"]) for b in bodies)


async def test_huge_message_is_shown_without_its_value_and_downloaded_as_it_is(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The bytes come as an attachment that no browser shows; a null value is told apart from an empty one."""
    topic = make_topic()
    for value in (b"<script>\xff" * 200, None, b""):
        plain.produce(topic, value)
    ask = f"{BASE}/messages?topic={topic}&partition=0&message_offset="
    shown = (await client.get(f"{ask}0")).json()["messages"][0]
    huge, null, empty = [await client.get(f"{ask}{offset}&download=true") for offset in range(3)]

    assert shown["huge_message"]
    assert 1800 == shown["value_size"]
    assert not {"value", "value_encoding"} & set(shown)
    assert (200, b"<script>\xff" * 200, "application/octet-stream", "nosniff") == (
        huge.status_code,
        huge.content,
        huge.headers["Content-Type"],
        huge.headers["X-Content-Type-Options"],
    )
    assert f'attachment; filename="{topic}-0-0.bin"' == huge.headers["Content-Disposition"]
    assert (204, b"", "true") == (null.status_code, null.content, null.headers["X-Resend-Null"])
    assert (200, b"", None) == (empty.status_code, empty.content, empty.headers.get("X-Resend-Null"))


async def test_message_that_is_not_there_is_refused_as_a_resend_of_it_is(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The same errors for the same reasons: topic, partition, expired, at the end, beyond, a hole."""
    topic = make_topic()
    for number in range(3):
        plain.produce(topic, b"%d" % number)
    plain.transaction(topic, 0, [b"x"], "abort")
    plain.delete_records(topic, 0, 1)
    asked = [
        (make_topic.unused_name(), 0, 0),
        (topic, 1, 0),
        (topic, 0, 0),
        (topic, 0, 5),
        (topic, 0, 9),
        (topic, 0, 3),
    ]
    answers = [
        await client.get(f"{BASE}/messages?topic={name}&partition={partition}&message_offset={offset}")
        for name, partition, offset in asked
    ]
    listed = await client.get(f"{BASE}/messages?topic={asked[0][0]}")

    assert [101, 102, 103, 104, 105, 106] == [int(answer.json()["error_code"][-3:]) for answer in answers]
    assert 400 == listed.status_code


async def test_list_has_no_content_and_a_preview_only_when_asked_for(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A preview is cut by characters, says where bytes are not UTF-8, and is null for a null."""
    topic = make_topic()
    for value in ("日本語".encode(), b"a\xffb", None, b"", "\ufffd".encode()):
        plain.produce(topic, value)
    without = (await client.get(f"{BASE}/messages?topic={topic}")).json()
    previews = (await client.get(f"{BASE}/messages?topic={topic}&asc=true&preview=2")).json()

    assert not any({"value", "headers", "preview"} & set(message) for message in without["messages"])
    assert [("日本", False), ("a\ufffd", True), (None, False), ("", False), ("\ufffd", False)] == [
        (message["preview"], message["preview_lossy"]) for message in previews["messages"]
    ]
    assert [4, 3, 2, 1, 0] == [message["message_offset"] for message in without["messages"]]


async def test_list_tells_apart_what_consumer_key_a_record_has(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient, broker: Broker
) -> None:
    """No such header, a null one, an empty one, one that is not UTF-8 and one that nobody knows are five things."""
    topic = make_topic()
    billing = ("consumer_key", b"billing")
    for last in (
        [],
        [billing],
        [billing, ("consumer_key", None)],
        [("consumer_key", b"")],
        [("consumer_key", b"\xff\xfe")],
    ):
        plain.produce(topic, b"v", headers=list(last))
    produce_raw(broker.bootstrap, topic, 0, b"v", headers=[(b"consumer_key", b"billing"), (b"\xff", b"1")])
    listed = (await client.get(f"{BASE}/messages?topic={topic}&asc=true")).json()["messages"]
    single = [
        (await client.get(f"{BASE}/messages?topic={topic}&partition=0&message_offset={offset}")).json()["messages"][0]
        for offset in range(5)
    ]

    fields = ("has_consumer_key", "consumer_key", "consumer_key_encoding")
    told = [tuple(message[field] for field in fields) for message in listed]
    assert [
        (False, None, "utf-8"),
        (True, "billing", "utf-8"),
        (True, None, "utf-8"),
        (True, "", "utf-8"),
        (True, "//4=", "base64"),
        (None, None, "utf-8"),
    ] == told
    assert told[:5] == [tuple(message[field] for field in fields) for message in single]


async def test_record_with_no_timestamp_or_a_broken_header_is_listed(
    client: httpx.AsyncClient, make_topic: MakeTopic, broker: Broker
) -> None:
    """What cannot be resent is seen all the same, as far as it can be read."""
    topic = make_topic()
    produce_raw(broker.bootstrap, topic, 0, b"v", timestamp_ms=-1)
    produce_raw(broker.bootstrap, topic, 0, b"v", headers=[(b"\xff", b"1")])
    listed = (await client.get(f"{BASE}/messages?topic={topic}&asc=true")).json()["messages"]

    assert (None, "CreateTime") == (listed[0]["timestamp"], listed[0]["timestamp_type"])
    assert [1, 1] == [message["value_size"] for message in listed]


async def test_message_id_and_key_filter_lists_and_positions(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Only what matches is there, and counted exactly once all was read."""
    topic = make_topic(partitions=2)
    for number in range(6):
        plain.produce(topic, b"v", b"k%d" % (number % 2), partition=number % 2)
    asked = {
        "key=k1": 3,
        "key=k": 0,
        "message_id=1-2": 1,
        "message_id=1-9": 0,
        "message_id=7-0": 0,
        "message_id=1-2&key=k0": 0,
        "partition=0&message_id=1-2": 0,
        "partition=0&message_offset=1&key=k0": 1,
        "partition=0&message_offset=1&key=k1": 0,
        "partition=0&message_offset=1&message_id=0-2": 0,
        f"start_time=0&end_time={2**42}&message_id=0-1": 1,
    }
    bodies = {query: (await client.get(f"{BASE}/messages?topic={topic}&{query}")).json() for query in asked}

    assert asked == {query: body["total"] for query, body in bodies.items()}
    assert all(body["total_relation"] == "exact" and body["size"] == body["total"] for body in bodies.values())


async def test_cursor_goes_on_with_another_limit_but_not_with_another_search(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """What is written meanwhile is not part of the search; a topic made again is another topic."""
    topic = make_topic()
    plain.produce_many(topic, [b"v"] * 10)
    ask = f"{BASE}/messages?topic={topic}&partition=0&start_offset=2"
    first = (await client.get(f"{ask}&limit=3&offset=1")).json()
    plain.produce(topic, b"later")
    rest = (await client.get(f"{ask}&limit=1000&cursor={first['cursor']}")).json()
    other = await client.get(f"{ask}&asc=false&cursor={first['cursor']}")
    plain.delete_topic(topic)
    plain.create_topic(topic, 1)
    plain.produce_many(topic, [b"other"] * 10)
    cursor = first["cursor"]

    async def told() -> str:
        code: str = (await client.get(f"{ask}&cursor={cursor}")).json().get("error_code", "")
        return code

    deadline = time.monotonic() + 15
    while (code := await told()) != "RESEND.00400109":
        assert time.monotonic() < deadline, code

    assert [3, 4, 5] == [message["message_offset"] for message in first["messages"]]
    assert (8, "upper_bound", "limit") == (first["total"], first["total_relation"], first["scan"]["stopped_by"])
    assert [6, 7, 8, 9] == [message["message_offset"] for message in rest["messages"]]
    assert (8, "exact", None, True) == (
        rest["total"],
        rest["total_relation"],
        rest["cursor"],
        rest["scan"]["complete"],
    )
    assert "RESEND.00400041" == other.json()["error_code"]


async def test_topics_tell_bounds_facts_and_why_a_resend_would_be_refused(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Sorted, counted, with retention in hours rounded up; the refusal is the one that a resend gets."""
    prefix = make_topic.unused_name()
    make_topic(2, {"retention.ms": "3600001", "message.timestamp.type": "LogAppendTime"}, f"{prefix}.a")
    make_topic(1, {"cleanup.policy": "compact"}, f"{prefix}.b")
    plain.produce_many(f"{prefix}.a", [b"v"] * 5, partition=1)
    plain.delete_records(f"{prefix}.a", 1, 2)
    body = (await client.get(f"{BASE}/topics?name={prefix.upper()}.*")).json()
    second = (await client.get(f"{BASE}/topics?name={prefix}&limit=1&offset=1")).json()
    read_only = (await client.get(f"{BASE}/topics?name={prefix}".replace("/prod/", "/read-only/"))).json()
    a, b = body["topics"]

    assert (2, 2, ["resend", "read", "jobs"], 0, 0) == (
        body["total"],
        body["size"],
        body["permissions"],
        body["remain_partitions"],
        body["max_partitions"],
    )
    assert [f"{prefix}.a", f"{prefix}.b"] == [a["name"], b["name"]]
    assert (2, 1, 2, "LogAppendTime", False, 3, True, None) == tuple(
        a[name]
        for name in (
            "partition",
            "replication",
            "retention_time",
            "timestamp_type",
            "compacted",
            "record_count",
            "resend_allowed",
            "resend_refusal",
        )
    )
    assert [
        {"partition": 0, "log_start_offset": 0, "high_watermark": 0},
        {"partition": 1, "log_start_offset": 2, "high_watermark": 5},
    ] == a["partitions"]
    assert (True, False, "RESEND.00400202") == (
        b["compacted"],
        b["resend_allowed"],
        b["resend_refusal"]["error_code"],
    )
    assert (2, 1, [f"{prefix}.b"]) == (second["total"], second["size"], [item["name"] for item in second["topics"]])
    assert {"RESEND.00400204"} == {item["resend_refusal"]["error_code"] for item in read_only["topics"]}


async def test_internal_topics_and_the_job_store_are_read_for_nobody(
    tmp_path: Path, broker: Broker, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Other callers' jobs and Kafka's own state are refused as for a resend, whatever the store is called."""
    store = make_topic()
    plain.produce(store, b"the job of another tenant")
    file = tmp_path / "callers.toml"
    file.write_text(callers({"name": "all", "token": "t", **EVERYTHING}), "utf-8")
    tables: dict[str, dict[str, object]] = {
        "auth": {"callers_file": str(file)},
        "jobs": {"topic": store},
        "instances.prod": {"bootstrap_servers": [broker.bootstrap]},
    }
    codes, listed = {}, {}
    async with serving(tmp_path, tables) as client:
        client.headers["X-Auth-Token"] = "t"
        for name in (store, "_resend_jobs", "__consumer_offsets", "__transaction_state"):
            for call in (
                "messages?",
                "messages?partition=0&message_offset=0&",
                "messages?partition=0&message_offset=0&download=true&",
                "messages?start_time=0&end_time=9&",
                "messages/histogram?start_time=0&end_time=9&",
            ):
                codes[name, call] = (await client.get(f"{BASE}/{call}topic={name}")).json().get("error_code")
        for internal in ("false", "true"):
            answer = (await client.get(f"{BASE}/topics?name={store}&internal={internal}")).json()
            listed[internal] = [(topic["name"], topic["internal"]) for topic in answer["topics"]]

    assert {"RESEND.00400201"} == set(codes.values()), codes
    assert {"false": [], "true": [(store, True)]} == listed


async def test_internal_topics_are_listed_only_when_asked_for(client: httpx.AsyncClient) -> None:
    """Kafka's own topics are in the way of who looks for theirs."""
    without = (await client.get(f"{BASE}/topics?name=__consumer_offsets")).json()
    asked = (await client.get(f"{BASE}/topics?name=__consumer_offsets&internal=true")).json()

    assert 0 == without["total"]
    assert [True] == [topic["internal"] for topic in asked["topics"]]
    assert ["RESEND.00400201"] == [topic["resend_refusal"]["error_code"] for topic in asked["topics"]]


async def test_caller_of_some_topics_sees_and_counts_only_these(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Whatever is beyond the grants does not exist: not in lists, not in counts, and named it is a 403."""
    granted = make_topic(name=f"orders.{make_topic.unused_name()}")
    hidden = make_topic()
    for topic in (granted, hidden):
        plain.produce(topic, b"v")
    listed = (await client.get(f"{BASE}/topics?internal=true", headers={"X-Auth-Token": "o"})).json()
    answers = [
        await client.get(f"{BASE}/messages{ask}", headers={"X-Auth-Token": "o"})
        for topic in (granted, hidden, make_topic.unused_name())
        for ask in (
            f"?topic={topic}",
            f"?topic={topic}&partition=0&message_offset=0",
            f"/histogram?topic={topic}&start_time=1&end_time=2",
        )
    ]

    assert (1, [granted]) == (listed["total"], [topic["name"] for topic in listed["topics"]])
    assert ["read"] == listed["permissions"] == listed["topics"][0]["permissions"]
    assert "RESEND.00403001" == listed["topics"][0]["resend_refusal"]["error_code"]
    assert [200] * 3 + [403] * 6 == [answer.status_code for answer in answers]
    assert 1 == len({answer.text for answer in answers[3:]})


async def test_histogram_counts_records_by_time(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Buckets lie side by side and hold what has its time in them; one partition can be asked for alone."""
    topic = make_topic(partitions=2)
    for number in range(10):
        plain.produce(topic, b"v", partition=number % 2, timestamp_ms=NOW_MS - 10_000 + 1000 * number)
    ask = f"{BASE}/messages/histogram?topic={topic}&start_time={NOW_MS - 10_000}&end_time={NOW_MS - 2000}&buckets=4"
    both = (await client.get(ask)).json()
    one = (await client.get(f"{ask}&partition=1")).json()
    short = (await client.get(f"{BASE}/messages/histogram?topic={topic}&start_time=5&end_time=8")).json()

    assert ([2, 2, 2, 2], 8, False, []) == (
        [bucket["count"] for bucket in both["buckets"]],
        both["total"],
        both["approximate"],
        both["uncounted_partitions"],
    )
    assert [(NOW_MS - 10_000 + 2000 * n, NOW_MS - 8000 + 2000 * n) for n in range(4)] == [
        (bucket["start_time"], bucket["end_time"]) for bucket in both["buckets"]
    ]
    assert 4 == one["total"]
    assert 3 == len(short["buckets"])


async def test_looking_leaves_no_group_behind(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Nothing is committed and no group joined, whichever way one looks."""
    topic = make_topic()
    plain.produce(topic, b"v", b"k")
    for ask in (
        "",
        "&key=k",
        "&partition=0&message_offset=0",
        "&partition=0&start_offset=0",
        f"&start_time=0&end_time={2**42}",
    ):
        assert 1 == (await client.get(f"{BASE}/messages?topic={topic}{ask}")).json()["size"]
    await client.get(f"{BASE}/topics")

    assert reader_properties(ClusterConfig("default", ("127.0.0.1:1",)))["group.id"] not in plain.groups()


async def test_search_of_a_client_that_goes_away_is_given_up(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The scan ends, and the log alone tells what became of the request."""
    topic = make_topic()
    plain.produce_many(topic, [b"v"] * 20_000)
    transport = client._transport
    assert isinstance(transport, httpx.ASGITransport)
    sent: list[MutableMapping[str, Any]] = []
    events: Iterator[MutableMapping[str, Any]] = iter(
        [{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}]
    )

    async def receive() -> MutableMapping[str, Any]:
        return next(events)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": f"{BASE}/messages",
        "raw_path": f"{BASE}/messages".encode(),
        "query_string": f"topic={topic}&key=none".encode(),
        "headers": [(b"host", b"localhost"), (b"x-auth-token", b"t")],
        "http_version": "1.1",
        "scheme": "http",
        "root_path": "",
    }
    await transport.app(scope, receive, send)

    assert b"RESEND.00400024" in b"".join(message.get("body", b"") for message in sent)
    assert 100 == (await client.get(f"{BASE}/messages?topic={topic}")).json()["size"]


async def test_embedded_broker_is_searched_but_not_by_time() -> None:
    """The newest, positions and topics work there; by time and the histogram say what to start instead."""
    with EmbeddedBroker() as embedded:
        app = create_app(demo_settings(embedded.start(), "demo", 0))
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
        ):
            client.headers["X-Auth-Token"] = "any"
            who = (await client.get("/v2/caller")).json()
            base = f"/v2/{who['project']}/mqs/instances/{who['instances'][0]['instance_id']}"
            topics = (await client.get(f"{base}/topics")).json()
            newest = (await client.get(f"{base}/messages?topic=topic-test")).json()
            one = (await client.get(f"{base}/messages?topic=topic-test&partition=0&message_offset=4")).json()
            refused = [
                await client.get(f"{base}/messages{ask}topic=topic-test&start_time=1&end_time=2")
                for ask in ("?", "/histogram?")
            ]

    assert ("demo-project", True) == (who["project"], who["instances"][0]["embedded"])
    assert [("topic-test", 20, True)] == [(t["name"], t["record_count"], t["resend_allowed"]) for t in topics["topics"]]
    assert (20, "exact") == (newest["total"], newest["total_relation"])
    assert "order-1004" == one["messages"][0]["key"]
    assert ["RESEND.00400501"] * 2 == [answer.json()["error_code"] for answer in refused]


async def pages(client: httpx.AsyncClient, topic: str, **query: str | int) -> list[Any]:
    """Return all pages of a search."""
    found: list[Any] = []
    asked: dict[str, str | int] = {"topic": topic, **query}
    while not found or found[-1]["cursor"] is not None:
        answer = await client.get(f"{BASE}/messages", params=asked)
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        asked["cursor"] = found[-1]["cursor"]
    return found


@pytest.mark.parametrize(
    "place",
    [{"asc": "true"}, {}, {"start_time": NOW_MS, "end_time": NOW_MS + 600}, {"partition": 1, "start_offset": 50}],
    ids=["oldest first", "newest first", "by time", "from an offset on"],
)
@pytest.mark.parametrize("limit", [7, 1000])
async def test_counts_of_all_pages_of_a_search_account_for_each_record_once(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient, place: dict[str, int | str], limit: int
) -> None:
    """However many pages there are, whatever their order, and although records behind a page are read again."""
    topic = make_topic(partitions=3)
    expected: Counter[str] = Counter()
    matching = set()
    for number in range(600):
        value = json.dumps({"payment": {"status": "FAILED" if number % 20 == 3 else "PAID"}, "n": number})
        headers = [("consumer_key", b"billing")] if number % 50 == 1 else []
        value = "no JSON" if number % 30 == 7 else '{"payment": {"status": 5}, "n": "x"}' if number % 60 == 9 else value
        late = number % 4 == 0
        partition = number % 3
        plain.produce(
            topic,
            value.encode(),
            b"k%d" % number,
            headers,
            partition=partition,
            timestamp_ms=NOW_MS + number + (5000 if late else 0),
        )
        if "partition" in place and (partition != 1 or number // 3 < 50):
            continue
        expected["scanned"] += 1
        if "start_time" in place and late:
            expected["outside_time_range"] += 1
        elif headers:
            expected["already_resent"] += 1
        elif value == "no JSON":
            expected["not_json"] += 1
        elif value.endswith('"x"}'):
            expected["not_evaluated"] += 1
        elif "FAILED" in value:
            expected["matched"] += 1
            matching.add(f"k{number}")
        else:
            expected["not_matched"] += 1
    expression = "(type(n) == 'number' && payment.status == 'FAILED') || (type(n) == 'string' && n > `0`)"

    found = await pages(client, topic, **place, limit=limit, filter=json.dumps({"jmespath": expression}))

    counts: Counter[str] = Counter()
    for page in found:
        counts.update(page["scan"]["counts"])
    assert expected == +counts
    assert sorted(matching) == sorted(message["key"] for page in found for message in page["messages"])
    first = [page["scan"]["first_not_evaluated"] for page in found if page["scan"]["first_not_evaluated"]]
    assert all(where["reason"] for where in first)
    assert bool(first) == bool(expected["not_evaluated"])
    assert (0, True) == (found[-1]["scan"]["left"], found[-1]["scan"]["complete"])


async def test_lists_bring_along_values_and_headers_when_asked(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """As by position: null is null, other bytes than text come in base64, and a huge value is left out."""
    topic = make_topic()
    plain.produce(topic, b"one", b"k", [("h", b"1"), ("h", None)])
    plain.produce(topic, None)
    plain.produce(topic, b"\xff")
    plain.produce(topic, b"x" * 1001, headers=[("h", b"big")])
    (listed,) = await pages(client, topic, partition=0, start_offset=0, values="true")
    single = [
        (await client.get(f"{BASE}/messages?topic={topic}&partition=0&message_offset={offset}")).json()["messages"][0]
        for offset in range(4)
    ]

    assert single == listed["messages"]
    assert [("one", False), (None, False), ("/w==", False), (None, True)] == [
        (message.get("value"), message["huge_message"]) for message in listed["messages"]
    ]
    assert "value" not in listed["messages"][3]


async def test_page_of_large_values_ends_early_and_the_next_one_goes_on(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """What is held for one answer has a bound, whatever the limit says."""
    topic = make_topic()
    for number in range(40):
        plain.produce(topic, bytes([number]) * 900_000)

    found = await pages(client, topic, partition=0, start_offset=0, values="true")

    assert list(range(40)) == [message["message_offset"] for page in found for message in page["messages"]]
    assert {"bytes"} == {page["scan"]["stopped_by"] for page in found[:-1]}
    assert 3 <= len(found) <= 4


async def test_hint_shows_the_expression_that_was_probably_meant(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Double quotes name a field; nothing is said where something matches."""
    topic = make_topic()
    plain.produce(topic, b'{"status": "FAILED", "same": "FAILED"}')
    asked = ('status == "FAILED"', "status == 'FAILED'", "status == same")
    hints = [(await pages(client, topic, filter=json.dumps({"jmespath": text})))[0]["scan"]["hint"] for text in asked]

    assert hints[0].endswith("double quotes name a field: status == 'FAILED'")
    assert [None, None] == hints[1:]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"filter": "{"}, 'filter is "{", not JSON'),
        ({"filter": "[]"}, "filter is a list, not an object"),
        ({"filter": '{"keys": "a"}'}, 'filter has an unknown field "keys"'),
        ({"filter": '{"key": 5}'}, "key is 5, not a text"),
        ({"filter": '{"headers": [{"name": "a", "value": "b", "absent": true}]}'}, "choose one"),
        ({"filter": '{"key": "a"}', "key": "a"}, "the query has a key and a filter"),
        ({"filter": '{"jmespath": "nosuch(a)"}'}, "there is no function nosuch()"),
        ({"filter": " " * 16_385}, "filter has 16385 characters"),
        ({"seconds": "0"}, "seconds is"),
    ],
)
async def test_filter_that_cannot_be_read_is_refused(
    client: httpx.AsyncClient, make_topic: MakeTopic, query: dict[str, str], words: str
) -> None:
    """With what is wrong, before anything is read."""
    answer = await client.get(f"{BASE}/messages", params={"topic": make_topic(), **query})

    assert 400 == answer.status_code
    assert words in answer.json()["error_msg"]


async def test_message_by_position_has_to_meet_the_filter(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """It is told why it does not."""
    topic = make_topic()
    plain.produce(topic, b'{"a": 1}')
    ask: dict[str, str | int] = {"topic": topic, "partition": 0, "message_offset": 0}

    async def asked(expression: str) -> Any:
        text = json.dumps({"jmespath": expression})
        return (await client.get(f"{BASE}/messages", params={**ask, "filter": text})).json()

    met, unmet, failed = [await asked(expression) for expression in ("a == `1`", "a == `2`", "length(a) == `1`")]
    assert [1, 0, 0] == [body["size"] for body in (met, unmet, failed)]
    assert (1, 1, 1) == (
        met["scan"]["counts"]["matched"],
        unmet["scan"]["counts"]["not_matched"],
        failed["scan"]["counts"]["not_evaluated"],
    )
    assert "length()" in failed["scan"]["first_not_evaluated"]["reason"]
