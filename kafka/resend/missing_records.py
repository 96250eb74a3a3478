"""Why a reader found no record at a position: it is gone, not written yet, a hole, held back, or only late."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from queue import Empty, SimpleQueue
from threading import Event, Thread

from confluent_kafka import Consumer

from kafka.client.clients import IDLE_POLL_SECONDS, ErrorLog, LibraryLog, callbacks, log
from kafka.client.config import ClusterConfig
from kafka.client.connection import ConnectionErrors
from kafka.client.properties import reader_properties
from kafka.model.errors import (
    ClusterAway,
    DeadlineExceeded,
    NoRecordAtOffset,
    QueueFull,
    ResendError,
    TopicMissing,
    TransactionOpen,
)
from kafka.resend.offset_bounds import OffsetBounds, ask_bounds, is_present_uncommitted
from kafka.resend.read_queue import Partition, Request

_LOOK_AGAIN_SECONDS = 0.05
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
        known: dict[Partition, OffsetBounds | ResendError] = {}
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
        known: dict[Partition, OffsetBounds | ResendError],
        committed: Consumer,
        uncommitted: Consumer,
    ) -> None:
        position = held.request.position
        partition = (position.topic, position.partition)
        if partition not in known:
            known[partition] = ask_bounds(committed, uncommitted, position)
        resolution = _resolve(held, known[partition], uncommitted)
        if resolution is _Next.LOOK_AGAIN:
            held.look_again = time.monotonic() + _LOOK_AGAIN_SECONDS
            self._held.append(held)
        elif resolution is _Next.READ_AGAIN:
            self._retry([held.request])
        else:
            self._settle([(held.request, resolution)])


def _resolve(held: _Held, bounds: OffsetBounds | ResendError, uncommitted: Consumer) -> ResendError | _Next:
    """Return why there is no record, or what to do to find out."""
    position = held.request.position
    if isinstance(bounds, ResendError):
        # The topic was there when the request came: a broker that misses it may not have heard of it yet.
        unheard = isinstance(bounds, TopicMissing) and time.monotonic() - held.request.arrived < _MISSING_SECONDS
        if not unheard and not isinstance(bounds, ClusterAway):
            return bounds
        held.request.at_deadline = bounds
        return _Next.LOOK_AGAIN
    if (refusal := bounds.refusal(position)) is not None:
        return refusal
    if position.offset >= bounds.last_stable_offset:
        held.request.at_deadline = TransactionOpen(position, bounds.last_stable_offset)
        held.sign = FetchOutcome.SILENCE
        return _Next.LOOK_AGAIN
    if held.sign is FetchOutcome.PASSED:
        present = is_present_uncommitted(uncommitted, position)
        return (
            _Next.LOOK_AGAIN if present is None else NoRecordAtOffset(position, "aborted" if present else "no_record")
        )
    # What was in the way is so no more, and must not be what is said if time runs out.
    held.request.at_deadline = DeadlineExceeded(f"the record at {position}")
    held.request.patience.lengthen()
    return _Next.READ_AGAIN
