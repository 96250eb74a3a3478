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

from kafka.hooks import Hook
from kafka.model.records import Position
from service.http.errors import TABLE, Unexpected, error_response

_REQUEST_LOG = "resend.request_log"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_SHOWN_PATH_CHARACTERS = 200
STRICT_HEADERS = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]

# Made once: to ask the kernel for each request gives up the interpreter to the threads that read.
_PROCESS = token_hex(10)
_NUMBERS = count(1)

_log = structlog.get_logger("service")


@dataclass(slots=True)
class RequestLog:
    """What becomes known about a request on its way, for its line in the log. Nothing secret may be put here.

    Attributes:
        request_id: the caller's X-Request-Id, or one of our own.
        caller: name of the caller, once known.
        project: project id of the path.
        instance: instance id of the path.
        position: the record that was asked for.
        action: what is asked of jobs: make, list, show, cancel, pause, resume or resend-failed.
        job: id of the job that is made or asked about.
        has_consumer_key: whether a consumer_key was given; its value is not logged.
        has_idempotency_key: whether an Idempotency-Key was given; its value is not logged.
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
    has_consumer_key: bool | None = None
    has_idempotency_key: bool = False
    replayed: bool = False
    outcome: str | None = None
    reason: str | None = None
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class RequestFinished:
    """A request was answered, or its client has gone.

    Attributes:
        request_log: what became known of it.
        method: of HTTP.
        path: without the query.
        status: of the answer; None where none was sent.
        milliseconds: how long it took.
    """

    request_log: RequestLog
    method: str
    path: str
    status: int | None
    milliseconds: float


request_finished: Hook[RequestFinished] = Hook()
"""As those of kafka.hooks; the log of requests is its first listener."""


def request_log_of(scope: Scope) -> RequestLog:
    """Return what is known about the request of this scope."""
    request_log: RequestLog = scope[_REQUEST_LOG]
    return request_log


class RequestContextMiddleware:
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
        request_log = scope[_REQUEST_LOG] = RequestLog(request_id_of(scope["headers"]))
        status: int | None = None

        async def send_within(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(header for header in STRICT_HEADERS if header[0] not in own),
                    (b"x-request-id", request_log.request_id.encode("ascii")),
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_within)
        except asyncio.CancelledError:
            # The service ends, and has waited for as long as it may. uvicorn would answer in plain text.
            request_log.outcome = TABLE[Unexpected].error_code
            if status is None:
                await error_response(Unexpected())(scope, receive, send_within)
            raise
        except Exception as error:
            # As text: a renderer that shows the values of local variables would show what is secret.
            _log.error("unexpected error", request_id=request_log.request_id, exception=traceback.format_exc())
            request_log.outcome = TABLE[Unexpected].error_code
            if status is not None:
                # Too late for words: the server has to break the answer off.
                raise
            await error_response(error)(scope, receive, send_within)
        finally:
            if request_finished.listeners:
                milliseconds = (time.perf_counter() - started) * 1000
                request_finished(RequestFinished(request_log, scope["method"], scope["path"], status, milliseconds))


def request_id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the id that came with a request, or one of our own."""
    given = [value for name, value in headers if name == b"x-request-id"]
    if len(given) == 1 and _REQUEST_ID.fullmatch(given[0]):
        return given[0].decode("ascii")
    return f"{_PROCESS}{next(_NUMBERS):012x}"


def _write_line(finished: RequestFinished) -> None:
    request_log, status = finished.request_log, finished.status
    facts: dict[str, object] = {"request_id": request_log.request_id, "method": finished.method}
    if request_log.instance is None:
        # Never the query: people put tokens there.
        facts["path"] = finished.path[:_SHOWN_PATH_CHARACTERS]
    else:
        facts |= {"project": request_log.project, "instance": request_log.instance}
    if request_log.caller is not None:
        facts["caller"] = request_log.caller
    if request_log.position is not None:
        facts |= {"position": str(request_log.position), "has_consumer_key": request_log.has_consumer_key}
    if request_log.action is not None:
        facts["action"] = request_log.action
    if request_log.job is not None:
        facts["job"] = request_log.job[:_SHOWN_PATH_CHARACTERS]
    if request_log.has_idempotency_key:
        facts |= {"idempotency_key": True, "replayed": request_log.replayed}
    if request_log.reason is not None:
        facts["reason"] = request_log.reason
    facts |= {"outcome": request_log.outcome, "status": status, "milliseconds": round(finished.milliseconds, 2)}
    if request_log.quiet:
        _log.debug("request", **facts)
    elif status is None or status >= 500:
        _log.warning("request", **facts)
    else:
        _log.info("request", **facts)


request_finished.add(_write_line)
