"""Reads single records, of resends with an Idempotency-Key and of jobs, for all partitions of the store of a worker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace

from kafka.client.config import ClusterConfig, Limits
from kafka.jobs.idempotency.requests import IdempotentResend
from kafka.jobs.worker.rules import Rules
from kafka.loop_thread import LoopThread
from kafka.metadata.kafka_metadata import KafkaMetadata
from kafka.metadata.topics import Topics
from kafka.model.errors import ClusterAway, DeadlineExceeded, NothingWritten
from kafka.model.records import Position, Record
from kafka.resend.reader import Reader
from kafka.resend.service import Prepared, Preparer

_JOB_READING_SECONDS = 60.0
"""How long a job waits for one of its positions: no request waits, and what was read with it would be read again."""
_QUEUE = 10_000


class CopyPreparer:
    """Prepares copies in the same way as the service does; its clients are made when they are first needed.

    Args:
        config: the cluster.
        rules: what operators allow.

    Attributes:
        rules: what operators allow.
        loop: where it does so; owners of partitions run there what else takes an event loop.
        unanswered: how many times in a row no answer came; its clients may be to blame.
    """

    def __init__(self, config: ClusterConfig, rules: Rules) -> None:
        limits = replace(config.limits, readers=1, max_queued_requests=_QUEUE)
        self._config = replace(config, limits=limits)
        self.rules = rules
        self.unanswered = 0
        self.loop = LoopThread(f"{config.name} jobs reading")
        self._opened: tuple[KafkaMetadata, Topics, Reader] | None = None

    def submit(self, asked: IdempotentResend) -> Future[Prepared]:
        """Have a copy prepared, from any thread.

        The result, or the exception, is what Preparer.prepare returns or raises; also TopicReplaced.
        """
        return self.loop.submit(self._prepare(asked))

    def read(self, position: Position, topic_id: str) -> Future[Record]:
        """Have a record read, from any thread.

        The result, or the exception, is what Reader.read returns or raises; also TopicReplaced.
        """
        return self.loop.submit(self._read(position, topic_id))

    def close(self) -> None:
        """End the clients and the thread, if there are any; nothing may be under way."""
        if self._opened is not None:
            self.loop.submit(self._close(*self._opened)).result()
        self.loop.close()

    def _clients(self) -> tuple[Topics, Reader]:
        if self._opened is None:
            metadata = KafkaMetadata(self._config)
            self._opened = metadata, Topics(metadata), Reader(self._config)
        return self._opened[1:]

    async def _close(self, metadata: KafkaMetadata, topics: Topics, reader: Reader) -> None:
        await topics.close()
        await reader.close()
        metadata.close()

    async def _read(self, position: Position, topic_id: str) -> Record:
        deadline = time.monotonic() + _JOB_READING_SECONDS
        topics, reader = self._clients()
        with self._counting():
            topic = await topics.describe(position.topic, deadline)
            topic.require_id(topic_id)
            return await reader.read(position, topic, deadline)

    async def _prepare(self, asked: IdempotentResend) -> Prepared:
        policy = self.rules.policies[asked.instance]
        policy.require_resends()
        policy.require_recipient(asked.consumer_key)
        deadline = time.monotonic() + _reading_seconds(self._config.limits)
        with self._counting():
            preparer = Preparer(policy, *self._clients())
            prepared = await preparer.prepare(asked.position, asked.consumer_key, deadline)
        prepared.topic.require_id(asked.topic_id)
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
