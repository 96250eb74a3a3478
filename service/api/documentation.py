"""What the OpenAPI document says about resending, made of the same models and errors that answer requests."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from kafka.jobs import errors as jobs
from kafka.model import errors as worker
from kafka.model.records import Position
from service.api.keys import PARAMETER, REPLAYED_HEADER
from service.api.schema.job_request import JobRequest
from service.api.schema.resend import MAX_OFFSET, ErrorResponse, ResendRequest, ResendResponse
from service.http import refusals
from service.http.errors import Unexpected, error_body, row_of

TITLE = "kafka-resend"
DESCRIPTION = """Puts a Kafka record back on its topic: for one consumer, by the header `consumer_key`, or for all.

Every error has one shape: a stable `error_code` and an `error_msg` that says what is wrong with which value and what to
do. An unknown path is a 404 and an unknown method a 405 of that shape. Every answer carries `X-Request-Id`: yours if it
has 1 to 128 of the characters `A-Z a-z 0-9 . _ -`, else a new one."""

_SCHEMA = "#/components/schemas/{model}"
_ERROR = _SCHEMA.format(model=ErrorResponse.__name__)
_REQUESTS: tuple[type[BaseModel], ...] = (ResendRequest, JobRequest)
_ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
_POSITION = Position("topic-test", 0, 4)
_EXAMPLE = {"topic": "topic-test", "partition": 0, "message_offset": 4, "consumer_key": "keyA"}

_EXAMPLES: tuple[Exception, ...] = (
    refusals.ActionMissing("the query has no action_id"),
    refusals.FieldUnknown('the body has an unknown field "consumerKey"'),
    refusals.OffsetNotWhole("message_offset 4.5 is not a whole number"),
    worker.TopicMissing("topic-test"),
    worker.OffsetExpired(_POSITION, 1000),
    worker.OffsetBeyondEnd(_POSITION, 3),
    worker.NoRecordAtOffset(_POSITION, "no_record"),
    worker.CompactedTopic("topic-test"),
    worker.CopyTooOld(_POSITION, 1672531200000, 604800000, "retention.ms"),
    refusals.Forbidden(),
    refusals.TokenHeaderMissing("the X-Auth-Token header is missing"),
    refusals.BodyTooLarge("the body has more than 65536 bytes"),
    refusals.ContentTypeRefused("the body's Content-Type is 'text/plain'"),
    Unexpected(),
    worker.ClusterAway("_TRANSPORT"),
    worker.QueueFull(1000),
    worker.DeadlineExceeded("the record at topic-test/0@4"),
    worker.OutcomeUnknown(_POSITION, "_MSG_TIMED_OUT"),
    refusals.IdempotencyKeyRefused("the request has 2 Idempotency-Keys"),
    jobs.KeyReused(),
    jobs.KeysNotHere(),
    jobs.NoWorker("kafka-resend-jobs"),
    jobs.KeyOutcomeUnknown("no worker has answered in time"),
)

_MEANINGS = {
    400: "Nothing was written: something about the request, the record or its topic has to be fixed first.",
    403: "Nothing was written: no token, a wrong one, or no grant for this. Which of these is not told.",
    413: "Nothing was written: the body is over the limit.",
    415: "Nothing was written: the body is not declared to be JSON in UTF-8.",
    500: "An unexpected error.",
    503: "Nothing was written: the cluster is away, the queue is full, the service is stopping, or no worker is there "
    "for a request with an Idempotency-Key. Try again.",
    504: "Time ran out. RESEND.00504001: nothing was written. RESEND.00504002: whether a copy was is not known. "
    "RESEND.00504004: the same, and the request may be sent again with its Idempotency-Key.",
}

_EARLY_MEANINGS = {
    408: "The head or the body of the request was not complete in time.",
    429: "This address has sent many wrong tokens, and the request has another one.",
    431: "The address and the headers are too large, or too many.",
}
_EARLY: tuple[Exception, ...] = (
    refusals.RequestTooSlow("the body was not complete after 30 seconds"),
    refusals.TooManyWrongTokens(5),
    refusals.HeadTooLarge("the request has more than 100 headers"),
)

_REQUEST_ID = {"description": "The request's id, also in the log.", "schema": {"type": "string"}}
_COPY_HEADERS = {
    "X-Resend-Partition": {"description": "Partition of the copy.", "schema": {"type": "integer"}},
    "X-Resend-Offset": {
        "description": "Offset of the copy; absent where Kafka acknowledged it without telling.",
        "schema": {"type": "integer"},
    },
    "X-Resend-Timestamp": {
        "description": "Whose time the copy has: the original's, the current time, or the broker's (LogAppendTime).",
        "schema": {"type": "string", "enum": ["original", "now", "broker"]},
    },
}


def resend_responses() -> dict[int | str, dict[str, Any]]:
    """Return every answer to a resend, each with real examples."""
    answers: dict[int | str, dict[str, Any]] = {
        200: {
            "model": ResendResponse,
            "description": "One copy was written and all in-sync replicas have acknowledged it.",
            "headers": {**_COPY_HEADERS, **REPLAYED_HEADER, "X-Request-Id": _REQUEST_ID},
            "content": {"application/json": {"example": _EXAMPLE}},
        }
    }
    return answers | error_answers(_MEANINGS, _EXAMPLES)


def error_answers(meanings: Mapping[int, str], errors: Sequence[Exception]) -> dict[int | str, dict[str, Any]]:
    """Return the errors that a call may be answered with, by status.

    Args:
        meanings: what each status means there.
        errors: one of each kind, for an example; a status that none of them has is left out.
    """
    answers: dict[int | str, dict[str, Any]] = {}
    for status, meaning in meanings.items():
        headers: dict[str, Any] = {"X-Request-Id": _REQUEST_ID}
        if status in {429, 503}:
            headers["Retry-After"] = {"description": "Seconds.", "schema": {"type": "integer"}}
        examples = {
            type(error).__name__: {"value": error_body(error)} for error in errors if row_of(error).status == status
        }
        if examples:
            answers[status] = {
                "model": ErrorResponse,
                "description": meaning,
                "headers": headers,
                "content": {"application/json": {"examples": examples}},
            }
    return answers


def resend_request() -> dict[str, Any]:
    """Return the parameters and the body of a resend, for the operation's part of the OpenAPI document."""
    return {
        "security": [{"X-Auth-Token": []}],
        "parameters": [
            path_parameter("project_id", "The caller's project.", "default"),
            path_parameter("instance_id", "The Kafka cluster, by its configured name.", "default"),
            {
                "name": "action_id",
                "in": "query",
                "required": True,
                "description": "What to do.",
                "schema": {"type": "string", "enum": ["resend"], "default": "resend"},
            },
            {
                "name": "X-Request-Id",
                "in": "header",
                "required": False,
                "description": "An id of your own for this request.",
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
            },
            PARAMETER,
        ],
        "requestBody": request_body(ResendRequest),
    }


