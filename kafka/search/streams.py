"""Partitions as streams of what was found in them. Pure: what is read comes in, what to read next comes out.

A stream is in the order of its partition's offsets or against it. A log is only read forwards: a stream against the
order of offsets reads it in blocks, the last one first.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from kafka.model.records import CONSUMER_KEY, OffsetRange, Record, TimestampType


@dataclass(frozen=True, slots=True)
class RecordSummary:
    """A record that was looked for: where it is and what it is like, without its content.

    Attributes:
        partition: where it is; so for offset.
        timestamp_ms: -1 where it has none.
        timestamp_type: who set it.
        key: None and b"" are different things.
        size_bytes: key, value and headers together.
        value_bytes: size of the value; None for a null.
        consumer_key: value of the last header of that name; None for a null value, and without such a header.
        preview: the beginning of the value as it is; None for a null, or when none was asked for.
        has_consumer_key: whether there is a header of that name; None where the headers cannot be read.
        record: all of it, if that was asked for; without headers where they cannot be read.
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
    has_consumer_key: bool | None = False
    record: Record | None = None

    def __repr__(self) -> str:
        # A record in a traceback or a log line must not show its content.
        return f"<RecordSummary {self.partition}@{self.offset}>"


def found_of(
    record: Record, preview_bytes: int, *, headers_known: bool = True, contents: bool = False
) -> RecordSummary:
    """Return what is told of a record.

    Args:
        record: with its content.
        preview_bytes: how much of the value to bring along; 0: nothing.
        headers_known: False where its headers could not be read, and it comes without them.
        contents: whether to bring along all of it.
    """
    key, value = record.key, record.value
    size = (len(key) if key else 0) + (len(value) if value else 0)
    consumer_key: bytes | None = None
    has_consumer_key = False if headers_known else None
    for name, content in record.headers:
        size += len(name.encode()) + (len(content) if content else 0)
        if name == CONSUMER_KEY:
            consumer_key, has_consumer_key = content, True
    return RecordSummary(
        record.position.partition,
        record.position.offset,
        -1 if record.timestamp_type is TimestampType.NOT_AVAILABLE else record.timestamp_ms,
        record.timestamp_type,
        key,
        size,
        None if value is None else len(value),
        consumer_key,
        value[:preview_bytes] if preview_bytes and value is not None else None,
        has_consumer_key,
        record if contents else None,
    )


class Stream(Protocol):
    """One partition's part in a merge.

    Attributes:
        partition: its number.
        found: what was found and not given out yet, in the order of the merge.
        no_match: whether what was read last held nothing that is looked for, and more is to be read.
    """

    partition: int
    found: deque[RecordSummary]
    no_match: bool

    @property
    def done(self) -> bool:
        """Whether all of it was read."""

    def known(self, ahead: int) -> bool:
        """Whether the next record is known, and as many offsets behind it; or all of the stream."""

    def reading(self) -> OffsetRange:
        """Return what to read next."""

    def pass_to(self, offset: int) -> bool:
        """Take note that there is nothing more below this offset; return whether this reading has come to its end."""

    def take(self, offset: int, found: RecordSummary | None) -> bool:
        """Take the record at an offset of this reading, None if it is not looked for; return as pass_to."""

    def begin_at(self, log_start_offset: int) -> None:
        """Leave out what was deleted meanwhile."""

    def rest(self) -> OffsetRange:
        """Return what is to be read again so that all comes that was not given out."""


class Ascending:
    """A stream in the order of offsets.

    Args:
        span: what to read.
        most: maximum number of records found; reading stops there.
    """

    def __init__(self, span: OffsetRange, most: int) -> None:
        self.partition = span.partition
        self.found: deque[RecordSummary] = deque()
        self.no_match = False
        self._next = span.start
        self._end = span.end
        self._most = most

    @property
    def done(self) -> bool:
        """Whether all of it was read."""
        return self._next >= self._end

    def known(self, ahead: int) -> bool:
        """Whether the next record is known, and as many offsets behind it; or all of the stream."""
        return self.done or (bool(self.found) and self._next - self.found[0].offset > ahead)

    def reading(self) -> OffsetRange:
        """Return what to read next: all the rest."""
        return OffsetRange(self.partition, self._next, self._end)

    def pass_to(self, offset: int) -> bool:
        """Take note that there is nothing more below this offset."""
        self._next = min(max(self._next, offset), self._end)
        return self.done

    def take(self, offset: int, found: RecordSummary | None) -> bool:
        """Take the record at an offset."""
        self._next = offset + 1
        if found is not None:
            self.found.append(found)
        return self.done or len(self.found) >= self._most

    def begin_at(self, log_start_offset: int) -> None:
        """Leave out what was deleted meanwhile."""
        self.pass_to(log_start_offset)

    def rest(self) -> OffsetRange:
        """Return what was not given out."""
        return OffsetRange(self.partition, self.found[0].offset if self.found else self._next, self._end)


class Descending:
    """A stream against the order of offsets, read in blocks that grow as long as they do not suffice.

    Args:
        span: what to read.
        block: how many offsets the first block has.
        largest_block: how many the largest has.
    """

    def __init__(self, span: OffsetRange, block: int, largest_block: int) -> None:
        self.partition = span.partition
        self.found: deque[RecordSummary] = deque()
        self.no_match = False
        self._start = span.start
        self._end = span.end
        self._block = max(1, min(block, largest_block))
        self._largest_block = max(1, largest_block)
        self._read: list[RecordSummary] = []

    @property
    def done(self) -> bool:
        """Whether all of it was read."""
        return self._end <= self._start

    def known(self, ahead: int) -> bool:
        """Whether the next record is known, and as many offsets behind it; or all of the stream."""
        return self.done or (bool(self.found) and self.found[0].offset - self._end >= ahead)

    def reading(self) -> OffsetRange:
        """Return what to read next: the last block of the rest."""
        self._read.clear()
        return OffsetRange(self.partition, max(self._start, self._end - self._block), self._end)

    def pass_to(self, offset: int) -> bool:
        """Take note that there is nothing more below this offset."""
        if offset < self._end:
            return False
        self.found.extend(reversed(self._read))
        self.no_match = not self._read
        self._read.clear()
        self._end = max(self._start, self._end - self._block)
        self._block = min(2 * self._block, self._largest_block)
        return True

    def take(self, offset: int, found: RecordSummary | None) -> bool:
        """Take the record at an offset."""
        if found is not None:
            self._read.append(found)
        return self.pass_to(offset + 1)

    def begin_at(self, log_start_offset: int) -> None:
        """Leave out what was deleted meanwhile."""
        self._start = min(max(self._start, log_start_offset), self._end)

    def rest(self) -> OffsetRange:
        """Return what was not given out."""
        return OffsetRange(self.partition, self._start, self.found[0].offset + 1 if self.found else self._end)
