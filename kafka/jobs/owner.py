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
from threading import Event, Thread

from confluent_kafka import KafkaException

from kafka.clients import log
from kafka.config import JOB_BATCH_BYTES, ClusterConfig, job_batch_bytes
from kafka.errors import ClusterUnavailable, DeadlineExceeded, NothingWritten, ResendError
from kafka.jobs.keyed_owner import KeyedResends
from kafka.jobs.plan import Plan, encode_plan, parse_expression
from kafka.jobs.preparing import Preparing
from kafka.jobs.progress import KEPT_FAILURES, KINDS, Counts, Failure, Job, Progress, Report, State, encode_progress
from kafka.jobs.source import Chunk, Source
from kafka.jobs.store import StoreTail
from kafka.jobs.targets import Targets, refuse_job_copy
from kafka.jobs.transactions import BeginAgain, Entry, RecordsRefused, Transactions
from kafka.jobs.trouble import Trouble
from kafka.records import Copy, Position, Record, TimestampPolicy, copy_of
from kafka.resend import refuse_source, refuse_topic
from kafka.topics import AdminLookup, Topic

_CATCH_UP_SECONDS = 60.0
_IDLE_SECONDS = 0.2
_PARTITION_BYTES = 900_000
"""What one transaction copies of one partition: it has to fit into one batch, see job_writer_properties."""
_FACTS_SECONDS = 1.0
_LONGEST_BACK_OFF_SECONDS = 5.0
_QUIET_COMMIT_SECONDS = 1.0
_REMOVE_SECONDS = 30.0
_REMOVED_AT_ONCE = 200
_STANDSTILL_SECONDS = 30.0
_MOST_RUNS = 32
"""Jobs that are run side by side, each with a Consumer of its own; more wait until one ends."""
_SLICE_SECONDS = 0.25
"""How much of a capped rate goes into one transaction: few are held up, and not for long."""


@dataclass(slots=True)
class _Run:
    """A job in the hands of its owner.

    Attributes:
        plan: as adopted.
        progress: what is committed.
        source: where its records come from.
        topic: the facts of its topic, as of `topic_known`.
        moved: when the source last had something; a point of time.monotonic(), as all times here.
        dealt: what was read since the last commit without a copy to write.
        committed: when the last transaction ended.
        due: before then the rate allows nothing more.
        refused: records that the broker does not take.
        targets: where the copies go; None: to the topic and the partition of their records.
    """

    plan: Plan
    progress: Progress
    source: Source
    topic: Topic
    topic_known: float
    moved: float
    dealt: Progress | None = None
    committed: float = 0.0
    due: float = 0.0
    refused: dict[Position, ResendError] = field(default_factory=dict)
    targets: Targets | None = None


class PartitionOwner(Thread):
    """The thread that owns one partition of the store, until it is stopped.

    Args:
        config: the cluster.
        partition: of the store.
        preparing: reads the records of single resends with a key; has the rules: jobs of instances that these do not
            name are left alone.
    """

    def __init__(self, config: ClusterConfig, partition: int, preparing: Preparing) -> None:
        super().__init__(name=f"{config.name} jobs {partition}", daemon=True)
        self._config = config
        self._partition = partition
        self._preparing = preparing
        self._stopped = Event()

    def stop(self) -> None:
        """Let the thread end once the transaction under way is finished."""
        self._stopped.set()

    def run(self) -> None:
        """Run jobs until stopped."""
        back_off = 0.1
        trouble = Trouble()
        while not self._stopped.is_set():
            begun = time.monotonic()
            try:
                with closing(
                    _Ownership(self._config, self._partition, self._preparing, trouble, self._stopped)
                ) as ownership:
                    ownership.run()
            except (BeginAgain, KafkaException) as error:
                log.warning("%s: beginning again: %s", self.name, error)
            except Exception:  # noqa: BLE001 the thread's edge: else its jobs would stand still until the next rebalance
                log.exception("%s: beginning again", self.name)
            back_off = 0.1 if time.monotonic() - begun > 30 else min(2 * back_off, _LONGEST_BACK_OFF_SECONDS)
            if not self._stopped.is_set():
                self._stopped.wait(back_off)


