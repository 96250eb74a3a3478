"""How far consumer groups have committed past copies, on a real broker, asked over HTTP."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import httpx
import pytest
import pytest_asyncio
from confluent_kafka import Consumer, Producer, ShareConsumer, TopicPartition
from confluent_kafka.admin import AclOperation

from kafka.client.config import ClusterConfig
from kafka.cluster import Cluster
from kafka.consumers.passed import one_copy
from kafka.consumers.service import MOST_GROUPS
from kafka.model.records import Position
from tests.integration.test_jobs_api import JOBS, applied, ended, jobs_of
from tests.support.acls import Administrator, sasl
from tests.support.brokers import Broker
from tests.support.jobs import RunningWorker
from tests.support.plain import PlainClient
from tests.support.topics import MakeTopic
from tests.support.worker import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

MESSAGES = JOBS.replace("resend-jobs", "messages")


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
    async with applied(tmp_path_factory.mktemp("consumers"), broker, store) as client:
        yield client


@pytest.fixture
def group() -> str:
    """The id of a group that no other test has, among the first: of a broker with many, a hundred are asked about."""
    return f"-{uuid.uuid4().hex[:8]}"


def commit(bootstrap: str, group: str, topic: str, offsets: dict[int, int], **properties: str) -> None:
    """Have a group commit offsets, as its members do; it has none afterwards."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False, **properties})
    try:
        places = [TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]
        consumer.commit(offsets=places, asynchronous=False)
    finally:
        consumer.close()


async def resent(client: httpx.AsyncClient, topic: str, **more: object) -> dict[str, Any]:
    """Return a job that has ended."""
    made = await client.post(JOBS, json={"topic": topic, "consumer_key": "billing", **more})
    assert made.status_code == 202, made.text
    return await ended(client, f"{JOBS}/{made.json()['job_id']}")


def copies(plain: PlainClient, topic: str, originals: int) -> list[int]:
    """Return where the copies of partition 0 are: a job may write them in several transactions."""
    return [seen.offset for seen in plain.log(topic, 0, "read_committed", originals)]


