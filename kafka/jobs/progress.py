"""How far a job is: what its owner commits together with the copies that it counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple, dataclass, field, fields, replace
from heapq import nsmallest
from typing import Any, Literal

from kafka.jobs import stored
from kafka.jobs.plan import UnsupportedFormat

State = Literal["pending", "running", "paused", "succeeded", "failed", "cancelled"]
FINAL: frozenset[State] = frozenset({"succeeded", "failed", "cancelled"})


KEPT_FAILURES = 100
KEPT_POSITIONS = 100
KEPT_BUCKETS = 200
KEPT_TARGETS = 100


@dataclass(frozen=True, slots=True)
class Failure:
    """A record that could not be resent, or a named position that has none.

    Attributes:
        partition: of the record; so offset.
        reason: in the words of kafka.model.errors.
        code: the stable code by which callers know the reason, see Rules.code_of; None where it has none.
    """

    partition: int
    offset: int
    reason: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
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

    scanned: int = 0
    outside_time_range: int = 0
    already_resent: int = 0
    not_matched: int = 0
    not_json: int = 0
    not_evaluated: int = 0
    matched: int = 0
    resent: int = 0
    failed: int = 0
    expired: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


def missing_positions(count: int) -> Counts:
    """Return the counts of named positions that have no record: a job answers for each of them."""
    return Counts(scanned=count, matched=count, failed=count)


@dataclass(frozen=True, slots=True)
class Report:
    """What a dry run has found.

    Attributes:
        would_resend: records that would be resent, by partition: those that match and can be copied.
        size_bytes: of their keys and values together.
        first: partition and offset of the first KEPT_POSITIONS, by partition, then by offset.
        bucket_ms: how long a bucket of the histogram is.
        histogram: how many of them have their time in the bucket that begins then (Unix milliseconds).
        targets: of a job whose target is not the records' own topic, how many of them would go where: the first
            KEPT_TARGETS topics.
    """

    would_resend: Mapping[int, int] = field(default_factory=dict)
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
        return Report(would_resend, size_bytes, first, bucket_ms, histogram, self.targets)


@dataclass(frozen=True, slots=True)
class Progress:
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
    first_not_evaluated: Failure | None = None


PROGRESS_FORMAT = 2
"""Version of the progress as it is written to the store: 2 counts what was left out by reason."""

_FIELDS = frozenset(field.name for field in fields(Progress)) | {"format"}
_STATES = frozenset({"pending", "running"}) | FINAL


def encode_progress(progress: Progress) -> bytes:
    """Return the progress as the JSON that is in the store."""
    counts, report, first = progress.counts, progress.report, progress.first_not_evaluated
    return json.dumps(
        {
            "format": PROGRESS_FORMAT,
            "state": progress.state,
            "next_offsets": {str(partition): offset for partition, offset in progress.next_offsets.items()},
            "counts": asdict(counts),
            "failures": [astuple(failure) for failure in progress.failures],
            "reason": progress.reason,
            "started_at_ms": progress.started_at_ms,
            "updated_at_ms": progress.updated_at_ms,
            "ended_at_ms": progress.ended_at_ms,
            "report": None if report is None else _encode_report(report),
            "first_not_evaluated": None if first is None else astuple(first),
        },
        separators=(",", ":"),
    ).encode()


def _encode_report(report: Report) -> dict[str, object]:
    return {
        "would_resend": {str(partition): count for partition, count in report.would_resend.items()},
        "size_bytes": report.size_bytes,
        "first": report.first,
        "bucket_ms": report.bucket_ms,
        "histogram": {str(start): count for start, count in report.histogram.items()},
        **({"targets": dict(report.targets)} if report.targets else {}),
    }


def decode_progress(content: bytes) -> Progress:
    """Return the progress that encode_progress wrote.

    Raises:
        UnsupportedFormat: it has another format, an unknown field or state, or lacks a field.
    """
    try:
        found = json.loads(content)
        if found.get("format") != PROGRESS_FORMAT:
            raise UnsupportedFormat(f"its progress has the format {found.get('format')!r}, not {PROGRESS_FORMAT}")
        if unknown := sorted(set(found) - _FIELDS):
            raise UnsupportedFormat(f"its progress has an unknown field {unknown[0]!r}")
        if found["state"] not in _STATES:
            raise UnsupportedFormat(f"its progress has an unknown state {found['state']!r}")
        report, first = found["report"], found["first_not_evaluated"]
        return Progress(
            found["state"],
            stored.by_partition(found["next_offsets"], stored.number),
            Counts(**{name: stored.number(count) for name, count in found["counts"].items()}),
            tuple(_failure(*failure) for failure in found["failures"]),
            stored.maybe(stored.text, found["reason"]),
            stored.maybe(stored.number, found["started_at_ms"]),
            stored.maybe(stored.number, found["updated_at_ms"]),
            stored.maybe(stored.number, found["ended_at_ms"]),
            None if report is None else _decode_report(report),
            None if first is None else _failure(*first),
        )
    except stored.WRONG as error:
        raise UnsupportedFormat(f"it is not a progress: {type(error).__name__}") from None


def _failure(partition: object, offset: object, reason: object, code: object = None) -> Failure:
    return Failure(
        stored.partition(partition), stored.number(offset), stored.text(reason), stored.maybe(stored.text, code)
    )


def _decode_report(found: Mapping[str, Any]) -> Report:
    bucket_ms = stored.number(found["bucket_ms"])
    if not bucket_ms:
        raise ValueError
    return Report(
        stored.by_partition(found["would_resend"], stored.number),
        stored.number(found["size_bytes"]),
        tuple((stored.partition(partition), stored.number(offset)) for partition, offset in found["first"]),
        bucket_ms,
        {stored.number(int(start)): stored.number(count) for start, count in found["histogram"].items()},
        {stored.text(topic): stored.number(count) for topic, count in (found.get("targets") or {}).items()},
    )


def ended_part(content: bytes) -> Progress:
    """Return what counts of a progress that is not understood: whether the job has ended, and how."""
    try:
        found = json.loads(content)
        if found["state"] in FINAL:
            return Progress(found["state"], ended_at_ms=stored.number(found["ended_at_ms"]))
    except stored.WRONG:
        pass
    return Progress()
