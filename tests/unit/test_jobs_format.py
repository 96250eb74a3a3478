"""What is written to the store: workers of other versions read it.

Where one of these tests fails, a field that has a default may be new: older workers then leave alone what has it.
Anything else is another version of the format.
"""

from __future__ import annotations

import json

from kafka.filter.conditions import Filter, HeaderCondition
from kafka.jobs.copy_runs import CopyRun, PartitionCopies
from kafka.jobs.idempotency.requests import Answer, IdempotentResend, encode_answer, encode_resend
from kafka.jobs.plan import Plan, encode_plan
from kafka.jobs.progress import NOT_BEGUN, Counts, Failure, Progress, Report, encode_progress
from kafka.jobs.worker.liveness import Heartbeat, encode_heartbeat
from kafka.model.errors import OffsetExpired
from kafka.model.records import OffsetRange, Position
from kafka.redrive.dead_letters import DeadLetterCondition
from kafka.redrive.target import Target
from kafka.resend.service import Resent

JOB_ID = "3-" + "ab" * 12
POSITION = Position("orders", 2, 7)


def test_plan_is_written_as_ever() -> None:
    """Without what is as it is by default."""
    told = Plan(
        job_id=JOB_ID,
        instance="i",
        project="p",
        created_by="me",
        created_at_ms=5,
        topic="orders",
        topic_id="id",
        spans=(OffsetRange(0, 5, 9),),
    )
    whole = Plan(
        job_id=JOB_ID,
        instance="i",
        project="p",
        created_by="me",
        created_at_ms=5,
        topic="orders",
        topic_id="id",
        spans=(),
        positions={0: frozenset({5})},
        times_ms=(1, 2),
        filter=Filter(
            key="k",
            headers=(HeaderCondition("h", "v"), HeaderCondition("n", absent=True)),
            jmespath="x",
            include_resent=True,
            dead_letters=DeadLetterCondition("spring", "orders", "", "E"),
        ),
        consumer_key="billing",
        records_per_second=0.5,
        max_failures=3,
        dry_run=True,
        target=Target("spring", by_operator=True, remove_headers=True, group_as_recipient=True),
        digest="d",
        bounds={0: (3, 4)},
    )
    always = {
        "format": 1,
        "project": "p",
        "created_by": "me",
        "topic": "orders",
        "job_id": JOB_ID,
        "instance": "i",
        "created_at_ms": 5,
        "topic_id": "id",
    }

    assert {**always, "spans": [[0, 5, 9]]} == json.loads(encode_plan(told))
    assert {
        **always,
        "spans": [],
        "positions": {"0": [5]},
        "times_ms": [1, 2],
        "filter": {
            "key": "k",
            "headers": [{"name": "h", "value": "v"}, {"name": "n", "absent": True}],
            "jmespath": "x",
            "include_resent": True,
            "dead_letters": {"dialect": "spring", "topic": "orders", "group": "", "reason": "E"},
        },
        "consumer_key": "billing",
        "records_per_second": 0.5,
        "max_failures": 3,
        "dry_run": True,
        "target": {"dialect": "spring", "by_operator": True, "remove_headers": True, "group_as_recipient": True},
        "digest": "d",
        "bounds": {"0": [3, 4]},
    } == json.loads(encode_plan(whole))


def test_progress_is_written_as_ever() -> None:
    """State, offsets and counts always: an owner who took their lack for the beginning would resend records twice."""
    failure = Failure(0, 5, "gone", "RESEND.00400103")
    report = Report({0: 1}, 5, ((0, 6),), 2000, {4000: 1}, {"orders": 1}, {"spring": 1})
    progress = Progress(
        "running",
        {0: 8},
        Counts(scanned=3, resent=2),
        (failure,),
        "r",
        1,
        2,
        3,
        report,
        Failure(0, 5, "x"),
        {"orders": {0: PartitionCopies((CopyRun(20, 21, 2),)), 1: PartitionCopies((), 1)}},
    )

    assert b'{"format":2,"state":"pending","next_offsets":{},"counts":{}}' == encode_progress(NOT_BEGUN)
    assert {
        "format": 2,
        "state": "running",
        "next_offsets": {"0": 8},
        "counts": {"scanned": 3, "resent": 2},
        "failures": [[0, 5, "gone", "RESEND.00400103"]],
        "reason": "r",
        "started_at_ms": 1,
        "updated_at_ms": 2,
        "ended_at_ms": 3,
        "report": {
            "would_resend": {"0": 1},
            "size_bytes": 5,
            "first": [[0, 6]],
            "bucket_ms": 2000,
            "histogram": {"4000": 1},
            "targets": {"orders": 1},
            "dialects": {"spring": 1},
        },
        "first_not_evaluated": [0, 5, "x", None],
        "copies": {"orders": {"0": {"runs": [[20, 21, 2]]}, "1": {"unplaced": 1}}},
    } == json.loads(encode_progress(progress))


def test_resend_with_a_key_and_its_answer_are_written_as_ever() -> None:
    """All fields of the request; of the answer the copy, or the error's code and facts without the position."""
    asked = IdempotentResend(JOB_ID, "i", POSITION, "id", None, "d", 5)
    answers = [Answer("d", 5, Resent(POSITION, 2, 9, "now")), Answer("d", 5, OffsetExpired(POSITION, 8))]

    assert {
        "format": 1,
        "key_id": JOB_ID,
        "instance": "i",
        "position": ["orders", 2, 7],
        "topic_id": "id",
        "consumer_key": None,
        "digest": "d",
        "created_at_ms": 5,
    } == json.loads(encode_resend(asked))
    assert [
        {"format": 1, "digest": "d", "created_at_ms": 5, "copy": [2, 9, "now"]},
        {"format": 1, "digest": "d", "created_at_ms": 5, "refused": ["offset_expired", {"log_start_offset": 8}]},
    ] == [json.loads(encode_answer(answer)) for answer in answers]


def test_heartbeat_is_written_as_ever() -> None:
    """How long it holds, and what there is to say."""
    assert b'{"format":1,"valid_ms":9}' == encode_heartbeat(Heartbeat(9))
    assert b'{"format":1,"valid_ms":9,"problem":"p","waiting":{"a":"b"}}' == encode_heartbeat(
        Heartbeat(9, "p", {"a": "b"})
    )
