"""A worker of jobs as a process of its own, which ends itself at a named point if told to.

usage: python -m tests.support.job_worker BOOTSTRAP NAME [POINT]     NAME is that of store, group and transactional ids
"""

from __future__ import annotations

import os
import signal
import sys
from threading import Event, Timer
from typing import Any

from confluent_kafka import Producer

from kafka.client.config import ClusterConfig, JobsConfig
from kafka.jobs.worker import transactions
from kafka.jobs.worker.group import JobsWorker
from kafka.jobs.worker.renewal import keep_running

POINTS = (
    "before the progress",
    "in the commit",
    "before reading back",
    "in the mark",
    "before the commit",
    "while adopting",
)

KEYED_POINTS = ("before the answer", "before the commit of an answer", "in the commit of an answer")
"""Those of single resends with a key."""


def die() -> None:
    """End as kill -9 ends a process."""
    os.kill(os.getpid(), signal.SIGKILL)


class DyingProducer(Producer):
    """A producer that ends the process at a point: of a transaction with copies the second one that it is in."""

    point = ""
    store = ""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._kinds: set[str] = set()
        self._with_copies = 0

    def init_transactions(self, *arguments: Any) -> None:
        super().init_transactions(*arguments)
        if self.point == "before reading back":
            die()

    def begin_transaction(self) -> None:
        self._kinds.clear()
        super().begin_transaction()

    def produce(self, topic: str, value: Any = None, key: Any = None, *arguments: Any, **named: Any) -> None:
        kind = "copy" if topic != self.store else "mark" if b"/" not in key else key.decode().partition("/")[2]
        if kind == "answer" and self.point == "before the answer":
            die()
        if kind == "state" and "copy" in self._kinds and self.point == "before the progress":
            # The copies are acknowledged, and where they are is known.
            die()
        self._kinds.add(kind)
        super().produce(topic, value, key, *arguments, **named)

    def commit_transaction(self, *arguments: Any) -> None:
        self._with_copies += "copy" in self._kinds
        second = "copy" in self._kinds and self._with_copies == 2
        if (
            (self.point == "before the commit" and second)
            or (self.point == "in the mark" and "mark" in self._kinds)
            or (self.point == "while adopting" and "plan" in self._kinds)
            or (self.point == "before the commit of an answer" and "answer" in self._kinds)
        ):
            die()
        if (self.point == "in the commit" and second) or (
            self.point == "in the commit of an answer" and "answer" in self._kinds
        ):
            # The request is under way when the process ends.
            Timer(0.004, die).start()
        super().commit_transaction(*arguments)


def config_of(bootstrap: str, name: str) -> ClusterConfig:
    """Return the cluster with jobs of a test's own."""
    jobs = JobsConfig(topic=name, group=name, transactional_prefix=name, partitions=6, batch_records=500)
    return ClusterConfig("test", (bootstrap,), jobs=jobs)


def main(bootstrap: str, name: str, point: str = "") -> None:
    """Run until SIGTERM."""
    stopped = Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    if point:
        DyingProducer.point, DyingProducer.store = point, name
        transactions.Producer = DyingProducer  # type: ignore[attr-defined]
    config = config_of(bootstrap, name)
    keep_running(config, lambda: JobsWorker(config), stopped)


if __name__ == "__main__":
    main(*sys.argv[1:])
