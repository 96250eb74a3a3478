"""One HTTP connection before the application: what it may send, how long it may take, and how it is refused."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import structlog
from starlette.types import Receive, Scope, Send

from service.http.request_context import RequestContextMiddleware
from service.http.server.connections import Connections
from service.http.server.limits import ConnectionLimits
from service.http.server.protocol import ProtocolFactory
from tests.support.http import serving_here

HEAD = b"GET /here HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /here HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
LIMITS = ConnectionLimits(max_head_bytes=2000, max_headers=10)
QUICK = replace(LIMITS, head_seconds=0.3, body_seconds=0.3, idle_seconds=0.3)


@dataclass
class Application:
    """An application that notes what reaches it, and answers when it is let.

    Attributes:
        seen: path, headers and body of each request that came whole.
        go: answers are given once this is set.
        reached: one has come.
    """

    seen: list[tuple[str, list[tuple[bytes, bytes]], bytes]] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        self.seen.append((scope["path"], list(scope["headers"]), body))
        self.reached.set()
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


Ask = Callable[[bytes], Coroutine[Any, Any, bytes]]


@asynccontextmanager
async def asking(limits: ConnectionLimits, application: Application | None = None) -> AsyncIterator[Ask]:
    """Serve, and yield a function that sends bytes and returns all that comes back until the connection ends."""
    if application is None:
        application = Application()
        application.go.set()
    async with serving_here(application, limits) as port:

        async def ask(content: bytes) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(content)
            try:
                async with asyncio.timeout(10):
                    return await reader.read()
            finally:
                writer.close()

        yield ask


def refused(answer: bytes) -> tuple[int, str]:
    """Return status and error_code of an answer, which has the shape and the headers of all errors."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    assert {"content-type": "application/json", "connection": "close", "cache-control": "no-store"}.items() <= set(
        headers.items()
    )
    assert headers["x-request-id"]
    assert int(headers["content-length"]) == len(body)
    content = json.loads(body)
    assert ["error_code", "error_msg"] == sorted(content)
    return int(lines[0].split()[1]), content["error_code"]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"hello\r\n\r\n", 400, "RESEND.00400025"),
        (bytes.fromhex("1603010200010001fc0303"), 400, "RESEND.00400025"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "RESEND.00400025"),
        (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, "RESEND.00400025"),
        (CHUNKED + b"zz\r\n", 400, "RESEND.00400025"),
        (CHUNKED + b"2\r\n{}\r\n0\r\nX-Auth-Token: token\r\n\r\n", 400, "RESEND.00400026"),
        (HEAD + b"A: " + b"x" * 2000 + b"\r\n\r\n", 431, "RESEND.00431001"),
        (HEAD + b"A: " + b"x" * 2_000_000, 431, "RESEND.00431001"),
        (b"GET /" + b"x" * 2000 + b" HTTP/1.1\r\n\r\n", 431, "RESEND.00431001"),
        (b"GET /" + b"x" * 2_000_000, 431, "RESEND.00431001"),
        (HEAD + b"A: b\r\n" * 10 + b"\r\n", 431, "RESEND.00431001"),
        (b"\r\n" * 500_000, 431, "RESEND.00431001"),
    ],
    ids=[
        "no HTTP",
        "TLS",
        "HTTP/2",
        "two lengths",
        "no chunk",
        "trailers",
        "header",
        "endless header",
        "address",
        "endless address",
        "many headers",
        "empty lines",
    ],
)
async def test_request_that_is_refused_unread_is_answered_like_any_other_error(
    content: bytes, status: int, code: str
) -> None:
    """What uvicorn would answer as plain text, or read on and on, is an error with a code, an id and a log line."""
    application = Application()
    with structlog.testing.capture_logs() as lines:
        async with asking(LIMITS, application) as ask:
            answer = await ask(content)

    assert (status, code) == refused(answer)
    assert [] == application.seen
    (line,) = lines
    assert (code, "127.0.0.1", 1) == (line["outcome"], line["address"], line["count"])
    assert line["request_id"].encode() in answer


