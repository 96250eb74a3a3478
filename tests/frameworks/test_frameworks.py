"""Dead letters that frameworks have written themselves: grouped, and resent by jobs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest

from kafka.model.records import CONSUMER_KEY, Header
from kafka.redrive.dead_letters import DeadLetter
from kafka.redrive.target import Target
from kafka.search.selection import DeadLettersQuery
from tests.support.brokers import Broker
from tests.support.frameworks import Program, build
from tests.support.jobs import JobsStage, counted, everybody
from tests.support.plain import PlainClient, Seen
from tests.support.topics import MakeTopic
from tests.support.worker import eventually

# The first one waits for Maven, which may have everything to download.
pytestmark = pytest.mark.timeout(300)

PARTITIONS = 3
HOUR_AGO_MS = time.time_ns() // 1_000_000 - 3_600_000
OWN: list[Header] = [("h", b"1"), ("h", b""), ("none", None), ("ä", b"\xff\x00"), ("h", b"2")]
PROVENANCE = ("resend.origin", "resend.count", "resend.job", "resend.at")

UNPROCESSED, UNREADABLE_KEY, UNREADABLE_VALUE = "unprocessed", "unreadable key", "unreadable value"
RECORDS: list[tuple[str | None, int, bytes | None, bytes | None]] = [
    (None, 0, b"a", b"fine"),
    (UNPROCESSED, 1, b"fail", b"first"),
    (UNREADABLE_VALUE, 2, b"b", b"unreadable"),
    (None, 1, None, None),
    (UNPROCESSED, 1, b"fail", None),
    (UNREADABLE_KEY, 2, b"unreadable", b"value"),
    (UNREADABLE_VALUE, 0, None, b"unreadable"),
    (UNPROCESSED, 0, b"fail", b"\x00\xff"),
    (None, 2, b"fine", b""),
]
"""What is wrong with each, its partition, key and value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """One that writes dead letters.

    Attributes:
        module: of the Maven project.
        program: the class that is started.
        dialect: in which its dead letters are.
        reasons: the class that these name, by what is wrong with a record; such records only are written.
        dead: pattern of the name of the dead-letter topic.
        more: patterns of the names of other topics that it needs.
        group: whether dead letters name the consumer group, or what stands for it.
        timestamp: whether dead letters have that of their record, or the time of the failure.
    """

    module: str
    program: str
    dialect: str
    reasons: Mapping[str, str]
    dead: str = "{origin}-dlt"
    more: tuple[str, ...] = ()
    group: bool = True
    timestamp: bool = False

    def __str__(self) -> str:
        return f"{self.module}-{self.program}"


_SPRING_REASONS = {
    UNPROCESSED: "java.lang.IllegalStateException",
    UNREADABLE_KEY: "org.springframework.kafka.support.serializer.DeserializationException",
    UNREADABLE_VALUE: "org.springframework.kafka.support.serializer.DeserializationException",
}
_SPRING = [
    framework
    for module in ("spring-3", "spring-4")
    for framework in (
        Framework(module=module, program="Recoverer", dialect="spring", reasons=_SPRING_REASONS),
        Framework(
            module=module,
            program="RetriedTopic",
            dialect="spring-retry-topic",
            reasons=_SPRING_REASONS,
            more=("{origin}-retry",),
        ),
        Framework(
            module=module,
            program="CloudStream",
            dialect="spring-cloud-stream",
            # The binder reads bytes, any of them.
            reasons={UNPROCESSED: "java.lang.IllegalStateException"},
            dead="error.{origin}.{group}",
            group=False,
        ),
    )
]
_APACHE = [
    Framework(
        module="apache",
        program="Streams",
        dialect="streams",
        reasons={
            UNPROCESSED: "java.lang.IllegalStateException",
            UNREADABLE_KEY: "org.apache.kafka.common.errors.SerializationException",
            UNREADABLE_VALUE: "org.apache.kafka.common.errors.SerializationException",
        },
        group=False,
        timestamp=True,
    ),
    Framework(
        module="apache",
        program="Connect",
        dialect="connect",
        reasons={
            UNPROCESSED: "java.lang.IllegalStateException",
            UNREADABLE_KEY: "org.apache.kafka.connect.errors.DataException",
            UNREADABLE_VALUE: "org.apache.kafka.connect.errors.DataException",
        },
        timestamp=True,
    ),
]


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    """The programs, built."""
    build()


