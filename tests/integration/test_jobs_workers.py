"""Who runs jobs on a real broker: workers that come and go, and the store that they share."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import uuid
from threading import Event, Thread
from typing import Any

import pytest
from confluent_kafka import Producer
from msgspec.structs import replace

from kafka.client.admin import Admin
from kafka.cluster import Cluster
from kafka.filter.conditions import Outcome
from kafka.jobs.errors import JobMissing
from kafka.jobs.idempotency.copy_preparer import CopyPreparer
from kafka.jobs.job import KINDS
from kafka.jobs.plan import Plan, encode_plan, new_job_id, partition_of
from kafka.jobs.progress import Counts, Progress, encode_progress
from kafka.jobs.store.tail import StoreTail
from kafka.jobs.store.topic import StoreUnfit, ensure_store
from kafka.jobs.worker.group import JobsWorker
from kafka.jobs.worker.liveness import ProblemReporter
from kafka.jobs.worker.owner import PartitionOwner
from kafka.jobs.worker.ownership import Ownership, Shared
from kafka.jobs.worker.read_ahead import ReadAhead
from kafka.jobs.worker.transactions import RestartOwnership
from kafka.model.policy import ResendPolicy
from kafka.model.records import OffsetRange
from tests.support.jobs import JobsStage, counted
from tests.support.topics import MakeTopic
from tests.support.worker import eventually


async def test_twenty_jobs_on_three_workers_all_end(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """More jobs than partitions of the store take turns, and one that is cancelled does not wait for its turn."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce_many(topic, [f"{number}".encode() for number in range(1000)])
    for _ in range(3):
        jobs_stage.worker(batch_records=100)
    jobs = [await jobs_stage.make(topic, offsets={0: (0, 1000)}, consumer_key=f"{number}") for number in range(20)]
    cancelled = await jobs_stage.make(topic, offsets={0: (0, 1000)}, consumer_key="slow", records_per_second=10)
    await jobs_stage.resent(cancelled, 1)
    asked = time.monotonic()
    await jobs_stage.cluster.jobs.cancel(cancelled.job_id)
    ended = await jobs_stage.finished(cancelled)
    assert time.monotonic() - asked < 2
    for job in jobs:
        assert (await jobs_stage.finished(job)).progress.counts == counted(resent=1000)
    by_job: dict[str, list[bytes | None]] = {}
    for seen in jobs_stage.copies(topic, 1000):
        by_job.setdefault((seen.headers[-1][1] or b"").decode(), []).append(seen.value)
    assert len(by_job.pop("slow")) == ended.progress.counts.resent
    assert by_job == {f"{number}": [f"{number}".encode() for number in range(1000)] for number in range(20)}


