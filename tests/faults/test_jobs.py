"""Jobs while their workers are killed: every selected record once, for consumers of committed records."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Event, Thread

import pytest
from confluent_kafka import Consumer, TopicPartition
from msgspec import structs

from kafka.cluster import Cluster
from kafka.jobs.job import Job
from kafka.model.errors import ClusterUnavailable, DeadlineExceeded
from kafka.model.records import Header
from kafka.redrive.target import Target
from tests.support.brokers import ControlledBroker, new_broker
from tests.support.job_worker import POINTS, config_of
from tests.support.jobs import counted, spec
from tests.support.plain import PlainClient
from tests.support.three_brokers import BrokerCluster
from tests.support.worker import eventually

LONG = "TEST_LONG_FAULTS" in os.environ
JOBS = 8
PARTITIONS = 4
RECORDS = (62_500 if LONG else 12_500) // PARTITIONS
"""In each partition; each job resends them all."""
ROUNDS = 14 if LONG else 4
POINTERS = Target("share-group", by_operator=True, remove_headers=True)
BROKER_KILLS = 5 if LONG else 1
RATE = 350 if LONG else 250


class Workers:
    """Worker processes.

    Args:
        bootstrap: the brokers.
        name: of store, group and transactional ids.
        log: where they log to.

    Attributes:
        kills: how many were killed, or have killed themselves at a point.
    """

    def __init__(self, bootstrap: str, name: str, log: Path) -> None:
        self._command = [sys.executable, "-m", "tests.support.job_worker", bootstrap, name]
        self._log = log
        self._all: list[subprocess.Popen[bytes]] = []
        self._hanging: list[subprocess.Popen[bytes]] = []
        self._healthy: list[subprocess.Popen[bytes]] = []
        self.kills = 0

    def start(self, point: str = "") -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            process = subprocess.Popen([*self._command, *([point] if point else [])], stdout=log, stderr=log)
        self._all.append(process)
        if not point:
            self._healthy.append(process)
        return process

    def kill_all_but_one(self, choose: random.Random) -> None:
        # With more workers than the store has partitions, the one that is to end itself might get none of these.
        while len(self._healthy) > 1:
            victim = self._healthy.pop(choose.randrange(len(self._healthy)))
            victim.kill()
            self.kills += 1

    def hang_one(self, choose: random.Random) -> None:
        victim = self._healthy.pop(choose.randrange(len(self._healthy)))
        victim.send_signal(signal.SIGSTOP)
        self._hanging.append(victim)

    def wake_all(self) -> None:
        for process in self._hanging:
            process.send_signal(signal.SIGCONT)
        self._healthy += self._hanging
        self._hanging = []

    def end(self) -> None:
        for process in self._all:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait(30)


class Watcher(Thread):
    """A live consumer of committed records, which notes how long nothing came."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(daemon=True)
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "watcher", "log_level": 0})
        self._stopped = Event()
        self.waits: list[tuple[float, float]] = []
        self._consumer.assign([TopicPartition("topic", partition, RECORDS) for partition in range(PARTITIONS)])

    def run(self) -> None:
        # Of each partition: one that is held up must not be hidden by the others.
        last: dict[int, float] = {}
        while not self._stopped.is_set():
            for message in self._consumer.consume(1000, 0.05):
                if message.error() is None:
                    now, partition = time.monotonic(), message.partition() or 0
                    self.waits.append((last.get(partition, now), now))
                    last[partition] = now
        self._consumer.close()

    def longest(self, until: float) -> float:
        """Return the longest time, in seconds, of those that ended before that moment."""
        return max((end - begin for begin, end in self.waits if end < until), default=0.0)

    def stop(self) -> None:
        self._stopped.set()
        self.join(30)


@pytest.fixture
def brokers() -> Iterator[tuple[str, list[ControlledBroker]]]:
    """The brokers' address, and those that may be killed: one in the short version, three in the long one."""
    if LONG:
        cluster = BrokerCluster()
        try:
            cluster.start()
            yield cluster.bootstrap, cluster.brokers
        finally:
            cluster.remove()
        return
    broker = new_broker()
    try:
        broker.start()
        yield broker.bootstrap, [broker]
    finally:
        broker.remove()


