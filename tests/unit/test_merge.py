"""Partitions merged into one list: whatever the logs hold, pages give each record once and in its place."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka.model.records import OffsetRange, TimestampType
from kafka.search.merge import Merge, MergeBounds, Placed, in_order
from kafka.search.order import merged_by_time
from kafka.search.streams import RecordSummary

Log = dict[int, int]
"""Timestamps by offset; what is missing is a hole."""


def found_at(partition: int, offset: int, timestamp_ms: int) -> RecordSummary:
    """Return a record that was found."""
    return RecordSummary(partition, offset, timestamp_ms, TimestampType.CREATE_TIME, None, 0, None, None, None)


def page(
    logs: dict[int, Log],
    spans: tuple[OffsetRange, ...],
    *,
    ascending: bool,
    most: int,
    odd_only: bool = False,
    in_turn: bool = False,
    skip: int = 0,
) -> tuple[list[RecordSummary], tuple[OffsetRange, ...]]:
    """Return a page and what is left, read from these logs as a Consumer would read them."""
    most += skip
    merge = Merge(spans, ascending=ascending, in_turn=in_turn, bounds=MergeBounds(most, 1000))
    given_out: list[Placed] = []
    while True:
        given_out += merge.give(most - len(given_out))
        if len(given_out) >= most or merge.exhausted:
            page = given_out[skip:]
            return in_order(page) if in_turn else [found for _, found in page], merge.rest()
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


def spans_of(logs: dict[int, Log]) -> tuple[OffsetRange, ...]:
    """Return spans that are a little shorter than the logs: there is something on both sides."""
    return tuple(OffsetRange(partition, 3, 55) for partition in sorted(logs))


@given(
    logs=logs_of_partitions,
    ascending=st.booleans(),
    most=st.integers(1, 30),
    odd_only=st.booleans(),
    in_turn=st.booleans(),
)
def test_pages_of_a_merge_give_every_record_exactly_once_in_the_order_of_its_partition(
    *, logs: dict[int, Log], ascending: bool, most: int, odd_only: bool, in_turn: bool
) -> None:
    """Turned to the end, pages hold what is looked for, nothing else, each once, by offset within each partition."""
    pages: list[list[RecordSummary]] = []
    rest = spans_of(logs)
    while rest:
        found, rest = page(logs, rest, ascending=ascending, most=most, odd_only=odd_only, in_turn=in_turn)
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
    rest = tuple(OffsetRange(partition, 0, len(log)) for partition, log in logs.items() if log)
    got: list[int] = []
    while rest:
        found, rest = page(logs, rest, ascending=ascending, most=7)
        got += [each.timestamp_ms for each in found]

    assert sorted((time for log in times for time in log), reverse=not ascending) == got


@given(
    times=st.lists(st.lists(st.integers(0, 50), max_size=40).map(sorted), min_size=1, max_size=4),
    ascending=st.booleans(),
)
def test_page_in_turn_of_partitions_sorted_by_time_is_sorted_by_time(
    *, times: list[list[int]], ascending: bool
) -> None:
    """Which records a page has, the turns decide; in which order it shows them, their times."""
    logs = {partition: dict(enumerate(log)) for partition, log in enumerate(times)}
    spans = tuple(OffsetRange(partition, 0, len(log)) for partition, log in logs.items() if log)
    found, _ = page(logs, spans, ascending=ascending, most=9, in_turn=True)
    got = [each.timestamp_ms for each in found]

    assert sorted(got, reverse=not ascending) == got
    assert min(9, len(spans)) <= len({each.partition for each in found}) + max(0, len(spans) - 9)


@settings(deadline=None)
@given(
    logs=logs_of_partitions,
    ascending=st.booleans(),
    in_turn=st.booleans(),
    skip=st.integers(0, 40),
    most=st.integers(1, 30),
)
def test_pages_by_number_neither_repeat_nor_leave_out(
    *, logs: dict[int, Log], ascending: bool, in_turn: bool, skip: int, most: int
) -> None:
    """What comes next does not depend on how many are asked for: the first n and the next m are the first n + m."""
    spans = spans_of(logs)
    first, _ = page(logs, spans, ascending=ascending, most=skip + most, in_turn=in_turn)
    before, _ = page(logs, spans, ascending=ascending, most=max(1, skip), in_turn=in_turn)
    after, _ = page(logs, spans, ascending=ascending, most=most, in_turn=in_turn, skip=max(1, skip))

    assert Counter(first[: len(first)]) >= Counter(before)
    assert Counter(before) + Counter(after) >= Counter(first)


RECORDS = 300
"""In each of the partitions below, a second apart from each other, in turn."""


def seconds_apart() -> dict[int, Log]:
    """Return three partitions with a record every three seconds each."""
    return {p: {offset: 1000 * (3 * offset + p) for offset in range(RECORDS)} for p in range(3)}


def share(logs: dict[int, Log], *, ascending: bool, most: int, in_turn: bool) -> dict[int, int]:
    """Return how many records of each partition the first page has."""
    spans = tuple(OffsetRange(partition, 0, max(log) + 1) for partition, log in logs.items())
    found, _ = page(logs, spans, ascending=ascending, most=most, in_turn=in_turn)
    return dict(Counter(each.partition for each in found))


@pytest.mark.parametrize("in_turn", [True, False])
@pytest.mark.parametrize("copies", [1, 5, 16])
@pytest.mark.parametrize("most", [30, 99])
def test_copies_at_the_end_of_a_partition_hide_nothing(*, in_turn: bool, copies: int, most: int) -> None:
    """Copies with the times of old originals are among the newest, and so is what they are behind."""
    logs = seconds_apart()
    logs[0] |= {RECORDS + number: logs[0][number] for number in range(copies)}
    got = share(logs, ascending=False, most=most, in_turn=in_turn)

    assert {0, 1, 2} == set(got)
    assert all(count >= (most - copies) // 3 - 6 for count in got.values())


@pytest.mark.parametrize("in_turn", [True, False])
def test_future_time_at_the_beginning_of_a_partition_hides_nothing(*, in_turn: bool) -> None:
    """Microseconds written as milliseconds keep the oldest records of no partition from the first page."""
    logs = seconds_apart()
    logs[0][0] *= 1000
    logs[1][0] = 2**62

    assert {0: 33, 1: 33, 2: 33} == share(logs, ascending=True, most=99, in_turn=in_turn)


@pytest.mark.parametrize("in_turn", [True, False])
@pytest.mark.parametrize("ascending", [True, False])
def test_record_without_a_time_holds_nothing_back(*, in_turn: bool, ascending: bool) -> None:
    """-1 is no time, neither the oldest nor the newest."""
    logs = seconds_apart()
    logs[1][0 if ascending else RECORDS - 1] = -1

    assert {0: 33, 1: 33, 2: 33} == share(logs, ascending=ascending, most=99, in_turn=in_turn)


def test_partition_that_holds_nothing_but_copies_at_its_end_has_its_turns() -> None:
    """After a job of a thousand copies, the newest records show them, beside the other partitions'."""
    logs = seconds_apart()
    logs[0] |= {RECORDS + number: number for number in range(RECORDS)}
    got = share(logs, ascending=False, most=100, in_turn=True)

    assert 100 == sum(got.values())
    assert all(count >= 16 for count in got.values())


