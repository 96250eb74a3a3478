"""Jobs as the service sees them: make one, look at them, have them cancelled or paused. Who runs them is elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from msgspec.structs import replace

from kafka.client.config import ClusterConfig
from kafka.jobs.errors import (
    JobMissing,
    JobOutcomeUnknown,
    JobOver,
    JobOverlaps,
    JobsNotHere,
    KeyOutcomeUnknown,
    KeyReused,
    KeysNotHere,
)
from kafka.jobs.idempotency.requests import Key
from kafka.jobs.job import Job, fold
from kafka.jobs.overlap import overlapping
from kafka.jobs.plan import Plan, encode_plan, partition_of
from kafka.jobs.spec import JobSpec, Planner
from kafka.jobs.store.client import CATCH_UP_SECONDS, StoreClient
from kafka.jobs.store.topic import Store
from kafka.jobs.store.view import StoreSnapshot
from kafka.model.errors import (
    TopicReplaced,
)

Visible = Callable[[Job], bool]
"""Whether a job exists for the caller who asks."""


@dataclass(frozen=True, slots=True)
class _Written:
    """A record of the store that was written here; it counts at once, although it is read back only later.

    Attributes:
        job_id: whose record it is.
        kind: request, cancel or pause.
        value: what it says.
        offset: where it is in the job's partition.
    """

    job_id: str
    kind: str
    value: bytes
    offset: int


class Jobs:
    """The jobs of one cluster, from an event loop.

    Args:
        config: the cluster.
        planner: makes plans of what is asked for.
        store: what the jobs are kept in; None on the embedded broker.
        admitted: counts a request as in flight, or raises ClusterAway or Closing.
    """

    def __init__(
        self,
        config: ClusterConfig,
        planner: Planner,
        store: StoreClient | None,
        admitted: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._config = config
        self._planner = planner
        self._kept_in = store
        self._admitted = admitted
        self._written: list[_Written] = []
        self._making = asyncio.Lock()

    async def make(self, spec: JobSpec, topic_id: str | None = None, others: Visible | None = None) -> Job:
        """Accept a job; the owner of its store partition will run it.

        Args:
            spec: what is asked for.
            topic_id: which topic of that name is meant; None: the one that is there now.
            others: which jobs this one must not overlap, unless the spec allows it; None: it may overlap all.

        Raises:
            JobsNotHere, StoreUnusable: jobs cannot be had.
            JobOverlaps: another job has resent some of the records for the same recipient, or is about to.
            RecipientNotAllowed: its consumer_key is none that the operator allows.
            InstanceReadOnly, TopicMissing, PartitionMissing, TopicRefused, AccessDenied: nothing of this topic can be
                resent.
            SelectionEmpty, SelectionTooLarge, ExpressionRefused: the selection is invalid.
            TopicReplaced: another topic has that name now.
            ClusterUnavailable, DeadlineExceeded: not now; there is no job.
            JobOutcomeUnknown: the job may or may not have been accepted.
        """
        store = self._store
        self._config.policy.require_resends(dry_run=spec.dry_run)
        self._config.policy.require_recipient(spec.consumer_key)
        with self._admitted():
            plan = await self._planned(spec, await store.usable(), topic_id)
            async with self._making:
                plan = await self._beside_others(plan, spec, await store.first_snapshot(), others)
                await self._write(plan.job_id, "request", encode_plan(plan))
            return Job(plan.job_id, plan)

    async def make_once(
        self, spec: JobSpec, topic_id: str | None, key: Key, others: Visible | None = None
    ) -> tuple[Job, bool]:
        """Accept a job, or return the one that the first request with this key has made, and whether it is that one.

        Args:
            spec: what is asked for.
            topic_id: see make.
            key: what came with the request.
            others: see make.

        Raises:
            KeyReused: another request came with this key before.
            KeysNotHere, NoWorker: keys cannot be had.
            KeyOutcomeUnknown: the job may or may not have been accepted; the same request may be sent again.
            ResendError: as make.
        """
        store = self._kept_in
        if store is None:
            raise KeysNotHere
        with self._admitted():
            deadline = time.monotonic() + CATCH_UP_SECONDS
            topic, seen = await store.usable_snapshot(deadline)
            job_id = key.id("job", topic.partitions)
            known = self._known(seen, job_id)
            if known is None:
                # Also what another process has accepted just now: two with the same key must not both be written.
                known = self._known(await store.catch_up(job_id, deadline) or seen, job_id)
            if known is not None:
                return _same(known, key), True
            self._config.policy.require_resends(dry_run=spec.dry_run)
            self._config.policy.require_recipient(spec.consumer_key)
            await store.require_worker(partition_of(job_id))
            plan = replace(await self._planned(spec, topic, topic_id), job_id=job_id, digest=key.digest)
            try:
                async with self._making:
                    plan = await self._beside_others(plan, spec, seen, others)
                    offset = await self._write(job_id, "request", encode_plan(plan))
                deadline = time.monotonic() + CATCH_UP_SECONDS
                # Another one may have come first.
                first = await store.until(lambda seen: _read_back(seen, job_id, offset), deadline)
            except JobOutcomeUnknown as error:
                raise KeyOutcomeUnknown(error.reason) from error
            if first is None:
                raise KeyOutcomeUnknown("the store could not be read to its end in time")
            return _same(first, key), False

    async def _planned(self, spec: JobSpec, store: Store, topic_id: str | None) -> Plan:
        plan = await self._planner.plan(spec, store.partitions)
        if topic_id is not None and plan.topic_id != topic_id:
            raise TopicReplaced(spec.topic)
        return plan

    async def _beside_others(self, plan: Plan, spec: JobSpec, seen: StoreSnapshot, others: Visible | None) -> Plan:
        """Return the plan with the job that it overlaps, if there is one.

        Raises:
            JobOverlaps: there is, and the spec does not allow it.
        """
        if others is None:
            return plan
        known = [job for job in self._current(seen).values() if job.job_id != plan.job_id and others(job)]
        # There may be many of them, with many ranges each.
        other = await asyncio.to_thread(overlapping, plan, known)
        if other is None:
            return plan
        if not (spec.allow_duplicate or spec.dry_run):
            raise JobOverlaps(other.job_id, other.state)
        return replace(plan, overlaps=other.job_id)

    async def get(self, job_id: str, visible: Visible = lambda _: True, *, fresh: bool = False) -> Job:
        """Return a job; one that another process has accepted just now as well.

        Args:
            job_id: the job.
            visible: whether a job exists for the caller; one that does not is looked for as one that is not known, so
                that the time until the refusal does not tell them apart.
            fresh: read what the store has now, not what it had a moment ago.

        Raises:
            JobsNotHere: this cluster cannot have any.
            JobMissing: there is none that is visible, or no more.
            AccessDenied, ClusterUnavailable, DeadlineExceeded: the store could not be read to its end.
        """
        store = self._store
        with self._admitted():
            return await self._found(store, job_id, visible, fresh=fresh)

    async def known(self) -> list[Job]:
        """Return all jobs that are known, the newest first; those of other processes may be missing for a moment.

        Raises:
            JobsNotHere: this cluster cannot have any.
            AccessDenied, ClusterUnavailable, DeadlineExceeded: the store could not be read.
        """
        store = self._store
        with self._admitted():
            jobs = self._current(await store.first_snapshot()).values()
        return sorted(jobs, key=lambda job: (-_made_at_ms(job.summary), job.job_id))

    def waits_for(self, job: Job) -> str | None:
        """Return what a job waits for that has not ended, as far as it is known; None: nothing, or to be resumed."""
        seen = None if self._kept_in is None else self._kept_in.snapshot
        if seen is None or job.over or (job.pause_requested and not job.cancel_requested):
            return None
        if job.unsupported_reason is not None and not job.cancel_requested:
            return None
        partition = partition_of(job.job_id)
        if not seen.liveness.alive(partition):
            return f"a worker: {seen.liveness.problem(partition) or 'none is there for its partition of the job store'}"
        return seen.liveness.waits_for(partition, job.job_id)

    async def cancel(self, job_id: str) -> Job:
        """Cancel a job; one that has ended already stays as it is.

        Raises:
            JobMissing, JobsNotHere, AccessDenied, ClusterUnavailable, DeadlineExceeded: as get.
            JobOutcomeUnknown: it may or may not end.
        """
        store = self._store
        with self._admitted():
            job = await self._found(store, job_id)
            if job.over or job.cancel_requested:
                return job
            await self._write(job_id, "cancel", b"true")
            return await self._found(store, job_id)

    async def pause(self, job_id: str, *, paused: bool) -> Job:
        """Pause or resume a job.

        Raises:
            JobOver: it has ended.
            JobMissing, JobsNotHere, AccessDenied, ClusterUnavailable, DeadlineExceeded: as get.
            JobOutcomeUnknown: it may or may not.
        """
        store = self._store
        with self._admitted():
            job = await self._found(store, job_id)
            if job.over:
                raise JobOver(job_id, job.state)
            await self._write(job_id, "pause", b"true" if paused else b"false")
            return await self._found(store, job_id)

    @property
    def _store(self) -> StoreClient:
        if self._kept_in is None:
            raise JobsNotHere
        return self._kept_in

    async def _found(
        self, store: StoreClient, job_id: str, visible: Visible = lambda _: True, *, fresh: bool = False
    ) -> Job:
        deadline = time.monotonic() + CATCH_UP_SECONDS
        seen = await store.first_snapshot()
        found = self._known(seen, job_id)
        if fresh or found is None or not visible(found):
            found = self._known(await store.catch_up(job_id, deadline) or seen, job_id)
        if found is None or not visible(found):
            raise JobMissing(job_id)
        return found

    def _known(self, seen: StoreSnapshot, job_id: str) -> Job | None:
        """Return a job as far as it is known."""
        return self._current(seen, job_id).get(job_id)

    def _current(self, seen: StoreSnapshot, only: str | None = None) -> dict[str, Job]:
        """Return all jobs as far as they are known, or one alone, with what was written here and not read back yet."""
        self._written = [
            written
            for written in self._written
            if seen.next_offsets.get(partition_of(written.job_id), 0) <= written.offset
        ]
        jobs = dict(seen.jobs) if only is None else {only: seen.jobs[only]} if only in seen.jobs else {}
        for written in self._written:
            if only in (None, written.job_id):
                job = fold(jobs.get(written.job_id), written.job_id, written.kind, written.value)
                if job is not None:
                    jobs[written.job_id] = job
        return jobs

    async def _write(self, job_id: str, kind: str, value: bytes) -> int | None:
        """Write a record of a job, which counts at once; return its offset."""
        deadline = time.monotonic() + self._config.limits.deadline_seconds
        offset = await self._store.write(job_id, kind, value, deadline)
        if offset is not None:
            self._written.append(_Written(job_id, kind, value, offset))
        return offset


def _read_back(seen: StoreSnapshot, job_id: str, offset: int | None) -> Job | None:
    """Return the job once a record of this offset was read."""
    if offset is None or seen.next_offsets.get(partition_of(job_id), 0) > offset:
        return seen.jobs.get(job_id)
    return None


def _same(job: Job, key: Key) -> Job:
    """Return the job if it was made by this request."""
    if job.plan is None:
        raise KeyOutcomeUnknown(job.unsupported_reason or "the job is being removed")
    if job.plan.digest != key.digest:
        raise KeyReused
    return job


def _made_at_ms(plan: Plan | None) -> int:
    return 0 if plan is None else plan.created_at_ms
