"""Jobs whose copies go where dead-letter records came from, on a real broker."""

from __future__ import annotations

import asyncio
import os
import struct
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import replace

import pytest
from confluent_kafka.admin import AclOperation
from msgspec import structs

from kafka.client.config import ClusterConfig
from kafka.jobs.job import Job
from kafka.jobs.plan import Plan
from kafka.jobs.worker.rules import Rules
from kafka.jobs.worker.targets import Targets
from kafka.metadata.kafka_metadata import KafkaMetadata
from kafka.metadata.topic import Topic
from kafka.model.copies import TimestampPolicy
from kafka.model.errors import AccessDenied, ClusterAway
from kafka.model.policy import ResendPolicy
from kafka.model.records import Header, OffsetRange, Position, Record, TimestampType
from kafka.redrive.dialects import Dialect
from kafka.redrive.known import Dialects
from kafka.redrive.target import Target
from tests.support.acls import Administrator, sasl
from tests.support.jobs import JobsStage, counted, everybody
from tests.support.topics import MakeTopic
from tests.support.worker import eventually

NOW_MS = time.time_ns() // 1_000_000
SPRING, CONNECT, AUTO = (
    Target(dialect, by_operator=False, remove_headers=False) for dialect in ("spring", "connect", "auto")
)


def from_spring(topic: str, partition: int = 0) -> list[Header]:
    """Return the headers of a record that Spring's recoverer has published."""
    return [
        ("kafka_dlt-exception-fqcn", b"org.springframework.kafka.listener.ListenerExecutionFailedException"),
        ("kafka_dlt-exception-message", b"boom"),
        ("kafka_dlt-original-topic", topic.encode()),
        ("kafka_dlt-original-partition", struct.pack(">i", partition)),
        ("kafka_dlt-original-offset", struct.pack(">q", 7)),
        ("kafka_dlt-original-timestamp", struct.pack(">q", NOW_MS)),
        ("kafka_dlt-original-timestamp-type", b"CreateTime"),
        ("kafka_dlt-original-consumer-group", b"billing"),
    ]


def from_connect(topic: str, partition: int = 0) -> list[Header]:
    """Return the headers of a record that Kafka Connect has reported."""
    return [
        ("__connect.errors.topic", topic.encode()),
        ("__connect.errors.partition", str(partition).encode()),
        ("__connect.errors.offset", b"7"),
        ("__connect.errors.connector.name", b"sink"),
        ("__connect.errors.exception.message", None),
    ]


def reasons(job: Job) -> dict[int, str]:
    """Return why records were not resent, by their offsets in partition 0."""
    return {failure.offset: failure.reason for failure in job.progress.failures}


@pytest.mark.parametrize(("target", "headers"), [(SPRING, from_spring), (CONNECT, from_connect), (AUTO, from_spring)])
@pytest.mark.parametrize("remove", [False, True])
async def test_dead_letters_go_back_to_the_partition_that_they_came_from(
    jobs_stage: JobsStage, make_topic: MakeTopic, target: Target, headers: object, *, remove: bool
) -> None:
    """Key, value, nulls, time and headers arrive; those of the origin too, unless they are to be left away."""
    assert callable(headers)
    dead, topic, plain = make_topic(2), make_topic(3), jobs_stage.plain
    own: list[Header] = [("h", None), ("h", b""), ("ä", b"\xff")]
    for partition, key in [(2, b"a"), (0, b"b"), (2, None)]:
        plain.produce(dead, None, key, [own[0], *headers(topic, partition), *own[1:]], partition=1, timestamp_ms=NOW_MS)
    jobs_stage.worker(everybody)
    job = await jobs_stage.run(dead, target=structs.replace(target, remove_headers=remove), consumer_key="billing")

    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=3))
    assert [len(plain.log(topic, partition, "read_committed")) for partition in range(3)] == [1, 0, 2]
    first, second = plain.log(topic, 2, "read_committed")
    kept = [] if remove else headers(topic, 2)
    expected = (own[0], *kept, *own[1:], ("consumer_key", b"billing"))
    assert (first.key, first.value, first.timestamp_ms, first.headers) == (b"a", None, NOW_MS, expected)
    assert (second.key, second.headers) == (None, expected)
    assert plain.high_watermark(dead, 1) == 3


