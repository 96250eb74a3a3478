"""Resends over HTTP that reach a real broker, read back by a client that shares no code with the service."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.contract.conftest import serving
from tests.support.brokers import Broker
from tests.support.plain import PlainClient
from tests.support.topics import MakeTopic

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXAMPLE = """{
  "topic" : "topic-test",
  "partition" : 0,
  "message_offset" : 4,
  "consumer_key" : "keyA"
}"""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(tmp_path_factory: pytest.TempPathFactory, broker: Broker) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application in open access, with an instance of each policy on the session's broker."""
    instance = {"bootstrap_servers": [broker.bootstrap]}
    tables: dict[str, dict[str, object]] = {
        "auth": {"allow_anonymous": True},
        "instances.prod": {**instance},
        "instances.now": {**instance},
        "instances.now.policy": {"timestamp": "now"},
    }
    folder: Path = tmp_path_factory.mktemp("serving")
    async with serving(folder, tables) as client:
        client.headers["X-Auth-Token"] = "any"
        yield client


def url(instance: str = "prod") -> str:
    """Return the address of the call."""
    return f"/v2/project/mqs/instances/{instance}/messages/action?action_id=resend"


async def test_example_request_is_answered_with_exactly_its_fields(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The API document's example works word for word."""
    topic = make_topic(name="topic-test")
    for number in range(5):
        plain.produce(topic, b"value-%d" % number, key=b"key", headers=[("trace", b"\x00\xff")])

    response = await client.post(url(), content=EXAMPLE, headers={"Content-Type": "application/json"})
    copy = plain.read(topic, int(response.headers["X-Resend-Partition"]), int(response.headers["X-Resend-Offset"]))
    original = plain.read(topic, 0, 4)

    assert (200, "application/json") == (response.status_code, response.headers["Content-Type"])
    assert json.loads(EXAMPLE) == response.json()
    assert 5 == copy.offset
    assert (b"key", b"value-4", (("trace", b"\x00\xff"), ("consumer_key", b"keyA"))) == (
        copy.key,
        copy.value,
        copy.headers,
    )
    assert original.timestamp_ms == copy.timestamp_ms


@pytest.mark.parametrize(
    "asked", [{"message_offset": 0}, {"message_offset": 0.0}, {"message_offset": 0, "consumer_key": None}]
)
async def test_resend_without_a_consumer_key_is_answered_without_one(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient, asked: dict[str, object]
) -> None:
    """A consumer_key that was not asked for is neither in the answer nor in the copy; the offset is an integer."""
    topic = make_topic(partitions=2)
    plain.produce(topic, None, partition=1)

    response = await client.post(url(), json={"topic": topic, "partition": 1, **asked})
    copy = plain.read(topic, 1, int(response.headers["X-Resend-Offset"]))

    assert f'{{"topic":"{topic}","partition":1,"message_offset":0}}' == response.text
    assert "1" == response.headers["X-Resend-Partition"]
    assert (None, None, ()) == (copy.key, copy.value, copy.headers)


async def test_resend_with_any_text_as_consumer_key_carries_it_as_utf_8(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The key arrives as the bytes of its UTF-8, however JSON escaped it."""
    topic = make_topic()
    plain.produce(topic, b"value")
    key = 'ключ 日本 👩‍🚀 "quoted"'

    response = await client.post(url(), json={"topic": topic, "partition": 0, "message_offset": 0, "consumer_key": key})

    assert key == response.json()["consumer_key"]
    assert (("consumer_key", key.encode()),) == plain.read(topic, 0, 1).headers


@pytest.mark.parametrize(
    ("instance", "config", "told"),
    [
        ("prod", {}, "original"),
        ("now", {}, "now"),
        ("prod", {"message.timestamp.type": "LogAppendTime"}, "broker"),
        ("now", {"message.timestamp.type": "LogAppendTime"}, "broker"),
    ],
)
async def test_resend_tells_whose_time_the_copy_has(
    client: httpx.AsyncClient,
    make_topic: MakeTopic,
    plain: PlainClient,
    instance: str,
    config: dict[str, str],
    told: str,
) -> None:
    """The copy's time is the original's, the present, or the broker's, and X-Resend-Timestamp says which."""
    topic = make_topic(config=config)
    plain.produce(topic, b"value")
    original = plain.read(topic, 0, 0)
    asked: dict[str, object] = {"topic": topic, "partition": 0, "message_offset": 0}

    response = await client.post(url(instance), json=asked)
    copy = plain.read(topic, 0, int(response.headers["X-Resend-Offset"]))

    assert (200, told) == (response.status_code, response.headers["X-Resend-Timestamp"])
    assert (told == "original") == (original.timestamp_ms == copy.timestamp_ms)


async def test_resend_of_what_is_not_there_is_a_400_of_its_own(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Topic, partition and offset that do not exist are told apart, and nothing is written."""
    topic = make_topic()
    plain.produce(topic, b"value")
    asked: dict[str, object] = {"topic": topic, "partition": 0, "message_offset": 0}
    missing: list[dict[str, object]] = [
        {"topic": make_topic.unused_name()},
        {"partition": 1},
        {"partition": 2**31 - 1},
        {"message_offset": 1},
        {"message_offset": 2},
        {"message_offset": 2**63 - 1},
        {"topic": "__consumer_offsets"},
    ]

    answers = [await client.post(url(), json=asked | change) for change in missing]

    assert [400] * len(missing) == [answer.status_code for answer in answers]
    assert [101, 102, 102, 104, 105, 105, 201] == [int(answer.json()["error_code"][-3:]) for answer in answers]
    assert 1 == len(list(plain.log(topic, 0)))
