"""The progress of jobs: it survives being written down, and compaction does not change what its records say."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from kafka.jobs.copy_runs import CopyRun, PartitionCopies
from kafka.jobs.job import KINDS, Job, fold, split_key
from kafka.jobs.plan import Plan, encode_plan
from kafka.jobs.progress import (
    FINAL,
    KEPT_BUCKETS,
    KEPT_POSITIONS,
    KEPT_TARGETS,
    NOT_BEGUN,
    Counts,
    Failure,
    Progress,
    Report,
    decode_progress,
    encode_progress,
)
from kafka.jobs.stored import UnsupportedFormat
from kafka.model.records import OffsetRange

JOB_ID = "3-" + "ab" * 12
PLAN = Plan(
    job_id=JOB_ID,
    instance="i",
    project="p",
    created_by="me",
    created_at_ms=5,
    topic="topic",
    topic_id="id",
    spans=(OffsetRange(0, 0, 10),),
)
OTHER_PLAN = replace(PLAN, created_at_ms=6)

numbers = st.integers(0, 2**63 - 1)
partitions = st.integers(0, 2**31 - 1)
by_number = st.dictionaries(st.integers(0, 500), numbers, max_size=4)
reports = st.builds(
    Report,
    by_number,
    numbers,
    st.lists(st.tuples(partitions, numbers), max_size=4).map(tuple),
    st.integers(1, 2**63 - 1),
    st.dictionaries(numbers, numbers, max_size=4),
    st.dictionaries(st.text(max_size=5), numbers, max_size=3),
)
failures = st.builds(Failure, partitions, numbers, st.text(max_size=10), st.none() | st.just("code"))
runs = st.builds(CopyRun, numbers, numbers, numbers)
copies = st.builds(PartitionCopies, st.lists(runs, max_size=3).map(tuple), numbers)
progresses = st.builds(
    Progress,
    st.sampled_from(["pending", "running", *sorted(FINAL)]),
    by_number,
    st.builds(Counts, *[numbers] * len(fields(Counts))),
    st.lists(failures, max_size=3).map(tuple),
    st.none() | st.text(max_size=10),
    st.none() | numbers,
    st.none() | numbers,
    st.none() | numbers,
    st.none() | reports,
    st.none() | failures,
    st.dictionaries(st.text(max_size=5), st.dictionaries(partitions, copies, max_size=3), max_size=2),
)

ODD: tuple[object, ...] = (float("inf"), float("nan"), -1, 10**400, "0", [], True)
Entry = tuple[str, bytes | None]
NEWER_PLAN = json.dumps({"format": 2}).encode()
HOSTILE = [
    *(
        json.dumps({**json.loads(encode_progress(NOT_BEGUN)), "next_offsets": {"0": number}}).encode()
        for number in (None, *ODD)
    ),
    *(json.dumps({**json.loads(encode_plan(PLAN)), "records_per_second": number}).encode() for number in (0.0, *ODD)),
    b"[" * 100_000,
    b'{"format": 1e400}',
]
"""Records that look like ours, with numbers that no field can hold."""

requests = st.sampled_from([encode_plan(PLAN), encode_plan(OTHER_PLAN), NEWER_PLAN])
entries = st.one_of(
    st.tuples(st.just("plan"), requests),
    st.tuples(st.just("state"), progresses.map(encode_progress) | st.just(b'{"format": 3}')),
    st.tuples(st.just("cancel"), st.just(b"true")),
    st.tuples(st.just("pause"), st.sampled_from([b"true", b"false"])),
    st.tuples(st.just("future"), st.just(b"?")),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Entry]:
    """Draw all that may be written of a job: requests that differ come only where its owner adopts one."""
    history: list[Entry] = draw(st.lists(entries, max_size=12))
    adopted = any(kind == "plan" for kind, _ in history)
    asked = draw(requests)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(history)))
        history.insert(place, ("request", draw(requests) if adopted else asked))
    return history


def folded(history: Iterable[Entry], job: Job | None = None) -> Job | None:
    for kind, value in history:
        job = fold(job, JOB_ID, kind, value)
    return job


@given(progresses)
def test_progress_comes_back_as_it_was_written(progress: Progress) -> None:
    """The next owner continues from exactly there."""
    assert decode_progress(encode_progress(progress)) == progress


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 1}, "the format 1"),
        ({"cursor": 1}, "an unknown field 'cursor'"),
        ({"state": "resting"}, "an unknown state 'resting'"),
        ({"counts": [1, 2, 3, 4, 5]}, "it is not a progress"),
        ({"counts": {"scanned": 1, "seen": 2}}, "an unknown field 'seen'"),
        ({"counts": {"scanned": "5"}}, "it is not a progress"),
        ({"counts": {"scanned": 5.5}}, "it is not a progress"),
        ({"first_not_evaluated": [0, 1]}, "it is not a progress"),
        ({"next_offsets": {"0": float("inf")}}, "it is not a progress"),
        ({"next_offsets": {"0": 1.5}}, "it is not a progress"),
        ({"next_offsets": {"0": 10**400}}, "it is not a progress"),
        ({"updated_at_ms": "now"}, "it is not a progress"),
        ({"ended_at_ms": 1e400}, "it is not a progress"),
        ({"reason": 5}, "it is not a progress"),
        (
            {"report": {"would_resend": {}, "size_bytes": 0, "first": [], "bucket_ms": 0, "histogram": {}}},
            "it is not a progress",
        ),
        ({"next_offsets": {"0": "end"}}, "it is not a progress"),
        ({"failures": None}, "it is not a progress"),
    ],
)
def test_progress_of_another_kind_is_not_understood(change: dict[str, object], reason: str) -> None:
    """To continue from progress that is half understood could resend records twice."""
    content = json.dumps({**json.loads(encode_progress(NOT_BEGUN)), **change}).encode()
    with pytest.raises(UnsupportedFormat) as caught:
        decode_progress(content)
    assert reason in str(caught.value)


@given(histories(), st.data())
def test_fold_is_the_same_whatever_compaction_has_removed(history: list[Entry], data: st.DataObject) -> None:
    """A record that a later one of its kind supersedes may be gone or not: the job is the same."""
    compacted = [
        entry
        for place, entry in enumerate(history)
        if entry[0] not in {kind for kind, _ in history[place + 1 :]} or data.draw(st.booleans())
    ]
    assert folded(compacted) == folded(history)


@given(histories(), st.lists(requests, max_size=3))
def test_request_after_adoption_changes_nothing(history: list[Entry], repeated: list[bytes]) -> None:
    """Whoever asks once more under the same id gets the job that runs already."""
    before = folded([*history, ("plan", encode_plan(PLAN))])
    assert folded([("request", value) for value in repeated], before) == before
    assert before is not None
    assert before.plan == PLAN


def test_first_request_wins_before_adoption() -> None:
    """A second one with the same id changes nothing."""
    job = folded([("request", encode_plan(PLAN)), ("request", encode_plan(OTHER_PLAN)), ("request", NEWER_PLAN)])
    assert job == Job(JOB_ID, PLAN)


@given(histories(), st.permutations(KINDS))
def test_job_is_gone_once_its_records_are_removed(history: list[Entry], kinds: list[str]) -> None:
    """All keys of a job are removed together; afterwards it is as if it had never been."""
    assert folded([*history, *((kind, None) for kind in kinds)]) is None


@pytest.mark.parametrize("kind", ["request", "plan", "state", "future"])
def test_job_that_is_not_understood_is_left_alone_with_a_reason(kind: str) -> None:
    """A worker of an older version leaves a newer job to those who know it, unless it is to be cancelled."""
    job = folded([("request", encode_plan(PLAN)), (kind, NEWER_PLAN)] if kind != "request" else [(kind, NEWER_PLAN)])
    assert job is not None
    assert job.unsupported_reason
    cancelled = fold(job, JOB_ID, "cancel", b"true")
    assert cancelled is not None
    assert job.summary is not None
    assert (job.runnable, cancelled.runnable) == (False, True)


@given(st.sampled_from(["request", "plan", "state"]), st.binary(max_size=40) | st.sampled_from(HOSTILE))
def test_anything_in_the_store_leaves_a_job_that_can_be_listed_and_cancelled(kind: str, content: bytes) -> None:
    """No record hides a job: whatever it says, the job is there with the reason."""
    job = folded([("request", encode_plan(PLAN)), (kind, content)] if kind != "request" else [(kind, content)])
    assert job is not None
    assert job.summary is not None
    assert job.unsupported_reason
    cancelled = fold(job, JOB_ID, "cancel", b"true")
    assert cancelled is not None
    assert cancelled.runnable


def test_what_can_be_read_of_a_plan_that_is_not_understood_is_told() -> None:
    """Whose job it is decides who sees it; what is of another type is empty."""
    newer = json.dumps({**json.loads(encode_plan(PLAN)), "format": 2, "topic": 5, "created_at_ms": 1e400}).encode()
    job = folded([("request", newer)])
    assert job is not None
    assert (job.plan, job.summary) == (None, replace(PLAN, created_at_ms=0, topic="", topic_id="", spans=()))


def test_end_of_a_job_counts_although_the_rest_of_its_progress_is_not_understood() -> None:
    """A job that a newer version has ended is not cancelled by an older one, which would forget what it counted."""
    newer = json.dumps({"format": 2, "state": "succeeded", "ended_at_ms": 7}).encode()
    job = folded([("request", encode_plan(PLAN)), ("state", newer), ("cancel", b"true")])
    assert job is not None
    assert (job.state, job.progress.ended_at_ms, job.runnable) == ("succeeded", 7, False)


def test_plan_of_another_job_is_not_understood() -> None:
    """A record under the wrong key is nobody's plan."""
    job = fold(None, "3-" + "cd" * 12, "request", encode_plan(PLAN))
    assert job is not None
    assert job.unsupported_reason == "it is the plan of another job"


