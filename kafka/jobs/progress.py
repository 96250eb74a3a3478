"""How far a job is: what its owner commits together with the copies that it counts."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from heapq import nsmallest
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field
from msgspec.structs import astuple, replace

from kafka.jobs.copy_runs import CopiesByTopic
from kafka.jobs.stored import Codec
from kafka.model.records import MAX_OFFSET, Natural, PartitionNumber

State = Literal["pending", "running", "paused", "succeeded", "failed", "cancelled"]
FINAL: frozenset[State] = frozenset({"succeeded", "failed", "cancelled"})

PROGRESS_FORMAT = 2
"""Version of the progress as it is written to the store: 2 counts what was left out by reason."""

KEPT_FAILURES = 100
KEPT_POSITIONS = 100
KEPT_BUCKETS = 200
KEPT_TARGETS = 100


class Failure(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A record that could not be resent, or a named position that has none.

    Attributes:
        partition: of the record; so offset.
        reason: in the words of kafka.model.errors.
        code: the stable code by which callers know the reason, see Rules.code_of; None where it has none.
    """

    partition: PartitionNumber
    offset: Natural
    reason: str
    code: str | None = None


class Counts(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Records that a job has dealt with.

    Each record that was scanned is counted once more, as matched or for the first reason that it was not; each one that
    matched is resent or failed, except in a dry run, which resends none.

    Attributes:
        scanned: records of the selection that were read, and named positions that have none.
        outside_time_range: their timestamp is not in the range.
        already_resent: they carry a consumer_key, and the filter leaves such records out.
        not_matched: they do not meet a condition of the filter.
        not_json: the filter has an expression, and their value is null or not JSON.
        not_evaluated: the filter's expression cannot be evaluated on their value.
        matched: they meet all conditions.
        resent: their copies are written.
        failed: they cannot be copied, or a named position has no record.
        expired: offsets that retention or a request removed before they were read; not all need have been records.
    """

    scanned: Natural = 0
    outside_time_range: Natural = 0
    already_resent: Natural = 0
    not_matched: Natural = 0
    not_json: Natural = 0
    not_evaluated: Natural = 0
    matched: Natural = 0
    resent: Natural = 0
    failed: Natural = 0
    expired: Natural = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


def missing_positions(count: int) -> Counts:
    """Return the counts of named positions that have no record: a job answers for each of them."""
    return Counts(scanned=count, matched=count, failed=count)


class Report(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a dry run has found.

    Attributes:
        would_resend: records that would be resent, by partition: those that match and can be copied.
        size_bytes: of their keys and values together.
        first: partition and offset of the first KEPT_POSITIONS, by partition, then by offset.
        bucket_ms: how long a bucket of the histogram is.
        histogram: how many of them have their time in the bucket that begins then (Unix milliseconds).
        targets: of a job whose target is not the records' own topic, how many of them would go where: the first
            KEPT_TARGETS topics.
        dialects: of such a job, how many of them say in which dialect where they came from.
    """

    would_resend: Mapping[PartitionNumber, Natural] = field(default_factory=dict)
    size_bytes: Natural = 0
    first: tuple[tuple[PartitionNumber, Natural], ...] = ()
    bucket_ms: Annotated[int, Meta(ge=1, le=MAX_OFFSET)] = 1000
    histogram: Mapping[Natural, Natural] = field(default_factory=dict)
    targets: Mapping[str, Natural] = field(default_factory=dict)
    dialects: Mapping[str, Natural] = field(default_factory=dict)

    def with_targets(self, topics: Iterable[str]) -> Report:
        """Return the report with the targets of more records."""
        targets = dict(self.targets)
        for topic in topics:
            if topic in targets or len(targets) < KEPT_TARGETS:
                targets[topic] = targets.get(topic, 0) + 1
        return replace(self, targets=targets)

    def with_dialects(self, names: Iterable[str]) -> Report:
        """Return the report with the dialects of more records."""
        return replace(self, dialects=dict(Counter(self.dialects) + Counter(names)))

    def with_records(self, records: Iterable[tuple[int, int, int, int]]) -> Report:
        """Return the report with more records: partition, offset, size in bytes, and time in Unix milliseconds."""
        would_resend, histogram, size_bytes = dict(self.would_resend), dict(self.histogram), self.size_bytes
        positions, bucket_ms = list(self.first), self.bucket_ms
        for partition, offset, size, time_ms in records:
            would_resend[partition] = would_resend.get(partition, 0) + 1
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
        return replace(
            self,
            would_resend=would_resend,
            size_bytes=size_bytes,
            first=first,
            bucket_ms=bucket_ms,
            histogram=histogram,
        )


class Progress(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="format", tag=PROGRESS_FORMAT
):
    """What the owner has committed.

    Attributes:
        state: as of the last commit.
        next_offsets: per partition, up to where everything is dealt with.
        counts: of records.
        failures: the first KEPT_FAILURES, or all of a job over named positions.
        reason: why it failed.
        started_at_ms: of the first step; None before.
        updated_at_ms: of the last one.
        ended_at_ms: of the last one, once the state is final.
        report: of a dry run.
        first_not_evaluated: the first record found on which the filter's expression cannot be evaluated.
        copies: where they are, by topic and partition. Earlier versions have not noted that; and see copy_runs.
    """

    # All but paused, which a job is while it is asked to be.
    state: Literal["pending", "running", "succeeded", "failed", "cancelled"]
    next_offsets: Mapping[PartitionNumber, Natural]
    counts: Counts
    failures: tuple[Failure, ...] = ()
    reason: str | None = None
    started_at_ms: Natural | None = None
    updated_at_ms: Natural | None = None
    ended_at_ms: Natural | None = None
    report: Report | None = None
    first_not_evaluated: Failure | None = None
    copies: CopiesByTopic = field(default_factory=dict)


NOT_BEGUN = Progress("pending", {}, Counts())
"""The progress of a job that no worker has taken yet."""

_CODEC = Codec(Progress, "a progress", "its progress")


class _Ended(Struct):
    state: Literal["succeeded", "failed", "cancelled"]
    ended_at_ms: Natural


def encode_progress(progress: Progress) -> bytes:
    """Return the progress as the JSON that is in the store."""
    return _CODEC.encode(progress)


def decode_progress(content: bytes) -> Progress:
    """Return the progress that encode_progress wrote.

    Raises:
        UnsupportedFormat: it has another format, an unknown field or state, or lacks a field.
    """
    return _CODEC.decode(content)


def ended_part(content: bytes) -> Progress:
    """Return what counts of a progress that is not understood: whether the job has ended, and how."""
    try:
        found = msgspec.json.decode(content, type=_Ended)
    except (ValueError, RecursionError):
        return NOT_BEGUN
    return replace(NOT_BEGUN, state=found.state, ended_at_ms=found.ended_at_ms)


def now_ms() -> int:
    """Return the current time in milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000
