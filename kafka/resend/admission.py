"""How many copies are handed to a Producer at once, so that a broker's quota lets them through in time.

A broker that throttles a client (KIP-219) answers at once, tells for how long it will read nothing more from that
connection, and then lets wait whatever is sent meanwhile: longer than the delivery timeout, if that is much, and then
nobody knows what was written. So what does not fit is not sent, and refused while it is certain that nothing was.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass

from kafka.model.errors import DeadlineExceeded, Throttled

_QUOTA_SECONDS = 10
"""Over how long a broker takes the average: quota.window.num and quota.window.size.seconds at their defaults."""
_ALWAYS = 32768
"""So much may be in flight whatever was acknowledged: for 8 s of delivery timeout it suits quotas from 4 kB/s on.

What is in flight is measured in copies x bytes. Once the quota is used up, a broker waits after each request for as
long as the bytes since then take at the quota; should each of n copies be a request of its own, the last of them is
written after the sum of these, (n - 1) / 2 x bytes / quota. With copies x bytes of at most timeout x quota that is
half of the timeout. The quota is not known, but it allowed what was acknowledged within _QUOTA_SECONDS.
"""


@dataclass(slots=True)
class Admitted:
    """A copy that is in flight.

    Attributes:
        size_bytes: before compression.
        since: point of time.monotonic().
    """

    size_bytes: int
    since: float


class WriteAdmission:
    """What is in flight to one broker. Belongs to an event loop.

    Args:
        delivery_timeout_seconds: after which nobody knows any more what was written.
    """

    def __init__(self, delivery_timeout_seconds: float) -> None:
        self._delivery_timeout_seconds = delivery_timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._in_flight_bytes = 0
        self._in_flight = 0
        self._waiting: deque[tuple[asyncio.Future[None], int]] = deque()
        self._waiting_bytes = 0
        self._acknowledged: deque[tuple[int, int]] = deque()
        self._acknowledged_bytes = 0
        self._throttled_at = float("-inf")
        self._throttled_until = float("-inf")
        self._careful = False
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self, size_bytes: int, latest: float) -> Admitted:
        """Return when the copy may be handed over.

        Args:
            size_bytes: of the copy.
            latest: point of time.monotonic() from which on it is too late for it.

        Raises:
            Throttled: the broker throttles, and the copy would not be written in time.
            DeadlineExceeded: what was sent before it is not acknowledged.
        """
        if not self._waiting and self._may_go(size_bytes):
            return self._take(size_bytes)
        self._refuse_hopeless(size_bytes, latest)
        turn: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((turn, size_bytes))
        self._waiting_bytes += size_bytes
        self._wake_later()
        try:
            async with asyncio.timeout(latest - time.monotonic()):
                await turn
        except (TimeoutError, asyncio.CancelledError) as ended:
            self._give_up(turn, size_bytes)
            if isinstance(ended, asyncio.CancelledError):
                raise
            if self._careful:
                raise self._refusal() from None
            raise DeadlineExceeded("the acknowledgement of copies that were sent before") from None
        return Admitted(size_bytes, time.monotonic())

    def _give_up(self, turn: asyncio.Future[None], size_bytes: int) -> None:
        """Leave the queue, or, where the turn has come in that moment, give it to the next one."""
        if turn.cancelled():
            self._waiting.remove((turn, size_bytes))
            self._waiting_bytes -= size_bytes
            self._go_on()
        else:
            self._leave(size_bytes)

    def exit(self, admitted: Admitted, *, acknowledged: bool) -> None:
        """Take note of the outcome of a copy."""
        if acknowledged:
            second = int(time.monotonic())
            self._acknowledged.append((second, admitted.size_bytes))
            self._acknowledged_bytes += admitted.size_bytes
            if admitted.since > self._throttled_at:
                self._careful = False
        self._leave(admitted.size_bytes)

    def throttle(self, seconds: float) -> None:
        """Take note that the broker reads nothing more for this long."""
        if seconds > 0:
            self._throttled_at = time.monotonic()
            self._throttled_until = self._throttled_at + seconds
            self._careful = True

    def _may_go(self, size_bytes: int) -> bool:
        if time.monotonic() < self._throttled_until:
            return False
        if not self._in_flight:
            return True
        # After it was throttled, one copy tells whether it still is.
        if self._careful:
            return False
        then = (self._in_flight + 1) * (self._in_flight_bytes + size_bytes)
        return then <= max(_ALWAYS, self._recent() / _QUOTA_SECONDS * self._delivery_timeout_seconds)

    def _recent(self) -> int:
        """Return how much was acknowledged within the time that a quota looks at."""
        oldest = int(time.monotonic()) - _QUOTA_SECONDS
        while self._acknowledged and self._acknowledged[0][0] < oldest:
            self._acknowledged_bytes -= self._acknowledged.popleft()[1]
        return self._acknowledged_bytes

    def _refuse_hopeless(self, size_bytes: int, latest: float) -> None:
        """Raise Throttled at once for what would only wait to be refused."""
        if not self._careful:
            return
        due = max(time.monotonic(), self._throttled_until)
        rate = max(1.0, self._recent() / _QUOTA_SECONDS)
        if due + (self._waiting_bytes + size_bytes) / rate > latest:
            raise self._refusal()

    def _refusal(self) -> Throttled:
        return Throttled(max(0.0, self._throttled_until - time.monotonic()))

    def _take(self, size_bytes: int) -> Admitted:
        self._in_flight += 1
        self._in_flight_bytes += size_bytes
        return Admitted(size_bytes, time.monotonic())

    def _leave(self, size_bytes: int) -> None:
        self._in_flight -= 1
        self._in_flight_bytes -= size_bytes
        self._go_on()

    def _go_on(self) -> None:
        """Admit all that may go now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # One that is cancelled leaves the queue in a moment.
        while self._waiting and not self._waiting[0][0].cancelled() and self._may_go(self._waiting[0][1]):
            turn, size_bytes = self._waiting.popleft()
            self._waiting_bytes -= size_bytes
            self._take(size_bytes)
            turn.set_result(None)
        self._wake_later()

    def _wake_later(self) -> None:
        """Continue when the broker reads again; while something is in flight, its outcome does that."""
        if self._waiting and not self._in_flight and self._timer is None:
            self._timer = self._loop.call_later(max(0.0, self._throttled_until - time.monotonic()), self._go_on)