@pytest.mark.parametrize(
    ("asked", "state", "runnable"),
    [
        ([], "pending", True),
        (["pause"], "paused", False),
        (["pause", "cancel"], "paused", True),
        (["cancel"], "pending", True),
    ],
)
def test_pause_holds_a_job_unless_it_is_cancelled(asked: list[str], state: str, *, runnable: bool) -> None:
    """A paused job can still be cancelled, and for that its owner has something to do."""
    job = folded([("request", encode_plan(PLAN)), *((kind, b"true") for kind in asked)])
    assert job is not None
    assert (job.state, job.runnable) == (state, runnable)


@pytest.mark.parametrize("state", sorted(FINAL))
def test_job_that_is_over_stays_so(state: str) -> None:
    """Whoever pauses or cancels it comes too late."""
    ended = encode_progress(replace(NOT_BEGUN, state=state))
    job = folded([("request", encode_plan(PLAN)), ("state", ended), ("pause", b"true"), ("cancel", b"true")])
    assert job is not None
    assert (job.state, job.over, job.runnable) == (state, True, False)


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        (b"3-ab/state", ("3-ab", "state")),
        (b"owner", ("owner", "")),
        (None, ("", "")),
        (b"\xff/state", ("", "")),
    ],
)
def test_key_of_the_store_is_an_id_and_a_kind(key: bytes | None, parts: tuple[str, str]) -> None:
    """Whatever is no key of ours leads to no job."""
    assert split_key(key) == parts


