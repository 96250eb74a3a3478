"""What all clients of librdkafka have in common: their log and their errors, neither of which may flood ours."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

log = logging.getLogger("kafka")

IDLE_POLL_SECONDS = 10.0
"""How often a client that has nothing to do is polled, for what it has to report."""

_QUIET_SECONDS = 10.0


class LibraryLog:
    """Takes the lines of a client's own log, and passes on one of each kind in ten seconds.

    While a broker is away each client logs several lines a second, and a client that is not polled meanwhile delivers
    hundreds at once when it is closed. Below warnings all are left out.

    Args:
        client: what to call the client in the log.
    """

    def __init__(self, client: str) -> None:
        self._client = client
        self._last: dict[str, float] = {}

    def log(self, level: int, _format: str, facility: str, _instance: str, line: str) -> None:
        """Take a line, as confluent-kafka calls the `log` method of a logger."""
        now = time.monotonic()
        if level >= logging.WARNING and now - self._last.get(facility, -_QUIET_SECONDS) >= _QUIET_SECONDS:
            self._last[facility] = now
            log.warning("%s: %s: %s", self._client, facility, line)


class ErrorLog:
    """An error_cb that logs each kind of error at most every ten seconds, and remembers whether one was fatal.

    While a broker is away librdkafka reports _TRANSPORT and _ALL_BROKERS_DOWN hundreds of times.

    Args:
        client: what to call the client in the log.

    Attributes:
        fatal: the first error after which the client is of no use any more.
    """

    def __init__(self, client: str) -> None:
        self._client = client
        self._last: dict[int, float] = {}
        self.fatal: KafkaError | None = None

    def __call__(self, error: KafkaError) -> None:
        """Take an error, as librdkafka's error_cb."""
        if error.fatal() and self.fatal is None:
            self.fatal = error
        now = time.monotonic()
        if now - self._last.get(error.code(), -_QUIET_SECONDS) >= _QUIET_SECONDS:
            self._last[error.code()] = now
            log.warning("%s: %s: %s", self._client, error.name(), error.str())
