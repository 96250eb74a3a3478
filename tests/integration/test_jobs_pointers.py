"""Dead letters that point to their records, as brokers write them for share groups: jobs resend these records."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Iterable

import pytest
from confluent_kafka import AcknowledgeType, Message
from msgspec import structs

from kafka.client.messages import record_of
from kafka.jobs.job import Job
from kafka.jobs.worker import pointed
from kafka.model.errors import HeaderNameNotUtf8
from kafka.model.records import Header, Position, Record
from kafka.redrive.target import Target
from tests.support.brokers import Broker
from tests.support.jobs import JobsStage, counted, everybody
from tests.support.plain import PlainClient
from tests.support.share_groups import dead_letter_to, take
from tests.support.topics import MakeTopic

POINTERS = Target("share-group", by_operator=False, remove_headers=True)
AUTO = structs.replace(POINTERS, dialect="auto")


def pointer(topic: str, partition: int, offset: int | str, group: bytes = b"workers") -> list[Header]:
    """Return the headers of a dead letter that points to a record."""
    return [
        ("__dlq.errors.topic", topic.encode()),
        ("__dlq.errors.partition", b"%d" % partition),
        ("__dlq.errors.offset", str(offset).encode()),
        ("__dlq.errors.group", group),
        ("__dlq.errors.delivery.count", b"1"),
    ]


def reasons(job: Job) -> dict[int, str]:
    """Return why letters were not redriven, by their offsets in partition 0."""
    return {failure.offset: failure.reason for failure in job.progress.failures}


def point(plain: PlainClient, dead: str, letters: Iterable[list[Header]]) -> None:
    for headers in letters:
        plain.produce(dead, None, None, headers)


@pytest.mark.parametrize("target", [POINTERS, AUTO], ids=["share-group", "auto"])
async def test_records_that_letters_point_to_are_resent_with_their_own_headers(
    jobs_stage: JobsStage, make_topic: MakeTopic, target: Target
) -> None:
    """Whatever the order of the letters: to the partition that they name, byte for byte, in the letters' order."""
    dead, topic, plain = make_topic(2), make_topic(3), jobs_stage.plain
    written: list[tuple[int, int]] = []
    for number in range(300):
        partition = number % 3
        headers = [("h", b"%d" % number), ("__dlq.errors.topic", b"own"), ("none", None)]
        plain.produce(topic, b"v%d" % number, b"k%d" % number, headers, partition=partition)
        written.append((partition, number // 3))
    # Each second one, from the ends to the middle: neither order is that of the offsets.
    chosen = [written[number if number % 4 else -number - 1] for number in range(0, 300, 2)]
    for number, (partition, offset) in enumerate(chosen):
        plain.produce(dead, None, None, pointer(topic, partition, offset), partition=number % 2)
    jobs_stage.worker(everybody)

    job = await jobs_stage.run(dead, target=target, consumer_key="workers")

    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=150))
    for partition in range(3):
        log = plain.log(topic, partition, "read_committed")
        originals, copies = log[:100], log[100:]
        expected = Counter(offset for number, offset in chosen if number == partition)
        assert expected == Counter(_number(copy.value) // 3 for copy in copies)
        for copy in copies:
            original = originals[_number(copy.value) // 3]
            assert (copy.key, copy.value, copy.timestamp_ms) == (original.key, original.value, original.timestamp_ms)
            assert copy.headers == (*original.headers, ("consumer_key", b"workers"))


def _number(value: bytes | None) -> int:
    return int((value or b"")[1:])


async def test_letter_without_a_record_is_listed_with_the_reason(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """What retention has taken, holes, ends, foreign and hostile places: each a failure, and the others are resent."""
    dead, topic, plain = make_topic(), make_topic(2), jobs_stage.plain
    for number in range(10):
        plain.produce(topic, b"v%d" % number)
    plain.delete_records(topic, 0, 4)
    letters = [
        pointer(topic, 0, 3),
        pointer(topic, 0, 4),
        pointer(topic, 0, 10),
        pointer(topic, 0, 99),
        pointer(topic, 1, 0),
        pointer(topic, 2, 0),
        pointer("nowhere-to-be-found", 0, 0),
        pointer("__consumer_offsets", 0, 0),
        pointer(topic, 0, "9" * 19),
        pointer(topic, 0, "9" * 30),
        pointer(topic, 0, "-1"),
        [header for header in pointer(topic, 0, 5) if "offset" not in header[0]],
        [*pointer(topic, 0, 5), ("__dlq.errors.offset", b"6")],
        pointer(topic, 0, 9),
        pointer(topic, 0, 0),
    ]
    point(plain, dead, letters)
    jobs_stage.worker(everybody)

    job = await jobs_stage.run(dead, target=POINTERS)

    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=2, failed=13))
    found = reasons(job)
    assert [copy.value for copy in plain.log(topic, 0, "read_committed")][-2:] == [b"v4", b"v9"]
    assert all("log starts at 4" in found[offset] or "is gone" in found[offset] for offset in (0, 14)), found
    assert "partition 2" in found[5]
    assert all("offset" in found[offset] for offset in (9, 10, 11, 12)), found
    assert {*range(15)} - {1, 13} == found.keys()


async def test_each_copy_is_for_the_share_group_that_rejected_its_record(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """Two groups have rejected the same record: it goes back to each."""
    dead, topic, plain = make_topic(), make_topic(), jobs_stage.plain
    plain.produce(topic, b"v0", headers=[("h", b"1"), ("consumer_key", b"other")])
    point(plain, dead, [pointer(topic, 0, 0, b"billing"), pointer(topic, 0, 0, b"shipping")])
    jobs_stage.worker(everybody)

    job = await jobs_stage.run(dead, target=structs.replace(AUTO, group_as_recipient=True))

    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=2))
    assert [copy.headers for copy in plain.log(topic, 0, "read_committed")][1:] == [
        (("h", b"1"), ("consumer_key", b"billing")),
        (("h", b"1"), ("consumer_key", b"shipping")),
    ]


