"""Waits that get longer."""

from __future__ import annotations

import time
from itertools import pairwise

from hypothesis import given
from hypothesis.strategies import floats, integers

from kafka.backoff import Backoff


@given(floats(0.001, 10), floats(1, 4), integers(1, 30))
def test_each_wait_is_longer_by_the_factor_up_to_the_longest(first: float, factor: float, times: int) -> None:
    """However often it fails, the wait stays within its bounds."""
    longest = 5 * first
    backoff = Backoff(first, longest, factor)

    waits = [backoff.begin() for _ in range(times)]

    assert waits[0] == first
    assert all(later == min(factor * earlier, longest) for earlier, later in pairwise(waits))


def test_reset_makes_the_next_wait_the_first_one_again() -> None:
    """What works again and fails later is not punished for what was before."""
    backoff = Backoff(1, 100)
    backoff.begin()
    backoff.begin()

    backoff.reset()

    assert backoff.begin() == 1


def test_wait_is_over_when_its_time_is_up() -> None:
    """By the monotonic clock; before the first failure there is none."""
    backoff = Backoff(0.05, 0.05)
    before = backoff.waiting

    begun = time.monotonic()
    backoff.begin()
    while backoff.waiting:
        pass

    assert not before
    assert 0.05 <= time.monotonic() - begun < 5
