"""Reads the records of single resends with an Idempotency-Key, for all partitions of the store that a worker owns."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future
from dataclasses import replace
from threading import Lock, Thread

from kafka.config import ClusterConfig, Limits
from kafka.errors import InstanceFrozen
from kafka.jobs.errors import SourceReplaced
from kafka.jobs.keyed import KeyedResend
from kafka.jobs.rules import Rules
from kafka.reader import Reader
from kafka.resend import Prepared, Preparer
from kafka.topics import AdminLookup, Topics

_START_SECONDS = 30.0
_QUEUE = 10_000


class Preparing:
    """A thread with an event loop, which prepares copies in the same way as the service does; started when needed.

    Args:
        config: the cluster.
        rules: what operators allow.

    Attributes:
        rules: likewise.
    """

    def __init__(self, config: ClusterConfig, rules: Rules) -> None:
        limits = replace(config.limits, readers=1, queue=_QUEUE)
        self._config = replace(config, limits=limits)
        self.rules = rules
        self._lock = Lock()
        self._thread: Thread | None = None
        self._ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    def submit(self, asked: KeyedResend) -> Future[Prepared]:
        """Have a copy prepared, from any thread.

        The result, or the exception, is what Preparer.prepare returns or raises; also SourceReplaced.
        """
        with self._lock:
            if self._thread is None:
                name = f"{self._config.name} jobs reading"
                self._thread = Thread(target=lambda: asyncio.run(self._serve()), name=name, daemon=True)
                self._thread.start()
        loop, _ = self._ready.result(_START_SECONDS)
        return asyncio.run_coroutine_threadsafe(self._prepare(asked), loop)

    def close(self) -> None:
        """End the thread, if there is one; nothing may be under way."""
        if self._thread is not None:
            loop, stopped = self._ready.result(_START_SECONDS)
            loop.call_soon_threadsafe(stopped.set)
            self._thread.join()

    async def _serve(self) -> None:
        stopped = asyncio.Event()
        try:
            lookup = AdminLookup(self._config)
            topics = Topics(lookup)
            reader = Reader(self._config)
        except BaseException as error:
            self._ready.set_exception(error)
            raise
        self._preparers = {name: Preparer(policy, topics, reader) for name, policy in self.rules.policies.items()}
        self._ready.set_result((asyncio.get_running_loop(), stopped))
        await stopped.wait()
        await topics.close()
        await reader.close()
        lookup.close()

    async def _prepare(self, asked: KeyedResend) -> Prepared:
        if self.rules.policies[asked.instance].frozen:
            raise InstanceFrozen
        deadline = time.monotonic() + _reading_seconds(self._config.limits)
        prepared = await self._preparers[asked.instance].prepare(asked.position, asked.consumer_key, deadline)
        if prepared.topic.topic_id != asked.topic_id:
            raise SourceReplaced(asked.position.topic)
        return prepared


def _reading_seconds(limits: Limits) -> float:
    """Return how long a record may be waited for, such as for a transaction to end: as long as without a key."""
    return limits.deadline_seconds - limits.delivery_timeout_seconds
