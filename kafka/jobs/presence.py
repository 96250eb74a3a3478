"""Whether there are workers, who carry out what is asked for with an Idempotency-Key."""

from __future__ import annotations

import asyncio
import time

from confluent_kafka import KafkaError, KafkaException

from kafka.admin import Admin
from kafka.errors import AccessDenied, ClusterAway, cause
from kafka.jobs.errors import NoWorker

_FRESH_SECONDS = 1.0
_USABLE_SECONDS = 5.0
_LOOKUP_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.2
_NOBODY = frozenset({KafkaError.GROUP_ID_NOT_FOUND, KafkaError._UNKNOWN_GROUP})


class Presence:
    """Asks whether the workers' group has members, at most once a second; a worker that was killed stays one for 6 s.

    Args:
        admin: a client that others may use, too.
        group: the workers' consumer group.
    """

    def __init__(self, admin: Admin, group: str) -> None:
        self._admin = admin
        self._group = group
        self._seen_at = float("-inf")
        self._asking: asyncio.Task[bool] | None = None

    async def require(self, patience_seconds: float) -> None:
        """Return if there is a worker.

        Args:
            patience_seconds: how long to wait for one that is to come.

        Raises:
            NoWorker: there is none.
            AccessDenied, ClusterAway: it cannot be told.
        """
        age = time.monotonic() - self._seen_at
        if age < _FRESH_SECONDS:
            return
        asking = self._ask()
        if age < _USABLE_SECONDS:
            return
        deadline = time.monotonic() + patience_seconds
        while True:
            error: NoWorker | ClusterAway = NoWorker(self._group)
            try:
                if await asyncio.shield(asking):
                    return
            except ClusterAway as found:
                # The first group of a cluster has no coordinator for some seconds.
                error = found
            if time.monotonic() >= deadline:
                raise error
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            asking = self._ask()

    async def close(self) -> None:
        """End what is under way."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    def _ask(self) -> asyncio.Task[bool]:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._look(), name="look for workers")
            # Where nobody waits for it, the next request asks again.
            self._asking.add_done_callback(lambda done: done.cancelled() or done.exception())
        return self._asking

    async def _look(self) -> bool:
        asked = self._admin.describe_consumer_groups([self._group], request_timeout=_LOOKUP_SECONDS)
        try:
            found = await self._admin.answer(asked[self._group])
        except KafkaException as exception:
            error = cause(exception)
            if error.code() in _NOBODY:
                self._seen_at = float("-inf")
                return False
            if error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
                raise AccessDenied("Describe", f"group {self._group!r}") from exception
            raise ClusterAway(error.name()) from exception
        self._seen_at = time.monotonic() if found.members else float("-inf")
        return bool(found.members)