class Jobs:
    """Long jobs that are to survive, redrives of pointers and guarded ones among them, and small ones beside them.

    Args:
        cluster: the service's side.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._last_small = 0.0
        self.long: list[Job] = []
        self.small: list[Job] = []

    async def make_long(self) -> None:
        spans = dict.fromkeys(range(PARTITIONS), (0, RECORDS))
        for number in range(JOBS):
            asked = spec("topic", offsets=spans, consumer_key=f"{number}", records_per_second=RATE)
            if number % 4 == 1:
                # Its letters point to the records of the others.
                asked = structs.replace(asked, topic="dlq.topic", target=POINTERS, provenance=True)
            if number % 4 == 2:
                asked = structs.replace(asked, provenance=True, max_resends=1)
            self.long.append(await self._cluster.jobs.make(asked))

    async def make_small(self) -> None:
        """Make one more, at most two in a second, so that a worker that waits for something to do gets it."""
        if time.monotonic() - self._last_small > 0.5:
            self._last_small = time.monotonic()
            spans = dict.fromkeys(range(PARTITIONS), (0, 1))
            asked = spec("topic", offsets=spans, consumer_key="small")
            with suppress(ClusterUnavailable):
                self.small.append(await self._cluster.jobs.make(asked))

    async def now(self) -> list[Job]:
        """Return the long ones as they are."""
        return [await self._get(job) for job in self.long]

    async def _get(self, job: Job) -> Job:
        found: list[Job] = []

        async def answered() -> bool:
            # A broker that was killed is not found again at once.
            with suppress(ClusterUnavailable, DeadlineExceeded):
                found.append(await self._cluster.jobs.get(job.job_id))
            return bool(found)

        await eventually(answered, seconds=60)
        return found[0]

    async def go_on(self) -> None:
        """Wait until one has resent more than now."""
        before = await self.now()
        assert not all(job.over for job in before), "each fault is to fall into a running job"

        async def gone_on() -> bool:
            return any(
                job.over or job.progress.counts.resent > earlier.progress.counts.resent
                for job, earlier in zip(await self.now(), before, strict=True)
            )

        await eventually(gone_on, seconds=90)

    async def end(self) -> list[Job]:
        """Wait for the end of all; return the long ones, then the small ones."""
        for job in [*self.long, *self.small]:

            async def over(job: Job = job) -> bool:
                return (await self._get(job)).over

            await eventually(over, seconds=900 if LONG else 150)
        return [*await self.now(), *[await self._get(job) for job in self.small]]


async def do_harm(jobs: Jobs, workers: Workers, killable: list[ControlledBroker]) -> list[float]:
    """Kill and hang workers and kill brokers, round by round; return when brokers were killed."""
    choose = random.Random(7)  # noqa: S311 the same faults every time
    broker_kills: list[float] = []
    for number in range(ROUNDS):
        await jobs.go_on()
        workers.wake_all()
        dying = workers.start(POINTS[number % len(POINTS)])
        if number % 3 == 1:
            workers.hang_one(choose)
        else:
            workers.kill_all_but_one(choose)
        workers.start()

        async def dead(dying: subprocess.Popen[bytes] = dying) -> bool:
            await jobs.make_small()
            return dying.poll() is not None

        await eventually(dead, seconds=90)
        assert dying.returncode == -signal.SIGKILL
        workers.kills += 1
        if number >= ROUNDS - BROKER_KILLS:
            broker = choose.choice(killable)
            broker_kills.append(time.monotonic())
            await asyncio.to_thread(broker.kill)
            await asyncio.to_thread(broker.start)
    workers.wake_all()
    return broker_kills


def judge(plain: PlainClient, small_jobs: int) -> int:
    """Compare what an independent consumer of committed records sees; return what one of all records sees besides."""
    values = [f"{number}".encode() for number in range(RECORDS)]
    besides = 0
    for partition in range(PARTITIONS):
        seen = plain.log("topic", partition, "read_committed", RECORDS)
        by_job: dict[bytes | None, list[bytes | None]] = {}
        for record in seen:
            recipient = record.headers[-1][1]
            by_job.setdefault(recipient, []).append(record.value)
            marked = recipient != b"small" and int(recipient or b"0") % 4 in {1, 2}
            origin = f"topic/{partition}@{(record.value or b'').decode()}".encode()
            assert record.headers[:-3] == ((("resend.origin", origin), ("resend.count", b"1")) if marked else ())
        assert by_job.pop(b"small", []) == [b"0"] * small_jobs
        # Nothing missing, nothing twice, and in their order.
        assert by_job == {f"{number}".encode(): values for number in range(JOBS)}
        besides += len(plain.log("topic", partition, "read_uncommitted", RECORDS)) - len(seen)
    return besides


@pytest.mark.timeout(1800 if LONG else 480)
async def test_kills_of_workers_and_brokers_lose_and_double_nothing(
    brokers: tuple[str, list[ControlledBroker]], tmp_path: Path
) -> None:
    """Killed at random moments and at named points, hanging, and beside brokers that are killed: each record once."""
    bootstrap, killable = brokers
    plain = PlainClient(bootstrap)
    await asyncio.to_thread(fill, plain)
    name, log = f"jobs-{uuid.uuid4().hex[:8]}", tmp_path / "workers.log"
    workers = Workers(bootstrap, name, log)
    watcher = Watcher(bootstrap)
    cluster = Cluster(config_of(bootstrap, name))
    await cluster.open()
    jobs = Jobs(cluster)
    begun = time.monotonic()
    try:
        await jobs.make_long()
        watcher.start()
        for _ in range(2):
            workers.start()
        broker_kills = await do_harm(jobs, workers, killable)
        done = await jobs.end()
        ended = time.monotonic()
    finally:
        workers.end()
        watcher.stop()
        await cluster.close()
        said = log.read_text(errors="replace")
    total = PARTITIONS * RECORDS
    assert {job.state for job in done} == {"succeeded"}
    assert [job.progress.counts for job in done[:JOBS]] == [counted(resent=total)] * JOBS
    besides = await asyncio.to_thread(judge, plain, len(jobs.small))
    await asyncio.to_thread(judge_copies, plain, done[:JOBS])
    assert "Traceback" not in said, said[-5000:]
    # Figures, with -s.
    sys.stdout.write(
        f"\n{JOBS * total} copies in {ended - begun:.0f} s, {workers.kills} kills of workers, {len(broker_kills)} of "
        f"brokers; read_uncommitted saw {besides} records besides; a live read_committed consumer waited for a "
        f"partition at most {watcher.longest(broker_kills[0]):.1f} s while workers were killed, and "
        f"{watcher.longest(ended):.1f} s while brokers were, too\n"
    )
    assert workers.kills >= (20 if LONG else 7)


def judge_copies(plain: PlainClient, jobs: list[Job]) -> None:
    """Compare what the progress of jobs says of where their copies are with what an independent consumer sees."""
    for partition in range(PARTITIONS):
        offsets: dict[bytes | None, list[int]] = {}
        for record in plain.log("topic", partition, "read_committed", RECORDS):
            offsets.setdefault(record.headers[-1][1], []).append(record.offset)
        for number, job in enumerate(jobs):
            found = job.progress.copies["topic"][partition]
            seen = offsets[f"{number}".encode()]
            # The broker may not have told some of the offsets, see kafka.jobs.copy_runs: of those the last may be.
            assert found.count == len(seen) == RECORDS
            if not found.unplaced:
                assert (found.runs[0].first, found.runs[-1].last) == (seen[0], seen[-1])
                assert found.before(seen[-1] + 1) == (RECORDS, RECORDS)
            for passed, offset in enumerate(seen):
                least, most = found.before(offset)
                assert least <= passed <= most


def fill(plain: PlainClient) -> None:
    plain.create_internal_topics()
    plain.create_topic("topic", PARTITIONS)
    for partition in range(PARTITIONS):
        plain.produce_many("topic", (f"{number}".encode() for number in range(RECORDS)), partition=partition)
    plain.create_topic("dlq.topic", PARTITIONS)
    for partition in range(PARTITIONS):
        # Brokers write them in the partition of their records, mostly in the order of these.
        letters = partial(pointer, partition)
        plain.produce_many("dlq.topic", itertools.repeat(b"", RECORDS), partition=partition, headers_of=letters)


def pointer(partition: int, offset: int) -> Iterable[Header]:
    return [
        ("__dlq.errors.topic", b"topic"),
        ("__dlq.errors.partition", b"%d" % partition),
        ("__dlq.errors.offset", b"%d" % offset),
    ]
