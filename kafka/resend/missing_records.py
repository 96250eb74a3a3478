"""Why a reader found no record at a position: it is gone, not written yet, a hole, held back, or only late."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from queue import Empty, SimpleQueue
from threading import Event, Thread

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from kafka.client.clients import IDLE_POLL_SECONDS, ErrorLog, LibraryLog, callbacks, log
from kafka.client.config import ClusterConfig
from kafka.client.connection import ConnectionErrors
from kafka.client.messages import ConsumerEvent, event_of
from kafka.client.properties import reader_properties
from kafka.model.errors import (
    ClusterAway,
    DeadlineExceeded,
    NoRecordAtOffset,
    OffsetAtEnd,
    OffsetBeyondEnd,
    OffsetExpired,
    PartitionMissing,
    QueueFull,
    ResendError,
    TopicMissing,
    TransactionOpen,
    cause,
    from_lookup,
)
from kafka.model.records import Position
from kafka.resend.read_queue import Partition, Request

_LOOK_AGAIN_SECONDS = 0.05
_QUERY_SECONDS = 1.0
_LEADERS_SECONDS = 0.25
_ROUND_SECONDS = 1.0
_MISSING_SECONDS = 2.0
_RESTART_SECONDS = 0.5


class FetchOutcome(Enum):
    """What a reader saw instead of the record.

    Source of the cases: measured against Apache Kafka 4.1; librdkafka sends nothing at all for an offset between the
    last stable offset and the high watermark, and nothing for a partition that does not exist.
    """

    SILENCE = "nothing came"
    PASSED = "a later record, or an end of the partition beyond it"
    AT_END = "the end of the partition at or below it"
    OUT_OF_RANGE = "the broker has no such offset"


@dataclass(frozen=True, slots=True)
class _Bounds:
    """The offsets of a partition that decide, as they were after the reader's sign."""

    log_start_offset: int
    last_stable_offset: int
    high_watermark: int


@dataclass(slots=True)
class _Held:
    request: Request
    sign: FetchOutcome
    look_again: float


class _Next(Enum):
    """What to do with a request that has no answer yet."""

    LOOK_AGAIN = "ask for the bounds again in a moment"
    READ_AGAIN = "hand it back to the readers: the record should be there"


Settle = Callable[[list[tuple[Request, ResendError]]], None]
Retry = Callable[[list[Request]], None]


