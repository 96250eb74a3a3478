"""What a process that runs no jobs sees of them: a thread that reads the whole store, and continues."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import TypeVar

from confluent_kafka import KafkaException

from kafka.client.clients import log
from kafka.client.config import ClusterConfig
from kafka.jobs.idempotency.requests import IdempotencyTable
from kafka.jobs.job import Job
from kafka.jobs.store.tail import StoreTail
from kafka.jobs.store.topic import Store, find_store
from kafka.jobs.worker.liveness import Liveness
from kafka.metadata.kafka_metadata import KafkaMetadata
from kafka.model.translation import cause

_READ_SECONDS = 0.2
_SILENCE_SECONDS = 10.0
"""After so long without a record it is asked whether there are any; owners of partitions write every few seconds."""
_LATE_SECONDS = 5.0
_LOOK_FOR_STORE_SECONDS = 10.0
_TRY_AGAIN_SECONDS = 2.0
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class StoreSnapshot:
    """What the view has read so far; without a store there are no jobs.

    Attributes:
        store: None while there is none.
        jobs: by id.
        next_offsets: per partition of the store, up to where it was read.
        idempotent: single resends with an Idempotency-Key; it may be further already.
        liveness: which partitions of the store have an owner that works.
    """

    store: Store | None
    jobs: Mapping[str, Job]
    next_offsets: Mapping[int, int]
    idempotent: IdempotencyTable = field(default_factory=IdempotencyTable)
    liveness: Liveness = field(default_factory=Liveness)


class View(Thread):
    """A thread that reads the store from its beginning and continues; looks for the store until there is one.

    Belongs to the event loop that made it.

    Args:
        config: the cluster.
        metadata: what the cluster knows, asked with a client that others may use, too.
    """

    def __init__(self, config: ClusterConfig, metadata: KafkaMetadata) -> None:
        super().__init__(name=f"{config.name} jobs view", daemon=True)
        self._config = config
        self._metadata = metadata
        self._stopped = Event()
        self._wake = Event()
        self._lock = Lock()
        self._seen: StoreSnapshot | None = None
        self._trouble: KafkaException | None = None
        self._loop = asyncio.get_running_loop()
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def seen(self) -> StoreSnapshot | None:
        """What was read so far, a snapshot; None until all is read that was there in the beginning."""
        with self._lock:
            return self._seen

    @property
    def problem(self) -> KafkaException | None:
        """Why nothing can be read at the moment."""
        with self._lock:
            return self._trouble

    async def until(self, found: Callable[[StoreSnapshot], _Found | None], deadline: float) -> _Found | None:
        """Return what is found in what was read, once it is there; None if it is not before the deadline.

        Args:
            found: is asked again whenever something more was read.
            deadline: point of time.monotonic().
        """
        while True:
            # First the place in the line: what is read after that wakes us.
            changed: asyncio.Future[None] = self._loop.create_future()
            with self._lock:
                self._waiting.append(changed)
                seen = self._seen
            if seen is not None and (result := found(seen)) is not None:
                return result
            if not (await asyncio.wait([changed], timeout=max(0.0, deadline - time.monotonic())))[0]:
                return None

    def look(self) -> None:
        """Look for the store now: it has just been made."""
        self._wake.set()

    def stop(self) -> None:
        """Let the thread end."""
        self._stopped.set()
        # Of a cluster that is away it would wait for an answer.
        self._metadata.admin.stopped.set()
        self._wake.set()

    def run(self) -> None:
        """Read until stopped."""
        told: str | None = None
        while not self._stopped.is_set():
            wait_seconds = _TRY_AGAIN_SECONDS
            try:
                self._look()
                told, wait_seconds = None, _LOOK_FOR_STORE_SECONDS
            except KafkaException as exception:
                with self._lock:
                    self._trouble = exception
                if self._stopped.is_set():
                    return
                if (reason := cause(exception).str()) != told:
                    # Who runs no jobs is not to be told of theirs; a request for one is answered with the reason.
                    level = logging.WARNING if self._config.jobs.worker else logging.DEBUG
                    log.log(level, "%s: %s", self.name, reason)
                told = reason
            except Exception:  # noqa: BLE001 the thread's edge: without it old jobs would be told forever
                log.exception("%s: beginning again", self.name)
            self._wake.wait(wait_seconds)
            self._wake.clear()

    def _look(self) -> None:
        store = find_store(self._metadata.admin, self._config.jobs.topic)
        if store is None:
            self._show(StoreSnapshot(None, {}, {}))
            return
        self._follow(store, self._ends(store))

    def _ends(self, store: Store) -> dict[int, int]:
        """Return where the partitions of the store end now, as consumers of committed records see it."""
        asked = [(store.topic, partition) for partition in range(store.partitions)]
        answers = asyncio.run_coroutine_threadsafe(self._metadata.ends(asked, committed=True), self._loop).result()
        ends: dict[int, int] = {}
        for (_, partition), answer in answers.items():
            if isinstance(answer, KafkaException):
                raise answer
            ends[partition] = answer
        return ends

    def _follow(self, store: Store, ends: Mapping[int, int]) -> None:
        """Read on and on, and show what was read once nothing of what was there before is missing."""
        tail = StoreTail(self._config, self.name, range(store.partitions))
        complete = False
        silence = _Silence()
        try:
            jobs: Mapping[str, Job] | None = None
            while not self._stopped.is_set():
                changed = tail.read(_READ_SECONDS)
                if silence.is_suspicious(tail.next_offsets, lambda: self._ends(store)):
                    log.warning("%s: beginning again: its client reads nothing of what is there", self.name)
                    self._wake.set()
                    return
                # An empty partition has to answer as well: to read may be denied, which must not look like no jobs.
                complete = tail.caught_up = complete or all(
                    partition in tail.answered and tail.next_offsets[partition] >= end
                    for partition, end in ends.items()
                )
                if complete:
                    if jobs is None or changed:
                        # Not for each resend with a key: there may be thousands of jobs.
                        jobs = dict(tail.jobs)
                    self._show(StoreSnapshot(store, jobs, dict(tail.next_offsets), tail.idempotent, tail.liveness))
        finally:
            tail.close()

    def _show(self, seen: StoreSnapshot) -> None:
        with self._lock:
            self._seen, self._trouble = seen, None
            waiting, self._waiting = self._waiting, []
        if waiting:
            self._loop.call_soon_threadsafe(_wake, waiting)


class _Silence:
    """Tells a reader to which nothing comes from one for which there is nothing.

    A Consumer that has lived through an outage may stay without a connection, without an error; see kafka.cluster.
    """

    def __init__(self) -> None:
        self._read: dict[int, int] = {}
        self._ends: Mapping[int, int] | None = None
        self._since = time.monotonic()

    def is_suspicious(self, read: Mapping[int, int], ends: Callable[[], Mapping[int, int]]) -> bool:
        """Whether something that was there some seconds ago was not read yet.

        Args:
            read: per partition, up to where it was read.
            ends: asks another client where the partitions end.
        """
        now = time.monotonic()
        if read != self._read:
            self._read, self._ends, self._since = dict(read), None, now
        elif self._ends is None and now - self._since >= _SILENCE_SECONDS:
            self._ends, self._since = ends(), now
        elif self._ends is not None and now - self._since >= _LATE_SECONDS:
            late = any(read.get(partition, 0) < end for partition, end in self._ends.items())
            self._ends, self._since = None, now
            return late
        return False


def _wake(waiting: list[asyncio.Future[None]]) -> None:
    for changed in waiting:
        if not changed.done():
            changed.set_result(None)