async def looked(client: httpx.AsyncClient, job: dict[str, Any], *groups: str) -> dict[str, Any]:
    """Return what is answered about groups and the copies of a job."""
    answer = await client.get(f"{JOBS}/{job['job_id']}/consumers", params={"group": list(groups)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def summary(found: dict[str, Any]) -> tuple[object, ...]:
    return found["state"], found.get("copies_passed"), found.get("passed_relation"), found.get("copies_deleted")


async def test_group_is_followed_from_nothing_to_past_all_copies(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient, group: str
) -> None:
    """In several partitions; nothing that it committed is changed by looking at it."""
    topic, other = make_topic(3), make_topic()
    for partition in range(3):
        plain.produce_many(topic, [b"x"] * 10, partition=partition)
    job = await resent(client, topic)
    places = {found["partition"]: (found["first_offset"], found["last_offset"]) for found in job["copies"]}
    assert {found["copies"] for found in job["copies"]} == {10}

    found = await looked(client, job, group)
    assert (found["copies"], found["complete"]) == (30, True)
    assert [summary(each) for each in found["groups"]] == [("not_started", 0, "exact", None)]
    assert group not in plain.groups()

    # Not yet at the copies; half way in one partition; and past all of another.
    commit(plain.bootstrap, group, topic, {0: 3})
    assert summary((await looked(client, job, group))["groups"][0]) == ("passing", 0, "exact", None)
    commit(plain.bootstrap, group, topic, {0: copies(plain, topic, 10)[5], 1: places[1][1] + 1})
    half = (await looked(client, job, group))["groups"][0]
    assert summary(half) == ("passing", 15, "exact", None)
    assert half["partitions"][2] == {
        "topic": topic,
        "partition": 2,
        "committed_offset": None,
        "copies": 10,
        "copies_passed": 0,
        "passed_relation": "exact",
    }
    commit(plain.bootstrap, group, topic, {partition: last + 1 for partition, (_, last) in places.items()})
    commit(plain.bootstrap, f"{group}-other", other, {0: 0})

    # Without a name it is found, and those of other topics are not.
    found = await looked(client, job)
    assert {each["group"]: each["state"] for each in found["groups"] if group in each["group"]} == {group: "passed"}
    both = await looked(client, job, group, f"{group}-other")
    assert [each["state"] for each in both["groups"]] == ["passed", "not_started"]
    assert abs(found["checked_at"] - time.time() * 1000) < 60_000


async def test_copies_that_are_deleted_before_a_group_has_come_to_them_are_told(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient, group: str
) -> None:
    """It cannot read them any more; it is past them when it commits again."""
    topic = make_topic(1)
    plain.produce_many(topic, [b"x"] * 10)
    job = await resent(client, topic)
    offsets = copies(plain, topic, 10)
    commit(plain.bootstrap, group, topic, {0: offsets[2]})
    plain.delete_records(topic, 0, offsets[6])
    assert summary((await looked(client, job, group))["groups"][0]) == ("passing", 2, "exact", 4)
    commit(plain.bootstrap, group, topic, {0: offsets[-1] + 1})
    assert summary((await looked(client, job, group))["groups"][0]) == ("passed", 10, "exact", None)


async def test_job_without_copies_has_nothing_to_pass(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient, group: str
) -> None:
    """A dry run, for one."""
    topic = make_topic(1)
    plain.produce(topic, b"x")
    job = await resent(client, topic, dry_run=True)
    found = await looked(client, job, group)
    assert (found["copies"], found["complete"], found["groups"][0]["state"]) == (0, False, "unknown")
    assert (await looked(client, job))["groups"] == []


async def test_copies_of_a_topic_that_was_made_again_are_not_compared(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient, group: str
) -> None:
    """Its offsets name other records."""
    topic = make_topic(1)
    plain.produce(topic, b"x")
    job = await resent(client, topic)
    plain.delete_topic(topic)
    make_topic(1, name=topic)

    async def answered() -> tuple[int, str]:
        answer = await client.get(f"{JOBS}/{job['job_id']}/consumers?group={group}")
        return answer.status_code, answer.json().get("error_code", "")

    deadline = time.monotonic() + 20
    while (found := await answered()) != (400, "RESEND.00400109"):
        # What is known of a topic is kept for some seconds.
        assert found[0] in {200, 400, 503}
        assert time.monotonic() < deadline


async def test_one_copy_is_passed_or_not_and_a_topic_has_its_groups(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient, group: str
) -> None:
    """By the position that a resend is answered with; without one, what groups have committed in the topic."""
    topic = make_topic(2)
    plain.produce_many(topic, [b"x"] * 5)
    commit(plain.bootstrap, group, topic, {0: 4})
    query = f"{MESSAGES}/consumers?topic={topic}"
    for offset, state, passed in ((3, "passed", 1), (4, "passing", 0)):
        found = (await client.get(f"{query}&partition=0&message_offset={offset}&group={group}")).json()
        assert found["copies"] == 1
        assert summary(found["groups"][0]) == (state, passed, "exact", None)

    readers = (await client.get(query)).json()
    assert "copies" not in readers
    assert [each for each in readers["groups"] if each["group"] == group] == [
        {
            "group": group,
            "state": "committed",
            "partitions": [
                {"topic": topic, "partition": 0, "committed_offset": 4},
                {"topic": topic, "partition": 1, "committed_offset": None},
            ],
        }
    ]
    named = (await client.get(f"{query}&group=nobody-{group}")).json()
    assert [each["state"] for each in named["groups"]] == ["not_started"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("topic=t&partition=0", "RESEND.00400034"),
        ("topic=t&message_offset=0", "RESEND.00400034"),
        ("topic=t&group=%00", "RESEND.00400049"),
        (f"topic=t&group={'g' * 256}", "RESEND.00400046"),
        ("topic=no-such-topic&group=g", "RESEND.00400101"),
        ("topic=__consumer_offsets", "RESEND.00400201"),
        ("topic=t&topic=t", "RESEND.00400033"),
    ],
)
async def test_what_cannot_be_asked_is_refused(client: httpx.AsyncClient, query: str, code: str) -> None:
    """An id that would end the process is none; only groups may be named several times."""
    answer = await client.get(f"{MESSAGES}/consumers?{query}")
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)


