"""Cursors: where a search continues, as text that fits into an address.

A cursor holds which search it belongs to, as a digest, what is left of it, and a code by which the service knows its
own (HMAC-SHA-256): a changed one would be another search, and could keep others waiting at offsets that nobody has.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json

from kafka.client.secrets import secret_values
from kafka.model.records import OffsetRange
from kafka.search.selection import Continuation, Selection
from service.api.schema.resend import MAX_OFFSET, MAX_PARTITION
from service.http.refusals import CursorRefused
from service.settings.model import Settings

_VERSION = 2
_DIGEST_BYTES = 8
_CODE_BYTES = 16
_MOST_STAGES = 2
_LONGEST_TEXT = 100_000
_MOST_TOPIC_ID_BYTES = 64
_PURPOSE = b"kafka-resend cursors"


def cursor_key(settings: Settings) -> bytes:
    """Return the key of the codes: the same in all processes with the same settings, and after a restart.

    It is made of the setting query.cursor_key, or else of the secrets that the settings hold anyway. Where they hold
    none, it keeps out accidents alone.
    """
    secret: object = settings.query.cursor_key
    if secret is None:
        clusters = sorted(settings.clusters(), key=lambda cluster: cluster.name)
        secret = [settings.auth.token_digest, [[cluster.name, secret_values(cluster)] for cluster in clusters]]
    return hmac.digest(_PURPOSE, json.dumps(secret, sort_keys=True).encode(), "sha256")


class Cursors:
    """Makes cursors, and knows those that it has made.

    Args:
        key: see cursor_key.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def cursor(self, selection: Selection, rest: Continuation) -> str:
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
        return base64.urlsafe_b64encode(packed + self._code(bytes(packed))).decode().rstrip("=")

    def rest(self, selection: Selection, text: str, most_skip: int) -> Continuation:
        """Return what is left of a search.

        Args:
            selection: what is searched for: the same as on the page before.
            text: the cursor of that page.
            most_skip: how many records a request may leave out.

        Raises:
            CursorRefused: it is no cursor of ours, or one of another search.
        """
        content = _unpacked(text)
        packed, code = content[:-_CODE_BYTES], content[-_CODE_BYTES:]
        if not hmac.compare_digest(code, self._code(packed)):
            raise _garbled()
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
        return Continuation(topic_id, stages, skip, passed)

    def _code(self, packed: bytes) -> bytes:
        return hmac.digest(self._key, packed, "sha256")[:_CODE_BYTES]


def _stage(numbers: _Numbers) -> tuple[OffsetRange, ...]:
    spans = []
    least = 0
    for _ in range(numbers.take(MAX_PARTITION)):
        partition = least + numbers.take(MAX_PARTITION - least)
        start = numbers.take(MAX_OFFSET - 1)
        spans.append(OffsetRange(partition, start, start + 1 + numbers.take(MAX_OFFSET - 1 - start)))
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
