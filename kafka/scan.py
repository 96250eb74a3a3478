"""Threads that read many records, each with a Consumer of its own that joins no group and commits nothing.

They have nothing in common with the readers of single records: a long scan holds up no resend.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from operator import methodcaller
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Literal, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from kafka.clients import IDLE_POLL_SECONDS, ErrorLog, LibraryLog, log
from kafka.config import ClusterConfig, scanner_properties
from kafka.errors import AccessDenied, DeadlineExceeded, ResendError, cause, from_lookup
from kafka.records import Header, Position, Record, Span, TimestampType
from kafka.streams import Found, Merge, Stream, found_of
from kafka.topics import Topic

_POLL_SECONDS = 0.05
_BATCH = 500
_LOOKUP_SECONDS = 1.0
_IDLE_SECONDS = 120.0

_headers = methodcaller("headers")
"""Message.headers, called so that its failure is seen; see kafka.reader."""

Stop = Literal["limit", "records", "seconds"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to look for.

    Attributes:
        topic: where.
        stages: what to read, one stage after the other; within a stage partitions are merged by time.
        ascending: in the order of offsets and times, or against both.
        times_ms: half-open range that a record's own timestamp lies in; None: any.
        key: what its key is; None: anything. A null key is no b"".
        skip: how many of those found are left out first.
        most: how many are wanted after that.
        preview_bytes: how much of the value to bring along; 0: nothing.
        most_read: how many records may be read.
        deadline: point of time.monotonic() after which to stop.
    """

    topic: Topic
    stages: tuple[tuple[Span, ...], ...]
    ascending: bool
    times_ms: tuple[int, int] | None
    key: bytes | None
    skip: int
    most: int
    preview_bytes: int
    most_read: int
    deadline: float


@dataclass(frozen=True, slots=True)
class Scanned:
    """What came of a plan.

    Attributes:
        found: in the order of the plan.
        skipped: how many were left out.
        rest: the stages that are left; empty when everything was read and given out.
        read: how many records were read.
        stopped_by: what ended it; None when everything was read.
    """

    found: list[Found]
    skipped: int
    rest: tuple[tuple[Span, ...], ...]
    read: int
    stopped_by: Stop | None


class Abandoned(Exception):
    """Nobody waits for the outcome any more."""


@dataclass(frozen=True, slots=True)
class _Job:
    plan: Plan
    abandoned: Event
    settle: Callable[[Scanned | Exception], None]


class Scanners:
    """Scans, from an event loop. Threads are started as they are needed, and their Consumers kept for a while.

    Whoever calls sees to it that no more scans are under way than there may be.

    Args:
        config: the cluster.
    """

    def __init__(self, config: ClusterConfig) -> None:
        self._config = config
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads: list[_ScanThread] = []
        self._under_way = 0

    async def scan(self, plan: Plan, abandoned: Event) -> Scanned:
        """Do what the plan says.

        Args:
            plan: what to look for.
            abandoned: set it to have the scan end soon.

        Raises:
            AccessDenied: Kafka's ACLs forbid reading the topic.
            DeadlineExceeded: not a single record came in time.
            Abandoned: it was set.
        """
        future: asyncio.Future[Scanned] = self._loop.create_future()

        def settle(outcome: Scanned | Exception) -> None:
            self._loop.call_soon_threadsafe(_deliver, future, outcome)

        self._under_way += 1
        if self._under_way > len(self._threads):
            thread = _ScanThread(f"{self._config.name} scanner {len(self._threads)}", self._config, self._jobs)
            self._threads.append(thread)
            thread.start()
        self._jobs.put(_Job(plan, abandoned, settle))
        try:
            return await asyncio.shield(future)
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


