"""How far a job is: the pure fold of its records in the store.

<id>/request   the plan, by whoever accepted the job
<id>/plan      the same plan as its owner adopted it: from then on another request changes nothing
<id>/state     progress and outcome, by the owner, in the transaction that holds the copies it counts
<id>/cancel    by whoever was asked to cancel it
<id>/pause     likewise; says whether to pause or to go on
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from heapq import nsmallest
from typing import Any, Literal

from kafka.jobs.plan import FORMAT, Plan, PlanNotUnderstood, decode_plan

State = Literal["pending", "running", "paused", "succeeded", "failed", "cancelled"]
FINAL: frozenset[State] = frozenset({"succeeded", "failed", "cancelled"})
KINDS = ("request", "plan", "state", "cancel", "pause")
"""All kinds of a job's records."""

OWNERS_KINDS = frozenset({"plan", "state"})
"""The kinds of a job's records that only its owner writes."""

KEPT_FAILURES = 100
KEPT_POSITIONS = 100
KEPT_BUCKETS = 200
KEPT_TARGETS = 100


@dataclass(frozen=True, slots=True)
class Failure:
    """A record that could not be resent.

    Attributes:
        partition: of the record; so offset.
        reason: in the words of kafka.errors.
    """

    partition: int
    offset: int
    reason: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Records that a job has dealt with.

    Attributes:
        read: seen at all.
        resent: copied.
        skipped: left out by selection or filter.
        failed: could not be copied.
        expired: offsets that retention or a request removed before they were read; not all need have been records.
    """

    read: int = 0
    resent: int = 0
    skipped: int = 0
    failed: int = 0
    expired: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.read + other.read,
            self.resent + other.resent,
            self.skipped + other.skipped,
            self.failed + other.failed,
            self.expired + other.expired,
        )


@dataclass(frozen=True, slots=True)
class Report:
    """What a dry run has found.

    Attributes:
        matching: records that would be resent, by partition.
        size_bytes: of their keys and values together.
        first: partition and offset of the first KEPT_POSITIONS, by partition, then by offset.
        bucket_ms: how long a bucket of the histogram is.
        histogram: how many of them have their time in the bucket that begins then (Unix milliseconds).
        targets: of a job whose target is not the records' own topic, how many of them would go where: the first
            KEPT_TARGETS topics.
    """

    matching: Mapping[int, int] = field(default_factory=dict)
    size_bytes: int = 0
    first: tuple[tuple[int, int], ...] = ()
    bucket_ms: int = 1000
    histogram: Mapping[int, int] = field(default_factory=dict)
    targets: Mapping[str, int] = field(default_factory=dict)

    def with_targets(self, topics: Iterable[str]) -> Report:
        """Return the report with the targets of more records."""
        targets = dict(self.targets)
        for topic in topics:
            if topic in targets or len(targets) < KEPT_TARGETS:
                targets[topic] = targets.get(topic, 0) + 1
        return replace(self, targets=targets)

    def with_records(self, records: Iterable[tuple[int, int, int, int]]) -> Report:
        """Return the report with more records: partition, offset, size in bytes, and time in Unix milliseconds."""
        matching, histogram, size_bytes = dict(self.matching), dict(self.histogram), self.size_bytes
        positions, bucket_ms = list(self.first), self.bucket_ms
        for partition, offset, size, time_ms in records:
            matching[partition] = matching.get(partition, 0) + 1
            size_bytes += size
            positions.append((partition, offset))
            start = time_ms - time_ms % bucket_ms
            histogram[start] = histogram.get(start, 0) + 1
            while len(histogram) > KEPT_BUCKETS:
                bucket_ms *= 2
                wider: dict[int, int] = {}
                for begin, count in histogram.items():
                    wider[begin - begin % bucket_ms] = wider.get(begin - begin % bucket_ms, 0) + count
                histogram = wider
        # Which partition is read first differs from run to run; the report must not.
        first = tuple(nsmallest(KEPT_POSITIONS, positions))
        return Report(matching, size_bytes, first, bucket_ms, histogram, self.targets)


@dataclass(frozen=True, slots=True)
class Progress:
    """What the owner has committed.

    Attributes:
        state: as of the last commit.
        next_offsets: per partition, up to where everything is dealt with.
        counts: of records.
        failures: the first KEPT_FAILURES.
        reason: why it failed.
        started_at_ms: of the first step; None before.
        updated_at_ms: of the last one.
        ended_at_ms: of the last one, once the state is final.
        report: of a dry run.
    """

    state: State = "pending"
    next_offsets: Mapping[int, int] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    failures: tuple[Failure, ...] = ()
    reason: str | None = None
    started_at_ms: int | None = None
    updated_at_ms: int | None = None
    ended_at_ms: int | None = None
    report: Report | None = None


_FIELDS = frozenset(field.name for field in fields(Progress)) | {"format"}
_STATES = frozenset({"pending", "running"}) | FINAL


def encode_progress(progress: Progress) -> bytes:
    """Return the progress as the JSON that stands in the store."""
    counts, report = progress.counts, progress.report
    return json.dumps(
        {
            "format": FORMAT,
            "state": progress.state,
            "next_offsets": {str(partition): offset for partition, offset in progress.next_offsets.items()},
            "counts": [counts.read, counts.resent, counts.skipped, counts.failed, counts.expired],
            "failures": [[failure.partition, failure.offset, failure.reason] for failure in progress.failures],
            "reason": progress.reason,
            "started_at_ms": progress.started_at_ms,
            "updated_at_ms": progress.updated_at_ms,
            "ended_at_ms": progress.ended_at_ms,
            "report": None if report is None else _encode_report(report),
        },
        separators=(",", ":"),
    ).encode()


def _encode_report(report: Report) -> dict[str, object]:
    return {
        "matching": {str(partition): count for partition, count in report.matching.items()},
        "size_bytes": report.size_bytes,
        "first": report.first,
        "bucket_ms": report.bucket_ms,
        "histogram": {str(start): count for start, count in report.histogram.items()},
        **({"targets": dict(report.targets)} if report.targets else {}),
    }


def decode_progress(content: bytes) -> Progress:
    """Return the progress that encode_progress wrote.

    Raises:
        PlanNotUnderstood: it has another format, an unknown field or state, or lacks a field.
    """
    try:
        found = json.loads(content)
        if found.get("format") != FORMAT:
            raise PlanNotUnderstood(f"its progress has the format {found.get('format')!r}, not {FORMAT}")
        if unknown := sorted(set(found) - _FIELDS):
            raise PlanNotUnderstood(f"its progress has an unknown field {unknown[0]!r}")
        if found["state"] not in _STATES:
            raise PlanNotUnderstood(f"its progress has an unknown state {found['state']!r}")
        report = found["report"]
        return Progress(
            found["state"],
            {int(partition): int(offset) for partition, offset in found["next_offsets"].items()},
            Counts(*found["counts"]),
            tuple(Failure(*failure) for failure in found["failures"]),
            found["reason"],
            found["started_at_ms"],
            found["updated_at_ms"],
            found["ended_at_ms"],
            None if report is None else _decode_report(report),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise PlanNotUnderstood(f"it is not a progress: {type(error).__name__}") from None


def _decode_report(found: Mapping[str, Any]) -> Report:
    return Report(
        {int(partition): count for partition, count in found["matching"].items()},
        found["size_bytes"],
        tuple((partition, offset) for partition, offset in found["first"]),
        found["bucket_ms"],
        {int(start): count for start, count in found["histogram"].items()},
        dict(found.get("targets") or {}),
    )


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its records in the store tell it.

    Attributes:
        job_id: its id.
        plan: as adopted, or as first requested; None while neither was seen, or neither could be understood.
        adopted: whether its owner has adopted the plan.
        progress: what the owner has committed.
        cancel_asked: somebody wants it to end.
        pause_asked: somebody wants it to wait.
        misfits: by kind of record, why the last one of that kind is not understood.
    """

    job_id: str
    plan: Plan | None = None
    adopted: bool = False
    progress: Progress = field(default_factory=Progress)
    cancel_asked: bool = False
    pause_asked: bool = False
    misfits: Mapping[str, str] = field(default_factory=dict)

    @property
    def not_understood(self) -> str | None:
        """Why this version must leave it alone."""
        return self.misfits[min(self.misfits)] if self.misfits else None

    @property
    def state(self) -> State:
        """What a user is told."""
        state = self.progress.state
        if state in {"pending", "running"} and self.pause_asked and not self.cancel_asked:
            return "paused"
        return state

    @property
    def over(self) -> bool:
        """Whether nothing will change any more."""
        return self.progress.state in FINAL

    @property
    def runnable(self) -> bool:
        """Whether its owner has something to do for it."""
        if self.over or self.plan is None or self.not_understood is not None:
            return False
        return self.cancel_asked or not self.pause_asked


