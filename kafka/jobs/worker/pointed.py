"""The records that dead letters point to: many at once, in the order of their offsets, whatever that of the letters is.

A pointer names one position. Those of a partition are read in one go, over gaps that cost less than starting again; a
position that has no record is answered by the reader of single resends, which knows why.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from kafka.client.clients import ErrorLog, LibraryLog, callbacks
from kafka.client.config import ClusterConfig
from kafka.client.messages import ConsumerEvent, event_of, read_denied, record_of
from kafka.client.properties import source_properties
from kafka.jobs.idempotency.copy_preparer import CopyPreparer
from kafka.jobs.plan import spans_of_positions
from kafka.jobs.worker.selecting import Selected
from kafka.jobs.worker.source import batched_bytes
from kafka.model.errors import AccessDenied, CopyRefused, NothingWritten, RecordUnavailable
from kafka.model.records import OffsetRange, Position, Record

_LOOKUP_SECONDS = 10.0
_SILENT_SECONDS = 5.0
_FILL_SECONDS = 0.01
_READ_AT_ONCE = 500
_ASKED_AT_ONCE = 200
_FIRST_POINTERS = 100
_MOST_HELD_BYTES = 8_000_000

Pointed = Record | NothingWritten
"""A record that is pointed to, or why there is none."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """What a dead letter points to.

    Attributes:
        position: of the record.
        topic_id: of its topic.
    """

    position: Position
    topic_id: str


@dataclass(slots=True)
class _Batch:
    """What is being completed.

    Attributes:
        selected: the dead letters.
        pointers: by the position of the letter.
        wanted: the positions that are pointed to.
        found: by the position that is pointed to.
        spans: what is still to be read, by topic and partition; the span that is being read is the first.
        reached: by topic and partition, up to where that span is read.
        asked: positions that the reader of single resends is asked for.
        unasked: those for which it is not asked yet.
    """

    selected: Selected
    pointers: Mapping[Position, Pointer]
    wanted: frozenset[Position]
    found: dict[Position, Pointed] = field(default_factory=dict)
    spans: dict[tuple[str, int], list[OffsetRange]] = field(default_factory=dict)
    reached: dict[tuple[str, int], int] = field(default_factory=dict)
    asked: dict[Position, Future[Record]] = field(default_factory=dict)
    unasked: list[Pointer] | None = None


class PointedRecords:
    """Completes dead letters with the records that they point to. Only one thread may use it.

    Args:
        config: the cluster.
        name: what to call the client in the log.
        copy_preparer: reads single records.
        fitting_bytes: how much of the records of one partition to bring along at once, as far as those before tell how
            large they are.

    Attributes:
        at_once: how many dead letters to take the next time, at most.
    """

    def __init__(self, config: ClusterConfig, name: str, copy_preparer: CopyPreparer, fitting_bytes: int) -> None:
        self.at_once = _FIRST_POINTERS
        self._fitting_bytes = fitting_bytes
        self._config = config
        self._name = name
        self._copy_preparer = copy_preparer
        self._errors = ErrorLog(name)
        self._opened: Consumer | None = None
        self._known_topics: set[str] = set()
        self._batch: _Batch | None = None
        self._heard = 0.0

    @property
    def busy(self) -> bool:
        """Whether dead letters were taken that are not complete yet."""
        return self._batch is not None

    def begin(self, selected: Selected, pointers: Mapping[Position, Pointer]) -> None:
        """Take dead letters.

        Args:
            selected: what was decided about them.
            pointers: what they point to, by their own positions.

        Raises:
            KafkaException: the cluster did not answer.
        """
        wanted = frozenset(pointer.position for pointer in pointers.values())
        self._batch = batch = _Batch(selected, pointers, wanted)
        by_topic: dict[str, dict[int, set[int]]] = {}
        for position in wanted:
            by_topic.setdefault(position.topic, {}).setdefault(position.partition, set()).add(position.offset)
        consumer = self._consumer()
        for topic, positions in by_topic.items():
            if topic not in self._known_topics:
                # Else the first assignment takes up to a second.
                consumer.list_topics(topic, timeout=_LOOKUP_SECONDS)
                self._known_topics.add(topic)
            for span in spans_of_positions({number: frozenset(offsets) for number, offsets in positions.items()}):
                batch.spans.setdefault((topic, span.partition), []).append(span)
        for place in batch.spans:
            self._assign(batch, place)
        self._heard = time.monotonic()

    def complete(self, timeout_seconds: float) -> Selected | None:
        """Return what was taken, once it is known of each letter what it points to; else None.

        Args:
            timeout_seconds: how long to wait for more to be known.

        Raises:
            ClusterUnavailable, DeadlineExceeded: not now: read again.
            KafkaException: the cluster did not answer.
        """
        batch = self._batch
        if batch is None:
            return None
        until = time.monotonic() + timeout_seconds
        while batch.spans:
            self._read(batch, max(0.0, until - time.monotonic()))
            if time.monotonic() >= until:
                break
        if batch.spans:
            return None
        if batch.unasked is None:
            pointed = {pointer.position: pointer for pointer in batch.pointers.values()}
            batch.unasked = [pointer for position, pointer in pointed.items() if position not in batch.found]
        self._ask(batch, max(0.0, until - time.monotonic()))
        if batch.unasked or batch.asked:
            return None
        self._batch = None
        sizes: Counter[tuple[str, int]] = Counter()
        records = [record for record in batch.found.values() if isinstance(record, Record)]
        for record in records:
            sizes[record.position.topic, record.position.partition] += batched_bytes(record)
        if records:
            # As these are spread over their partitions, so are the next ones, more or less.
            fitting = self._fitting_bytes * len(records) // max(sizes.values())
            held = _MOST_HELD_BYTES * len(records) // sizes.total()
            self.at_once = max(1, min(2 * self.at_once, fitting, held))
        found = {letter: batch.found[pointer.position] for letter, pointer in batch.pointers.items()}
        return batch.selected.with_pointed(found)

    def drop(self) -> None:
        """Forget what was taken, and end the client: it is read again."""
        if self._batch is not None:
            for future in self._batch.asked.values():
                future.cancel()
            self._batch = None
        if self._opened is not None:
            self._opened.close()
            self._opened = None
            self._known_topics.clear()

    def _consumer(self) -> Consumer:
        if self._opened is None:
            properties = source_properties(self._config, slow=True)
            self._opened = Consumer(
                {**callbacks(self._config, self._name, self._errors), **properties}, logger=LibraryLog(self._name)
            )
        return self._opened

    def _assign(self, batch: _Batch, place: tuple[str, int]) -> None:
        start = batch.reached[place] = max(batch.spans[place][0].start, batch.reached.get(place, 0))
        self._consumer().incremental_assign([TopicPartition(*place, start)])

    def _read(self, batch: _Batch, timeout_seconds: float) -> None:
        # It waits until it has all that were asked for: no more than there are, and not for long: there may be holes.
        left = sum(spans[0].end - batch.reached[place] for place, spans in batch.spans.items())
        messages = self._consumer().consume(min(left, _READ_AT_ONCE), min(timeout_seconds, _FILL_SECONDS))
        if messages:
            self._heard = time.monotonic()
        for message in messages:
            topic, partition = message.topic(), message.partition()
            if topic is not None and partition is not None and (topic, partition) in batch.spans:
                self._take(batch, (topic, partition), message)
        if time.monotonic() - self._heard >= _SILENT_SECONDS:
            # An open transaction, most likely. The reader of single records finds out for each.
            for place in list(batch.spans):
                self._end(batch, place)

    def _take(self, batch: _Batch, place: tuple[str, int], message: Message) -> None:
        error, offset = message.error(), message.offset()
        if offset is None:
            return
        if error is not None:
            self._take_event(batch, place, error, offset)
            return
        if offset < batch.reached[place]:
            return
        position = Position(*place, offset)
        # What is between is read only because that is faster than to leave it out.
        if position in batch.wanted:
            record, unreadable = record_of(message, position)
            batch.found[position] = unreadable or record
        self._pass_to(batch, place, offset + 1)

    def _take_event(self, batch: _Batch, place: tuple[str, int], error: KafkaError, offset: int) -> None:
        match event_of(error):
            case ConsumerEvent.END:
                if offset >= batch.reached[place]:
                    self._end(batch, place)
            case ConsumerEvent.OUT_OF_RANGE:
                if offset >= batch.reached[place]:
                    start, _ = self._consumer().get_watermark_offsets(TopicPartition(*place), _LOOKUP_SECONDS)
                    self._release(place)
                    self._pass_to(batch, place, max(start, offset + 1), assigned=False)
            case ConsumerEvent.DENIED:
                self._end(batch, place)
                self._refuse(batch, place, read_denied(place[0]))
            case ConsumerEvent.FATAL:
                raise KafkaException(error)
            case ConsumerEvent.DAMAGED:
                self._errors(error)
                self._end(batch, place)
            case _:
                self._errors(error)

    def _refuse(self, batch: _Batch, place: tuple[str, int], error: AccessDenied) -> None:
        for pointer in batch.pointers.values():
            if (pointer.position.topic, pointer.position.partition) == place:
                batch.found.setdefault(pointer.position, error)

    def _pass_to(self, batch: _Batch, place: tuple[str, int], offset: int, *, assigned: bool = True) -> None:
        """Note that everything below this offset was read; begin the next span where one has come to its end."""
        batch.reached[place] = offset
        spans = batch.spans[place]
        if offset < spans[0].end and assigned:
            return
        while spans and offset >= spans[0].end:
            spans.pop(0)
        if assigned:
            self._release(place)
        if spans:
            self._assign(batch, place)
        else:
            del batch.spans[place]

    def _end(self, batch: _Batch, place: tuple[str, int]) -> None:
        self._release(place)
        del batch.spans[place]

    def _release(self, place: tuple[str, int]) -> None:
        self._consumer().incremental_unassign([TopicPartition(*place)])

    def _ask(self, batch: _Batch, timeout_seconds: float) -> None:
        """Have the reader of single records tell what there is where nothing was read."""
        while batch.unasked and len(batch.asked) < _ASKED_AT_ONCE:
            pointer = batch.unasked.pop()
            batch.asked[pointer.position] = self._copy_preparer.read(pointer.position, pointer.topic_id)
        if batch.asked:
            wait(batch.asked.values(), timeout_seconds)
        for position, future in _done(batch.asked):
            try:
                batch.found[position] = future.result()
            except (RecordUnavailable, CopyRefused, AccessDenied) as error:
                batch.found[position] = error
            except Exception:
                # Whatever it is, it is not known what they point to: it is read again.
                self.drop()
                raise


def _done(asked: dict[Position, Future[Record]]) -> Iterator[tuple[Position, Future[Record]]]:
    """Yield those that are answered, and take them out."""
    ready: Iterable[Position] = [position for position, future in asked.items() if future.done()]
    for position in ready:
        yield position, asked.pop(position)
