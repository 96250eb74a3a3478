"""Bodies of the answers about jobs."""

from __future__ import annotations

from msgspec.structs import asdict
from pydantic import Field

from kafka.jobs.copy_runs import CopiesByTopic
from kafka.jobs.job import Job
from kafka.jobs.plan import Plan
from kafka.jobs.progress import Report, State
from service.api.schema.filter import hint_of
from service.api.schema.job_request import MessagePosition
from service.api.schema.job_terms import FilterToldItem, JobPart, SelectionItem, TargetToldItem


class CountsItem(JobPart):
    """Messages so far. Each one that was scanned is counted once more, up to `matched`.

    `scanned` is the sum of `outside_time_range`, `already_resent`, `not_matched`, `not_json`, `not_evaluated` and
    `matched`; `matched` is the sum of `resent` and `failed`, except in a dry run, where `resent` is 0.
    """

    selected: int = Field(description="Offsets to read altogether: an upper bound of the messages.")
    scanned: int = Field(description="Messages of the selection that were read, and named positions that have none.")
    outside_time_range: int = Field(description="Their timestamp is not in the range.")
    already_resent: int = Field(description="They carry a consumer_key, and `filter.include_resent` is not set.")
    not_matched: int = Field(description="They do not meet a condition of the filter.")
    not_json: int = Field(description="The filter has a JMESPath expression, and their value is null or not JSON.")
    not_evaluated: int = Field(description="The JMESPath expression cannot be evaluated on their value.")
    matched: int = Field(description="They meet all conditions.")
    resent: int = Field(description="Their copies are written.")
    failed: int = Field(description="They match and cannot be copied, or a named position has no message.")
    expired: int = Field(description="Offsets that retention removed before they were read.")


class ProgressItem(JobPart):
    """How far a partition is."""

    partition: int
    next_offset: int
    end_offset: int


class FailureItem(JobPart):
    """A message that could not be resent, or a position that has none."""

    partition: int
    message_offset: int = Field(validation_alias="offset")
    reason: str
    error_code: str | None = Field(
        validation_alias="code", description="As a single resend answers; null where it has no such error."
    )


class WouldResendItem(JobPart):
    """How many messages of a partition would be resent."""

    partition: int
    would_resend: int


class TargetWouldResendItem(JobPart):
    """How many of these messages would go to a topic."""

    topic: str
    would_resend: int


class DialectWouldResendItem(JobPart):
    """How many of these messages say in a dialect where they came from."""

    dialect: str
    would_resend: int


class ReportBucketItem(JobPart):
    """How many of these messages have their time in a stretch."""

    start_time: int
    end_time: int
    count: int


class ReportItem(JobPart):
    """What a dry run has found."""

    would_resend: int = Field(description="Messages that match and can be copied: `matched` less `failed`.")
    partitions: list[WouldResendItem]
    size_bytes: int = Field(description="Of the keys and values of these messages.")
    first: list[MessagePosition] = Field(description="The first 100, by partition, then by offset.")
    histogram: list[ReportBucketItem] = Field(description="Stretches without any are left out.")
    targets: list[TargetWouldResendItem] | None = Field(
        default=None, description="The first 100 topics; absent where the target is the messages' own."
    )
    dialects: list[DialectWouldResendItem] | None = Field(
        default=None, description="Dialects that were recognised; absent where the target is the messages' own."
    )


class CopiesItem(JobPart):
    """Where the copies in a partition are."""

    topic: str
    partition: int
    copies: int = Field(description="How many.")
    first_offset: int | None = Field(description="No copy lies before it; null where the broker has told no offset.")
    last_offset: int | None = Field(description="Of the last copy whose offset the broker has told.")
    unplaced: int = Field(
        default=0, description="How many of them the broker has acknowledged without telling the offset; absent: none."
    )


class JobResponse(JobPart):
    """A job."""

    job_id: str
    name: str | None = Field(default=None, description="What people call it; absent where it has no name.")
    state: State
    topic: str
    project_id: str = Field(validation_alias="project")
    created_by: str = Field(description="Name of the caller.")
    created_at: int = Field(validation_alias="created_at_ms", description="Unix milliseconds, as all times here.")
    started_at: int | None = Field(validation_alias="started_at_ms")
    updated_at: int | None = Field(validation_alias="updated_at_ms")
    ended_at: int | None = Field(validation_alias="ended_at_ms")
    dry_run: bool
    consumer_key: str | None = Field(default=None, description="Absent when the copies are for everybody.")
    target: TargetToldItem | None = Field(
        default=None, description="Absent when the copies go to the topic and the partition of the messages."
    )
    provenance: bool = Field(default=False, description="Copies say what they are copies of; absent: they do not.")
    max_resends: int | None = Field(default=None, description="Absent: as often as the operator allows.")
    overlaps: str | None = Field(
        default=None,
        description="Id of a job that had resent some of the messages for the same recipient, or was about to, when "
        "this one was accepted; absent: none was found.",
    )
    selection: SelectionItem
    filter: FilterToldItem
    records_per_second: float | None
    max_failures: int | None
    counts: CountsItem
    progress: list[ProgressItem]
    rate: float = Field(description="Messages resent a second since the start; 0 in a dry run.")
    scan_rate: float = Field(description="Messages scanned a second since the start.")
    eta_seconds: float | None = Field(description="An estimate; null where there is none.")
    reason: str | None = Field(description="Why it failed.")
    cancel_requested: bool
    unsupported_reason: str | None = Field(
        description="Why workers of this version leave it alone, but for a cancel. What cannot be read is empty or 0."
    )
    first_not_evaluated: FailureItem | None = Field(
        default=None, description="The first message found on which the JMESPath expression cannot be evaluated."
    )
    hint: str | None = Field(
        default=None, description="What may be wrong with a filter that nothing has matched yet; not in lists."
    )
    waits_for: str | None = Field(
        description="What a job that has not ended waits for, such as a worker, one of Kafka's ACLs, or its turn; null "
        "where it waits for nothing, or to be resumed."
    )
    failures: list[FailureItem] | None = Field(
        default=None, description="The first 100, or all of a job over messages; not in lists."
    )
    failures_listed_all: bool | None = Field(default=None, description="Nothing failed beyond these; not in lists.")
    report: ReportItem | None = Field(default=None, description="Of a dry run, once it has begun; not in lists.")
    copies: list[CopiesItem] | None = Field(
        default=None,
        description="Where its copies are, as of the last commit: at most 1,000 partitions; not in lists.",
    )


