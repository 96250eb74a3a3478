"""Jobs as the service sees them: make one, look at them, have them cancelled or paused. Who runs them is elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event, Lock, Thread

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from kafka.clients import log
from kafka.config import MAX_MESSAGE_BYTES, ClusterConfig
from kafka.errors import ClusterAway, DeadlineExceeded, cause
from kafka.jobs.errors import JobMissing, JobOver, JobsNotHere, StoreUnusable
from kafka.jobs.plan import Plan, encode_plan, partition_of
from kafka.jobs.progress import Job
from kafka.jobs.store import Store, StoreError, StoreTail, ensure_store, find_store
from kafka.jobs.wish import Planner, Wish
from kafka.offsets import Offsets
from kafka.records import Copy, Position
from kafka.topics import Topics
from kafka.writer import Writer

_READ_SECONDS = 0.2
_LOOK_FOR_STORE_SECONDS = 10.0
_CATCH_UP_SECONDS = 10.0
_LOOK_AGAIN_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the view has read so far."""

    store: Store | None
    jobs: Mapping[str, Job]
    next_offsets: Mapping[int, int]


class _View(Thread):
    """A thread that reads the store from its beginning and goes on; looks for the store until there is one."""

    def __init__(self, config: ClusterConfig, admin: AdminClient) -> None:
        super().__init__(name=f"{config.name} jobs view", daemon=True)
        self._config = config
        self._admin = admin
        self._stopped = Event()
        self._wake = Event()
        self._lock = Lock()
        self._seen = _Seen(None, {}, {})

    @property
    def seen(self) -> _Seen:
        """What was read so far; a snapshot."""
        with self._lock:
            return self._seen

    def look(self) -> None:
        """Look for the store now: it has just been made."""
        self._wake.set()

    def stop(self) -> None:
        """Let the thread end."""
        self._stopped.set()
        self._wake.set()

    def run(self) -> None:
        """Read until stopped."""
        while not self._stopped.is_set():
            try:
                store = find_store(self._admin, self._config.jobs.topic)
                if store is not None:
                    self._follow(store)
            except KafkaException as exception:
                log.warning("%s: %s", self.name, cause(exception).str())
            except Exception:  # noqa: BLE001 the thread's edge
                log.exception("%s: beginning again", self.name)
            self._wake.wait(_LOOK_FOR_STORE_SECONDS)
            self._wake.clear()

    def _follow(self, store: Store) -> None:
        tail = StoreTail(self._config, self.name, range(store.partitions))
        try:
            while not self._stopped.is_set():
                with self._lock:
                    self._seen = _Seen(store, dict(tail.jobs), dict(tail.next_offsets))
                tail.read(_READ_SECONDS)
        finally:
            tail.close()