class _Ownership:
    """From one beginning to the next."""

    def __init__(
        self,
        config: ClusterConfig,
        partition: int,
        preparing: Preparing,
        trouble: Trouble,
        stopped: Event,
    ) -> None:
        self._config = config
        self._rules = preparing.rules
        self._partition = partition
        self._lookup = AdminLookup(config)
        self._trouble = trouble
        self._stopped = stopped
        self._name = f"{config.name} jobs {partition}"
        self._runs: dict[str, _Run] = {}
        self._unfinished: dict[str, None] = {}
        self._removed_at = 0.0
        self._tail = StoreTail(config, self._name, (partition,))
        self._transactions: Transactions | None = None
        self._keyed = KeyedResends(
            self._tail.keyed, preparing, trouble, self._ready_for_copies, config.jobs.keep_keys_seconds
        )

    def close(self) -> None:
        """End the clients; a transaction left open is ended by the next owner."""
        if self._transactions is not None:
            self._transactions.close()
        for run in self._runs.values():
            run.source.close()
        self._tail.close()
        self._lookup.close()

    def run(self) -> None:
        """Take turns with the jobs until stopped."""
        self._take_over(JOB_BATCH_BYTES[0])
        while not self._stopped.is_set():
            busy = False
            for job_id in list(self._unfinished):
                self._look(0)
                if self._stopped.is_set():
                    return
                if job_id in self._unfinished:
                    busy = self._take_turn(job_id) or busy
            self._remove_old()
            self._keyed.remove_old()
            if not busy:
                self._look(self._idle_seconds())

    def _take_over(self, batch_bytes: int) -> Transactions:
        """Make the producer, and read what was committed before it was made.

        Raises:
            BeginAgain: somebody else has owned the partition in between, or it could not be read to its end in time.
        """
        if self._transactions is not None:
            self._transactions.close()
            self._transactions = None
        transactions = self._transactions = Transactions(self._config, self._partition, self._name, batch_bytes)
        mark = transactions.mark()
        if not self._tail.read_to_mark(mark, time.monotonic() + _CATCH_UP_SECONDS, self._stopped):
            raise BeginAgain("the store could not be read to its end in time")
        if self._tail.taken:
            raise BeginAgain("somebody else has owned the partition in between")
        self._unfinished.update((job.job_id, None) for job in self._tail.jobs.values() if not job.over)
        self._keyed.note(self._tail.keyed.open())
        return transactions

    def _ready(self, batch_bytes: int) -> Transactions:
        """Return a producer whose batches become no larger, and that writes one by one only if it has to."""
        transactions = self._transactions
        if (
            transactions is None
            or transactions.spoiled
            or transactions.batch_bytes > batch_bytes
            or (batch_bytes and not transactions.batch_bytes)
        ):
            return self._take_over(batch_bytes)
        return transactions

    def _ready_for_copies(self, batch_bytes: int) -> Transactions:
        """Return a producer whose batches become no larger, as it is if it writes one by one: to change takes 0.1 s."""
        if self._transactions is not None and not self._transactions.batch_bytes:
            batch_bytes = 0
        return self._ready(batch_bytes)

    def _look(self, timeout_seconds: float) -> None:
        """See what is asked for.

        Single resends with a key, for which somebody waits, are done between any two turns of jobs; what is cancelled
        ends at once, however many others wait for their turn.
        """
        changed = self._tail.read(timeout_seconds)
        self._keyed.note(self._tail.asked)
        self._keyed.turn()
        for job_id in changed:
            job = self._tail.jobs.get(job_id)
            if job is None or job.over:
                self._forget(job_id)
                continue
            self._unfinished[job_id] = None
            if job.cancel_asked:
                self._take_turn(job_id)

    def _idle_seconds(self) -> float:
        """Return how long there is nothing to do but to look."""
        now = time.monotonic()
        return min(
            [
                self._keyed.idle_seconds or _IDLE_SECONDS,
                *(run.due - now for run in self._runs.values() if run.due > now),
            ]
        )

    def _take_turn(self, job_id: str) -> bool:
        """Do one step of a job; return whether there was something to do."""
        job = self._tail.jobs[job_id]
        plan = job.plan
        if plan is None or not job.runnable or not self._may_run(plan, job):
            # What is read ahead would only take memory.
            self._drop(job_id)
            return False
        try:
            if job.cancel_asked:
                self._end(plan, job.progress, "cancelled", None)
                return True
            return self._advance(job, plan)
        except (ClusterUnavailable, DeadlineExceeded):
            # What was read, but not dealt with, must be read again.
            self._drop(job_id)
            return False
        except NothingWritten as error:
            self._end(plan, self._tail.jobs[job_id].progress, "failed", str(error))
            return True
        except Exception as error:
            self._trouble.note(job_id, error)
            raise

    def _may_run(self, plan: Plan, job: Job) -> bool:
        if job.cancel_asked:
            return True
        policy = self._rules.policies.get(plan.instance)
        if policy is None or (policy.frozen and not plan.dry_run):
            return False
        return not self._trouble.waits(job.job_id)

    def _advance(self, job: Job, plan: Plan) -> bool:
        if (reason := self._trouble.hopeless(job.job_id)) is not None:
            self._end(plan, job.progress, "failed", reason)
            return True
        run = self._runs.get(job.job_id)
        if run is None:
            if len(self._runs) >= _MOST_RUNS:
                return False
            run = self._begin(job, plan)
        if time.monotonic() < run.due:
            return False
        self._refresh(run)
        return self._step(run)

    def _begin(self, job: Job, plan: Plan) -> _Run:
        if plan.filter.jmespath is not None:
            parse_expression(plan.filter.jmespath)
        topic = self._describe(plan)
        progress = job.progress
        if not job.adopted:
            progress = replace(progress, state="running", started_at_ms=_now_ms(), updated_at_ms=_now_ms())
            self._commit(plan, progress, (), adopt=True)
        run = self._runs[job.job_id] = _Run(
            plan, progress, self._source(plan, progress), topic, time.monotonic(), time.monotonic()
        )
        if plan.target is not None:
            run.targets = Targets(self._lookup, plan, plan.target, self._rules)
        return run

    def _source(self, plan: Plan, progress: Progress) -> Source:
        return Source(self._config, f"{self._name} source", plan.topic, plan.spans, progress.next_offsets)

    def _refresh(self, run: _Run) -> None:
        """See from time to time whether the topic is still the same, and still allowed."""
        if time.monotonic() - run.topic_known >= _FACTS_SECONDS:
            run.topic, run.topic_known = self._describe(run.plan), time.monotonic()

    def _describe(self, plan: Plan) -> Topic:
        topic = asyncio.run(self._lookup.topic(plan.topic))
        if topic.topic_id != plan.topic_id:
            raise _TopicChanged(plan.topic)
        refuse = refuse_topic if plan.target is None else refuse_source
        refuse(topic, self._rules.policies[plan.instance])
        return topic

    def _step(self, run: _Run) -> bool:
        """Read a chunk, and commit the copies of what is selected; return whether anything was there."""
        begun = time.monotonic()
        rate = None if run.plan.dry_run else run.plan.records_per_second
        most = self._config.jobs.batch_records
        if rate is not None:
            most = max(1, min(most, int(rate * _SLICE_SECONDS)))
        chunk = run.source.read(most, _PARTITION_BYTES, _SLICE_SECONDS if len(self._runs) == 1 else 0.02)
        overdue = begun - run.committed >= _QUIET_COMMIT_SECONDS
        if chunk.next_offsets:
            run.moved = begun
        elif not run.source.finished and (run.dealt is None or not overdue):
            if begun - run.moved >= _STANDSTILL_SECONDS:
                # An open transaction, most likely; but a client that hangs would look the same.
                self._read_anew(run)
            return False
        copies, progress = self._dealt_with(run, chunk)
        if not copies and progress.state == "running" and not overdue:
            run.dealt = progress
            return True
        written = self._write(run, chunk, copies, progress)
        if rate is not None:
            run.due = max(run.due, begun - _SLICE_SECONDS) + written / rate
        if run.progress.state != "running":
            self._forget(run.plan.job_id)
        return True

    def _read_anew(self, run: _Run) -> None:
        run.source.close()
        run.dealt, run.moved = None, time.monotonic()
        run.source = self._source(run.plan, run.progress)

    def _dealt_with(self, run: _Run, chunk: Chunk) -> tuple[list[Copy], Progress]:
        """Return the copies to write, and the progress that they make."""
        policy = TimestampPolicy.NOW if run.topic.log_append_time else self._rules.policies[run.plan.instance].timestamp
        found: list[tuple[Record, Copy]] = []
        failures: list[Failure] = []
        selected = [read for read in chunk.records if run.plan.selects(read[0], headers_known=read[1] is None)]
        if run.targets is not None:
            run.targets.look_up(record for record, _ in selected)
        for record, unreadable in selected:
            try:
                found.append((record, self._copy(run, record, unreadable, policy)))
            except NothingWritten as error:
                reason = str(error) if run.targets is None else run.targets.worded(record, error)
                failures.append(Failure(record.position.partition, record.position.offset, reason))
        before = run.dealt or run.progress
        skipped = len(chunk.records) - len(found) - len(failures)
        counts = Counts(
            len(chunk.records), 0 if run.plan.dry_run else len(found), skipped, len(failures), chunk.expired
        )
        progress = replace(
            before,
            next_offsets={**before.next_offsets, **chunk.next_offsets},
            counts=before.counts + counts,
            failures=(*before.failures, *failures)[:KEPT_FAILURES],
            updated_at_ms=_now_ms(),
        )
        if run.plan.dry_run:
            report = (before.report or Report()).with_records(_facts(record for record, _ in found))
            if run.targets is not None:
                report = report.with_targets(copy.topic for _, copy in found)
            return [], self._judged(run, replace(progress, report=report))
        return [copy for _, copy in found], self._judged(run, progress)

    def _judged(self, run: _Run, progress: Progress) -> Progress:
        """Return the progress with the state that it means."""
        limit = run.plan.stop_after_failures
        if limit is not None and progress.counts.failed >= limit:
            reason = f"{progress.counts.failed} records could not be resent"
            return replace(progress, state="failed", reason=reason, ended_at_ms=_now_ms())
        if run.source.finished:
            return replace(progress, state="succeeded", ended_at_ms=_now_ms())
        return progress

    def _copy(self, run: _Run, record: Record, unreadable: ResendError | None, policy: TimestampPolicy) -> Copy:
        if (error := unreadable or run.refused.get(record.position)) is not None:
            raise error
        if run.targets is not None:
            return run.targets.copy(record)
        copy = copy_of(record, run.plan.consumer_key, policy)
        refuse_job_copy(copy, run.topic)
        return copy

    def _write(self, run: _Run, chunk: Chunk, copies: list[Copy], progress: Progress) -> int:
        """Commit, without those that the broker refuses; return how many copies were written."""
        limit = run.topic.max_message_bytes if run.targets is None else run.targets.max_message_bytes
        batch_bytes = job_batch_bytes(limit)
        while True:
            try:
                self._commit(run.plan, progress, copies, batch_bytes=batch_bytes)
            except RecordsRefused as error:
                # If it does not say which, written one by one they will tell.
                batch_bytes = batch_bytes if error.refused else 0
                run.refused.update(error.refused)
                copies, progress = self._dealt_with(run, chunk)
            else:
                run.progress, run.dealt, run.committed = progress, None, time.monotonic()
                run.refused.clear()
                return len(copies)

    def _end(self, plan: Plan, progress: Progress, state: State, reason: str | None) -> None:
        now = _now_ms()
        ended = replace(progress, state=state, reason=reason, updated_at_ms=now, ended_at_ms=now)
        self._commit(plan, ended, (), adopt=progress.started_at_ms is None)
        self._forget(plan.job_id)

    def _commit(
        self,
        plan: Plan,
        progress: Progress,
        copies: Iterable[Copy],
        *,
        adopt: bool = False,
        batch_bytes: int = JOB_BATCH_BYTES[0],
    ) -> None:
        """Write copies and progress, all or nothing; see Transactions.commit."""
        job_id = plan.job_id
        entries: list[Entry] = [(f"{job_id}/plan".encode(), encode_plan(plan))] if adopt else []
        entries.append((f"{job_id}/state".encode(), encode_progress(progress)))
        self._ready(batch_bytes).commit(copies, entries)
        self._trouble.forget(job_id)
        job = self._tail.jobs.get(job_id, Job(job_id, plan))
        # It is not read back.
        self._tail.jobs[job_id] = replace(job, progress=progress, adopted=True)

    def _remove_old(self) -> None:
        """Remove jobs that ended long ago, all records of each in one transaction: a half of one would run again."""
        keep_seconds = self._config.jobs.keep_seconds
        if time.monotonic() - self._removed_at < min(_REMOVE_SECONDS, keep_seconds):
            return
        self._removed_at = time.monotonic()
        oldest_ms = _now_ms() - keep_seconds * 1000
        old = [
            job.job_id
            for job in self._tail.jobs.values()
            # One without a plan was removed, and asked to pause or to end in that moment.
            if not job.misfits and (job.plan is None or (job.over and (job.progress.ended_at_ms or 0) < oldest_ms))
        ]
        for first in range(0, len(old), _REMOVED_AT_ONCE):
            removed = old[first : first + _REMOVED_AT_ONCE]
            entries: list[Entry] = [(f"{job_id}/{kind}".encode(), None) for job_id in removed for kind in KINDS]
            self._ready(JOB_BATCH_BYTES[0]).commit((), entries)
            for job_id in removed:
                del self._tail.jobs[job_id]
                self._forget(job_id)

    def _forget(self, job_id: str) -> None:
        """Have nothing more to do with a job that is over."""
        self._unfinished.pop(job_id, None)
        self._trouble.forget(job_id)
        self._drop(job_id)

    def _drop(self, job_id: str) -> None:
        run = self._runs.pop(job_id, None)
        if run is not None:
            run.source.close()


class _TopicChanged(NothingWritten):
    """The topic was deleted and made again since the job was accepted: its offsets mean other records."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"topic {topic!r} was deleted and made again since the job was accepted")


def _facts(records: Iterable[Record]) -> Iterable[tuple[int, int, int, int]]:
    for record in records:
        size = len(record.key or b"") + len(record.value or b"")
        yield record.position.partition, record.position.offset, size, max(0, record.timestamp_ms)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
