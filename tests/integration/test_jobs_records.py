"""Which records a job reads on a real broker, what it makes of them, and which ones it cannot copy."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from threading import Event, Thread

import pytest
from confluent_kafka import Producer

from kafka.filter.conditions import Filter
from kafka.jobs.job import Job
from kafka.jobs.progress import Counts
from tests.support.jobs import JobsStage, counted
from tests.support.plain import PlainClient
from tests.support.rawproduce import produce_raw
from tests.support.topics import MakeTopic

NOW_MS = time.time_ns() // 1_000_000


def failed(job: Job) -> list[tuple[int, int]]:
    return [(failure.partition, failure.offset) for failure in job.progress.failures]


async def test_copies_are_the_records_as_they_stand(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """Null and empty, repeated headers and the records' own times arrive, in their order."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce(topic, None, None, [("h", None), ("h", b""), ("ä", b"\xff")], timestamp_ms=NOW_MS - 5000)
    plain.produce(topic, b"", b"", timestamp_ms=NOW_MS - 9000)
    plain.produce(topic, os.urandom(300_000), os.urandom(10), timestamp_ms=NOW_MS + 1000)
    jobs_stage.worker()
    job = await jobs_stage.run(topic)

    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=3))
    log = [(seen.key, seen.value, seen.headers, seen.timestamp_ms) for seen in plain.log(topic, 0, "read_committed")]
    assert log[:3] == log[3:]


async def test_holes_of_the_log_end_no_job_and_leave_none_waiting(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """Aborted records, compacted ones and the markers of transactions are no records; spans begin and end in them."""
    topic, plain = make_topic(2, PlainClient.compacting), jobs_stage.plain
    await asyncio.to_thread(plain.compact, topic, 0)
    plain.set_config(topic, {"cleanup.policy": "delete"})
    before = len(plain.log(topic, 0, "read_committed"))
    for partition in range(2):
        plain.transaction(topic, partition, [b"no"] * 5, "abort")
        plain.transaction(topic, partition, [b"yes"] * 5, "commit")
        plain.transaction(topic, partition, [b"no"] * 5, "abort")
    ends = [plain.high_watermark(topic, partition) for partition in range(2)]
    jobs_stage.worker()
    job = await jobs_stage.run(topic)
    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=before + 10))
    assert Counter(seen.value for seen in jobs_stage.copies(topic, ends[1], 1)) == {b"yes": 5}
    only_holes = await jobs_stage.run(topic, offsets={1: (ends[1] - 5, ends[1])})
    assert (only_holes.state, only_holes.progress.counts) == ("succeeded", Counts())


async def test_open_transaction_in_the_source_is_waited_for(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """What is acknowledged but not committed yet is taken once it is; jobs on other topics continue meanwhile."""
    topic, other, plain = make_topic(), make_topic(), jobs_stage.plain
    plain.produce_many(topic, [b"before"] * 10)
    plain.produce_many(other, [b"other"] * 10)
    transaction = plain.transaction(topic, 0, [b"open"] * 10, "open")
    plain.produce_many(topic, [b"behind"] * 10)
    jobs_stage.worker()
    job = await jobs_stage.make(topic)
    waiting = await jobs_stage.resent(job, 10)
    assert (await jobs_stage.run(other)).progress.counts.resent == 10
    assert ((await jobs_stage.get(job)).state, waiting.progress.counts.resent) == ("running", 10)
    transaction.commit()
    done = await jobs_stage.finished(job)
    assert (done.state, done.progress.counts) == ("succeeded", counted(resent=30))
    end = next(span.end for span in job.plan.spans) if job.plan else 0
    assert [seen.value for seen in jobs_stage.copies(topic, end)] == [b"before"] * 10 + [b"open"] * 10 + [
        b"behind"
    ] * 10


async def test_records_that_cannot_be_copied_are_listed_and_do_not_stop_the_others(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """Too large for the broker alone to tell, a header's name that is not UTF-8, no time: each by its reason."""
    topic, plain = make_topic(config={"max.message.bytes": "400000"}), jobs_stage.plain
    bootstrap = plain.bootstrap
    plain.produce_many(topic, [b"good"] * 100)
    for _ in range(3):
        plain.produce(topic, os.urandom(300_000))
    produce_raw(bootstrap, topic, 0, b"name", headers=[(b"\xff", b"x")])
    produce_raw(bootstrap, topic, 0, b"time", timestamp_ms=0)
    plain.produce_many(topic, [b"good"] * 100)
    plain.produce(topic, bytes(300_000))  # Compressed it is small enough.
    plain.set_config(topic, {"max.message.bytes": "200000", "message.timestamp.before.max.ms": str(2**63 - 1)})
    jobs_stage.worker()
    begun = time.monotonic()
    job = await jobs_stage.run(topic)
    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=201, failed=5))
    assert failed(job) == [(0, offset) for offset in range(100, 105)]
    assert Counter(len(seen.value or b"") for seen in jobs_stage.copies(topic, 206)) == {4: 200, 300_000: 1}
    # Neither waits for a timeout: some 15 seconds each it was, when a transaction went on after a refusal.
    assert time.monotonic() - begun < 15
    stopping = await jobs_stage.run(topic, offsets={0: (0, 206)}, max_failures=2)
    count = stopping.progress.counts.failed
    # It stops after the transaction in which there are enough of them.
    assert 2 <= count <= 5
    assert (stopping.state, stopping.progress.reason) == ("failed", f"{count} records could not be resent")


