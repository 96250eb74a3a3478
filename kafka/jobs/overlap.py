"""Whether a job would resend what another one has resent, or is about to: how records get doubled. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import astuple

from kafka.jobs.job import Job
from kafka.jobs.plan import Plan
from kafka.model.records import OffsetRange


def overlapping(plan: Plan, jobs: Iterable[Job]) -> Job | None:
    """Return the first job that has resent records which a plan selects for the same recipient, or is about to.

    Filters are compared where both name a key, or what dead letters say: else records may meet two different ones.

    Args:
        plan: of a job that is not accepted yet.
        jobs: those that are known.
    """
    wanted = _by_partition(plan.spans)
    return next((job for job in jobs if _overlap(plan, wanted, job)), None)


def _overlap(plan: Plan, wanted: Mapping[int, Sequence[OffsetRange]], job: Job) -> bool:
    other = job.plan
    if other is None or other.dry_run or (job.over and not job.progress.counts.resent):
        return False
    if (other.topic, other.topic_id) != (plan.topic, plan.topic_id) or _recipient(other) != _recipient(plan):
        return False
    if not _times_meet(plan, other) or not _filters_meet(plan, other):
        return False
    done = _reached(other.spans, job.progress.next_offsets) if job.over else other.spans
    # What has failed was not resent; a job over positions lists all of these.
    failed = {(failure.partition, failure.offset) for failure in job.progress.failures}
    if plan.positions is None and other.positions is None:
        return any(
            mine.start < theirs.end and theirs.start < mine.end
            for theirs in done
            for mine in wanted.get(theirs.partition, ())
        )
    named, spans = (other.positions, wanted) if plan.positions is None else (plan.positions, _by_partition(done))
    return any(
        (partition, offset) not in failed and _inside(offset, spans.get(partition, ()))
        for partition, offset in _shared(named or {}, plan.positions, other.positions)
    )


def _shared(
    named: Mapping[int, frozenset[int]],
    mine: Mapping[int, frozenset[int]] | None,
    theirs: Mapping[int, frozenset[int]] | None,
) -> Iterator[tuple[int, int]]:
    """Yield the positions that are named, by both where both name some."""
    for partition, offsets in named.items():
        kept = offsets
        if mine is not None and theirs is not None:
            kept = mine.get(partition, frozenset()) & theirs.get(partition, frozenset())
        yield from ((partition, offset) for offset in kept)


def _recipient(plan: Plan) -> tuple[object, ...]:
    """Return what tells apart where the copies of one record go, and their recipient."""
    redriven = plan.target is not None
    return plan.consumer_key, redriven, plan.target is not None and plan.target.group_as_recipient


def _times_meet(one: Plan, other: Plan) -> bool:
    if one.times_ms is None or other.times_ms is None:
        return True
    return one.times_ms[0] < other.times_ms[1] and other.times_ms[0] < one.times_ms[1]


def _filters_meet(one: Plan, other: Plan) -> bool:
    """Whether a record may meet both filters: they name no two keys, and no two groups of dead letters."""
    pairs = [(one.filter.key, other.filter.key)]
    mine, theirs = one.filter.dead_letters, other.filter.dead_letters
    if mine is not None and theirs is not None:
        pairs += zip(astuple(mine), astuple(theirs), strict=True)
    return all(None in pair or pair[0] == pair[1] for pair in pairs)


def _reached(spans: Iterable[OffsetRange], next_offsets: Mapping[int, int]) -> Iterator[OffsetRange]:
    """Yield the parts of spans that a job has dealt with that has ended."""
    for span in spans:
        end = min(span.end, next_offsets.get(span.partition, span.start))
        if span.start < end:
            yield OffsetRange(span.partition, span.start, end)


def _by_partition(spans: Iterable[OffsetRange]) -> dict[int, list[OffsetRange]]:
    """Return the spans of each partition, in the order of their starts."""
    found: dict[int, list[OffsetRange]] = {}
    for span in sorted(spans, key=_start):
        found.setdefault(span.partition, []).append(span)
    return found


def _start(span: OffsetRange) -> int:
    return span.start


def _inside(offset: int, spans: Sequence[OffsetRange]) -> bool:
    """Whether an offset is in one of the spans of its partition, of which none overlap: there may be thousands."""
    before = bisect_right(spans, offset, key=_start)
    return before > 0 and offset < spans[before - 1].end
