"""Decides which of the records that were read a job resends, for a limited time at once: then others take turns."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kafka.filter.conditions import Outcome
from kafka.filter.interpreter import EvaluationFailed
from kafka.jobs.plan import Plan
from kafka.jobs.progress import Counts, Failure, missing_positions
from kafka.jobs.worker.source import Chunk
from kafka.model.errors import NothingWritten, ResendError
from kafka.model.records import Position, Record
from kafka.redrive.known import NO_OWN, Dialects


@dataclass(frozen=True, slots=True)
class Selected:
    """What a job has decided about records that it read.

    Attributes:
        records: those that matched; with an error, the record has headers that cannot be read.
        next_offsets: per partition that went on, up to where.
        counts: of the others, and how many were scanned.
        missing: named positions that have no record; counted as matched.
        not_evaluated: the first record on which the filter's expression cannot be evaluated.
        pointed: by the position of a dead letter, the record that it points to, or why there is none.
    """

    records: list[tuple[Record, ResendError | None]]
    next_offsets: Mapping[int, int]
    counts: Counts
    missing: list[tuple[Position, NothingWritten]] = field(default_factory=list)
    not_evaluated: Failure | None = None
    pointed: Mapping[Position, Record | NothingWritten] = field(default_factory=dict)

    def with_pointed(self, pointed: Mapping[Position, Record | NothingWritten]) -> Selected:
        """Return the same with what dead letters point to."""
        return replace(self, pointed=pointed)


def select(plan: Plan, chunk: Chunk, seconds: float, dialects: Dialects = NO_OWN) -> tuple[Selected, Chunk | None]:
    """Judge the records of a chunk, in their order, and return what is decided, and the part that is left.

    Args:
        plan: says which records are meant.
        chunk: what was read.
        seconds: after that long no further record is begun; at least one is judged.
        dialects: of dead letters, those that the worker knows.
    """
    until = time.monotonic() + seconds
    matched: list[tuple[Record, ResendError | None]] = []
    outcomes: Counter[Outcome] = Counter()
    not_evaluated: Failure | None = None
    judged = 0
    for record, unreadable in chunk.records:
        try:
            outcome = plan.judge(record, headers_known=unreadable is None, dialects=dialects)
        except EvaluationFailed as error:
            outcome = Outcome.NOT_EVALUATED
            position = record.position
            not_evaluated = not_evaluated or Failure(position.partition, position.offset, str(error))
        if outcome is Outcome.MATCHED:
            matched.append((record, unreadable))
        outcomes[outcome] += 1
        judged += 1
        if time.monotonic() >= until:
            break
    # What is between named positions is read only because that is faster than to leave it out.
    scanned = judged - outcomes.pop(Outcome.NOT_SELECTED, 0)
    done, left = chunk.split(judged)
    by_outcome = {outcome.value: count for outcome, count in outcomes.items()}
    counts = Counts(scanned=scanned, expired=done.expired, **by_outcome) + missing_positions(len(done.missing))
    return Selected(matched, done.next_offsets, counts, done.missing, not_evaluated), left
