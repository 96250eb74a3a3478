"""Write one copy and wait for its acknowledgement."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from threading import Thread

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from kafka.clients import ErrorLog, LibraryLog, log
from kafka.config import BATCH_BYTES, MAX_MESSAGE_BYTES, ClusterConfig, writer_properties
from kafka.errors import (
    AccessDenied,
    ClusterAway,
    CopyTooLarge,
    DeadlineExceeded,
    NothingWritten,
    QueueFull,
    ResendError,
    cause,
    from_delivery,
    from_lookup,
)
from kafka.records import Copy

_POLL_SECONDS = 0.1
_BATCH_REFUSED = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.INVALID_TIMESTAMP,
        KafkaError.INVALID_RECORD,
        KafkaError._INVALID_DIFFERENT_RECORD,
    }
)
"""With these a broker refuses all records of a batch because of one."""


@dataclass(frozen=True, slots=True)
class Written:
    """Where a copy stands.

    Attributes:
        partition: the original's.
        offset: None where the library does not know it: after a retry that the broker recognised as a duplicate the
            record is there, once, but the answer carries no offset.
    """

    partition: int
    offset: int | None


class Writer:
    """Writes copies, from one event loop, with one idempotent Producer and one thread that polls it.

    Copies for one partition that wait together go in one batch: for consecutive records of one partition that makes
    13,300 resends a second of 4,000 (64 in flight, measured). A broker refuses a whole batch for one bad record, so the
    copies of a refused batch, of which nothing was written, are written once more by another Writer, which puts each
    into a batch of its own: then only the culprit is refused.

    A Producer that failed fatally settles what it had in flight as unknown, and another takes its place.

    Args:
        config: the cluster; its limits say how long an acknowledgement may take.
        batching: whether copies may share a batch.
    """

    def __init__(self, config: ClusterConfig, *, batching: bool = True) -> None:
        self._loop = asyncio.get_running_loop()
        self._config = config
        self._batching = batching
        self._one_by_one: Writer | None = None
        self._max_message_bytes = int(config.properties.get("message.max.bytes", MAX_MESSAGE_BYTES))
        self._retired: list[_ProducerThread] = []
        self._current = self._start()

    async def write(self, copy: Copy, deadline: float, largest_batch_bytes: int) -> Written:
        """Write the copy to its original's partition; return once all in-sync replicas have it.

        Once the copy is handed over, this waits for the outcome even past the deadline: nobody is answered before.

        Args:
            copy: what to write.
            deadline: point of time.monotonic(); the copy is handed over only if the delivery time-out ends before it.
            largest_batch_bytes: what the topic takes; where batches could be larger, the copy gets one of its own.

        Raises:
            DeadlineExceeded: too little time was left; nothing was written.
            CopyTooLarge, CopyRejected, AccessDenied: nothing was written, and nothing will be.
            QueueFull, ClusterAway: nothing was written.
            OutcomeUnknown: the copy may or may not have been written.
        """
        if deadline - time.monotonic() < self._config.limits.delivery_timeout_seconds:
            raise DeadlineExceeded("the record, too late to write a copy of it")
        if self._batching and largest_batch_bytes < BATCH_BYTES:
            return await self._alone().write(copy, deadline, largest_batch_bytes)
        if self._current.errors.fatal is not None:
            self._replace()
        try:
            try:
                return await self._current.write(copy, self._max_message_bytes)
            except _ProducerFailed:
                self._replace()
                return await self._current.write(copy, self._max_message_bytes)
        except _BatchRefused:
            return await self._alone().write(copy, deadline, largest_batch_bytes)

    async def close(self) -> None:
        """Flush, then end the Producers."""
        if self._one_by_one is not None:
            await self._one_by_one.close()
        for thread in (*self._retired, self._current):
            thread.stop()
            await asyncio.to_thread(thread.join)

    def _alone(self) -> Writer:
        """Return the Writer of copies that must not share a batch; not many clusters ever need it."""
        if self._one_by_one is None:
            self._one_by_one = Writer(self._config, batching=False)
        return self._one_by_one

    def _start(self) -> _ProducerThread:
        thread = _ProducerThread(self._config, self._loop, batching=self._batching)
        thread.start()
        return thread

    def _replace(self) -> None:
        failed = self._current
        log.error("%s: replaced after a fatal error: %s", failed.name, failed.errors.fatal)
        failed.stop()
        self._retired = [thread for thread in self._retired if thread.is_alive()]
        self._retired.append(failed)
        self._current = self._start()


Outcome = tuple[asyncio.Future[Written], Written | ResendError]


class _ProducerFailed(ClusterAway):
    """The Producer failed fatally before it took the copy, which another one can still write."""


class _BatchRefused(NothingWritten):
    """The broker refused the batch that the copy was in, perhaps for another record of it; nothing was written."""


class _ProducerThread(Thread):
    """One Producer and the thread that polls it.

    Attributes:
        errors: tells whether the Producer failed fatally.
    """

    def __init__(self, config: ClusterConfig, loop: asyncio.AbstractEventLoop, *, batching: bool) -> None:
        super().__init__(name=f"{config.name} writer", daemon=True)
        self._loop = loop
        self._batching = batching
        self.errors = ErrorLog(self.name)
        # A Producer asks for its producer id as soon as it exists, which takes up to 0.5 s on a fresh broker.
        properties = writer_properties(config, batching=batching)
        self._producer = Producer({**properties, "error_cb": self.errors}, logger=LibraryLog(self.name))
        self._outcomes: list[Outcome] = []
        self._acknowledged = False
        self._stopping = False

    async def write(self, copy: Copy, max_message_bytes: int) -> Written:
        """Hand the copy over and wait for its delivery report."""
        position = copy.original
        future: asyncio.Future[Written] = self._loop.create_future()
        try:
            self._producer.produce(
                position.topic,
                copy.value,
                copy.key,
                position.partition,
                # 0 is what the library takes for the present.
                timestamp=0 if copy.timestamp_ms is None else copy.timestamp_ms,
                headers=list(copy.headers),
                on_delivery=partial(self._report, copy, future),
            )
        except BufferError:
            raise QueueFull(len(self._producer)) from None
        except KafkaException as exception:
            if cause(exception).code() == KafkaError.MSG_SIZE_TOO_LARGE:
                limit = "message.max.bytes of the client"
                raise CopyTooLarge(position, copy.size_bytes, max_message_bytes, limit) from exception
            # Whatever is raised here, the copy has not even been queued.
            if cause(exception).code() == KafkaError._FATAL:
                self.errors.fatal = self.errors.fatal or cause(exception)
                raise _ProducerFailed(cause(exception).name()) from exception
            raise from_lookup(cause(exception), position.topic, "Write") from exception
        return await asyncio.shield(future)

    def stop(self) -> None:
        """Let the thread end once all that was handed over has its outcome; join() waits for it."""
        self._stopping = True

    def run(self) -> None:
        """Poll until stopped and nothing is in flight any more."""
        while not self._stopping or len(self._producer):
            try:
                if self.errors.fatal is not None:
                    # Nothing of it will be acknowledged any more; the reports for what is purged come at once.
                    self._producer.purge()
                self._producer.poll(_POLL_SECONDS)
            except KafkaException as exception:
                # A fatal error is raised here, too.
                self.errors(cause(exception))
            except Exception:  # noqa: BLE001 the thread's edge: without it no resend would be answered
                log.exception("%s: going on", self.name)
            self._hand_over()

    def _report(self, copy: Copy, future: asyncio.Future[Written], error: KafkaError | None, message: Message) -> None:
        """Take a delivery report; called by poll(), on this thread."""
        position = copy.original
        if error is not None:
            if error.fatal():
                self.errors(error)
            self._outcomes.append((future, self._refusal(copy, error)))
            return
        self._acknowledged = True
        offset = message.offset()
        known = offset if offset is not None and offset >= 0 else None
        self._outcomes.append((future, Written(position.partition, known)))

    def _refusal(self, copy: Copy, error: KafkaError) -> ResendError:
        """Return what the failure of a delivery means for the copy."""
        fatal = self.errors.fatal
        if not self._acknowledged and fatal is not None and fatal.code() == KafkaError.CLUSTER_AUTHORIZATION_FAILED:
            # A Producer that got no producer id, for want of Write on any topic, has sent nothing.
            return AccessDenied("Write", f"topic {copy.original.topic!r}")
        if self._batching and error.code() in _BATCH_REFUSED:
            return _BatchRefused()
        return from_delivery(error, copy.original)

    def _hand_over(self) -> None:
        """Wake the event loop once for all reports of one poll: 53,000 a second against 37,000 one by one."""
        if self._outcomes:
            outcomes, self._outcomes = self._outcomes, []
            self._loop.call_soon_threadsafe(_deliver, outcomes)


def _deliver(outcomes: list[Outcome]) -> None:
    for future, outcome in outcomes:
        if future.done():
            continue
        if isinstance(outcome, Written):
            future.set_result(outcome)
        else:
            future.set_exception(outcome)
