"""`kafka-resend serve`: the HTTP API on uvicorn."""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
import uvicorn
from uvicorn.supervisors import Multiprocess

from service.cli.terminal import PROBLEM, refuse, settings_or_exit
from service.http.server.descriptors import raise_descriptor_limit
from service.http.server.protocol import ProtocolFactory
from service.logs import configure_logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI

    from service.settings.http import HttpSettings
    from service.settings.model import Settings

SWITCH_INTERVAL_SECONDS = 0.0005
"""How long a thread may keep the interpreter while another one wants it.

With Python's own 5 ms the reader threads hold up the event loop; this lowered the p99 at one connection (measured).
"""

_BACKLOG = 2048
_NOT_STARTED = "the service did not start; the log says why"


def serve_command(
    host: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Address to listen on, instead of RESEND_HTTP__HOST (127.0.0.1)."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="INTEGER", min=0, max=65535, help="Port to listen on, instead of RESEND_HTTP__PORT (8080)."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(metavar="INTEGER", min=1, help="Processes that serve, instead of RESEND_HTTP__WORKERS (1)."),
    ] = None,
    *,
    no_jobs: Annotated[
        bool, typer.Option("--no-jobs", help="Run no worker of jobs beside it, as RESEND_JOBS__WORKER=false.")
    ] = False,
) -> None:
    """Serve the HTTP API until SIGTERM or Ctrl-C, then finish what was accepted and exit with code 0.

    What to connect to and who may call is set by RESEND_* variables, or by the TOML file that RESEND_CONFIG names.
    `kafka-resend config` prints what is in effect, `kafka-resend check` tries the Kafka clusters.
    """
    exit_cleanly_on_signals()
    # As variables, so that they pass the same checks as the settings they replace, in every worker process too.
    overrides = {
        "RESEND_HTTP__HOST": host,
        "RESEND_HTTP__PORT": port,
        "RESEND_HTTP__WORKERS": workers,
        "RESEND_JOBS__WORKER": "false" if no_jobs else None,
    }
    os.environ.update({name: str(value) for name, value in overrides.items() if value is not None})
    settings = settings_or_exit()
    http = settings.http
    configure_logs(settings.log)
    config = server_config("service.cli.serve:application", http, factory=True)
    refuse_bad_properties(settings)
    listening = listen(http.host, http.port)
    with jobs_beside(settings):
        serve(settings, config, listening)


def serve(settings: Settings, config: uvicorn.Config, listening: socket.socket) -> None:
    """Serve until a signal, in this process or in several."""
    if settings.http.workers > 1:
        supervisor = Multiprocess(config, sockets=[listening])
        supervisor.run()
        if any(process.exitcode == uvicorn.config.STARTUP_FAILURE for process in supervisor.processes):
            refuse(_NOT_STARTED, PROBLEM)
    else:
        run(config, listening)


@contextmanager
def jobs_beside(settings: Settings) -> Iterator[None]:
    """Run a worker of jobs as a process beside this one, where there is a cluster that can have jobs."""
    if not (settings.jobs.worker and any(not config.embedded for config in settings.clusters())):
        yield
        return
    from service.cli.worker_process import WorkerProcess

    worker_process = WorkerProcess()
    worker_process.start()
    try:
        yield
    finally:
        worker_process.stop()


def refuse_bad_properties(settings: Settings) -> None:
    """Exit with one line if the client library does not take an instance's properties: they are settings, too."""
    from kafka.client.refused_property import refused_property

    for config in settings.clusters():
        reason = refused_property(config)
        if reason is not None:
            refuse(f"the properties of instance {config.name!r} are not as they may be: {reason}")


def application() -> FastAPI:
    """Return the application that the environment configures; called once in every worker process."""
    from service.app import app_from_environment

    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    return app_from_environment()


def server_config(application: str | Callable[..., Any], settings: HttpSettings, *, factory: bool) -> uvicorn.Config:
    """Return how uvicorn serves an application here, and let this process open as many files as that takes.

    Args:
        application: the application, or where to import it (its factory) from.
        settings: how it is served.
        factory: it is a factory.
    """
    limits = settings.connection_limits().within(raise_descriptor_limit())
    return uvicorn.Config(
        application,
        factory=factory,
        workers=settings.workers,
        loop="uvloop",
        # uvicorn only calls it, with what it would make a protocol of.
        http=cast("Any", ProtocolFactory(limits)),
        ws="none",
        lifespan="on",
        # The service writes its own line per request, and sets up the logging.
        access_log=False,
        log_config=None,
        server_header=False,
        # Nothing depends on the caller's address, so no header of a proxy has to be believed.
        proxy_headers=False,
        timeout_graceful_shutdown=round(settings.shutdown_seconds),
    )


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to this address, or say why there is none and exit."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        refuse(f"cannot listen on {host}:{port}: {error.strerror or error}", PROBLEM)
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
        # Before anything else is started: two servers that have only bound would both believe that the port is theirs.
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        refuse(f"cannot listen on {host}:{port}: {error.strerror or error}; choose another with --port", PROBLEM)
    bound.set_inheritable(True)
    return bound


def run(config: uvicorn.Config, listening: socket.socket, *, started: Callable[[], None] | None = None) -> None:
    """Serve in this process until a signal.

    Args:
        config: what and how.
        listening: the bound socket.
        started: called once, when requests are answered.
    """
    server = _Server(config, started)
    try:
        server.run(sockets=[listening])
    except SystemExit as ended:
        if ended.code:
            refuse(_NOT_STARTED, PROBLEM)
        raise


class _Server(uvicorn.Server):
    """uvicorn's server, telling when it answers."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._on_started is not None:
            self._on_started()


def exit_cleanly_on_signals() -> None:
    """Let SIGTERM and Ctrl-C end the process with code 0: to be stopped is how a service ends, not an error.

    uvicorn takes both while it serves, finishes what was accepted, and then raises them again for these.
    """

    def leave(number: int, frame: object) -> None:
        del number, frame
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
