"""The server in this process, with an application of the test's own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from service.http.server.limits import ConnectionLimits
from service.http.server.protocol import ProtocolFactory


@asynccontextmanager
async def serving_here(
    application: ASGIApp, limits: ConnectionLimits, factory: ProtocolFactory | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[int]:
    """Serve an application in the running event loop, and yield the port."""
    config = uvicorn.Config(
        cast("Any", application),
        http=cast("Any", factory or ProtocolFactory(limits)),
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    listening = socket.create_server((host, 0))
    serving = asyncio.create_task(server.serve([listening]))
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await serving
