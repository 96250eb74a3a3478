"""The header Idempotency-Key: a request that is sent again gets the first one's answer.

Source: draft-ietf-httpapi-idempotency-key-header; without the quotes of its structured field, as most services take it.
"""

from __future__ import annotations

import re

from starlette.requests import Request

from kafka.jobs.idempotency.requests import Key, digest_of
from service.api.access import Admission
from service.http.refusals import IdempotencyKeyRefused
from service.http.request_context import request_log_of

_HEADER = b"idempotency-key"
_KEY = re.compile(rb"[!-~]{1,255}")

REPLAYED = {"Idempotency-Replayed": "true"}
"""Headers of an answer to a request that an earlier one has asked for already."""

PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": (
        "A text of your own, such as a UUID, new for each request. A request that is sent again with its key is not "
        "carried out again: it gets the first one's answer. See docs/idempotency.md."
    ),
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}
REPLAYED_HEADER = {
    "Idempotency-Replayed": {
        "description": "`true` where an earlier request with the same Idempotency-Key is answered; else absent.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}


def idempotency_key(request: Request) -> str | None:
    """Return the key that came with a request, if one did, and note that for the log.

    Raises:
        IdempotencyKeyRefused: it is none, or there are several.
    """
    given: list[bytes] = [value for name, value in request.scope["headers"] if name == _HEADER]
    if not given:
        return None
    request_log_of(request.scope).has_idempotency_key = True
    if len(given) > 1:
        raise IdempotencyKeyRefused(f"the request has {len(given)} Idempotency-Keys")
    if _KEY.fullmatch(given[0]) is None:
        raise IdempotencyKeyRefused(
            "the Idempotency-Key is empty, too long, or has other than visible ASCII characters"
        )
    return given[0].decode("ascii")


def key_of(value: str, admission: Admission, content: object) -> Key:
    """Return the key of what is asked for.

    Args:
        value: as it was sent.
        admission: who asks for which instance.
        content: what is asked for; compared with what comes with the same key another time.
    """
    return Key(admission.project, admission.instance, admission.caller.name, value, digest_of(content))
