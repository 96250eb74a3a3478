"""Partitions read side by side and merged by time. Pure: what is read comes in, what to read next comes out.

Each partition is a stream of what was found in it, in the order of its offsets or against it. Merge gives the streams
out by the timestamps at their heads, so that within a partition the order of offsets always holds. The times in a log
are not sorted (a copy keeps its original's time), and neither then is what a merge gives.

A log is only read forwards. A stream against the order of offsets reads it in blocks, the last one first.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from kafka.records import CONSUMER_KEY, Record, Span, TimestampType

_LARGEST_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Found:
    """A record that was looked for: where it is and what it is like, without its content.

    Attributes:
        partition: where it is; so for offset.
        timestamp_ms: -1 where it has none.
        timestamp_type: who set it.
        key: None and b"" are different things.
        size_bytes: key, value and headers together.
        value_bytes: size of the value; None for a null.
        consumer_key: value of the last header of that name; None without one.
        preview: the beginning of the value as it is; None for a null, or when none was asked for.
    """

    partition: int
    offset: int
    timestamp_ms: int
    timestamp_type: TimestampType
    key: bytes | None
    size_bytes: int
    value_bytes: int | None
    consumer_key: bytes | None
    preview: bytes | None

    def __repr__(self) -> str:
        # A record in a traceback or a log line must not show its content.
        return f"<Found {self.partition}@{self.offset}>"


def found_of(record: Record, preview_bytes: int) -> Found:
    """Return what is told of a record.

    Args:
        record: with its content.
        preview_bytes: how much of the value to bring along; 0: nothing.
    """
    key, value = record.key, record.value
    size = (len(key) if key else 0) + (len(value) if value else 0)
    consumer_key: bytes | None = None
    for name, content in record.headers:
        size += len(name.encode()) + (len(content) if content else 0)
        if name == CONSUMER_KEY:
            consumer_key = content
    return Found(
        record.position.partition,
        record.position.offset,
        -1 if record.timestamp_type is TimestampType.NOT_AVAILABLE else record.timestamp_ms,
        record.timestamp_type,
        key,
        size,
        None if value is None else len(value),
        consumer_key,
        value[:preview_bytes] if preview_bytes and value is not None else None,
    )


class Stream(Protocol):
    """One partition's part in a merge.

    Attributes:
        partition: its number.
        found: what was found and not given out yet, in the order of the merge.
        fruitless: whether what was read last held nothing that is looked for, and more is to be read.
    """

    partition: int
    found: deque[Found]
    fruitless: bool

    @property
    def done(self) -> bool:
        """Whether all of it was read."""

    def reading(self) -> Span:
        """Return what to read next."""

    def pass_to(self, offset: int) -> bool:
        """Take note that there is nothing more below this offset; return whether this reading has come to its end."""

    def take(self, offset: int, found: Found | None) -> bool:
        """Take the record at an offset of this reading, None if it is not looked for; return as pass_to."""

    def begin_at(self, log_start_offset: int) -> None:
        """Leave out what was deleted meanwhile."""

    def rest(self) -> Span:
        """Return what is to be read again so that all comes that was not given out."""


class Ascending:
    """A stream in the order of offsets.

    Args:
        span: what to read.
        most: so many found are enough; reading stops there.
    """

    def __init__(self, span: Span, most: int) -> None:
        self.partition = span.partition
        self.found: deque[Found] = deque()
        self.fruitless = False
        self._next = span.start
        self._end = span.end
        self._most = most

    @property
    def done(self) -> bool:
        """Whether all of it was read."""
        return self._next >= self._end

    def reading(self) -> Span:
        """Return what to read next: all the rest."""
        return Span(self.partition, self._next, self._end)

    def pass_to(self, offset: int) -> bool:
        """Take note that there is nothing more below this offset."""
        self._next = min(max(self._next, offset), self._end)
        return self.done

    def take(self, offset: int, found: Found | None) -> bool:
        """Take the record at an offset."""
        self._next = offset + 1
        if found is not None:
            self.found.append(found)
        return self.done or len(self.found) >= self._most

    def begin_at(self, log_start_offset: int) -> None:
        """Leave out what was deleted meanwhile."""
        self.pass_to(log_start_offset)

    def rest(self) -> Span:
        """Return what was not given out."""
        return Span(self.partition, self.found[0].offset if self.found else self._next, self._end)


class Descending:
    """A stream against the order of offsets, read in blocks that grow as long as they do not suffice.

    Args:
        span: what to read.
        block: how many offsets the first block has.
        largest_block: how many the largest has.
    """

    def __init__(self, span: Span, block: int, largest_block: int) -> None:
        self.partition = span.partition
        self.found: deque[Found] = deque()
        self.fruitless = False
        self._start = span.start
        self._end = span.end
        self._block = max(1, min(block, largest_block))
        self._largest_block = max(1, largest_block)
        self._read: list[Found] = []

    @property
    def done(self) -> bool:
        """Whether all of it was read."""
        return self._end <= self._start

    def reading(self) -> Span:
        """Return what to read next: the last block of the rest."""
        self._read.clear()
        return Span(self.partition, max(self._start, self._end - self._block), self._end)

    def pass_to(self, offset: int) -> bool:
        """Take note that there is nothing more below this offset."""
        if offset < self._end:
            return False
        self.found.extend(reversed(self._read))
        self.fruitless = not self._read
        self._read.clear()
        self._end = max(self._start, self._end - self._block)
        self._block = min(2 * self._block, self._largest_block)
        return True

    def take(self, offset: int, found: Found | None) -> bool:
        """Take the record at an offset."""
        if found is not None:
            self._read.append(found)
        return self.pass_to(offset + 1)

    def begin_at(self, log_start_offset: int) -> None:
        """Leave out what was deleted meanwhile."""
        self._start = min(max(self._start, log_start_offset), self._end)

    def rest(self) -> Span:
        """Return what was not given out."""
        return Span(self.partition, self._start, self.found[0].offset + 1 if self.found else self._end)


class Merge:
    """Several partitions of one topic, merged by the timestamps at the heads of their streams.

    Args:
        spans: what to read, at most one for each partition.
        ascending: in the order of offsets and times, or against both.
        most: so many found are enough.
        most_read: how many records may be read altogether: the first blocks of all partitions stay within.
    """

    def __init__(self, spans: Iterable[Span], *, ascending: bool, most: int, most_read: int) -> None:
        filled = [span for span in spans if span.length]
        self._ascending = ascending
        self._most = most
        largest_block = min(_LARGEST_BLOCK, max(1, most_read // max(1, len(filled))))
        # Twice an even share: mostly one block a partition is enough.
        block = max(16, 2 * most // max(1, len(filled)))
        self._streams: dict[int, Stream] = {
            span.partition: Ascending(span, most) if ascending else Descending(span, block, largest_block)
            for span in filled
        }

    def wanted(self) -> list[Stream]:
        """Return the streams to be read now.

        These are the ones without which nothing more can be given out; and if they prove barren, all others as well:
        a key is mostly in one partition, and that one must not wait until the others are read from end to end.
        """
        needed = self._needed()
        if not any(stream.fruitless for stream in needed):
            return needed
        return [stream for stream in self._streams.values() if not stream.done and len(stream.found) < self._most]

    def _needed(self) -> list[Stream]:
        return [stream for stream in self._streams.values() if not stream.found and not stream.done]

    @property
    def exhausted(self) -> bool:
        """Whether everything was read and given out."""
        return all(stream.done and not stream.found for stream in self._streams.values())

    def give(self, most: int, *, anyway: bool = False) -> Iterator[Found]:
        """Yield what is next, as far as it is known.

        Args:
            most: how many at most.
            anyway: do not wait for streams that were not read far enough to tell what they have next.
        """
        if most <= 0 or (not anyway and self._needed()):
            return
        heads = [(self._order(stream), partition) for partition, stream in self._streams.items() if stream.found]
        heapq.heapify(heads)
        while heads and most > 0:
            _, partition = heads[0]
            stream = self._streams[partition]
            yield stream.found.popleft()
            most -= 1
            if stream.found:
                heapq.heapreplace(heads, (self._order(stream), partition))
            else:
                heapq.heappop(heads)
                if not stream.done and not anyway:
                    return

    def _order(self, stream: Stream) -> int:
        timestamp_ms = stream.found[0].timestamp_ms
        return timestamp_ms if self._ascending else -timestamp_ms

    def rest(self) -> tuple[Span, ...]:
        """Return what was not given out, by partition."""
        rests = [stream.rest() for _, stream in sorted(self._streams.items())]
        return tuple(rest for rest in rests if rest.length)
