"""Recipients that an instance allows, on a real broker: others are refused before anything is written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kafka.cluster import Cluster
from kafka.model.errors import RecipientNotAllowed
from kafka.model.policy import ResendPolicy
from kafka.model.records import Header, Position
from kafka.redrive.target import Target
from tests.support.jobs import JobsStage, counted, everybody, spec
from tests.support.topics import MakeTopic

POLICY = ResendPolicy(consumer_keys=("billing", "ship*"))


def dead_letter(topic: str, group: bytes) -> list[Header]:
    return [
        ("__connect.errors.topic", topic.encode()),
        ("__connect.errors.partition", b"0"),
        ("__connect.errors.connector.name", group),
    ]


async def test_recipient_that_is_not_allowed_is_refused(jobs_stage: JobsStage, make_topic: MakeTopic) -> None:
    """Of one record and of a job, previews too; everybody is always allowed, and groups are judged record by record."""
    dead, topic, plain = make_topic(), make_topic(), jobs_stage.plain
    plain.produce(topic, b"x")
    for group in (b"shipping", b"biling"):
        plain.produce(dead, group, headers=dead_letter(topic, group))
    stage = replace(jobs_stage, config=replace(jobs_stage.config, policy=POLICY))
    cluster = Cluster(stage.config)
    await cluster.open()
    try:
        for key in ("billing", "shipping", None):
            await cluster.resend(Position(topic, 0, 0), key)
        with pytest.raises(RecipientNotAllowed) as refused:
            await cluster.resend(Position(topic, 0, 0), "biling")
        assert str(refused.value) == "this instance allows no such consumer_key, only billing, ship*"
        for dry_run in (False, True):
            with pytest.raises(RecipientNotAllowed):
                await cluster.jobs.make(spec(topic, consumer_key="biling", dry_run=dry_run))
    finally:
        await cluster.close()
    stage.worker(everybody)
    to_groups = Target("connect", by_operator=False, remove_headers=True, group_as_recipient=True)

    job = await stage.run(dead, target=to_groups)

    assert (job.state, job.progress.counts) == ("succeeded", counted(resent=1, failed=1))
    assert job.progress.failures[0].code == "RESEND.00400307"
    assert [copy.headers for copy in plain.log(topic, 0, "read_committed")[1:]] == [
        (("consumer_key", b"billing"),),
        (("consumer_key", b"shipping"),),
        (),
        (("consumer_key", b"shipping"),),
    ]