async def test_error_has_the_request_id_that_came_before_it() -> None:
    """The caller finds its own id, as in every answer."""
    async with asking(LIMITS) as ask:
        answer = await ask(HEAD + b"X-Request-Id: mine\r\n" + b"A: b\r\n" * 10 + b"\r\n")

    assert b"\r\nx-request-id: mine\r\n" in answer


async def test_head_within_its_limits_and_an_upgrade_are_served() -> None:
    """The limits include what they name, and an offer of another protocol is ignored."""
    async with asking(LIMITS) as ask:
        head = await ask(HEAD + b"A: b\r\n" * 8 + b"Connection: close\r\n\r\n")
        upgrade = await ask(HEAD + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n")

    assert [b"HTTP/1.1 200 OK"] * 2 == [answer.partition(b"\r\n")[0] for answer in (head, upgrade)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ""),
        (HEAD, "408 RESEND.00408001"),
        (POST + b"Content-Length: 5\r\n\r\nabc", "408 RESEND.00408001"),
        (HEAD + b"\r\n", "200"),
        (HEAD + b"\r\n" + HEAD, "200 408 RESEND.00408001"),
    ],
    ids=["silence", "half a head", "half a body", "one request", "one and a half"],
)
async def test_connection_that_sends_no_more_ends(content: bytes, said: str) -> None:
    """Whatever a client leaves half done, its connection ends, and it is told where there is something to tell."""
    async with asking(QUICK) as ask:
        answer = await ask(content)

    statuses = [each.split()[0].decode() for each in answer.split(b"HTTP/1.1 ")[1:]]
    codes = [json.loads(answer[answer.rindex(b"{") :])["error_code"]] if b"error_code" in answer else []
    assert said.split() == [*statuses, *codes]


async def test_connection_that_sends_byte_by_byte_ends() -> None:
    """Time is that of the whole head, however many bytes come meanwhile."""
    application = Application()
    async with serving_here(application, QUICK) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def trickle() -> None:
            while True:
                writer.write(b"A")
                await asyncio.sleep(0.02)

        writer.write(HEAD)
        trickling = asyncio.create_task(trickle())
        async with asyncio.timeout(10):
            answer = await reader.read()
        trickling.cancel()
        writer.close()

    assert (408, "RESEND.00408001") == refused(answer)


async def test_request_that_waits_for_its_answer_has_no_deadline() -> None:
    """Only what the client is waited for is limited: how long the application takes is its own business."""
    application = Application()
    async with asking(QUICK, application) as ask:
        answering = asyncio.create_task(ask(HEAD + b"\r\n"))
        done, _ = await asyncio.wait({answering}, timeout=1.0)
        assert not done
        application.go.set()
        answer = await answering

    assert answer.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "after", [b"hello\r\n\r\n", CHUNKED + b"2\r\n{}\r\n0\r\nA: b\r\n\r\n", HEAD + b"A: b\r\n" * 20]
)
async def test_request_before_a_broken_one_gets_its_own_answer(after: bytes) -> None:
    """An error of the second request would be taken for the answer to the first, which may have written a record."""
    application = Application()
    async with asking(LIMITS, application) as ask:
        answering = asyncio.create_task(ask(HEAD + b"\r\n" + after))
        await application.reached.wait()
        application.go.set()
        answer = await answering

    assert [b"200"] == [each.split()[0] for each in answer.split(b"HTTP/1.1 ")[1:]]
    assert 1 == len(application.seen)


async def test_requests_sent_far_ahead_of_their_answers_are_not_taken() -> None:
    """Thousands of requests in one packet would each take kilobytes until its turn comes."""
    async with asking(LIMITS) as ask:
        answer = await ask((HEAD + b"\r\n") * 2000)

    assert 30 < answer.count(b"HTTP/1.1 200 OK") < 100


