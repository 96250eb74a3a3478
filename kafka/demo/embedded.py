"""The in-process broker for a first try: librdkafka's own mock cluster, in memory, gone with the process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from confluent_kafka import Producer

from kafka.demo.samples import write_samples

if TYPE_CHECKING:
    from types import TracebackType

EMBEDDED_PARTITIONS = 4
"""What librdkafka's mock cluster gives every topic; no property of the client changes it. About 4.5 MB each."""

_START_SECONDS = 10.0


class EmbeddedBroker:
    """One broker inside this process, at a free port of 127.0.0.1, with the sample records in `topic-test`.

    It keeps records in memory and answers the produce, fetch, metadata and group requests of clients built on
    librdkafka (Python, Go, .NET, kcat); Java's client 4.3 finds no way in. It has no admin requests, no look-up by time
    and no isolation of transactions, and makes any topic that is written to. It is for a first try, not for tests of
    behaviour.

    Source: librdkafka's property test.mock.num.brokers. The mock cluster lives as long as the client that carries it.
    """

    def __init__(self) -> None:
        self._carrier: Producer | None = None

    def start(self) -> str:
        """Start the broker, write the sample records, and return its address as host:port.

        Raises:
            kafka.samples.SamplesNotWritten: it did not take the records.
        """
        self._carrier = Producer({"test.mock.num.brokers": 1, "log_level": 0})
        brokers = self._carrier.list_topics(timeout=_START_SECONDS).brokers.values()
        address = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
        write_samples(address, _START_SECONDS)
        return address

    def stop(self) -> None:
        """End the broker and forget its records; close the clients first, they would try to come back to it."""
        self._carrier = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
