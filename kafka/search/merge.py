"""Partitions merged into one list. Pure: what is read comes in, what to read next comes out.

By time, each record takes part with the time that kafka.order gives it. In turn, partitions also take turns: first
the next record of each of them, then every second one by time, and the others of those partitions that have not come
yet in this round. Then no timestamps whatever, of one record or of thousands, keep a partition out of a list. Either
way the order of offsets holds within a partition, and what comes next does not depend on how many are asked for.
"""

from __future__ import annotations

import heapq
import itertools
import operator
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from kafka.model.records import OffsetRange
from kafka.search.order import AHEAD, merge_time
from kafka.search.streams import Ascending, Descending, RecordSummary, Stream

_LARGEST_BLOCK = 4096
_SMALLEST_BLOCK = 16
_FIRST_SLOW_BLOCK = 4
"""A block that is not read to its end before time runs out is read again: the next page must get further."""

Placed = tuple[float, RecordSummary]
"""A record with its place among the others: the lower, the earlier."""


@dataclass(frozen=True, slots=True)
class MergeBounds:
    """How much is wanted of a merge.

    Attributes:
        most: maximum number of records found.
        most_read: how many records may be read altogether: the first blocks of all partitions stay within.
        slow: whether it may take long to tell of one record if it is looked for.
    """

    most: int
    most_read: int
    slow: bool = False


class Merge:
    """Several partitions of one topic as one list.

    Args:
        spans: what to read, at most one for each partition.
        ascending: in the order of offsets and times, or against both.
        in_turn: whether partitions take turns.
        bounds: how much of it is wanted.
    """

    def __init__(
        self,
        spans: Iterable[OffsetRange],
        *,
        ascending: bool,
        in_turn: bool,
        bounds: MergeBounds,
    ) -> None:
        most = bounds.most
        filled = [span for span in spans if span.length]
        self._ascending = ascending
        self._most = bounds.most
        # A single partition has its order.
        self._ahead = AHEAD if len(filled) > 1 else 0
        largest_block = min(_LARGEST_BLOCK, max(1, bounds.most_read // max(1, len(filled))))
        # Twice an even share: mostly one block a partition is enough.
        block = max(_SMALLEST_BLOCK, 2 * most // max(1, len(filled))) + self._ahead
        if bounds.slow:
            block = _FIRST_SLOW_BLOCK
        self._streams: dict[int, Stream] = {
            span.partition: Ascending(span, most + self._ahead) if ascending else Descending(span, block, largest_block)
            for span in filled
        }
        self._places: dict[int, float] = {}
        self._heads: list[tuple[float, int]] = []
        self._in_turn = in_turn and len(filled) > 1
        self._first_round = self._in_turn
        self._by_turn = False
        self._round = set(self._streams)
        self._turns: list[tuple[float, int]] = []

    def wanted(self) -> list[Stream]:
        """Return the streams to be read now.

        These are the ones without which nothing more can be given out; and if they hold nothing that matches, all
        others as well: a key is mostly in one partition, and that one must not wait until the others are read.
        """
        needed = [stream for stream in self._streams.values() if not stream.known(self._ahead)]
        if not any(stream.no_match for stream in needed):
            return needed
        return [stream for stream in self._streams.values() if not stream.done and len(stream.found) < self._most]

    @property
    def exhausted(self) -> bool:
        """Whether everything was read and given out."""
        return all(stream.done and not stream.found for stream in self._streams.values())

    def give(self, most: int, *, anyway: bool = False) -> Iterator[Placed]:
        """Yield what is next, as far as it is known.

        Args:
            most: how many at most.
            anyway: do not wait for streams that were not read far enough to tell what they have next.
        """
        if most <= 0 or not (anyway or all(stream.known(self._ahead) for stream in self._streams.values())):
            return
        for partition, stream in self._streams.items():
            if stream.found and partition not in self._places:
                self._place(partition)
        while most > 0 and self._places:
            partition = self._next()
            stream = self._streams[partition]
            place = self._places.pop(partition)
            yield place, stream.found.popleft()
            most -= 1
            if not (anyway or stream.known(self._ahead)):
                return
            if stream.found:
                self._place(partition)

    def _place(self, partition: int) -> None:
        """Find the place of a partition's next record, and put it among the heads."""
        found = self._streams[partition].found
        last = found[0].offset + (AHEAD if self._ascending else -AHEAD)
        # By offsets, not by what happens to be read: else the order would depend on how many are asked for.
        times = [
            each.timestamp_ms
            for each in itertools.islice(found, AHEAD + 1)
            if (each.offset <= last if self._ascending else each.offset >= last)
        ]
        time_ms = merge_time(times, ascending=self._ascending)
        place = time_ms if self._ascending else -time_ms
        self._places[partition] = place
        heapq.heappush(self._heads, (place, partition))
        if partition in self._round:
            heapq.heappush(self._turns, (place, partition))

    def _next(self) -> int:
        """Return whose record comes next: the first by time, or the first by time of those that have a turn left."""
        partition = None
        if self._first_round or (self._in_turn and self._by_turn):
            partition = self._first(self._turns, self._round)
            if partition is None:
                self._first_round = False
                self._round = set(self._streams)
                self._turns = [(place, number) for number, place in self._places.items()]
                heapq.heapify(self._turns)
        self._by_turn = not self._by_turn
        if partition is None:
            partition = self._first(self._heads, self._streams)
        if partition is None:
            raise AssertionError("a record has a place, and is not among the heads")
        self._round.discard(partition)
        return partition

    def _first(self, heap: list[tuple[float, int]], among: Collection[int]) -> int | None:
        """Take the first of a heap, in which what was given out meanwhile still is."""
        while heap:
            place, partition = heapq.heappop(heap)
            if partition in among and self._places.get(partition) == place:
                return partition
        return None

    def rest(self) -> tuple[OffsetRange, ...]:
        """Return what was not given out, by partition."""
        rests = [stream.rest() for _, stream in sorted(self._streams.items())]
        return tuple(rest for rest in rests if rest.length)


def in_order(given: Sequence[Placed]) -> list[RecordSummary]:
    """Return records of a page by their places; within a partition in the order in which they were given out."""
    by_partition: dict[int, list[Placed]] = {}
    for placed in given:
        by_partition.setdefault(placed[1].partition, []).append(placed)
    merged = heapq.merge(*(by_partition[number] for number in sorted(by_partition)), key=operator.itemgetter(0))
    return [found for _, found in merged]
