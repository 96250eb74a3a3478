"""Opens the API for a command: at an address, or of the same application opened in this process."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import typer

from service.cli.answers import ApiError, UsageError, field, get
from service.cli.client import Api
from service.cli.options import TOKEN_VARIABLE, URL_VARIABLE
from service.cli.output import tell
from service.cli.terminal import refuse
from service.visible import visible

if TYPE_CHECKING:
    import httpx

    from service.cli.options import Endpoint
    from service.settings.model import Settings
    from service.settings.sections import LogSettings

_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 300.0
"""Longer than any deadline that an operator is likely to set: who gives up first does not learn the outcome."""

_NAMED = 20


@asynccontextmanager
async def opened(target: Endpoint, *, audited: bool) -> AsyncIterator[Api]:
    """Open the API that the options name, for as long as the command runs.

    Args:
        target: which API, and which instance of it.
        audited: the application inside this process writes its line for each request to its log, as a service would.

    Yields:
        The API.

    Raises:
        ApiError: no instance, or more than one, could be meant.
    """
    async with AsyncExitStack() as stack:
        if target.url is None:
            http = await stack.enter_async_context(_in_process(audited=audited))
        else:
            http = await stack.enter_async_context(_at(target.url, target.token))
        yield Api(http, await _instance_path(http, target))


@asynccontextmanager
async def _at(url: str, token: str | None) -> AsyncIterator[httpx.AsyncClient]:
    import httpx

    headers = {} if token is None else {"X-Auth-Token": token}
    timeout = httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS)
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout) as http:
        yield http


@asynccontextmanager
async def _in_process(*, audited: bool) -> AsyncIterator[httpx.AsyncClient]:
    """Open the application on the settings in this environment, with a token that only this client knows."""
    import httpx

    from service.app import create_app
    from service.auth import operator_authenticator
    from service.cli.serve import refuse_bad_properties

    settings = _settings()
    refuse_bad_properties(settings)
    _configure_logs(settings.log, audited=audited)
    token = secrets.token_urlsafe(32)
    app = create_app(settings, only=operator_authenticator(token))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=transport, base_url="http://localhost", headers={"X-Auth-Token": token}, timeout=_ANSWER_SECONDS
        ) as http,
    ):
        yield http


def _settings() -> Settings:
    """Return the settings of the environment, or exit: most who come here have only forgotten the URL."""
    from service.settings.model import load_settings
    from service.settings.variables import SettingsError

    try:
        return load_settings(os.environ)
    except SettingsError as error:
        forgotten = f"no service is named: set {URL_VARIABLE}, or give --url"
        if not any(name.startswith("RESEND_") for name in os.environ):
            refuse(
                f"{forgotten}, such as http://127.0.0.1:8080, and {TOKEN_VARIABLE}; without a URL the settings of a "
                "service (RESEND_* variables) are used, and there are none"
            )
        refuse(f"{forgotten}; without a URL the settings of a service are used, and they are not complete: {error}")


def _configure_logs(configured: LogSettings, *, audited: bool) -> None:
    """Set up the log for the person at the terminal: who resent what, and what is wrong; all of it at the level debug.

    Args:
        configured: as the settings have it.
        audited: see `opened`.
    """
    from service.logs import configure_logs

    changed: dict[str, object] = {}
    if "format" not in configured.model_fields_set and sys.stderr.isatty():
        changed["format"] = "console"
    if configured.level in {"info", "warning"}:
        if not audited:
            changed["level"] = "error"
        # The client library tells of every attempt to connect; what came of it the command says itself.
        logging.getLogger("kafka").setLevel(logging.ERROR)
    configure_logs(configured.model_copy(update=changed))
    if configured.level != "debug":
        import structlog

        structlog.configure(processors=[_without_reads, *structlog.get_config()["processors"]])


def _without_reads(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Leave the command's own look-ups out of the log: the line of a resend is not to be searched for among them."""
    import structlog

    del logger
    if method == "info" and event.get("method") == "GET":
        raise structlog.DropEvent
    return event


async def _instance_path(http: httpx.AsyncClient, target: Endpoint) -> str:
    """Return the path of the instance, asking the API for what the options leave open.

    Raises:
        UsageError: there is none, or more than one.
        ApiError: the API does not tell.
    """
    project, instance = target.project, target.instance
    if project is None or instance is None:
        view = await get(http, "/v2/caller", {} if project is None else {"project": project})
        project = project or str(field(view, "project", str))
        ids = [str(found["instance_id"]) for found in field(view, "instances", list)]
        if instance is None and len(ids) != 1:
            if not ids:
                raise UsageError(
                    f"project {project} has no instance that this caller may use: name another with --project"
                )
            more = "" if len(ids) <= _NAMED else f" and {len(ids) - _NAMED} more"
            raise UsageError(
                f"project {project} has {len(ids)} instances: name one with --instance: {', '.join(ids[:_NAMED])}{more}"
            )
        instance = instance or ids[0]
    return f"/v2/{quote(project, safe='')}/mqs/instances/{quote(instance, safe='')}"


def run(work: Callable[[Api], Awaitable[None]], target: Endpoint, *, audited: bool = False) -> None:
    """Open the API, do the work, and exit; words and the exit code tell how it went.

    Args:
        work: what the command does.
        target: which API to open.
        audited: see `opened`.

    Raises:
        Exit: with the exit code of the error, if there was one.
    """
    import httpx

    async def whole() -> None:
        async with opened(target, audited=audited) as api:
            await work(api)

    try:
        asyncio.run(whole())
    except ApiError as error:
        tell(str(error))
        raise typer.Exit(error.exit_code) from None
    except httpx.InvalidURL as error:
        refuse(f"no request can be made of this: {visible(str(error))}")
