"""Logs what may happen thousands of times a second: the first one at once, those of the next seconds in one line."""

from __future__ import annotations

import asyncio
import time

import structlog

_WINDOW_SECONDS = 10.0

_log = structlog.get_logger("service")


class Tally:
    """Counts events of one kind. For the thread of the event loop.

    Args:
        event: what to call it in the log.
        facts: of every event.

    Attributes:
        total: how many there were.
    """

    def __init__(self, event: str, **facts: object) -> None:
        self._event = event
        self._facts = facts
        self._unlogged = 0
        self._last: dict[str, object] = {}
        self._quiet_until = 0.0
        self.total = 0

    def add(self, **facts: object) -> None:
        """Count one.

        Args:
            facts: of this event; a line that stands for several has those of the last one.
        """
        self.total += 1
        self._unlogged += 1
        self._last = facts
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + _WINDOW_SECONDS
            self._write()
        elif self._unlogged == 1:
            asyncio.get_running_loop().call_later(self._quiet_until - now, self._write)

    def _write(self) -> None:
        if self._unlogged:
            _log.warning(self._event, **self._facts, **self._last, count=self._unlogged, total=self.total)
            self._unlogged = 0
