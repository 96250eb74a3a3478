"""Who may read ahead: the shares never exceed the memory, and nobody takes all of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka.jobs.worker import read_ahead
from kafka.jobs.worker.read_ahead import FAST_MB, SLOW_MB, ReadAhead, Share

shares = st.builds(
    lambda number, caller, partition, size_mb: Share(str(number), ("p", caller), ("c", partition), size_mb),
    st.integers(0, 60),
    st.sampled_from("abc"),
    st.integers(0, 3),
    st.sampled_from([SLOW_MB, FAST_MB]),
)
steps = st.lists(st.tuples(st.booleans(), shares), max_size=200)


def share(number: int, caller: str = "a", partition: int = 0, size_mb: int = FAST_MB) -> Share:
    return Share(str(number), ("p", caller), ("c", partition), size_mb)


@given(steps, st.sampled_from([64, 100, 256]))
def test_shares_stay_within_the_memory_and_half_of_it_for_each(wanted: list[tuple[bool, Share]], size_mb: int) -> None:
    """Whatever comes and goes: all together fit, and so do those of a caller and of a store partition into half."""
    shared = ReadAhead(size_mb)
    known: dict[str, Share] = {}
    for giving_back, asked in wanted:
        if giving_back:
            shared.give_back(asked.job_id)
            known.pop(asked.job_id, None)
        else:
            shared.take(known.setdefault(asked.job_id, asked))
        held = [job for job in known.values() if shared.take(job)]
        assert sum(job.size_mb for job in held) <= size_mb
        for group in {group for job in held for group in job.groups}:
            assert sum(job.size_mb for job in held if group in job.groups) <= max(FAST_MB, size_mb // 2)


@given(steps)
def test_everybody_gets_a_share_once_all_others_have_given_theirs_back(wanted: list[tuple[bool, Share]]) -> None:
    """Nobody is forgotten in the line, and nothing is left over from jobs that are gone."""
    shared = ReadAhead(64)
    known: dict[str, Share] = {}
    for giving_back, asked in wanted:
        if giving_back:
            shared.give_back(asked.job_id)
            known.pop(asked.job_id, None)
        else:
            shared.take(known.setdefault(asked.job_id, asked))
    left = dict(known)
    while left:
        served = [job_id for job_id, job in left.items() if shared.take(job)]
        assert served
        for job_id in served:
            shared.give_back(job_id)
            del left[job_id]
    assert all(shared.take(share(100 + number, str(number), number)) for number in range(2))


def test_those_who_wait_are_served_in_their_order() -> None:
    """One that does not fit lets those behind it pass that do: they are of others."""
    shared = ReadAhead(4 * FAST_MB)
    asked = [share(0), share(1), share(2), share(3, "b", 1), share(4, "b", 2)]
    assert [shared.take(job) for job in asked] == [True, True, False, True, True]
    assert shared.waits_for("2") == 0
    shared.give_back("3")
    assert not shared.take(asked[2])
    shared.give_back("0")
    assert shared.take(asked[2])
    assert shared.waits_for("2") is None


def test_share_is_wanted_back_only_while_others_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that has read for its time gives way to one that it keeps waiting, and to no other."""
    shared = ReadAhead(4 * FAST_MB)
    mine, other = share(0), share(1, "b", 1)
    assert shared.take(mine)
    assert shared.take(other)
    assert shared.take(share(2))
    assert not shared.take(share(3))
    assert not shared.is_wanted("0")
    monkeypatch.setattr(read_ahead, "_TIME_SLICE_SECONDS", 0.0)
    assert shared.is_wanted("0")
    assert not shared.is_wanted("1")
