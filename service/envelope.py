"""What surrounds every request: its id, the headers of every answer, its line in the log, and the last net."""

from __future__ import annotations

import asyncio
import re
import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from secrets import token_hex

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kafka.records import Position
from service.errors import TABLE, Unexpected, error_response

_TRAIL = "resend.trail"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_SHOWN_PATH_CHARACTERS = 200
STRICT_HEADERS = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]

# Made once: to ask the kernel for each request gives up the interpreter to the threads that read.
_PROCESS = token_hex(10)
_NUMBERS = count(1)

_log = structlog.get_logger("service")


@dataclass(slots=True)
class Trail:
    """What becomes known about a request on its way, for its line in the log. Nothing secret may be put here.

    Attributes:
        request_id: the caller's X-Request-Id, or one of our own.
        caller: name of the caller, once known.
        project: project id of the path.
        instance: instance id of the path.
        position: the record that was asked for.
        action: what is asked of jobs: make, list, show, cancel, pause, resume or resend-failed.
        job: id of the job that is made or asked about.
        for_one_consumer: whether a consumer_key was given; its value is not logged.
        keyed: whether an Idempotency-Key was given; its value is not logged.
        replayed: whether an earlier request with that key is answered.
        outcome: `resent`, or the error_code.
        reason: what the caller is not told, such as a broker's address; no secrets.
        quiet: the line is of interest only to someone who debugs.
    """

    request_id: str
    caller: str | None = None
    project: str | None = None
    instance: str | None = None
    position: Position | None = None
    action: str | None = None
    job: str | None = None
    for_one_consumer: bool | None = None
    keyed: bool = False
    replayed: bool = False
    outcome: str | None = None
    reason: str | None = None
    quiet: bool = False


def trail_of(scope: Scope) -> Trail:
    """Return what is known about the request of this scope."""
    trail: Trail = scope[_TRAIL]
    return trail


class Envelope:
    """Middleware in plain ASGI: Starlette's BaseHTTPMiddleware would cost each request a task of its own.

    Args:
        app: the application inside.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        trail = scope[_TRAIL] = Trail(request_id_of(scope["headers"]))
        status: int | None = None

        async def send_within(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(header for header in STRICT_HEADERS if header[0] not in own),
                    (b"x-request-id", trail.request_id.encode("ascii")),
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_within)
        except asyncio.CancelledError:
            # The service ends, and has waited for as long as it may. uvicorn would answer in plain text.
            trail.outcome = TABLE[Unexpected].error_code
            if status is None:
                await error_response(Unexpected())(scope, receive, send_within)
            raise
        except Exception as error:
            # As text: a renderer that shows the values of local variables would show what is secret.
            _log.error("unexpected error", request_id=trail.request_id, exception=traceback.format_exc())
            trail.outcome = TABLE[Unexpected].error_code
            if status is not None:
                # Too late for words: the server has to break the answer off.
                raise
            await error_response(error)(scope, receive, send_within)
        finally:
            _write_line(trail, scope, status, (time.perf_counter() - started) * 1000)


def request_id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the id that came with a request, or one of our own."""
    given = [value for name, value in headers if name == b"x-request-id"]
    if len(given) == 1 and _REQUEST_ID.fullmatch(given[0]):
        return given[0].decode("ascii")
    return f"{_PROCESS}{next(_NUMBERS):012x}"


def _write_line(trail: Trail, scope: Scope, status: int | None, milliseconds: float) -> None:
    facts: dict[str, object] = {"request_id": trail.request_id, "method": scope["method"]}
    if trail.instance is None:
        # Never the query: people put tokens there.
        facts["path"] = scope["path"][:_SHOWN_PATH_CHARACTERS]
    else:
        facts |= {"project": trail.project, "instance": trail.instance}
    if trail.caller is not None:
        facts["caller"] = trail.caller
    if trail.position is not None:
        facts |= {"position": str(trail.position), "for_one_consumer": trail.for_one_consumer}
    if trail.action is not None:
        facts["action"] = trail.action
    if trail.job is not None:
        facts["job"] = trail.job[:_SHOWN_PATH_CHARACTERS]
    if trail.keyed:
        facts |= {"idempotency_key": True, "replayed": trail.replayed}
    if trail.reason is not None:
        facts["reason"] = trail.reason
    facts |= {"outcome": trail.outcome, "status": status, "milliseconds": round(milliseconds, 2)}
    if trail.quiet:
        _log.debug("request", **facts)
    elif status is None or status >= 500:
        _log.warning("request", **facts)
    else:
        _log.info("request", **facts)