async def test_large_records_behind_small_letters_are_held_a_few_at_once(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """The letters say nothing of how large the records are; all arrive."""
    dead, topic, plain = make_topic(), make_topic(), jobs_stage.plain
    for number in range(60):
        plain.produce(topic, bytes([number]) * 700_000)
    point(plain, dead, [pointer(topic, 0, number) for number in range(60)])
    jobs_stage.worker(everybody)

    job = await jobs_stage.run(dead, target=POINTERS)

    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=60))
    assert [(copy.value or b"")[:1] for copy in plain.log(topic, 0, "read_committed")[60:]] == [
        bytes([number]) for number in range(60)
    ]


async def test_records_between_those_that_letters_point_to_are_not_kept(
    jobs_stage: JobsStage, make_topic: MakeTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are read on the way, and there may be a thousand for each letter; some letters are beyond such a gap."""
    dead, topic, plain = make_topic(), make_topic(), jobs_stage.plain
    plain.produce_many(topic, (b"%d" % number for number in range(5000)))
    chosen = [0, 3, 900, 1899, 4999]
    point(plain, dead, [pointer(topic, 0, number) for number in reversed(chosen)])
    kept: list[int] = []

    def noting(message: Message, position: Position) -> tuple[Record, HeaderNameNotUtf8 | None]:
        kept.append(position.offset)
        return record_of(message, position)

    monkeypatch.setattr(pointed, "record_of", noting)
    jobs_stage.worker(everybody)

    job = await jobs_stage.run(dead, target=POINTERS)

    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=5))
    assert [copy.value for copy in plain.log(topic, 0, "read_committed", 5000)] == [b"%d" % n for n in chosen[::-1]]
    assert sorted(kept) == chosen


async def test_dry_run_follows_pointers_and_writes_nothing(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """What it says would be resent is what a job resends."""
    dead, topic, plain = make_topic(), make_topic(), jobs_stage.plain
    plain.produce(topic, b"v0")
    point(plain, dead, [pointer(topic, 0, 0), pointer(topic, 0, 7)])
    jobs_stage.worker(everybody)

    job = await jobs_stage.run(dead, target=AUTO, dry_run=True)

    report = job.progress.report
    assert report is not None
    assert (sum(report.would_resend.values()), report.targets, report.dialects) == (
        1,
        {topic: 1},
        {"share-group": 1},
    )
    assert (job.progress.counts.failed, plain.high_watermark(topic, 0)) == (1, 1)


async def test_what_a_share_group_rejected_is_redriven_and_processed(
    jobs_stage: JobsStage, broker: Broker, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A real share consumer rejects records, the broker writes letters, and the copies are accepted."""
    if broker.version < "4.4":
        pytest.skip(f"Apache Kafka {broker.version} writes no dead letters for share groups")
    group, topic = f"share-{uuid.uuid4().hex[:8]}", make_topic()
    dead = f"dlq.{topic}"
    plain.create_topic(dead, 1)
    for number in range(40):
        plain.produce(topic, b"%d" % number, b"k%d" % number, [("h", b"%d" % number)])
    await asyncio.to_thread(dead_letter_to, broker.bootstrap, group, dead)
    taken: list[bytes] = []

    def reject_each_fourth(message: Message) -> AcknowledgeType:
        taken.append(message.value() or b"")
        return AcknowledgeType.REJECT if int(message.value() or b"") % 4 == 0 else AcknowledgeType.ACCEPT

    await asyncio.to_thread(
        take,
        broker.bootstrap,
        group,
        topic,
        reject_each_fourth,
        lambda: len(taken) >= 40 and plain.high_watermark(dead, 0) >= 10,
    )
    jobs_stage.worker(everybody)

    job = await jobs_stage.run(dead, target=structs.replace(AUTO, group_as_recipient=True))

    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=10))
    copies = plain.log(topic, 0, "read_committed", 40)
    assert [(copy.value, copy.headers) for copy in copies] == [
        (b"%d" % number, (("h", b"%d" % number), ("consumer_key", group.encode()))) for number in range(0, 40, 4)
    ]
    processed: list[tuple[str, bytes | None]] = []

    def accept(message: Message) -> AcknowledgeType:
        name, _ = list(message.headers() or ())[-1]
        processed.append((str(name), message.value()))
        return AcknowledgeType.ACCEPT

    await asyncio.to_thread(take, broker.bootstrap, group, topic, accept, lambda: len(processed) >= 10)
    assert processed == [("consumer_key", b"%d" % number) for number in range(0, 40, 4)]
    plain.delete_topic(dead)
