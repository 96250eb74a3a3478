"""Threads that read many records, each with a Consumer of its own that joins no group and commits nothing.

They have nothing in common with the readers of single records: a long scan holds up no resend.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaException

from kafka.client.clients import IDLE_POLL_SECONDS, ErrorLog, LibraryLog, callbacks
from kafka.client.config import ClusterConfig
from kafka.client.properties import scanner_properties
from kafka.metadata.topic import Topic
from kafka.model.errors import ResendError
from kafka.model.translation import cause, from_lookup

_LOOKUP_SECONDS = 1.0
_IDLE_SECONDS = 120.0


class Abandoned(Exception):
    """Nobody waits for the outcome any more."""


_Outcome = TypeVar("_Outcome")
Work = Callable[[Consumer], _Outcome]
"""What a thread does with its Consumer, which has nothing assigned before or after."""


@dataclass(frozen=True, slots=True)
class _Job:
    """Work on a topic.

    Attributes:
        topic: what the Consumer has to know.
        work: returns the result, or raises.
        settle: takes the result, or the exception and None.
    """

    topic: Topic
    work: Work[Any]
    settle: Callable[[Any, Exception | None], None]


class Scanners:
    """Scans, from an event loop. Threads are started as they are needed, and their Consumers kept for a while.

    The caller keeps the number of scans within the limit.

    Args:
        config: the cluster.
    """

    def __init__(self, config: ClusterConfig) -> None:
        self._config = config
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads: list[_ScanThread] = []
        self._under_way = 0

    async def run(self, topic: Topic, work: Work[_Outcome], abandoned: Event) -> _Outcome:
        """Have a thread do something with its Consumer, and return the result.

        Args:
            topic: what the work is about.
            work: the work.
            abandoned: is set when no request waits for the result any more.

        Raises:
            ResendError, Abandoned: what the work has raised.
        """
        future: asyncio.Future[_Outcome] = self._loop.create_future()

        def settle(outcome: _Outcome, error: Exception | None) -> None:
            self._loop.call_soon_threadsafe(_deliver, future, outcome, error)

        self._under_way += 1
        if self._under_way > len(self._threads):
            thread = _ScanThread(f"{self._config.name} scanner {len(self._threads)}", self._config, self._jobs)
            self._threads.append(thread)
            thread.start()
        self._jobs.put(_Job(topic, work, settle))
        try:
            return await future
        except asyncio.CancelledError:
            abandoned.set()
            raise
        finally:
            self._under_way -= 1

    async def close(self) -> None:
        """End the threads; no scan is under way any more."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)


def _deliver(future: asyncio.Future[_Outcome], outcome: _Outcome, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(outcome)
    else:
        future.set_exception(error)


class _ScanThread(Thread):
    """One Consumer, which only this thread calls."""

    def __init__(self, name: str, config: ClusterConfig, jobs: SimpleQueue[_Job | None]) -> None:
        super().__init__(name=name, daemon=True)
        self._config = config
        self._jobs = jobs
        self._errors = ErrorLog(name)
        self._consumer: Consumer | None = None
        self._known_topics: dict[str, Topic] = {}
        self._last_used = 0.0

    def run(self) -> None:
        """Scan until told to end."""
        while True:
            try:
                job = self._jobs.get(timeout=IDLE_POLL_SECONDS)
            except Empty:
                self._idle()
                continue
            if job is None:
                self._drop()
                return
            job.settle(*self._outcome(job))

    def _outcome(self, job: _Job) -> tuple[Any, Exception | None]:
        try:
            return job.work(self._ready(job.topic)), None
        except (ResendError, Abandoned) as error:
            return None, error
        except KafkaException as exception:
            self._drop()
            return None, from_lookup(cause(exception), job.topic.name, "Read")
        except Exception as error:  # noqa: BLE001 the thread's edge: the one that waits gets the error, and logs it
            self._drop()
            return None, error
        finally:
            self._last_used = time.monotonic()
            if self._errors.fatal is not None:
                self._drop()

    def _ready(self, topic: Topic) -> Consumer:
        """Return the Consumer, which knows the topic as it is now: else its first assignment takes up to a second."""
        if self._consumer is None:
            self._errors.fatal = None
            self._consumer = Consumer(
                {**callbacks(self._config, self.name, self._errors), **scanner_properties(self._config)},
                logger=LibraryLog(self.name),
            )
        known = self._known_topics.get(topic.name)
        if known is None or (known.topic_id, known.partitions) != (topic.topic_id, topic.partitions):
            self._consumer.list_topics(topic.name, timeout=_LOOKUP_SECONDS)
            self._known_topics[topic.name] = topic
        return self._consumer

    def _idle(self) -> None:
        if self._consumer is None:
            return
        # What an idle client reports of its connections would else pile up.
        self._consumer.poll(0)
        if time.monotonic() - self._last_used > _IDLE_SECONDS:
            self._drop()

    def _drop(self) -> None:
        self._known_topics.clear()
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None
