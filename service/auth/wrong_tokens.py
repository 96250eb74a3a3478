"""Slows down senders of wrong tokens, address by address.

A right token is always taken, at once. Behind a proxy all callers have one address: if wrong tokens could have right
ones refused, a stranger, or one caller with an expired token, could lock all others out. That tokens cannot be guessed
is due to their length (those of `kafka-resend token` have 256 bits); what is bounded here is the work, the log, and the
pace of a stranger.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from kafka.backoff import Backoff
from service.http.addresses import network_of
from service.http.refusals import Forbidden, NotAllowed, TooManyWrongTokens
from service.http.tally import Tally

_FIRST_SECONDS = 0.1
_LONGEST_SECONDS = 5.0
_FORGOTTEN_SECONDS = 60.0
_MOST_ADDRESSES = 10_000
_MOST_WAITING = 200
_MOST_WAITING_OF_ONE = 20
"""How many answers wait at once: each holds a connection. Others get theirs at once, and their connections end."""


@dataclass(slots=True)
class _Address:
    """What is known of an address.

    Attributes:
        wrong: how many wrong tokens it has sent, with less than a minute between any two.
        last: when the last one came, as a point of time.monotonic().
        waiting: how many of its answers wait.
        waits: how long each of them does.
    """

    wrong: int = 0
    last: float = -math.inf
    waiting: int = 0
    waits: Backoff = field(default_factory=lambda: Backoff(_FIRST_SECONDS, _LONGEST_SECONDS))


class WrongTokens:
    """Counts the wrong tokens of each address, and lets the answers to many of them wait.

    Args:
        free: how many an address may send without any wait; each further one waits twice as long as the one before,
            from 0.1 to 5 seconds. A minute without one, and all is forgotten.
    """

    def __init__(self, free: int) -> None:
        self._free = free
        self._addresses: OrderedDict[str, _Address] = OrderedDict()
        self._waiting = 0
        self._tally = Tally("wrong tokens", outcome="slowed down")

    async def refusal(self, host: str | None) -> NotAllowed:
        """Count a wrong token, and return what to answer, after the wait.

        Args:
            host: address that the request came from.
        """
        network = network_of(host)
        address = self._of(network)
        if address.wrong <= self._free:
            return Forbidden()
        self._tally.add(address=network)
        seconds = address.waits.begin()
        if address.waiting < _MOST_WAITING_OF_ONE and self._waiting < _MOST_WAITING:
            address.waiting += 1
            self._waiting += 1
            try:
                await asyncio.sleep(seconds)
            finally:
                address.waiting -= 1
                self._waiting -= 1
        return TooManyWrongTokens(math.ceil(seconds))

    def _of(self, network: str) -> _Address:
        """Return an address with one more wrong token."""
        address = self._addresses.setdefault(network, _Address())
        self._addresses.move_to_end(network)
        if len(self._addresses) > _MOST_ADDRESSES:
            self._addresses.popitem(last=False)
        now = time.monotonic()
        if now - address.last > _FORGOTTEN_SECONDS:
            address.wrong = 0
            address.waits.reset()
        address.wrong += 1
        address.last = now
        return address
