"""The worker of jobs that `kafka-resend serve` runs beside itself, as a process of its own.

A job in the serving process would cost single resends their latency: their p99 rose from 4 to 20 ms (measured).
"""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from threading import Event, Thread

from kafka.backoff import Backoff

_STOP_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_HEALTHY_SECONDS = 60.0

_log = logging.getLogger("service")


class WorkerProcess:
    """A worker process that is started again when it ends by itself, and that ends with this one, however this ends."""

    def __init__(self) -> None:
        self._stopped = Event()
        self._thread = Thread(target=self._keep_running, name="worker of jobs", daemon=True)

    def start(self) -> None:
        """Start the worker."""
        self._thread.start()

    def stop(self) -> None:
        """Have the worker hand over its jobs, and wait until it has ended."""
        self._stopped.set()
        self._thread.join(2 * _STOP_SECONDS)

    def _keep_running(self) -> None:
        pauses = Backoff(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
        while not self._stopped.is_set():
            begun = time.monotonic()
            self._run()
            if self._stopped.is_set():
                return
            if time.monotonic() - begun > _HEALTHY_SECONDS:
                pauses.reset()
            _log.error("the worker of jobs has ended; starting it again in %g s", pauses.seconds)
            self._stopped.wait(pauses.begin())

    def _run(self) -> None:
        """Run the worker until it ends, or until stopped."""
        # In a session of its own, or Ctrl-C would reach it too; its standard input closes when this process is gone.
        with subprocess.Popen(
            [sys.executable, "-m", "service", "worker", "--with-parent"], stdin=subprocess.PIPE, start_new_session=True
        ) as process:
            while process.poll() is None:
                if self._stopped.wait(0.2):
                    process.terminate()
                    try:
                        process.wait(_STOP_SECONDS)
                    except subprocess.TimeoutExpired:
                        process.kill()
