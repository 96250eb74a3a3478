"""Requests with an Idempotency-Key on a real broker: done once, and answered as often as they are sent."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AclOperation, ResourceType

from kafka.client.config import ClusterConfig, JobsConfig
from kafka.cluster import Cluster
from kafka.jobs.errors import KeyOutcomeUnknown, KeyReused, NoWorker
from kafka.jobs.idempotency.requests import IdempotentResend, Key, digest_of, encode_resend
from kafka.jobs.store.view import StoreSnapshot
from kafka.jobs.worker.liveness import WORKER_KEY, Heartbeat, encode_heartbeat
from kafka.jobs.worker.transactions import Transactions
from kafka.model.errors import CopyTooLarge, InstanceReadOnly, OffsetAtEnd, TopicMissing
from kafka.model.policy import ResendPolicy
from kafka.model.records import Position
from kafka.resend.service import Resent
from tests.support.acls import Administrator, sasl
from tests.support.job_worker import KEYED_POINTS
from tests.support.jobs import JobsStage, StartWorker, spec
from tests.support.topics import MakeTopic
from tests.support.worker import eventually

TOPICS = ("orders", "invoices")


def key_of(value: str, position: Position, consumer_key: str | None = None, *, caller: str = "me") -> Key:
    """Return a key with the digest of what is asked for."""
    return Key("project", "test", caller, value, digest_of([str(position), consumer_key]))


async def resend(
    cluster: Cluster, value: str, position: Position, consumer_key: str | None = None, *, caller: str = "me"
) -> tuple[Resent, bool]:
    """Resend with a key."""
    key = key_of(value, position, consumer_key, caller=caller)
    return await cluster.resend_once(position, consumer_key, key)


async def snapshot(cluster: Cluster) -> StoreSnapshot:
    """Return what the cluster has read of its store."""
    assert cluster.job_store is not None
    _, seen = await cluster.job_store.usable_snapshot(time.monotonic() + 10)
    return seen


async def owned(cluster: Cluster, partitions: int) -> None:
    """Wait until all partitions of the store have an owner that works."""

    async def heard() -> bool:
        seen = await snapshot(cluster)
        return all(seen.liveness.alive(partition) for partition in range(partitions))

    await eventually(heard, seconds=30)


async def served(stage: JobsStage, partitions: int = 3, **changes: Any) -> None:
    """Have a store and a worker."""
    stage.make_store(partitions)
    stage.worker(**changes)
    await owned(stage.cluster, partitions)


@asynccontextmanager
async def another(config: ClusterConfig, **changes: object) -> AsyncIterator[Cluster]:
    """Open another process's cluster."""
    cluster = Cluster(replace(config, **changes))  # type: ignore[arg-type]
    await cluster.open()
    try:
        yield cluster
    finally:
        await cluster.close()


def values(stage: JobsStage, topic: str, originals: int) -> list[bytes | None]:
    """Return the values of the copies that consumers of committed records see."""
    return [seen.value for seen in stage.copies(topic, originals)]