def test_every_partition_is_on_the_first_page_that_has_room_for_it() -> None:
    """A copy that was written to one of fifty idle partitions is found, however busy another one is."""
    logs = {number: {0: number} for number in range(50)} | {50: {offset: 10**6 + offset for offset in range(500)}}
    got = share(logs, ascending=False, most=100, in_turn=True)

    assert dict.fromkeys(range(50), 1) | {50: 50} == got


def test_lists_of_which_everything_is_there_are_merged_as_pages_are() -> None:
    """What `tail` prints at once: a time that is years away holds back no record behind it."""
    first, second = [10, 2**62, 30, 50], [20, -1, 40]

    assert [10, 20, -1, 40, 2**62, 30, 50] == merged_by_time([first, second], int, ascending=True)
    assert [50, 40, 30, 2**62, -1, 20, 10] == merged_by_time([first[::-1], second[::-1]], int, ascending=False)


def test_merge_waits_for_a_partition_unless_told_not_to() -> None:
    """What may come between is waited for; when time is up, what there is is given, and nothing of it is left."""
    merge = Merge(
        [OffsetRange(0, 0, 2), OffsetRange(1, 0, 2)], ascending=True, in_turn=False, bounds=MergeBounds(10, 1000)
    )
    first, _ = merge.wanted()
    first.take(0, found_at(0, 0, 5))

    assert [] == list(merge.give(10))
    assert [(5, found_at(0, 0, 5))] == list(merge.give(10, anyway=True))
    assert (OffsetRange(0, 1, 2), OffsetRange(1, 0, 2)) == merge.rest()


def test_merge_reads_all_partitions_on_while_one_is_barren() -> None:
    """A key that is in one partition only is looked for there, too, while the others are read."""
    merge = Merge(
        [OffsetRange(0, 0, 1000), OffsetRange(1, 0, 1000)],
        ascending=False,
        in_turn=False,
        bounds=MergeBounds(100, 10_000),
    )
    fruitful, barren = merge.wanted()
    fruitful.reading()
    fruitful.take(999, found_at(0, 999, 5))
    barren.reading()
    barren.take(999, None)

    assert [barren, fruitful] == sorted(merge.wanted(), key=lambda stream: -stream.partition)


def test_stream_whose_start_was_deleted_begins_at_the_log_start() -> None:
    """What retention takes between two pages is left out, in both directions."""
    forwards = Merge([OffsetRange(0, 0, 10)], ascending=True, in_turn=False, bounds=MergeBounds(10, 1000))
    backwards = Merge([OffsetRange(0, 0, 10)], ascending=False, in_turn=False, bounds=MergeBounds(10, 1000))
    for merge in (forwards, backwards):
        (stream,) = merge.wanted()
        stream.begin_at(8)
        assert OffsetRange(0, 8, 10) == stream.reading()
        stream.begin_at(20)
        assert stream.done
        assert () == merge.rest()
