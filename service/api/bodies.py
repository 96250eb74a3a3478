"""Reads the body of a request: what it claims to be first, then no more of it than the limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from starlette.requests import Request

from service.http.refusals import BodyTooLarge, ClientGone, ContentEncodingRefused, ContentTypeRefused

_SHOWN_CHARACTERS = 100
_LONGEST_TYPE_BYTES = 200
_PARSED_AT_ONCE_BYTES = 100_000
"""Larger bodies are parsed in a thread: the largest takes a third of a second, in which nobody else were answered."""

Parsed = TypeVar("Parsed")


def check_content_type(request: Request) -> None:
    """Accept JSON in UTF-8, however that is written, or no type where there is an X-Auth-Token header.

    A page elsewhere can send a body without a type unasked, but not that header.

    Raises:
        ContentTypeRefused: another type or charset, or several.
        ContentEncodingRefused: the body is compressed.
    """
    types: list[bytes] = []
    token = False
    for name, value in request.scope["headers"]:
        if name == b"content-type":
            types.append(value)
        elif name == b"x-auth-token":
            token = True
        elif name == b"content-encoding" and value.lower() != b"identity":
            raise ContentEncodingRefused(f"the body's Content-Encoding is {_shown(value)}")
    if len(types) > 1:
        raise ContentTypeRefused("the request has more than one Content-Type")
    if not types and not token:
        raise ContentTypeRefused("the request has no Content-Type")
    if types and types[0] != b"application/json" and not _is_json(types[0]):
        raise ContentTypeRefused(f"the body's Content-Type is {_shown(types[0])}")


def _is_json(content_type: bytes) -> bool:
    # What is remembered stays, so it is short.
    return len(content_type) <= _LONGEST_TYPE_BYTES and _names_json(content_type)


@lru_cache(maxsize=128)
def _names_json(content_type: bytes) -> bool:
    media_type, *parameters = content_type.decode("latin-1").lower().split(";")
    if media_type.strip() != "application/json":
        return False
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip("\"'") not in {"utf-8", "utf8"}:
            return False
    return True


def _shown(value: bytes) -> str:
    text = ascii(value.decode("latin-1"))
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """Return the whole body.

    Args:
        request: nothing of its body has been read.
        limit_bytes: how large the body may be.

    Raises:
        BodyTooLarge: it is larger by its Content-Length, before any of it is read; or else as soon as it becomes so.
        ClientGone: the connection was closed before the end.
    """
    for name, value in request.scope["headers"]:
        if name == b"content-length" and value.isdigit() and _exceeds(value, limit_bytes):
            raise _too_large(limit_bytes)
    # Not a list of chunks: of a body that comes byte by byte each would take forty times its size.
    body = bytearray()
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientGone("the connection was closed before the body was complete")
        chunk: bytes = message.get("body", b"")
        if len(body) + len(chunk) > limit_bytes:
            raise _too_large(limit_bytes)
        if not message.get("more_body", False):
            return bytes(body + chunk) if body else chunk
        body += chunk


async def parsed(body: bytes, parse: Callable[[bytes], Parsed]) -> Parsed:
    """Return what a body says, without holding up the other requests.

    Args:
        body: the whole of it.
        parse: makes something of it; what it raises is raised here.
    """
    if len(body) <= _PARSED_AT_ONCE_BYTES:
        return parse(body)
    return await asyncio.to_thread(parse, body)


def _exceeds(content_length: bytes, limit_bytes: int) -> bool:
    # Python refuses to turn thousands of digits into a number.
    digits = content_length.lstrip(b"0")
    return len(digits) > 18 or int(digits or b"0") > limit_bytes


def _too_large(limit_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body has more than {limit_bytes} bytes")
