"""What the owner of a store partition does from one beginning to the next: takes the partition over, then takes turns.

Long for a module, as it is one state machine: which jobs are open, which run, and whether the producer can be used.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Event

from msgspec.structs import replace

from kafka.client.config import JOB_BATCH_BYTES, ClusterConfig
from kafka.client.properties import job_batch_bytes
from kafka.jobs.copy_runs import with_written
from kafka.jobs.idempotency.copy_preparer import CopyPreparer
from kafka.jobs.idempotency.owner import IdempotentResends
from kafka.jobs.job import KINDS, Job
from kafka.jobs.plan import Plan, encode_plan
from kafka.jobs.progress import Progress, State, encode_progress, now_ms
from kafka.jobs.store.tail import StoreTail
from kafka.jobs.worker.failed_turns import FailedTurns
from kafka.jobs.worker.liveness import (
    HANDING_OVER,
    HEARTBEAT_SECONDS,
    WORKER_KEY,
    Heartbeat,
    ProblemReporter,
    alive,
    encode_heartbeat,
)
from kafka.jobs.worker.missing import begun
from kafka.jobs.worker.read_ahead import FAST_MB, SLOW_MB, ReadAhead, Share, is_slow
from kafka.jobs.worker.run import BatchResult, JobExecution
from kafka.jobs.worker.selecting import Selected
from kafka.jobs.worker.transactions import Entry, RecordsRefused, RestartOwnership, Transactions, Written
from kafka.metadata.kafka_metadata import KafkaMetadata
from kafka.metadata.topic import Topic
from kafka.model.copies import Copy
from kafka.model.errors import ClusterUnavailable, DeadlineExceeded, InstanceReadOnly, NothingWritten

_CATCH_UP_SECONDS = 60.0
_IDLE_SECONDS = 0.2
_REMOVE_SECONDS = 30.0
_REMOVED_AT_ONCE = 200
_REST_SECONDS = 5.0
"""A job whose rate makes it wait for longer ends its Consumer meanwhile: to make another one takes about 0.1 s."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What the owners of a worker have in common.

    Attributes:
        copy_preparer: reads single records; has the rules: jobs of instances that these do not name are left alone.
        read_ahead: gives jobs their shares of the memory of the process.
        problems: is told what keeps an owner from owning its partition.
    """

    copy_preparer: CopyPreparer
    read_ahead: ReadAhead
    problems: ProblemReporter


class Ownership:
    """From one beginning to the next."""

    def __init__(
        self,
        config: ClusterConfig,
        partition: int,
        shared: Shared,
        failed: FailedTurns,
        stopped: Event,
    ) -> None:
        self._config = config
        copy_preparer = shared.copy_preparer
        self._read_ahead = shared.read_ahead
        self._copy_preparer = copy_preparer
        self._rules = copy_preparer.rules
        self._partition = partition
        self._metadata = KafkaMetadata(config)
        self._failed = failed
        self._stopped = stopped
        self._name = f"{config.name} jobs {partition}"
        self._runs: dict[str, JobExecution] = {}
        self._unfinished: dict[str, None] = {}
        self._removed_at = 0.0
        self._heartbeat_at = float("-inf")
        self._waiting_for: dict[str, str] = {}
        self._tail = StoreTail(config, self._name, (partition,))
        self._transactions: Transactions | None = None
        self._idempotent = IdempotentResends(
            self._tail.idempotent,
            copy_preparer,
            failed,
            self._ready_for_copies,
            config.jobs.idempotency_retention_seconds,
        )

    def close(self) -> None:
        """End the clients; a transaction left open is ended by the next owner."""
        if self._transactions is not None:
            self._transactions.close()
        for run in self._runs.values():
            run.close()
        for job_id in self._unfinished:
            self._read_ahead.give_back(job_id)
        self._tail.close()
        self._metadata.close()

    def run(self) -> None:
        """Take turns with the jobs until stopped; then tell that another worker may take over."""
        self._take_over(JOB_BATCH_BYTES[0])
        self._take_turns()
        if self._transactions is not None and not self._transactions.failed_transaction:
            self._beat(HANDING_OVER)

    def _take_turns(self) -> None:
        while not self._stopped.is_set():
            if time.monotonic() - self._heartbeat_at >= HEARTBEAT_SECONDS:
                self._beat(alive(self._waiting_for))
            busy = False
            for job_id in list(self._unfinished):
                self._look(0)
                if self._stopped.is_set():
                    return
                if job_id in self._unfinished:
                    busy = self._take_turn(job_id) or busy
            self._remove_old()
            self._idempotent.remove_old()
            if not busy:
                self._look(self._idle_seconds())

    def _beat(self, heartbeat: Heartbeat) -> None:
        """Tell all processes that read the store that the partition has an owner that can write."""
        self._ready_for_copies(JOB_BATCH_BYTES[0]).commit((), [(WORKER_KEY, encode_heartbeat(heartbeat))])
        self._heartbeat_at = time.monotonic()

    def _take_over(self, batch_bytes: int) -> Transactions:
        """Make the producer, and read what was committed before it was made.

        Raises:
            RestartOwnership: it had another owner in between, or could not be read to its end in time.
        """
        if self._transactions is not None:
            self._transactions.close()
            self._transactions = None
        transactions = self._transactions = Transactions(self._config, self._partition, self._name, batch_bytes)
        token = transactions.fence()
        if not self._tail.read_to_token(token, time.monotonic() + _CATCH_UP_SECONDS, self._stopped):
            raise RestartOwnership("the store could not be read to its end in time")
        if self._tail.taken:
            raise RestartOwnership("another worker has owned the partition in between")
        self._unfinished.update((job.job_id, None) for job in self._tail.jobs.values() if not job.over)
        self._idempotent.note(self._tail.idempotent.open())
        return transactions

    def _ready(self, batch_bytes: int) -> Transactions:
        """Return a producer whose batches become no larger, and that writes one by one only if it has to."""
        transactions = self._transactions
        if (
            transactions is None
            or transactions.failed_transaction
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

        Single resends with a key, for which a client waits, are done between any two turns of jobs; what is cancelled
        ends at once, however many others wait for their turn.
        """
        changed = self._tail.read(timeout_seconds)
        self._idempotent.note(self._tail.asked)
        self._idempotent.turn()
        for job_id in changed:
            job = self._tail.jobs.get(job_id)
            if job is None or job.over:
                self._forget(job_id)
                continue
            self._unfinished[job_id] = None
            if job.cancel_requested:
                self._take_turn(job_id)

    def _idle_seconds(self) -> float:
        """Return how long there is nothing to do but to look."""
        now = time.monotonic()
        return min(
            [
                self._idempotent.idle_seconds or _IDLE_SECONDS,
                *(run.due - now for run in self._runs.values() if run.due > now),
            ]
        )

    def _take_turn(self, job_id: str) -> bool:
        """Do one step of a job; return whether there was something to do."""
        job = self._tail.jobs[job_id]
        self._waiting_for.pop(job_id, None)
        if not job.runnable or not self._may_run(job):
            # What is read ahead would only take memory.
            self._drop(job_id)
            return False
        try:
            if job.cancel_requested:
                self._cancel(job)
                return True
            return job.plan is not None and self._advance(job, job.plan)
        except (ClusterUnavailable, DeadlineExceeded) as error:
            # What was read, but not dealt with, must be read again.
            self._drop(job_id)
            self._waiting_for[job_id] = f"it is tried again: {error}"
            return False
        except NothingWritten as error:
            self._end(self._tail.jobs[job_id], "failed", str(error))
            return True
        except Exception as error:
            self._failed.note(job_id, error)
            raise

    def _may_run(self, job: Job) -> bool:
        if job.cancel_requested:
            return True
        plan = job.plan
        if plan is None:
            return False
        policy = self._rules.policies.get(plan.instance)
        if policy is None:
            self._waiting_for[job.job_id] = f"the worker has no instance {plan.instance!r} in its settings"
            return False
        try:
            policy.require_resends(dry_run=plan.dry_run)
        except InstanceReadOnly as error:
            self._waiting_for[job.job_id] = str(error)
            return False
        if (failure := self._failed.waits_for(job.job_id)) is not None:
            self._waiting_for[job.job_id] = failure
        return failure is None

    def _advance(self, job: Job, plan: Plan) -> bool:
        if (reason := self._failed.hopeless(job.job_id)) is not None:
            self._end(job, "failed", reason)
            return True
        run = self._runs.get(job.job_id)
        if run is not None and time.monotonic() < run.due:
            return False
        if not self._read_ahead.take(self._share(plan)):
            self._waiting_for[job.job_id] = "its turn: the worker reads for other jobs now, see jobs.read_ahead_mb"
            return False
        if run is None:
            run = self._begin(job, plan)
        run.refresh()
        moved = self._step(run)
        if run.stands_still:
            self._waiting_for[job.job_id] = f"records of topic {plan.topic!r}: a transaction there may still be open"
        if run.settled and (run.due - time.monotonic() > _REST_SECONDS or self._read_ahead.is_wanted(job.job_id)):
            # It waits, for its rate or for its turn, and holds nothing meanwhile.
            run.close()
            self._read_ahead.give_back(job.job_id)
        return moved

    def _share(self, plan: Plan) -> Share:
        size_mb = SLOW_MB if is_slow(plan) else FAST_MB
        if plan.target is not None and self._rules.dialects.may_point(plan.target.dialect):
            # It holds records that dead letters point to as well, see PointedRecords.
            size_mb += SLOW_MB
        caller, partition = (plan.project, plan.created_by), (self._config.name, self._partition)
        return Share(plan.job_id, caller, partition, size_mb)

    def _begin(self, job: Job, plan: Plan) -> JobExecution:
        progress = job.progress
        if not job.adopted:
            progress = replace(begun(plan, self._rules), started_at_ms=now_ms(), updated_at_ms=now_ms())
        run = JobExecution(self._config, self._describe, self._copy_preparer, plan, progress)
        if not job.adopted:
            self._commit(job.job_id, progress, (), claim=plan)
        self._runs[job.job_id] = run
        return run

    def _describe(self, name: str, *, to_write: bool = False) -> Future[Topic]:
        """Ask for the facts of a topic, as DescribeTopic."""
        return self._copy_preparer.loop.submit(self._metadata.topic(name, to_write=to_write))

    def _step(self, run: JobExecution) -> bool:
        """Read a chunk, and commit the copies of what is selected; return whether anything was there."""
        selected = run.read(alone=len(self._runs) == 1)
        if selected is None:
            return False
        step = run.process(selected)
        if step.due:
            self._write(run, selected, step)
        else:
            run.note_read(step)
        if run.progress.state != "running":
            self._forget(run.plan.job_id)
        return True

    def _write(self, run: JobExecution, selected: Selected, step: BatchResult) -> None:
        """Commit, without those that the broker refuses."""
        batch_bytes = job_batch_bytes(run.max_message_bytes)
        while True:
            try:
                committed = self._commit(run.plan.job_id, step.progress, step.copies, batch_bytes=batch_bytes)
            except RecordsRefused as error:
                # If it does not say which, written one by one they will tell.
                batch_bytes = batch_bytes if error.refused else 0
                run.refused.update(error.refused)
                step = run.process(selected)
            else:
                run.note_committed(step, committed)
                return

    def _cancel(self, job: Job) -> None:
        """End a job as was requested, also one that is not understood: it is not resent from any more."""
        # What it has resent is what its progress counts, if that is understood.
        unread = job.decode_errors.get("state")
        self._end(job, "cancelled", None if unread is None else f"how far it was is not known: {unread}")

    def _end(self, job: Job, state: State, reason: str | None) -> None:
        now = now_ms()
        ended = replace(job.progress, state=state, reason=reason, updated_at_ms=now, ended_at_ms=now)
        self._commit(job.job_id, ended, (), claim=None if job.adopted else job.plan)
        self._forget(job.job_id)

    def _commit(
        self,
        job_id: str,
        progress: Progress,
        copies: Sequence[Copy],
        *,
        claim: Plan | None = None,
        batch_bytes: int = JOB_BATCH_BYTES[0],
    ) -> Progress:
        """Write copies and progress, and the plan that is adopted, all or nothing; see Transactions.commit.

        Returns the progress with where the copies are.
        """
        entries: list[Entry] = [] if claim is None else [(f"{job_id}/plan".encode(), encode_plan(claim))]

        def state(written: Written) -> Iterable[Entry]:
            nonlocal progress
            if written:
                progress = replace(progress, copies=with_written(progress.copies, written))
            return [(f"{job_id}/state".encode(), encode_progress(progress))]

        if copies:
            # An entry for the store goes with them, see there; and heartbeats need no transactions of their own.
            entries.append((WORKER_KEY, encode_heartbeat(alive(self._waiting_for))))
            self._ready(batch_bytes).commit(copies, entries, state)
            self._heartbeat_at = time.monotonic()
        else:
            self._ready(batch_bytes).commit((), [*entries, *state(())])
        self._failed.forget(job_id)
        job = self._tail.jobs.get(job_id, Job(job_id, claim))
        # It is not read back.
        decode_errors = {kind: reason for kind, reason in job.decode_errors.items() if kind != "state"}
        self._tail.jobs[job_id] = replace(job, progress=progress, adopted=True, decode_errors=decode_errors)
        return progress

    def _remove_old(self) -> None:
        """Remove jobs that ended long ago, all records of each in one transaction: a half of one would run again."""
        retention_seconds = self._config.jobs.retention_seconds
        if time.monotonic() - self._removed_at < min(_REMOVE_SECONDS, retention_seconds):
            return
        self._removed_at = time.monotonic()
        oldest_ms = now_ms() - retention_seconds * 1000
        old = [job.job_id for job in self._tail.jobs.values() if _removable(job, oldest_ms)]
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
        self._failed.forget(job_id)
        self._waiting_for.pop(job_id, None)
        self._drop(job_id)

    def _drop(self, job_id: str) -> None:
        run = self._runs.pop(job_id, None)
        if run is not None:
            run.close()
        self._read_ahead.give_back(job_id)


def _removable(job: Job, oldest_ms: float) -> bool:
    """Whether a job has ended before this time, in Unix milliseconds, or has no plan any more."""
    if job.decode_errors.keys() - {"request", "plan"}:
        # The version that wrote these removes them.
        return False
    if job.summary is None:
        # It was removed, and asked to pause or to end in that moment.
        return True
    return job.over and (job.progress.ended_at_ms or 0) < oldest_ms