async def test_two_targets_of_one_job_get_each_its_own(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """Also back to the dead-letter topic itself, which the job does not chase; a dry run says what goes where."""
    dead, one, other, plain = make_topic(), make_topic(), make_topic(2), jobs_stage.plain
    for number in range(30):
        name, partition = [(one, 0), (other, 1), (dead, 0)][number % 3]
        plain.produce(dead, f"{number}".encode(), headers=from_spring(name, partition))
    jobs_stage.worker(everybody, batch_records=7)
    dry = await jobs_stage.run(dead, target=SPRING, dry_run=True)
    assert dry.progress.report is not None
    assert dry.progress.report.dialects == {"spring": 30}
    assert (dry.state, dry.progress.report.targets) == ("succeeded", {one: 10, other: 10, dead: 10})
    assert [plain.high_watermark(name, 0) for name in (one, other, dead)] == [0, 0, 30]
    job = await jobs_stage.run(dead, target=SPRING)
    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=30))
    for place, (name, partition) in enumerate([(one, 0), (other, 1)]):
        seen = [seen.value for seen in plain.log(name, partition, "read_committed")]
        assert seen == [f"{number}".encode() for number in range(place, 30, 3)]
    assert len(jobs_stage.copies(dead, 30)) == 10


async def test_record_whose_origin_is_not_clear_is_listed_and_not_guessed(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """Headers that are missing, malformed, or say two things: each by its reason, in a dry run, too."""
    dead, topic, plain = make_topic(), make_topic(2), jobs_stage.plain
    good = from_spring(topic, 1)
    plain.produce(dead, b"good", headers=good)
    plain.produce(dead, b"none")
    plain.produce(dead, b"connect", headers=from_connect(topic, 1))
    plain.produce(dead, b"text", headers=[("kafka_dlt-original-partition", b"1"), good[2]])
    plain.produce(dead, b"other", headers=[*good, ("kafka_dlt-original-topic", b"other")])
    plain.produce(dead, b"twice", headers=[*good, *good])
    jobs_stage.worker(everybody)
    unclear = "where the record came from is not clear: it"
    expected = {
        1: f"{unclear} has no header kafka_dlt-original-topic",
        2: f"{unclear} has no header kafka_dlt-original-topic",
        3: f"{unclear}s header kafka_dlt-original-partition is not the number of a partition",
        4: f"{unclear} has several headers kafka_dlt-original-topic, which differ",
    }
    for dry_run in (True, False):
        job = await jobs_stage.run(dead, target=SPRING, dry_run=dry_run)
        assert (job.state, reasons(job)) == ("succeeded", expected)
    assert [seen.value for seen in plain.log(topic, 1, "read_committed")] == [b"good", b"twice"]


def from_retry_topic(topic: str, partition: int = 0, group: bytes = b"billing") -> list[Header]:
    """Return the headers of a record that has come through the topics of @RetryableTopic."""
    return [
        ("kafka_original-topic", topic.encode()),
        ("kafka_original-partition", struct.pack(">i", partition)),
        ("kafka_original-offset", struct.pack(">q", 7)),
        ("kafka_exception-fqcn", b"java.lang.IllegalStateException"),
        ("kafka_exception-stacktrace", b"at a.B.c"),
        ("kafka_dlt-original-consumer-group", group),
        ("retry_topic-attempts", struct.pack(">i", 4)),
        ("retry_topic-backoff-timestamp", struct.pack(">q", NOW_MS)),
        ("retry_topic-original-timestamp", struct.pack(">q", NOW_MS)),
    ]


def from_own_code(topic: str, partition: bytes) -> list[Header]:
    """Return the headers that applications of their own write."""
    return [("x-original-topic", topic.encode()), ("x-original-partition", partition), ("x-error", b"boom")]


async def test_dead_letters_of_every_kind_are_recognised_one_by_one(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """In one topic, by one job: each goes back without what its framework has left, and a dry run counts them."""
    dead, topic, plain = make_topic(), make_topic(2), jobs_stage.plain
    streams: list[Header] = [("__streams.errors.topic", topic.encode()), ("__streams.errors.partition", b"1")]
    cloud = [
        *from_own_code(topic, struct.pack(">i", 1))[:2],
        ("x-exception-fqcn", b"E"),
        ("x-exception-stacktrace", b"s"),
    ]
    legacy: list[Header] = [("dead-topic", topic.encode()), ("dead-partition", b"1"), ("dead-why", b"boom")]
    written = {
        "spring": from_spring(topic, 1),
        "spring-retry-topic": from_retry_topic(topic, 1),
        "spring-cloud-stream": cloud,
        "x-original": from_own_code(topic, b"1"),
        "connect": from_connect(topic, 1),
        "streams": streams,
        "legacy": legacy,
    }
    for name, headers in written.items():
        plain.produce(dead, name.encode(), headers=[("h", b"1"), *headers, ("h", b"2")])
    own = Dialect(name="legacy", writer="us", topic="dead-topic", partition="dead-partition", removes=("dead-*",))
    stage = replace(jobs_stage, config=replace(jobs_stage.config, dialects=Dialects((own,))))
    stage.worker(everybody)
    target = structs.replace(AUTO, remove_headers=True)
    dry = await stage.run(dead, target=target, dry_run=True)
    assert dry.progress.report is not None
    assert dry.progress.report.dialects == dict.fromkeys(written, 1)
    job = await stage.run(dead, target=target)
    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=7))
    seen = plain.log(topic, 1, "read_committed")
    assert [(each.value, each.headers) for each in seen] == [
        (name.encode(), (("h", b"1"), ("h", b"2"))) for name in written
    ]


