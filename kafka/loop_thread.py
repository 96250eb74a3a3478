"""A thread with an event loop, for threads that need what only coroutines do."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Any, TypeVar

_START_SECONDS = 30.0
_Result = TypeVar("_Result")


class LoopThread:
    """Runs coroutines that any thread hands over; started with the first one.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = Lock()
        self._thread: Thread | None = None
        self._ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    def submit(self, work: Coroutine[Any, Any, _Result]) -> Future[_Result]:
        """Have a coroutine run; its result, or its exception, is that of the future."""
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=lambda: asyncio.run(self._serve()), name=self._name, daemon=True)
                self._thread.start()
        return asyncio.run_coroutine_threadsafe(work, self._ready.result(_START_SECONDS)[0])

    def close(self) -> None:
        """End the thread, if there is one; what is still under way there is cancelled."""
        if self._thread is not None:
            loop, stopped = self._ready.result(_START_SECONDS)
            loop.call_soon_threadsafe(stopped.set)
            self._thread.join()

    async def _serve(self) -> None:
        stopped = asyncio.Event()
        self._ready.set_result((asyncio.get_running_loop(), stopped))
        await stopped.wait()
