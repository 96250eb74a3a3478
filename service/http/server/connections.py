"""All connections of one process: how many there may be, and whose time is up."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Protocol

from service.http.addresses import network_of
from service.http.errors import row_of
from service.http.refusals import RequestRefused, TooManyConnections
from service.http.server.limits import ConnectionLimits
from service.http.tally import Tally

_LONGEST_SWEEP_SECONDS = 1.0


class Connection(Protocol):
    """What is needed of a connection here.

    Attributes:
        deadline: point of the event loop's time at which it has taken too long.
    """

    deadline: float

    def expire(self) -> None:
        """End it: its time is up."""


class Connections:
    """The connections that are open.

    Args:
        limits: what each may take, and how many there may be.
        loop: which they belong to.
    """

    def __init__(self, limits: ConnectionLimits, loop: asyncio.AbstractEventLoop) -> None:
        self.limits = limits
        self._loop = loop
        self._open: dict[Connection, str] = {}
        self._of_address: Counter[str] = Counter()
        self._tallies: dict[str, Tally] = {}
        self._sweeping = False
        # Often enough that no limit is exceeded by more than half of it.
        times = (limits.head_seconds, limits.body_seconds, limits.idle_seconds)
        self._sweep_seconds = min(_LONGEST_SWEEP_SECONDS, min(times) / 2)

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, connection: Connection, host: str | None) -> TooManyConnections | None:
        """Take a new connection, or return why it is refused.

        Args:
            connection: the new one.
            host: address of the other end; None where it has none.
        """
        address = network_of(host)
        if self._of_address[address] >= self.limits.max_connections_per_address:
            return TooManyConnections("too many connections of this address are open")
        if len(self._open) >= self.limits.max_connections:
            return TooManyConnections("too many connections are open")
        if not self._sweeping:
            self._sweeping = True
            self._loop.call_later(self._sweep_seconds, self._sweep)
        self._open[connection] = address
        self._of_address[address] += 1
        return None

    def leave(self, connection: Connection) -> None:
        """Forget a connection that has ended, if it was one of these."""
        address = self._open.pop(connection, None)
        if address is not None:
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]

    def refused(self, error: RequestRefused, host: str | None, request_id: str) -> None:
        """Count what was refused before the application got it, and log it, together with others if there are many.

        Args:
            error: what is wrong.
            host: address of the other end.
            request_id: which the answer has.
        """
        self._tally("request refused unread", row_of(error).error_code).add(
            address=host, request_id=request_id, reason=str(error)
        )

    def ended(self, why: str, host: str | None) -> None:
        """Count a connection that was ended without an answer, and log it, together with others if there are many.

        Args:
            why: in a few words.
            host: address of the other end.
        """
        self._tally("connection ended", why).add(address=host)

    def _tally(self, event: str, outcome: str) -> Tally:
        if outcome not in self._tallies:
            self._tallies[outcome] = Tally(event, outcome=outcome)
        return self._tallies[outcome]

    def _sweep(self) -> None:
        now = self._loop.time()
        for connection in [each for each in self._open if each.deadline <= now]:
            connection.expire()
        self._sweeping = bool(self._open)
        if self._sweeping:
            self._loop.call_later(self._sweep_seconds, self._sweep)