async def test_partition_in_two_encodings_is_the_one_that_the_topic_has(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """Text or int32; four digits that the topic has neither of are refused, and the job continues."""
    dead, topic, plain = make_topic(), make_topic(3), jobs_stage.plain
    partitions = [b"2", struct.pack(">i", 2), b"0001", b"1234", b"5"]
    for partition in partitions:
        plain.produce(dead, partition, headers=from_own_code(topic, partition))
    jobs_stage.worker(everybody)
    job = await jobs_stage.run(dead, target=structs.replace(AUTO, remove_headers=True))
    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=3, failed=2))
    assert reasons(job) == {
        3: "where the record came from is not clear: its header x-original-partition is four digits or an int32, and "
        "the topic has neither partition",
        4: f"topic {topic!r} has partitions 0 to 2, no partition 5",
    }
    assert [[seen.value for seen in plain.log(topic, partition, "read_committed")] for partition in (1, 2)] == [
        [b"0001"],
        [b"2", struct.pack(">i", 2)],
    ]


@pytest.mark.parametrize("remove", [False, True])
async def test_copies_are_for_the_groups_that_their_dead_letters_name(
    jobs_stage: JobsStage, make_topic: MakeTopic, *, remove: bool
) -> None:
    """Each for its own; one that names none, or none that can be a key, is listed. Bookkeeping never goes back."""
    dead, topic, plain = make_topic(), make_topic(), jobs_stage.plain
    for group in (b"billing", b"shipping", b"", b"\xff"):
        plain.produce(dead, group, headers=from_retry_topic(topic, group=group))
    plain.produce(dead, b"none", headers=from_own_code(topic, b"0"))
    jobs_stage.worker(everybody)
    target = structs.replace(AUTO, remove_headers=remove, group_as_recipient=True)
    job = await jobs_stage.run(dead, target=target)
    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=2, failed=3))
    header = "kafka_dlt-original-consumer-group"
    unclear = "where the record came from is not clear:"
    assert reasons(job) == {
        2: f"{unclear} its header {header} is no consumer group that a consumer_key can name",
        3: f"{unclear} its header {header} is no consumer group that a consumer_key can name",
        4: f"{unclear} the dialect x-original names no consumer group",
    }
    kept = 0 if remove else 6
    seen = plain.log(topic, 0, "read_committed")
    assert [(each.value, each.headers) for each in seen] == [
        (group, (*from_retry_topic(topic, group=group)[:kept], ("consumer_key", group)))
        for group in (b"billing", b"shipping")
    ]