@pytest.mark.parametrize("framework", [*_SPRING, *_APACHE], ids=str)
async def test_letters_of_a_framework_go_back_as_their_records_were(
    framework: Framework, jobs_stage: JobsStage, make_topic: MakeTopic, broker: Broker, tmp_path: Path
) -> None:
    """Grouped by what they say; nothing that it has left goes back; when the copies fail again, they look the same."""
    plain = jobs_stage.plain
    origin = make_topic(PARTITIONS)
    group = f"billing-{origin}"
    dead = make_topic(PARTITIONS, name=framework.dead.format(origin=origin, group=group))
    for pattern in framework.more:
        make_topic(PARTITIONS, name=pattern.format(origin=origin))
    written = [record for record in RECORDS if record[0] is None or record[0] in framework.reasons]
    for _, partition, key, value in written:
        plain.produce(origin, value, key, OWN, partition=partition, timestamp_ms=HOUR_AGO_MS)
    wrong = [record for record in written if record[0] is not None]
    before = [plain.high_watermark(origin, partition) for partition in range(PARTITIONS)]
    program = Program(
        framework.module,
        framework.program,
        tmp_path / f"{framework}.log",
        bootstrap=broker.bootstrap,
        origin=origin,
        dead=dead,
        group=group,
    )

    async def failed(times: int) -> list[Seen]:
        async def there() -> bool:
            program.check()
            return len(log(plain, dead)) >= times * len(wrong)

        await eventually(there, 60)
        return log(plain, dead)

    with program:
        letters = await failed(1)
        assert all(letter.headers[: len(OWN)] == tuple(OWN) for letter in letters)
        assert all((letter.timestamp_ms == HOUR_AGO_MS) == framework.timestamp for letter in letters)
        said = Counter(
            DeadLetter(framework.dialect, origin, group if framework.group else None, framework.reasons[what])
            for what, *_ in wrong
            if what is not None
        )
        assert {each: (count, 0) for each, count in said.items()} == await grouped(jobs_stage, dead)

        jobs_stage.worker(everybody)
        target = Target("auto", by_operator=False, remove_headers=True, group_as_recipient=framework.group)
        recipient = None if framework.group else group
        dry = await jobs_stage.run(dead, target=target, consumer_key=recipient, dry_run=True)
        assert dry.progress.report is not None
        assert dry.progress.report.dialects == {framework.dialect: len(wrong)}
        assert dry.progress.report.targets == {origin: len(wrong)}
        job = await jobs_stage.run(dead, target=target, consumer_key=recipient, provenance=True)
        assert (job.state, job.progress.counts) == ("succeeded", counted(resent=len(wrong)))

        copies = log(plain, origin, before)
        assert Counter(record[1:] for record in wrong) == Counter(
            (copy.partition, copy.key, copy.value) for copy in copies
        )
        for copy in copies:
            assert copy.headers[: len(OWN)] == tuple(OWN)
            assert [name for name, _ in copy.headers[len(OWN) :]] == [*PROVENANCE, CONSUMER_KEY]
            assert copy.headers[-1] == (CONSUMER_KEY, group.encode())

        twice = await failed(2)
    assert {each: (2 * count, count) for each, count in said.items()} == await grouped(jobs_stage, dead)
    assert len(twice) == 2 * len(wrong)
    again = [letter for letter in twice if any(name == CONSUMER_KEY for name, _ in letter.headers)]
    assert Counter(names(letter) for letter in letters) == Counter(names(letter) for letter in again)
    assert all(("resend.count", b"1") in letter.headers for letter in again)


async def grouped(stage: JobsStage, dead: str) -> dict[DeadLetter, tuple[int, int]]:
    """Return how many dead letters each group has, and how many of them carry a consumer_key."""
    page = await stage.cluster.dead_letters(DeadLettersQuery(dead), None, Event())
    assert page.rest is None
    return {group.said: (group.count, group.already_resent) for group in page.grouped.groups}


def log(plain: PlainClient, topic: str, starts: list[int] | None = None) -> list[Seen]:
    """Return the records of all partitions, from these offsets on."""
    return [
        seen
        for partition in range(PARTITIONS)
        for seen in plain.log(topic, partition, "read_committed", starts[partition] if starts else None)
    ]


def names(letter: Seen) -> tuple[str, ...]:
    """Return the names of all headers but those that a job has added."""
    return tuple(name for name, _ in letter.headers if name not in {*PROVENANCE, CONSUMER_KEY})
