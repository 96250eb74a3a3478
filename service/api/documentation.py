"""What the OpenAPI document says, made of the table of routes and of the models and errors that answer requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from kafka.model.records import MAX_OFFSET
from service.api.call import DocumentedAnswer, Route
from service.api.documented_errors import EARLY, EARLY_MEANINGS, EXAMPLE_JOB_ID
from service.api.keys import PARAMETER as IDEMPOTENCY_KEY_PARAMETER
from service.api.routes import ROUTES
from service.api.schema.resend import ErrorResponse
from service.http.errors import error_body, row_of

TITLE = "kafka-resend"
DESCRIPTION = """Puts a Kafka record back on its topic: for one consumer, by the header `consumer_key`, or for all.

Every error has one shape: a stable `error_code` and an `error_msg` that says what is wrong with which value and what to
do. An unknown path is a 404 and an unknown method a 405 of that shape. Every answer carries `X-Request-Id`: yours if it
has 1 to 128 of the characters `A-Z a-z 0-9 . _ -`, else a new one."""

_SCHEMA = "#/components/schemas/{model}"
_ERROR = _SCHEMA.format(model=ErrorResponse.__name__)
_REQUEST_ID = {"description": "The request's id, also in the log.", "schema": {"type": "string"}}
_REQUEST_ID_PARAMETER = {
    "name": "X-Request-Id",
    "in": "header",
    "required": False,
    "description": "An id of your own for this request.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
}
_PATH_PARAMETERS = {
    "project_id": ("The caller's project.", "default"),
    "instance_id": ("The Kafka cluster, by its configured name.", "default"),
    "job_id": ("The job.", EXAMPLE_JOB_ID),
}


def operation_of(route: Route) -> dict[str, Any]:
    """Return what the OpenAPI document says of a call, as the arguments of FastAPI's add_api_route."""
    extra: dict[str, Any] = {}
    if route.needs != "nothing":
        extra = {"security": [{"X-Auth-Token": []}], "parameters": _parameters(route)}
    if route.body is not None:
        extra["requestBody"] = {
            "required": route.body_required,
            "content": {"application/json": {"schema": {"$ref": _SCHEMA.format(model=route.body.__name__)}}},
        }
    return {
        "methods": [route.method],
        "summary": route.summary,
        "description": route.description,
        "tags": [route.tag],
        "operation_id": route.name,
        "openapi_extra": extra,
        "responses": {answer.status: _answer(answer) for answer in route.answers}
        | _error_answers(route.meanings, route.errors),
        "status_code": route.answers[0].status,
    }


def _parameters(route: Route) -> list[dict[str, Any]]:
    parameters = [
        {
            "name": name,
            "in": "path",
            "required": route.body_required,
            "description": description,
            "schema": {"type": "string", "minLength": 1, "maxLength": 128},
            "example": example,
        }
        for name, (description, example) in _PATH_PARAMETERS.items()
        if f"{{{name}}}" in route.path
    ]
    parameters += [parameter.documentation for parameter in route.parameters]
    parameters.append(_REQUEST_ID_PARAMETER)
    return [*parameters, IDEMPOTENCY_KEY_PARAMETER] if route.once else parameters


def _answer(answer: DocumentedAnswer) -> dict[str, Any]:
    body = {} if answer.model is None else {"model": answer.model}
    headers = {"X-Request-Id": _REQUEST_ID, **answer.more.get("headers", {})}
    return {**body, **answer.more, "description": answer.description, "headers": headers}


def _error_answers(meanings: Mapping[int, str], errors: Sequence[Exception]) -> dict[int | str, dict[str, Any]]:
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
    for model in {route.body for route in ROUTES if route.body is not None}:
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
    for status, answer in _error_answers(EARLY_MEANINGS, EARLY).items():
        content = {"application/json": {**answer["content"]["application/json"], "schema": {"$ref": _ERROR}}}
        answers[str(status)] = {"description": answer["description"], "headers": answer["headers"], "content": content}
    return answers


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the operations that want a token."""
    return [operation for path in document["paths"].values() for operation in path.values() if "security" in operation]
