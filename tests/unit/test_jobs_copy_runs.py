"""Where a job's copies are, as its progress keeps it: in a bounded size, and never told to be more than is known."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kafka.jobs.copy_runs import (
    KEPT_PARTITIONS,
    KEPT_RUNS,
    CopyRun,
    PartitionCopies,
    copies_known,
    with_written,
)
from kafka.model.copies import Copy
from kafka.model.records import Position

transactions = st.lists(
    st.lists(st.tuples(st.integers(1, 3), st.booleans()), min_size=1, max_size=8), min_size=1, max_size=12
)
"""Each copy of each transaction: how many offsets further, and whether the broker tells."""


def copy(partition: int, topic: str = "topic") -> Copy:
    return Copy(topic, partition, None, None, original=Position("topic", partition, 0))


def written(steps: list[list[tuple[int, bool]]], most_runs: int) -> tuple[list[int], PartitionCopies]:
    """Return where the copies of some transactions are, and what is kept of that."""
    offsets: list[int] = []
    found = PartitionCopies()
    offset = 0
    for step in steps:
        told: list[int | None] = []
        for further, known in step:
            offset += further
            offsets.append(offset)
            told.append(offset if known else None)
        found = found.with_written(told, most_runs)
        # The marker that ends a transaction has an offset, too.
        offset += 1
    return offsets, found


@given(transactions, st.integers(1, 6))
def test_bounds_hold_whatever_is_kept(steps: list[list[tuple[int, bool]]], most_runs: int) -> None:
    """Before each offset lie at least and at most as many copies as is told, also where the broker told no offset."""
    offsets, found = written(steps, most_runs)

    assert found.count == len(offsets)
    assert len(found.runs) <= most_runs
    for offset in range(offsets[-1] + 3):
        least, most = found.before(offset)
        assert 0 <= least <= sum(each < offset for each in offsets) <= most <= len(offsets)


@given(transactions)
def test_count_is_exact_while_no_runs_are_taken_together(steps: list[list[tuple[int, bool]]]) -> None:
    """Also between copies that records of others lie between."""
    offsets, found = written([[(further, True) for further, _ in step] for step in steps], 1000)

    for offset in range(offsets[-1] + 3):
        assert found.before(offset) == (sum(each < offset for each in offsets),) * 2


def test_all_copies_lie_before_what_is_behind_the_last_one() -> None:
    """That is exact whatever was taken together, unless the broker did not tell where the last ones are."""
    found = PartitionCopies((CopyRun(5, 20, 10),))
    behind = PartitionCopies(found.runs, 2)

    assert (found.before(20), found.before(21)) == ((9, 9), (10, 10))
    assert (behind.before(21), behind.count) == ((10, 12), 12)
    assert PartitionCopies((), 3).before(100) == (0, 3)


def test_copies_that_the_broker_did_not_place_lie_before_those_of_later_transactions() -> None:
    """Whoever is past these is past them."""
    found = PartitionCopies((CopyRun(5, 9, 5),), 2).with_written([20, 21], KEPT_RUNS)

    assert found == PartitionCopies((CopyRun(5, 21, 9),))
    assert (found.before(22), found.before(21), found.before(20)) == ((9, 9), (8, 8), (7, 8))


def test_runs_that_are_taken_together_are_those_with_the_fewest_other_offsets_between() -> None:
    """So that as little as possible becomes inexact."""
    found = PartitionCopies()
    for offsets in ([0, 1], [3, 4], [50, 51], [90, 91]):
        found = found.with_written(offsets, 3)

    assert found.runs == (CopyRun(0, 4, 4), CopyRun(50, 51, 2), CopyRun(90, 91, 2))


def test_progress_stays_small_however_many_transactions_and_partitions_there_are() -> None:
    """A job writes it with each transaction."""
    many = with_written({}, [(copy(0), 2 * offset) for offset in range(5000)])
    wide = with_written({}, [(copy(partition), offset) for partition in range(1200) for offset in (1, 3, 5)])
    more = with_written(wide, [(copy(1100), 7), (copy(3, "other"), 7), (copy(0), 7)])

    assert len(many["topic"][0].runs) == KEPT_RUNS
    assert copies_known(many) == 5000
    assert len(wide["topic"]) == KEPT_PARTITIONS
    assert sum(len(found.runs) for found in wide["topic"].values()) <= KEPT_PARTITIONS + 500
    assert (copies_known(wide), copies_known(more)) == (3 * KEPT_PARTITIONS, 3 * KEPT_PARTITIONS + 1)
    assert "other" not in more
