"""Jobs as the service sees them: make one, look at them, have them cancelled or paused. Who runs them is elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from confluent_kafka import KafkaException

from kafka.client.admin import Admin
from kafka.client.config import MAX_MESSAGE_BYTES, ClusterConfig
from kafka.jobs.errors import (
    JobMissing,
    JobOutcomeUnknown,
    JobOver,
    JobsNotHere,
    KeyOutcomeUnknown,
    KeyReused,
    KeysNotHere,
    NoWorker,
    StoreUnusable,
)
from kafka.jobs.idempotency.requests import Key
from kafka.jobs.plan import Plan, encode_plan, partition_of
from kafka.jobs.progress import Job, fold
from kafka.jobs.spec import JobSpec, Planner
from kafka.jobs.store.topic import ReadDenied, Store, StoreError, ensure_store, find_store
from kafka.jobs.store.view import StoreSnapshot, View
from kafka.metadata.offsets import AdminOffsets, of_topic
from kafka.model.copies import Copy
from kafka.model.errors import (
    DeadlineExceeded,
    InstanceReadOnly,
    NothingWritten,
    OutcomeUnknown,
    TopicReplaced,
    cause,
    from_lookup,
)
from kafka.model.records import Position
from kafka.resend.writer import Writer

_CATCH_UP_SECONDS = 10.0
_LOOK_AGAIN_SECONDS = 0.01
_WORKERS_START_SECONDS = 10.0
"""How long a worker may take that waited for the store to be made: it looks every second, and joins its group."""
_WORKERS_RETURN_SECONDS = 10.0
"""How long a worker may take that was there a short while ago: to join its group again took 8 s (measured)."""


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
        writer: writes to the store as to any other topic.
        admin: a client that others may use, too; None on the embedded broker.
        admitted: counts a request as in flight, or raises ClusterAway or Closing.
    """

    def __init__(
        self,
        config: ClusterConfig,
        planner: Planner,
        writer: Writer,
        admin: Admin | None,
        admitted: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._config = config
        self._writer = writer
        self._admitted = admitted
        self._planner = planner
        self._store: Store | None = None
        self._made_store_at = float("-inf")
        self._written: list[_Written] = []
        self._view = None if admin is None else View(config, admin)
        if self._view is not None:
            self._view.start()

    async def make(self, spec: JobSpec, topic_id: str | None = None) -> Job:
        """Accept a job; the owner of its store partition will run it.

        Args:
            spec: what is asked for.
            topic_id: which topic of that name is meant; None: the one that is there now.

        Raises:
            JobsNotHere, StoreUnusable: jobs cannot be had.
            InstanceReadOnly, TopicMissing, PartitionMissing, TopicRefused, AccessDenied: nothing of this topic can be
                resent.
            SelectionEmpty, SelectionTooLarge, ExpressionRefused: the selection is invalid.
            TopicReplaced: another topic has that name now.
            ClusterUnavailable, DeadlineExceeded: not now; there is no job.
            JobOutcomeUnknown: the job may or may not have been accepted.
        """
        view = self._reading()
        if self._config.policy.read_only and not spec.dry_run:
            raise InstanceReadOnly
        with self._admitted():
            store = await self.usable_store(view)
            plan = await self._planned(spec, store, topic_id)
            await self._write(plan.job_id, "request", encode_plan(plan))
            return Job(plan.job_id, plan)

    async def make_once(self, spec: JobSpec, topic_id: str | None, key: Key) -> tuple[Job, bool]:
        """Accept a job, or return the one that the first request with this key has made, and whether it is that one.

        Args:
            spec: what is asked for.
            topic_id: see make.
            key: what came with the request.

        Raises:
            KeyReused: another request came with this key before.
            KeysNotHere, NoWorker: keys cannot be had.
            KeyOutcomeUnknown: the job may or may not have been accepted; the same request may be sent again.
            ResendError: as make.
        """
        if self._view is None:
            raise KeysNotHere
        with self._admitted():
            deadline = time.monotonic() + _CATCH_UP_SECONDS
            view, store, seen = await self.idempotency_store(deadline)
            job_id = key.id("job", store.partitions)
            known = self._known(seen, job_id)
            if known is None:
                # Also what another process has accepted just now: two with the same key must not both be written.
                await self._catch_up(view, job_id, deadline)
                known = self._known(view.seen or seen, job_id)
            if known is not None:
                return _same(known, key), True
            if self._config.policy.read_only and not spec.dry_run:
                raise InstanceReadOnly
            await self.require_worker(view, partition_of(job_id))
            plan = replace(await self._planned(spec, store, topic_id), job_id=job_id, digest=key.digest)
            try:
                offset = await self._write(job_id, "request", encode_plan(plan))
                deadline = time.monotonic() + _CATCH_UP_SECONDS
                # Another one may have come first.
                first = await view.until(lambda seen: _read_back(seen, job_id, offset), deadline)
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

    async def get(self, job_id: str, visible: Callable[[Job], bool] = lambda _: True) -> Job:
        """Return a job; one that another process has accepted just now as well.

        Args:
            job_id: the job.
            visible: whether a job exists for the caller; one that does not is looked for as one that is not known, so
                that the time until the refusal does not tell them apart.

        Raises:
            JobsNotHere: this cluster cannot have any.
            JobMissing: there is none that is visible, or no more.
            AccessDenied, ClusterUnavailable, DeadlineExceeded: the store could not be read to its end.
        """
        view = self._reading()
        with self._admitted():
            return await self._found(view, job_id, visible)

    async def known(self) -> list[Job]:
        """Return all jobs that are known, the newest first; those of other processes may be missing for a moment.

        Raises:
            JobsNotHere: this cluster cannot have any.
            AccessDenied, ClusterUnavailable, DeadlineExceeded: the store could not be read.
        """
        view = self._reading()
        with self._admitted():
            jobs = self._current(await self.first_seen(view)).values()
        return sorted(jobs, key=lambda job: (-_made_at_ms(job.summary), job.job_id))

    def waits_for(self, job: Job) -> str | None:
        """Return what a job waits for that has not ended, as far as it is known; None: nothing, or to be resumed."""
        seen = None if self._view is None else self._view.seen
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
        view = self._reading()
        with self._admitted():
            job = await self._found(view, job_id)
            if job.over or job.cancel_requested:
                return job
            await self._write(job_id, "cancel", b"true")
            return await self._found(view, job_id)

    async def pause(self, job_id: str, *, paused: bool) -> Job:
        """Pause or resume a job.

        Raises:
            JobOver: it has ended.
            JobMissing, JobsNotHere, AccessDenied, ClusterUnavailable, DeadlineExceeded: as get.
            JobOutcomeUnknown: it may or may not.
        """
        view = self._reading()
        with self._admitted():
            job = await self._found(view, job_id)
            if job.over:
                raise JobOver(job_id, job.state)
            await self._write(job_id, "pause", b"true" if paused else b"false")
            return await self._found(view, job_id)

    async def close(self) -> None:
        """End the thread."""
        if self._view is not None:
            self._view.stop()
            await asyncio.to_thread(self._view.join)

    def _reading(self) -> View:
        if self._view is None:
            raise JobsNotHere
        return self._view

    async def idempotency_store(self, deadline: float) -> tuple[View, Store, StoreSnapshot]:
        """Return what a request with a key needs: the store, made if need be, and what it had when the process began.

        Raises:
            KeysNotHere, StoreUnusable, AccessDenied, ClusterUnavailable, DeadlineExceeded: it cannot be had.
        """
        if self._view is None:
            raise KeysNotHere
        store = await self.usable_store(self._view)
        seen: StoreSnapshot | None = await self.first_seen(self._view)
        if seen is not None and seen.store is None:
            seen = await self._view.until(lambda seen: None if seen.store is None else seen, deadline)
        if seen is None:
            raise self._unread(self._view)
        return self._view, store, seen

    async def require_worker(self, view: View, partition: int) -> None:
        """Return if a worker owns this partition of the store.

        One is waited for where the store was created just now, and where there was one a short while ago: after an
        outage of a broker the workers join their group again.

        Raises:
            NoWorker: none does.
        """
        deadline = self._made_store_at + _WORKERS_START_SECONDS
        seen = await self.first_seen(view)
        if seen.liveness.expected(partition):
            deadline = time.monotonic() + _WORKERS_RETURN_SECONDS
        if await view.until(lambda seen: seen.liveness.alive(partition) or None, deadline) is None:
            raise NoWorker(self._config.jobs.group, (view.seen or seen).liveness.problem(partition))

    async def usable_store(self, view: View) -> Store:
        """Return the store, made if need be; whether it is fit is asked once.

        Raises:
            StoreUnusable, AccessDenied, ClusterUnavailable: it cannot be had.
        """
        seen = view.seen
        gone = seen is not None and seen.store is None
        if self._store is None or gone:
            try:
                self._store = await asyncio.to_thread(ensure_store, view.admin, self._config)
            except StoreError as error:
                raise StoreUnusable(str(error)) from None
            except KafkaException as exception:
                raise from_lookup(cause(exception), self._config.jobs.topic, "DescribeConfigs") from exception
            if gone:
                self._made_store_at = time.monotonic()
            view.look()
        return self._store

    async def _found(self, view: View, job_id: str, visible: Callable[[Job], bool] = lambda _: True) -> Job:
        deadline = time.monotonic() + _CATCH_UP_SECONDS
        seen = await self.first_seen(view)
        found = self._known(seen, job_id)
        if found is None or not visible(found):
            await self._catch_up(view, job_id, deadline)
            found = self._known(view.seen or seen, job_id)
        if found is None or not visible(found):
            raise JobMissing(job_id)
        return found

    async def first_seen(self, view: View) -> StoreSnapshot:
        """Wait until the store was read as it was when the process began.

        Raises:
            AccessDenied, ClusterUnavailable, DeadlineExceeded: it could not be read.
        """
        deadline = time.monotonic() + _CATCH_UP_SECONDS
        while (seen := view.seen) is None:
            if view.problem is not None or time.monotonic() > deadline:
                raise self._unread(view)
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        return seen

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

    async def _catch_up(self, view: View, job_id: str, deadline: float) -> None:
        """Have read the job's partition up to where it ends now."""
        try:
            partition = partition_of(job_id)
        except ValueError:
            raise JobMissing(job_id) from None
        topic = self._config.jobs.topic
        seen = view.seen
        if seen is None or seen.store is None:
            # Another process may have made the store since this one looked.
            store = await asyncio.to_thread(self._find_store, view)
            view.look()
        else:
            store = seen.store
        if store is None or partition >= store.partitions:
            raise JobMissing(job_id)
        answers = await AdminOffsets(view.admin).ends([(topic, partition)], committed=False)
        end = of_topic(topic, answers)[partition]
        if await view.until(lambda seen: seen.next_offsets.get(partition, 0) >= end or None, deadline) is None:
            raise self._unread(view)

    def _unread(self, view: View) -> NothingWritten:
        """Return why the store was not read in time."""
        problem = view.problem
        if problem is None:
            return DeadlineExceeded("the jobs")
        operation = "Read" if isinstance(problem, ReadDenied) else "Describe"
        return from_lookup(cause(problem), self._config.jobs.topic, operation)

    def _find_store(self, view: View) -> Store | None:
        topic = self._config.jobs.topic
        try:
            return find_store(view.admin, topic)
        except KafkaException as exception:
            raise from_lookup(cause(exception), topic, "Describe") from exception

    async def _write(self, job_id: str, kind: str, value: bytes) -> int | None:
        """Write a record of a job, which counts at once; return its offset."""
        offset = await self.write(job_id, kind, value, time.monotonic() + self._config.limits.deadline_seconds)
        if offset is not None:
            self._written.append(_Written(job_id, kind, value, offset))
        return offset

    async def write(self, job_id: str, kind: str, value: bytes, deadline: float) -> int | None:
        """Write a record of the store, and return its offset, if it is told.

        Args:
            job_id: of the job or the resend whose record it is.
            kind: of the record.
            value: what it says.
            deadline: point of time.monotonic().

        Raises:
            JobOutcomeUnknown: it may or may not have been written.
            NothingWritten: it was not.
        """
        place = Position(self._config.jobs.topic, partition_of(job_id), 0)
        record = Copy(place, f"{job_id}/{kind}".encode(), value, (), None)
        try:
            written = await self._writer.write(record, deadline, MAX_MESSAGE_BYTES)
        except OutcomeUnknown as error:
            raise JobOutcomeUnknown(job_id, error.reason) from error
        return written.offset


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