async def test_dialect_that_a_worker_does_not_know_ends_the_job_with_the_reason(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """Such as one of the settings of another deployment: nothing is written."""
    dead, topic, plain = make_topic(), make_topic(), jobs_stage.plain
    plain.produce(dead, b"x", headers=from_spring(topic))
    jobs_stage.worker(everybody)
    job = await jobs_stage.run(dead, target=structs.replace(AUTO, dialect="legacy"))
    assert (job.state, job.progress.counts.scanned) == ("failed", 0)
    assert (job.progress.reason or "").startswith("the job names the dialect 'legacy', not one of auto, spring")
    assert plain.high_watermark(topic, 0) == 0


async def test_target_that_takes_nothing_is_a_reason_and_no_end_of_the_job(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """A partition or a topic that is no more, an internal or compacted topic: the others are resent, none is made."""
    dead, topic, plain = make_topic(), make_topic(), jobs_stage.plain
    compacted, missing = make_topic(config={"cleanup.policy": "compact"}), make_topic.unused_name()
    plain.create_internal_topics()
    store = jobs_stage.config.jobs.topic
    places = [(topic, 0), (topic, 1), (missing, 0), ("__consumer_offsets", 0), (store, 0), (compacted, 0), (topic, 0)]
    for name, partition in places:
        plain.produce(dead, b"x", headers=from_connect(name, partition))
    jobs_stage.worker(everybody)
    job = await jobs_stage.run(dead, target=CONNECT)
    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=2, failed=5))
    assert reasons(job) == {
        1: f"topic {topic!r} has partitions 0 to 0, no partition 1",
        2: f"topic {missing!r} does not exist",
        3: "topic '__consumer_offsets' is internal",
        4: f"topic {store!r} is internal",
        5: f"topic {compacted!r} is compacted: a resent record would replace the newest value of its key",
    }
    assert missing not in plain.topics()
    assert len(plain.log(topic, 0, "read_committed")) == 2


