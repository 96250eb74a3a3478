"""…/resend-jobs: resend many records. What a caller does not see does not exist: 404, as for any unknown id."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, get_args
from urllib.parse import quote

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from kafka.jobs import errors as job_errors
from kafka.jobs.errors import JobMissing, JobUnreadable, NoFailures
from kafka.jobs.filter import Filter
from kafka.jobs.job import Job
from kafka.jobs.progress import State
from kafka.jobs.spec import JobSpec
from kafka.model import errors as worker
from kafka.model.errors import ResendError
from service.api.access import Access, Admission
from service.api.bodies import check_content_type, parsed, read_body
from service.api.documentation import error_answers, path_parameter, query_parameter, request_body
from service.api.keys import PARAMETER, REPLAYED, REPLAYED_HEADER, idempotency_key, key_of
from service.api.parameters import Parameters
from service.api.prefix import prefix_of
from service.api.resend import RawRoute
from service.api.schema.job_request import JobRequest, parse_job, parse_nothing
from service.api.schema.job_response import JobResponse, JobsResponse, failed_positions, told
from service.api.schema.resend import MAX_OFFSET
from service.http import refusals
from service.http.errors import error_response, row_of
from service.http.refusals import ParameterNotChoice, RequestRefused, shown
from service.http.request_context import request_log_of
from service.http.strict_json import read_json

PATH = "/v2/{project_id}/mqs/instances/{instance_id}/resend-jobs"
JOB_PATH = f"{PATH}/{{job_id}}"

_BODY_BYTES = 2_000_000
"""As large as the body of a job may always be: ten thousand messages, or the ranges of many partitions."""
_MAX_LIMIT = 1000
_DEFAULT_LIMIT = 100
_MAKING = frozenset({"make", "resend-failed"})
_STATES: tuple[str, ...] = get_args(State)

_EXAMPLE_ID = "0-0123456789abcdef01234567"
_MEANINGS = {
    400: "Something about the request has to be fixed first; there is no job.",
    403: "No token, a wrong one, or no grant for this. Which of these is not told.",
    404: "There is no such job, or not for this caller.",
    503: "The cluster is away, or jobs cannot be kept. Try again.",
    504: "Whether it was accepted is not known: look at the job, or at the list.",
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, whose caller was admitted.

    Attributes:
        request: its body has been read.
        admission: who asks for which instance.
        body: nothing for a call that takes none.
        key: the Idempotency-Key of a call that makes a job, if one was sent.
    """

    request: Request
    admission: Admission
    body: bytes
    key: str | None = None


