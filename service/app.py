"""The one place where everything is put together."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service.api.access import Access
from service.api.call import ApiContext, endpoint_of
from service.api.docs_page import add_documentation
from service.api.documentation import operation_of
from service.api.routes import RESEND, ROUTES
from service.auth import Authenticator, TokenAuthenticator, WrongTokens, authenticator
from service.console import add_console
from service.http.cursors import Cursors, cursor_key
from service.http.errors import error_response, row_of
from service.http.fast_path import FastPath
from service.http.refusals import MethodNotAllowed, PathUnknown
from service.http.request_context import RequestContextMiddleware, request_log_of
from service.instances import Instances
from service.logs import configure_logs
from service.settings.model import Settings, load_settings


def app_from_environment() -> FastAPI:
    """Return the application that the environment's RESEND_* variables describe, and set up the log.

    The factory for uvicorn: called in every worker process.

    Raises:
        SettingsError: a variable is invalid.
    """
    settings = load_settings(os.environ)
    configure_logs(settings.log, buffered=True)
    return create_app(settings)


def create_app(settings: Settings, *, only: Authenticator | None = None) -> FastAPI:
    """Return the application. Its lifespan opens the clusters, after any fork, and closes them.

    Args:
        settings: all that the deployment sets.
        only: knows the only callers there are, instead of those in the settings, open access included.
    """
    instances = Instances(settings.clusters(), settings.owners())
    callers = authenticator(settings.auth) if only is None else only
    access = Access(
        callers,
        instances,
        WrongTokens(settings.auth.max_wrong_tokens),
        open_to_all=settings.auth.allow_anonymous and only is None,
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        await instances.open()
        try:
            yield
        finally:
            await instances.close()

    app = FastAPI(
        title="kafka-resend",
        version=_version(),
        lifespan=lifespan,
        # Ours load nothing from elsewhere.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # It would record headers, and those hold tokens.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        exception_handlers={HTTPException: _routing_refused},
    )
    app.add_middleware(RequestContextMiddleware)
    problem = callers.problem if isinstance(callers, TokenAuthenticator) else lambda: None
    context = ApiContext(settings, instances, access, Cursors(cursor_key(settings)), problem)
    for route in ROUTES:
        app.router.add_api_route(
            route.path, endpoint_of(route, context), route_class_override=_RawRoute, **operation_of(route)
        )
    add_documentation(app)
    add_console(app, open_to_all=settings.auth.allow_anonymous and only is None)
    app.middleware_stack = FastPath(
        app.build_middleware_stack(), settings.http.root_path, RESEND.path, RESEND.method, endpoint_of(RESEND, context)
    )
    return app


class _RawRoute(APIRoute):
    """A route that hands the request to its endpoint as it came; FastAPI only documents it.

    FastAPI's own reading and validating of parameters halves what one process can answer (measured).
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[object, object, Response]]:
        """Return the endpoint itself."""
        endpoint: Callable[[Request], Coroutine[object, object, Response]] = self.endpoint
        return endpoint


async def _routing_refused(request: Request, error: Exception) -> Response:
    """Word the refusals of the router, the only ones to raise HTTPException here, like all others."""
    if not isinstance(error, HTTPException):
        raise TypeError(f"not raised by the router: {error!r}")
    refusal: PathUnknown | MethodNotAllowed
    if error.status_code == 405:
        allow = (error.headers or {})["Allow"]
        refusal = MethodNotAllowed(f"{request.method[:20]} is not served at this path, only {allow}")
    else:
        allow = None
        refusal = PathUnknown("nothing is served at this path")
    request_log_of(request.scope).outcome = row_of(refusal).error_code
    return error_response(refusal, allow)


def _version() -> str:
    try:
        return version("kafka-resend")
    except PackageNotFoundError:
        # Run from a checkout that was not installed.
        return "0"
