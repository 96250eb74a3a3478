"""…/resend-jobs: resend many records. What a caller does not see does not exist: 404, as for any unknown id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from kafka.jobs import errors as job_errors
from kafka.jobs.errors import JobMissing
from kafka.model import errors as worker
from kafka.model.errors import ResendError
from service.api.access import Access
from service.api.bodies import check_content_type, read_body
from service.api.documentation import error_answers, path_parameter, query_parameter, request_body
from service.api.job_actions import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    PATH,
    STATES,
    JobsRequest,
    cancel_job,
    create_job,
    list_jobs,
    pause_job,
    resend_failed,
    resume_job,
    show_job,
)
from service.api.keys import PARAMETER, REPLAYED_HEADER, idempotency_key
from service.api.parameters import Parameters
from service.api.resend import RawRoute
from service.api.schema.job_request import JobRequest, parse_nothing
from service.api.schema.job_response import JobResponse, JobsResponse
from service.http import refusals
from service.http.errors import error_response, row_of
from service.http.refusals import RequestRefused
from service.http.request_context import request_log_of

JOB_PATH = f"{PATH}/{{job_id}}"

_BODY_BYTES = 2_000_000
"""As large as the body of a job may always be: ten thousand messages, or the ranges of many partitions."""
_MAKING = frozenset({"make", "resend-failed"})

_EXAMPLE_ID = "0-0123456789abcdef01234567"
_MEANINGS = {
    400: "Something about the request has to be fixed first; there is no job.",
    403: "No token, a wrong one, or no grant for this. Which of these is not told.",
    404: "There is no such job, or not for this caller.",
    503: "The cluster is away, or jobs cannot be kept. Try again.",
    504: "Whether it was accepted is not known: look at the job, or at the list.",
}


Endpoint = Callable[[Request], Awaitable[Response]]
Act = Callable[[JobsRequest], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _Call:
    """One call, and what the OpenAPI document says of it."""

    action: str
    path: str
    summary: str
    act: Act
    errors: tuple[Exception, ...]
    method: str = "POST"
    status: int = 202
    model: type[JobResponse | JobsResponse] = JobResponse

    @property
    def description(self) -> str:
        """What the call does, as the docstring of its action says it."""
        return " ".join((self.act.__doc__ or "").split())


def add_jobs(app: FastAPI, access: Access, max_body_bytes: int) -> None:
    """Serve jobs, and put them into the OpenAPI document.

    Args:
        app: the application.
        access: admits callers to instances.
        max_body_bytes: how large a body may be, if that is more than a job may always have.
    """
    for call in _calls():
        # What says next to nothing may not be as large as a list of records.
        body_bytes = max(max_body_bytes, _BODY_BYTES) if call.action == "make" else max_body_bytes
        app.router.add_api_route(
            call.path,
            _endpoint(access, call, body_bytes),
            methods=[call.method],
            route_class_override=RawRoute,
            summary=call.summary,
            description=call.description,
            tags=["jobs"],
            operation_id=f"jobs-{call.action}",
            openapi_extra=_asked(call),
            responses={
                call.status: _answered(call),
                **error_answers(_MEANINGS, call.errors),
            },
            status_code=call.status,
        )


def _asked(call: _Call) -> dict[str, Any]:
    parameters = [
        path_parameter("project_id", "The caller's project.", "default"),
        path_parameter("instance_id", "The Kafka cluster, by its configured name.", "default"),
    ]
    if call.path != PATH:
        parameters.append(path_parameter("job_id", "The job.", _EXAMPLE_ID))
    if call.action in _MAKING:
        parameters.append(PARAMETER)
    if call.action == "list":
        state = {"type": "string"}
        page: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
        skip = {"type": "integer", "minimum": 0, "default": 0}
        parameters += [
            query_parameter("state", f"Only these, with commas between: {', '.join(STATES)}.", state),
            query_parameter("limit", "Jobs a page.", page),
            query_parameter("offset", "How many to leave out.", skip),
        ]
    asked: dict[str, Any] = {"security": [{"X-Auth-Token": []}], "parameters": parameters}
    if call.action == "make":
        asked["requestBody"] = request_body(JobRequest)
    return asked


def _answered(call: _Call) -> dict[str, Any]:
    answer: dict[str, Any] = {"model": call.model, "description": f"{call.summary}."}
    if call.action in _MAKING:
        answer["description"] = "The job was accepted."
        location = {"description": "Path of the job, with the proxy's prefix.", "schema": {"type": "string"}}
        answer["headers"] = {"Location": location, **REPLAYED_HEADER}
    elif call.status == 202:
        answer["description"] = "That was accepted; the job is as it was a moment ago."
    return answer


def _calls() -> tuple[_Call, ...]:
    common: tuple[Exception, ...] = (refusals.Forbidden(), worker.ClusterAway("_TRANSPORT"), job_errors.JobsNotHere())
    asking = (*common, refusals.ParameterUnknown('the query has an unknown parameter "status"'))
    of_one: tuple[Exception, ...] = (*common, JobMissing(_EXAMPLE_ID))
    changing: tuple[Exception, ...] = (*of_one, job_errors.JobOutcomeUnknown(_EXAMPLE_ID, "_MSG_TIMED_OUT"))
    waiting: tuple[Exception, ...] = (*changing, job_errors.JobOver(_EXAMPLE_ID, "succeeded"))
    selecting: tuple[Exception, ...] = (
        worker.TopicMissing("topic-test"),
        worker.CompactedTopic("topic-test"),
        worker.InstanceReadOnly(),
        job_errors.SelectionEmpty("topic-test"),
        job_errors.StoreUnusable("topic '_resend_jobs' has cleanup.policy=delete"),
    )
    keyed: tuple[Exception, ...] = (
        refusals.IdempotencyKeyRefused("the request has 2 Idempotency-Keys"),
        job_errors.KeyReused(),
        job_errors.KeysNotHere(),
        job_errors.NoWorker("kafka-resend-jobs"),
        job_errors.KeyOutcomeUnknown("the store could not be read to its end in time"),
    )
    making: tuple[Exception, ...] = (
        *common,
        refusals.JobFieldRefused('the body has an unknown field "topics"'),
        job_errors.SelectionTooLarge(200_000_000, 100_000_000),
        job_errors.ExpressionRefused("Bad jmespath expression: Unclosed delimiter"),
        *selecting,
        changing[-1],
        *keyed,
    )
    again: tuple[Exception, ...] = (
        *changing,
        job_errors.NoFailures(_EXAMPLE_ID),
        job_errors.JobUnreadable(_EXAMPLE_ID, "its format is 2, not 1"),
        worker.TopicReplaced("topic-test"),
        *selecting,
        *keyed,
    )
    return (
        _Call("make", PATH, "Create job", create_job, making),
        _Call("list", PATH, "List jobs", list_jobs, asking, "GET", 200, JobsResponse),
        _Call("show", JOB_PATH, "Show job", show_job, of_one, "GET", 200),
        _Call("cancel", f"{JOB_PATH}/cancel", "Cancel job", cancel_job, changing),
        _Call("pause", f"{JOB_PATH}/pause", "Pause job", pause_job, waiting),
        _Call("resume", f"{JOB_PATH}/resume", "Resume job", resume_job, waiting),
        _Call("resend-failed", f"{JOB_PATH}/resend-failed", "Resend failed records", resend_failed, again),
    )


def _endpoint(access: Access, call: _Call, body_bytes: int) -> Endpoint:
    """Return an endpoint that admits the caller, reads the body, acts, and words what is refused."""

    async def endpoint(request: Request) -> Response:
        request_log = request_log_of(request.scope)
        request_log.action, request_log.job = call.action, request.path_params.get("job_id")
        try:
            admission = await access.admit(request, "jobs")
            if call.action != "list":
                # An unknown or misplaced dry_run would write.
                Parameters(request.scope["query_string"], ())
            body, key = b"", None
            if call.method == "POST":
                check_content_type(request)
                # To ask anything else of a job twice is to ask it once.
                key = idempotency_key(request) if call.action in _MAKING else None
                body = await read_body(request, body_bytes)
                if call.action != "make":
                    parse_nothing(body)
            response = await call.act(JobsRequest(request, admission, body, key))
        except (RequestRefused, ResendError) as error:
            request_log.outcome = row_of(error).error_code
            request_log.reason = getattr(error, "reason", None)
            return error_response(error)
        request_log.outcome = "accepted" if call.status == 202 else "ok"
        return response

    return endpoint