class JobsResponse(JobPart):
    """Some of the jobs, the newest first."""

    jobs: list[JobResponse]
    total: int = Field(description="How many there are.")
    size: int = Field(description="How many are in this answer.")


def to_response(job: Job, plan: Plan, *, waits_for: str | None, whole: bool) -> dict[str, object]:
    """Return a job as an answer has it: each field is that of the plan or the progress of its name, or made here.

    Args:
        job: as far as it is known.
        plan: its plan, or what can be read of it.
        waits_for: see Jobs.waits_for.
        whole: with failures and report, which a list leaves out.
    """
    progress, counts = job.progress, job.progress.counts
    begun, updated = progress.started_at_ms, progress.updated_at_ms
    seconds = (updated - begun) / 1000 if begun is not None and updated is not None else 0.0
    fields: dict[str, object] = asdict(progress) | asdict(plan)
    fields |= {
        "state": job.state,
        "selection": _selection(plan),
        "counts": {"selected": plan.offsets, **asdict(counts)},
        "progress": _progress(job, plan),
        "rate": round(counts.resent / seconds, 1) if seconds > 0 else 0.0,
        "scan_rate": round(counts.scanned / seconds, 1) if seconds > 0 else 0.0,
        "eta_seconds": _eta_seconds(job, plan, seconds),
        "cancel_requested": job.cancel_requested,
        "unsupported_reason": job.unsupported_reason,
        "waits_for": waits_for,
    }
    if whole:
        fields |= {
            "hint": hint_of(plan.filter, counts.matched, counts.not_matched),
            "failures_listed_all": len(progress.failures) == counts.failed,
            "report": None if progress.report is None else _report(progress.report, plan),
            "copies": _copies(progress.copies),
        }
    else:
        del fields["failures"], fields["report"], fields["copies"]
    return JobResponse.model_validate(fields, extra="ignore").model_dump(exclude_defaults=True)


def failed_positions(job: Job) -> tuple[tuple[int, int], ...]:
    """Return the positions of a job's listed failures."""
    return tuple((failure.partition, failure.offset) for failure in job.progress.failures)


def _copies(copies: CopiesByTopic) -> list[dict[str, object]]:
    return [
        {
            "topic": topic,
            "partition": partition,
            "copies": found.count,
            "first_offset": found.runs[0].first if found.runs else None,
            "last_offset": found.runs[-1].last if found.runs else None,
            "unplaced": found.unplaced,
        }
        for topic, partitions in sorted(copies.items())
        for partition, found in sorted(partitions.items())
    ]


def _selection(plan: Plan) -> dict[str, object]:
    start, end = plan.times_ms or (None, None)
    positions = None if plan.positions is None else sum(map(len, plan.positions.values()))
    return {"spans": plan.spans, "positions": positions, "start_time": start, "end_time": end}


def _progress(job: Job, plan: Plan) -> list[dict[str, int]]:
    ends: dict[int, tuple[int, int]] = {}
    for span in plan.spans:
        start, end = ends.get(span.partition, (span.start, span.end))
        ends[span.partition] = min(start, span.start), max(end, span.end)
    reached = job.progress.next_offsets
    return [
        {"partition": partition, "next_offset": reached.get(partition, start), "end_offset": end}
        for partition, (start, end) in sorted(ends.items())
    ]


def _eta_seconds(job: Job, plan: Plan, seconds: float) -> float | None:
    """Return how long a job may still take, going by the offsets that it has passed in that many seconds."""
    reached = job.progress.next_offsets
    left = sum(max(0, span.end - max(span.start, reached.get(span.partition, 0))) for span in plan.spans)
    passed = plan.offsets - left
    if job.state != "running" or passed <= 0 or seconds <= 0:
        return None
    return round(left * seconds / passed, 1)


def _report(report: Report, plan: Plan) -> dict[str, object]:
    targets = [{"topic": topic, "would_resend": count} for topic, count in report.targets.items()]
    dialects = [{"dialect": name, "would_resend": count} for name, count in report.dialects.items()]
    return {
        "targets": None if plan.target is None else targets,
        "dialects": None if plan.target is None else dialects,
        "would_resend": sum(report.would_resend.values()),
        "partitions": [
            {"partition": partition, "would_resend": count} for partition, count in sorted(report.would_resend.items())
        ],
        "size_bytes": report.size_bytes,
        "first": [{"partition": partition, "message_offset": offset} for partition, offset in report.first],
        "histogram": [
            {"start_time": start, "end_time": start + report.bucket_ms, "count": count}
            for start, count in sorted(report.histogram.items())
        ],
    }
