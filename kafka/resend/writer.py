"""Write one record, mostly a copy, and wait for its acknowledgement."""

from __future__ import annotations

import asyncio
import time

from confluent_kafka import KafkaError

from kafka.client.config import BATCH_BYTES, ClusterConfig
from kafka.client.connection import ConnectionErrors
from kafka.model.copies import ProducerRecord
from kafka.model.errors import ClusterAway, DeadlineExceeded, NotEnoughReplicas, TopicMissing
from kafka.resend.admission import WriteAdmission
from kafka.resend.producer_thread import BatchRefused, NotTaken, ProducerThread, Written

_TRY_AGAIN_SECONDS = 0.05
_REPLICAS_SECONDS = 1.0
"""How long replicas may be missing before that is told; one that was restarted is in sync again after seconds."""


class Writer:
    """Writes records, from one event loop, with a Producer that never sends a copy twice, and a thread that polls it.

    The library is not to try again by itself. An idempotent Producer does so safely only as long as it keeps its epoch,
    which it gives up when any copy times out or is refused: what it then sends again to other partitions is written
    twice although it was acknowledged once (librdkafka issue 4953, and measured). And of a copy that is refused at the
    second try, the first one may have been written. So what was sent and not answered is told as unknown, and what a
    broker has certainly not taken is tried again here.

    Copies for one partition that wait together go in one batch: for consecutive records of one partition that makes
    13,300 resends a second of 4,000 (64 in flight, measured). A broker refuses a whole batch for one bad record, so the
    copies of a refused batch, of which nothing was written, are written once more by another Writer, which puts each
    into a batch of its own: then only the culprit is refused.

    Args:
        config: the cluster; its limits say how long an acknowledgement may take.
        errors: takes what the clients report of their connections.
        batching: whether copies may share a batch.
        admissions: what is in flight, by broker; one quota is for all Writers of a cluster.
    """

    def __init__(
        self,
        config: ClusterConfig,
        errors: ConnectionErrors | None = None,
        *,
        batching: bool = True,
        admissions: dict[int | None, WriteAdmission] | None = None,
    ) -> None:
        self._config = config
        self._errors = errors
        self._batching = batching
        self._one_by_one: Writer | None = None
        self._admissions: dict[int | None, WriteAdmission] = {} if admissions is None else admissions
        self._thread = ProducerThread(config, self._throttled, errors, batching=batching)
        self._thread.start()

    async def write(
        self, record: ProducerRecord, deadline: float, largest_batch_bytes: int, leader: int | None = None
    ) -> Written:
        """Write a record; return once all in-sync replicas have it.

        Once it is handed over, this waits for the outcome even past the deadline: nobody is answered before.

        Args:
            record: what to write, and where.
            deadline: point of time.monotonic(); it is handed over only if the delivery timeout ends before it.
            largest_batch_bytes: what the topic takes; where batches could be larger, the record gets one of its own.
            leader: number of the broker that it goes to, which has quotas of its own; None where that is not known.

        Raises:
            DeadlineExceeded: too little time was left; nothing was written.
            TopicMissing, AccessDenied: nothing was written, and nothing will be.
            QueueFull, ClusterAway, NotEnoughReplicas, Throttled: nothing was written.
            ResendError: as ProducerRecord.failure of the record; also that it may or may not have been written.
        """
        if self._batching and largest_batch_bytes < BATCH_BYTES:
            return await self._alone().write(record, deadline, largest_batch_bytes, leader)
        latest = deadline - self._config.limits.delivery_timeout_seconds
        if time.monotonic() > latest:
            raise DeadlineExceeded("the record, too late to write a copy of it")
        admission = self._admission(leader)
        gone: float | None = None
        while True:
            try:
                return await self._write_admitted(record, admission, latest)
            except BatchRefused:
                return await self._alone().write(record, deadline, largest_batch_bytes, leader)
            except NotTaken as error:
                now = time.monotonic()
                if error.kafka_code == KafkaError.NOT_ENOUGH_REPLICAS:
                    gone = now if gone is None else gone
                    if now - gone >= _REPLICAS_SECONDS or now + _TRY_AGAIN_SECONDS > latest:
                        raise NotEnoughReplicas(record.topic, record.partition) from None
                elif now + _TRY_AGAIN_SECONDS > latest:
                    missing = error.kafka_code == KafkaError._UNKNOWN_TOPIC
                    raise TopicMissing(record.topic) if missing else ClusterAway(error.reason) from None
                else:
                    gone = None
                await asyncio.sleep(_TRY_AGAIN_SECONDS)

    async def close(self) -> None:
        """Flush, then end the Producer."""
        if self._one_by_one is not None:
            await self._one_by_one.close()
        self._thread.stop()
        await asyncio.to_thread(self._thread.join)

    async def _write_admitted(self, record: ProducerRecord, admission: WriteAdmission, latest: float) -> Written:
        """Hand a record over once the quotas of its broker leave room for it."""
        admitted = await admission.enter(record.size_bytes, latest)
        acknowledged = False
        try:
            written = await self._thread.write(record)
            acknowledged = True
        finally:
            admission.exit(admitted, acknowledged=acknowledged)
        return written

    def _admission(self, leader: int | None) -> WriteAdmission:
        found = self._admissions.get(leader)
        if found is None:
            found = self._admissions[leader] = WriteAdmission(self._config.limits.delivery_timeout_seconds)
        return found

    def _throttled(self, broker: int, seconds: float) -> None:
        """Take note that a broker throttles; copies whose broker is not known may all be for this one."""
        for leader in (broker, None):
            self._admission(leader).throttle(seconds)

    def _alone(self) -> Writer:
        """Return the Writer of copies that must not share a batch; not many clusters ever need it."""
        if self._one_by_one is None:
            self._one_by_one = Writer(self._config, self._errors, batching=False, admissions=self._admissions)
        return self._one_by_one
