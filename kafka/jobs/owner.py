"""Runs the jobs of one partition of the store, in transactions that hold copies together with the progress they make.

One way back from every doubt: drop the producer and begin again at init_transactions, which fences every earlier owner
and ends its open transaction; then read what was committed, and go on from there. How a failed commit ended is read,
never guessed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event, Thread

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from kafka.clients import ErrorLog, LibraryLog, log
from kafka.config import BATCH_BYTES, ClusterConfig, job_writer_properties
from kafka.errors import (
    ClusterUnavailable,
    CopyRejected,
    CopyTooLarge,
    DeadlineExceeded,
    NothingWritten,
    ResendError,
    cause,
    from_delivery,
)
from kafka.jobs.plan import Plan, encode_plan
from kafka.jobs.progress import KEPT_FAILURES, KINDS, Counts, Failure, Job, Progress, Report, State, encode_progress
from kafka.jobs.source import Chunk, Source
from kafka.jobs.store import StoreTail
from kafka.records import Copy, Position, Record, TimestampPolicy, copy_of
from kafka.resend import refuse_copy, refuse_topic
from kafka.topics import AdminLookup, Topic

_INIT_SECONDS = 30.0
_COMMIT_SECONDS = 30.0
_CATCH_UP_SECONDS = 60.0
_IDLE_SECONDS = 0.2
_BATCH_BYTES = 8 * 1024 * 1024
_FACTS_SECONDS = 5.0
_LONGEST_BACK_OFF_SECONDS = 5.0
_QUIET_COMMIT_SECONDS = 1.0
_REMOVE_SECONDS = 30.0
_SLICE_SECONDS = 0.25
"""How much of a capped rate goes into one transaction: few are held up, and not for long."""


class BeginAgain(Exception):
    """What the transaction did is in doubt: drop the producer, and read what was committed."""


class _RecordsRefused(Exception):
    """The broker refused a batch; nothing of the transaction will be committed.

    Attributes:
        positions: what is known to be refused; empty where it may be any of the batch.
    """

    def __init__(self, refused: dict[Position, ResendError], *, certain: bool) -> None:
        super().__init__(f"{len(refused)} records refused")
        self.refused = refused
        self.certain = certain


@dataclass(slots=True)
class _Run:
    """A job in the hands of its owner.

    Attributes:
        plan: as adopted.
        progress: what is committed.
        source: where its records come from.
        topic: the facts of its topic, as of `topic_known`.
        dealt: what was read since the last commit without a copy to write.
        due: point of time.monotonic() before which the rate allows nothing more.
        refused: records that the broker does not take.
    """

    plan: Plan
    progress: Progress
    source: Source
    topic: Topic
    topic_known: float
    dealt: Progress | None = None
    committed: float = 0.0
    due: float = 0.0
    refused: dict[Position, ResendError] = field(default_factory=dict)


class PartitionOwner(Thread):
    """The thread that owns one partition of the store, until it is stopped.

    Args:
        config: the cluster.
        partition: of the store.
    """

    def __init__(self, config: ClusterConfig, partition: int) -> None:
        super().__init__(name=f"{config.name} jobs {partition}", daemon=True)
        self._config = config
        self._partition = partition
        self._stopped = Event()
        self._lookup = AdminLookup(config)

    def stop(self) -> None:
        """Let the thread end once the transaction under way is finished."""
        self._stopped.set()

    def run(self) -> None:
        """Run jobs until stopped."""
        back_off = 0.1
        while not self._stopped.is_set():
            begun = time.monotonic()
            try:
                with closing(_Ownership(self._config, self._partition, self._lookup, self._stopped)) as ownership:
                    ownership.run()
            except (BeginAgain, KafkaException) as error:
                log.warning("%s: beginning again: %s", self.name, error)
            except Exception:  # noqa: BLE001 the thread's edge: else its jobs would stand still until the next rebalance
                log.exception("%s: beginning again", self.name)
            back_off = 0.1 if time.monotonic() - begun > 30 else min(2 * back_off, _LONGEST_BACK_OFF_SECONDS)
            if not self._stopped.is_set():
                self._stopped.wait(back_off)


class _Ownership:
    """From one init_transactions to the next."""

    def __init__(self, config: ClusterConfig, partition: int, lookup: AdminLookup, stopped: Event) -> None:
        self._config = config
        self._partition = partition
        self._lookup = lookup
        self._stopped = stopped
        self._name = f"{config.name} jobs {partition}"
        self._runs: dict[str, _Run] = {}
        self._reports: list[tuple[Position, KafkaError]] = []
        self._removed_at = 0.0
        self._errors = ErrorLog(self._name)
        self._producer = self._new_producer(batching=True)
        self._tail = StoreTail(config, self._name, (partition,))

    def close(self) -> None:
        """End the clients; a transaction left open is ended by the next owner."""
        for run in self._runs.values():
            run.source.close()
        self._tail.close()

    def run(self) -> None:
        """Take turns with the jobs until stopped."""
        deadline = time.monotonic() + _CATCH_UP_SECONDS
        # Asked for after init_transactions: whatever an earlier owner committed lies below.
        if not self._tail.read_to(self._tail.ends(), deadline):
            raise BeginAgain("the store could not be read to its end in time")
        self._tail.owned = True
        while not self._stopped.is_set():
            self._tail.read(0)
            busy = False
            for job in [job for job in self._tail.jobs.values() if self._runnable(job)]:
                if self._stopped.is_set():
                    return
                busy = self._take_turn(job) or busy
            if not busy:
                self._producer.poll(0)
                self._remove_old()
                self._tail.read(_IDLE_SECONDS)

    def _remove_old(self) -> None:
        """Remove jobs that ended long ago, all records of each in one transaction: a half of one would run again."""
        if time.monotonic() - self._removed_at < _REMOVE_SECONDS:
            return
        self._removed_at = time.monotonic()
        oldest_ms = _now_ms() - self._config.jobs.keep_seconds * 1000
        for job in list(self._tail.jobs.values()):
            if not job.over or (job.progress.ended_at_ms or 0) > oldest_ms:
                continue
            try:
                self._producer.begin_transaction()
                for kind in KINDS:
                    self._producer.produce(self._config.jobs.topic, None, f"{job.job_id}/{kind}", self._partition)
                self._producer.commit_transaction(_COMMIT_SECONDS)
            except KafkaException as exception:
                raise BeginAgain(f"{cause(exception).name()}: {cause(exception).str()}") from exception
            del self._tail.jobs[job.job_id]

    def _runnable(self, job: Job) -> bool:
        run = self._runs.get(job.job_id)
        if run is not None and run.progress.state == "running" and not job.runnable:
            # Paused: what is read ahead would only take memory.
            self._drop(job.job_id)
        return job.runnable

    def _drop(self, job_id: str) -> None:
        run = self._runs.pop(job_id, None)
        if run is not None:
            run.source.close()

    def _take_turn(self, job: Job) -> bool:
        """Do one step of a job; return whether there was something to do."""
        plan = job.plan
        if plan is None or (self._config.policy.frozen and not job.cancel_asked):
            return False
        run = self._runs.get(job.job_id)
        if job.cancel_asked:
            self._end(plan, run.progress if run else job.progress, "cancelled", None)
            return True
        try:
            run = run or self._begin(job, plan)
            self._refresh(run)
        except (ClusterUnavailable, DeadlineExceeded):
            return False
        except NothingWritten as error:
            self._end(plan, job.progress, "failed", str(error))
            return True
        return time.monotonic() >= run.due and self._step(run)

    def _begin(self, job: Job, plan: Plan) -> _Run:
        topic = self._describe(plan)
        if topic.topic_id != plan.topic_id:
            raise _TopicChanged(plan.topic)
        if not job.adopted:
            started = replace(job.progress, state="running", started_at_ms=_now_ms(), updated_at_ms=_now_ms())
            self._commit(plan, started, (), adopt=True)
            progress = started
        else:
            progress = job.progress
        source = Source(self._config, f"{self._name} source", plan.topic, plan.spans, progress.next_offsets)
        run = self._runs[job.job_id] = _Run(plan, progress, source, topic, time.monotonic())
        return run

    def _refresh(self, run: _Run) -> None:
        """See from time to time whether the topic is still the same, and still allowed."""
        if time.monotonic() - run.topic_known < _FACTS_SECONDS:
            return
        topic = self._describe(run.plan)
        if topic.topic_id != run.plan.topic_id:
            raise _TopicChanged(run.plan.topic)
        run.topic, run.topic_known = topic, time.monotonic()

    def _describe(self, plan: Plan) -> Topic:
        topic = asyncio.run(self._lookup.topic(plan.topic))
        refuse_topic(topic, self._config.policy)
        return topic

    def _step(self, run: _Run) -> bool:
        """Read a chunk, and commit the copies of what is selected; return whether anything was there."""
        begun = time.monotonic()
        rate = run.plan.records_per_second
        most = self._config.jobs.batch_records
        if rate is not None:
            most = max(1, min(most, int(rate * _SLICE_SECONDS)))
        chunk = run.source.read(most, _SLICE_SECONDS if len(self._runs) == 1 else 0.02)
        if not chunk.next_offsets and not run.source.finished:
            return False
        copies, progress = self._dealt_with(run, chunk)
        limit = run.plan.stop_after_failures
        if limit is not None and progress.counts.failed >= limit:
            progress = replace(progress, state="failed", reason=f"{progress.counts.failed} records could not be resent")
        elif run.source.finished:
            progress = replace(progress, state="succeeded")
        over = progress.state != "running"
        if not copies and not over and begun - run.committed < _QUIET_COMMIT_SECONDS:
            run.dealt = progress
            return True
        if over:
            progress = replace(progress, ended_at_ms=_now_ms())
        if self._committed(run, copies, progress):
            if rate is not None:
                run.due = max(run.due, begun - _SLICE_SECONDS) + len(copies) / rate
            if over:
                self._drop(run.plan.job_id)
        return True

    def _dealt_with(self, run: _Run, chunk: Chunk) -> tuple[list[Copy], Progress]:
        """Return the copies to write, and the progress that they make."""
        policy = TimestampPolicy.NOW if run.topic.log_append_time else self._config.policy.timestamp
        copies: list[Copy] = []
        failures: list[Failure] = []
        skipped = 0
        for position, record in chunk.records:
            try:
                if isinstance(record, ResendError):
                    raise record
                if not run.plan.selects(record):
                    skipped += 1
                    continue
                if position in run.refused:
                    raise run.refused[position]
                copies.append(self._copy(run, record, policy))
            except NothingWritten as error:
                failures.append(Failure(position.partition, position.offset, str(error)))
        before = run.dealt or run.progress
        counts = Counts(len(chunk.records), len(copies), skipped, len(failures), chunk.expired)
        report = before.report
        if run.plan.dry_run:
            report, copies, counts = (report or Report()).with_records(_facts(copies)), [], replace(counts, resent=0)
        return copies, replace(
            before,
            next_offsets={**before.next_offsets, **chunk.next_offsets},
            counts=before.counts + counts,
            failures=(*before.failures, *failures)[:KEPT_FAILURES],
            updated_at_ms=_now_ms(),
            report=report,
        )

    def _copy(self, run: _Run, record: Record, policy: TimestampPolicy) -> Copy:
        copy = copy_of(record, run.plan.consumer_key, policy)
        refuse_copy(copy, run.topic)
        return copy

    def _committed(self, run: _Run, copies: list[Copy], progress: Progress) -> bool:
        """Commit; False where the chunk has to be done once more, because the broker refused a record of it."""
        together = run.topic.max_message_bytes >= BATCH_BYTES
        try:
            if not together:
                self._use_producer(batching=False)
            self._commit(run.plan, progress, copies)
        except _RecordsRefused as error:
            refused = error.refused if error.certain else self._find_refused(run, copies, progress)
            self._use_producer(batching=True)
            if refused is None:
                # Alone all of them were taken, and are committed.
                self._note(run, progress)
                return True
            run.refused.update(refused)
            self._read_again(run)
            return False
        if not together:
            self._use_producer(batching=True)
        self._note(run, progress)
        return True

    def _note(self, run: _Run, progress: Progress) -> None:
        run.progress, run.dealt, run.committed = progress, None, time.monotonic()

    def _find_refused(self, run: _Run, copies: list[Copy], progress: Progress) -> dict[Position, ResendError] | None:
        """Write one record a request: only the culprit is refused. None if there is none this time."""
        self._use_producer(batching=False)
        try:
            self._commit(run.plan, progress, copies)
        except _RecordsRefused as error:
            return error.refused
        return None

    def _read_again(self, run: _Run) -> None:
        """Go back to what is committed."""
        run.source.close()
        run.dealt = None
        run.source = Source(
            self._config, f"{self._name} source", run.plan.topic, run.plan.spans, run.progress.next_offsets
        )

    def _end(self, plan: Plan, progress: Progress, state: State, reason: str | None) -> None:
        now = _now_ms()
        ended = replace(progress, state=state, reason=reason, updated_at_ms=now, ended_at_ms=now)
        self._commit(plan, ended, (), adopt=progress.started_at_ms is None)
        self._drop(plan.job_id)
        self._tail.jobs[plan.job_id] = replace(self._tail.jobs[plan.job_id], progress=ended)

    def _commit(self, plan: Plan, progress: Progress, copies: Iterable[Copy], *, adopt: bool = False) -> None:
        """Write copies and progress, all or nothing.

        Raises:
            _RecordsRefused: the broker refused some; nothing is committed, and the producer is of no use any more.
            BeginAgain: the outcome is in doubt, or this partition has another owner.
        """
        self._reports.clear()
        store, job_id = self._config.jobs.topic, plan.job_id
        try:
            self._producer.begin_transaction()
            for copy in copies:
                self._produce(copy)
            if adopt:
                self._producer.produce(store, encode_plan(plan), f"{job_id}/plan", self._partition)
            self._producer.produce(store, encode_progress(progress), f"{job_id}/state", self._partition)
            self._producer.commit_transaction(_COMMIT_SECONDS)
        except KafkaException as exception:
            refused = self._refusals()
            if refused is not None:
                raise refused from exception
            raise BeginAgain(f"{cause(exception).name()}: {cause(exception).str()}") from exception
        job = self._tail.jobs.get(job_id)
        if job is not None:
            # Known before it is read back, so that the next turn goes on from there.
            self._tail.jobs[job_id] = replace(job, progress=progress, adopted=True)

    def _produce(self, copy: Copy) -> None:
        position = copy.original
        while True:
            try:
                self._producer.produce(
                    position.topic,
                    copy.value,
                    copy.key,
                    position.partition,
                    # 0 is what the library takes for the present.
                    timestamp=0 if copy.timestamp_ms is None else copy.timestamp_ms,
                    headers=list(copy.headers),
                    on_delivery=partial(self._report, position),
                )
            except BufferError:
                self._producer.poll(0.1)
            except KafkaException as exception:
                if cause(exception).code() == KafkaError.MSG_SIZE_TOO_LARGE:
                    # The transaction is healthy, but the copies before it must not be committed without a word.
                    refusal = from_delivery(cause(exception), position)
                    raise _RecordsRefused({position: refusal}, certain=True) from exception
                raise
            else:
                return

    def _report(self, position: Position, error: KafkaError | None, message: Message) -> None:
        del message
        if error is not None:
            self._reports.append((position, error))

    def _refusals(self) -> _RecordsRefused | None:
        """Return which records the broker refused, if that is why the transaction failed."""
        refused: dict[Position, ResendError] = {
            position: error
            for position, failure in self._reports
            if isinstance(error := from_delivery(failure, position), CopyTooLarge | CopyRejected)
        }
        return _RecordsRefused(refused, certain=self._batching is False) if refused else None

    def _use_producer(self, *, batching: bool) -> None:
        """Drop the producer, and its transaction, for a new one."""
        self._producer = self._new_producer(batching=batching)

    def _new_producer(self, *, batching: bool) -> Producer:
        self._batching = batching
        self._errors.fatal = None
        transactional_id = f"{self._config.jobs.transactional_prefix}-{self._partition}"
        properties = job_writer_properties(self._config, transactional_id, batching=batching)
        producer = Producer({**properties, "error_cb": self._errors}, logger=LibraryLog(self._name))
        producer.init_transactions(_INIT_SECONDS)
        return producer


class _TopicChanged(NothingWritten):
    """The topic was deleted and made again since the job was accepted: its offsets mean other records."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"topic {topic!r} was deleted and made again since the job was accepted")


def _facts(copies: Iterable[Copy]) -> Iterable[tuple[int, int, int, int]]:
    for copy in copies:
        size = len(copy.key or b"") + len(copy.value or b"")
        yield copy.original.partition, copy.original.offset, size, copy.timestamp_ms or _now_ms()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
