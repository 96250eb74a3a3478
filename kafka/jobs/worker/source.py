"""Reads the spans of a plan: many records in a row, of several partitions side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from kafka.client.clients import ErrorLog, LibraryLog, callbacks
from kafka.client.config import ClusterConfig
from kafka.client.messages import ConsumerEvent, event_of, read_denied, record_of
from kafka.client.properties import source_properties
from kafka.jobs.plan import Plan
from kafka.jobs.worker.read_ahead import is_slow
from kafka.model.errors import NothingWritten, RecordDamaged, ResendError
from kafka.model.records import OffsetRange, Position, Record

_LOOKUP_SECONDS = 10.0
_FILL_SECONDS = 0.01
_READ_AT_ONCE = 200
_MOST_HELD_BYTES = 4_000_000
_MOST_CHUNK_BYTES = 8_000_000
"""Of all partitions together: it is held once as records, and once as copies in the Producer."""
_MORE_BYTES = 64


@dataclass(slots=True)
class Chunk:
    """What was read at once.

    Attributes:
        records: in the order of each partition; with an error, the record has headers that cannot be read, and none
            of them is there.
        next_offsets: per partition that went on, up to where.
        expired: offsets that were gone before they were read.
        sizes_bytes: per partition, roughly how large a batch of its records will be.
        missing: named positions below these offsets that have no record, with the reason.
    """

    records: list[tuple[Record, ResendError | None]]
    next_offsets: dict[int, int]
    expired: int = 0
    sizes_bytes: dict[int, int] = field(default_factory=dict)
    missing: list[tuple[Position, NothingWritten]] = field(default_factory=list)

    def split(self, count: int) -> tuple[Chunk, Chunk | None]:
        """Return the first records with what goes before the others, and the others; None if there are none."""
        later = self.records[count:]
        if not later:
            return self, None
        # The first of each partition.
        begins = {record.position.partition: record.position.offset for record, _ in reversed(later)}
        missing: tuple[list[tuple[Position, NothingWritten]], list[tuple[Position, NothingWritten]]] = ([], [])
        for position, error in self.missing:
            missing[position.offset >= begins.get(position.partition, position.offset + 1)].append((position, error))
        rest = {partition: self.next_offsets[partition] for partition in begins}
        return (
            Chunk(self.records[:count], {**self.next_offsets, **begins}, self.expired, missing=missing[0]),
            Chunk(later, rest, missing=missing[1]),
        )


class Source:
    """Reads the spans of one topic with a Consumer of its own, committed records only. Only one thread may use it.

    Args:
        config: the cluster.
        name: what to call the client in the log.
        plan: where and what to read; of each partition one span after the other.
        next_offsets: per partition, what is dealt with already.
    """

    def __init__(self, config: ClusterConfig, name: str, plan: Plan, next_offsets: Mapping[int, int]) -> None:
        self._topic = plan.topic
        self._errors = ErrorLog(name)
        properties = source_properties(config, slow=is_slow(plan))
        self._consumer = Consumer({**callbacks(config, name, self._errors), **properties}, logger=LibraryLog(name))
        self._consumer.list_topics(plan.topic, timeout=_LOOKUP_SECONDS)
        # What is left of each partition, the span that is being read first.
        self._left: dict[int, list[OffsetRange]] = {}
        for span in sorted(plan.spans, key=lambda span: (span.partition, span.start)):
            start = max(span.start, next_offsets.get(span.partition, 0))
            if start < span.end:
                self._left.setdefault(span.partition, []).append(OffsetRange(span.partition, start, span.end))
        self._next = {partition: spans[0].start for partition, spans in self._left.items()}
        self._seen_damaged: set[tuple[int, int]] = set()
        self._damaged: RecordDamaged | None = None
        # Read already, when there was enough of their partitions.
        self._held: list[Message] = []
        self._assign(self._left)

    @property
    def partitions(self) -> int:
        """How many partitions are still to be read."""
        return len(self._left)

    @property
    def finished(self) -> bool:
        """Whether everything was read."""
        return not self._left

    def read(self, most: int, most_bytes: int, timeout_seconds: float) -> Chunk:
        """Read what is there, or wait for the first record.

        Args:
            most: maximum number of records.
            most_bytes: maximum number of bytes of one partition; exceeded by at most a record.
            timeout_seconds: how long to wait for the first one.

        Raises:
            AccessDenied: Kafka's ACLs do not allow it.
            RecordDamaged: one cannot be read, and what follows it neither.
            KafkaException: the cluster did not answer.
        """
        chunk = Chunk([], {})
        sizes, held, held_bytes = chunk.sizes_bytes, [], 0
        messages, wait = self._held, timeout_seconds
        while not self.finished and self._damaged is None:
            for message in messages:
                # The library hands out a megabyte of one partition after a megabyte of another.
                if sizes.get(message.partition() or 0, 0) < most_bytes and len(chunk.records) < most:
                    self._take(message, chunk)
                else:
                    held.append(message)
                    held_bytes += len(message)
            left = min(most - len(chunk.records), _READ_AT_ONCE)
            full = all(sizes.get(partition, 0) >= most_bytes for partition in self._left)
            full = full or sum(sizes.values()) >= _MOST_CHUNK_BYTES
            if left <= 0 or full or held_bytes >= _MOST_HELD_BYTES:
                break
            # It waits until it has all that were asked for.
            messages = self._consumer.consume(left if chunk.records else 1, wait)
            if not messages:
                break
            wait = _FILL_SECONDS
        self._held = held
        if self._damaged is not None and not chunk.next_offsets:
            # What was read before them comes first.
            raise self._damaged
        return chunk

    def close(self) -> None:
        """End the client."""
        self._consumer.close()

    def _take(self, message: Message, chunk: Chunk) -> None:
        partition, offset = message.partition(), message.offset()
        if partition is None or offset is None or partition not in self._left:
            return
        error = message.error()
        if error is not None:
            self._take_event(error, partition, offset, chunk)
            return
        if offset < self._next[partition]:
            return
        span = self._left[partition][0]
        if offset < span.end:
            record, unreadable = record_of(message, Position(self._topic, partition, offset))
            chunk.records.append((record, unreadable))
            chunk.sizes_bytes[partition] = chunk.sizes_bytes.get(partition, 0) + batched_bytes(record)
            self._go_on(partition, offset + 1, chunk)
        else:
            # The span ends in a hole of the log.
            self._go_on(partition, span.end, chunk)

    def _take_event(self, error: KafkaError, partition: int, offset: int, chunk: Chunk) -> None:
        match event_of(error):
            case ConsumerEvent.END:
                if offset > self._next[partition]:
                    self._go_on(partition, min(offset, self._left[partition][0].end), chunk)
            case ConsumerEvent.OUT_OF_RANGE:
                # It may lie behind a hole, beyond the last record that was read.
                if offset >= self._next[partition]:
                    self._skip_expired(partition, chunk)
            case ConsumerEvent.DAMAGED:
                # Once, it may have been damaged on its way.
                self._errors(error)
                if (partition, offset) in self._seen_damaged:
                    self._damaged = RecordDamaged(Position(self._topic, partition, max(offset, self._next[partition])))
                self._seen_damaged.add((partition, offset))
            case ConsumerEvent.DENIED:
                raise read_denied(self._topic)
            case _:
                self._errors(error)

    def _skip_expired(self, partition: int, chunk: Chunk) -> None:
        """Continue where the log starts now."""
        start, _ = self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), _LOOKUP_SECONDS)
        self._consumer.incremental_unassign([TopicPartition(self._topic, partition)])
        while partition in self._left and self._next[partition] < start:
            reached = min(start, self._left[partition][0].end)
            chunk.expired += reached - self._next[partition]
            self._pass_to(partition, reached, chunk)
        if partition in self._left:
            self._assign([partition])

    def _go_on(self, partition: int, offset: int, chunk: Chunk) -> None:
        """Everything below this offset was read; where it is the end of a span, begin the next one."""
        if self._pass_to(partition, offset, chunk):
            self._consumer.incremental_unassign([TopicPartition(self._topic, partition)])
            if partition in self._left:
                self._assign([partition])

    def _pass_to(self, partition: int, offset: int, chunk: Chunk) -> bool:
        """Note that everything below this offset is dealt with; return whether a span has come to its end."""
        chunk.next_offsets[partition] = self._next[partition] = offset
        spans = self._left[partition]
        if offset < spans[0].end:
            return False
        spans.pop(0)
        if spans:
            self._next[partition] = spans[0].start
        else:
            del self._left[partition]
        return True

    def _assign(self, partitions: Iterable[int]) -> None:
        self._consumer.incremental_assign(
            [TopicPartition(self._topic, partition, self._next[partition]) for partition in partitions]
        )


def batched_bytes(record: Record) -> int:
    """Return about how many bytes of a batch a record becomes, a new header included."""
    size = _MORE_BYTES + len(record.value or b"") + len(record.key or b"")
    for name, value in record.headers:
        size += len(name) + len(value or b"")
    return size