class MissingRecordInspector(Thread):
    """A thread that finds out why there is no record, off the way of the reads that succeed.

    It answers with the reason, or hands the request back to the readers when the record should be there after all. A
    position that an open transaction holds back stays here until the transaction ends or the request's time is up.

    Args:
        config: the cluster.
        limit: how many requests may be held here.
        settle: takes answers.
        retry: takes requests that should be read again.
        errors: takes what the clients report of their connections.

    Attributes:
        errors: see above.
        stalled: the last stable offset of partitions where a request is held back; a read at or above it cannot
            succeed and would only occupy a reader.
    """

    def __init__(
        self, config: ClusterConfig, limit: int, settle: Settle, retry: Retry, errors: ConnectionErrors | None = None
    ) -> None:
        super().__init__(name=f"{config.name} missing records", daemon=True)
        self._config = config
        self._limit = limit
        self._settle = settle
        self._retry = retry
        self.errors = errors
        self._asked: SimpleQueue[tuple[Request, FetchOutcome] | None] = SimpleQueue()
        self._held: list[_Held] = []
        self._closing = False
        self._closed = Event()
        self.stalled: dict[Partition, int] = {}

    def ask(self, request: Request, sign: FetchOutcome) -> None:
        """Hand over a request that a reader could not serve."""
        self._asked.put((request, sign))

    def hold(self, request: Request) -> None:
        """Take a request for a position that is known to be held back.

        Raises:
            QueueFull: as many as the limit are held already.
        """
        if len(self._held) + self._asked.qsize() >= self._limit:
            raise QueueFull(self._limit)
        self.ask(request, FetchOutcome.SILENCE)

    def close(self) -> None:
        """Let the thread end once nothing is left; join() waits for it."""
        self._closed.set()
        self._asked.put(None)

    def run(self) -> None:
        """Answer until closed."""
        while True:
            try:
                self._inspect()
            except Exception:  # noqa: BLE001 the thread's edge: every request behind it would wait for its deadline in silence
                log.exception("%s: starting again", self.name)
                if self._closed.wait(_RESTART_SECONDS):
                    return
            else:
                return

    def _inspect(self) -> None:
        errors, lines = ErrorLog(self.name, self.errors), LibraryLog(self.name)
        reports = callbacks(self._config, self.name, errors)
        committed = Consumer({**reports, **reader_properties(self._config)}, logger=lines)
        uncommitted = Consumer({**reports, **reader_properties(self._config, "read_uncommitted")}, logger=lines)
        try:
            while not (self._closing and not self._held):
                self._take()
                self._held = [held for held in self._held if not held.request.abandoned]
                self._examine(committed, uncommitted)
                if not self._held:
                    committed.poll(0)
                    uncommitted.poll(0)
        finally:
            committed.close()
            uncommitted.close()

    def _take(self) -> None:
        """Wait for the first request, or for the time to look again at those held; then take all that are there."""
        timeout = IDLE_POLL_SECONDS
        if self._held:
            timeout = max(0.0, min(held.look_again for held in self._held) - time.monotonic())
        try:
            asked = self._asked.get(timeout=timeout)
            while True:
                if asked is None:
                    self._closing = True
                else:
                    self._held.append(_Held(*asked, look_again=0.0))
                asked = self._asked.get_nowait()
        except Empty:
            pass

    def _examine(self, committed: Consumer, uncommitted: Consumer) -> None:
        """Look once at every request whose time has come; one query a partition serves all of them."""
        now = time.monotonic()
        # A partition whose broker hangs takes a second to ask about: those come last, and the rest of them next time.
        due = deque(
            sorted(
                (held for held in self._held if held.look_again <= now),
                key=lambda held: isinstance(held.request.at_deadline, ClusterAway),
            )
        )
        self._held = [held for held in self._held if held.look_again > now]
        known: dict[Partition, _Bounds | ResendError] = {}
        try:
            while due and time.monotonic() - now < _ROUND_SECONDS:
                if not due[0].request.abandoned:
                    self._examine_one(due[0], known, committed, uncommitted)
                due.popleft()
        finally:
            self._held += due
        self.stalled = {
            (held.request.position.topic, held.request.position.partition): held.request.at_deadline.last_stable_offset
            for held in self._held
            if isinstance(held.request.at_deadline, TransactionOpen)
        }

    def _examine_one(
        self,
        held: _Held,
        known: dict[Partition, _Bounds | ResendError],
        committed: Consumer,
        uncommitted: Consumer,
    ) -> None:
        position = held.request.position
        partition = (position.topic, position.partition)
        if partition not in known:
            known[partition] = _ask_bounds(committed, uncommitted, position)
        resolution = _resolve(held, known[partition], uncommitted)
        if resolution is _Next.LOOK_AGAIN:
            held.look_again = time.monotonic() + _LOOK_AGAIN_SECONDS
            self._held.append(held)
        elif resolution is _Next.READ_AGAIN:
            self._retry([held.request])
        else:
            self._settle([(held.request, resolution)])


