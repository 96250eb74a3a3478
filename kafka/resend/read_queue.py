"""The positions that wait to be read, in the order in which readers should take them."""

from __future__ import annotations

import time
from collections import OrderedDict
from threading import Condition
from typing import TYPE_CHECKING

from kafka.backoff import Backoff
from kafka.model.errors import Closing, DeadlineExceeded, QueueFull, ResendError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Collection, Sequence

    from kafka.metadata.topic import Topic
    from kafka.model.records import Position, Record

Partition = tuple[str, int]

_PATIENCE_SECONDS = 0.25
_LONGEST_PATIENCE_SECONDS = 8.0

READ_AHEAD = 64
"""How many offsets one read may cover.

Reading past a record costs 2 to 5 µs, assigning again 0.3 to 3 ms (measured).
"""

AT_HAND = 1000
"""How many offsets further a read continues over records that are fetched already, for others that wait.

To fetch a batch again costs its transfer and its decompression: 5 ms and more for 1 MB (measured).
"""


class Request:
    """One position that someone waits for.

    Belongs to the event loop that made it; threads may look at it, and hand results back through that loop alone.

    Attributes:
        position: what is asked for.
        topic: the topic's facts; a Consumer that knows the topic by another id looks it up again.
        arrived: point of time.monotonic().
        future: where the record, or the error, goes.
        patience: how long a reader waits for a sign before it asks why there is none; longer each time.
        at_deadline: what to say if time runs out, the best explanation so far.
    """

    __slots__ = ("arrived", "at_deadline", "future", "patience", "position", "topic")

    def __init__(self, position: Position, topic: Topic, future: asyncio.Future[Record]) -> None:
        self.position = position
        self.topic = topic
        self.future = future
        self.arrived = time.monotonic()
        self.patience = Backoff(_PATIENCE_SECONDS, _LONGEST_PATIENCE_SECONDS, factor=4)
        self.at_deadline: ResendError = DeadlineExceeded(f"the record at {position}")

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits any more."""
        return self.future.done()

    def expire(self) -> None:
        """Give up, on the event loop."""
        if not self.future.done():
            self.future.set_exception(self.at_deadline)


class Batch:
    """What one assignment is to read: requests of one partition whose offsets lie close together, lowest first.

    Attributes:
        partition: topic and number.
        topic: the topic's facts.
        requests: what is still to be read.
        assigned: point of time.monotonic().
        began: when its first record came; None before.
        prefetch_until: an offset that others wait for, and that is read as well if it is fetched already; only once
            there are no requests any more.
    """

    __slots__ = ("assigned", "began", "partition", "prefetch_until", "requests", "topic")

    def __init__(self, partition: Partition, requests: list[Request]) -> None:
        self.partition = partition
        self.topic = requests[0].topic
        self.requests = requests
        self.assigned = time.monotonic()
        self.began: float | None = None
        self.prefetch_until: int | None = None

    @property
    def offset(self) -> int:
        """The offset to be read next."""
        return self.requests[0].position.offset


class ReadQueue:
    """A bounded queue from which readers take batches of distinct partitions.

    Partitions take turns, and within a partition the oldest request leads: its neighbours within READ_AHEAD offsets go
    with it, however late they came, because they cost next to nothing there.

    Args:
        limit: how many requests may wait.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._changed = Condition()
        # Per partition, per offset: the requests for it, oldest offset first.
        self._lines: OrderedDict[Partition, OrderedDict[int, list[Request]]] = OrderedDict()
        self._count = 0
        self._closed = False

    def __len__(self) -> int:
        return self._count

    @property
    def closed(self) -> bool:
        """Whether nothing more is taken."""
        return self._closed

    def put(self, request: Request) -> None:
        """Add a request at the end.

        Raises:
            QueueFull: as many requests as the limit are waiting.
            Closing: the queue is closed.
        """
        with self._changed:
            if self._closed:
                raise Closing
            if self._count >= self._limit:
                raise QueueFull(self._limit)
            self._add(request, first=False)
            self._changed.notify()

    def put_back(self, requests: Sequence[Request]) -> None:
        """Put requests that were taken and not served at the head of their partitions, whatever the limit."""
        with self._changed:
            for request in reversed(requests):
                if not request.abandoned:
                    self._add(request, first=True)
            self._changed.notify()

    def take(self, most: int, without: Collection[Partition]) -> list[Batch]:
        """Take batches of distinct partitions.

        Args:
            most: how many batches.
            without: partitions to leave alone.
        """
        if not self._count:
            return []
        batches: list[Batch] = []
        with self._changed:
            for partition in list(self._lines):
                if len(batches) == most:
                    break
                if partition in without:
                    continue
                requests = self._take_from(partition)
                if requests:
                    batches.append(Batch(partition, requests))
        return batches

    def next_after(self, partition: Partition, offset: int) -> int | None:
        """Return the lowest offset that someone waits for within AT_HAND after this one, if any."""
        if partition not in self._lines:
            return None
        with self._changed:
            line = self._lines.get(partition, ())
            return min((wanted for wanted in line if offset < wanted <= offset + AT_HAND), default=None)

    def take_at(self, partition: Partition, offset: int) -> list[Request]:
        """Take the requests for this one position, wherever in the line they stand."""
        with self._changed:
            line = self._lines.get(partition)
            if line is None or offset not in line:
                return []
            requests = self._take_offset(line, offset)
            if not line:
                del self._lines[partition]
            return requests

    def wait(self, timeout_seconds: float) -> bool:
        """Wait until a request is there or the time is up; False once the queue is closed and empty."""
        with self._changed:
            if not self._count and not self._closed:
                self._changed.wait(timeout_seconds)
            return bool(self._count) or not self._closed

    def close(self) -> None:
        """Take no more requests; what waits is still to be served."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _add(self, request: Request, *, first: bool) -> None:
        position = request.position
        partition = (position.topic, position.partition)
        line = self._lines.get(partition)
        if line is None:
            line = self._lines[partition] = OrderedDict()
        same = line.get(position.offset)
        if same is None:
            line[position.offset] = [request]
            if first:
                line.move_to_end(position.offset, last=False)
        else:
            same.append(request)
        self._count += 1

    def _take_from(self, partition: Partition) -> list[Request]:
        line = self._lines[partition]
        lead = next(iter(line))
        offsets = [lead]
        if len(line) > 1:
            # Requests for consecutive records rarely arrive in the order of their offsets.
            while offsets[0] - 1 in line and lead - offsets[0] < READ_AHEAD // 2:
                offsets.insert(0, offsets[0] - 1)
            offsets += [offset for offset in range(lead + 1, offsets[0] + READ_AHEAD) if offset in line]
        requests: list[Request] = []
        for offset in offsets:
            requests += self._take_offset(line, offset)
        if line:
            self._lines.move_to_end(partition)
        else:
            del self._lines[partition]
        return requests

    def _take_offset(self, line: OrderedDict[int, list[Request]], offset: int) -> list[Request]:
        same = line.pop(offset)
        self._count -= len(same)
        return [request for request in same if not request.abandoned]
