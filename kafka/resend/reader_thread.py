"""One Consumer, and the positions that it reads.

It assigns the positions of several partitions at once, takes what comes, unassigns each partition as soon as its record
is there, and only when nothing more is fetched already assigns the next ones, all in one call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from threading import Thread

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from kafka.client.clients import IDLE_POLL_SECONDS, ErrorLog, LibraryLog, callbacks, log
from kafka.client.config import ClusterConfig
from kafka.client.messages import ConsumerEvent, event_of, read_denied, record_of
from kafka.client.properties import reader_properties
from kafka.metadata.topic import Topic
from kafka.model.errors import RecordDamaged, ResendError
from kafka.model.records import Record
from kafka.resend.missing_records import FetchOutcome, MissingRecordInspector
from kafka.resend.read_queue import READ_AHEAD, Batch, Partition, ReadQueue, Request

_POLL_SECONDS = 0.004
# While the oldest assigned position is older than this, nothing new is assigned: where batches are larger than
# max.partition.fetch.bytes the broker fills one partition a fetch, and the one just replaced is served again while
# others starve. Worst wait without and with 20 ms: 330 and 27 ms (16 KB batches), 982 and 145 ms (1 MB zstd). Half of
# that again for 10 ms: p99 of 64 resends at once from 1 MB zstd batches 370 and 200 ms.
_GATE_SECONDS = 0.01
# A position silent for longer than the first patience is not late because of its neighbours, and must not hold them up.
_GATE_END_SECONDS = 0.25
_AT_ONCE = 100
_LOOKUP_SECONDS = 1.0
_RESTART_SECONDS = 0.5

Result = tuple[Request, Record | ResendError]
Settle = Callable[[Collection[Result]], None]


class ReaderThread(Thread):
    """One Consumer and the positions assigned to it. Only this thread calls the Consumer.

    Another thread's call would wait for seconds: poll() holds a lock for its whole duration.
    """

    def __init__(
        self,
        name: str,
        config: ClusterConfig,
        waiting: ReadQueue,
        inspector: MissingRecordInspector,
        settle: Settle,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._config = config
        self._waiting = waiting
        self._inspector = inspector
        self._settle = settle
        self._errors = ErrorLog(name, inspector.errors)
        self._assigned: dict[Partition, Batch] = {}
        self._known_topics: dict[str, Topic] = {}
        self._denied: set[str] = set()
        self._results: list[Result] = []

    def run(self) -> None:
        """Read until the queue is closed and empty; a Consumer that broke is replaced."""
        while True:
            try:
                self._serve()
            except Exception:  # noqa: BLE001 the thread's edge: its positions are tried again
                log.exception("%s: starting again with a new consumer", self.name)
                self._put_everything_back()
                if self._waiting.closed:
                    # What still waits there ends at its deadline.
                    return
                time.sleep(_RESTART_SECONDS)
            else:
                return

    def _serve(self) -> None:
        self._errors.fatal = None
        self._known_topics.clear()
        reports = callbacks(self._config, self.name, self._errors)
        consumer = Consumer({**reports, **reader_properties(self._config)}, logger=LibraryLog(self.name))
        try:
            while self._assigned or self._waiting.wait(IDLE_POLL_SECONDS):
                self._assign_next(consumer)
                if self._assigned:
                    self._take_events(consumer)
                    self._stop_hoping(consumer)
                    self._give_up_on_silent(consumer)
                else:
                    # What an idle client reports of its connections would else pile up.
                    consumer.poll(0)
                self._hand_over()
                if self._errors.fatal is not None:
                    raise KafkaException(self._errors.fatal)
        finally:
            consumer.close()

    def _assign_next(self, consumer: Consumer) -> None:
        if self._assigned:
            age = time.monotonic() - next(iter(self._assigned.values())).assigned
            if _GATE_SECONDS < age < _GATE_END_SECONDS:
                return
        free = self._config.limits.max_in_flight_per_reader - len(self._assigned)
        taken = self._waiting.take(free, self._assigned)
        try:
            batches = [batch for batch in taken if self._knows_topic(consumer, batch)]
        except BaseException:
            # Whatever it is, they are nowhere else: nobody would answer them.
            for batch in taken:
                self._waiting.put_back(batch.requests)
            raise
        if not batches:
            return
        now = time.monotonic()
        for batch in batches:
            batch.assigned = now
            self._assigned[batch.partition] = batch
        consumer.incremental_assign([TopicPartition(*batch.partition, batch.offset) for batch in batches])

    def _knows_topic(self, consumer: Consumer, batch: Batch) -> bool:
        """Make the Consumer know the topic as it is now; without that its first assignment takes up to a second."""
        topic = batch.topic
        if self._known_topics.get(topic.name) is topic:
            return True
        known = self._known_topics.get(topic.name)
        if known is None or (known.topic_id, known.partitions) != (topic.topic_id, topic.partitions):
            try:
                consumer.list_topics(topic.name, timeout=_LOOKUP_SECONDS)
            except KafkaException:
                # The look into missing records will hear the same, and words it.
                self._ask(batch.requests, FetchOutcome.SILENCE)
                return False
        self._known_topics[topic.name] = topic
        # The facts are new, and so may be what the ACLs allow.
        self._denied.discard(topic.name)
        return True

    def _take_events(self, consumer: Consumer) -> None:
        """Wait for the first event, then take all that are there already."""
        first = consumer.poll(_POLL_SECONDS)
        messages = [] if first is None else [first]
        while messages:
            ahead = 0
            for message in messages:
                ahead = self._take_event(consumer, message)
            # Each call gives up the interpreter, and has to wait for it while the event loop is busy: records that are
            # to be passed come in one call. Others not, as what is read past costs more than to unassign in time.
            messages = consumer.consume(max(1, min(ahead, _AT_ONCE)), 0)

    def _take_event(self, consumer: Consumer, message: Message) -> int:
        """Take a record or an event; return how many offsets further the next one lies that is wanted there, if any."""
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if topic is None or partition is None or offset is None:
            return 0
        batch = self._assigned.get((topic, partition))
        if batch is None:
            return 0
        error = message.error()
        if error is None:
            self._denied.discard(topic)
            self._take_record(message, batch, offset)
        elif not self._take_error(error, batch, offset):
            return 0
        if batch.requests:
            return batch.requests[-1].position.offset - offset
        if batch.prefetch_until is not None:
            return batch.prefetch_until - offset
        if len(self._assigned) == 1:
            # A request that is alone need not wait for the clean-up as well: 0.1 ms of 1.2 (measured).
            self._hand_over()
        self._release(consumer, batch)
        return 0

    def _take_record(self, message: Message, batch: Batch, offset: int) -> None:
        """Serve who asked for this record, then choose how far to read on."""
        if batch.began is None:
            batch.began = time.monotonic()
        if batch.requests:
            self._pass(batch, offset)
        elif batch.prefetch_until is not None and offset < batch.prefetch_until:
            return
        else:
            batch.requests = self._waiting.take_at(batch.partition, offset)
        if batch.requests and batch.offset == offset:
            record, unreadable = record_of(message, batch.requests[0].position)
            self._found(batch, unreadable or record)
        if not batch.requests:
            batch.prefetch_until = self._waiting.next_after(batch.partition, offset)
            if batch.prefetch_until is not None and batch.prefetch_until - offset > READ_AHEAD:
                # Reading past a thousand records takes 2 to 5 ms.
                self._hand_over()
        elif (now := time.monotonic()) - (batch.began or now) > _GATE_SECONDS:
            # Reading on would keep others waiting for this partition; the rest leads the next turn.
            self._waiting.put_back(batch.requests)
            batch.requests = []

    def _take_error(self, error: KafkaError, batch: Batch, offset: int) -> bool:
        """Ask why the records are not there, or say that they may not be read; False if this is of no consequence."""
        match event_of(error):
            case ConsumerEvent.END:
                self._pass(batch, offset)
                self._ask(batch.requests, FetchOutcome.AT_END)
            case ConsumerEvent.OUT_OF_RANGE:
                if not batch.requests or offset != batch.offset:
                    # Left over from the assignment before: 595 of these came in 78,000 rapid re-assignments.
                    return False
                self._ask(batch.requests, FetchOutcome.OUT_OF_RANGE)
            case ConsumerEvent.DENIED:
                self._denied.add(batch.topic.name)
                self._deny(batch)
            case ConsumerEvent.DAMAGED if batch.requests:
                # How far the batch goes is not told: whether a record is in it shows when nothing before it is read.
                self._errors(error)
                if batch.began is None:
                    self._found(batch, RecordDamaged(batch.requests[0].position))
                self._waiting.put_back(batch.requests)
            case _:
                # One that is fatal ends the Consumer, see _serve.
                self._errors(error)
                return False
        batch.requests = []
        batch.prefetch_until = None
        return True

    def _stop_hoping(self, consumer: Consumer) -> None:
        """All that was fetched has been read: what is only hoped for would have to be fetched again."""
        for batch in [batch for batch in self._assigned.values() if not batch.requests]:
            self._release(consumer, batch)

    def _pass(self, batch: Batch, offset: int) -> None:
        """The log went on to this offset: what is asked for below it is not there."""
        while batch.requests and batch.offset < offset:
            self._ask([batch.requests.pop(0)], FetchOutcome.PASSED)

    def _found(self, batch: Batch, record: Record | ResendError) -> None:
        """The record at the batch's offset serves everyone who asked for it."""
        offset = batch.offset
        while batch.requests and batch.offset == offset:
            self._results.append((batch.requests.pop(0), record))

    def _give_up_on_silent(self, consumer: Consumer) -> None:
        now = time.monotonic()
        for batch in list(self._assigned.values()):
            request = batch.requests[0]
            if request.abandoned:
                # Its neighbours are only late; the next in the queue may lie further on.
                self._waiting.put_back(batch.requests)
            elif now - batch.assigned > request.patience.seconds:
                if batch.topic.name in self._denied:
                    self._deny(batch)
                self._ask(batch.requests, FetchOutcome.SILENCE)
                # Its leader may have died, and the client not have noticed that there is another one.
                self._known_topics.pop(batch.topic.name, None)
            else:
                continue
            self._release(consumer, batch)

    def _deny(self, batch: Batch) -> None:
        """Kafka's ACLs forbid reading; librdkafka says so once a partition, and is silent from then on."""
        denied = read_denied(batch.topic.name)
        self._results += [(request, denied) for request in batch.requests]
        batch.requests = []

    def _release(self, consumer: Consumer, batch: Batch) -> None:
        del self._assigned[batch.partition]
        consumer.incremental_unassign([TopicPartition(*batch.partition)])

    def _ask(self, requests: Collection[Request], sign: FetchOutcome) -> None:
        for request in requests:
            self._inspector.ask(request, sign)

    def _hand_over(self) -> None:
        if self._results:
            results, self._results = self._results, []
            self._settle(results)

    def _put_everything_back(self) -> None:
        self._hand_over()
        for batch in self._assigned.values():
            self._waiting.put_back(batch.requests)
        self._assigned.clear()
