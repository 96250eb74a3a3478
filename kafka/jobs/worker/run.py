"""One job as its owner runs it: what it reads, which copies that makes, and how far the job is with them.

Nothing is written here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from msgspec.structs import replace

from kafka.client.config import ClusterConfig
from kafka.filter.expression import parse_expression
from kafka.hooks import RecordsRead, records_read
from kafka.jobs.idempotency.copy_preparer import CopyPreparer
from kafka.jobs.plan import Plan, partition_of
from kafka.jobs.progress import KEPT_FAILURES, Failure, Progress, now_ms
from kafka.jobs.worker.marks import CopyMarker
from kafka.jobs.worker.missing import MissingPositions
from kafka.jobs.worker.pointed import Pointed, PointedRecords
from kafka.jobs.worker.report import report_of
from kafka.jobs.worker.selecting import Selected, select
from kafka.jobs.worker.source import Chunk, Source
from kafka.jobs.worker.targets import DescribeTopic, Targets, refuse_job_copy
from kafka.metadata.topic import Topic
from kafka.model.copies import Copy, TimestampPolicy, copy_of
from kafka.model.errors import NothingWritten, ResendError
from kafka.model.records import Position, Record
from kafka.resend.service import copy_time, refuse_source, refuse_topic

_PARTITION_BYTES = 900_000
"""What one transaction copies to one partition: it has to fit into one batch, see job_writer_properties."""
_FACTS_SECONDS = 1.0
_QUIET_COMMIT_SECONDS = 1.0
_STANDSTILL_SECONDS = 30.0
_QUIET_SECONDS = 5.0
_SLICE_SECONDS = 0.25
"""How much of a capped rate goes into one transaction: few are held up, and not for long. So long, too, a turn may
decide about records: then others have theirs, and it is seen whether the job is to end."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What is to be committed together.

    Attributes:
        copies: to write.
        progress: that they make.
        due: whether to commit even without a copy: the job has ended, or nothing was told for a while.
    """

    copies: list[Copy]
    progress: Progress
    due: bool


class JobExecution:
    """A job from when its owner takes it up. Only one thread may use it.

    Args:
        config: the cluster.
        describe: asks for the facts of topics.
        copy_preparer: reads single records; has the rules: what operators allow.
        plan: as adopted.
        progress: what is committed.

    Attributes:
        plan: as adopted by the owner.
        progress: what of it is committed.
        due: before then the rate allows nothing more; a point of time.monotonic(), as all times here.
        refused: records that the broker does not take.

    Raises:
        NothingWritten: the job can never continue, or, if ClusterUnavailable, not now.
    """

    def __init__(
        self,
        config: ClusterConfig,
        describe: DescribeTopic,
        copy_preparer: CopyPreparer,
        plan: Plan,
        progress: Progress,
    ) -> None:
        if plan.filter.jmespath is not None:
            # A version before may have accepted what this one does not.
            parse_expression(plan.filter.jmespath)
        self._config = config
        self._name = f"{config.name} jobs {partition_of(plan.job_id)} source"
        self._describe = describe
        self._rules = rules = copy_preparer.rules
        if (chosen := plan.filter.dead_letters) is not None and chosen.dialect is not None:
            rules.dialects.require_one(chosen.dialect)
        self._policy = rules.policies[plan.instance]
        self._policy.require_recipient(plan.consumer_key)
        self._marker = CopyMarker(plan, self._policy)
        self.plan = plan
        self.progress = progress
        self._rate = None if plan.dry_run else plan.records_per_second
        self._targets = None if plan.target is None else Targets(describe, plan, plan.target, rules)
        self._topic, self._topic_known = self._allowed_topic(), time.monotonic()
        self._missing = None if plan.positions is None else MissingPositions(plan, copy_preparer)
        self._pointed = PointedRecords(config, f"{self._name} pointers", copy_preparer, _PARTITION_BYTES)
        self._opened: Source | None = None
        self._undecided: Chunk | None = None
        self._later: Chunk | None = None
        self._read_since_commit: Progress | None = None
        self._committed = 0.0
        self._moved = time.monotonic()
        self._began = 0.0
        self.due = 0.0
        self.refused: dict[Position, ResendError] = {}

    @property
    def max_message_bytes(self) -> int:
        """The largest batch that each of the topics takes that copies go to."""
        return self._topic.max_message_bytes if self._targets is None else self._targets.max_message_bytes

    def refresh(self) -> None:
        """See from time to time whether the topic is still the same, and still allowed.

        Raises:
            NothingWritten: it is not, or, if ClusterUnavailable, it cannot be told.
        """
        if time.monotonic() - self._topic_known >= _FACTS_SECONDS:
            self._topic, self._topic_known = self._allowed_topic(), time.monotonic()

    def read(self, *, alone: bool) -> Selected | None:
        """Read on, and decide which records are to be resent; None if there is nothing to deal with yet.

        Args:
            alone: no other job waits for its turn, so that there is time to wait for records.

        Raises:
            NothingWritten: the records may not be read.
            KafkaException: the cluster did not answer.
        """
        self._began = time.monotonic()
        if not self._pointed.busy:
            chunk = self._next(alone=alone)
            if chunk is None:
                return None
            selected, self._undecided = select(self.plan, chunk, _SLICE_SECONDS, self._rules.dialects)
            letters = [letter for letter, _ in selected.records]
            if self._targets is None or not self._targets.any_points(letters):
                return selected
            self._targets.look_up(letters)
            pointers = self._targets.pointers(letters)
            if not pointers:
                return selected
            self._pointed.begin(selected, pointers)
        return self._followed(alone=alone)

    def _next(self, *, alone: bool) -> Chunk | None:
        """Return what is to be decided next; of dead letters that point to records as many as these will be held."""
        chunk = self._undecided or self._later
        if chunk is not None:
            if self._undecided is None:
                self._later = None
        else:
            chunk = self._completed(alone=alone)
        if chunk is None or self._targets is None or len(chunk.records) <= self._pointed.at_once:
            return chunk
        if self._later is None and self._targets.any_points(letter for letter, _ in chunk.records):
            chunk, self._later = chunk.split(self._pointed.at_once)
        return chunk

    def _followed(self, *, alone: bool) -> Selected | None:
        """Return what was selected, once it is known of each dead letter what it points to."""
        selected = self._pointed.complete(_SLICE_SECONDS if alone else 0.02)
        if selected is not None:
            self._moved = self._began
        return selected

    def _completed(self, *, alone: bool) -> Chunk | None:
        """Return what was read next, once it is known of each named position in it why it has no record."""
        if self._missing is None:
            return self._chunk(alone=alone)
        if not self._missing.busy:
            chunk = self._chunk(alone=alone)
            if chunk is None:
                return None
            self._missing.begin(chunk, (self._read_since_commit or self.progress).next_offsets)
        return self._missing.complete(_SLICE_SECONDS if alone else 0.02)

    def _chunk(self, *, alone: bool) -> Chunk | None:
        most = self._config.jobs.batch_records
        if self._rate is not None:
            most = max(1, min(most, int(self._rate * _SLICE_SECONDS)))
        source = self._source()
        # The copies of all partitions may go to the same one.
        most_bytes = _PARTITION_BYTES // max(1, 1 if self._targets is None else source.partitions)
        chunk = source.read(most, most_bytes, _SLICE_SECONDS if alone else 0.02)
        if records_read.listeners and chunk.records:
            seconds = time.monotonic() - self._began
            records_read(RecordsRead(self._config.name, self.plan.topic, len(chunk.records), seconds, "job"))
        if chunk.next_offsets:
            self._moved = self._began
        elif not source.finished and (self._read_since_commit is None or not self._overdue):
            if self._began - self._moved >= _STANDSTILL_SECONDS:
                # An open transaction, most likely; but a client that hangs would look the same.
                self._read_anew()
            return None
        return chunk

    def process(self, selected: Selected) -> BatchResult:
        """Return what to commit for what was read.

        May be called again for the same records, when more is known of what the broker refuses.

        Raises:
            ClusterUnavailable: the facts of a target are not available now.
        """
        if self._targets is not None:
            self._targets.look_up(record for record, _ in selected.records)
        found: list[tuple[Record, Copy]] = []
        failures: list[Failure] = []
        policy = copy_time(self._topic, self._policy)
        for record, unreadable in selected.records:
            try:
                found.append((record, self._copy(record, unreadable, policy, selected.pointed.get(record.position))))
            except NothingWritten as error:
                reason = str(error) if self._targets is None else self._targets.worded(record, error)
                failures.append(self._failure(record.position, error, reason))
        failures += (self._failure(position, error, str(error)) for position, error in selected.missing)
        before = self._read_since_commit or self.progress
        counts = replace(
            selected.counts,
            resent=0 if self.plan.dry_run else len(found),
            failed=len(failures),
        )
        progress = replace(
            before,
            next_offsets={**before.next_offsets, **selected.next_offsets},
            counts=before.counts + counts,
            failures=(*before.failures, *failures)[: None if self.plan.positions is not None else KEPT_FAILURES],
            report=report_of(before.report, found, self._targets) if self.plan.dry_run else None,
            updated_at_ms=now_ms(),
            first_not_evaluated=before.first_not_evaluated or selected.not_evaluated,
        )
        progress = self._judged(progress)
        copies = [] if self.plan.dry_run else [copy for _, copy in found]
        return BatchResult(copies, progress, bool(copies) or progress.state != "running" or self._overdue)

    def note_read(self, step: BatchResult) -> None:
        """Remember a step without copies, which goes into a later commit."""
        self._read_since_commit = step.progress

    def note_committed(self, step: BatchResult, progress: Progress) -> None:
        """Remember that a step was committed, and how long the rate makes the job wait for the next one.

        Args:
            step: as `process` returned it.
            progress: its progress with where its copies are.
        """
        self.progress, self._read_since_commit, self._committed = progress, None, time.monotonic()
        self.refused.clear()
        if self._rate is not None:
            self.due = max(self.due, self._began - _SLICE_SECONDS) + len(step.copies) / self._rate

    @property
    def stands_still(self) -> bool:
        """Whether nothing has come for a while, although there is more to read."""
        return self._began - self._moved >= _QUIET_SECONDS

    @property
    def settled(self) -> bool:
        """Whether all that was read is committed, so that nothing is lost when it is closed."""
        completing = self._missing is not None and self._missing.busy
        undecided = self._undecided is not None or self._later is not None or self._pointed.busy
        return self._read_since_commit is None and not undecided and not completing

    def close(self) -> None:
        """End the client; the next read makes another one, which continues from what is committed."""
        self._read_since_commit = None
        if self._missing is not None:
            self._missing.drop()
        self._pointed.drop()
        if self._opened is not None:
            self._opened.close()
            self._opened = self._undecided = self._later = None

    @property
    def _overdue(self) -> bool:
        """Whether users were told nothing for a while, as of the last read."""
        return self._began - self._committed >= _QUIET_COMMIT_SECONDS

    def _source(self) -> Source:
        if self._opened is None:
            self._moved = time.monotonic()
            self._opened = Source(self._config, self._name, self.plan, self.progress.next_offsets)
        return self._opened

    def _read_anew(self) -> None:
        self.close()
        self._moved = time.monotonic()

    def _allowed_topic(self) -> Topic:
        topic = self._describe(self.plan.topic).result()
        topic.require_id(self.plan.topic_id)
        refuse = refuse_topic if self._targets is None else refuse_source
        refuse(topic, self._policy)
        return topic

    def _copy(
        self, record: Record, unreadable: ResendError | None, policy: TimestampPolicy, pointed: Pointed | None
    ) -> Copy:
        if (error := unreadable or self.refused.get(record.position)) is not None:
            raise error
        if self._targets is not None:
            return self._targets.copy(record, pointed)
        copy = self._marker.marked(copy_of(record, self.plan.consumer_key, policy), record)
        refuse_job_copy(copy, self._topic)
        return copy

    def _failure(self, position: Position, error: NothingWritten, reason: str) -> Failure:
        return Failure(position.partition, position.offset, reason, self._rules.code_of(error))

    def _judged(self, progress: Progress) -> Progress:
        """Return the progress with the state that it means."""
        limit = self.plan.max_failures
        if limit is not None and progress.counts.failed >= limit:
            reason = f"{progress.counts.failed} records could not be resent"
            return replace(progress, state="failed", reason=reason, ended_at_ms=now_ms())
        if self._source().finished and self._undecided is None and self._later is None:
            return replace(progress, state="succeeded", ended_at_ms=now_ms())
        return progress
