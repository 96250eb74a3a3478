"""Answers to what never becomes a request of the application, in the shape that all errors have."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from service.http.errors import error_response
from service.http.refusals import RequestRefused
from service.http.request_context import STRICT_HEADERS


def answer_to(error: RequestRefused, request_id: str, default_headers: list[tuple[bytes, bytes]]) -> bytes:
    """Return the whole answer, which is the connection's last.

    Args:
        error: what is wrong.
        request_id: for X-Request-Id.
        default_headers: of every answer of the server.
    """
    response = error_response(error)
    headers = [
        *default_headers,
        *((name, value) for name, value in response.raw_headers if name != b"connection"),
        *STRICT_HEADERS,
        (b"x-request-id", request_id.encode("ascii")),
        (b"connection", b"close"),
    ]
    lines = [b"%b: %b\r\n" % header for header in headers]
    return b"".join([STATUS_LINE[response.status_code], *lines, b"\r\n", response.body])