def _deliver(future: asyncio.Future[Scanned], outcome: Scanned | Exception) -> None:
    if future.done():
        return
    if isinstance(outcome, Scanned):
        future.set_result(outcome)
    else:
        future.set_exception(outcome)


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
            job.settle(self._outcome(job))

    def _outcome(self, job: _Job) -> Scanned | Exception:
        try:
            return _Scan(self._ready(job.plan.topic), job).run()
        except (ResendError, Abandoned) as error:
            return error
        except KafkaException as exception:
            self._drop()
            return from_lookup(cause(exception), job.plan.topic.name, "Read")
        except Exception as error:  # noqa: BLE001 the thread's edge: whoever waits gets the error, which is logged there
            self._drop()
            return error
        finally:
            self._last_used = time.monotonic()
            if self._errors.fatal is not None:
                self._drop()

    def _ready(self, topic: Topic) -> Consumer:
        """Return the Consumer, which knows the topic as it is now: else its first assignment takes up to a second."""
        if self._consumer is None:
            self._errors.fatal = None
            self._consumer = Consumer(
                {**scanner_properties(self._config), "error_cb": self._errors}, logger=LibraryLog(self.name)
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


class _Scan:
    """One plan, done with one Consumer, which has nothing assigned before or after."""

    def __init__(self, consumer: Consumer, job: _Job) -> None:
        self._consumer = consumer
        self._plan = job.plan
        self._abandoned = job.abandoned
        self._reading: dict[int, tuple[Span, Stream]] = {}
        self._read = 0
        self._moved = False

    def run(self) -> Scanned:
        plan = self._plan
        most = plan.skip + plan.most
        found: list[Found] = []
        stopped_by: Stop | None = None
        rest: tuple[tuple[Span, ...], ...] = ()
        try:
            for number, stage in enumerate(plan.stages):
                merge = Merge(stage, ascending=plan.ascending, most=most - len(found), most_read=plan.most_read)
                stopped_by = self._run_stage(merge, found, most)
                self._release_all()
                if stopped_by is not None:
                    rest = (merge.rest(), *plan.stages[number + 1 :])
                    break
        finally:
            self._release_all()
        if not any(rest):
            rest, stopped_by = (), None
        if not self._moved and stopped_by == "seconds":
            raise DeadlineExceeded(f"records of topic {plan.topic.name!r}")
        skipped = min(plan.skip, len(found))
        return Scanned(found[skipped:], skipped, rest, self._read, stopped_by)

    def _run_stage(self, merge: Merge, found: list[Found], most: int) -> Stop | None:
        """Add to what was found until everything is read, or return what stops it."""
        while True:
            found.extend(merge.give(most - len(found)))
            if len(found) >= most:
                return "limit"
            if merge.exhausted:
                return None
            stopped_by = self._bound()
            if stopped_by is not None:
                # What was found is told now, although some partition might still have something between.
                found.extend(merge.give(most - len(found), anyway=True))
                return stopped_by
            self._assign(merge)
            self._take_events()

    def _bound(self) -> Stop | None:
        if self._abandoned.is_set():
            raise Abandoned
        if self._read >= self._plan.most_read:
            return "records"
        if time.monotonic() >= self._plan.deadline:
            return "seconds"
        return None

    def _assign(self, merge: Merge) -> None:
        assigned = []
        for stream in merge.wanted():
            if stream.partition not in self._reading:
                span = stream.reading()
                self._reading[stream.partition] = (span, stream)
                assigned.append(TopicPartition(self._plan.topic.name, span.partition, span.start))
        if assigned:
            self._consumer.incremental_assign(assigned)

    def _take_events(self) -> None:
        """Wait for the first event, then take a batch of those that are at hand."""
        first = self._consumer.poll(min(_POLL_SECONDS, max(0.0, self._plan.deadline - time.monotonic())))
        if first is None:
            return
        over: list[int] = []
        for message in (first, *self._consumer.consume(_BATCH, 0)):
            if self._read >= self._plan.most_read:
                break
            partition = message.partition()
            if partition is not None and self._take_event(message, partition):
                # What is still at hand of it belongs to an assignment that has ended.
                del self._reading[partition]
                over.append(partition)
        if over:
            self._release(over)

    def _take_event(self, message: Message, partition: int) -> bool:
        """Take a record or an event; return whether the reading of its partition has come to its end."""
        reading, offset = self._reading.get(partition), message.offset()
        if reading is None or offset is None or message.topic() != self._plan.topic.name:
            return False
        span, stream = reading
        error = message.error()
        if error is not None:
            return self._take_error(error, offset, span, stream)
        if offset < span.start:
            return False
        self._moved = True
        if offset >= span.end:
            return stream.pass_to(offset)
        self._read += 1
        return stream.take(offset, self._matched(message, partition, offset))

    def _take_error(self, error: KafkaError, offset: int, span: Span, stream: Stream) -> bool:
        code = error.code()
        if code == KafkaError._PARTITION_EOF:
            # Below the end of what to read: a follower that lags, or a log that was cut. More may come.
            if offset < span.start or not stream.pass_to(offset):
                return False
            self._moved = True
            return True
        if code == KafkaError._AUTO_OFFSET_RESET:
            # The start was deleted since it was asked for.
            asked = TopicPartition(self._plan.topic.name, span.partition)
            log_start_offset, _ = self._consumer.get_watermark_offsets(asked, timeout=_LOOKUP_SECONDS)
            if log_start_offset <= span.start:
                return False
            stream.begin_at(log_start_offset)
            self._moved = True
            return True
        if code == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            raise AccessDenied("Read", f"topic {self._plan.topic.name!r}")
        if error.fatal():
            raise KafkaException(error)
        log.warning("%s: %s", self._plan.topic.name, error.name())
        return False

    def _matched(self, message: Message, partition: int, offset: int) -> Found | None:
        """Return what is told of a record, or None if it is not looked for."""
        timestamp_type, timestamp_ms = message.timestamp()
        times = self._plan.times_ms
        if times is not None and not (timestamp_type and times[0] <= timestamp_ms < times[1]):
            return None
        key = message.key()
        if self._plan.key is not None and key != self._plan.key:
            return None
        position = Position(self._plan.topic.name, partition, offset)
        record = Record(
            position, key, message.value(), _headers_of(message), timestamp_ms, TimestampType(timestamp_type)
        )
        return found_of(record, self._plan.preview_bytes)

    def _release(self, partitions: list[int]) -> None:
        self._consumer.incremental_unassign([TopicPartition(self._plan.topic.name, number) for number in partitions])

    def _release_all(self) -> None:
        if self._reading:
            self._release(list(self._reading))
            self._reading.clear()


def _headers_of(message: Message) -> tuple[Header, ...]:
    """Return the headers; none where a name is not UTF-8, which the library cannot read."""
    try:
        return tuple(cast("list[Header]", _headers(message) or []))
    except SystemError:
        return ()
