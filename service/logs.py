"""Sets up the log: structlog for our own lines, and the same shape for those of libraries."""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import os
import sys
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, Processor

from kafka.client.secrets import CONFIGURED
from service.settings.sections import LogSettings
from service.visible import visible

# Made once; json.dumps makes one each time.
_ENCODER = json.JSONEncoder(default=repr)


_OF_SEVERAL_LINES = frozenset({"exception", "stack"})


def _json(event: object, **_: object) -> str:
    return _ENCODER.encode(event)


class TurnBuffer:
    """Writes what is logged during one turn of the event loop at once, and what is logged elsewhere as it comes.

    To write gives up the interpreter, which under load a thread that reads then holds for a while: with a write for
    each of the requests that one turn answers, a process answers 2,000 resends a second, with this 2,400 (measured).

    Args:
        stream: where to write.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: list[str] = []
        atexit.register(self.write_out)

    def write(self, line: str) -> None:
        """Take a line."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._stream.write(line)
            return
        if not self._lines:
            loop.call_soon(self.write_out)
        self._lines.append(line)

    def flush(self) -> None:
        """Do nothing: the turn ends soon."""

    def write_out(self) -> None:
        """Write what was taken."""
        lines, self._lines = self._lines, []
        if lines:
            self._stream.write("".join(lines))


def _without_secrets(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Hide configured secrets in whatever is logged, a library's words and tracebacks included."""
    for key, value in event.items():
        event[key] = CONFIGURED.mask_all(value)
    return event


def _visible(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Write out control characters; the lines of a traceback stay lines. What is no text is shown by its repr."""
    return {
        key: visible(value, lines=key in _OF_SEVERAL_LINES) if isinstance(value, str) else value
        for key, value in event.items()
    }


def configure_logs(settings: LogSettings, *, buffered: bool = False) -> None:
    """Write everything to standard error, a line each, as JSON or for a console.

    Args:
        settings: the format and the level.
        buffered: the lines of one turn of the event loop are written together.
    """
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    # Tracebacks without the values of local variables: those may be secret.
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderers: list[Processor]
    if settings.format == "json":
        renderers = [structlog.processors.JSONRenderer(serializer=_json)]
    else:
        plain = structlog.dev.plain_traceback
        colours = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        # JSON has escapes of its own; here what a stranger has sent, such as a path, could drive the terminal.
        renderers = [_visible, structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=plain)]
    rendering: list[Processor] = [structlog.processors.format_exc_info, _without_secrets, *renderers]
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", TurnBuffer(sys.stderr)) if buffered else sys.stderr),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
    )
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(formatter)
    logging.basicConfig(handlers=[stream], level=level, force=True)
    # Clients and servers are chatty about connections at the level info.
    for chatty in ("httpx", "httpcore", "asyncio"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