async def test_target_outside_the_grants_of_the_maker_is_a_reason(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """Asked for by caller, project, instance and topic; what exists there is not told; the operator may do all."""
    dead, granted, secret, plain = make_topic(), make_topic(), make_topic(), jobs_stage.plain
    missing = make_topic.unused_name()
    for name in (granted, secret, missing):
        plain.produce(dead, b"x", headers=from_spring(name))
    asked = []

    def may_resend(caller: str, project: str, instance: str, topic: str) -> bool:
        asked.append((caller, project, instance))
        return topic == granted

    jobs_stage.worker(may_resend)
    job = await jobs_stage.run(dead, target=SPRING)
    beyond = "the grants of 'somebody', who has made the job, do not reach its target, topic"
    assert (job.state, job.progress.counts.resent) == ("succeeded", 1)
    assert reasons(job) == {1: f"{beyond} {secret!r}", 2: f"{beyond} {missing!r}"}
    assert set(asked) == {("somebody", "project", "test")}
    assert plain.high_watermark(secret, 0) == 0
    by_operator = await jobs_stage.run(dead, target=structs.replace(SPRING, by_operator=True))
    assert (by_operator.progress.counts.resent, list(reasons(by_operator))) == (2, [2])
    assert plain.high_watermark(secret, 0) == 2


async def test_grants_that_end_while_a_job_runs_end_its_writing(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """A caller who is revoked has the rest listed as failed, at once; a worker that knows no callers writes nothing."""
    dead, topic, plain = make_topic(), make_topic(), jobs_stage.plain
    for _ in range(200):
        plain.produce(dead, b"x", headers=from_spring(topic))
    revoked: list[bool] = []

    def may_resend(caller: str, project: str, instance: str, topic: str) -> bool:
        return everybody(caller, project, instance, topic) and not revoked

    worker = jobs_stage.worker(may_resend)
    job = await jobs_stage.make(dead, target=SPRING, records_per_second=100)
    await jobs_stage.resent(job, 1)
    revoked.append(True)
    done = await jobs_stage.finished(job)
    counts = done.progress.counts
    assert (done.state, counts.resent + counts.failed) == ("succeeded", 200)
    assert 0 < counts.resent == len(plain.log(topic, 0, "read_committed")) < 200
    assert worker.stop()
    jobs_stage.worker()
    assert (await jobs_stage.run(dead, target=SPRING)).progress.counts == counted(failed=200)


async def test_limits_and_times_are_those_of_the_target(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """Too large, too old, or a time that the broker sets: what the dead-letter topic allows does not matter."""
    plain = jobs_stage.plain
    large = {"max.message.bytes": "400000"}
    dead = make_topic(config={**large, "message.timestamp.type": "LogAppendTime", "cleanup.policy": "compact"})
    small, tiny, wide = (
        make_topic(config={"max.message.bytes": limit}) for limit in ("200000", "2000", large["max.message.bytes"])
    )
    appended = make_topic(config={"message.timestamp.type": "LogAppendTime", "retention.ms": "3600000"})
    huge = os.urandom(300_000)
    for name in (small, tiny, wide):
        for value in (b"good", huge, b"good"):
            plain.produce(dead, value, b"key", from_spring(name))
    plain.produce(dead, b"good", b"key", from_spring(appended))
    jobs_stage.worker(everybody)
    job = await jobs_stage.run(dead, target=SPRING)
    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=8, failed=2))
    assert {
        offset: (reason.partition(" exceeds ")[0], reason.rpartition("; ")[2])
        for offset, reason in reasons(job).items()
    } == {
        1: (f"the copy of the record at {dead}/0@1", f"its target is topic {small!r}"),
        4: (f"the copy of the record at {dead}/0@4", f"its target is topic {tiny!r}"),
    }
    sizes = [
        Counter(len(seen.value or b"") for seen in plain.log(name, 0, "read_committed"))
        for name in (small, tiny, wide, appended)
    ]
    assert sizes == [{4: 2}, {4: 2}, {4: 2, 300_000: 1}, {4: 1}]


async def test_age_is_judged_by_the_target(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """What the target would delete at once is listed; a target where brokers set the time takes it."""
    dead, plain = make_topic(), jobs_stage.plain
    short, appended = (
        make_topic(config={"retention.ms": "3600000", "message.timestamp.type": kind})
        for kind in ("CreateTime", "LogAppendTime")
    )
    for name in (short, appended):
        plain.produce(dead, b"x", headers=from_spring(name), timestamp_ms=NOW_MS - 7_200_000)
    jobs_stage.worker(everybody)
    job = await jobs_stage.run(dead, target=SPRING)
    assert list(reasons(job)) == [0]
    assert (
        f"is older than the topic's retention.ms of 3600000 ms allows; its target is topic {short!r}" in reasons(job)[0]
    )
    assert plain.log(appended, 0, "read_committed")[0].timestamp_ms >= NOW_MS


async def test_policy_of_the_instance_reaches_targets(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """Topics that it leaves out are neither source nor target; copies get the time that it wants."""
    dead, topic, outside, plain = make_topic(), make_topic(), make_topic(), jobs_stage.plain
    for name in (topic, outside):
        plain.produce(dead, b"x", headers=from_spring(name), timestamp_ms=NOW_MS - 7_200_000)
    config = replace(jobs_stage.config, policy=ResendPolicy(topics=(dead, topic), timestamp=TimestampPolicy.NOW))
    strict = replace(jobs_stage, config=config)
    strict.worker(everybody)
    job = await jobs_stage.run(dead, target=SPRING)
    assert reasons(job) == {1: f"topic {outside!r} is not among the topics that may be resent on this instance"}
    assert plain.log(topic, 0, "read_committed")[0].timestamp_ms >= NOW_MS


async def test_facts_of_a_target_are_kept_fresh(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """What becomes of a target while a job runs is noticed within seconds, and a deleted one does not come back."""
    dead, changing, deleted, plain = make_topic(), make_topic(), make_topic(), jobs_stage.plain
    for number in range(600):
        plain.produce(dead, b"x", headers=from_spring((changing, deleted)[number % 2]))
    jobs_stage.worker(everybody)
    job = await jobs_stage.make(dead, target=SPRING, records_per_second=60)
    await jobs_stage.resent(job, 20)
    plain.set_config(changing, {"cleanup.policy": "compact"})
    plain.delete_topic(deleted)
    done = await jobs_stage.finished(job, seconds=90)
    counts = done.progress.counts
    assert (done.state, counts.scanned, counts.resent + counts.failed) == ("succeeded", 600, 600)
    assert 20 <= counts.resent < 400
    told = set(reasons(done).values())
    assert f"topic {deleted!r} does not exist" in told
    assert any("is compacted" in reason for reason in told)
    assert deleted not in plain.topics()


async def test_cluster_away_while_targets_are_looked_up_loses_no_record(
    jobs_stage: JobsStage, make_topic: MakeTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read by then is read again: the job waits, and continues where its progress is."""
    dead, topic, plain = make_topic(), make_topic(), jobs_stage.plain
    values = [f"{number}".encode() for number in range(300)]
    for value in values:
        plain.produce(dead, value, headers=from_spring(topic))
    look_up = Targets.look_up
    asked: list[int] = []

    def answered_every_second_time(self: Targets, records: Iterable[Record]) -> None:
        asked.append(len(asked))
        if len(asked) % 2:
            raise ClusterAway("_TRANSPORT")
        look_up(self, records)

    monkeypatch.setattr(Targets, "look_up", answered_every_second_time)
    jobs_stage.worker(everybody, batch_records=100)
    job = await jobs_stage.run(dead, target=SPRING)
    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=300))
    assert len(asked) >= 6
    assert [seen.value for seen in plain.log(topic, 0, "read_committed")] == values


async def test_target_without_room_for_the_end_of_a_transaction_is_left_alone(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """A transaction there would never end, and hold up all jobs beside it; the same holds of a job's own topic."""
    dead, closed, topic, plain = make_topic(), make_topic(), make_topic(), jobs_stage.plain
    for name in (closed, topic, dead):
        plain.produce(dead, b"x", headers=from_spring(name))
    for name in (closed, dead):
        plain.set_config(name, {"max.message.bytes": "10"})
    jobs_stage.make_store(1)
    jobs_stage.worker(everybody)
    job = await jobs_stage.run(dead, target=SPRING)
    assert (job.state, job.progress.counts.resent, list(reasons(job))) == ("succeeded", 1, [0, 2])
    own = await jobs_stage.run(dead)
    assert (own.state, own.progress.counts) == ("succeeded", counted(failed=3))
    assert "max.message.bytes, too small for a transaction" in reasons(own)[0]


async def test_copies_to_other_topics_are_there_once_whoever_has_written_them(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """Workers come and go in the middle, and records that a broker refuses cost none of the others."""
    dead, plain = make_topic(2), jobs_stage.plain
    targets = [make_topic(2), make_topic(2, {"max.message.bytes": "200000"})]
    large = os.urandom(300_000)
    expected: dict[tuple[str, int], list[bytes]] = {}
    for partition in range(2):
        for number in range(1500):
            place = targets[number % 2], number % 3 % 2
            value = f"{partition}/{number}".encode()
            expected.setdefault(place, []).append(value)
            plain.produce(dead, value, headers=from_connect(*place), partition=partition)
            if number % 500 == 250:
                plain.produce(dead, large, headers=from_connect(targets[1]), partition=partition)
    workers = [jobs_stage.worker(everybody, batch_records=50)]
    job = await jobs_stage.make(dead, target=CONNECT, records_per_second=1000)
    for count in (200, 900, 1600):
        await jobs_stage.resent(job, count)
        workers.append(jobs_stage.worker(everybody, batch_records=50))
        assert workers[-2].stop(10)
    done = await jobs_stage.finished(job)
    assert (done.state, done.progress.counts) == ("succeeded", counted(resent=3000, failed=6))
    for (name, partition), values in expected.items():
        seen = [seen.value or b"" for seen in plain.log(name, partition, "read_committed")]
        for source in (b"0/", b"1/"):
            assert [value for value in seen if value.startswith(source)] == [
                value for value in values if value.startswith(source)
            ]


async def test_target_that_the_service_may_not_write_to_is_known_before_a_transaction(
    with_acls: tuple[str, Administrator],
) -> None:
    """An ACL that is missing is named, and ends no transaction of the other records; once granted it is seen."""
    bootstrap, administrator = with_acls
    administrator.create("for-postman")
    administrator.allow("postman", "for-postman", AclOperation.READ, AclOperation.DESCRIBE_CONFIGS)
    config = ClusterConfig("test", (bootstrap,), sasl("postman"))
    plan = Plan(
        job_id="0-" + "ab" * 12,
        instance="test",
        project="project",
        created_by="somebody",
        created_at_ms=5,
        topic="dead",
        topic_id="id",
        spans=(OffsetRange(0, 0, 1),),
        target=SPRING,
    )
    headers = tuple(from_spring("for-postman"))
    record = Record(Position("dead", 0, 0), None, b"x", headers, NOW_MS, TimestampType.CREATE_TIME)
    metadata, loop = KafkaMetadata(config), asyncio.get_running_loop()

    def describe(name: str, *, to_write: bool = False) -> Future[Topic]:
        return asyncio.run_coroutine_threadsafe(metadata.topic(name, to_write=to_write), loop)

    targets = Targets(describe, plan, SPRING, Rules({"test": ResendPolicy()}, everybody))
    await asyncio.to_thread(targets.look_up, [record])
    with pytest.raises(AccessDenied) as denied:
        targets.copy(record)
    assert (denied.value.operation, denied.value.resource) == ("Write", "topic 'for-postman'")
    administrator.allow("postman", "for-postman", AclOperation.WRITE)

    async def seen() -> bool:
        await asyncio.to_thread(targets.look_up, [record])
        try:
            copy = targets.copy(record)
        except AccessDenied:
            return False
        return (copy.topic, copy.partition) == ("for-postman", 0)

    await eventually(seen, seconds=20)
