"""The way of a resend past the web framework, which only documents it.

FastAPI and Starlette put eight layers around every endpoint, each made for what a resend does not need (measured: see
docs/performance.md). Everything else takes the usual way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.prefix import path_within
from service.http.request_context import RequestContextMiddleware

Endpoint = Callable[[Request], Awaitable[Response]]


class FastPath:
    """Hands requests of one path and method to their endpoint, and all others to the application.

    Args:
        app: the application.
        root_path: prefix of all paths, as ASGI has it.
        path: with its parameters, as the application's router takes it.
        method: of HTTP.
        endpoint: answers; never raises what a client may cause.
    """

    def __init__(self, app: ASGIApp, root_path: str, path: str, method: str, endpoint: Endpoint) -> None:
        self._app = app
        self._root_path = root_path
        self._path, _, _ = compile_path(path)
        self._method = method
        self._endpoint = endpoint
        self._within = RequestContextMiddleware(self._answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        if self._root_path:
            scope["root_path"] = self._root_path
        if scope["type"] == "http" and scope["method"] == self._method:
            found = self._path.match(path_within(scope))
            if found is not None:
                scope["path_params"] = found.groupdict()
                await self._within(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._endpoint(Request(scope, receive))
        await response(scope, receive, send)