@given(st.lists(st.tuples(st.integers(0, 3), numbers, st.integers(0, 100), st.integers(0, 2**50)), max_size=600))
def test_report_counts_every_record_in_few_buckets(records: list[tuple[int, int, int, int]]) -> None:
    """However far apart their times: every record is in one bucket, and in the one of its time."""
    half = len(records) // 2
    report = Report().with_records(records[:half]).with_records(records[half:])

    assert sum(report.would_resend.values()) == sum(report.histogram.values()) == len(records)
    assert report.size_bytes == sum(size for _, _, size, _ in records)
    assert report.first == tuple(sorted((partition, offset) for partition, offset, _, _ in records)[:KEPT_POSITIONS])
    assert len(report.histogram) <= KEPT_BUCKETS
    assert set(report.histogram) == {time - time % report.bucket_ms for _, _, _, time in records}


@given(st.lists(st.sampled_from([f"t{number}" for number in range(KEPT_TARGETS + 20)]), max_size=300))
def test_report_counts_the_first_targets_and_no_more(topics: list[str]) -> None:
    """Whoever writes headers could name any number of them; those that are kept are counted to the end."""
    half = len(topics) // 2
    report = Report().with_targets(topics[:half]).with_records([(0, 0, 1, 5)]).with_targets(topics[half:])
    kept = list(dict.fromkeys(topics))[:KEPT_TARGETS]

    assert dict(report.targets) == {topic: topics.count(topic) for topic in kept}


def test_report_of_an_older_version_has_no_targets() -> None:
    """Progress that it has written is read on, and what has no targets is written as it was then."""
    content = encode_progress(replace(NOT_BEGUN, report=Report({0: 1})))
    assert b"targets" not in content
    assert decode_progress(content).report == Report({0: 1})
