"""The thread that runs the jobs of one partition of the store, in transactions of copies and the progress they make.

One way back from every doubt: drop the producer and begin again at init_transactions, which fences every earlier owner
and ends its open transaction; then read what was committed, and continue from there. How a failed commit ended is read,
never guessed.
"""

from __future__ import annotations

import time
from contextlib import closing
from threading import Event, Thread

from confluent_kafka import KafkaException

from kafka.backoff import Backoff
from kafka.client.clients import log
from kafka.client.config import ClusterConfig
from kafka.jobs.worker.failed_turns import FailedTurns
from kafka.jobs.worker.ownership import Ownership, Shared
from kafka.jobs.worker.transactions import RestartOwnership

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
_HEALTHY_SECONDS = 30.0


class PartitionOwner(Thread):
    """The thread that owns one partition of the store, until it is stopped.

    Args:
        config: the cluster.
        partition: of the store.
        shared: what it has in common with the other owners of the process.
    """

    def __init__(self, config: ClusterConfig, partition: int, shared: Shared) -> None:
        super().__init__(name=f"{config.name} jobs {partition}", daemon=True)
        self._config = config
        self._partition = partition
        self._shared = shared
        self._stopped = Event()

    def stop(self) -> None:
        """Let the thread end once the transaction under way is finished."""
        self._stopped.set()

    def run(self) -> None:
        """Run jobs until stopped."""
        pauses = Backoff(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
        failed = FailedTurns()
        while not self._stopped.is_set():
            begun = time.monotonic()
            try:
                with closing(
                    Ownership(self._config, self._partition, self._shared, failed, self._stopped)
                ) as ownership:
                    ownership.run()
            except (RestartOwnership, KafkaException) as error:
                log.warning("%s: beginning again: %s", self.name, error)
                if not self._stopped.is_set():
                    self._shared.problems.report(range(self._partition, self._partition + 1), error)
            except Exception:  # noqa: BLE001 the thread's edge: else its jobs would stand still until the next rebalance
                log.exception("%s: beginning again", self.name)
            if time.monotonic() - begun > _HEALTHY_SECONDS:
                pauses.reset()
            self._stopped.wait(pauses.begin())