async def test_repeated_request_gets_the_first_ones_answer(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """The record is written once, for the consumer that was named, and every repetition is told where, by anybody."""
    topic, plain = make_topic(), jobs_stage.plain
    an_hour_ago_ms = round(time.time() - 3600) * 1000
    position = Position(topic, 0, plain.produce(topic, b"a", b"k", (("h", b"1"),), timestamp_ms=an_hour_ago_ms))
    await served(jobs_stage)
    first, replayed = await resend(jobs_stage.cluster, "key", position, "keyA")
    assert not replayed
    copy = plain.read(topic, 0, first.offset or -1, "read_committed")
    assert (copy.value, copy.key, copy.timestamp_ms) == (b"a", b"k", an_hour_ago_ms)
    assert copy.headers == (("h", b"1"), ("consumer_key", b"keyA"))
    assert (await resend(jobs_stage.cluster, "key", position, "keyA")) == (first, True)
    async with another(jobs_stage.config) as other:
        assert (await resend(other, "key", position, "keyA")) == (first, True)
    assert values(jobs_stage, topic, 1) == [b"a"]


async def test_key_with_another_request_is_refused(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """Another record, or another consumer, under the same key: nothing is written."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce_many(topic, [b"a", b"b"])
    await served(jobs_stage)
    await resend(jobs_stage.cluster, "key", Position(topic, 0, 0))
    for position, consumer_key in ((Position(topic, 0, 1), None), (Position(topic, 0, 0), "keyA")):
        with pytest.raises(KeyReused):
            await resend(jobs_stage.cluster, "key", position, consumer_key)
    assert values(jobs_stage, topic, 2) == [b"a"]


async def test_same_key_of_another_caller_is_another_key(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """Nobody meets the keys of others."""
    topic = make_topic()
    jobs_stage.plain.produce_many(topic, [b"a", b"b"])
    await served(jobs_stage)
    first, _ = await resend(jobs_stage.cluster, "key", Position(topic, 0, 0))
    second, replayed = await resend(jobs_stage.cluster, "key", Position(topic, 0, 1), caller="you")
    assert (replayed, first.offset != second.offset) == (False, True)
    assert values(jobs_stage, topic, 2) == [b"a", b"b"]


async def test_requests_at_once_from_two_processes_are_one(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """Both get the same answer; of two that ask for different records one is refused."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce_many(topic, [f"{number}".encode() for number in range(20)])
    await served(jobs_stage)
    async with another(jobs_stage.config) as other:
        both = (jobs_stage.cluster, other)
        for number in range(10):
            position = Position(topic, 0, number)
            found = await asyncio.gather(*(resend(cluster, f"{number}", position) for cluster in both))
            assert found[0][0] == found[1][0]
        met = []
        for number in range(10, 20):
            asked = zip(both, (Position(topic, 0, number), Position(topic, 0, number - 10)), strict=True)
            answers = await asyncio.gather(
                *(resend(cluster, f"{number}", position) for cluster, position in asked), return_exceptions=True
            )
            assert sorted(type(answer).__name__ for answer in answers) == ["KeyReused", "tuple"]
            met += [answer[0].original.offset for answer in answers if isinstance(answer, tuple)]
    expected = [f"{number}".encode() for number in [*range(10), *met]]
    assert sorted(values(jobs_stage, topic, 20), key=str) == sorted(expected, key=str)


async def test_second_request_that_stands_before_the_answer_changes_nothing(
    jobs_stage: JobsStage, make_topic: MakeTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner reads it after it has committed the answer, and before it reads that back."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce_many(topic, [b"a", b"b"])
    written: list[str] = []
    commit = Transactions.commit

    def commit_beside_another(self: Transactions, *arguments: Any) -> None:
        entries = [*arguments[1]]
        if entries[0][0].endswith(b"/resend") and not written:
            written.append("once more")
            asked = IdempotentResend(
                entries[0][0].decode().partition("/")[0], "test", Position(topic, 0, 1), "", None, "", 5
            )
            plain.produce(jobs_stage.config.jobs.topic, encode_resend(asked), entries[0][0])
        commit(self, arguments[0], entries, *arguments[2:])

    monkeypatch.setattr(Transactions, "commit", commit_beside_another)
    await served(jobs_stage, 1)
    await resend(jobs_stage.cluster, "key", Position(topic, 0, 0))
    # Whatever is before it has had its turn when this one is answered.
    await resend(jobs_stage.cluster, "later", Position(topic, 0, 1))
    assert (written, values(jobs_stage, topic, 2)) == (["once more"], [b"a", b"b"])


class Dying:
    """A worker that ends itself at a point, and one that does not."""

    def __init__(self, config: ClusterConfig, log: Path) -> None:
        self._command = [sys.executable, "-m", "tests.support.job_worker", config.bootstrap_servers[0]]
        self._name, self._log = config.jobs.topic, log
        self._all: list[subprocess.Popen[bytes]] = []

    def start(self, *point: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            process = subprocess.Popen([*self._command, self._name, *point], stdout=log, stderr=log)
        self._all.append(process)
        return process

    def end(self) -> None:
        for process in self._all:
            process.kill()
            process.wait(30)


@pytest.fixture
def workers(jobs_stage: JobsStage, tmp_path: Path) -> Iterator[Dying]:
    """Workers as processes of their own, which are ended after the test."""
    dying = Dying(jobs_stage.config, tmp_path / "workers.log")
    yield dying
    dying.end()


@pytest.mark.parametrize("point", KEYED_POINTS)
async def test_worker_killed_on_the_way_writes_one_copy(
    jobs_stage: JobsStage, make_topic: MakeTopic, workers: Dying, point: str
) -> None:
    """Whoever waits gets the answer of the next worker; so does who has given up and comes again."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce_many(topic, [b"a", b"b"])
    jobs_stage.make_store(3)
    dying = workers.start(point)
    await owned(jobs_stage.cluster, 3)
    waiting = asyncio.create_task(resend(jobs_stage.cluster, "waits", Position(topic, 0, 0)))
    gone = asyncio.create_task(resend(jobs_stage.cluster, "gone", Position(topic, 0, 1)))

    async def dead() -> bool:
        return dying.poll() is not None

    await eventually(dead, seconds=30)
    assert dying.returncode == -signal.SIGKILL
    gone.cancel()
    workers.start()
    found, _ = await waiting
    again, _ = await resend(jobs_stage.cluster, "gone", Position(topic, 0, 1))
    assert sorted(values(jobs_stage, topic, 2), key=str) == [b"a", b"b"]
    assert plain.read(topic, 0, found.offset or -1, "read_committed").value == b"a"
    assert plain.read(topic, 0, again.offset or -1, "read_committed").value == b"b"


async def test_refusal_is_an_answer_too(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """What was not there for the first request is not there for the same one again; a new key asks again."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce(topic, b"a")
    await served(jobs_stage)
    with pytest.raises(OffsetAtEnd):
        await resend(jobs_stage.cluster, "key", Position(topic, 0, 1))
    plain.produce(topic, b"b")
    async with another(jobs_stage.config) as other:
        for cluster in (jobs_stage.cluster, other):
            with pytest.raises(OffsetAtEnd):
                await resend(cluster, "key", Position(topic, 0, 1))
    assert values(jobs_stage, topic, 2) == []
    await resend(jobs_stage.cluster, "new", Position(topic, 0, 1))
    assert values(jobs_stage, topic, 2) == [b"b"]


async def test_what_is_refused_at_once_is_not_kept(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """A topic that is missing, a read-only instance: nothing is accepted. What was done before is told all the same."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce(topic, b"a")
    await served(jobs_stage)
    with pytest.raises(TopicMissing):
        await resend(jobs_stage.cluster, "missing", Position(f"{topic}-missing", 0, 0))
    first, _ = await resend(jobs_stage.cluster, "key", Position(topic, 0, 0))
    async with another(jobs_stage.config, policy=ResendPolicy(read_only=True)) as read_only:
        with pytest.raises(InstanceReadOnly):
            await resend(read_only, "new", Position(topic, 0, 0))
        assert (await resend(read_only, "key", Position(topic, 0, 0))) == (first, True)
    kept = [seen for number in range(3) for seen in plain.log(jobs_stage.config.jobs.topic, number)]
    assert len([seen for seen in kept if (seen.key or b"").endswith(b"/resend") and seen.value is not None]) == 1


async def test_without_a_worker_nothing_is_accepted(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """It says so at once, for single resends and for jobs, and no worker will find anything later."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce(topic, b"a")
    jobs_stage.make_store(1)
    async with another(jobs_stage.config) as cluster:
        begun = time.monotonic()
        with pytest.raises(NoWorker):
            await resend(cluster, "key", Position(topic, 0, 0))
        with pytest.raises(NoWorker):
            await cluster.jobs.make_once(spec(topic), None, key_of("key", Position(topic, 0, 0)))
        assert time.monotonic() - begun < 5
    assert plain.log(jobs_stage.config.jobs.topic, 0) == []
    jobs_stage.worker()
    await owned(jobs_stage.cluster, 1)
    await resend(jobs_stage.cluster, "key", Position(topic, 0, 0))
    assert values(jobs_stage, topic, 1) == [b"a"]


async def test_first_request_of_all_makes_the_store(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """A worker that runs already begins with it, and the request waits for that."""
    topic = make_topic()
    jobs_stage.plain.produce(topic, b"a")
    jobs_stage.worker()
    await resend(jobs_stage.cluster, "key", Position(topic, 0, 0))
    assert values(jobs_stage, topic, 1) == [b"a"]


async def test_answer_that_does_not_come_in_time_can_be_asked_for(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """It says that the outcome is not known, and the same request again waits for the same copy."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce(topic, b"a")
    jobs_stage.make_store(1)
    limits = replace(jobs_stage.config.limits, deadline_seconds=3.0, delivery_timeout_seconds=1.0)
    # A worker that does nothing but be there.
    plain.produce(jobs_stage.config.jobs.topic, encode_heartbeat(Heartbeat(60_000)), WORKER_KEY)
    async with another(jobs_stage.config, limits=limits) as hurried:
        with pytest.raises(KeyOutcomeUnknown):
            await resend(hurried, "key", Position(topic, 0, 0))
        # Accepted: it is waited for, not written again.
        with pytest.raises(KeyOutcomeUnknown):
            await resend(hurried, "key", Position(topic, 0, 0))
    assert len([seen for seen in plain.log(jobs_stage.config.jobs.topic, 0) if seen.key != WORKER_KEY]) == 1
    jobs_stage.worker()
    assert (await resend(jobs_stage.cluster, "key", Position(topic, 0, 0)))[1]
    assert values(jobs_stage, topic, 1) == [b"a"]


async def test_two_hundred_at_once_are_each_done_once(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """They share transactions; each is told its own copy, also two of the same record."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce_many(topic, [f"{number}".encode() for number in range(100)])
    await served(jobs_stage)
    begun = time.monotonic()
    asked = [(f"{number}-{name}", number, name) for number in range(100) for name in ("one", "two")]
    found = await asyncio.gather(
        *(resend(jobs_stage.cluster, key, Position(topic, 0, number), name) for key, number, name in asked)
    )
    seconds = time.monotonic() - begun
    copies = {
        seen.offset: (seen.value, seen.headers) for seen in plain.log(topic, 0, "read_committed") if seen.offset > 99
    }
    assert len(copies) == 200
    for (_, number, name), (resent, _) in zip(asked, found, strict=True):
        expected = f"{number}".encode(), (("consumer_key", name.encode()),)
        assert copies[resent.offset or -1] == expected
    # A figure, with -s.
    sys.stdout.write(f"\n200 resends with a key at once: {seconds:.2f} s\n")
    assert seconds < 20


async def test_copy_that_the_broker_refuses_takes_no_other_with_it(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """Of those that share a transaction only the one that is too large gets that answer, and gets it again."""
    topic, plain = make_topic(config={"max.message.bytes": "400000"}), jobs_stage.plain
    plain.produce_many(topic, [b"x"] * 10)
    plain.produce(topic, os.urandom(300_000))
    plain.set_config(topic, {"max.message.bytes": "200000"})
    await served(jobs_stage, 1)
    asked = [resend(jobs_stage.cluster, f"{number}", Position(topic, 0, number)) for number in range(11)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer).__name__ for answer in found] == ["tuple"] * 10 + ["CopyTooLarge"]
    with pytest.raises(CopyTooLarge) as again:
        await resend(jobs_stage.cluster, "10", Position(topic, 0, 10))
    assert "limit of 200000 bytes set by max.message.bytes of the topic" in str(again.value)
    assert values(jobs_stage, topic, 11) == [b"x"] * 10


async def test_topic_that_may_not_be_written_takes_no_other_with_it(
    with_acls: tuple[str, Administrator], start_worker: StartWorker
) -> None:
    """Those that share a transaction with it are written; it gets its refusal, and nothing is tried again forever."""
    bootstrap, administrator = with_acls
    allow, operation = administrator.allow, AclOperation
    for topic in TOPICS:
        administrator.produce(topic, b"a")
        allow("keyed", topic, operation.READ, operation.DESCRIBE_CONFIGS)
    allow("keyed", "invoices", operation.WRITE)
    name = f"jobs-{uuid.uuid4().hex[:8]}"
    administrator.create_store(name)
    allow("keyed", name, operation.READ, operation.WRITE, operation.DESCRIBE_CONFIGS)
    administrator.allow_jobs("keyed", name)
    jobs = JobsConfig(topic=name, group=name, transactional_prefix=name, partitions=1)
    config = ClusterConfig("test", (bootstrap,), sasl("keyed"), jobs=jobs)
    start_worker(config)
    async with another(config) as cluster:

        async def ready() -> bool:
            return cluster.availability.state == "ready"

        await eventually(ready, seconds=20)
        await owned(cluster, 1)
        asked = [resend(cluster, f"{number}", Position(topic, 0, 0)) for number, topic in enumerate(8 * TOPICS)]
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(answer).__name__ for answer in found] == 8 * ["AccessDenied", "tuple"]
        assert str(found[0]) == "Kafka does not allow this service Write on topic 'orders'"


@pytest.mark.parametrize(
    ("user", "granted", "missing"),
    [
        ("grouped", (ResourceType.GROUP,), "Write on transactional ids '{}*'"),
        ("transacting", (ResourceType.TRANSACTIONAL_ID,), "Read on group '{}'"),
    ],
)
async def test_worker_that_the_acls_keep_from_working_says_which_one_is_missing(
    with_acls: tuple[str, Administrator],
    start_worker: StartWorker,
    user: str,
    granted: tuple[ResourceType, ...],
    missing: str,
) -> None:
    """A request with a key is refused at once, with the reason, and nothing of it is kept."""
    bootstrap, administrator = with_acls
    operation = AclOperation
    administrator.produce("orders", b"a")
    administrator.allow(user, "orders", operation.READ, operation.WRITE, operation.DESCRIBE_CONFIGS)
    name = f"jobs-{uuid.uuid4().hex[:8]}"
    administrator.create_store(name)
    administrator.allow(user, name, operation.READ, operation.WRITE, operation.DESCRIBE_CONFIGS)
    administrator.allow_jobs(user, name, *granted)
    jobs = JobsConfig(topic=name, group=name, transactional_prefix=name, partitions=1)
    config = ClusterConfig("test", (bootstrap,), sasl(user), jobs=jobs)
    start_worker(config)
    async with another(config) as cluster:

        async def reported() -> bool:
            seen = await snapshot(cluster)
            return seen.liveness.problem(0) is not None

        await eventually(reported, seconds=30)
        begun = time.monotonic()
        with pytest.raises(NoWorker) as refused:
            await resend(cluster, "key", Position("orders", 0, 0))
        assert time.monotonic() - begun < 5
        seen = await snapshot(cluster)
        pending = await cluster.jobs.make(spec("orders"))
        assert cluster.jobs.waits_for(pending) == (
            f"a worker: Kafka's ACLs do not give the workers {missing.format(name)}"
        )
    assert f"Kafka's ACLs do not give the workers {missing.format(name)}" in str(refused.value)
    assert seen.idempotent.open() == []


async def test_long_job_does_not_hold_up_resends_with_a_key(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """They are done between two of its transactions."""
    topic, other, plain = make_topic(), make_topic(), jobs_stage.plain
    plain.produce_many(topic, [os.urandom(500) for _ in range(60_000)])
    plain.produce(other, b"a")
    await served(jobs_stage, 1)
    job = await jobs_stage.make(topic)
    await jobs_stage.resent(job, 1)
    waits = []
    for number in range(5):
        begun = time.monotonic()
        await resend(jobs_stage.cluster, f"{number}", Position(other, 0, 0))
        waits.append(time.monotonic() - begun)
    assert not (await jobs_stage.get(job)).over
    assert max(waits) < 2
    assert (await jobs_stage.finished(job)).progress.counts.resent == 60_000
    assert values(jobs_stage, other, 1) == [b"a"] * 5


async def test_answers_are_removed_after_their_time(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """From the store, and from every memory; then the key is a new one."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce(topic, b"a")
    await served(jobs_stage, 1, idempotency_retention_seconds=1.0)
    await resend(jobs_stage.cluster, "key", Position(topic, 0, 0))

    async def removed() -> bool:
        seen = await snapshot(jobs_stage.cluster)
        return not seen.idempotent.older_than(2**62, 1)

    await eventually(removed, seconds=10)
    latest = {seen.key: seen.value for seen in plain.log(jobs_stage.config.jobs.topic, 0, "read_committed")}
    assert {value for key, value in latest.items() if b"/" in (key or b"")} == {None}
    assert not (await resend(jobs_stage.cluster, "key", Position(topic, 0, 0)))[1]
    assert values(jobs_stage, topic, 1) == [b"a", b"a"]


async def test_resend_of_a_newer_version_is_left_alone(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """It waits for a worker that understands it, and holds up no other."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce(topic, b"a")
    await served(jobs_stage, 1)
    plain.produce(jobs_stage.config.jobs.topic, b'{"format": 2}', f"0-{'ab' * 12}/resend".encode())
    await resend(jobs_stage.cluster, "key", Position(topic, 0, 0))
    latest = {seen.key: seen.value for seen in plain.log(jobs_stage.config.jobs.topic, 0, "read_committed")}
    assert latest[f"0-{'ab' * 12}/resend".encode()] == b'{"format": 2}'


async def test_job_is_made_once(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """Repeated, at once, and from another process: the same job; with another spec it is refused."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce_many(topic, [b"x"] * 10)
    await served(jobs_stage)
    async with another(jobs_stage.config) as other:
        both, key = (jobs_stage.cluster, other), key_of("key", Position(topic, 0, 0))
        found = await asyncio.gather(*(cluster.jobs.make_once(spec(topic), None, key) for cluster in both))
        job = found[0][0]
        assert job.plan == found[1][0].plan
        done = await jobs_stage.finished(job)
        for cluster in both:
            again, replayed = await cluster.jobs.make_once(spec(topic), None, key)
            assert (again.plan, replayed) == (done.plan, True)
        with pytest.raises(KeyReused):
            await other.jobs.make_once(spec(topic, dry_run=True), None, key_of("key", Position(topic, 0, 1)))
    assert [known.job_id for known in await jobs_stage.cluster.jobs.known()] == [job.job_id]
    assert values(jobs_stage, topic, 10) == [b"x"] * 10
