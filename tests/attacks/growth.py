"""Measures how the time of something grows with its size."""

from __future__ import annotations

import time
from collections.abc import Callable

SMALL = 1500
DOUBLINGS = 3
_MOST_GROWTH = 4.0**DOUBLINGS / 2
"""Of what is linear the time grows eightfold in three doublings, of what is quadratic sixty-four-fold."""


def thread_seconds(work: Callable[[], object]) -> float:
    """Return the processor time of this thread alone, the least of a few: others on the machine do not count."""
    least = float("inf")
    for _ in range(3):
        begun = time.thread_time()
        work()
        least = min(least, time.thread_time() - begun)
    return least


def check_growth(seconds: Callable[[int], float], longest: float = 1.0) -> None:
    """Fail if the time grows much faster than the size, or is too long for an event loop.

    Args:
        seconds: measures something of a size.
        longest: how many seconds the largest may take.
    """
    least = seconds(SMALL)
    most = seconds(SMALL * 2**DOUBLINGS)

    # A millisecond is what a clock, a cache or a collection of garbage may add to either.
    assert most < _MOST_GROWTH * least + 0.001
    assert most < longest
