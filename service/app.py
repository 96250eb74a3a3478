"""The one place where everything is put together."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service.api.access import Access
from service.api.documentation import add_documentation, resend_request, resend_responses
from service.api.health import healthz, readyz_endpoint
from service.api.jobs import add_jobs
from service.api.queries import add_queries
from service.api.resend import PATH, RawRoute, resend_endpoint
from service.api.schema.resend import Health, Readiness
from service.auth import Authenticator, TokenAuthenticator, WrongTokens, authenticator
from service.console import add_console
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
    resend = resend_endpoint(access, settings.http.max_body_bytes)
    app.router.add_api_route(
        PATH,
        resend,
        methods=["POST"],
        route_class_override=RawRoute,
        summary="Retransmit a message",
        description=(
            "Reads the record at exactly this position, sets its header `consumer_key` if one is given, writes it to "
            "the end of the same partition, and answers once all in-sync replicas have acknowledged the copy."
        ),
        tags=["messages"],
        operation_id="resend",
        openapi_extra=resend_request(),
        responses=resend_responses(),
    )
    add_queries(app, access, instances, settings)
    add_jobs(app, access, settings.http.max_body_bytes)
    app.router.add_api_route(
        "/healthz",
        healthz,
        methods=["GET"],
        route_class_override=RawRoute,
        summary="Whether the process answers",
        tags=["health"],
        operation_id="healthz",
        responses={200: {"model": Health, "description": "It does."}},
    )
    app.router.add_api_route(
        "/readyz",
        readyz_endpoint(instances, callers.problem if isinstance(callers, TokenAuthenticator) else lambda: None),
        methods=["GET"],
        route_class_override=RawRoute,
        summary="Whether requests should be sent here",
        tags=["health"],
        operation_id="readyz",
        responses={
            200: {"model": Readiness, "description": "Yes; an instance that is away is told with its reason."},
            503: {"model": Readiness, "description": "Not yet, or no more."},
        },
    )
    add_documentation(app)
    add_console(app, open_to_all=settings.auth.allow_anonymous and only is None)
    app.middleware_stack = FastPath(app.build_middleware_stack(), settings.http.root_path, PATH, "POST", resend)
    return app


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