async def test_paused_job_waits_and_goes_on(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """Between pause and resume nothing is written, by any owner; afterwards nothing is missing or double."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce_many(topic, [f"{number}".encode() for number in range(3000)])
    worker = jobs_stage.worker(batch_records=200)
    job = await jobs_stage.make(topic, records_per_second=2000)
    await jobs_stage.resent(job, 1)
    await jobs_stage.cluster.jobs.pause(job.job_id, paused=True)

    async def paused() -> bool:
        return (await jobs_stage.get(job)).state == "paused"

    await eventually(paused, seconds=5)
    # Another job of the same partition ends meanwhile, and with it every turn that was under way.
    other = make_topic()
    plain.produce_many(other, [b"x"] * 10)
    await asyncio.gather(*(jobs_stage.run(other, offsets={0: (0, 10)}) for _ in range(6)))
    resent = (await jobs_stage.get(job)).progress.counts.resent
    assert 0 < resent < 3000
    assert worker.stop(10)
    jobs_stage.worker()
    await asyncio.gather(*(jobs_stage.run(other, offsets={0: (0, 10)}) for _ in range(6)))
    assert (await jobs_stage.get(job)).progress.counts.resent == resent == len(jobs_stage.copies(topic, 3000))
    await jobs_stage.cluster.jobs.pause(job.job_id, paused=False)
    assert (await jobs_stage.finished(job)).progress.counts == counted(resent=3000)
    assert [seen.value for seen in jobs_stage.copies(topic, 3000)] == [f"{number}".encode() for number in range(3000)]


async def test_capped_rate_holds_over_ten_seconds(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """A cap is met within five percent, by each of two jobs that share an owner, too."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce_many(topic, [b"x"] * 20_000)
    jobs_stage.make_store(1)
    jobs_stage.worker()
    rates = [300, 40]
    jobs = [await jobs_stage.make(topic, records_per_second=rate) for rate in rates]
    begun = [await jobs_stage.resent(job, 1) for job in jobs]

    async def ten_seconds_on() -> bool:
        now = [await jobs_stage.get(job) for job in jobs]
        return all(
            (job.progress.updated_at_ms or 0) - (first.progress.updated_at_ms or 0) >= 10_000
            for first, job in zip(begun, now, strict=True)
        )

    await eventually(ten_seconds_on, seconds=20)
    for first, job, rate in zip(begun, jobs, rates, strict=True):
        now = await jobs_stage.get(job)
        seconds = ((now.progress.updated_at_ms or 0) - (first.progress.updated_at_ms or 0)) / 1000
        measured = (now.progress.counts.resent - first.progress.counts.resent) / seconds
        assert measured == pytest.approx(rate, rel=0.05)
        await jobs_stage.cluster.jobs.cancel(job.job_id)


async def test_worker_added_takes_over_some_and_one_stopped_hands_over(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """Jobs continue while workers come and go, and each record is resent once."""
    topic, plain = make_topic(3), jobs_stage.plain
    values = [f"{number}".encode() for number in range(4000)]
    for partition in range(3):
        plain.produce_many(topic, values, partition=partition)
    spans = dict.fromkeys(range(3), (0, 4000))
    workers = [jobs_stage.worker(batch_records=200)]
    jobs = [
        await jobs_stage.make(topic, offsets=spans, consumer_key=f"{number}", records_per_second=1500)
        for number in range(6)
    ]
    for job in jobs:
        await jobs_stage.resent(job, 1)
    workers.append(jobs_stage.worker(batch_records=200))
    before = [(await jobs_stage.get(job)).progress.counts.resent for job in jobs]
    begun = time.monotonic()
    assert workers[0].stop(10)
    for job, count in zip(jobs, before, strict=True):
        await jobs_stage.resent(job, count + 1, seconds=max(0.1, begun + 10 - time.monotonic()))
    for job in jobs:
        assert (await jobs_stage.finished(job)).progress.counts == counted(resent=12_000)
    for partition in range(3):
        copies = jobs_stage.copies(topic, 4000, partition)
        for number in range(6):
            key = (("consumer_key", f"{number}".encode()),)
            assert [seen.value for seen in copies if seen.headers == key] == values


async def test_open_transaction_on_the_store_loses_and_doubles_nothing(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """A new owner waits for it, as progress may stand behind it; progress is never taken from before it."""
    topic, plain = make_topic(), jobs_stage.plain
    values = [f"{number}".encode() for number in range(3000)]
    plain.produce_many(topic, values)
    worker = jobs_stage.worker(batch_records=100)
    job = await jobs_stage.make(topic, records_per_second=1000)
    await jobs_stage.resent(job, 1)
    assert job.plan is not None
    transaction = plain.transaction(jobs_stage.config.jobs.topic, partition_of(job.job_id), [b"foreign"], "open")
    written = len(jobs_stage.copies(topic, 3000))

    async def goes_on() -> bool:
        return len(jobs_stage.copies(topic, 3000)) > written + 300

    await eventually(goes_on, seconds=20)
    assert worker.stop(10)
    jobs_stage.worker()
    transaction.commit()
    assert (await jobs_stage.finished(job)).progress.counts == counted(resent=3000)
    assert [seen.value for seen in jobs_stage.copies(topic, 3000)] == values


async def test_owner_that_slept_through_the_reign_of_another_doubles_nothing(
    jobs_stage: JobsStage, make_topic: MakeTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new producer for want of a better one may only write where nobody else has written since the old one."""
    topic, plain = make_topic(config={"max.message.bytes": "400000"}), jobs_stage.plain
    plain.produce_many(topic, [b"x"] * 100)
    plain.produce(topic, os.urandom(300_000))
    plain.produce_many(topic, [b"x"] * 400)
    plain.set_config(topic, {"max.message.bytes": "200000"})
    slept: list[str] = []
    take_over = Ownership._take_over
    job = await jobs_stage.make(topic)
    loop = asyncio.get_running_loop()

    def sleep_before_a_second_producer(self: Ownership, batch_bytes: int) -> Any:
        if self._transactions is not None and not slept:
            slept.append(self._name)
            preparing, problems = CopyPreparer(self._config, self._rules), ProblemReporter(self._config)
            shared = Shared(preparing, ReadAhead(256), problems)
            other = PartitionOwner(self._config, self._partition, shared)
            other.start()
            asyncio.run_coroutine_threadsafe(jobs_stage.finished(job), loop).result(40)
            other.stop()
            other.join()
            try:
                return take_over(self, batch_bytes)
            except RestartOwnership:
                slept.append("noticed")
                raise
        return take_over(self, batch_bytes)

    monkeypatch.setattr(Ownership, "_take_over", sleep_before_a_second_producer)
    jobs_stage.worker(batch_records=200)

    async def noticed() -> bool:
        return "noticed" in slept

    await eventually(noticed, seconds=60)
    assert (await jobs_stage.finished(job)).progress.counts == counted(resent=500, failed=1)
    assert len(jobs_stage.copies(topic, 501)) == 500


async def test_job_of_a_newer_version_is_left_alone(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """It stays pending and says why; the jobs beside it run."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce_many(topic, [b"x"] * 10)
    jobs_stage.make_store(1)
    jobs_stage.worker()
    first = await jobs_stage.run(topic)
    assert first.plan is not None
    newer = replace(first.plan, job_id="0-" + "ab" * 12)
    content = json.loads(encode_plan(newer)) | {"format": 2}
    plain.produce(jobs_stage.config.jobs.topic, json.dumps(content).encode(), f"{newer.job_id}/request".encode())
    assert (await jobs_stage.run(topic, offsets={0: (0, 10)})).progress.counts.resent == 10
    left = await jobs_stage.cluster.jobs.get(newer.job_id)
    assert (left.state, left.unsupported_reason) == ("pending", "its format is 2, not 1")


async def test_unexpected_error_of_one_job_ends_it_alone(
    jobs_stage: JobsStage, make_topic: MakeTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody has thought of fails that job with a reason, and holds up no other one of its partition."""
    topic, odd, plain = make_topic(), make_topic(), jobs_stage.plain
    for name in (topic, odd):
        plain.produce_many(name, [b"x"] * 10)
    judge = Plan.judge

    def fail_for_odd(self: Plan, *arguments: Any, **named: Any) -> Outcome:
        if self.topic == odd:
            raise ZeroDivisionError
        return judge(self, *arguments, **named)

    monkeypatch.setattr(Plan, "judge", fail_for_odd)
    jobs_stage.make_store(1)
    jobs_stage.worker()
    failing = await jobs_stage.make(odd)
    assert (await jobs_stage.run(topic)).state == "succeeded"
    ended = await jobs_stage.finished(failing)
    assert (ended.state, ended.progress.counts) == ("failed", Counts())
    assert ended.progress.reason == "an unexpected ZeroDivisionError, 3 times; the worker's log has more"


async def test_finished_jobs_are_removed_after_their_time(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """All their records go at once; those that have not ended stay, however old."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce_many(topic, [b"x"] * 100)
    jobs_stage.make_store(1)
    jobs_stage.worker(retention_seconds=1)
    slow = await jobs_stage.make(topic, records_per_second=1)
    done = await jobs_stage.run(topic)
    cancelled = await jobs_stage.make(topic, records_per_second=1)
    await jobs_stage.cluster.jobs.cancel(cancelled.job_id)

    async def removed() -> bool:
        return {job.job_id for job in await jobs_stage.cluster.jobs.known()} == {slow.job_id}

    await eventually(removed, seconds=20)
    for job in (done, cancelled):
        with pytest.raises(JobMissing):
            await jobs_stage.get(job)
    assert (await jobs_stage.get(slow)).state == "running"
    latest = {seen.key: seen.value for seen in plain.log(jobs_stage.config.jobs.topic, 0, "read_committed")}
    assert {latest[f"{job.job_id}/{kind}".encode()] for job in (done, cancelled) for kind in KINDS} == {None}


async def test_ten_thousand_finished_jobs_are_there_soon(jobs_stage: JobsStage) -> None:
    """A process that starts knows all jobs in little more time than it takes to read their records, and lists them."""
    jobs_stage.make_store(3)
    store = jobs_stage.config.jobs.topic
    producer = Producer({"bootstrap.servers": jobs_stage.plain.bootstrap, "linger.ms": 20})
    done = encode_progress(
        Progress("succeeded", {0: 100}, counted(100), started_at_ms=1, updated_at_ms=2, ended_at_ms=2)
    )
    for number in range(10_000):
        job_id = new_job_id(3)
        plan = Plan(
            job_id=job_id,
            instance="test",
            project="project",
            created_by="me",
            created_at_ms=number,
            topic="topic",
            topic_id=uuid.uuid4().hex,
            spans=(OffsetRange(0, 0, 100),),
        )
        partition = partition_of(job_id)
        for kind, value in (("request", encode_plan(plan)), ("plan", encode_plan(plan)), ("state", done)):
            producer.produce(store, value, f"{job_id}/{kind}", partition)
        producer.poll(0)
    assert producer.flush(30) == 0
    # Of the processor, which other work on the machine does not make longer.
    begun = time.process_time()
    read = [seen for partition in range(3) for seen in jobs_stage.plain.log(store, partition)]
    reading_seconds = time.process_time() - begun
    assert len(read) == 30_000
    begun = time.process_time()
    cluster = Cluster(jobs_stage.config)
    await cluster.open()
    try:

        async def all_known() -> bool:
            return len(await cluster.jobs.known()) == 10_000

        await eventually(all_known, seconds=30)
        seconds = time.process_time() - begun
        # Figures for an operator who runs it with -s.
        sys.stdout.write(f"\n10,000 jobs known after {seconds:.2f} s; their records read in {reading_seconds:.2f} s\n")
        assert seconds < 1 + 10 * reading_seconds
        listed = time.process_time()
        assert (await cluster.jobs.known())[0].plan is not None
        assert time.process_time() - listed < 1 + reading_seconds
    finally:
        await cluster.close()


async def test_job_that_waits_for_its_rate_holds_nothing_meanwhile(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """Of 20 jobs for which the memory suffices eight at a time, each has its first record, although none ends."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce_many(topic, [b"x"] * 10)
    jobs_stage.make_store(1)
    jobs = [await jobs_stage.make(topic, records_per_second=0.001) for _ in range(20)]
    jobs_stage.worker(read_ahead_mb=64)
    for job in jobs:
        await jobs_stage.resent(job, 1)
    assert [(await jobs_stage.get(job)).progress.counts.resent for job in jobs] == [1] * 20


async def test_job_that_waits_says_for_what(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """For a worker; for a transaction that is open in the topic; for its turn; and for nothing once it has ended."""
    topic, plain, jobs = make_topic(), jobs_stage.plain, jobs_stage.cluster.jobs
    transaction = plain.transaction(topic, 0, [b"open"], "open")
    jobs_stage.make_store(1)
    first = await jobs_stage.make(topic)
    assert jobs.waits_for(first) == "a worker: none is there for its partition of the job store"
    jobs_stage.worker(read_ahead_mb=64)

    async def behind_the_transaction() -> bool:
        said = jobs.waits_for(await jobs_stage.get(first))
        return said == f"records of topic {topic!r}: a transaction there may still be open"

    await eventually(behind_the_transaction, seconds=60)
    second = await jobs_stage.make(topic)

    async def its_turn() -> bool:
        said = [jobs.waits_for(await jobs_stage.get(job)) or "" for job in (first, second)]
        return any(words.startswith("its turn: ") for words in said)

    await eventually(its_turn, seconds=60)
    transaction.commit()
    ended = [await jobs_stage.finished(job) for job in (first, second)]
    assert [jobs.waits_for(job) for job in ended] == [None, None]


async def test_instances_on_one_cluster_have_their_jobs_run_by_their_own_policies(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """One worker runs both instances' jobs: of the read-only one only dry runs, and strangers' are left alone."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce_many(topic, [b"x"] * 10)
    jobs_stage.make_store(1)
    stopped = Event()
    policies = {"test": ResendPolicy(), "read-only": ResendPolicy(read_only=True)}
    worker = Thread(target=JobsWorker(jobs_stage.config, policies).run, args=(stopped,))
    worker.start()
    try:
        first = await jobs_stage.run(topic)
        assert first.plan is not None
        for number, (instance, dry_run) in enumerate([("read-only", False), ("stranger", True), ("read-only", True)]):
            plan = replace(first.plan, job_id=f"0-{number:024x}", instance=instance, dry_run=dry_run)
            key = f"{plan.job_id}/request".encode()
            plain.produce(jobs_stage.config.jobs.topic, encode_plan(plan), key)
        # Whatever is before it has had its turn when this one ends.
        assert (await jobs_stage.run(topic, offsets={0: (0, 10)})).state == "succeeded"
    finally:
        stopped.set()
        worker.join()
    tail = StoreTail(jobs_stage.config, "test", [0])
    while tail.next_offsets[0] < plain.high_watermark(jobs_stage.config.jobs.topic, 0):
        tail.read(0.1)
    states = [tail.jobs[f"0-{number:024x}"].state for number in range(3)]
    tail.close()
    assert states == ["pending", "pending", "succeeded"]


@pytest.mark.parametrize(
    ("config", "command"),
    [
        ({"cleanup.policy": "delete"}, "cleanup.policy=compact"),
        ({"cleanup.policy": "compact,delete"}, "cleanup.policy=compact"),
        (
            {"cleanup.policy": "compact", "unclean.leader.election.enable": "true"},
            "unclean.leader.election.enable=false",
        ),
    ],
)
async def test_unfit_store_is_refused_with_the_command_that_mends_it(
    jobs_stage: JobsStage, config: dict[str, str], command: str
) -> None:
    """A store that would lose jobs is not used; the operator is told what to run."""
    name = jobs_stage.config.jobs.topic
    jobs_stage.plain.create_topic(name, 3, config)
    with pytest.raises(StoreUnfit) as caught:
        ensure_store(Admin(jobs_stage.config), jobs_stage.config)
    assert f"kafka-configs.sh --alter --entity-type topics --entity-name {name} --add-config {command}" in str(
        caught.value
    )
