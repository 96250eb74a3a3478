"""Reads single records, of resends with an Idempotency-Key and of jobs, for all partitions of the store of a worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock, Thread

from kafka.client.config import ClusterConfig, Limits
from kafka.jobs.idempotency.requests import IdempotentResend
from kafka.jobs.worker.rules import Rules
from kafka.metadata.lookup import AdminLookup
from kafka.metadata.topics import Topics
from kafka.model.errors import ClusterAway, DeadlineExceeded, InstanceReadOnly, NothingWritten, TopicReplaced
from kafka.model.records import Position, Record
from kafka.resend.reader import Reader
from kafka.resend.service import Prepared, Preparer

_START_SECONDS = 30.0
_JOB_READING_SECONDS = 60.0
"""How long a job waits for one of its positions: no request waits, and what was read with it would be read again."""
_QUEUE = 10_000


class CopyPreparer:
    """A thread with an event loop, which prepares copies in the same way as the service does; started when needed.

    Args:
        config: the cluster.
        rules: what operators allow.

    Attributes:
        rules: what operators allow.
        unanswered: how many times in a row no answer came; its clients may be to blame.
    """

    def __init__(self, config: ClusterConfig, rules: Rules) -> None:
        limits = replace(config.limits, readers=1, max_queued_requests=_QUEUE)
        self._config = replace(config, limits=limits)
        self.rules = rules
        self.unanswered = 0
        self._lock = Lock()
        self._thread: Thread | None = None
        self._ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    def submit(self, asked: IdempotentResend) -> Future[Prepared]:
        """Have a copy prepared, from any thread.

        The result, or the exception, is what Preparer.prepare returns or raises; also TopicReplaced.
        """
        return asyncio.run_coroutine_threadsafe(self._prepare(asked), self._running())

    def read(self, position: Position, topic_id: str) -> Future[Record]:
        """Have a record read, from any thread.

        The result, or the exception, is what Reader.read returns or raises; also TopicReplaced.
        """
        return asyncio.run_coroutine_threadsafe(self._read(position, topic_id), self._running())

    def close(self) -> None:
        """End the thread, if there is one; nothing may be under way."""
        if self._thread is not None:
            loop, stopped = self._ready.result(_START_SECONDS)
            loop.call_soon_threadsafe(stopped.set)
            self._thread.join()

    def _running(self) -> asyncio.AbstractEventLoop:
        """Return the event loop, started if need be."""
        with self._lock:
            if self._thread is None:
                name = f"{self._config.name} jobs reading"
                self._thread = Thread(target=lambda: asyncio.run(self._serve()), name=name, daemon=True)
                self._thread.start()
        return self._ready.result(_START_SECONDS)[0]

    async def _serve(self) -> None:
        stopped = asyncio.Event()
        try:
            lookup = AdminLookup(self._config)
            topics = Topics(lookup)
            reader = Reader(self._config)
        except BaseException as error:
            self._ready.set_exception(error)
            raise
        self._topics, self._reader = topics, reader
        self._preparers = {name: Preparer(policy, topics, reader) for name, policy in self.rules.policies.items()}
        self._ready.set_result((asyncio.get_running_loop(), stopped))
        await stopped.wait()
        await topics.close()
        await reader.close()
        lookup.close()

    async def _read(self, position: Position, topic_id: str) -> Record:
        deadline = time.monotonic() + _JOB_READING_SECONDS
        with self._counting():
            topic = await self._topics.describe(position.topic, deadline)
            if topic.topic_id != topic_id:
                raise TopicReplaced(position.topic)
            return await self._reader.read(position, topic, deadline)

    async def _prepare(self, asked: IdempotentResend) -> Prepared:
        if self.rules.policies[asked.instance].read_only:
            raise InstanceReadOnly
        deadline = time.monotonic() + _reading_seconds(self._config.limits)
        with self._counting():
            prepared = await self._preparers[asked.instance].prepare(asked.position, asked.consumer_key, deadline)
        if prepared.topic.topic_id != asked.topic_id:
            raise TopicReplaced(asked.position.topic)
        return prepared

    @contextmanager
    def _counting(self) -> Iterator[None]:
        try:
            yield
        except (ClusterAway, DeadlineExceeded):
            self.unanswered += 1
            raise
        except NothingWritten:
            self.unanswered = 0
            raise
        self.unanswered = 0


def _reading_seconds(limits: Limits) -> float:
    """Return how long a record may be waited for, such as for a transaction to end: as long as without a key."""
    return limits.deadline_seconds - limits.delivery_timeout_seconds
