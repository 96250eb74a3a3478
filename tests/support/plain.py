"""A client that shares no code with the worker: what is written by one is read back by the other."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

Header = tuple[str, bytes | None]

WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A record as a bare consumer sees it; the timestamp_type is 1 for CreateTime, 2 for LogAppendTime."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    timestamp_ms: int
    timestamp_type: int


class Transaction:
    """A transaction left open.

    Args:
        producer: whose transaction it is.
        ended: returns when the transaction's marker is in the log.
    """

    def __init__(self, producer: Producer, ended: Callable[[], None]) -> None:
        self._producer = producer
        self._ended = ended

    def commit(self) -> None:
        self._producer.commit_transaction(WAIT_SECONDS)
        self._ended()

    def abort(self) -> None:
        self._producer.abort_transaction(WAIT_SECONDS)
        self._ended()


class PlainClient:
    """Ordinary clients of the library, used in the ordinary way."""

    compacting: ClassVar[dict[str, str]] = {
        "cleanup.policy": "compact",
        "segment.ms": "100",
        "min.cleanable.dirty.ratio": "0.01",
        "delete.retention.ms": "100",
        "max.compaction.lag.ms": "100",
    }
    """The configuration of a topic in which `compact` can make a hole."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        self._there: set[str] = set()

    def produce(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        headers: Sequence[Header] = (),
        *,
        partition: int = 0,
        timestamp_ms: int | None = None,
        **properties: str | int,
    ) -> int:
        """Write one record; return its offset. Properties have underscores where librdkafka has dots."""
        assert timestamp_ms != 0, "the library takes 0 for the present: produce_raw writes it"
        offsets: list[int] = []

        def delivered(error: KafkaError | None, message: Message) -> None:
            _delivered(error, message)
            offsets.append(message.offset() or 0)

        self._must_exist(topic)
        producer = self._producer(properties)
        producer.produce(
            topic,
            value,
            key,
            partition,
            on_delivery=delivered,
            timestamp=timestamp_ms or 0,
            headers=list(headers),
        )
        assert producer.flush(WAIT_SECONDS) == 0
        return offsets[0]

    def produce_many(
        self,
        topic: str,
        values: Iterable[bytes],
        *,
        partition: int = 0,
        timestamps_ms: Iterable[int] = (),
        headers: Iterable[Header] = (),
        headers_of: Callable[[int], Iterable[Header]] | None = None,
        **properties: str | int,
    ) -> None:
        """Write records in as few batches as possible, the first with these timestamps, all others with the present."""
        same: list[tuple[str, str | bytes | None]] = [*headers]
        self._must_exist(topic)
        producer = self._producer({"linger.ms": 50, **properties})
        times = itertools.chain(timestamps_ms, itertools.repeat(0))
        for number, (value, timestamp_ms) in enumerate(zip(values, times, strict=False)):
            own: list[tuple[str, str | bytes | None]] = same if headers_of is None else [*headers_of(number)]
            producer.produce(
                topic, value, b"key", partition, on_delivery=_delivered, timestamp=timestamp_ms, headers=own
            )
        assert producer.flush(WAIT_SECONDS) == 0

    def transaction(
        self, topic: str, partition: int, values: Iterable[bytes], outcome: Literal["commit", "abort", "open"]
    ) -> Transaction:
        """Write records in a transaction of its own, and end it unless it is to stay open.

        Two of them must not be open on one partition at the same time: neither would be seen to end.
        """
        offsets: list[int] = []

        def delivered(error: KafkaError | None, message: Message) -> None:
            _delivered(error, message)
            offsets.append(message.offset() or 0)

        self._must_exist(topic)
        producer = self._producer({"transactional.id": f"plain-{uuid.uuid4().hex}"})
        producer.init_transactions(WAIT_SECONDS)
        producer.begin_transaction()
        for value in values:
            producer.produce(topic, value, b"key", partition, on_delivery=delivered)
        assert producer.flush(WAIT_SECONDS) == 0

        def ended() -> None:
            # The coordinator answers before it has written the marker, which moves the last stable offset.
            self._wait(
                f"the transaction on {topic}/{partition} has ended",
                lambda: self._end(topic, partition, "read_committed") > max(offsets),
            )

        transaction = Transaction(producer, ended)
        if outcome == "commit":
            transaction.commit()
        elif outcome == "abort":
            transaction.abort()
        return transaction

    def log(
        self, topic: str, partition: int = 0, isolation: str = "read_uncommitted", start: int | None = None
    ) -> list[Seen]:
        """Return all records of a partition, from an offset, or the log start, to the end as it is now."""
        consumer = self._consumer(isolation)
        try:
            low, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=WAIT_SECONDS)
            start = low if start is None else start
            consumer.assign([TopicPartition(topic, partition, start)])
            seen: list[Seen] = []
            deadline = time.monotonic() + WAIT_SECONDS
            while start < end:
                assert time.monotonic() < deadline, f"{topic}/{partition} was not read to {end} within {WAIT_SECONDS} s"
                message = consumer.poll(0.1)
                if message is None:
                    continue
                error = message.error()
                if error is None:
                    record = _seen(message)
                    if record.offset < end:
                        seen.append(record)
                    if record.offset >= end - 1:
                        break
                elif error.code() == KafkaError._PARTITION_EOF and (message.offset() or 0) >= end:
                    break
            return seen
        finally:
            consumer.close()

    def read(self, topic: str, partition: int, offset: int, isolation: str = "read_uncommitted") -> Seen:
        """Return the record at an offset."""
        consumer = self._consumer(isolation)
        try:
            consumer.assign([TopicPartition(topic, partition, offset)])
            deadline = time.monotonic() + WAIT_SECONDS
            while time.monotonic() < deadline:
                message = consumer.poll(0.1)
                if message is None:
                    continue
                error = message.error()
                if error is None:
                    record = _seen(message)
                    assert record.offset == offset
                    return record
                assert error.code() != KafkaError._AUTO_OFFSET_RESET, f"{topic}/{partition} has no offset {offset}"
            raise AssertionError(f"no record at {topic}/{partition}@{offset} within {WAIT_SECONDS} s")
        finally:
            consumer.close()

    def high_watermark(self, topic: str, partition: int) -> int:
        """Return the offset that the next record will get."""
        return self._end(topic, partition, "read_uncommitted")

    def wait_for_last_stable_offset(self, topic: str, partition: int) -> None:
        """Wait until no transaction is open in a partition: readers of committed records get no further than one."""
        self._wait(
            f"every transaction in {topic}/{partition} has ended",
            lambda: self._end(topic, partition, "read_committed") == self.high_watermark(topic, partition),
        )

    def topics(self) -> set[str]:
        """Return the names of all topics."""
        consumer = self._consumer("read_uncommitted")
        try:
            return set(consumer.list_topics(timeout=WAIT_SECONDS).topics)
        finally:
            consumer.close()

    def in_sync_replicas(self, topic: str) -> int:
        """Return how many replicas of all partitions are in sync."""
        consumer = self._consumer("read_uncommitted")
        try:
            partitions = consumer.list_topics(topic, timeout=WAIT_SECONDS).topics[topic].partitions
            return sum(len(partition.isrs) for partition in partitions.values())
        finally:
            consumer.close()

    def groups(self) -> set[str]:
        """Return the ids of all consumer groups."""
        found = self._admin.list_consumer_groups().result(WAIT_SECONDS)
        return {group.group_id for group in found.valid}

    def create_topic(
        self, topic: str, partitions: int, config: dict[str, str] | None = None, *, replicas: list[int] | None = None
    ) -> None:
        """Create a topic and wait until all partitions have a leader.

        Args:
            topic: its name.
            partitions: how many.
            config: its properties.
            replicas: the brokers that have each partition, its preferred leader first; None: as the broker chooses.
        """
        where = {"replication_factor": -1} if replicas is None else {"replica_assignment": [replicas] * partitions}
        new = NewTopic(topic, partitions, config=config or {}, **where)
        self._admin.create_topics([new])[topic].result(WAIT_SECONDS)
        self._wait_for_partitions(topic, partitions)

    def add_partitions(self, topic: str, partitions: int) -> None:
        """Let the topic have this many partitions."""
        self._admin.create_partitions([NewPartitions(topic, partitions)])[topic].result(WAIT_SECONDS)
        self._wait_for_partitions(topic, partitions)

    def delete_topic(self, topic: str) -> None:
        """Delete a topic and wait until it is gone."""
        self._there.discard(topic)
        self._admin.delete_topics([topic])[topic].result(WAIT_SECONDS)
        self._wait(f"topic {topic} is gone", lambda: topic not in self.topics())

    def set_config(self, topic: str, config: dict[str, str]) -> None:
        """Change some of a topic's properties, and wait until the broker says so."""
        resource = ConfigResource(
            ResourceType.TOPIC,
            topic,
            incremental_configs=[
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in config.items()
            ],
        )
        self._admin.incremental_alter_configs([resource])[resource].result(WAIT_SECONDS)

        def applied() -> bool:
            asked = ConfigResource(ResourceType.TOPIC, topic)
            found = self._admin.describe_configs([asked])[asked].result(WAIT_SECONDS)
            return all(found[name].value == value for name, value in config.items())

        self._wait(f"{config} is in force for {topic}", applied)

    def delete_records(self, topic: str, partition: int, before_offset: int) -> None:
        """Delete all records below an offset."""
        asked = TopicPartition(topic, partition, before_offset)
        for future in self._admin.delete_records([asked]).values():
            future.result(WAIT_SECONDS)

    def compact(self, topic: str, partition: int) -> int:
        """Make a hole by compaction in a topic with the `compacting` configuration; return its offset.

        Records before and after the hole stay.
        """
        self.produce(topic, b"first", b"kept", partition=partition)
        hole = self.produce(topic, b"old", b"replaced", partition=partition)
        self.produce(topic, b"new", b"replaced", partition=partition)

        def compacted() -> bool:
            # Only closed segments are compacted, and a segment closes when another record comes.
            self.produce(topic, b"tick", b"tick", partition=partition)
            return hole not in {seen.offset for seen in self.log(topic, partition)}

        self._wait(f"{topic}/{partition} is compacted", compacted)
        return hole

    def create_internal_topics(self) -> None:
        """Make the broker create its own topics: that of transactions, and that of groups."""
        if not {"__transaction_state", "__consumer_offsets"} <= self.topics():
            producer = self._producer({"transactional.id": "plain-internal"})
            producer.init_transactions(WAIT_SECONDS)
            consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "plain-internal", "log_level": 0})
            try:
                consumer.subscribe(["plain-nothing"])
                self._wait(
                    "the broker's own topics are there",
                    lambda: (
                        consumer.poll(0.1) is None and {"__transaction_state", "__consumer_offsets"} <= self.topics()
                    ),
                )
            finally:
                consumer.close()

    def _must_exist(self, topic: str) -> None:
        """Fail for a missing topic, which a broker with auto-creation would make for any producer that names it."""
        if topic not in self._there:
            self._there |= self.topics()
        assert topic in self._there, f"topic {topic} does not exist"

    def _producer(self, properties: dict[str, str | int]) -> Producer:
        dotted = {name.replace("_", "."): value for name, value in properties.items()}
        return Producer({"bootstrap.servers": self.bootstrap, "log_level": 0, "acks": "all", **dotted})

    def _consumer(self, isolation: str) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "plain",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": isolation,
                "fetch.wait.max.ms": 20,
                "auto.offset.reset": "error",
                "receive.message.max.bytes": 200_000_000,
                "log_level": 0,
            }
        )

    def _end(self, topic: str, partition: int, isolation: str) -> int:
        consumer = self._consumer(isolation)
        try:
            return consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=WAIT_SECONDS)[1]
        finally:
            consumer.close()

    def _wait_for_partitions(self, topic: str, partitions: int) -> None:
        consumer = self._consumer("read_uncommitted")

        def led() -> bool:
            found = consumer.list_topics(topic, timeout=WAIT_SECONDS).topics[topic]
            return found.error is None and [p.leader >= 0 for p in found.partitions.values()] == [True] * partitions

        try:
            self._wait(f"{topic} has {partitions} partitions", led)
        finally:
            consumer.close()

    def _wait(self, what: str, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"not within {WAIT_SECONDS} s: {what}"
            time.sleep(0.02)


def _delivered(error: KafkaError | None, message: Message) -> None:  # noqa: ARG001 the library calls it
    # What a callback raises comes out of flush().
    if error is not None:
        raise KafkaException(error)


def _seen(message: Message) -> Seen:
    timestamp_type, timestamp_ms = message.timestamp()
    return Seen(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        message.key(),
        message.value(),
        tuple(cast("list[Header]", message.headers() or [])),
        timestamp_ms,
        timestamp_type,
    )
