"""What a process that runs no jobs sees of them: a thread that reads the whole store, and goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import TypeVar

from confluent_kafka import KafkaException

from kafka.admin import Admin
from kafka.clients import log
from kafka.config import ClusterConfig
from kafka.errors import cause
from kafka.jobs.keyed import KeyedTable
from kafka.jobs.progress import Job
from kafka.jobs.store import Store, StoreTail, find_store
from kafka.offsets import AdminOffsets

_READ_SECONDS = 0.2
_LOOK_FOR_STORE_SECONDS = 10.0
_TRY_AGAIN_SECONDS = 2.0
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the view has read so far; without a store there are no jobs.

    Attributes:
        store: None while there is none.
        jobs: by id.
        next_offsets: per partition of the store, up to where it was read.
        keyed: single resends with an Idempotency-Key; it may be further already.
    """

    store: Store | None
    jobs: Mapping[str, Job]
    next_offsets: Mapping[int, int]
    keyed: KeyedTable = field(default_factory=KeyedTable)


class View(Thread):
    """A thread that reads the store from its beginning and goes on; looks for the store until there is one.

    Belongs to the event loop that made it.

    Args:
        config: the cluster.
        admin: a client of it.

    Attributes:
        admin: the client, which others may use, too.
    """

    def __init__(self, config: ClusterConfig, admin: Admin) -> None:
        super().__init__(name=f"{config.name} jobs view", daemon=True)
        self._config = config
        self.admin = admin
        self._stopped = Event()
        self._wake = Event()
        self._lock = Lock()
        self._seen: Seen | None = None
        self._trouble: KafkaException | None = None
        self._loop = asyncio.get_running_loop()
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def seen(self) -> Seen | None:
        """What was read so far, a snapshot; None until all is read that was there in the beginning."""
        with self._lock:
            return self._seen

    @property
    def trouble(self) -> KafkaException | None:
        """Why nothing can be read at the moment."""
        with self._lock:
            return self._trouble

    async def until(self, found: Callable[[Seen], _Found | None], deadline: float) -> _Found | None:
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
                if (reason := cause(exception).str()) != told:
                    log.warning("%s: %s", self.name, reason)
                told = reason
            except Exception:  # noqa: BLE001 the thread's edge: without it old jobs would be told for ever
                log.exception("%s: beginning again", self.name)
            self._wake.wait(wait_seconds)
            self._wake.clear()

    def _look(self) -> None:
        store = find_store(self.admin, self._config.jobs.topic)
        if store is None:
            self._show(Seen(None, {}, {}))
            return
        asked = [(store.topic, partition) for partition in range(store.partitions)]
        answers = asyncio.run(AdminOffsets(self.admin).ends(asked, committed=True))
        ends: dict[int, int] = {}
        for (_, partition), answer in answers.items():
            if isinstance(answer, KafkaException):
                raise answer
            ends[partition] = answer
        self._follow(store, ends)

    def _follow(self, store: Store, ends: Mapping[int, int]) -> None:
        """Read on and on, and show what was read once nothing of what was there before is missing."""
        tail = StoreTail(self._config, self.name, range(store.partitions))
        complete = False
        try:
            jobs: Mapping[str, Job] | None = None
            changed: set[str] = set()
            while not self._stopped.is_set():
                complete = complete or all(tail.next_offsets[partition] >= end for partition, end in ends.items())
                if complete:
                    if jobs is None or changed:
                        # Not for each resend with a key: there may be thousands of jobs.
                        jobs = dict(tail.jobs)
                    self._show(Seen(store, jobs, dict(tail.next_offsets), tail.keyed))
                changed = tail.read(_READ_SECONDS)
        finally:
            tail.close()

    def _show(self, seen: Seen) -> None:
        with self._lock:
            self._seen, self._trouble = seen, None
            waiting, self._waiting = self._waiting, []
        if waiting:
            self._loop.call_soon_threadsafe(_wake, waiting)


def _wake(waiting: list[asyncio.Future[None]]) -> None:
    for changed in waiting:
        if not changed.done():
            changed.set_result(None)