async def test_what_a_caller_may_not_look_at_has_no_groups(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A job as any other: it does not exist; a topic: forbidden."""
    topic = make_topic(1)
    plain.produce(topic, b"x")
    job = await resent(client, topic)
    answers = [
        await client.get(f"{JOBS}/{job['job_id']}/consumers", headers={"X-Auth-Token": "o"}),
        await client.get(f"{JOBS}/{job['job_id']}/consumers", headers={"X-Auth-Token": "n"}),
        await client.get(f"{MESSAGES}/consumers?topic={topic}", headers={"X-Auth-Token": "o"}),
    ]
    assert [answer.status_code for answer in answers] == [404, 403, 403]


async def test_group_that_kafka_hides_is_denied_with_the_reason(with_acls: tuple[str, Administrator]) -> None:
    """Describe on the group is what is missing; those that are named without it are all that the cluster shows."""
    bootstrap, administrator = with_acls
    administrator.produce("orders", b"x")
    for group in ("open-group", "hidden-group"):
        commit(bootstrap, group, "orders", {0: 1}, **sasl("admin"))
    administrator.allow("follower", "orders", AclOperation.READ)
    administrator.allow_group("follower", "open-group", AclOperation.DESCRIBE)
    cluster = Cluster(ClusterConfig("acls", (bootstrap,), sasl("follower")))
    await cluster.open()
    try:
        asked: dict[str, Any] = {
            "copies": one_copy(Position("orders", 0, 0)),
            "topic_ids": {"orders": ""},
            "caller": "me",
        }
        named = await cluster.consumers_past(groups=["open-group", "hidden-group"], abandoned=Event(), **asked)
        listed = await cluster.consumers_past(groups=[], abandoned=Event(), **asked)
    finally:
        await cluster.close()
    assert [(each.group, each.state) for each in named.groups] == [("hidden-group", "denied"), ("open-group", "passed")]
    assert str(named.groups[0].problem) == "Kafka does not allow this service Describe on group 'hidden-group'"
    assert [(each.group, each.state) for each in listed.groups] == [("open-group", "passed")]


async def test_offsets_of_an_open_transaction_are_not_committed_and_not_waited_for(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient, group: str
) -> None:
    """An application with exactly-once processing commits by transactions; what was committed before counts."""
    topic = make_topic(1)
    plain.produce_many(topic, [b"x"] * 5)
    commit(plain.bootstrap, group, topic, {0: 2})
    query = f"{MESSAGES}/consumers?topic={topic}&partition=0&message_offset=3&group={group}"
    producer = Producer({"bootstrap.servers": plain.bootstrap, "transactional.id": f"of-{group}"})
    consumer = Consumer({"bootstrap.servers": plain.bootstrap, "group.id": group, "enable.auto.commit": False})
    try:
        producer.init_transactions(20)
        producer.begin_transaction()
        producer.send_offsets_to_transaction([TopicPartition(topic, 0, 5)], consumer.consumer_group_metadata(), 20)
        found = (await client.get(query)).json()["groups"][0]
        assert (found["state"], found["partitions"][0]["committed_offset"]) == ("passing", 2)
        producer.commit_transaction(20)
    finally:
        consumer.close()

    async def past_it() -> bool:
        # The coordinator of the transaction answers before that of the group knows.
        return bool((await client.get(query)).json()["groups"][0]["state"] == "passed")

    await eventually(past_it, seconds=20)


async def test_share_group_has_no_committed_offset_and_is_not_named(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient, group: str
) -> None:
    """It keeps a state for each record instead, which the client library cannot ask for."""
    topic = make_topic(1)
    plain.produce(topic, b"before")
    share = ShareConsumer({"bootstrap.servers": plain.bootstrap, "group.id": group, "log_level": 0})
    try:
        share.subscribe([topic])
        deadline = time.monotonic() + 40
        while not await asyncio.to_thread(share.poll, 0.5):
            # It begins with what is written after it has come.
            plain.produce(topic, b"x")
            assert time.monotonic() < deadline
        query = f"{MESSAGES}/consumers?topic={topic}"
        assert [each["group"] for each in (await client.get(query)).json()["groups"]] == []
        named = (await client.get(f"{query}&partition=0&message_offset=0&group={group}")).json()["groups"]
        assert [each["state"] for each in named] == ["not_started"]
    finally:
        share.close()


async def test_more_groups_than_are_asked_about_are_told(
    client: httpx.AsyncClient, make_topic: MakeTopic, plain: PlainClient, group: str
) -> None:
    """The answer says how many, and to name the one that is meant; it does not take long."""
    topic = make_topic(1)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: commit(plain.bootstrap, f"{group}-{n:03}", topic, {0: 0}), range(MOST_GROUPS + 5)))
    found = (await client.get(f"{MESSAGES}/consumers?topic={topic}", timeout=60)).json()
    assert (found["complete"], len(found["groups"]) <= MOST_GROUPS) == (False, True)
    assert re.search(r"\d+ of \d+ groups were not asked about; name them", found["reason"])
    last = f"{group}-{MOST_GROUPS + 4:03}"
    named = (await client.get(f"{MESSAGES}/consumers?topic={topic}&group={last}")).json()
    assert (named["complete"], [each["state"] for each in named["groups"]]) == (True, ["committed"])
