"""Waits that get longer and longer, for what failed and is tried again."""

from __future__ import annotations

import time


class Backoff:
    """A wait that is longer each time, up to a bound. Only one thread may use it.

    Args:
        first_seconds: how long the first wait is.
        longest_seconds: the bound.
        factor: how much longer each is than the one before.

    Attributes:
        seconds: how long the next wait is.
    """

    __slots__ = ("_factor", "_first_seconds", "_longest_seconds", "_until", "seconds")

    def __init__(self, first_seconds: float, longest_seconds: float, factor: float = 2.0) -> None:
        self._first_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._factor = factor
        self._until = 0.0
        self.seconds = first_seconds

    @property
    def waiting(self) -> bool:
        """Whether the wait that began last is not over yet."""
        return time.monotonic() < self._until

    def begin(self) -> float:
        """Begin a wait, and return how long it is; the next one is longer."""
        seconds = self.seconds
        self._until = time.monotonic() + seconds
        self.lengthen()
        return seconds

    def lengthen(self) -> None:
        """Make the next wait longer."""
        self.seconds = min(self._factor * self.seconds, self._longest_seconds)

    def reset(self) -> None:
        """Have the next wait be as long as the first one: it works again."""
        self.seconds = self._first_seconds