def path_parameter(name: str, description: str, example: str) -> dict[str, Any]:
    """Return a parameter of the path, for an operation's part of the OpenAPI document."""
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
        "example": example,
    }


def query_parameter(name: str, description: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    """Return a parameter of the query, for an operation's part of the OpenAPI document."""
    return {"name": name, "in": "query", "required": required, "description": description, "schema": schema}


def request_body(model: type[BaseModel]) -> dict[str, Any]:
    """Return a request's body, for an operation's part of the OpenAPI document, which holds the model itself once."""
    return {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": _SCHEMA.format(model=model.__name__)}}},
    }


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """Return the application's OpenAPI document."""
    document = get_openapi(
        title=TITLE,
        version=app.version,
        description=DESCRIPTION,
        routes=app.routes,
        # Beside the document itself, wherever a proxy has it.
        servers=[{"url": "."}],
    )
    _restore_bounds(document)
    schemas = document["components"]["schemas"]
    for model in _REQUESTS:
        schema = model.model_json_schema(ref_template=_SCHEMA)
        for name, definition in {**schema.pop("$defs", {}), model.__name__: schema}.items():
            if schemas.setdefault(name, definition) != definition:
                raise TypeError(f"two schemas have the name {name}")
    early = _early_answers()
    for operation in _operations(document):
        operation["responses"] = dict(sorted((operation["responses"] | early).items()))
    document["components"]["securitySchemes"] = {
        "X-Auth-Token": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Auth-Token",
            "description": "The caller's token; while access is open, any value.",
        }
    }
    return document


def _restore_bounds(part: Any) -> None:
    """Make the bounds of integers integers again: FastAPI makes floats of them, and rounds the largest offset up."""
    if isinstance(part, list):
        for item in part:
            _restore_bounds(item)
    elif isinstance(part, dict):
        for name, item in part.items():
            if name in {"minimum", "maximum"} and isinstance(item, float) and part.get("type") == "integer":
                part[name] = min(int(item), MAX_OFFSET)
            else:
                _restore_bounds(item)


def _early_answers() -> dict[str, Any]:
    """Return what any request may be answered with before it is read, as the document has answers."""
    answers = {}
    for status, answer in error_answers(_EARLY_MEANINGS, _EARLY).items():
        content = {"application/json": {**answer["content"]["application/json"], "schema": {"$ref": _ERROR}}}
        answers[str(status)] = {"description": answer["description"], "headers": answer["headers"], "content": content}
    return answers


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the operations that want a token."""
    return [operation for path in document["paths"].values() for operation in path.values() if "security" in operation]


def docs_page(request: Request) -> Response:
    """Return the page that shows the OpenAPI document and lets it be tried out."""
    del request
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=TITLE,
        swagger_js_url="docs/swagger-ui-bundle.js",
        swagger_css_url="docs/swagger-ui.css",
        swagger_favicon_url="data:,",
        # Or the page would ask a validator elsewhere about the document.
        swagger_ui_parameters={"validatorUrl": None},
    )
    return HTMLResponse(page.body, headers={"Content-Security-Policy": _DOCS_POLICY})


_DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


def docs_asset(name: str) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that serves one file of Swagger UI, out of the package fastapi-offline."""
    content = (files("fastapi_offline") / "static" / name).read_bytes()
    media_type = _ASSETS[name]

    async def serve(request: Request) -> Response:
        del request
        return Response(content, media_type=media_type)

    return serve


def add_documentation(app: FastAPI) -> None:
    """Serve /openapi.json and /docs, everything they need included."""

    async def openapi(request: Request) -> Response:
        del request
        return Response(rendered(), media_type="application/json")

    @cache
    def rendered() -> bytes:
        return json.dumps(openapi_document(app)).encode()

    app.add_route("/openapi.json", openapi, methods=["GET"], include_in_schema=False)
    app.add_route("/docs", docs_page, methods=["GET"], include_in_schema=False)
    for name in _ASSETS:
        app.add_route(f"/docs/{name}", docs_asset(name), methods=["GET"], include_in_schema=False)
