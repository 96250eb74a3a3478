"""What clients of librdkafka have in common: a log and errors that must not flood ours, and how they take records."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kafka.hooks import ClientStatistics, client_statistics

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message, Producer

    from kafka.client.config import ClusterConfig
    from kafka.client.connection import ConnectionErrors
    from kafka.model.copies import ProducerRecord

log = logging.getLogger("kafka")

IDLE_POLL_SECONDS = 10.0
"""How often a client that has nothing to do is polled, for what it has to report."""

_QUIET_SECONDS = 10.0
_STATISTICS_MS = 5000
"""How often a client gathers figures, if somebody listens, and unless its properties say otherwise."""


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
        errors: takes each of them as well, to explain why the cluster is away.

    Attributes:
        fatal: the first error after which the client is of no use any more.
    """

    def __init__(self, client: str, errors: ConnectionErrors | None = None) -> None:
        self._client = client
        self._errors = errors
        self._last: dict[int, float] = {}
        self.fatal: KafkaError | None = None

    def __call__(self, error: KafkaError) -> None:
        """Take an error, as librdkafka's error_cb."""
        if self._errors is not None:
            self._errors(error)
        if error.fatal() and self.fatal is None:
            self.fatal = error
        now = time.monotonic()
        if now - self._last.get(error.code(), -_QUIET_SECONDS) >= _QUIET_SECONDS:
            self._last[error.code()] = now
            log.warning("%s: %s: %s", self._client, error.name(), error.str())


def callbacks(config: ClusterConfig, client: str, errors: Callable[[KafkaError], None]) -> dict[str, Any]:
    """Return the properties by which a client reports; those of the operator go over them.

    Args:
        config: the cluster.
        client: what to call the client.
        errors: takes its errors.
    """
    found: dict[str, Any] = {"error_cb": errors}
    if client_statistics.listeners:

        def tell(statistics: str) -> None:
            client_statistics(ClientStatistics(config.name, client, json.loads(statistics)))

        found |= {"stats_cb": tell, "statistics.interval.ms": _STATISTICS_MS}
    return found


def produce(producer: Producer, record: ProducerRecord, report: Callable[[KafkaError | None, Message], None]) -> None:
    """Hand a record over to a Producer.

    Args:
        producer: polled by its user.
        record: what to write, and where.
        report: is called with the outcome when the Producer is polled.

    Raises:
        BufferError: the Producer's queue is full.
        KafkaException: it does not take the record.
    """
    producer.produce(
        record.topic,
        record.value,
        record.key,
        record.partition,
        # 0 is what the library takes for the current time.
        timestamp=0 if record.timestamp_ms is None else record.timestamp_ms,
        headers=list(record.headers),
        on_delivery=report,
    )


def written_offset(message: Message) -> int | None:
    """Return the offset of a record that was written; None where the broker's answer has none."""
    offset = message.offset()
    return offset if offset is not None and offset >= 0 else None
