"""The named positions of a job that have no record: which ones they are, and why.

Each is answered as a single resend of it would be. Those outside of the log are known when the job is accepted. The
others show when the source has passed them, and the reader of single resends tells why there is no record.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from concurrent.futures import Future, wait

from kafka.jobs.idempotency.copy_preparer import CopyPreparer
from kafka.jobs.plan import Plan
from kafka.jobs.progress import Failure, Progress, missing_positions
from kafka.jobs.worker.rules import Rules
from kafka.jobs.worker.source import Chunk
from kafka.model.errors import (
    CopyRefused,
    NothingWritten,
    OffsetAtEnd,
    OffsetBeyondEnd,
    OffsetExpired,
    RecordUnavailable,
    TopicMissing,
    TopicReplaced,
)
from kafka.model.records import Position, Record

_AT_ONCE = 200


def positions_outside(plan: Plan) -> list[tuple[Position, NothingWritten]]:
    """Return the named positions that were outside of the log when the job was accepted, and why none can be resent."""
    found: list[tuple[Position, NothingWritten]] = []
    for partition, (start, end) in sorted((plan.bounds or {}).items()):
        for offset in sorted((plan.positions or {}).get(partition, ())):
            position = Position(plan.topic, partition, offset)
            if offset < start:
                found.append((position, OffsetExpired(position, start)))
            elif offset == end:
                found.append((position, OffsetAtEnd(position)))
            elif offset > end:
                found.append((position, OffsetBeyondEnd(position, end)))
    return found


def begun(plan: Plan, rules: Rules) -> Progress:
    """Return the progress of a job that is adopted: the named positions outside of the log are failures already."""
    failures = tuple(
        Failure(position.partition, position.offset, str(error), rules.code_of(error))
        for position, error in positions_outside(plan)
    )
    return Progress("running", {}, missing_positions(len(failures)), failures)


class MissingPositions:
    """Completes what was read with the named positions that were passed without a record. Only one thread may use it.

    Args:
        plan: a job over named positions.
        copy_preparer: reads single records.
    """

    def __init__(self, plan: Plan, copy_preparer: CopyPreparer) -> None:
        self._plan = plan
        self._copy_preparer = copy_preparer
        bounds = plan.bounds or {}
        self._named = {
            partition: sorted(
                offset
                for offset in offsets
                if partition not in bounds or bounds[partition][0] <= offset < bounds[partition][1]
            )
            for partition, offsets in (plan.positions or {}).items()
        }
        self._chunk: Chunk | None = None
        self._left: list[Position] = []
        self._asked: dict[Position, Future[Record]] = {}

    @property
    def busy(self) -> bool:
        """Whether something was read that is not complete yet."""
        return self._chunk is not None

    def begin(self, chunk: Chunk, before: Mapping[int, int]) -> None:
        """Take what was read.

        Args:
            chunk: all that was read in one go.
            before: per partition, up to where everything was read before that.
        """
        self._chunk = chunk
        self._left = self._passed(chunk, before)
        self._left.reverse()

    def complete(self, timeout_seconds: float) -> Chunk | None:
        """Return what was read, once it is known of each named position in it why it has no record; else None.

        Args:
            timeout_seconds: how long to wait for more to be known.

        Raises:
            ClusterUnavailable, DeadlineExceeded: not now: read again.
            NothingWritten: nothing of the topic can be read any more.
        """
        chunk = self._chunk
        if chunk is None:
            return None
        while self._left and len(self._asked) < _AT_ONCE:
            position = self._left.pop()
            self._asked[position] = self._copy_preparer.read(position, self._plan.topic_id)
        if self._asked:
            wait(self._asked.values(), timeout_seconds)
        for position in [position for position, future in self._asked.items() if future.done()]:
            self._take(chunk, position, self._asked.pop(position))
        if self._left or self._asked:
            return None
        self._chunk = None
        # What was found to be there after all was put behind the others.
        chunk.records.sort(key=lambda read: (read[0].position.partition, read[0].position.offset))
        return chunk

    def drop(self) -> None:
        """Forget what was read: it is read again."""
        for future in self._asked.values():
            future.cancel()
        self._asked.clear()
        self._chunk = None

    def _passed(self, chunk: Chunk, before: Mapping[int, int]) -> list[Position]:
        """Return the named positions that have no record in what was read, although it goes beyond them."""
        seen = {(record.position.partition, record.position.offset) for record, _ in chunk.records}
        passed: list[Position] = []
        for partition, reached in chunk.next_offsets.items():
            named = self._named.get(partition, [])
            first, end = bisect_left(named, before.get(partition, 0)), bisect_left(named, reached)
            passed += (
                Position(self._plan.topic, partition, offset)
                for offset in named[first:end]
                if (partition, offset) not in seen
            )
        return passed

    def _take(self, chunk: Chunk, position: Position, future: Future[Record]) -> None:
        try:
            record = future.result()
        except (RecordUnavailable, CopyRefused) as error:
            if isinstance(error, TopicMissing | TopicReplaced):
                self.drop()
                raise
            chunk.missing.append((position, error))
            # It was counted as an offset that nobody had asked for.
            chunk.expired -= isinstance(error, OffsetExpired)
        except Exception:
            # Whatever it is, what was read is not complete: it is read again.
            self.drop()
            raise
        else:
            # The source has passed it, and yet it is there.
            chunk.records.append((record, None))
