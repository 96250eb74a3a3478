"""Says at a terminal that work is under way, once it takes long."""

from __future__ import annotations

import asyncio
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from service.cli.output import safe

if TYPE_CHECKING:
    from rich.live import Live
    from rich.spinner import Spinner

_QUIET_SECONDS = 1.0


class Waiting:
    """A line on standard error that says what is going on, from one second on; only on a terminal.

    Args:
        what: is going on.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._line: Live | None = None
        self._later: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if sys.stderr.isatty():
            self._later = asyncio.create_task(self._show_later())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._later is not None:
            self._later.cancel()
        if self._line is not None:
            self._line.stop()

    def tell(self, what: str) -> None:
        """Say something else from now on."""
        self._what = what
        if self._line is not None:
            self._line.update(_spinner(what))

    def step_aside(self) -> None:
        """Leave the terminal to the output for now; the line comes back with the next `tell`."""
        if self._line is not None and sys.stdout.isatty():
            self._line.stop()
            self._line = None
            self._later = asyncio.create_task(self._show_later())

    async def _show_later(self) -> None:
        await asyncio.sleep(_QUIET_SECONDS)
        from rich.console import Console
        from rich.live import Live

        self._line = Live(
            _spinner(self._what),
            console=Console(stderr=True, highlight=False),
            transient=True,
            # Or what is written to standard output, maybe a file, would go to the terminal while the line is there.
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._line.start()


def _spinner(what: str) -> Spinner:
    from rich.spinner import Spinner

    return Spinner("dots", safe(what))
