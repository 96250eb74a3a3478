"""Shares the store's partitions among all workers, by a consumer group."""

from __future__ import annotations

import time
from collections.abc import Mapping
from threading import Event

from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicPartition

from kafka.client.admin import Admin
from kafka.client.clients import ErrorLog, LibraryLog, callbacks, log
from kafka.client.config import ClusterConfig
from kafka.client.connection import ConnectionErrors
from kafka.client.properties import worker_properties
from kafka.jobs.idempotency.copy_preparer import CopyPreparer
from kafka.jobs.store.topic import Store, StoreError, ensure_store, find_store
from kafka.jobs.worker.liveness import ProblemReporter
from kafka.jobs.worker.owner import PartitionOwner
from kafka.jobs.worker.ownership import Shared
from kafka.jobs.worker.read_ahead import ReadAhead
from kafka.jobs.worker.rules import CodeOf, MayResend, Rules, no_code, nobody
from kafka.model.errors import ClusterAway
from kafka.model.policy import ResendPolicy

_POLL_SECONDS = 0.2
_HAND_OVER_SECONDS = 5.0
_TRY_AGAIN_SECONDS = 1.0
_ASK_EVERY_SECONDS = 5.0
_ASK_SECONDS = 1.0
_UNANSWERED_SECONDS = 20.0
"""After so long without an answer the clients are made again: they may have lost all brokers, see kafka.cluster."""
_KEPT_SECONDS = 60.0
_MOST_UNANSWERED = 3


class JobsWorker:
    """Runs the jobs of one cluster, together with all other workers of the same group.

    Args:
        config: the cluster.
        policies: what may be resent, by instance: several of them on one cluster share the store and its workers. None:
            only the cluster's own.
        may_resend: what callers may do now, for jobs whose target comes out of the records' headers.
        code_of: the codes of errors, for the failures of jobs.
        read_ahead: shared with the other workers of the process; None: there are none.
    """

    def __init__(
        self,
        config: ClusterConfig,
        policies: Mapping[str, ResendPolicy] | None = None,
        may_resend: MayResend = nobody,
        code_of: CodeOf = no_code,
        read_ahead: ReadAhead | None = None,
    ) -> None:
        self._config = config
        self._name = f"{config.name} worker"
        self._errors = ErrorLog(self._name)
        self._began = time.monotonic()
        self._owners: dict[int, PartitionOwner] = {}
        allowed = {config.name: config.policy} if policies is None else policies
        rules = Rules(allowed, may_resend, code_of, config.dialects)
        self._shared = Shared(
            CopyPreparer(config, rules),
            read_ahead or ReadAhead(config.jobs.read_ahead_mb),
            ProblemReporter(config),
        )

    def run(self, stopped: Event) -> None:
        """Run jobs until stopped, or until the cluster was away for so long that all has to be begun again.

        Then finish the transactions under way, and hand over.
        """
        store = self._wait_for_store(stopped)
        if store is None:
            return
        consumer = Consumer(
            {**callbacks(self._config, self._name, self._errors), **worker_properties(self._config)},
            logger=LibraryLog(self._name),
        )
        consumer.subscribe(
            [self._config.jobs.topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
        )
        answers = _Answers(consumer, self._config.jobs.topic)
        try:
            while not stopped.is_set():
                if answers.missing() or self._preparing_fails():
                    log.warning("%s: the cluster does not answer; beginning again", self._name)
                    return
                # Its records are read elsewhere; this one is only a member of the group.
                message = consumer.poll(_POLL_SECONDS)
                if message is not None and (error := message.error()) is not None:
                    self._errors(error)
                    self._shared.problems.report(range(store.partitions), KafkaException(error))
        finally:
            # Revokes, and so stops the owners.
            consumer.close()
            self._stop(list(self._owners))
            self._shared.copy_preparer.close()

    def _preparing_fails(self) -> bool:
        """Whether records of single resends were not read for so long that their reader's clients may be to blame."""
        old = time.monotonic() - self._began >= _KEPT_SECONDS
        return old and self._shared.copy_preparer.unanswered >= _MOST_UNANSWERED

    def _wait_for_store(self, stopped: Event) -> Store | None:
        """Wait until the first job has been made, and with it the store; it is of no use before, and not made here."""
        errors = ConnectionErrors()
        admin = Admin(self._config, errors, stopped)
        told: str | None = None
        while not stopped.is_set():
            try:
                if find_store(admin, self._config.jobs.topic) is not None:
                    return ensure_store(admin, self._config)
                reason = None
                if told is not None:
                    log.info("%s: the cluster answers; waiting for the first job", self._name)
            except StoreError as error:
                reason = str(error)
            except KafkaException as error:
                if stopped.is_set():
                    break
                admin.poll(0)  # serves error_cb
                reason = errors.explain(ClusterAway(str(error))).reason
                # One that has lived through an outage may time out for good.
                admin = Admin(self._config, errors, stopped)
            if reason is not None and reason != told:
                log.error("%s: no jobs are run: %s", self._name, reason)
            told = reason
            stopped.wait(_TRY_AGAIN_SECONDS)
        return None

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        ends = [TopicPartition(partition.topic, partition.partition, OFFSET_END) for partition in partitions]
        consumer.incremental_assign(ends)
        consumer.pause(ends)
        for partition in partitions:
            owner = self._owners[partition.partition] = PartitionOwner(self._config, partition.partition, self._shared)
            owner.start()

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._stop([partition.partition for partition in partitions])
        consumer.incremental_unassign(partitions)

    def _lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Others own them already, and have fenced us: do not wait, and do not commit."""
        for partition in partitions:
            owner = self._owners.pop(partition.partition, None)
            if owner is not None:
                owner.stop()
        consumer.incremental_unassign(partitions)

    def _stop(self, partitions: list[int]) -> None:
        owners = [owner for number in partitions if (owner := self._owners.pop(number, None)) is not None]
        for owner in owners:
            owner.stop()
        deadline = time.monotonic() + _HAND_OVER_SECONDS
        for owner in owners:
            owner.join(max(0.0, deadline - time.monotonic()))


class _Answers:
    """Whether a client still gets answers, asked by the thread that polls it.

    Args:
        consumer: the client.
        topic: one that may be asked for.
    """

    def __init__(self, consumer: Consumer, topic: str) -> None:
        self._consumer = consumer
        self._topic = topic
        self._answered = self._asked = time.monotonic()

    def missing(self) -> bool:
        """Whether there was none for so long that the client may be to blame."""
        if time.monotonic() - self._asked < _ASK_EVERY_SECONDS:
            return False
        try:
            self._consumer.list_topics(self._topic, timeout=_ASK_SECONDS)
        except KafkaException:
            self._asked = time.monotonic()
        else:
            self._answered = self._asked = time.monotonic()
        return self._asked - self._answered >= _UNANSWERED_SECONDS
