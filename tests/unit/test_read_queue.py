"""The order in which waiting positions are taken."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from kafka.metadata.topic import Topic
from kafka.model.errors import Closing, QueueFull
from kafka.model.records import Position, Record
from kafka.resend.read_queue import AT_HAND, READ_AHEAD, Batch, ReadQueue, Request

TOPIC = Topic("orders", "id", 8)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def waiting() -> ReadQueue:
    return ReadQueue(limit=1000)


class Asker:
    """Puts requests for offsets into a queue."""

    def __init__(self, loop: asyncio.AbstractEventLoop, waiting: ReadQueue) -> None:
        self.loop = loop
        self.waiting = waiting

    def request(self, offset: int, partition: int = 0) -> Request:
        future: asyncio.Future[Record] = self.loop.create_future()
        return Request(Position("orders", partition, offset), TOPIC, future)

    def put(self, offset: int, partition: int = 0) -> Request:
        request = self.request(offset, partition)
        self.waiting.put(request)
        return request


@pytest.fixture
def asker(loop: asyncio.AbstractEventLoop, waiting: ReadQueue) -> Asker:
    return Asker(loop, waiting)


def offsets(batches: list[Batch]) -> list[tuple[int, list[int]]]:
    return [(batch.partition[1], [request.position.offset for request in batch.requests]) for batch in batches]


def test_take_serves_the_oldest_request_of_a_partition_first(asker: Asker) -> None:
    """Far apart offsets of one partition are taken one by one, in the order of arrival."""
    for offset in (5000, 10, 900_000):
        asker.put(offset)
    taken = [offsets(asker.waiting.take(8, ())) for _ in range(4)]
    assert taken == [[(0, [5000])], [(0, [10])], [(0, [900_000])], []]


def test_take_of_neighbours_is_one_batch_in_offset_order(asker: Asker) -> None:
    """Offsets close to the oldest request go with it, whatever the order they came in."""
    for offset in (102, 100, 101, 104, 101):
        asker.put(offset)
    assert offsets(asker.waiting.take(8, ())) == [(0, [100, 101, 101, 102, 104])]
    assert len(asker.waiting) == 0


def test_take_reads_no_further_than_the_read_ahead(asker: Asker) -> None:
    """A batch covers at most READ_AHEAD offsets."""
    for offset in range(3 * READ_AHEAD):
        asker.put(offset)
    assert offsets(asker.waiting.take(8, ())) == [(0, list(range(READ_AHEAD)))]


def test_take_gives_distinct_partitions_in_turn(asker: Asker) -> None:
    """A partition with many waiting does not keep the others from their turn."""
    for offset in (0, 1000, 2000):
        asker.put(offset, partition=1)
    asker.put(7, partition=2)
    assert offsets(asker.waiting.take(8, ())) == [(1, [0]), (2, [7])]
    assert offsets(asker.waiting.take(8, ())) == [(1, [1000])]


def test_take_leaves_out_partitions_and_stops_at_the_number_asked_for(asker: Asker) -> None:
    """A reader gets only as many batches as it has room for, and none of a partition that it is reading."""
    for partition in range(4):
        asker.put(0, partition)
    assert offsets(asker.waiting.take(2, {("orders", 0)})) == [(1, [0]), (2, [0])]


def test_take_drops_requests_that_nobody_waits_for(asker: Asker) -> None:
    """An abandoned request costs no read."""
    asker.put(3).future.cancel()
    kept = asker.put(4)
    assert asker.waiting.take(8, ())[0].requests == [kept]


def test_put_back_leads_the_next_turn(asker: Asker) -> None:
    """What was taken and not served comes before what arrived later."""
    asker.put(100)
    (batch,) = asker.waiting.take(8, ())
    asker.put(9000)
    asker.waiting.put_back(batch.requests)
    assert offsets(asker.waiting.take(8, ())) == [(0, [100])]


def test_put_beyond_the_limit_is_refused(loop: asyncio.AbstractEventLoop) -> None:
    """The queue is bounded, and what is put back is not refused by the bound."""
    asker = Asker(loop, ReadQueue(limit=2))
    first = asker.put(0)
    asker.put(1000)
    with pytest.raises(QueueFull) as full:
        asker.put(2000)
    assert full.value.limit == 2
    taken = asker.waiting.take(1, ())
    asker.put(3000)
    asker.waiting.put_back(taken[0].requests)
    assert offsets(asker.waiting.take(1, ())) == [(0, [first.position.offset])]


def test_closed_queue_refuses_new_requests_and_gives_out_the_rest(asker: Asker) -> None:
    """Closing loses nothing that waits already, and readers learn when nothing is left."""
    asker.put(1)
    asker.waiting.close()
    with pytest.raises(Closing):
        asker.put(2)
    assert asker.waiting.wait(60) is True
    assert offsets(asker.waiting.take(8, ())) == [(0, [1])]
    assert asker.waiting.wait(60) is False


def test_next_after_is_the_nearest_offset_that_is_waited_for(asker: Asker) -> None:
    """A reader that has records at hand learns how far to read on, and not about what is behind or too far ahead."""
    for offset in (100 + AT_HAND + 1, 100 + AT_HAND, 300, 100, 50):
        asker.put(offset)
    partition = ("orders", 0)
    assert asker.waiting.next_after(partition, 100) == 300
    assert asker.waiting.next_after(partition, 300) == 100 + AT_HAND
    assert asker.waiting.next_after(partition, 100 + AT_HAND + 1) is None
    assert asker.waiting.next_after(("orders", 1), 100) is None


def test_take_at_serves_everyone_who_waits_for_that_offset_and_nobody_else(asker: Asker) -> None:
    """Requests for a record that is at hand are taken out of the line, those before and behind stay in order."""
    for offset in (5000, 10, 10, 900_000):
        asker.put(offset)
    assert [10, 10] == [request.position.offset for request in asker.waiting.take_at(("orders", 0), 10)]
    assert asker.waiting.take_at(("orders", 0), 10) == []
    assert len(asker.waiting) == 2
    assert [offsets(asker.waiting.take(8, ())) for _ in range(3)] == [[(0, [5000])], [(0, [900_000])], []]


def test_take_at_of_the_last_request_leaves_an_empty_queue(asker: Asker, waiting: ReadQueue) -> None:
    """A line that was emptied from its middle is gone like any other."""
    asker.put(10)
    assert len(waiting.take_at(("orders", 0), 10)) == 1
    assert waiting.take(8, ()) == []
    waiting.close()
    assert not waiting.wait(0)
