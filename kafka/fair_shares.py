"""Places for work that takes long, shared fairly between callers."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kafka.model.errors import TooManyScans

_WAITING_PER_PLACE = 4


class FairShares:
    """A number of places, of which one caller has at most half, rounded up: another one finds some free.

    A caller that finds none waits. A place that becomes free goes to the caller with the fewest of them, and among
    those to the one that has not had one for the longest time: the number of requests that wait makes no difference.

    Belongs to one event loop.

    Args:
        places: how many there are.
        patience_seconds: how long to wait for one.
    """

    def __init__(self, places: int, patience_seconds: float) -> None:
        self._places = places
        self._share = (places + 1) // 2
        self._most_waiting = _WAITING_PER_PLACE * places
        self._patience_seconds = patience_seconds
        self._taken: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._turns = itertools.count(1)
        self._last_turn: dict[str, int] = {}

    @asynccontextmanager
    async def place(self, caller: str) -> AsyncIterator[None]:
        """Have a place for as long as this lasts.

        Args:
            caller: whose place it is.

        Raises:
            TooManyScans: none became free in time, or as many requests of this caller as may are waiting already.
        """
        await self._take(caller)
        try:
            yield
        finally:
            self._give_back(caller)

    async def _take(self, caller: str) -> None:
        # A caller that may have a free place has been given it: only callers that have their share wait beside one.
        if self._taken.total() < self._places and self._taken[caller] < self._share:
            self._give(caller)
            return
        line = self._waiting.setdefault(caller, deque())
        if len(line) >= self._most_waiting:
            raise TooManyScans(self._places)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            async with asyncio.timeout(self._patience_seconds):
                await turn
        except (TimeoutError, asyncio.CancelledError) as error:
            if turn.done() and not turn.cancelled():
                # It came at the same moment.
                self._give_back(caller)
            else:
                self._leave(caller, turn)
            if isinstance(error, TimeoutError):
                raise TooManyScans(self._places) from None
            raise

    def _give(self, caller: str) -> None:
        self._taken[caller] += 1
        self._last_turn[caller] = next(self._turns)

    def _leave(self, caller: str, turn: asyncio.Future[None]) -> None:
        line = self._waiting.get(caller)
        if line is not None and turn in line:
            line.remove(turn)
        self._forget(caller)

    def _give_back(self, caller: str) -> None:
        self._taken[caller] -= 1
        self._forget(caller)
        while self._taken.total() < self._places:
            waiting = [each for each in self._waiting if self._taken[each] < self._share]
            if not waiting:
                return
            following = min(waiting, key=lambda each: (self._taken[each], self._last_turn.get(each, 0)))
            turn = self._waiting[following].popleft()
            if not turn.done():
                self._give(following)
                turn.set_result(None)
            self._forget(following)

    def _forget(self, caller: str) -> None:
        """Keep nothing of a caller that has nothing here."""
        if not self._waiting.get(caller):
            self._waiting.pop(caller, None)
        if not self._taken[caller]:
            del self._taken[caller]
            if caller not in self._waiting:
                self._last_turn.pop(caller, None)
