"""One HTTP connection: uvicorn's, with bounds on what a request's head and body may be and how long they may take.

uvicorn bounds none of these. What it refuses itself gets the shape and the X-Request-Id of all other errors here.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, Literal

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import get_remote_addr
from uvicorn.server import ServerState

from service.http.refusals import HeadTooLarge, RequestNotHttp, RequestRefused, RequestTooSlow, TrailersRefused
from service.http.request_context import request_id_of
from service.http.server.answers import answer_to
from service.http.server.connections import Connections
from service.http.server.limits import ConnectionLimits

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

_MOST_PIPELINED = 32
_MOST_DROPPED_BYTES = 4_000_000
"""Of what follows an answer. A connection that ends with bytes unread is reset, and the client misses the answer."""

_LINGER_SECONDS = 2.0

_FRAMING_BYTES = 65_536
_FRAMING_FACTOR = 16
"""How many bytes a chunked body may take for each byte of content, beyond a few: chunks of one byte take six."""


class ServerProtocol(HttpToolsProtocol):
    """A connection.

    A request is read from idle over head and body to idle again; meanwhile any number of earlier ones may be owed an
    answer. Only what the client is waited for has a deadline, and only one at a time.

    Args:
        connections: all that are open.
        config: of the server.
        server_state: shared by its connections.
        app_state: of the application's lifespan.
        loop: the running one.

    Attributes:
        deadline: see Connection.
    """

    def __init__(
        self,
        connections: Connections,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, loop)
        self._connections = connections
        self._limits = connections.limits
        self._reading: Literal["idle", "head", "body"] = "head"
        self._owed = 0
        self._silent = True
        # Nothing more is read: what is owed is answered, then the connection ends.
        self._ending = False
        self._lingering = False
        self._dropped_bytes = 0
        self._head_bytes = 0
        self._raw_bytes = 0
        self._body_bytes = 0
        self._unsent_bytes: int | None = None
        self.deadline = math.inf

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new connection, or answer that there are too many."""
        client = get_remote_addr(transport)
        error = self._connections.admit(self, client[0] if client else None)
        if error is None:
            super().connection_made(transport)
            self._wait()
            return
        self.transport = transport
        self._ending = True
        request_id = request_id_of(())
        self._connections.refused(error, client[0] if client else None, request_id)
        transport.write(answer_to(error, request_id, self.server_state.default_headers))
        transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._connections.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what has come."""
        if self._ending:
            self._drop(len(data))
            return
        self._silent = False
        if self._reading == "idle":
            self._reading, self._head_bytes = "head", 0
            self._wait()
        self._raw_bytes += len(data)
        try:
            self.parser.feed_data(data)
            self._check_raw()
        except httptools.HttpParserUpgrade:
            # Nothing else is spoken here. The request gets its answer, and what follows it is not HTTP.
            self._end()
        except httptools.HttpParserError as error:
            told = error.__context__
            refused = told if isinstance(told, RequestRefused) else RequestNotHttp("what was sent is not HTTP/1.1")
            self._refuse(refused)
        except RequestRefused as error:
            self._refuse(error)

    def _check_raw(self) -> None:
        """Bound what the parser takes in without telling: half a header, or the framing of chunks."""
        if self._reading == "head" and self._raw_bytes > self._limits.max_head_bytes:
            raise self._head_too_large()
        framing_bytes = self._raw_bytes - self._body_bytes
        if self._reading == "body" and framing_bytes > _FRAMING_BYTES + _FRAMING_FACTOR * self._body_bytes:
            raise RequestNotHttp("the chunks of the body are mostly framing")

    def pause_writing(self) -> None:
        """Note that the client does not take its answers."""
        super().pause_writing()
        self._wait()

    def resume_writing(self) -> None:
        """Continue: the client has taken enough."""
        super().resume_writing()
        self._wait()

    # The parser

    def on_message_begin(self) -> None:
        """Begin another request."""
        super().on_message_begin()
        # The bytes that came with the end of the one before do not count.
        self._reading, self._head_bytes, self._raw_bytes = "head", 0, 0

    def on_url(self, url: bytes) -> None:
        """Take a part of the address."""
        self._grow_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; one that follows the body could be a token that nobody has compared."""
        if self._reading != "head":
            raise TrailersRefused("the body has trailers")
        self._grow_head(len(name) + len(value))
        if len(self.headers) >= self._limits.max_headers:
            raise HeadTooLarge(f"the request has more than {self._limits.max_headers} headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand the request to the application."""
        if self._ending or len(self.pipeline) >= _MOST_PIPELINED:
            raise RequestNotHttp(f"more than {_MOST_PIPELINED} requests were sent ahead of their answers")
        super().on_headers_complete()
        self._reading, self._raw_bytes, self._body_bytes, self._dropped_bytes = "body", 0, 0, 0
        self._owed += 1
        self._wait()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body_bytes += len(body)
        if self.cycle.response_complete:
            self._drop(len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        super().on_message_complete()
        self._reading = "idle"
        self._wait()

    def _grow_head(self, size_bytes: int) -> None:
        self._head_bytes += size_bytes
        if self._head_bytes > self._limits.max_head_bytes:
            raise self._head_too_large()

    def _head_too_large(self) -> HeadTooLarge:
        return HeadTooLarge(f"the address and the headers have more than {self._limits.max_head_bytes} bytes")

    # Answers

    def on_response_complete(self) -> None:
        """Continue with the next request."""
        self.server_state.total_requests += 1
        self._owed -= 1
        if not self.transport.is_closing():
            if self.pipeline:
                cycle, app = self.pipeline.pop()
                self._start_asgi_task(cycle, app)
            elif self._ending:
                self.transport.close()
            if not self._ending:
                self.flow.resume_reading()
        self._wait()

    def _refuse(self, error: RequestRefused) -> None:
        """Answer what is being read with an error, and end the connection."""
        unread = self._unread()
        if self.transport.is_closing() or (self._reading == "body" and unread is None):
            # There is an answer already.
            self._end()
            return
        headers = self.headers if self._reading != "idle" else ()
        request_id = request_id_of(headers or ())
        self._connections.refused(error, self._host(), request_id)
        if unread is not None:
            # The application that waits for the body is told that it does not come, and what it answers is dropped.
            unread.disconnected = True
            unread.message_event.set()
            if self.pipeline and self.pipeline[0][0] is unread:
                self.pipeline.popleft()
            self._owed -= 1
        if not self._owed and not (unread is not None and unread.response_started):
            self.transport.write(answer_to(error, request_id, self.server_state.default_headers))
            self.transport.write_eof()
            self._ending = self._lingering = True
            self._wait()
        else:
            # An answer now would be taken for that of a request before.
            self._end()

    def _unread(self) -> RequestResponseCycle | None:
        """Return the request whose body is being read, unless it is answered already."""
        if self._reading != "body" or self.cycle.response_complete:
            return None
        return self.cycle

    def _end(self) -> None:
        """Read no more, and close the connection as soon as all that is owed is answered."""
        self._ending = True
        if self._owed:
            self.flow.pause_reading()
        else:
            self.transport.close()
        self._wait()

    def _drop(self, size_bytes: int) -> None:
        """End the connection if too much has come after its last answer."""
        self._dropped_bytes += size_bytes
        if self._dropped_bytes > _MOST_DROPPED_BYTES and not self._owed:
            self._ending = True
            self.transport.close()

    # Time

    def _wait(self) -> None:
        """Set the deadline of what the client is waited for; while it waits for answers there is none."""
        limits = self._limits
        if self._lingering:
            seconds = _LINGER_SECONDS
        elif self.transport.is_closing() or (self._owed and self.flow.write_paused):
            seconds = limits.idle_seconds
        elif self._owed > 1 or (self._owed and (self._reading != "body" or self._ending)):
            seconds = math.inf
        elif self._reading == "head":
            seconds = limits.head_seconds
        else:
            seconds = limits.body_seconds if self._reading == "body" else limits.idle_seconds
        self.deadline = self.loop.time() + seconds

    def expire(self) -> None:
        """End the connection: its time is up."""
        unsent_bytes = self.transport.get_write_buffer_size()
        if unsent_bytes:
            if self._unsent_bytes is None or unsent_bytes < self._unsent_bytes:
                # A slow client takes its answer, by and by.
                self._unsent_bytes = unsent_bytes
                self._wait()
            else:
                self._connections.ended("answer not taken", self._host())
                self.transport.abort()
        elif self.transport.is_closing():
            self.transport.abort()
        elif self._lingering:
            self.transport.close()
        elif self._silent:
            self._connections.ended("no request came", self._host())
            self._end()
        elif self._reading == "head":
            self._refuse(RequestTooSlow(f"the head was not complete after {self._limits.head_seconds:g} seconds"))
        elif self._unread() is not None:
            self._refuse(RequestTooSlow(f"the body was not complete after {self._limits.body_seconds:g} seconds"))
        else:
            self._end()

    def _host(self) -> str | None:
        return self.client[0] if self.client else None

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: any client could fill the log."""


class ProtocolFactory:
    """Makes the protocol of each connection. Passes to another process before it has made one.

    Args:
        limits: what a connection may take, and how many there may be.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._connections: Connections | None = None

    def __call__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> ServerProtocol:
        """Return the protocol of a new connection, as uvicorn asks for it."""
        if self._connections is None:
            self._connections = Connections(self._limits, _loop or asyncio.get_running_loop())
        return ServerProtocol(self._connections, config, server_state, app_state, _loop)
