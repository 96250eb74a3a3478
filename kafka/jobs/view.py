"""What a process that runs no jobs sees of them: a thread that reads the whole store, and goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event, Lock, Thread

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from kafka.clients import log
from kafka.config import ClusterConfig
from kafka.errors import cause
from kafka.jobs.progress import Job
from kafka.jobs.store import Store, StoreTail, find_store
from kafka.offsets import AdminOffsets

_READ_SECONDS = 0.2
_LOOK_FOR_STORE_SECONDS = 10.0
_TRY_AGAIN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the view has read so far; without a store there are no jobs."""

    store: Store | None
    jobs: Mapping[str, Job]
    next_offsets: Mapping[int, int]


class View(Thread):
    """A thread that reads the store from its beginning and goes on; looks for the store until there is one.

    Args:
        config: the cluster.
        admin: a client of it.

    Attributes:
        admin: the client, which others may use, too.
    """

    def __init__(self, config: ClusterConfig, admin: AdminClient) -> None:
        super().__init__(name=f"{config.name} jobs view", daemon=True)
        self._config = config
        self.admin = admin
        self._stopped = Event()
        self._wake = Event()
        self._lock = Lock()
        self._seen: Seen | None = None
        self._trouble: KafkaException | None = None

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
            except Exception:  # noqa: BLE001 the thread's edge
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
            while not self._stopped.is_set():
                complete = complete or all(tail.next_offsets[partition] >= end for partition, end in ends.items())
                if complete:
                    self._show(Seen(store, dict(tail.jobs), dict(tail.next_offsets)))
                tail.read(_READ_SECONDS)
        finally:
            tail.close()

    def _show(self, seen: Seen) -> None:
        with self._lock:
            self._seen, self._trouble = seen, None
