"""How a job is told."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from kafka.jobs.plan import Filter, Plan
from kafka.jobs.progress import Job, Report, State
from service.wire_jobs import MessagePosition, TargetItem


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SpanItem(_Body):
    """A range of offsets that is read."""

    partition: int
    start: int
    end: int = Field(description="Not part of it; fixed when the job was accepted.")


class SelectionItem(_Body):
    """What is read, as it was fixed when the job was accepted."""

    spans: list[SpanItem]
    positions: int | None = Field(default=None, description="How many messages alone are meant; absent: all.")
    start_time: int | None = Field(default=None, description="First timestamp; absent: any.")
    end_time: int | None = Field(default=None, description="First timestamp after the range; absent: any.")


class ConditionItem(_Body):
    """What is asked of the headers of one name."""

    name: str
    value: str | None = Field(default=None, description="Absent: any.")
    absent: bool | None = Field(default=None, description="true, or absent.")


class FilterToldItem(_Body):
    """Which of the messages that are read are resent."""

    key: str | None
    headers: list[ConditionItem]
    jmespath: str | None
    copies: bool


class CountsItem(_Body):
    """Messages so far."""

    selected: int = Field(description="Offsets to read altogether: an upper bound of the messages.")
    read: int
    resent: int
    skipped: int = Field(description="Not meant, or left out by the filter.")
    failed: int
    expired: int = Field(description="Offsets that retention removed before they were read.")


class ProgressItem(_Body):
    """How far a partition is."""

    partition: int
    next_offset: int
    end_offset: int


class FailureItem(MessagePosition):
    """A message that could not be resent."""

    reason: str


class MatchingItem(_Body):
    """How many messages of a partition would be resent."""

    partition: int
    matching: int


class TargetMatchingItem(_Body):
    """How many of the matching messages would go to a topic."""

    topic: str
    matching: int


class BucketItem(_Body):
    """How many of the matching messages have their time in a stretch."""

    start_time: int
    end_time: int
    count: int


class ReportItem(_Body):
    """What a dry run has found."""

    matching: int
    partitions: list[MatchingItem]
    size_bytes: int = Field(description="Of the keys and values of the matching messages.")
    first: list[MessagePosition] = Field(description="The first 100, by partition, then by offset.")
    histogram: list[BucketItem] = Field(description="Stretches without any are left out.")
    targets: list[TargetMatchingItem] | None = Field(
        default=None, description="The first 100 topics; absent where the target is the messages' own."
    )


class JobResponse(_Body):
    """A job."""

    job_id: str
    state: State
    topic: str
    project_id: str
    made_by: str = Field(description="Name of the caller.")
    made_at: int = Field(description="Unix milliseconds, as all times here.")
    started_at: int | None
    updated_at: int | None
    ended_at: int | None
    dry_run: bool
    consumer_key: str | None = Field(default=None, description="Absent when the copies are for everybody.")
    target: TargetItem | None = Field(
        default=None, description="Absent when the copies go to the topic and the partition of the messages."
    )
    selection: SelectionItem
    filter: FilterToldItem
    records_per_second: float | None
    stop_after_failures: int | None
    counts: CountsItem
    progress: list[ProgressItem]
    rate: float = Field(description="Messages read a second since the start.")
    seconds_left: float | None = Field(description="An estimate; null where there is none.")
    reason: str | None = Field(description="Why it failed.")
    cancel_requested: bool
    not_understood: str | None = Field(description="Why workers of this version leave it alone.")
    failures: list[FailureItem] = Field(default=[], description="The first 100; not in lists.")
    failures_listed_all: bool = Field(default=True, description="Nothing failed beyond these; not in lists.")
    report: ReportItem | None = Field(default=None, description="Of a dry run, once it has begun; not in lists.")


class JobsResponse(_Body):
    """Some of the jobs, the newest first."""

    jobs: list[JobResponse]
    total: int = Field(description="How many there are.")
    size: int = Field(description="How many are in this answer.")


def told(job: Job, plan: Plan, *, whole: bool) -> dict[str, object]:
    """Return a job as an answer has it.

    Args:
        job: as far as it is known.
        plan: its plan.
        whole: with failures and report, which a list leaves out.
    """
    progress, counts = job.progress, job.progress.counts
    read = counts.read + counts.expired
    begun, updated = progress.started_at_ms, progress.updated_at_ms
    seconds = (updated - begun) / 1000 if begun is not None and updated is not None else 0.0
    rate = round(read / seconds, 1) if seconds > 0 else 0.0
    left = _left(job, plan)
    fields: dict[str, object] = {
        "job_id": job.job_id,
        "state": job.state,
        "topic": plan.topic,
        "project_id": plan.project,
        "made_by": plan.made_by,
        "made_at": plan.made_at_ms,
        "started_at": begun,
        "updated_at": updated,
        "ended_at": progress.ended_at_ms,
        "dry_run": plan.dry_run,
        "selection": _selection(plan),
        "filter": _filter_told(plan.filter),
        "records_per_second": plan.records_per_second,
        "stop_after_failures": plan.stop_after_failures,
        "counts": {
            "selected": plan.offsets,
            "read": counts.read,
            "resent": counts.resent,
            "skipped": counts.skipped,
            "failed": counts.failed,
            "expired": counts.expired,
        },
        "progress": _progress(job, plan),
        "rate": rate,
        "seconds_left": round(left / rate, 1) if rate and job.state == "running" else None,
        "reason": progress.reason,
        "cancel_requested": job.cancel_asked,
        "not_understood": job.not_understood,
    }
    if plan.consumer_key is not None:
        fields["consumer_key"] = plan.consumer_key
    if plan.target is not None:
        fields["target"] = {"origin": plan.target.origin, "remove_headers": plan.target.remove_headers}
    if whole:
        fields["failures"] = [
            {"partition": failure.partition, "message_offset": failure.offset, "reason": failure.reason}
            for failure in progress.failures
        ]
        fields["failures_listed_all"] = len(progress.failures) == counts.failed
        if progress.report is not None:
            fields["report"] = _report(progress.report, plan)
    return fields


def failed_positions(job: Job) -> tuple[tuple[int, int], ...]:
    """Return the positions of a job's listed failures."""
    return tuple((failure.partition, failure.offset) for failure in job.progress.failures)


