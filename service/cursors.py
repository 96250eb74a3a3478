"""Cursors: where a search goes on, as text that fits into an address.

A cursor holds which search it belongs to, as a digest, and what is left of it. It is neither secret nor signed: whoever
writes their own can read no more than they may without it, since topic and grants are those of the request.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from kafka.query import Rest, Selection
from kafka.records import Span
from service.refusals import CursorRefused
from service.wire import MAX_OFFSET, MAX_PARTITION

_VERSION = 1
_DIGEST_BYTES = 8
_MOST_STAGES = 2
_LONGEST_TEXT = 100_000
_MOST_TOPIC_ID_BYTES = 64


def cursor_of(selection: Selection, rest: Rest) -> str:
    """Return the text that stands for the rest of a search."""
    packed = bytearray([_VERSION])
    packed += _digest(selection)
    topic_id = rest.topic_id.encode()
    _put(packed, len(topic_id))
    packed += topic_id
    for number in (rest.skip, rest.passed, len(rest.stages)):
        _put(packed, number)
    for stage in rest.stages:
        _put(packed, len(stage))
        least = 0
        for span in stage:
            for number in (span.partition - least, span.start, span.end - span.start - 1):
                _put(packed, number)
            least = span.partition + 1
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def rest_of(selection: Selection, text: str, most_skip: int) -> Rest:
    """Return what is left of a search.

    Args:
        selection: what is searched for: the same as on the page before.
        text: the cursor of that page.
        most_skip: how many records a request may leave out.

    Raises:
        CursorRefused: it is no cursor of ours, or one of another search.
    """
    packed = _unpacked(text)
    if packed[: 1 + _DIGEST_BYTES] != bytes([_VERSION]) + _digest(selection):
        raise CursorRefused("the cursor belongs to a search with other parameters")
    numbers = _Numbers(packed[1 + _DIGEST_BYTES :])
    topic_id = numbers.text(numbers.take(_MOST_TOPIC_ID_BYTES))
    skip = numbers.take(most_skip)
    passed = numbers.take(MAX_OFFSET)
    stages = tuple(_stage(numbers) for _ in range(numbers.take(_MOST_STAGES)))
    numbers.end()
    if not any(stages):
        raise _garbled()
    return Rest(topic_id, stages, skip, passed)


def _stage(numbers: _Numbers) -> tuple[Span, ...]:
    spans = []
    least = 0
    for _ in range(numbers.take(MAX_PARTITION)):
        partition = least + numbers.take(MAX_PARTITION - least)
        start = numbers.take(MAX_OFFSET - 1)
        spans.append(Span(partition, start, start + 1 + numbers.take(MAX_OFFSET - 1 - start)))
        least = partition + 1
    return tuple(spans)


def _digest(selection: Selection) -> bytes:
    # The repr of plain values: two selections have the same one only if they are equal.
    return hashlib.sha256(repr(selection).encode()).digest()[:_DIGEST_BYTES]


def _unpacked(text: str) -> bytes:
    if len(text) > _LONGEST_TEXT or not text.isascii():
        raise _garbled()
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _garbled() from None
    if base64.urlsafe_b64encode(packed).decode().rstrip("=") != text:
        raise _garbled()
    return packed


def _put(packed: bytearray, number: int) -> None:
    while number > 0x7F:
        packed.append(number & 0x7F | 0x80)
        number >>= 7
    packed.append(number)


class _Numbers:
    """Reads what _put has written."""

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        self._place = 0

    def take(self, most: int) -> int:
        number = 0
        for shift in range(0, 64, 7):
            if self._place >= len(self._packed):
                break
            byte = self._packed[self._place]
            self._place += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                if number > most or (shift and not byte):
                    break
                return number
        raise _garbled()

    def text(self, size: int) -> str:
        content = self._packed[self._place : self._place + size]
        self._place += size
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise _garbled() from None

    def end(self) -> None:
        if self._place != len(self._packed):
            raise _garbled()


def _garbled() -> CursorRefused:
    return CursorRefused("the cursor is not one that this service has given")
