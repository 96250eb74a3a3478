"""Runs the jobs of one partition of the store, in transactions that hold copies together with the progress they make.

One way back from every doubt: drop the producer and begin again at init_transactions, which fences every earlier owner
and ends its open transaction; then read what was committed, and go on from there. How a failed commit ended is read,
never guessed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from threading import Event, Thread

from confluent_kafka import KafkaException

from kafka.clients import log
from kafka.config import JOB_BATCH_BYTES, ClusterConfig, job_batch_bytes
from kafka.copies import Copy
from kafka.errors import ClusterUnavailable, DeadlineExceeded, InstanceFrozen, NothingWritten
from kafka.jobs.keyed_owner import KeyedResends
from kafka.jobs.plan import Plan, encode_plan
from kafka.jobs.preparing import Preparing
from kafka.jobs.progress import KINDS, Job, Progress, State, encode_progress
from kafka.jobs.read_ahead import FAST_MB, SLOW_MB, ReadAhead, Share, is_slow
from kafka.jobs.run import Run, Step, begun, now_ms
from kafka.jobs.selecting import Selected
from kafka.jobs.store import StoreTail
from kafka.jobs.transactions import BeginAgain, Entry, RecordsRefused, Transactions
from kafka.jobs.trouble import Trouble
from kafka.jobs.worker_liveness import (
    HANDING_OVER,
    HEARTBEAT_SECONDS,
    WORKER_KEY,
    Heartbeat,
    ProblemReporter,
    alive,
    encode_heartbeat,
)
from kafka.topics import AdminLookup

_CATCH_UP_SECONDS = 60.0
_IDLE_SECONDS = 0.2
_LONGEST_BACK_OFF_SECONDS = 5.0
_REMOVE_SECONDS = 30.0
_REMOVED_AT_ONCE = 200
_REST_SECONDS = 5.0
"""A job whose rate makes it wait for longer ends its Consumer meanwhile: to make another one takes about 0.1 s."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What the owners of a worker have in common.

    Attributes:
        preparing: reads single records; has the rules: jobs of instances that these do not name are left alone.
        read_ahead: gives jobs their shares of the memory of the process.
        problems: is told what keeps an owner from owning its partition.
    """

    preparing: Preparing
    read_ahead: ReadAhead
    problems: ProblemReporter


class PartitionOwner(Thread):
    """The thread that owns one partition of the store, until it is stopped.

    Args:
        config: the cluster.
        partition: of the store.
        shared: what it has in common with the other owners of the process.
    """

    def __init__(self, config: ClusterConfig, partition: int, shared: Shared) -> None:
        super().__init__(name=f"{config.name} jobs {partition}", daemon=True)
        self._config = config
        self._partition = partition
        self._shared = shared
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
                    _Ownership(self._config, self._partition, self._shared, trouble, self._stopped)
                ) as ownership:
                    ownership.run()
            except (BeginAgain, KafkaException) as error:
                log.warning("%s: beginning again: %s", self.name, error)
                if not self._stopped.is_set():
                    self._shared.problems.report(range(self._partition, self._partition + 1), error)
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
        shared: Shared,
        trouble: Trouble,
        stopped: Event,
    ) -> None:
        self._config = config
        preparing = shared.preparing
        self._read_ahead = shared.read_ahead
        self._preparing = preparing
        self._rules = preparing.rules
        self._partition = partition
        self._lookup = AdminLookup(config)
        self._trouble = trouble
        self._stopped = stopped
        self._name = f"{config.name} jobs {partition}"
        self._runs: dict[str, Run] = {}
        self._unfinished: dict[str, None] = {}
        self._removed_at = 0.0
        self._heartbeat_at = float("-inf")
        self._waiting_for: dict[str, str] = {}
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
        for job_id in self._unfinished:
            self._read_ahead.give_back(job_id)
        self._tail.close()
        self._lookup.close()

    def run(self) -> None:
        """Take turns with the jobs until stopped; then tell that another worker may take over."""
        self._take_over(JOB_BATCH_BYTES[0])
        self._take_turns()
        if self._transactions is not None and not self._transactions.spoiled:
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
            self._keyed.remove_old()
            if not busy:
                self._look(self._idle_seconds())

    def _beat(self, heartbeat: Heartbeat) -> None:
        """Tell all processes that read the store that the partition has an owner that can write."""
        self._ready_for_copies(JOB_BATCH_BYTES[0]).commit((), [(WORKER_KEY, encode_heartbeat(heartbeat))])
        self._heartbeat_at = time.monotonic()

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
        self._waiting_for.pop(job_id, None)
        if not job.runnable or not self._may_run(job):
            # What is read ahead would only take memory.
            self._drop(job_id)
            return False
        try:
            if job.cancel_asked:
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
            self._trouble.note(job_id, error)
            raise

    def _may_run(self, job: Job) -> bool:
        if job.cancel_asked:
            return True
        plan = job.plan
        if plan is None:
            return False
        policy = self._rules.policies.get(plan.instance)
        if policy is None:
            self._waiting_for[job.job_id] = f"the worker has no instance {plan.instance!r} in its settings"
            return False
        if policy.frozen and not plan.dry_run:
            self._waiting_for[job.job_id] = str(InstanceFrozen())
            return False
        if (trouble := self._trouble.waits_for(job.job_id)) is not None:
            self._waiting_for[job.job_id] = trouble
        return trouble is None

    def _advance(self, job: Job, plan: Plan) -> bool:
        if (reason := self._trouble.hopeless(job.job_id)) is not None:
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
        caller, partition = (plan.project, plan.made_by), (self._config.name, self._partition)
        return Share(plan.job_id, caller, partition, size_mb)

    def _begin(self, job: Job, plan: Plan) -> Run:
        progress = job.progress
        if not job.adopted:
            progress = replace(begun(plan, self._rules), started_at_ms=now_ms(), updated_at_ms=now_ms())
        run = Run(self._config, self._lookup, self._preparing, plan, progress)
        if not job.adopted:
            self._commit(job.job_id, progress, (), adopt=plan)
        self._runs[job.job_id] = run
        return run

    def _step(self, run: Run) -> bool:
        """Read a chunk, and commit the copies of what is selected; return whether anything was there."""
        selected = run.read(alone=len(self._runs) == 1)
        if selected is None:
            return False
        step = run.deal_with(selected)
        if step.due:
            self._write(run, selected, step)
        else:
            run.note_read(step)
        if run.progress.state != "running":
            self._forget(run.plan.job_id)
        return True

    def _write(self, run: Run, selected: Selected, step: Step) -> None:
        """Commit, without those that the broker refuses."""
        batch_bytes = job_batch_bytes(run.max_message_bytes)
        while True:
            try:
                self._commit(run.plan.job_id, step.progress, step.copies, batch_bytes=batch_bytes)
            except RecordsRefused as error:
                # If it does not say which, written one by one they will tell.
                batch_bytes = batch_bytes if error.refused else 0
                run.refused.update(error.refused)
                step = run.deal_with(selected)
            else:
                run.note_committed(step)
                return

    def _cancel(self, job: Job) -> None:
        """End a job as somebody asked, also one that is not understood: it is not resent from any more."""
        # What it has resent is what its progress counts, if that is understood.
        unread = job.misfits.get("state")
        self._end(job, "cancelled", None if unread is None else f"how far it was is not known: {unread}")

    def _end(self, job: Job, state: State, reason: str | None) -> None:
        now = now_ms()
        ended = replace(job.progress, state=state, reason=reason, updated_at_ms=now, ended_at_ms=now)
        self._commit(job.job_id, ended, (), adopt=None if job.adopted else job.plan)
        self._forget(job.job_id)

    def _commit(
        self,
        job_id: str,
        progress: Progress,
        copies: Iterable[Copy],
        *,
        adopt: Plan | None = None,
        batch_bytes: int = JOB_BATCH_BYTES[0],
    ) -> None:
        """Write copies and progress, and the plan that is adopted, all or nothing; see Transactions.commit."""
        entries: list[Entry] = [] if adopt is None else [(f"{job_id}/plan".encode(), encode_plan(adopt))]
        entries.append((f"{job_id}/state".encode(), encode_progress(progress)))
        self._ready(batch_bytes).commit(copies, entries)
        self._trouble.forget(job_id)
        job = self._tail.jobs.get(job_id, Job(job_id, adopt))
        # It is not read back.
        misfits = {kind: reason for kind, reason in job.misfits.items() if kind != "state"}
        self._tail.jobs[job_id] = replace(job, progress=progress, adopted=True, misfits=misfits)

    def _remove_old(self) -> None:
        """Remove jobs that ended long ago, all records of each in one transaction: a half of one would run again."""
        keep_seconds = self._config.jobs.keep_seconds
        if time.monotonic() - self._removed_at < min(_REMOVE_SECONDS, keep_seconds):
            return
        self._removed_at = time.monotonic()
        oldest_ms = now_ms() - keep_seconds * 1000
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
        self._trouble.forget(job_id)
        self._waiting_for.pop(job_id, None)
        self._drop(job_id)

    def _drop(self, job_id: str) -> None:
        run = self._runs.pop(job_id, None)
        if run is not None:
            run.close()
        self._read_ahead.give_back(job_id)


def _removable(job: Job, oldest_ms: float) -> bool:
    """Whether a job has ended before this time, in Unix milliseconds, or has no plan any more."""
    if job.misfits.keys() - {"request", "plan"}:
        # The version that wrote these removes them.
        return False
    if job.summary is None:
        # It was removed, and asked to pause or to end in that moment.
        return True
    return job.over and (job.progress.ended_at_ms or 0) < oldest_ms
