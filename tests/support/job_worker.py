"""A worker of jobs as a process of its own, which ends itself at a named point if told to.

usage: python -m tests.support.job_worker BOOTSTRAP NAME [POINT]     NAME is that of store, group and transactional ids
"""

from __future__ import annotations

import os
import signal
import sys
from threading import Event
from typing import Any

from confluent_kafka import Producer

from kafka.config import ClusterConfig, JobsConfig
from kafka.jobs import owner
from kafka.jobs.worker import JobsWorker

POINTS = ("before the commit", "in the commit", "before reading back", "while adopting")


def die() -> None:
    """End as kill -9 ends a process."""
    os.kill(os.getpid(), signal.SIGKILL)


class DyingProducer(Producer):
    """A producer that ends the process at a point of the third transaction that it is in."""

    point = ""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._commits = 0

    def commit_transaction(self, *arguments: Any) -> None:
        self._commits += 1
        if self.point == "while adopting" or (self.point == "before the commit" and self._commits == 3):
            self.flush()
            die()
        if self.point == "in the commit" and self._commits == 3:
            # The request is under way when the process ends.
            from threading import Timer  # noqa: PLC0415 of no use elsewhere

            Timer(0.004, die).start()
        super().commit_transaction(*arguments)

    def init_transactions(self, *arguments: Any) -> None:
        super().init_transactions(*arguments)
        if self.point == "before reading back":
            die()


def config_of(bootstrap: str, name: str) -> ClusterConfig:
    """Return the cluster with jobs of a test's own."""
    jobs = JobsConfig(topic=name, group=name, transactional_prefix=name, partitions=3, batch_records=500)
    return ClusterConfig("test", (bootstrap,), jobs=jobs)


def main(bootstrap: str, name: str, point: str = "") -> None:
    """Run until SIGTERM."""
    stopped = Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    if point:
        DyingProducer.point = point
        owner.Producer = DyingProducer  # type: ignore[attr-defined]
    JobsWorker(config_of(bootstrap, name)).run(stopped)


if __name__ == "__main__":
    main(*sys.argv[1:])
