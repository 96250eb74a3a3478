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
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

from msgspec import Meta, Struct, msgpack

from kafka.client.secrets import secret_values
from kafka.model.records import Natural, OffsetRange
from kafka.search.selection import Continuation, DeadLettersQuery, Selection
from service.http.refusals import CursorRefused
from service.settings.model import Settings

_VERSION = 3
_DIGEST_BYTES = 8
_CODE_BYTES = 16
_LONGEST_TEXT = 100_000
_PURPOSE = b"kafka-resend cursors"


class _Rest(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What is left of a search, see Continuation."""

    topic_id: Annotated[str, Meta(max_length=64)]
    skip: Natural
    passed: Natural
    stages: Annotated[tuple[tuple[OffsetRange, ...], ...], Meta(max_length=2)]


_ENCODER = msgpack.Encoder()
_DECODER = msgpack.Decoder(_Rest)


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

    def cursor(self, selection: Selection | DeadLettersQuery, rest: Continuation) -> str:
        """Return the text that stands for the rest of a search."""
        packed = _prefix(selection) + _ENCODER.encode(_Rest(rest.topic_id, rest.skip, rest.passed, rest.stages))
        return base64.urlsafe_b64encode(packed + self._code(packed)).decode().rstrip("=")

    def rest(self, selection: Selection | DeadLettersQuery, text: str, most_skip: int) -> Continuation:
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
        prefix = _prefix(selection)
        if not packed.startswith(prefix):
            raise CursorRefused("the cursor belongs to a search with other parameters")
        try:
            found = _DECODER.decode(packed[len(prefix) :])
        except ValueError:
            raise _garbled() from None
        if found.skip > most_skip or not any(found.stages) or not all(map(_is_stage, found.stages)):
            raise _garbled()
        return Continuation(found.topic_id, found.stages, found.skip, found.passed)

    def _code(self, packed: bytes) -> bytes:
        return hmac.digest(self._key, packed, "sha256")[:_CODE_BYTES]


def _is_stage(spans: Sequence[OffsetRange]) -> bool:
    """Whether these are ranges as a search leaves them: none empty, and at most one of a partition, in their order."""
    return all(span.length for span in spans) and all(one.partition < next_.partition for one, next_ in pairwise(spans))


def _prefix(selection: Selection | DeadLettersQuery) -> bytes:
    # The repr of plain values: two selections have the same one only if they are equal.
    return bytes([_VERSION]) + hashlib.sha256(repr(selection).encode()).digest()[:_DIGEST_BYTES]


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


def _garbled() -> CursorRefused:
    return CursorRefused("the cursor is not one that this service has given")