async def test_body_of_a_request_that_is_answered_already_is_not_read_for_ever() -> None:
    """A refused request could send gigabytes that are read only to be dropped."""

    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 403, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    sent = 0
    async with serving_here(refusing, LIMITS) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(POST + b"Content-Length: 100000000000\r\n\r\n")
        with pytest.raises(ConnectionError):  # noqa: PT012 - whichever write meets the end
            async with asyncio.timeout(10):
                while True:
                    writer.write(b"x" * 100_000)
                    await writer.drain()
                    sent += 100_000
        writer.close()
        del reader

    assert sent < 50_000_000


async def test_answers_that_are_not_taken_do_not_keep_their_connection() -> None:
    """A client that asks and never reads would otherwise hold a connection, and what it asked for, forever."""
    large = b"x" * 50_000_000
    ended = asyncio.Event()

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        length = str(len(large)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": large})

    class Watched(Connections):
        def leave(self, connection: object) -> None:
            super().leave(connection)  # type: ignore[arg-type]
            ended.set()

    factory = ProtocolFactory(QUICK)
    factory._connections = Watched(QUICK, asyncio.get_running_loop())
    async with serving_here(answering, QUICK, factory) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1000)
        writer.write(HEAD + b"\r\n")
        async with asyncio.timeout(10):
            await ended.wait()
        writer.close()
        del reader


async def test_connections_beyond_their_number_are_refused_and_those_of_others_are_not() -> None:
    """One address cannot have all connections, and all together no more than there may be."""
    limits = replace(LIMITS, max_connections=3, max_connections_per_address=2)
    application = Application()
    application.go.set()
    async with serving_here(application, limits, host="0.0.0.0") as port:  # noqa: S104 - all of loopback

        def connect(source: str) -> socket.socket:
            return socket.create_connection(("127.0.0.1", port), source_address=(source, 0))

        async def answer(source: str) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
            async with asyncio.timeout(10):
                answer = await reader.read()
            writer.close()
            return answer

        held = [connect("127.0.0.1"), connect("127.0.0.1")]
        too_many_of_one = await answer("127.0.0.1")
        held.append(connect("127.0.0.2"))
        held[-1].sendall(HEAD + b"\r\n")
        of_another = await asyncio.to_thread(held[-1].recv, 15)
        too_many = await answer("127.0.0.3")
        for each in held:
            each.close()

    assert [(503, "RESEND.00503020")] * 2 == [refused(too_many_of_one), refused(too_many)]
    assert b"\r\nretry-after: 1\r\n" in too_many
    assert b"HTTP/1.1 200 OK" == of_another


@pytest.mark.parametrize(
    ("descriptors", "expected"), [(65536, (1000, 500)), (2000, (1000, 500)), (1024, (512, 256)), (2, (1, 1))]
)
def test_connections_leave_half_of_the_descriptors(descriptors: int, expected: tuple[int, int]) -> None:
    """What was accepted needs descriptors, too, for Kafka's connections: without them nobody is answered."""
    limits = ConnectionLimits(max_connections=1000, max_connections_per_address=500).within(descriptors)

    assert expected == (limits.max_connections, limits.max_connections_per_address)


async def test_connections_that_come_and_go_are_swept_by_one_timer() -> None:
    """However often none is open: each timer looks at all connections."""

    class Timers:
        """A loop that only counts."""

        scheduled = 0

        def call_later(self, seconds: float, callback: Callable[[], None]) -> None:
            del seconds, callback
            self.scheduled += 1

    @dataclass(eq=False)
    class Idle:
        deadline: float = float("inf")

        def expire(self) -> None:
            """Not before its time."""

    timers = Timers()
    connections = Connections(LIMITS, timers)  # type: ignore[arg-type]
    for _ in range(5):
        connection = Idle()
        assert connections.admit(connection, "127.0.0.1") is None
        connections.leave(connection)
    assert timers.scheduled == 1


async def test_request_cut_off_by_the_end_of_the_service_is_answered_like_any_other_error() -> None:
    """Who waits longer than the service does at its end learns that the outcome is not known, and has an id."""
    application = Application()
    async with serving_here(RequestContextMiddleware(application), LIMITS) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"\r\n")
        await application.reached.wait()
    answer = await reader.read()
    writer.close()

    assert (500, "RESEND.00500001") == refused(answer)
