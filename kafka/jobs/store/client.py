"""The store as a process sees that runs no jobs: it reads all of it, and writes what clients ask for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException

from kafka.client.config import MAX_MESSAGE_BYTES, ClusterConfig
from kafka.jobs.errors import JobMissing, JobOutcomeUnknown, NoWorker, StoreUnusable
from kafka.jobs.plan import partition_of
from kafka.jobs.store.tail import ReadDenied
from kafka.jobs.store.topic import Store, StoreError, ensure_store, find_store
from kafka.jobs.store.view import StoreSnapshot, View
from kafka.metadata.kafka_metadata import KafkaMetadata
from kafka.metadata.protocol import of_topic
from kafka.model.copies import ProducerRecord
from kafka.model.errors import DeadlineExceeded, NothingWritten, ResendError
from kafka.model.translation import REFUSED_RECORD, WRITE_DENIED, cause, from_lookup
from kafka.resend.writer import Writer

CATCH_UP_SECONDS = 10.0
"""How long a request waits for the store to be read to its end."""
_LOOK_AGAIN_SECONDS = 0.01
_WORKERS_START_SECONDS = 10.0
"""How long a worker may take that waited for the store to be made: it looks every second, and joins its group."""
_WORKERS_RETURN_SECONDS = 10.0
"""How long a worker may take that was there a short while ago: to join its group again took 8 s (measured)."""
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True, repr=False)
class _StoreRecord(ProducerRecord):
    """A record of a job, or of a resend with an Idempotency-Key, that is to be written."""

    job_id: str = field(kw_only=True)

    def failure(self, error: KafkaError, client_limit_bytes: int | None = None) -> ResendError:
        """Return the error that names the job, or the topic that does not take it."""
        del client_limit_bytes
        if error.code() in REFUSED_RECORD:
            return StoreUnusable(f"topic {self.topic!r} refuses a record of {self.size_bytes} bytes: {error.name()}")
        if error.code() in WRITE_DENIED:
            return from_lookup(error, self.topic, "Write")
        return JobOutcomeUnknown(self.job_id, error.name())


class StoreClient:
    """Reads and writes the store. Belongs to the event loop that made it.

    Args:
        config: the cluster.
        metadata: what the cluster knows, asked with a client that others may use, too.
        writer: writes to the store as to any other topic.
    """

    def __init__(self, config: ClusterConfig, metadata: KafkaMetadata, writer: Writer) -> None:
        self._config = config
        self._metadata = metadata
        self._writer = writer
        self._store: Store | None = None
        self._made_store_at = float("-inf")
        self._view = View(config, metadata)
        self._view.start()

    @property
    def snapshot(self) -> StoreSnapshot | None:
        """What was read so far; None until all is read that was there in the beginning."""
        return self._view.seen

    async def first_snapshot(self) -> StoreSnapshot:
        """Wait until the store was read as it was when the process began.

        Raises:
            AccessDenied, ClusterUnavailable, DeadlineExceeded: it could not be read.
        """
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while (seen := self._view.seen) is None:
            if self._view.problem is not None or time.monotonic() > deadline:
                raise self._unread()
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        return seen

    async def until(self, found: Callable[[StoreSnapshot], _Found | None], deadline: float) -> _Found | None:
        """Return what is found in the store, once it is there; None if it is not by the deadline; see View.until."""
        return await self._view.until(found, deadline)

    async def usable(self) -> Store:
        """Return the store, made if need be; whether it is fit is asked once.

        Raises:
            StoreUnusable, AccessDenied, ClusterUnavailable: it cannot be used.
        """
        seen = self._view.seen
        gone = seen is not None and seen.store is None
        if self._store is None or gone:
            try:
                self._store = await asyncio.to_thread(ensure_store, self._metadata.admin, self._config)
            except StoreError as error:
                raise StoreUnusable(str(error)) from None
            except KafkaException as exception:
                raise from_lookup(cause(exception), self._config.jobs.topic, "DescribeConfigs") from exception
            if gone:
                self._made_store_at = time.monotonic()
            self._view.look()
        return self._store

    async def usable_snapshot(self, deadline: float) -> tuple[Store, StoreSnapshot]:
        """Return the store, made if need be, and what it had when the process began.

        Raises:
            StoreUnusable, AccessDenied, ClusterUnavailable, DeadlineExceeded: it cannot be used.
        """
        store = await self.usable()
        seen: StoreSnapshot | None = await self.first_snapshot()
        if seen is not None and seen.store is None:
            seen = await self._view.until(lambda seen: None if seen.store is None else seen, deadline)
        if seen is None:
            raise self._unread()
        return store, seen

    async def catch_up(self, job_id: str, deadline: float) -> StoreSnapshot | None:
        """Have the partition that keeps a job read up to where it ends now, and return what was read.

        Raises:
            JobMissing: no partition of the store can have it.
            AccessDenied, ClusterUnavailable, DeadlineExceeded: it could not be read.
        """
        try:
            partition = partition_of(job_id)
        except ValueError:
            raise JobMissing(job_id) from None
        topic = self._config.jobs.topic
        seen = self._view.seen
        if seen is None or seen.store is None:
            # Another process may have made the store since this one looked.
            store = await asyncio.to_thread(self._find)
            self._view.look()
        else:
            store = seen.store
        if store is None or partition >= store.partitions:
            raise JobMissing(job_id)
        answers = await self._metadata.ends([(topic, partition)], committed=False)
        end = of_topic(topic, answers)[partition]
        if await self._view.until(lambda seen: seen.next_offsets.get(partition, 0) >= end or None, deadline) is None:
            raise self._unread()
        return self._view.seen

    async def require_worker(self, partition: int) -> None:
        """Return if a worker owns this partition of the store.

        One is waited for where the store was created just now, and where there was one a short while ago: after an
        outage of a broker the workers join their group again.

        Raises:
            NoWorker: none does.
        """
        deadline = self._made_store_at + _WORKERS_START_SECONDS
        seen = await self.first_snapshot()
        if seen.liveness.expected(partition):
            deadline = time.monotonic() + _WORKERS_RETURN_SECONDS
        if await self._view.until(lambda seen: seen.liveness.alive(partition) or None, deadline) is None:
            raise NoWorker(self._config.jobs.group, (self._view.seen or seen).liveness.problem(partition))

    async def write(self, job_id: str, kind: str, value: bytes, deadline: float) -> int | None:
        """Write a record, and return its offset, if it is told.

        Args:
            job_id: of the job or the resend whose record it is.
            kind: of the record.
            value: what it says.
            deadline: point of time.monotonic().

        Raises:
            JobOutcomeUnknown: it may or may not have been written.
            StoreUnusable, NothingWritten: it was not.
        """
        topic, key = self._config.jobs.topic, f"{job_id}/{kind}".encode()
        record = _StoreRecord(topic, partition_of(job_id), key, value, job_id=job_id)
        return (await self._writer.write(record, deadline, MAX_MESSAGE_BYTES)).offset

    async def close(self) -> None:
        """End the thread that reads."""
        self._view.stop()
        await asyncio.to_thread(self._view.join)

    def _unread(self) -> NothingWritten:
        """Return why the store was not read in time."""
        problem = self._view.problem
        if problem is None:
            return DeadlineExceeded("the jobs")
        operation = "Read" if isinstance(problem, ReadDenied) else "Describe"
        return from_lookup(cause(problem), self._config.jobs.topic, operation)

    def _find(self) -> Store | None:
        topic = self._config.jobs.topic
        try:
            return find_store(self._metadata.admin, topic)
        except KafkaException as exception:
            raise from_lookup(cause(exception), topic, "Describe") from exception
