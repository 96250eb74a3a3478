"""What the body of a job may hold, and how a job is told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from kafka.jobs.plan import Filter, HeaderCondition, Plan
from kafka.jobs.progress import Job, Report
from kafka.jobs.wish import Wish
from service.refusals import JobFieldRefused, shown
from service.strict_json import read_json
from service.wire import ResendRequest

MOST_POSITIONS = 10_000
_MOST_HEADERS = 20
_MOST_TEXT = 4096
_LATEST_MS = 253_402_300_800_000
_MOST_RATE = 10_000_000

_SELECTIONS = ("offsets", "times", "messages")
_T = TypeVar("_T")


class JobRequest(BaseModel):
    """Which messages to resend, and for whom; docs/jobs.md tells each field."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"topic": "topic-test", "consumer_key": "keyA", "dry_run": True}}
    )

    topic: str = Field(description="Topic name.")
    partitions: list[int] | None = Field(default=None, description="The only partitions.")
    offsets: list[dict[str, int | None]] | None = Field(
        default=None,
        description="Ranges of offsets: partition, start, and end, which is not part of it (null: the end).",
    )
    start_time: int | None = Field(default=None, description="First timestamp, Unix milliseconds.")
    end_time: int | None = Field(default=None, description="First timestamp after the range.")
    messages: list[dict[str, int]] | None = Field(
        default=None, description=f"Up to {MOST_POSITIONS} messages: partition and message_offset."
    )
    filter: dict[str, Any] | None = Field(default=None, description="key, headers, jmespath, copies.")
    consumer_key: str | None = Field(default=None, description="Whom the copies are for.")
    records_per_second: float | None = Field(default=None, description="At most.")
    stop_after_failures: int | None = Field(default=None, description="The job fails when so many could not be resent.")
    dry_run: bool = Field(default=False, description="Count and report, and write nothing.")


class JobResponse(BaseModel):
    """A job; docs/jobs.md tells each field."""

    model_config = ConfigDict(extra="allow")

    job_id: str
    state: str = Field(description="pending, running, paused, succeeded, failed or cancelled.")


class JobsResponse(BaseModel):
    """Some of the jobs, the newest first."""

    jobs: list[JobResponse]
    total: int
    size: int


def parse_job(body: bytes, project: str, made_by: str) -> Wish:
    """Return what the body of a job asks for.

    Args:
        body: JSON.
        project: project id of the path.
        made_by: name of the caller.

    Raises:
        BodyRefused: the body as a whole.
        FieldRefused: one of its fields.
    """
    fields = _object(read_json(body), "the body", tuple(JobRequest.model_fields))
    if "topic" not in fields:
        raise JobFieldRefused("the body lacks topic")
    # Topic and consumer_key are as those of a single resend, and refused in the same words.
    single = ResendRequest.model_validate(
        {"topic": fields["topic"], "partition": 0, "message_offset": 0, "consumer_key": fields.get("consumer_key")}
    )
    times = _times(fields.get("start_time"), fields.get("end_time"))
    offsets = _optional(fields.get("offsets"), _offsets)
    positions = _optional(fields.get("messages"), _positions)
    given = [name for name, value in zip(_SELECTIONS, (offsets, times, positions), strict=True) if value is not None]
    if len(given) > 1:
        raise JobFieldRefused(f"the body selects by {given[0]} and by {given[1]}: choose one")
    dry_run = fields.get("dry_run", False)
    if not isinstance(dry_run, bool):
        raise JobFieldRefused(f"dry_run is {shown(dry_run)}, neither true nor false")
    return Wish(
        project,
        made_by,
        single.topic,
        partitions=_optional(fields.get("partitions"), _partitions),
        offsets=offsets,
        times_ms=times,
        positions=positions,
        filter=_optional(fields.get("filter"), _filter) or Filter(),
        consumer_key=single.consumer_key,
        records_per_second=_optional(fields.get("records_per_second"), _rate),
        stop_after_failures=_optional(
            fields.get("stop_after_failures"), lambda value: _whole(value, "stop_after_failures", 1)
        ),
        dry_run=dry_run,
    )


def _object(value: object, name: str, known: Collection[str]) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise JobFieldRefused(f"{name} is {shown(value)}, not an object")
    for field in value:
        if field not in known:
            raise JobFieldRefused(f"{name} has an unknown field {shown(field)}")
    return value