class Jobs:
    """The jobs of one cluster, from an event loop.

    Args:
        config: the cluster.
        topics: the facts of its topics.
        offsets: the bounds of their partitions.
        writer: writes to the store as to any other topic.
        admin: a client that others may use, too; None on the embedded broker.
    """

    def __init__(
        self, config: ClusterConfig, topics: Topics, offsets: Offsets, writer: Writer, admin: AdminClient | None
    ) -> None:
        self._config = config
        self._admin = admin
        self._offsets = offsets
        self._writer = writer
        self._planner = Planner(config, topics, offsets)
        self._view = None if admin is None else _View(config, admin)
        if self._view is not None:
            self._view.start()

    async def make(self, wish: Wish) -> Job:
        """Accept a job; whoever owns its partition of the store will run it.

        Raises:
            JobsNotHere, StoreUnusable: jobs cannot be had.
            TopicMissing, PartitionMissing, TopicRefused, AccessDenied: nothing of this topic can be resent.
            SelectionEmpty, SelectionTooLarge, ExpressionRefused: the selection is not as it may be.
            ClusterUnavailable, DeadlineExceeded: not now; there is no job.
            OutcomeUnknown: the job may or may not have been accepted.
        """
        store = await self._store()
        plan = await self._planner.plan(wish, store.partitions)
        await self._write(store, plan.job_id, "request", encode_plan(plan))
        return Job(plan.job_id, plan)

    async def get(self, job_id: str) -> Job:
        """Return a job; one that another process has accepted just now as well.

        Raises:
            JobsNotHere: this cluster cannot have any.
            JobMissing: there is none, or no more.
            ClusterAway, DeadlineExceeded: the store could not be read to its end.
        """
        view = self._reading()
        if (found := view.seen.jobs.get(job_id)) is not None:
            return found
        deadline = time.monotonic() + _CATCH_UP_SECONDS
        await self._catch_up(view, job_id, deadline)
        found = view.seen.jobs.get(job_id)
        if found is None:
            raise JobMissing(job_id)
        return found

    def known(self) -> list[Job]:
        """Return all jobs that are known, the newest first.

        Raises:
            JobsNotHere: this cluster cannot have any.
        """
        jobs = self._reading().seen.jobs.values()
        return sorted(jobs, key=lambda job: (-_made_at_ms(job.plan), job.job_id))

    async def cancel(self, job_id: str) -> Job:
        """Have a job end; one that has ended already stays as it is.

        Raises:
            JobMissing, JobsNotHere, ClusterAway, DeadlineExceeded: as get.
            OutcomeUnknown: it may or may not end.
        """
        job = await self.get(job_id)
        if not job.over and not job.cancel_asked:
            await self._write(await self._store(), job_id, "cancel", b"true")
        return job

    async def pause(self, job_id: str, *, paused: bool) -> Job:
        """Have a job wait, or go on.

        Raises:
            JobOver: it has ended.
            JobMissing, JobsNotHere, ClusterAway, DeadlineExceeded: as get.
            OutcomeUnknown: it may or may not.
        """
        job = await self.get(job_id)
        if job.over:
            raise JobOver(job_id, job.state)
        await self._write(await self._store(), job_id, "pause", b"true" if paused else b"false")
        return job

    async def close(self) -> None:
        """End the thread."""
        if self._view is not None:
            self._view.stop()
            await asyncio.to_thread(self._view.join)

    def _reading(self) -> _View:
        if self._view is None:
            raise JobsNotHere
        return self._view

    async def _store(self) -> Store:
        view = self._reading()
        if self._admin is None:
            raise JobsNotHere
        if (store := view.seen.store) is not None:
            return store
        try:
            store = await asyncio.to_thread(ensure_store, self._admin, self._config)
        except StoreError as error:
            raise StoreUnusable(str(error)) from None
        except KafkaException as exception:
            raise ClusterAway(f"{cause(exception).name()}: {cause(exception).str()}") from exception
        view.look()
        return store

    async def _catch_up(self, view: _View, job_id: str, deadline: float) -> None:
        try:
            partition = partition_of(job_id)
        except ValueError:
            raise JobMissing(job_id) from None
        store = view.seen.store
        if store is None and self._admin is not None:
            store = await asyncio.to_thread(find_store, self._admin, self._config.jobs.topic)
            view.look()
        if store is None or partition >= store.partitions:
            raise JobMissing(job_id)
        end = (await self._offsets.ends([(store.topic, partition)], committed=False))[store.topic, partition]
        if isinstance(end, KafkaException):
            raise ClusterAway(f"{cause(end).name()}: {cause(end).str()}")
        while view.seen.next_offsets.get(partition, 0) < end:
            if time.monotonic() > deadline:
                raise DeadlineExceeded("the jobs")
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def _write(self, store: Store, job_id: str, kind: str, value: bytes) -> None:
        place = Position(store.topic, partition_of(job_id), 0)
        record = Copy(place, f"{job_id}/{kind}".encode(), value, (), None)
        await self._writer.write(record, time.monotonic() + self._config.limits.deadline_seconds, MAX_MESSAGE_BYTES)


def _made_at_ms(plan: Plan | None) -> int:
    return 0 if plan is None else plan.made_at_ms
