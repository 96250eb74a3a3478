"""Shares the store's partitions among all workers, by a consumer group."""

from __future__ import annotations

import time
from collections.abc import Mapping
from threading import Event

from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicPartition

from kafka.admin import Admin
from kafka.clients import ErrorLog, LibraryLog, log
from kafka.config import ClusterConfig, worker_properties
from kafka.jobs.owner import PartitionOwner
from kafka.jobs.preparing import Preparing
from kafka.jobs.rules import MayResend, Rules, nobody
from kafka.jobs.store import StoreError, ensure_store, find_store
from kafka.policy import ResendPolicy

_POLL_SECONDS = 0.2
_HAND_OVER_SECONDS = 5.0
_TRY_AGAIN_SECONDS = 1.0


class JobsWorker:
    """Runs the jobs of one cluster, together with all other workers of the same group.

    Args:
        config: the cluster.
        policies: what may be resent, by instance: several of them on one cluster share the store and its workers. None:
            only the cluster's own.
        may_resend: what callers may do now, for jobs whose target comes out of the records' headers.
    """

    def __init__(
        self,
        config: ClusterConfig,
        policies: Mapping[str, ResendPolicy] | None = None,
        may_resend: MayResend = nobody,
    ) -> None:
        self._config = config
        self._name = f"{config.name} worker"
        self._errors = ErrorLog(self._name)
        self._owners: dict[int, PartitionOwner] = {}
        rules = Rules({config.name: config.policy} if policies is None else policies, may_resend)
        self._preparing = Preparing(config, rules)

    def run(self, stopped: Event) -> None:
        """Run jobs until stopped; then finish the transactions under way, and hand over."""
        if not self._wait_for_store(stopped):
            return
        consumer = Consumer(
            {**worker_properties(self._config), "error_cb": self._errors}, logger=LibraryLog(self._name)
        )
        consumer.subscribe(
            [self._config.jobs.topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
        )
        try:
            while not stopped.is_set():
                # Its records are read elsewhere; this one is only a member of the group.
                message = consumer.poll(_POLL_SECONDS)
                if message is not None and (error := message.error()) is not None:
                    self._errors(error)
        finally:
            # Revokes, and so stops the owners.
            consumer.close()
            self._stop(list(self._owners))
            self._preparing.close()

    def _wait_for_store(self, stopped: Event) -> bool:
        """Wait until the first job has been made, and with it the store; it is of no use before, and not made here."""
        admin = Admin(self._config)
        told: str | None = None
        while not stopped.is_set():
            try:
                if find_store(admin, self._config.jobs.topic) is not None:
                    ensure_store(admin, self._config)
                    return True
                reason = None
            except (StoreError, KafkaException) as error:
                reason = str(error)
            if reason is not None and reason != told:
                log.error("%s: no jobs are run: %s", self._name, reason)
            told = reason
            stopped.wait(_TRY_AGAIN_SECONDS)
        return False

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        ends = [TopicPartition(partition.topic, partition.partition, OFFSET_END) for partition in partitions]
        consumer.incremental_assign(ends)
        consumer.pause(ends)
        for partition in partitions:
            owner = self._owners[partition.partition] = PartitionOwner(
                self._config, partition.partition, self._preparing
            )
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
