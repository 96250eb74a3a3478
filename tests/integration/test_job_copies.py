"""A job knows where its copies are: what its progress says, beside what an independent consumer sees."""

from __future__ import annotations

import asyncio
import struct

from kafka.jobs.copy_runs import PartitionCopies, copies_known
from kafka.jobs.job import Job
from kafka.redrive.target import Target
from tests.support.jobs import JobsStage, everybody
from tests.support.topics import MakeTopic


def offsets(stage: JobsStage, topic: str, partition: int, key: bytes) -> list[int]:
    """Return where the copies for a recipient are."""
    log = stage.plain.log(topic, partition, "read_committed")
    return [seen.offset for seen in log if seen.headers[-1:] == (("consumer_key", key),)]


def compare(found: PartitionCopies, seen: list[int]) -> None:
    """Compare what is kept with where copies are."""
    assert (found.count, found.runs[0].first, found.runs[-1].last) == (len(seen), seen[0], seen[-1])
    for offset in range(seen[-1] + 2):
        least, most = found.before(offset)
        assert least <= sum(each < offset for each in seen) <= most
    assert found.before(seen[-1] + 1) == (len(seen), len(seen))


async def test_progress_says_where_the_copies_of_each_partition_are(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """Also while others write to the same partitions, and after one worker has taken over from another."""
    topic, plain = make_topic(3), jobs_stage.plain
    for partition in range(3):
        plain.produce_many(topic, [f"{number}".encode() for number in range(400)], partition=partition)
    first = jobs_stage.worker(batch_records=50)
    job = await jobs_stage.make(topic, consumer_key="billing", records_per_second=400)
    await jobs_stage.resent(job, 300)
    for partition in range(3):
        plain.produce_many(topic, [b"new"] * 3, partition=partition)
    assert await asyncio.to_thread(first.stop)
    jobs_stage.worker(batch_records=50)
    done = await jobs_stage.finished(job)
    assert (done.state, done.progress.counts.resent) == ("succeeded", 1200)
    assert copies_known(done.progress.copies) == 1200
    for partition in range(3):
        compare(done.progress.copies[topic][partition], offsets(jobs_stage, topic, partition, b"billing"))


async def test_few_copies_are_known_exactly(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """As many as one or two transactions write, which is what most jobs do."""
    topic, plain = make_topic(2), jobs_stage.plain
    for partition in range(2):
        plain.produce_many(topic, [b"a"] * 20, partition=partition)
    jobs_stage.worker()
    job = await jobs_stage.run(topic, consumer_key="billing")
    for partition in range(2):
        seen = offsets(jobs_stage, topic, partition, b"billing")
        compare(job.progress.copies[topic][partition], seen)
        for offset in seen:
            least, most = job.progress.copies[topic][partition].before(offset)
            assert least == most


async def test_copies_in_the_targets_of_a_redrive_are_known_by_topic(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """The dead-letter topic itself has none."""
    letters, targets, plain = make_topic(1), [make_topic(2), make_topic(1)], jobs_stage.plain
    places = [(targets[0], 0), (targets[0], 1), (targets[1], 0), (targets[0], 1)]
    for topic, partition in places:
        plain.produce(
            letters,
            b"x",
            headers=[
                ("kafka_dlt-original-topic", topic.encode()),
                ("kafka_dlt-original-partition", struct.pack(">i", partition)),
            ],
        )
    jobs_stage.worker(everybody)
    target = Target("spring", by_operator=False, remove_headers=False)
    job = await jobs_stage.run(letters, consumer_key="billing", target=target)
    counts = {
        (topic, partition): found.count
        for topic, partitions in job.progress.copies.items()
        for partition, found in partitions.items()
    }
    assert counts == {(targets[0], 0): 1, (targets[0], 1): 2, (targets[1], 0): 1}
    for topic, partition in counts:
        compare(job.progress.copies[topic][partition], offsets(jobs_stage, topic, partition, b"billing"))


async def test_nothing_is_noted_of_a_dry_run_or_where_nothing_was_resent(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """There are no copies."""
    topic = make_topic(1)
    jobs_stage.plain.produce(topic, b"x")
    jobs_stage.worker()

    async def run(**more: object) -> Job:
        return await jobs_stage.run(topic, **more)

    assert (await run(dry_run=True)).progress.copies == {}
    assert (await run(positions=((0, 5),))).progress.copies == {}
