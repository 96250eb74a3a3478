"""The transactional Producer of one partition of the store: copies and records of the store together, or nothing.

TransactionFailed
├── RestartOwnership  what it did is in doubt, or the partition has another owner: read what was committed, and resume
└── RecordsRefused    the broker refused some of the copies; nothing is committed
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from kafka.client.clients import ErrorLog, LibraryLog, callbacks, produce, written_offset
from kafka.client.config import ClusterConfig
from kafka.client.properties import job_writer_properties
from kafka.hooks import TransactionCommitted, transaction_committed
from kafka.jobs.store.tail import OWNER_KEY
from kafka.model.copies import Copy
from kafka.model.errors import AccessDenied, CopyRejected, CopyTooLarge, ResendError
from kafka.model.records import Position
from kafka.model.translation import cause

_INIT_SECONDS = 30.0
_COMMIT_SECONDS = 30.0
_POLL_SECONDS = 0.1

Entry = tuple[bytes, bytes | None]
"""Key and value of a record of the store."""

Written = Sequence[tuple[Copy, int | None]]
"""Copies that are written, and their offsets; None where the broker's answer has no offset."""


class TransactionFailed(Exception):
    """The root of the tree. The Producer is of no use any more."""


class RestartOwnership(TransactionFailed):
    """What the transaction did is in doubt, or this partition has another owner."""


class RecordsRefused(TransactionFailed):
    """The broker refused some of the copies; nothing of the transaction is committed.

    Attributes:
        refused: those that are certainly to blame; empty where it may be any.
    """

    def __init__(self, refused: dict[Position, ResendError]) -> None:
        super().__init__(f"{len(refused)} records refused")
        self.refused = refused


class Transactions:
    """Writes transactions; making one fences the earlier owner of this partition, and ends what it left open.

    Only one thread may use it.

    Args:
        config: the cluster.
        partition: of the store.
        name: what to call the client in the log.
        batch_bytes: one of JOB_BATCH_BYTES. With 0 each copy is a batch and a request of its own, so that only a
            culprit is refused. Otherwise a broker refuses a whole batch for one of its records.

    Attributes:
        batch_bytes: as above.
        failed_transaction: a transaction has failed.

    Raises:
        KafkaException: not now.
    """

    def __init__(self, config: ClusterConfig, partition: int, name: str, batch_bytes: int) -> None:
        self._cluster = config.name
        self._store = config.jobs.topic
        self._partition = partition
        self.batch_bytes = batch_bytes
        self.failed_transaction = False
        self._reports: list[tuple[Copy, KafkaError]] = []
        self._written: list[tuple[Copy, int | None]] | None = None
        transactional_id = f"{config.jobs.transactional_prefix}-{partition}"
        properties = job_writer_properties(config, transactional_id, batch_bytes)
        # Without an error_cb, flush() itself would raise after a fatal error.
        self._producer = Producer({**callbacks(config, name, ErrorLog(name)), **properties}, logger=LibraryLog(name))
        self._producer.init_transactions(_INIT_SECONDS)

    def fence(self) -> bytes:
        """Write a fencing token to the store, and return its value.

        Raises:
            RestartOwnership: see commit.
        """
        token = uuid.uuid4().hex.encode()
        self.commit((), [(OWNER_KEY, token)])
        return token

    def commit(
        self,
        copies: Sequence[Copy],
        entries: Iterable[Entry],
        entries_of: Callable[[Written], Iterable[Entry]] | None = None,
    ) -> None:
        """Write copies and records of the store, all or nothing.

        Args:
            copies: those of a partition are written in this order.
            entries: of the store.
            entries_of: makes further entries out of where the copies are, once all are acknowledged. With an entry of
                `entries` beside the copies, one request tells the coordinator of both.

        Raises:
            RecordsRefused: nothing is committed.
            AccessDenied: Kafka's ACLs do not allow the copies; nothing is committed.
            RestartOwnership: whether it is committed is not known.
        """
        begun = time.monotonic()
        self._reports.clear()
        self._written = None if entries_of is None else []
        # Whatever ends this early, a BaseException included.
        self.failed_transaction = True
        try:
            self._producer.begin_transaction()
            for copy in copies:
                self._produce(copy)
            for key, value in entries:
                self._producer.produce(self._store, value, key, self._partition)
            self._flush()
            if entries_of is not None and self._written is not None:
                for key, value in entries_of(self._written):
                    self._producer.produce(self._store, value, key, self._partition)
                self._flush()
            self._producer.commit_transaction(_COMMIT_SECONDS)
        except KafkaException as exception:
            raise self._explained(cause(exception)) from exception
        self.failed_transaction = False
        if transaction_committed.listeners:
            seconds = time.monotonic() - begun
            transaction_committed(TransactionCommitted(self._cluster, self._partition, len(copies), seconds))

    def close(self) -> None:
        """Drop the client; a transaction left open is ended by the next owner."""
        # Messages without a report hold their callback, and so this object, in a place where no collector looks.
        del self._producer

    def _produce(self, copy: Copy) -> None:
        while True:
            try:
                produce(self._producer, copy, partial(self._report, copy))
            except BufferError:
                self._producer.poll(_POLL_SECONDS)
            except KafkaException as exception:
                if cause(exception).code() == KafkaError.MSG_SIZE_TOO_LARGE:
                    # The client's own limit: it names the record, and the transaction would be healthy.
                    raise RecordsRefused({copy.original: copy.failure(cause(exception))}) from exception
                raise
            else:
                return

    def _flush(self) -> None:
        """Wait for the acknowledgements of all copies, but no longer after the first that failed.

        A commit would wait on for its whole timeout: the batches that follow a refused one are not taken either.
        """
        deadline = time.monotonic() + _COMMIT_SECONDS
        while self._producer.flush(_POLL_SECONDS) and not self._reports:
            if time.monotonic() >= deadline:
                raise RestartOwnership("the copies were not acknowledged in time")
        if self._reports:
            if self._reports[0][1].code() == KafkaError._PURGE_QUEUE:
                # They were not even sent. Why, the transaction tells, which cannot be committed any more.
                self._producer.commit_transaction(_COMMIT_SECONDS)
            raise self._explained(self._reports[0][1])

    def _report(self, copy: Copy, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._reports.append((copy, error))
        elif self._written is not None:
            self._written.append((copy, written_offset(message)))

    def _explained(self, error: KafkaError) -> Exception:
        """Return what the failure of a transaction means."""
        found = [(copy, copy.failure(error)) for copy, error in self._reports]
        refusals = [(copy, refusal) for copy, refusal in found if isinstance(refusal, CopyTooLarge | CopyRejected)]
        if refusals:
            return RecordsRefused({copy.original: refusal for copy, refusal in refusals if self._is_certain(copy)})
        for _, refusal in found:
            if isinstance(refusal, AccessDenied):
                return refusal
        if self._reports and error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED and error.txn_requires_abort():
            # The coordinator took none of the partitions. The store it has taken before: from the token.
            return self._reports[0][0].failure(error)
        return RestartOwnership(f"{error.name()}: {error.str()}")

    def _is_certain(self, copy: Copy) -> bool:
        """Whether the copy was alone in its batch, as all are that are larger than batches become."""
        return copy.size_bytes > self.batch_bytes
