"""The client that asks a cluster for everything but records, also while one of its brokers is away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import Future, wait
from contextlib import suppress
from threading import Event
from typing import TypeVar

from confluent_kafka import OFFSET_INVALID, KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ListOffsetsResultInfo

from kafka.client.clients import callbacks
from kafka.client.config import ClusterConfig
from kafka.client.properties import admin_properties

_PATIENCE_SECONDS = 0.25
_METADATA_SECONDS = 1.0
_Answer = TypeVar("_Answer")


class Admin(AdminClient):
    """An AdminClient whose answers come, if any broker can give them.

    librdkafka sends most requests to the broker that the metadata calls the controller: since KRaft any that is alive,
    another one each time. When that broker dies, they wait for it to come back, and while its address refuses
    connections they cost a whole core (2.16, measured: two threads of the client wake each other). Metadata any broker
    is asked for, and with the answer the client turns to the one that it names now.

    Args:
        config: the cluster.
        error_cb: takes what the library reports, whenever the client is polled; None: nobody does.
        stopped: ends what waits in `wait_for` once it is set; None: an event of its own.

    Attributes:
        stopped: that event.
    """

    def __init__(
        self,
        config: ClusterConfig,
        error_cb: Callable[[KafkaError], None] | None = None,
        stopped: Event | None = None,
    ) -> None:
        reports = {} if error_cb is None else callbacks(config, f"{config.name} admin", error_cb)
        super().__init__({**reports, **admin_properties(config)})
        self._any_topic = config.jobs.topic
        self.stopped = stopped or Event()

    async def answer(self, asked: Future[_Answer]) -> _Answer:
        """Return the answer to a request that was made.

        Raises:
            KafkaException: there is none, or it is an error.
        """
        answer = asyncio.wrap_future(asked)
        try:
            while not (await asyncio.wait([answer], timeout=_PATIENCE_SECONDS))[0]:
                with suppress(KafkaException):
                    await asyncio.to_thread(self.refresh_metadata, _METADATA_SECONDS)
            return answer.result()
        finally:
            # A request that is not waited for any more has no use for its error either.
            answer.cancel()

    def wait_for(self, asked: Future[_Answer]) -> _Answer:
        """Return the answer to a request that was made, where there is no event loop.

        Raises:
            KafkaException: there is none, or it is an error; `_DESTROY`: what asks is to stop.
        """
        while not wait([asked], _PATIENCE_SECONDS).done:
            if self.stopped.is_set():
                raise KafkaException(KafkaError(KafkaError._DESTROY))
            with suppress(KafkaException):
                self.refresh_metadata(_METADATA_SECONDS)
        return asked.result()

    async def learn_leaders(self, topics: Collection[str]) -> None:
        """Ask any broker who leads the partitions of these topics; what is not learnt now may be another time."""
        with suppress(KafkaException):
            topic = next(iter(topics)) if len(topics) == 1 else None
            await asyncio.to_thread(self.list_topics, topic, _METADATA_SECONDS)

    def refresh_metadata(self, timeout_seconds: float) -> int:
        """Ask any broker for metadata, and turn to the broker that it names; return how many there are.

        The topic need not be there, and is not created.

        Raises:
            KafkaException: none answered in time.
        """
        return len(self.brokers(timeout_seconds))

    def brokers(self, timeout_seconds: float) -> list[tuple[int, str, int]]:
        """Return number, host and port of each broker, as refresh_metadata."""
        found = self.list_topics(self._any_topic, timeout_seconds).brokers.values()
        return sorted((broker.id, str(broker.host), broker.port) for broker in found)


def offset_of(answer: ListOffsetsResultInfo) -> int:
    """Return the offset in an answer to list_offsets; -1 where no record is as late as the time that was asked for.

    Raises:
        KafkaException: there is none. Of a broker that hangs the library (2.16, measured) gives an answer without an
            error, and with an offset that is not valid.
    """
    offset: int = answer.offset
    if offset == OFFSET_INVALID:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
    return offset
