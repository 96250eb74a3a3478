"""What a job is to resend. Everything that decides is fixed when the job is accepted; nothing here touches a broker."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from kafka.filter.conditions import Filter, Outcome
from kafka.jobs.stored import FORMAT, Codec, readable, readable_fields
from kafka.model.records import Natural, OffsetRange, PartitionNumber, Record
from kafka.redrive.known import NO_OWN, Dialects
from kafka.redrive.target import Target

MAX_RATE = 10_000_000
"""The largest cap on a rate, in records a second."""

_ID_BYTES = 12


class JobTerms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a job is asked to do, as far as it stays as it was asked from the request to the end.

    Attributes:
        project: project id of the request.
        created_by: name of the caller.
        topic: where the records stand.
        times_ms: half-open range of the records' own timestamps; None: any.
        filter: which of the selected records.
        consumer_key: the recipient; None leaves the headers alone.
        records_per_second: at most; None: as fast as possible.
        max_failures: the job fails when that many records could not be resent; None: never for that.
        dry_run: count and report what would be resent, and write nothing.
        target: where the copies go; None: to the topic and the partition of their records.
        name: what people call it; None: nothing.
        provenance: copies have headers that say what they are copies of, see kafka.model.provenance.
        max_resends: a record that jobs have resent that often is a failure; None: as often as the operator allows.
    """

    project: str
    created_by: str
    topic: str
    times_ms: tuple[Natural, Natural] | None = None
    filter: Filter = Filter()
    consumer_key: str | None = None
    records_per_second: Annotated[float, Meta(gt=0, le=MAX_RATE)] | None = None
    max_failures: Natural | None = None
    dry_run: bool = False
    target: Target | None = None
    name: str | None = None
    provenance: bool = False
    max_resends: Natural | None = None


class Plan(JobTerms, frozen=True, kw_only=True, tag_field="format", tag=FORMAT):
    """A job as it was accepted.

    Attributes:
        job_id: begins with the number of the store's partition that holds the job's records.
        instance: id of the instance whose cluster it runs on.
        created_at_ms: milliseconds since the Unix epoch.
        topic_id: the topic as it was then; another one under the same name is another topic.
        spans: what to read, by partition and offset, none empty and none overlapping; ends were fixed at acceptance.
        positions: offsets by partition that alone are meant; None: all of the spans.
        digest: of the request that made the job with an Idempotency-Key; None without one.
        bounds: log start offset and high watermark, at acceptance, of each partition in which some of the positions lie
            outside of these; None: all of them lie inside.
        overlaps: id of a job that had resent some of the records for the same recipient, or was about to, when this one
            was accepted; None: none was found.
    """

    job_id: str
    instance: str
    created_at_ms: Natural
    topic_id: str
    spans: tuple[OffsetRange, ...]
    positions: Mapping[PartitionNumber, frozenset[Natural]] | None = None
    digest: str | None = None
    bounds: Mapping[PartitionNumber, tuple[Natural, Natural]] | None = None
    overlaps: str | None = None

    @property
    def offsets(self) -> int:
        """How many offsets there are to read: an upper bound of the records."""
        return sum(span.length for span in self.spans)

    def judge(self, record: Record, *, headers_known: bool = True, dialects: Dialects = NO_OWN) -> Outcome:
        """Return whether a record of the spans is to be resent, or why not.

        Args:
            record: as it was read.
            headers_known: see Filter.judge.
            dialects: of dead letters, those that the instance knows.

        Raises:
            EvaluationFailed: the filter's expression cannot be evaluated on the record's value.
        """
        position = record.position
        if self.positions is not None and position.offset not in self.positions.get(position.partition, frozenset()):
            return Outcome.NOT_SELECTED
        if self.times_ms is not None and not self.times_ms[0] <= record.timestamp_ms < self.times_ms[1]:
            return Outcome.OUTSIDE_TIME_RANGE
        return self.filter.judge(record, headers_known=headers_known, dialects=dialects)


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


_CODEC = Codec(Plan, "a plan")


def encode_plan(plan: Plan) -> bytes:
    """Return the plan as the JSON that is in the store.

    What is as it is by default is left out: workers of versions that do not know a field run a plan without it, and no
    other.
    """
    return _CODEC.encode(plan)


def decode_plan(content: bytes) -> Plan:
    """Return the plan that encode_plan wrote.

    Raises:
        UnsupportedFormat: it has another format, an unknown field, or lacks one.
    """
    return _CODEC.decode(content)


def readable_part(job_id: str, content: bytes) -> Plan:
    """Return what can be read of a plan that is not understood: a plan that selects nothing, and tells whose it is.

    A field that cannot be read is an empty text, and a time that cannot be read is 0.
    """
    fields = readable_fields(content)
    return Plan(
        job_id=job_id,
        instance=readable(fields.get("instance"), str, ""),
        project=readable(fields.get("project"), str, ""),
        created_by=readable(fields.get("created_by"), str, ""),
        created_at_ms=readable(fields.get("created_at_ms"), Natural, 0),
        topic=readable(fields.get("topic"), str, ""),
        topic_id="",
        spans=(),
    )