async def test_record_with_an_unreadable_header_fails_only_where_it_is_selected(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """What is between the selected positions is none of the job's business."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce(topic, b"0")
    produce_raw(plain.bootstrap, topic, 0, b"1", headers=[(b"\xff", b"x")])
    plain.produce(topic, b"2")
    jobs_stage.worker()
    job = await jobs_stage.run(topic, positions=[(0, 0), (0, 2)])
    assert job.progress.counts == counted(resent=2)


@pytest.mark.parametrize("limit", [1_500, 60_000])
async def test_topic_that_takes_only_small_batches_gets_every_record(
    jobs_stage: JobsStage, make_topic: MakeTopic, limit: int
) -> None:
    """A batch smaller than the client's makes a job slower, nothing else; and what is too large is found there, too."""
    topic, plain = make_topic(config={"max.message.bytes": "100000"}), jobs_stage.plain
    values = [os.urandom(1000) for _ in range(300)]
    plain.produce_many(topic, values, batch_num_messages=1)
    plain.produce(topic, os.urandom(70_000))
    plain.set_config(topic, {"max.message.bytes": str(limit)})
    jobs_stage.worker(batch_records=100)
    job = await jobs_stage.run(topic)
    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=300, failed=1))
    assert [seen.value for seen in jobs_stage.copies(topic, 301)] == values
    assert failed(job) == [(0, 300)]