def split_key(key: bytes | None) -> tuple[str, str]:
    """Return the job's id and the kind of a record of the store; two empty strings for a key that is none of ours."""
    try:
        job_id, _, kind = (key or b"").decode("ascii").partition("/")
    except UnicodeDecodeError:
        return "", ""
    return job_id, kind


def fold(job: Job | None, job_id: str, kind: str, value: bytes | None) -> Job | None:
    """Return the job after one more of its records; None once its records are removed.

    Args:
        job: what the records before said; None for the first one.
        job_id: whose record it is.
        kind: request, plan, state, cancel or pause.
        value: what it says; None removes the job.
    """
    if value is None:
        # All keys of a job are removed in one transaction; the first of these tells.
        return None
    job = job or Job(job_id)
    if kind == "request" and (job.adopted or job.plan is not None or "request" in job.misfits):
        # The first one counts until the owner has adopted it; then nothing but what was adopted.
        return job
    # The last record of a kind replaces all that those before it said: compaction may have removed them.
    replaced = {"request", "plan"} if kind == "plan" else {kind}
    job = replace(job, misfits={other: reason for other, reason in job.misfits.items() if other not in replaced})
    if kind == "plan":
        job = replace(job, adopted=True, plan=None)
    elif kind == "state":
        job = replace(job, progress=Progress())
    try:
        return _with_record(job, kind, value)
    except PlanNotUnderstood as error:
        return replace(job, misfits={**job.misfits, kind: str(error)})


def _with_record(job: Job, kind: str, value: bytes) -> Job:
    if kind in {"request", "plan"}:
        return replace(job, plan=_plan_of(job.job_id, value))
    if kind == "state":
        return replace(job, progress=decode_progress(value))
    if kind == "cancel":
        return replace(job, cancel_asked=True)
    if kind == "pause":
        return replace(job, pause_asked=value == b"true")
    raise PlanNotUnderstood(f"it has an unknown record {kind!r}")


def _plan_of(job_id: str, value: bytes) -> Plan:
    plan = decode_plan(value)
    if plan.job_id != job_id:
        raise PlanNotUnderstood("it is the plan of another job")
    return plan
