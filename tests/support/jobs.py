"""Workers of jobs, as threads of the test's own process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event, Thread

import pytest

from kafka.config import ClusterConfig
from kafka.jobs.worker import JobsWorker


class RunningWorker:
    """A worker that runs until it is stopped.

    Args:
        config: the cluster.
    """

    def __init__(self, config: ClusterConfig) -> None:
        self._stopped = Event()
        self._thread = Thread(target=JobsWorker(config).run, args=(self._stopped,), daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 30.0) -> bool:
        """Stop it as an operator would; return whether it has ended in time."""
        self._stopped.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()


StartWorker = Callable[[ClusterConfig], RunningWorker]


@pytest.fixture
def start_worker() -> Iterator[StartWorker]:
    """A function that starts workers, which are stopped after the test."""
    running: list[RunningWorker] = []

    def start(config: ClusterConfig) -> RunningWorker:
        worker = RunningWorker(config)
        running.append(worker)
        return worker

    yield start
    ended = [worker.stop() for worker in running]
    assert all(ended)