Endpoint = Callable[[Request], Awaitable[Response]]
Act = Callable[[_Asked], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _Call:
    """One call, and what the OpenAPI document says of it."""

    action: str
    path: str
    summary: str
    description: str
    act: Act
    errors: tuple[Exception, ...]
    method: str = "POST"
    status: int = 202
    model: type[JobResponse | JobsResponse] = JobResponse


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
        page: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": _MAX_LIMIT, "default": _DEFAULT_LIMIT}
        skip = {"type": "integer", "minimum": 0, "default": 0}
        parameters += [
            query_parameter("state", f"Only these, with commas between: {', '.join(_STATES)}.", state),
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
        _Call("make", PATH, "Create job", _MAKE, _make, making),
        _Call("list", PATH, "List jobs", _LIST, _list, asking, "GET", 200, JobsResponse),
        _Call("show", JOB_PATH, "Show job", _SHOW, _show, of_one, "GET", 200),
        _Call("cancel", f"{JOB_PATH}/cancel", "Cancel job", _CANCEL, _cancel, changing),
        _Call("pause", f"{JOB_PATH}/pause", "Pause job", _PAUSE, _pause, waiting),
        _Call("resume", f"{JOB_PATH}/resume", "Resume job", _RESUME, _resume, waiting),
        _Call("resend-failed", f"{JOB_PATH}/resend-failed", "Resend failed records", _AGAIN, _resend_failed, again),
    )


_MAKE = (
    "Resends a selection of a topic's messages, each exactly once for consumers of committed records. All is checked "
    "and every end is fixed before the answer; a worker does the rest. `dry_run` counts and reports instead."
)
_LIST = "The newest first, of the caller's project and topics. Failures and reports are left out."
_SHOW = "Counts, progress by partition, failures, and the report of a dry run."
_CANCEL = "Takes effect within seconds; what was resent stays. A job that has ended stays as it is."
_PAUSE = "Until it is resumed, or cancelled."
_RESUME = "From where it was paused."
_AGAIN = (
    "Makes a new job of the failures that are listed, for the same consumer_key and as fast; of a dry run, another one."
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
            response = await call.act(_Asked(request, admission, body, key))
        except (RequestRefused, ResendError) as error:
            request_log.outcome = row_of(error).error_code
            request_log.reason = getattr(error, "reason", None)
            return error_response(error)
        request_log.outcome = "accepted" if call.status == 202 else "ok"
        return response

    return endpoint


async def _make(asked: _Asked) -> Response:
    project, created_by = asked.admission.project, asked.admission.caller.name
    spec = await parsed(asked.body, lambda body: parse_job(body, project, created_by))
    return await _made(asked, spec, None, None)


async def _made(asked: _Asked, spec: JobSpec, topic_id: str | None, of_job: str | None) -> Response:
    """Make a job, once if the request has a key.

    Args:
        asked: the request.
        spec: what it asks for.
        topic_id: see Jobs.make.
        of_job: id of the job whose failures are meant.
    """
    asked.admission.require_topic(spec.topic)
    if spec.target is not None:
        # Also of a job made of another one's failures, whose creator may have been another caller.
        spec = replace(spec, target=replace(spec.target, by_operator=asked.admission.caller.operator))
    jobs, request_log = asked.admission.cluster.jobs, request_log_of(asked.request.scope)
    if asked.key is None:
        job = await jobs.make(spec, topic_id)
    else:
        content = await parsed(asked.body, read_json) if asked.body else {}
        key = key_of(asked.key, asked.admission, [of_job, content])
        job, request_log.replayed = await jobs.make_once(spec, topic_id, key)
    request_log.job = job.job_id
    project, instance = (quote(name, safe="") for name in (asked.admission.project, asked.admission.instance))
    path = PATH.format(project_id=project, instance_id=instance)
    location = f"{prefix_of(asked.request.scope)}{path}/{job.job_id}"
    return _answer(_one(asked, job), 202, {"Location": location, **(REPLAYED if request_log.replayed else {})})


async def _list(asked: _Asked) -> Response:
    parameters = Parameters(asked.request.scope["query_string"], ("state", "limit", "offset"))
    wanted = (parameters.text("state") or ",".join(_STATES)).split(",")
    for state in wanted:
        if state not in _STATES:
            raise ParameterNotChoice(f"state has {shown(state)}, not one of {', '.join(_STATES)}")
    limit = parameters.whole("limit", 1, _MAX_LIMIT) or _DEFAULT_LIMIT
    offset = parameters.whole("offset", 0, MAX_OFFSET) or 0
    jobs = asked.admission.cluster.jobs
    known = await jobs.known()
    found = [job for job in known if job.state in wanted and _visible(job, asked.admission)]
    page = [
        told(job, job.summary, waits_for=jobs.waits_for(job), whole=False)
        for job in found[offset : offset + limit]
        if job.summary is not None
    ]
    return _answer({"jobs": page, "total": len(found), "size": len(page)}, 200)


async def _show(asked: _Asked) -> Response:
    return _answer(_one(asked, await _found(asked)), 200)


async def _cancel(asked: _Asked) -> Response:
    job = await _found(asked)
    return _answer(_one(asked, await asked.admission.cluster.jobs.cancel(job.job_id)), 202)


async def _pause(asked: _Asked) -> Response:
    job = await _found(asked)
    return _answer(_one(asked, await asked.admission.cluster.jobs.pause(job.job_id, paused=True)), 202)


async def _resume(asked: _Asked) -> Response:
    job = await _found(asked)
    return _answer(_one(asked, await asked.admission.cluster.jobs.pause(job.job_id, paused=False)), 202)


async def _resend_failed(asked: _Asked) -> Response:
    job = await _found(asked)
    plan = job.plan
    if plan is None:
        raise JobUnreadable(job.job_id, job.unsupported_reason or "it is being removed")
    if not job.progress.failures:
        raise NoFailures(job.job_id)
    spec = JobSpec(
        asked.admission.project,
        asked.admission.caller.name,
        plan.topic,
        positions=failed_positions(job),
        # They met the first job's filter; whether they are copies was decided there, too.
        filter=Filter(include_resent=True),
        consumer_key=plan.consumer_key,
        records_per_second=plan.records_per_second,
        dry_run=plan.dry_run,
        target=plan.target,
    )
    return await _made(asked, spec, plan.topic_id, job.job_id)


async def _found(asked: _Asked) -> Job:
    job_id: str = asked.request.path_params["job_id"]
    return await asked.admission.cluster.jobs.get(job_id, lambda job: _visible(job, asked.admission))


def _visible(job: Job, admission: Admission) -> bool:
    """Whether the job exists for this caller: within their project, and its topic within their grants.

    A project, an instance or a topic that cannot be read is an empty text, which only a grant of `*` covers: such a job
    exists for callers who may touch every one.
    """
    plan = job.summary
    return (
        plan is not None
        and plan.project in (admission.project, "")
        and plan.instance in (admission.instance, "")
        and admission.caller.may("jobs", plan.project, plan.instance, plan.topic)
    )


def _one(asked: _Asked, job: Job) -> dict[str, object]:
    if job.summary is None:
        raise JobMissing(job.job_id)
    return told(job, job.summary, waits_for=asked.admission.cluster.jobs.waits_for(job), whole=True)


def _answer(content: dict[str, object], status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(content), status, headers=headers, media_type="application/json")
