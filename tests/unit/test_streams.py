"""Partitions merged by time: whatever the logs hold, pages give each record once and in its place."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from kafka.records import Span, TimestampType
from kafka.streams import Found, Merge

Log = dict[int, int]
"""Timestamps by offset; what is missing is a hole."""


def found_at(partition: int, offset: int, timestamp_ms: int) -> Found:
    """Return a record that was found."""
    return Found(partition, offset, timestamp_ms, TimestampType.CREATE_TIME, None, 0, None, None, None)


def page(
    logs: dict[int, Log], spans: tuple[Span, ...], *, ascending: bool, most: int, odd_only: bool = False
) -> tuple[list[Found], tuple[Span, ...]]:
    """Return a page and what is left, read from these logs as a Consumer would read them."""
    merge = Merge(spans, ascending=ascending, most=most, most_read=1000)
    given_out: list[Found] = []
    while True:
        given_out += merge.give(most - len(given_out))
        if len(given_out) >= most or merge.exhausted:
            return given_out, merge.rest()
        for stream in merge.wanted():
            reading = stream.reading()
            log = logs[stream.partition]
            for offset in sorted(offset for offset in log if offset >= reading.start):
                if offset >= reading.end:
                    over = stream.pass_to(offset)
                else:
                    looked_for = not odd_only or log[offset] % 2 == 1
                    over = stream.take(offset, found_at(stream.partition, offset, log[offset]) if looked_for else None)
                if over:
                    break
            else:
                # The end of the partition.
                assert stream.pass_to(max([reading.end, *log]))


logs_of_partitions = st.dictionaries(
    st.integers(0, 4), st.dictionaries(st.integers(0, 60), st.integers(0, 50), max_size=40), min_size=1, max_size=4
)


def spans_of(logs: dict[int, Log]) -> tuple[Span, ...]:
    """Return spans that are a little shorter than the logs: there is something on both sides."""
    return tuple(Span(partition, 3, 55) for partition in sorted(logs))


@given(logs=logs_of_partitions, ascending=st.booleans(), most=st.integers(1, 30), odd_only=st.booleans())
def test_pages_of_a_merge_give_every_record_exactly_once_in_the_order_of_its_partition(
    *, logs: dict[int, Log], ascending: bool, most: int, odd_only: bool
) -> None:
    """Turned to the end, pages hold what is looked for, nothing else, each once, by offset within each partition."""
    pages: list[list[Found]] = []
    rest = spans_of(logs)
    while rest:
        found, rest = page(logs, rest, ascending=ascending, most=most, odd_only=odd_only)
        pages.append(found)
        assert len(pages) < 1000
    got = [(found.partition, found.offset) for found in itertools.chain(*pages)]

    expected = [
        (partition, offset)
        for partition, log in sorted(logs.items())
        for offset in sorted(log, reverse=not ascending)
        if 3 <= offset < 55 and (not odd_only or log[offset] % 2)
    ]
    assert expected == sorted(got, key=lambda position: position[0])
    assert all(len(each) == most for each in pages[:-1])


@given(
    times=st.lists(st.lists(st.integers(0, 50), max_size=40).map(sorted), min_size=1, max_size=4),
    ascending=st.booleans(),
)
def test_merge_of_partitions_sorted_by_time_is_sorted_by_time(*, times: list[list[int]], ascending: bool) -> None:
    """Where no partition has a record out of order, no page has one either."""
    logs = {partition: dict(enumerate(log)) for partition, log in enumerate(times)}
    rest = tuple(Span(partition, 0, len(log)) for partition, log in logs.items() if log)
    got: list[int] = []
    while rest:
        found, rest = page(logs, rest, ascending=ascending, most=7)
        got += [each.timestamp_ms for each in found]

    assert sorted((time for log in times for time in log), reverse=not ascending) == got


def test_merge_waits_for_a_partition_unless_told_not_to() -> None:
    """What may come between is waited for; when time is up, what there is is given, and nothing of it is left."""
    merge = Merge([Span(0, 0, 2), Span(1, 0, 2)], ascending=True, most=10, most_read=1000)
    first, _ = merge.wanted()
    first.take(0, found_at(0, 0, 5))

    assert [] == list(merge.give(10))
    assert [found_at(0, 0, 5)] == list(merge.give(10, anyway=True))
    assert (Span(0, 1, 2), Span(1, 0, 2)) == merge.rest()


def test_merge_reads_all_partitions_on_while_one_is_barren() -> None:
    """A key that is in one partition only is looked for there, too, while the others are read."""
    merge = Merge([Span(0, 0, 1000), Span(1, 0, 1000)], ascending=False, most=100, most_read=10_000)
    fruitful, barren = merge.wanted()
    fruitful.reading()
    fruitful.take(999, found_at(0, 999, 5))
    barren.reading()
    barren.take(999, None)

    assert [barren, fruitful] == sorted(merge.wanted(), key=lambda stream: -stream.partition)


def test_stream_whose_start_was_deleted_begins_at_the_log_start() -> None:
    """What retention takes between two pages is left out, in both directions."""
    forwards = Merge([Span(0, 0, 10)], ascending=True, most=10, most_read=1000)
    backwards = Merge([Span(0, 0, 10)], ascending=False, most=10, most_read=1000)
    for merge in (forwards, backwards):
        (stream,) = merge.wanted()
        stream.begin_at(8)
        assert Span(0, 8, 10) == stream.reading()
        stream.begin_at(20)
        assert stream.done
        assert () == merge.rest()