def _selection(plan: Plan) -> dict[str, object]:
    selection: dict[str, object] = {
        "spans": [{"partition": span.partition, "start": span.start, "end": span.end} for span in plan.spans]
    }
    if plan.positions is not None:
        selection["positions"] = sum(len(offsets) for offsets in plan.positions.values())
    if plan.times_ms is not None:
        selection["start_time"], selection["end_time"] = plan.times_ms
    return selection


def _filter_told(conditions: Filter) -> dict[str, object]:
    headers = []
    for condition in conditions.headers:
        header: dict[str, object] = {"name": condition.name}
        if condition.absent:
            header["absent"] = True
        elif condition.value is not None:
            header["value"] = condition.value
        headers.append(header)
    return {
        "key": conditions.key,
        "headers": headers,
        "jmespath": conditions.jmespath,
        "copies": conditions.copies,
    }


def _progress(job: Job, plan: Plan) -> list[dict[str, int]]:
    ends: dict[int, tuple[int, int]] = {}
    for span in plan.spans:
        start = ends.get(span.partition, (span.start, 0))[0]
        ends[span.partition] = (min(start, span.start), max(ends.get(span.partition, (0, 0))[1], span.end))
    reached = job.progress.next_offsets
    return [
        {"partition": partition, "next_offset": reached.get(partition, start), "end_offset": end}
        for partition, (start, end) in sorted(ends.items())
    ]


def _left(job: Job, plan: Plan) -> int:
    reached = job.progress.next_offsets
    return sum(max(0, span.end - max(span.start, reached.get(span.partition, 0))) for span in plan.spans)


def _report(report: Report, plan: Plan) -> dict[str, object]:
    targets = [{"topic": topic, "matching": count} for topic, count in report.targets.items()]
    return {
        **({} if plan.target is None else {"targets": targets}),
        "matching": sum(report.matching.values()),
        "partitions": [
            {"partition": partition, "matching": count} for partition, count in sorted(report.matching.items())
        ],
        "size_bytes": report.size_bytes,
        "first": [{"partition": partition, "message_offset": offset} for partition, offset in report.first],
        "histogram": [
            {"start_time": start, "end_time": start + report.bucket_ms, "count": count}
            for start, count in sorted(report.histogram.items())
        ],
    }