async def test_records_that_expired_before_they_were_read_are_counted(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """Retention continues while a job waits; it continues behind what is gone."""
    topic, plain = make_topic(2), jobs_stage.plain
    for partition in range(2):
        plain.produce_many(topic, [b"x"] * 100, partition=partition)
    job = await jobs_stage.make(topic)
    plain.delete_records(topic, 0, 30)
    plain.delete_records(topic, 1, 100)
    jobs_stage.worker()
    done = await jobs_stage.finished(job)
    assert (done.state, done.progress.counts) == ("succeeded", counted(resent=70, expired=130))


async def test_expiry_behind_a_hole_is_no_end(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """A job that is at a hole when the log is cut behind it continues where the log begins."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce_many(topic, [b"x"] * 100)
    plain.transaction(topic, 0, [b"no"] * 100, "abort")
    plain.produce_many(topic, [b"x"] * 1000)
    worker = jobs_stage.worker(batch_records=100)
    job = await jobs_stage.make(topic, records_per_second=400)
    await jobs_stage.resent(job, 100)
    assert worker.stop()
    plain.delete_records(topic, 0, 1100)
    jobs_stage.worker()
    done = await jobs_stage.finished(job)
    assert done.state == "succeeded"
    assert done.progress.counts.resent + done.progress.counts.expired == done.progress.counts.scanned + (
        done.progress.counts.expired
    )
    assert len(jobs_stage.copies(topic, 1201)) == done.progress.counts.resent
    assert done.progress.next_offsets == {0: 1201}


async def test_positions_far_apart_are_found_without_reading_all_between(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """A list of positions costs what it selects, not what the topic holds."""
    topic, plain = make_topic(2), jobs_stage.plain
    for partition in range(2):
        plain.produce_many(topic, [f"{number}".encode() for number in range(20_000)], partition=partition)
    jobs_stage.worker()
    wanted = [(0, 19_999), (0, 0), (0, 700), (0, 9000), (1, 5), (1, 6), (1, 15_000)]
    job = await jobs_stage.run(topic, positions=wanted)
    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=7))
    assert [seen.value for seen in jobs_stage.copies(topic, 20_000)] == [b"0", b"700", b"9000", b"19999"]
    assert [seen.value for seen in jobs_stage.copies(topic, 20_000, 1)] == [b"5", b"6", b"15000"]


async def test_named_positions_that_are_gone_when_the_job_comes_to_them_are_failures(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """Retention, and a long aborted transaction: each position of them is listed, and none is counted twice."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce_many(topic, [b"x"] * 100)
    plain.transaction(topic, 0, [b"no"] * 1000, "abort")
    plain.produce_many(topic, [b"x"] * 10)
    job = await jobs_stage.make(topic, positions=[(0, offset) for offset in range(50, 1105)])
    plain.delete_records(topic, 0, 60)
    jobs_stage.worker()
    done = await jobs_stage.finished(job)
    counts = done.progress.counts
    assert (done.state, counts.resent, counts.failed, counts.expired) == ("succeeded", 44, 1011, 0)
    codes = Counter((failure.code or "")[-6:] for failure in done.progress.failures)
    assert codes == {"400103": 10, "400106": 1001}
    assert sorted(failed(done)) == [(0, offset) for offset in (*range(50, 60), *range(100, 1101))]


async def test_selection_by_time_takes_each_record_of_it_once(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """Copies carry old times at the log's end, where no index finds them; they are left out, or taken once."""
    topic, plain = make_topic(), jobs_stage.plain
    begin = NOW_MS - 1_000_000
    for second in range(10):
        plain.produce(topic, f"{second}".encode(), timestamp_ms=begin + 1000 * second)
    jobs_stage.worker()
    times_ms = (begin + 2000, begin + 5000)
    first = await jobs_stage.run(topic, times_ms=times_ms, consumer_key="keyA")
    again = await jobs_stage.run(topic, times_ms=times_ms, consumer_key="keyA")
    with_copies = await jobs_stage.run(topic, times_ms=times_ms, filter=Filter(include_resent=True))
    assert [job.progress.counts.resent for job in (first, again, with_copies)] == [3, 3, 9]
    values = [seen.value for seen in plain.log(topic, 0, "read_committed")]
    assert values[10:] == [b"2", b"3", b"4"] * 5


async def test_job_over_a_topic_that_is_written_to_ends(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """Its end was fixed when it was accepted: it chases neither a producer nor its own copies."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce_many(topic, [b"x"] * 1000)
    stopped = Event()

    def keep_writing() -> None:
        producer = Producer({"bootstrap.servers": plain.bootstrap})
        while not stopped.wait(0.001):
            producer.produce(topic, b"new", partition=0)
            producer.poll(0)
        producer.flush(10)

    thread = Thread(target=keep_writing)
    thread.start()
    try:
        jobs_stage.worker()
        job = await jobs_stage.run(topic)
    finally:
        stopped.set()
        thread.join()
    assert job.plan is not None
    assert (job.state, job.progress.counts.resent) == ("succeeded", job.plan.offsets)
    assert Counter(seen.value for seen in plain.log(topic, 0, "read_committed"))[b"x"] == 2000


async def test_two_jobs_at_once_on_one_topic_copy_each_its_own(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """Neither meets the copies of the other, whose open transactions lie behind its end."""
    topic, plain = make_topic(2), jobs_stage.plain
    values = [f"{number}".encode() for number in range(5000)]
    for partition in range(2):
        plain.produce_many(topic, values, partition=partition)
    jobs = [await jobs_stage.make(topic, consumer_key=key, offsets={0: (0, 5000), 1: (0, 5000)}) for key in "ab"]
    jobs_stage.worker(batch_records=300)
    for job in jobs:
        assert (await jobs_stage.finished(job)).progress.counts == counted(resent=10_000)
    for partition in range(2):
        copies = jobs_stage.copies(topic, 5000, partition)
        for key in (b"a", b"b"):
            assert [seen.value for seen in copies if seen.headers == (("consumer_key", key),)] == values


async def test_topic_made_again_fails_the_job_with_that_reason(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """Offsets of another topic of the same name mean other records."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce_many(topic, [b"old"] * 2000)
    jobs_stage.worker()
    job = await jobs_stage.make(topic, records_per_second=100)
    waiting = await jobs_stage.make(topic, records_per_second=1)
    await jobs_stage.resent(job, 1)
    plain.delete_topic(topic)
    plain.create_topic(topic, 1)
    plain.produce_many(topic, [b"new"] * 20)
    for ended in [await jobs_stage.finished(job), await jobs_stage.finished(waiting)]:
        assert (ended.state, ended.progress.reason) == (
            "failed",
            f"topic {topic!r} was deleted and created again: its offsets name other records now",
        )


async def test_deleted_topic_fails_the_job_and_does_not_come_back(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """A broker that creates topics when they are written to does not make this one."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce_many(topic, [b"old"] * 5000)
    jobs_stage.worker()
    job = await jobs_stage.make(topic, records_per_second=500)
    await jobs_stage.resent(job, 1)
    plain.delete_topic(topic)
    ended = await jobs_stage.finished(job)
    assert (ended.state, ended.progress.reason) == ("failed", f"topic {topic!r} does not exist")
    assert topic not in plain.topics()
