"""Does work for as long as the client waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from threading import Event
from typing import TypeVar

from starlette.requests import Request

from kafka.search.scanners import Abandoned
from service.http.refusals import ClientGone

Outcome = TypeVar("Outcome")


async def while_connected(request: Request, work: Callable[[Event], Awaitable[Outcome]]) -> Outcome:
    """Return what the work returns.

    Args:
        request: without a body.
        work: takes an event that is set when no request waits any more; it should end soon after.

    Raises:
        ClientGone: the connection was closed before.
    """
    abandoned = Event()
    working = asyncio.ensure_future(work(abandoned))
    leaving = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            abandoned.set()
        return await working
    except Abandoned:
        raise ClientGone("the connection was closed before the search was done") from None
    finally:
        abandoned.set()
        leaving.cancel()
        working.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
