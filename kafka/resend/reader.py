"""Read the record at a position: many at once, each exactly that one.

read() ──> ReadQueue ──> ReaderThread, ReaderThread …  ──> the caller's future
^                      │ no record came
└── MissingRecordInspector <─┘
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection

from kafka.client.config import ClusterConfig
from kafka.client.connection import ConnectionErrors
from kafka.hooks import RecordsRead, records_read
from kafka.metadata.topic import Topic
from kafka.model.records import Position, Record
from kafka.resend.missing_records import MissingRecordInspector
from kafka.resend.read_queue import Partition, ReadQueue, Request
from kafka.resend.reader_thread import ReaderThread, Result


class Reader:
    """Reads records at positions, from an event loop, with threads of its own.

    Args:
        config: the cluster; its limits say how many threads, positions and waiting requests there are.
        errors: takes what the clients report of their connections.
    """

    def __init__(self, config: ClusterConfig, errors: ConnectionErrors | None = None) -> None:
        limits = config.limits
        self._cluster = config.name
        self._loop = asyncio.get_running_loop()
        self._waiting = ReadQueue(limits.max_queued_requests)
        self._inspector = MissingRecordInspector(
            config, limits.max_queued_requests, self._settle, self._waiting.put_back, errors
        )
        self._threads = [
            ReaderThread(f"{config.name} reader {number}", config, self._waiting, self._inspector, self._settle)
            for number in range(limits.readers)
        ]
        for thread in (self._inspector, *self._threads):
            thread.start()

    async def read(self, position: Position, topic: Topic, deadline: float) -> Record:
        """Return the committed record stored at exactly this position.

        Args:
            position: topic, partition and offset of the record.
            topic: the facts of that topic, not older than a few seconds.
            deadline: point of time.monotonic() after which to give up.

        Raises:
            TopicMissing, PartitionMissing: it was deleted meanwhile.
            OffsetExpired: the offset is below the log start offset.
            OffsetAtEnd, OffsetBeyondEnd: the offset is not written yet.
            NoRecordAtOffset: the log continues past it (compaction, a transaction marker, an aborted transaction).
            TransactionOpen: a transaction below it was still open at the deadline.
            RecordDamaged: it fails the checksum.
            HeaderNameNotUtf8: the record cannot be read faithfully.
            AccessDenied: Kafka's ACLs forbid reading the topic.
            QueueFull, Closing: it was not even tried.
            ClusterAway, DeadlineExceeded: the broker did not answer in time.

        Source: librdkafka sends nothing at all for offsets between the last stable offset and the high watermark.
        """
        request = Request(position, topic, self._loop.create_future())
        stable = self._inspector.stalled.get((position.topic, position.partition))
        if stable is not None and position.offset >= stable:
            self._inspector.hold(request)
        else:
            self._waiting.put(request)
        timer = self._loop.call_later(deadline - request.arrived, request.expire)
        try:
            record = await request.future
        finally:
            timer.cancel()
        if records_read.listeners:
            seconds = time.monotonic() - request.arrived
            records_read(RecordsRead(self._cluster, position.topic, 1, seconds, "position"))
        return record

    @property
    def held_back(self) -> frozenset[Partition]:
        """The partitions where requests wait for an open transaction to end."""
        return frozenset(self._inspector.stalled)

    async def close(self) -> None:
        """End the threads once nothing waits any more."""
        self._waiting.close()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)
        self._inspector.close()
        await asyncio.to_thread(self._inspector.join)

    def _settle(self, results: Collection[Result]) -> None:
        """Hand results to the event loop, from any thread: one wake-up for all of them."""
        self._loop.call_soon_threadsafe(_deliver, results)


def _deliver(results: Collection[Result]) -> None:
    for request, result in results:
        if request.future.done():
            continue
        if isinstance(result, Record):
            request.future.set_result(result)
        else:
            request.future.set_exception(result)
