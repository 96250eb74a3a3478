"""Answers of the HTTP API as values, and its errors as words and exit codes.

    ApiError
    ├── Refused            what was asked for is refused, and nothing was written           exit code 1
    ├── UsageError         the options do not name one instance, or no API is there         exit code 1
    ├── Retryable          nothing was written, and the same may be asked again             exit code 3
    └── OutcomeInDoubt     whether a copy was written is not known                          exit code 4

Each carries its words and its exit code.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from service.cli.hints import without_token, worded
from service.cli.output import Json

if TYPE_CHECKING:
    import httpx

_GAVE_UP = (408, 499)
"""What proxies answer when they stopped waiting for the service, which may have continued."""

_PROXY_WAITS = (502, 503, 504)
"""What proxies answer while there is no service behind them."""

_FORBIDDEN = "RESEND.00403001"
_LATER = (408, 429)
"""What the service answers where nothing was wrong with the request but its moment."""

_NOT_WRITTEN_CODES = ("RESEND.00503", "RESEND.00504001")


class ApiError(Exception):
    """The root of the tree. Its text is for the person at the terminal and holds no token.

    Attributes:
        error_code: the API's, if it was the API that answered.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, words: str, error_code: str | None = None) -> None:
        super().__init__(words)
        self.error_code = error_code


class Refused(ApiError):
    """What was asked for is refused, and nothing was written."""


class UsageError(ApiError):
    """The options do not name one instance, or no API is there."""


class Retryable(ApiError):
    """Nothing was written, and the same may be asked again."""

    exit_code = 3


class OutcomeInDoubt(ApiError):
    """Whether a copy was written is not known."""

    exit_code = 4


def field(answer: Json, name: str, *kinds: type) -> Any:
    """Return a field of an answer.

    Raises:
        UsageError: it is not there, or of another kind: what answered is not this API.
    """
    if name not in answer or not isinstance(answer[name], kinds):
        raise UsageError(f"the answer has no {name} as kafka-resend's has; is --url right?")
    return answer[name]


async def get(http: httpx.AsyncClient, path: str, asked: Mapping[str, str | list[str]]) -> Json:
    """Return the object that a request for reading is answered with.

    Args:
        http: sends it.
        path: on the service.
        asked: the query's parameters.

    Raises:
        ApiError: one of its kinds.
    """
    answer = await answered(http, http.build_request("GET", path, params=dict(asked)), None)
    body: Json = answer.json()
    return body


async def answered(http: httpx.AsyncClient, request: httpx.Request, doubt: str | None) -> httpx.Response:
    """Return the answer with status 200 or 202 to a request.

    Args:
        http: sends it.
        request: what to send.
        doubt: what is not known without an answer; None: the request changes nothing.

    Raises:
        ApiError: one of its kinds.
    """
    import httpx

    request_id = secrets.token_hex(16)
    request.headers["X-Request-Id"] = request_id
    lost: type[ApiError] = Retryable if doubt is None else OutcomeInDoubt
    doubted = "" if doubt is None else f"; {doubt} (the service's log has the request as {request_id})"
    try:
        answer = await http.send(request)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
        raise Retryable(f"cannot connect to {_origin(request)}: {_reason(error)}; nothing was written") from None
    except httpx.HTTPError as error:
        raise lost(f"the connection to {_origin(request)} was lost: {_reason(error)}{doubted}") from None
    body = json_object(answer)
    if answer.status_code in {200, 202} and body is not None:
        return answer
    code, words = (None, None) if body is None else (_text(body, "error_code"), _text(body, "error_msg"))
    if code is None or words is None:
        what = f"{_origin(request)} answered with status {answer.status_code}, but not as kafka-resend does"
        if doubt is None and answer.status_code in _PROXY_WAITS:
            raise Retryable(what)
        if doubt is None or (300 <= answer.status_code < 500 and answer.status_code not in _GAVE_UP):
            raise UsageError(f"{what}; is --url right?")
        raise OutcomeInDoubt(f"{what}{doubted}")
    anonymous = code == _FORBIDDEN and "X-Auth-Token" not in request.headers
    said = f"{without_token(code, words) if anonymous else worded(code, words)} [{code}]"
    if answer.status_code in _LATER:
        raise Retryable(said, code)
    if answer.status_code < 500:
        raise Refused(said, code)
    if doubt is None or code.startswith(_NOT_WRITTEN_CODES):
        raise Retryable(said, code)
    raise OutcomeInDoubt(f"{said}; its X-Request-Id is {request_id}", code)


def json_object(answer: httpx.Response) -> Json | None:
    """Return the JSON object that the body is, or None."""
    try:
        body = json.loads(answer.content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _text(body: Json, name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) else None


def _origin(request: httpx.Request) -> str:
    # Without the path, and never with what else a URL may hold.
    return f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
