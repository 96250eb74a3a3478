"""What a job is to resend. Everything that decides is fixed when the job is accepted; nothing here touches a broker."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from kafka.jobs import stored
from kafka.jobs.filter import Filter, HeaderCondition, Outcome
from kafka.model.records import OffsetRange, Record
from kafka.redrive.dialects import DIALECTS, Dialect, Target

FORMAT = 1
"""Version of everything that is written to the store. A worker leaves alone what has another one."""

_ID_BYTES = 12


class UnsupportedFormat(Exception):
    """It has a format or a field that this version does not know: a worker that knows it may run the job."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A job as it was accepted.

    Attributes:
        job_id: begins with the number of the store's partition that holds the job's records.
        instance: id of the instance whose cluster it runs on.
        project: project id of the request.
        created_by: name of the caller.
        created_at_ms: milliseconds since the Unix epoch.
        topic: where the records stand.
        topic_id: the topic as it was then; another one under the same name is another topic.
        spans: what to read, by partition and offset, none empty and none overlapping; ends were fixed at acceptance.
        positions: offsets by partition that alone are meant; None: all of the spans.
        times_ms: half-open range of the records' own timestamps; None: any.
        filter: which of them.
        consumer_key: the recipient; None leaves the headers alone.
        records_per_second: at most; None: as fast as possible.
        max_failures: the job fails when that many records could not be resent; None: never for that.
        dry_run: count and report what would be resent, and write nothing.
        target: where the copies go; None: to the topic and the partition of their records.
        digest: of the request that made the job with an Idempotency-Key; None without one.
        bounds: log start offset and high watermark, at acceptance, of each partition in which some of the positions lie
            outside of these; None: all of them lie inside.
    """

    job_id: str
    instance: str
    project: str
    created_by: str
    created_at_ms: int
    topic: str
    topic_id: str
    spans: tuple[OffsetRange, ...]
    positions: Mapping[int, frozenset[int]] | None = None
    times_ms: tuple[int, int] | None = None
    filter: Filter = field(default_factory=Filter)
    consumer_key: str | None = None
    records_per_second: float | None = None
    max_failures: int | None = None
    dry_run: bool = False
    target: Target | None = None
    digest: str | None = None
    bounds: Mapping[int, tuple[int, int]] | None = None

    @property
    def offsets(self) -> int:
        """How many offsets there are to read: an upper bound of the records."""
        return sum(span.length for span in self.spans)

    def judge(self, record: Record, *, headers_known: bool = True) -> Outcome:
        """Return whether a record of the spans is to be resent, or why not.

        Args:
            record: as it was read.
            headers_known: see Filter.judge.

        Raises:
            EvaluationFailed: the filter's expression cannot be evaluated on the record's value.
        """
        position = record.position
        if self.positions is not None and position.offset not in self.positions.get(position.partition, frozenset()):
            return Outcome.NOT_SELECTED
        if self.times_ms is not None and not self.times_ms[0] <= record.timestamp_ms < self.times_ms[1]:
            return Outcome.OUTSIDE_TIME_RANGE
        return self.filter.judge(record, headers_known=headers_known)


def new_job_id(partitions: int) -> str:
    """Return an id that no job has, in a random partition of the store.

    Args:
        partitions: how many the store has.
    """
    # Not by a hash of the id: crc32 put ids that differ in one digit into one partition (measured).
    return f"{secrets.randbelow(partitions)}-{secrets.token_hex(_ID_BYTES)}"


def partition_of(job_id: str) -> int:
    """Return which partition of the store holds a job.

    Raises:
        ValueError: it is no job's id.
    """
    number, dash, rest = job_id.partition("-")
    if not dash or not number.isdecimal() or not number.isascii() or len(number) > 5 or len(rest) != 2 * _ID_BYTES:
        raise ValueError(job_id)
    if set(rest) - set("0123456789abcdef"):
        raise ValueError(job_id)
    return int(number)


def spans_of_positions(positions: Mapping[int, frozenset[int]], gap: int = 1000) -> tuple[OffsetRange, ...]:
    """Return spans that cover these offsets, reading on over gaps that cost less than starting again."""
    spans: list[OffsetRange] = []
    for partition in sorted(positions):
        for offset in sorted(positions[partition]):
            last = spans[-1] if spans else None
            if last is not None and last.partition == partition and offset - last.end <= gap:
                spans[-1] = OffsetRange(partition, last.start, offset + 1)
            else:
                spans.append(OffsetRange(partition, offset, offset + 1))
    return tuple(spans)


_FIELDS = frozenset(field.name for field in fields(Plan)) | {"format"}
Encoding = dict[str, Any]


def encode_plan(plan: Plan) -> bytes:
    """Return the plan as the JSON that is in the store."""
    filter_ = plan.filter
    return json.dumps(
        {
            "format": FORMAT,
            "job_id": plan.job_id,
            "instance": plan.instance,
            "project": plan.project,
            "created_by": plan.created_by,
            "created_at_ms": plan.created_at_ms,
            "topic": plan.topic,
            "topic_id": plan.topic_id,
            "spans": [[span.partition, span.start, span.end] for span in plan.spans],
            "positions": None
            if plan.positions is None
            else {str(partition): sorted(offsets) for partition, offsets in plan.positions.items()},
            "times_ms": plan.times_ms,
            "filter": {
                "key": filter_.key,
                "headers": [[condition.name, condition.value, condition.absent] for condition in filter_.headers],
                "jmespath": filter_.jmespath,
                "include_resent": filter_.include_resent,
            },
            "consumer_key": plan.consumer_key,
            "records_per_second": plan.records_per_second,
            "max_failures": plan.max_failures,
            "dry_run": plan.dry_run,
            # Not there in a plan without: workers of versions that do not know it run that one, and no other.
            **({} if plan.target is None else {"target": _encode_target(plan.target)}),
            # Left out, an older version understands the plan.
            **({} if plan.digest is None else {"digest": plan.digest}),
            **({} if plan.bounds is None else {"bounds": {str(number): ends for number, ends in plan.bounds.items()}}),
        },
        separators=(",", ":"),
    ).encode()


def _encode_target(target: Target) -> Encoding:
    return {"dialect": target.dialect, "remove_headers": target.remove_headers, "by_operator": target.by_operator}


def decode_plan(content: bytes) -> Plan:
    """Return the plan that encode_plan wrote.

    Raises:
        UnsupportedFormat: it has another format, an unknown field, or lacks one.
    """
    try:
        found: Encoding = json.loads(content)
        if found.get("format") != FORMAT:
            raise UnsupportedFormat(f"its format is {found.get('format')!r}, not {FORMAT}")
        if unknown := sorted(set(found) - _FIELDS):
            raise UnsupportedFormat(f"it has an unknown field {unknown[0]!r}")
        if unknown := sorted(set(found["filter"]) - {"key", "headers", "jmespath", "include_resent"}):
            raise UnsupportedFormat(f"its filter has an unknown field {unknown[0]!r}")
        times_ms, positions, filter_ = found["times_ms"], found["positions"], found["filter"]
        return Plan(
            stored.text(found["job_id"]),
            stored.text(found["instance"]),
            stored.text(found["project"]),
            stored.text(found["created_by"]),
            stored.number(found["created_at_ms"]),
            stored.text(found["topic"]),
            stored.text(found["topic_id"]),
            tuple(_span(*span) for span in found["spans"]),
            None if positions is None else stored.by_partition(positions, _offsets),
            None if times_ms is None else (stored.number(times_ms[0]), stored.number(times_ms[1])),
            Filter(
                stored.maybe(stored.text, filter_["key"]),
                tuple(_condition(*condition) for condition in filter_["headers"]),
                stored.maybe(stored.text, filter_["jmespath"]),
                stored.truth(filter_["include_resent"]),
            ),
            stored.maybe(stored.text, found["consumer_key"]),
            stored.maybe(stored.rate, found["records_per_second"]),
            stored.maybe(stored.number, found["max_failures"]),
            stored.truth(found["dry_run"]),
            stored.maybe(_target, found.get("target")),
            stored.maybe(stored.text, found.get("digest")),
            None if found.get("bounds") is None else stored.by_partition(found["bounds"], _bounds),
        )
    except stored.WRONG as error:
        raise UnsupportedFormat(f"it is not a plan: {type(error).__name__}") from None


def readable_part(job_id: str, content: bytes) -> Plan:
    """Return what can be read of a plan that is not understood: a plan that selects nothing, and tells whose it is.

    A field that cannot be read is an empty text, and a time that cannot be read is 0.
    """
    try:
        found: object = json.loads(content)
    except stored.WRONG:
        found = None
    fields_ = found if isinstance(found, dict) else {}

    def readable(name: str) -> str:
        try:
            return stored.text(fields_.get(name))
        except stored.WRONG:
            return ""

    try:
        created_at_ms = stored.number(fields_.get("created_at_ms"))
    except stored.WRONG:
        created_at_ms = 0
    instance, project, created_by, topic = (readable(name) for name in ("instance", "project", "created_by", "topic"))
    return Plan(job_id, instance, project, created_by, created_at_ms, topic, "", ())


def _offsets(found: object) -> frozenset[int]:
    if not isinstance(found, list):
        raise TypeError
    return frozenset(map(stored.number, found))


def _bounds(found: object) -> tuple[int, int]:
    if not isinstance(found, list) or len(found) != 2:
        raise TypeError
    return stored.number(found[0]), stored.number(found[1])


def _span(partition: object, start: object, end: object) -> OffsetRange:
    return OffsetRange(stored.partition(partition), stored.number(start), stored.number(end))


def _target(found: object) -> Target:
    if not isinstance(found, dict):
        raise TypeError
    if unknown := sorted(set(found) - {"dialect", "remove_headers", "by_operator"}):
        raise UnsupportedFormat(f"its target has an unknown field {unknown[0]!r}")
    dialect: Dialect | None = next((known for known in DIALECTS if known == found["dialect"]), None)
    if dialect is None:
        raise UnsupportedFormat("its target is of an unknown kind")
    return Target(dialect, stored.truth(found["remove_headers"]), stored.truth(found["by_operator"]))


def _condition(name: object, value: object, absent: object) -> HeaderCondition:
    return HeaderCondition(stored.text(name), stored.maybe(stored.text, value), stored.truth(absent))
