"""Asks again while a service, or the cluster behind it, is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from kafka.backoff import Backoff

if TYPE_CHECKING:
    from service.cli.output import Json

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 10.0


async def until_answered(ask: Callable[[], Awaitable[Json]]) -> Json:
    """Return the answer, however long that takes; that it takes long is said once.

    Raises:
        ApiError: one that waiting does not fix.
    """
    from service.cli.answers import Retryable
    from service.cli.output import tell

    pauses = Backoff(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
    away = False
    while True:
        try:
            answer = await ask()
        except Retryable as error:
            if not away:
                tell(f"{error}; asking again until it answers")
            away = True
            await asyncio.sleep(pauses.begin())
        else:
            if away:
                tell("it answers again")
            return answer
