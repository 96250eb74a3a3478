"""Places that callers share: one that asks for many does not keep others from theirs."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from kafka.fair_shares import FairShares
from kafka.model.errors import TooManyScans

PATIENCE = 30.0


async def begun(shares: FairShares, caller: str, order: list[str], release: asyncio.Event) -> None:
    """Take a place, note it, and keep it until released."""
    async with shares.place(caller):
        order.append(caller)
        await release.wait()


async def settled() -> None:
    """Let all that can continue continue."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_caller_has_at_most_half_of_the_places() -> None:
    """The first request of another one is carried out at once, however many the first has waiting."""
    shares, order, release = FairShares(4, PATIENCE), list[str](), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(18):
            group.create_task(begun(shares, "greedy", order, release))
        await settled()
        group.create_task(begun(shares, "other", order, release))
        await settled()
        assert ["greedy", "greedy", "other"] == order
        release.set()

    assert 19 == len(order)


async def test_places_that_become_free_go_round() -> None:
    """While all are taken, a caller with one request comes before the next of one with many."""
    shares, order = FairShares(2, PATIENCE), list[str]()
    releases = {name: asyncio.Event() for name in "abc"}
    async with asyncio.TaskGroup() as group:
        for name in "abababc":
            group.create_task(begun(shares, name, order, releases[name]))
        await settled()
        assert ["a", "b"] == order
        releases["a"].set()
        await settled()
        assert "c" == order[2]
        releases["c"].set()
        releases["b"].set()

    assert sorted("aaabbbc") == sorted(order)


async def test_requests_beyond_what_may_wait_are_refused_at_once_and_only_those_of_that_caller() -> None:
    """A flood fills no queue."""
    shares, order, release = FairShares(4, PATIENCE), list[str](), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(18):
            group.create_task(begun(shares, "greedy", order, release))
        await settled()
        with pytest.raises(TooManyScans):
            await begun(shares, "greedy", order, release)
        release.set()


async def test_request_that_gives_up_leaves_no_trace() -> None:
    """Timeouts and callers that go away neither lose places nor take them."""
    shares = FairShares(1, 0.01)
    for _ in range(3):
        async with shares.place("a"):
            with pytest.raises(TooManyScans):
                async with shares.place("b"):
                    pass
            waiting = asyncio.create_task(begun(shares, "c", [], asyncio.Event()))
            await settled()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(shares.place("b"))

    assert (0, 0, 0) == (len(shares._taken), len(shares._waiting), len(shares._last_turn))


async def test_turn_that_comes_as_its_request_is_cancelled_goes_to_the_next() -> None:
    """A place is never lost between two callers."""
    shares, order, release = FairShares(1, PATIENCE), list[str](), asyncio.Event()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(shares.place("a"))
        second = asyncio.create_task(begun(shares, "b", order, release))
        third = asyncio.create_task(begun(shares, "c", order, release))
        await settled()
    # The turn has come; the request has not heard of it yet.
    second.cancel()
    await settled()
    release.set()
    await third

    assert ["c"] == order
    assert not shares._taken
