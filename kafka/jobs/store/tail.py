"""Reads partitions of the store, folds their records, and knows when they were read to their ends."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from threading import Event

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from kafka.client.clients import ErrorLog, LibraryLog, callbacks
from kafka.client.config import ClusterConfig
from kafka.client.messages import ConsumerEvent, event_of
from kafka.client.properties import store_reader_properties
from kafka.jobs.idempotency.requests import IDEMPOTENCY_KINDS, IdempotencyTable
from kafka.jobs.job import OWNERS_KINDS, Job, fold, split_key
from kafka.jobs.plan import partition_of
from kafka.jobs.worker.liveness import WORKER_KEY, Liveness

OWNER_KEY = b"owner"
"""Key of the record by which a new owner marks how far an earlier one can have come."""

_REQUEST_SECONDS = 10.0
_READ_AT_ONCE = 1000


class ReadDenied(KafkaException):
    """The store may be looked at, and not be read."""


class StoreTail:
    """Reads partitions of the store from their beginning on, committed records only, and folds them into jobs.

    Only one thread may use it.

    Args:
        config: the cluster.
        name: what to call the client in the log.
        partitions: which of the store's partitions.

    Attributes:
        jobs: by id, as far as was read.
        idempotent: single resends with an Idempotency-Key, by id.
        asked: ids of such resends that were read by the last call.
        liveness: what heartbeats of workers say.
        answered: the partitions of which a record, or the end, was read.
        caught_up: set by the reader once it has read what was there before: the age of a heartbeat that is read after
            that does not depend on the clock of the machine that wrote it.
        owned: a token of the reader's own was read. Plans and progress are left out from then on: they are the reader's
            own, who knows better, and reading back older ones would take it back to where it was.
        taken: another owner's token was read after that.
    """

    def __init__(self, config: ClusterConfig, name: str, partitions: Collection[int]) -> None:
        self._topic = config.jobs.topic
        self._errors = ErrorLog(name)
        self._consumer = Consumer(
            {**callbacks(config, name, self._errors), **store_reader_properties(config)}, logger=LibraryLog(name)
        )
        self._consumer.list_topics(self._topic, timeout=_REQUEST_SECONDS)
        self._next = dict.fromkeys(partitions, 0)
        self._tokens: set[bytes] = set()
        self._last_token: bytes | None = None
        self.jobs: dict[str, Job] = {}
        self.idempotent = IdempotencyTable()
        self.asked: list[str] = []
        self.liveness = Liveness()
        self.caught_up = False
        self.answered: set[int] = set()
        self.owned = False
        self.taken = False
        self._consumer.assign([TopicPartition(self._topic, partition, OFFSET_BEGINNING) for partition in partitions])

    @property
    def next_offsets(self) -> Mapping[int, int]:
        """Per partition, up to where it was read."""
        return self._next

    def read(self, timeout_seconds: float) -> set[str]:
        """Read what is there, or wait for the first record; return the ids of the jobs that changed.

        Raises:
            ReadDenied: Kafka's ACLs do not allow it.
            KafkaException: it cannot continue: the store was made again, or its beginning deleted.
        """
        changed = set()
        self.asked.clear()
        first = self._consumer.poll(timeout_seconds)
        messages = [] if first is None else [first, *self._consumer.consume(_READ_AT_ONCE, 0)]
        for message in messages:
            partition, offset, error = message.partition(), message.offset(), message.error()
            if partition is None or offset is None or partition not in self._next:
                continue
            if error is not None:
                self._take_error(error, partition, offset)
            elif (job_id := self._take_message(message, partition, offset)) is not None:
                changed.add(job_id)
        return changed

    def read_to_token(self, token: bytes, deadline: float, stopped: Event) -> bool:
        """Read until this token, which the reader has written, is met; False if it is not before the deadline.

        Whatever an earlier owner has committed lies before it: its transaction had ended when the token was written.
        Two other ends would not do. The last stable offset may be held back by another transaction, while progress that
        was committed already lies above it; and a high watermark may come from a broker that hung, and does not know
        yet that it leads no more.

        Args:
            token: value of a record with the key OWNER_KEY.
            deadline: point of time.monotonic().
            stopped: gives up early.
        """
        self._tokens.add(token)
        while self._last_token != token:
            if stopped.is_set() or time.monotonic() >= deadline:
                return False
            self.read(0.1)
        return True

    def close(self) -> None:
        """End the client."""
        self._consumer.close()

    def _take_message(self, message: Message, partition: int, offset: int) -> str | None:
        self.answered.add(partition)
        self._next[partition] = offset + 1
        if message.key() != WORKER_KEY:
            return self._take(message.key(), message.value(), partition)
        age_seconds = 0.0 if self.caught_up else time.time() - message.timestamp()[1] / 1000
        self.liveness.take(partition, message.value(), age_seconds)
        return None

    def _take_error(self, error: KafkaError, partition: int, offset: int) -> None:
        match event_of(error):
            case ConsumerEvent.END:
                self.answered.add(partition)
                # The end lies behind records that are no records: markers of transactions, and aborted ones.
                self._next[partition] = max(self._next[partition], offset)
            case ConsumerEvent.OUT_OF_RANGE:
                raise KafkaException(error)
            case ConsumerEvent.DENIED:
                raise ReadDenied(error)
            case _:
                self._errors(error)

    def _take(self, key: bytes | None, value: bytes | None, partition: int) -> str | None:
        """Take a record; return the id of the job that it has changed."""
        if key == OWNER_KEY:
            if value in self._tokens:
                self.owned, self._last_token = True, value
            elif self.owned:
                self.taken = True
            return None
        job_id, kind = split_key(key)
        if not _stands_in(job_id, partition) or (self.owned and kind in OWNERS_KINDS):
            return None
        if kind in IDEMPOTENCY_KINDS:
            self.idempotent.take(job_id, kind, value)
            self.asked.append(job_id)
            return None
        job = fold(self.jobs.get(job_id), job_id, kind, value)
        if job is None:
            self.jobs.pop(job_id, None)
        else:
            self.jobs[job_id] = job
        return job_id


def _stands_in(job_id: str, partition: int) -> bool:
    with suppress(ValueError):
        return partition_of(job_id) == partition
    return False
