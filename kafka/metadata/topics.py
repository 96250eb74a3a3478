"""What is known of topics, kept for a few seconds."""

from __future__ import annotations

import asyncio
import time

from kafka.metadata.protocol import Metadata
from kafka.metadata.topic import Topic
from kafka.model.errors import AccessDenied, DeadlineExceeded, TopicMissing

_FRESH_SECONDS = 2.0
_USABLE_SECONDS = 10.0
_KEPT_TOPICS = 10_000


class Topics:
    """The facts of topics, each kept for a few seconds.

    Facts up to 2 s old are used as they are. Up to 10 s old they are still used while a refresh continues beside the
    request; older ones are asked for again before the request continues. A change of a topic's configuration, and a
    topic deleted and created again, is therefore noticed within seconds, at no cost on the way of a request.
    """

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata
        self._known: dict[str, tuple[float, Topic]] = {}
        self._pending: dict[str, asyncio.Task[Topic]] = {}

    async def describe(self, name: str, deadline: float) -> Topic:
        """Return the facts of a topic.

        Args:
            name: the topic.
            deadline: point of time.monotonic() after which to give up.

        Raises:
            TopicMissing, AccessDenied, ClusterAway: as Metadata.topic.
            DeadlineExceeded: the cluster did not answer in time.
        """
        now = time.monotonic()
        known = self._known.get(name)
        if known is not None and now - known[0] < _FRESH_SECONDS:
            return known[1]
        task = self._refresh(name)
        if known is not None and now - known[0] < _USABLE_SECONDS:
            return known[1]
        return await self._outcome(name, task, deadline)

    async def refresh(self, name: str, deadline: float) -> Topic:
        """Return the facts of a topic as they are now.

        Args:
            name: the topic.
            deadline: point of time.monotonic() after which to give up.

        Raises:
            TopicMissing, AccessDenied, ClusterAway, DeadlineExceeded: as describe.
        """
        return await self._outcome(name, self._refresh(name), deadline)

    async def _outcome(self, name: str, task: asyncio.Task[Topic], deadline: float) -> Topic:
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await asyncio.shield(task)
        except TimeoutError:
            raise DeadlineExceeded(f"the description of topic {name!r}") from None

    async def summary(self, name: str) -> Topic:
        """Return what a topic is called and how many partitions it has, where its configuration may not be read.

        Raises:
            TopicMissing, AccessDenied, ClusterAway: as Metadata.summary.
        """
        return await self._metadata.summary(name)

    def _refresh(self, name: str) -> asyncio.Task[Topic]:
        task = self._pending.get(name)
        if task is None:
            task = asyncio.create_task(self._metadata.topic(name), name=f"describe {name}")
            self._pending[name] = task
            task.add_done_callback(lambda done: self._settle(name, done))
        return task

    def _settle(self, name: str, done: asyncio.Task[Topic]) -> None:
        del self._pending[name]
        if done.cancelled():
            return
        error = done.exception()
        if error is None:
            self._known[name] = (time.monotonic(), done.result())
            if len(self._known) > 2 * _KEPT_TOPICS:
                self._forget_oldest()
        elif isinstance(error, TopicMissing | AccessDenied):
            # Facts of a topic that is gone, or hidden now, must not be used any longer.
            self._known.pop(name, None)

    def _forget_oldest(self) -> None:
        by_age = sorted(self._known, key=lambda name: self._known[name][0])
        for name in by_age[:_KEPT_TOPICS]:
            del self._known[name]

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._pending.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