def _optional(value: object, parse: Callable[[object], _T]) -> _T | None:
    return None if value is None else parse(value)


def _list(value: object, name: str, most: int) -> list[object]:
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        raise JobFieldRefused(f"{name} is {shown(value)}, not a list of 1 to {most} entries")
    return value


def _whole(value: object, name: str, least: int = 0, most: int = 2**63 - 1) -> int:
    if isinstance(value, Decimal) and value == value.to_integral_value() and abs(value) < 2**53:
        # Clients whose numbers are doubles write whole ones that way.
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise JobFieldRefused(f"{name} is {shown(value)}, not a whole number from {least} to {most}")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or len(value) > _MOST_TEXT or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise JobFieldRefused(f"{name} is {shown(value)}, not a text of at most {_MOST_TEXT} characters")
    return value


def _partition(value: object) -> int:
    return _whole(value, "a partition", 0, 2**31 - 1)


def _partitions(value: object) -> tuple[int, ...]:
    return tuple(dict.fromkeys(_partition(entry) for entry in _list(value, "partitions", 100_000)))


def _offsets(value: object) -> dict[int, tuple[int, int | None]]:
    ranges: dict[int, tuple[int, int | None]] = {}
    for entry in _list(value, "offsets", 100_000):
        fields = _object(entry, "an entry of offsets", ("partition", "start", "end"))
        partition, start = _partition(fields.get("partition")), _whole(fields.get("start", 0), "start")
        end = _optional(fields.get("end"), lambda given: _whole(given, "end"))
        if end is not None and end <= start:
            raise JobFieldRefused(f"the offsets of partition {partition} begin at {start} and end at {end}")
        if partition in ranges:
            raise JobFieldRefused(f"offsets names partition {partition} more than once")
        ranges[partition] = (start, end)
    return ranges


def _positions(value: object) -> tuple[tuple[int, int], ...]:
    found = []
    for entry in _list(value, "messages", MOST_POSITIONS):
        fields = _object(entry, "an entry of messages", ("partition", "message_offset"))
        found.append((_partition(fields.get("partition")), _whole(fields.get("message_offset"), "message_offset")))
    return tuple(found)


def _times(start: object, end: object) -> tuple[int, int] | None:
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise JobFieldRefused("start_time and end_time belong together")
    times = _whole(start, "start_time", 0, _LATEST_MS), _whole(end, "end_time", 0, _LATEST_MS)
    if times[0] >= times[1]:
        raise JobFieldRefused(f"start_time {times[0]} is not below end_time {times[1]}")
    return times


def _rate(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 < value <= _MOST_RATE:
        raise JobFieldRefused(f"records_per_second is {shown(value)}, not a number above 0, at most {_MOST_RATE}")
    return float(value)


def _filter(value: object) -> Filter:
    fields = _object(value, "filter", ("key", "headers", "jmespath", "copies"))
    copies = fields.get("copies", False)
    if not isinstance(copies, bool):
        raise JobFieldRefused(f"copies is {shown(copies)}, neither true nor false")
    headers = fields.get("headers")
    return Filter(
        _optional(fields.get("key"), lambda given: _text(given, "key")),
        () if headers is None else tuple(map(_condition, _list(headers, "headers", _MOST_HEADERS))),
        _optional(fields.get("jmespath"), lambda given: _text(given, "jmespath")),
        copies,
    )


def _condition(value: object) -> HeaderCondition:
    fields = _object(value, "an entry of headers", ("name", "value", "absent"))
    absent = fields.get("absent", False)
    wanted = _optional(fields.get("value"), lambda given: _text(given, "value"))
    if not isinstance(absent, bool) or (absent and wanted is not None):
        raise JobFieldRefused("an entry of headers has name, and either value or absent (true)")
    return HeaderCondition(_text(fields.get("name"), "name"), wanted, absent)


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
    if whole:
        fields["failures"] = [
            {"partition": failure.partition, "message_offset": failure.offset, "reason": failure.reason}
            for failure in progress.failures
        ]
        fields["failures_listed_all"] = len(progress.failures) == counts.failed
        if progress.report is not None:
            fields["report"] = _report(progress.report)
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


def _report(report: Report) -> dict[str, object]:
    return {
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
