"""One Producer, and the thread that polls it and hands over what became of each record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Thread

from confluent_kafka import KafkaError, KafkaException, Message, Producer, ThrottleEvent

from kafka.client.clients import ErrorLog, LibraryLog, callbacks, log, produce, written_offset
from kafka.client.config import MAX_MESSAGE_BYTES, ClusterConfig
from kafka.client.connection import ConnectionErrors
from kafka.client.properties import writer_properties
from kafka.model.copies import ProducerRecord
from kafka.model.errors import ClusterAway, ClusterUnavailable, QueueFull, ResendError
from kafka.model.translation import REFUSED_RECORD, cause, from_lookup

_POLL_SECONDS = 0.1
_METADATA_SECONDS = 5.0
_BATCH_REFUSED = REFUSED_RECORD | {KafkaError._INVALID_DIFFERENT_RECORD}
"""With these a broker refuses all records of a batch because of one."""
_NOT_NOW = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.NOT_ENOUGH_REPLICAS,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
    }
)
"""With these a broker has appended nothing, and may take the same copy in a moment, or another broker will."""


@dataclass(frozen=True, slots=True)
class Written:
    """Where a record was written.

    Attributes:
        partition: its number.
        offset: None where the broker's answer carries none.
    """

    partition: int
    offset: int | None


Outcome = tuple[asyncio.Future[Written], Written | ResendError]


class BatchRefused(ClusterUnavailable):
    """The broker refused the batch that the copy was in, perhaps for another record of it; nothing was written."""


class NotTaken(ClusterAway):
    """No broker has taken the copy, and one may in a moment.

    Args:
        error: as the client library gave it.

    Attributes:
        kafka_code: of the error, as in the protocol.
    """

    def __init__(self, error: KafkaError) -> None:
        super().__init__(error.name())
        self.kafka_code = error.code()


class ProducerThread(Thread):
    """One Producer and the thread that polls it."""

    def __init__(
        self,
        config: ClusterConfig,
        throttled: Callable[[int, float], None],
        errors: ConnectionErrors | None,
        *,
        batching: bool,
    ) -> None:
        super().__init__(name=f"{config.name} writer", daemon=True)
        self._loop = asyncio.get_running_loop()
        self._throttled = throttled
        self._batching = batching
        self._max_message_bytes = int(config.properties.get("message.max.bytes", MAX_MESSAGE_BYTES))
        properties = writer_properties(config, batching=batching)
        reports = {**callbacks(config, self.name, ErrorLog(self.name, errors)), "throttle_cb": self._take_throttle}
        self._producer = Producer({**reports, **properties}, logger=LibraryLog(self.name))
        self._outcomes: list[Outcome] = []
        self._stopping = False

    async def write(self, record: ProducerRecord) -> Written:
        """Hand a record over and wait for its delivery report.

        Raises:
            BatchRefused, NotTaken: nothing was written, and it makes sense to try again.
            ResendError: the outcome.
        """
        future: asyncio.Future[Written] = self._loop.create_future()
        try:
            produce(self._producer, record, partial(self._report, record, future))
        except BufferError:
            raise QueueFull(len(self._producer)) from None
        except KafkaException as exception:
            # Whatever is raised here, the record has not even been queued.
            code = cause(exception).code()
            if code == KafkaError.MSG_SIZE_TOO_LARGE:
                raise record.failure(cause(exception), self._max_message_bytes) from exception
            if code in (KafkaError._UNKNOWN_PARTITION, KafkaError._UNKNOWN_TOPIC):
                await self._learn_partitions(record.topic)
                raise NotTaken(cause(exception)) from exception
            raise from_lookup(cause(exception), record.topic, "Write") from exception
        return await future

    async def _learn_partitions(self, topic: str) -> None:
        """Ask for the partitions that there are now: the library itself does so every few seconds."""
        try:
            await asyncio.to_thread(self._producer.list_topics, topic, _METADATA_SECONDS)
        except KafkaException as exception:
            raise ClusterAway(cause(exception).name()) from exception

    def stop(self) -> None:
        """Let the thread end once all that was handed over has its outcome; join() waits for it."""
        self._stopping = True

    def run(self) -> None:
        """Poll until stopped and nothing is in flight any more."""
        while not self._stopping or len(self._producer):
            try:
                self._producer.poll(_POLL_SECONDS)
            except Exception:  # noqa: BLE001 the thread's edge: without it no resend would be answered
                log.exception("%s: going on", self.name)
            self._hand_over()

    def _take_throttle(self, event: ThrottleEvent) -> None:
        """Hand over that a broker throttles, before the reports that came with it; called by poll(), on this thread."""
        self._loop.call_soon_threadsafe(self._throttled, event.broker_id, event.throttle_time)

    def _report(
        self, record: ProducerRecord, future: asyncio.Future[Written], error: KafkaError | None, message: Message
    ) -> None:
        """Take a delivery report; called by poll(), on this thread."""
        outcome: Written | ResendError
        if error is None:
            outcome = Written(record.partition, written_offset(message))
        elif error.code() in _NOT_NOW:
            outcome = NotTaken(error)
        elif self._batching and error.code() in _BATCH_REFUSED:
            outcome = BatchRefused()
        else:
            outcome = record.failure(error)
        self._outcomes.append((future, outcome))

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
