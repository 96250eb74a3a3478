"""Runs the jobs of one partition of the store, in transactions that hold copies together with the progress they make.

One way back from every doubt: drop the producer and begin again at init_transactions, which fences every earlier owner
and ends its open transaction; then read what was committed, and go on from there. How a failed commit ended is read,
never guessed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from threading import Event, Thread

from confluent_kafka import KafkaException

from kafka.clients import log
from kafka.config import JOB_BATCH_BYTES, ClusterConfig, job_batch_bytes
from kafka.errors import ClusterUnavailable, DeadlineExceeded, NothingWritten
from kafka.jobs.keyed_owner import KeyedResends
from kafka.jobs.plan import Plan, encode_plan
from kafka.jobs.preparing import Preparing
from kafka.jobs.progress import KINDS, Job, Progress, State, encode_progress
from kafka.jobs.run import Run, Step, now_ms
from kafka.jobs.source import Chunk
from kafka.jobs.store import StoreTail
from kafka.jobs.transactions import BeginAgain, Entry, RecordsRefused, Transactions
from kafka.jobs.trouble import Trouble
from kafka.records import Copy
from kafka.topics import AdminLookup

_CATCH_UP_SECONDS = 60.0
_IDLE_SECONDS = 0.2
_LONGEST_BACK_OFF_SECONDS = 5.0
_REMOVE_SECONDS = 30.0
_REMOVED_AT_ONCE = 200
_MOST_RUNS = 32
"""Jobs that are run side by side, each with a Consumer of its own; more wait until one ends."""


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
        self._runs: dict[str, Run] = {}
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
            run.close()
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
        run.refresh()
        return self._step(run)

    def _begin(self, job: Job, plan: Plan) -> Run:
        progress = job.progress
        if not job.adopted:
            progress = replace(progress, state="running", started_at_ms=now_ms(), updated_at_ms=now_ms())
        run = Run(self._config, self._lookup, self._rules, plan, progress)
        if not job.adopted:
            self._commit(plan, progress, (), adopt=True)
        self._runs[job.job_id] = run
        return run

    def _step(self, run: Run) -> bool:
        """Read a chunk, and commit the copies of what is selected; return whether anything was there."""
        chunk = run.read(alone=len(self._runs) == 1)
        if chunk is None:
            return False
        step = run.deal_with(chunk)
        if step.due:
            self._write(run, chunk, step)
        else:
            run.note_read(step)
        if run.progress.state != "running":
            self._forget(run.plan.job_id)
        return True

    def _write(self, run: Run, chunk: Chunk, step: Step) -> None:
        """Commit, without those that the broker refuses."""
        batch_bytes = job_batch_bytes(run.max_message_bytes)
        while True:
            try:
                self._commit(run.plan, step.progress, step.copies, batch_bytes=batch_bytes)
            except RecordsRefused as error:
                # If it does not say which, written one by one they will tell.
                batch_bytes = batch_bytes if error.refused else 0
                run.refused.update(error.refused)
                step = run.deal_with(chunk)
            else:
                run.note_committed(step)
                return

    def _end(self, plan: Plan, progress: Progress, state: State, reason: str | None) -> None:
        now = now_ms()
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
        oldest_ms = now_ms() - keep_seconds * 1000
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
            run.close()
