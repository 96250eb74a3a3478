"""Copies that say what they are copies of, and loops that end, on a real broker."""

from __future__ import annotations

import time
from dataclasses import replace

from kafka.jobs.job import Job
from kafka.model.policy import ResendPolicy
from kafka.model.records import Header
from kafka.redrive.target import Target
from tests.support.jobs import JobsStage, counted, everybody
from tests.support.topics import MakeTopic

CONNECT = Target("connect", by_operator=False, remove_headers=True)


def dead_letter(topic: str) -> list[Header]:
    return [("__connect.errors.topic", topic.encode()), ("__connect.errors.partition", b"0")]


async def test_copies_say_what_they_are_copies_of_if_the_job_is_to(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """Before the consumer_key, with the job's id and the time; without it nothing is added."""
    topic, plain = make_topic(), jobs_stage.plain
    plain.produce(topic, b"x", headers=[("h", b"1")])
    jobs_stage.worker()
    begun = time.time_ns() // 1_000_000

    job = await jobs_stage.run(topic, consumer_key="billing", provenance=True)
    bare = await jobs_stage.run(topic, consumer_key="shipping")

    marked, unmarked = plain.log(topic, 0, "read_committed")[1:]
    at = int(marked.headers[4][1] or b"")
    assert begun <= at <= time.time_ns() // 1_000_000
    assert marked.headers == (
        ("h", b"1"),
        ("resend.origin", f"{topic}/0@0".encode()),
        ("resend.count", b"1"),
        ("resend.job", job.job_id.encode()),
        ("resend.at", b"%d" % at),
        ("consumer_key", b"billing"),
    )
    assert unmarked.headers == (("h", b"1"), ("consumer_key", b"shipping"))
    assert bare.state == "succeeded"


async def test_record_that_comes_back_again_and_again_is_resent_as_often_as_is_allowed(
    jobs_stage: JobsStage, make_topic: MakeTopic
) -> None:
    """It fails, is redriven, and fails again with the headers of its copy: a third time it is listed."""
    dead, topic, plain = make_topic(), make_topic(), jobs_stage.plain
    plain.produce(dead, b"poison", headers=[("h", b"1"), *dead_letter(topic)])
    jobs_stage.worker(everybody)

    async def redrive(number: int) -> Job:
        where = {0: (number, number + 1)}
        return await jobs_stage.run(dead, target=CONNECT, provenance=True, max_resends=2, offsets=where)

    for number in range(2):
        assert (await redrive(number)).progress.counts == counted(resent=1)
        copy = plain.log(topic, 0, "read_committed")[number]
        assert dict(copy.headers)["resend.count"] == b"%d" % (number + 1)
        assert dict(copy.headers)["resend.origin"] == f"{dead}/0@{number}".encode()
        plain.produce(dead, copy.value, headers=[*copy.headers, *dead_letter(topic)])
    job = await redrive(2)

    assert (job.state, job.progress.counts) == ("succeeded", counted(failed=1))
    assert job.progress.failures[0].reason == "jobs have resent it 2 times already, and max_resends is 2"
    assert len(plain.log(topic, 0, "read_committed")) == 2


async def test_operator_ends_loops_for_all_jobs(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """The smaller limit counts, also in a job that adds no headers; a header that is no number is none."""
    topic, plain = make_topic(), jobs_stage.plain
    for count in (b"0", b"1", b"2", b"x", b"999999999"):
        plain.produce(topic, count, headers=[("resend.count", count)])
    policy = ResendPolicy(max_resends=2)
    stage = replace(jobs_stage, config=replace(jobs_stage.config, policy=policy))
    stage.worker()

    job = await stage.run(topic, max_resends=5, dry_run=True)
    strict = await stage.run(topic, max_resends=1)

    assert (job.progress.counts.matched, job.progress.counts.failed) == (5, 2)
    assert (strict.progress.counts.resent, strict.progress.counts.failed) == (2, 3)
    assert [copy.value for copy in plain.log(topic, 0, "read_committed")[5:]] == [b"0", b"x"]