def _resolve(held: _Held, bounds: _Bounds | ResendError, uncommitted: Consumer) -> ResendError | _Next:
    """Return why there is no record, or what to do to find out."""
    position = held.request.position
    if isinstance(bounds, ResendError):
        # The topic was there when the request came: a broker that misses it may not have heard of it yet.
        unheard = isinstance(bounds, TopicMissing) and time.monotonic() - held.request.arrived < _MISSING_SECONDS
        if not unheard and not isinstance(bounds, ClusterAway):
            return bounds
        held.request.at_deadline = bounds
        return _Next.LOOK_AGAIN
    outside = _outside(position, bounds)
    if outside is not None:
        return outside
    if position.offset >= bounds.last_stable_offset:
        held.request.at_deadline = TransactionOpen(position, bounds.last_stable_offset)
        held.sign = FetchOutcome.SILENCE
        return _Next.LOOK_AGAIN
    if held.sign is FetchOutcome.PASSED:
        present = _present_uncommitted(uncommitted, position)
        return (
            _Next.LOOK_AGAIN if present is None else NoRecordAtOffset(position, "aborted" if present else "no_record")
        )
    # What was in the way is so no more, and must not be what is said if time runs out.
    held.request.at_deadline = DeadlineExceeded(f"the record at {position}")
    held.request.patience.lengthen()
    return _Next.READ_AGAIN


def _outside(position: Position, bounds: _Bounds) -> ResendError | None:
    """Return why the offset lies outside the log, or None if it does not."""
    if position.offset < bounds.log_start_offset:
        return OffsetExpired(position, bounds.log_start_offset)
    if position.offset == bounds.high_watermark:
        return OffsetAtEnd(position)
    if position.offset > bounds.high_watermark:
        return OffsetBeyondEnd(position, bounds.high_watermark)
    return None


def _ask_bounds(committed: Consumer, uncommitted: Consumer, position: Position) -> _Bounds | ResendError:
    """Ask for a partition's bounds; the error is ClusterAway where the same question may be answered later.

    ListOffsets carries the isolation level, so the end that a read_committed client is told is the last stable offset.
    """
    partition = TopicPartition(position.topic, position.partition)
    try:
        log_start_offset, high_watermark = uncommitted.get_watermark_offsets(partition, timeout=_QUERY_SECONDS)
        _, last_stable_offset = committed.get_watermark_offsets(partition, timeout=_QUERY_SECONDS)
    except KafkaException as exception:
        if cause(exception).code() in (KafkaError._UNKNOWN_PARTITION, KafkaError.UNKNOWN_TOPIC_OR_PART):
            return _missing(uncommitted, position)
        # The broker that was asked may be dead, and the partition have another leader: the client asks who it is only
        # when a connection breaks, which is before there is another one.
        for consumer in (committed, uncommitted):
            with suppress(KafkaException):
                consumer.list_topics(position.topic, timeout=_LEADERS_SECONDS)
        return from_lookup(cause(exception), position.topic, "Describe")
    return _Bounds(log_start_offset, last_stable_offset, high_watermark)


def _missing(consumer: Consumer, position: Position) -> ResendError:
    """Return whether it is the topic or only the partition that does not exist."""
    try:
        found = consumer.list_topics(position.topic, timeout=_QUERY_SECONDS).topics[position.topic]
    except KafkaException as exception:
        return from_lookup(cause(exception), position.topic, "Describe")
    if found.error is not None:
        return from_lookup(found.error, position.topic, "Describe")
    if position.partition in found.partitions:
        return ClusterAway(f"partition {position.partition} of topic {position.topic!r} has no leader")
    if not found.partitions:
        return TopicMissing(position.topic)
    return PartitionMissing(position.topic, position.partition, len(found.partitions))


def _present_uncommitted(consumer: Consumer, position: Position) -> bool | None:
    """Return whether a record of any transaction is at this offset; None if the broker did not say in time."""
    assigned = [TopicPartition(position.topic, position.partition, position.offset)]
    deadline = time.monotonic() + 2 * _QUERY_SECONDS
    consumer.incremental_assign(assigned)
    try:
        for message in _events(consumer, deadline):
            error = message.error()
            offset = message.offset()
            if message.topic() != position.topic or offset is None or offset < position.offset:
                continue
            if error is None:
                return offset == position.offset
            if event_of(error) is ConsumerEvent.END:
                return False
        return None
    finally:
        consumer.incremental_unassign(assigned)


def _events(consumer: Consumer, deadline: float) -> Iterable[Message]:
    while (left := deadline - time.monotonic()) > 0:
        message = consumer.poll(min(left, _LOOK_AGAIN_SECONDS))
        if message is not None:
            yield message
