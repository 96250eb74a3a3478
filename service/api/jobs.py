"""…/resend-jobs: resend many records. What a caller does not see does not exist: 404, as for any unknown id."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, get_args

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from kafka import errors as worker
from kafka.errors import ResendError
from kafka.jobs import errors as job_errors
from kafka.jobs.errors import JobMissing, SelectionEmpty
from kafka.jobs.plan import Filter
from kafka.jobs.progress import Job, State
from kafka.jobs.wish import Wish
from kafka.records import Position
from service import refusals
from service.api.access import Access, Admission
from service.api.bodies import check_content_type, read_body
from service.api.documentation import error_answers, path_parameter
from service.api.parameters import Parameters
from service.api.resend import RawRoute
from service.envelope import trail_of
from service.errors import error_response, row_of
from service.refusals import ParameterNotChoice, RequestRefused, shown
from service.wire_jobs import JobRequest, JobResponse, JobsResponse, failed_positions, parse_job, told

PATH = "/v2/{project_id}/mqs/instances/{instance_id}/resend-jobs"
JOB_PATH = f"{PATH}/{{job_id}}"

_MOST_BODY_BYTES = 2_000_000
_MAX_LIMIT = 1000
_DEFAULT_LIMIT = 100
_STATES: tuple[str, ...] = get_args(State)

_EXAMPLE_ID = "0-0123456789abcdef01234567"
_MEANINGS = {
    400: "Something about the request has to be mended first; there is no job.",
    403: "No token, a wrong one, or no grant for this. Which of these is not told.",
    404: "There is no such job, or not for this caller.",
    503: "The cluster is away, or jobs cannot be kept. Try again.",
    504: "Whether it was accepted is not known: look at the job, or at the list.",
}

Endpoint = Callable[[Request], Awaitable[Response]]
Act = Callable[[Request, Admission], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _Call:
    """One call, and what the OpenAPI document says of it."""

    method: str
    path: str
    summary: str
    act: Act
    errors: tuple[Exception, ...]
    status: int = 202
    model: type[JobResponse | JobsResponse] = JobResponse


def add_jobs(app: FastAPI, access: Access) -> None:
    """Serve jobs, and put them into the OpenAPI document.

    Args:
        app: the application.
        access: admits callers to instances.
    """
    for call in _calls():
        parameters = [
            path_parameter("project_id", "The caller's project.", "default"),
            path_parameter("instance_id", "The Kafka cluster, by its configured name.", "default"),
        ]
        if call.path != PATH:
            parameters.append(path_parameter("job_id", "The job.", _EXAMPLE_ID))
        extra: dict[str, Any] = {"security": [{"X-Auth-Token": []}], "parameters": parameters}
        if call.act is _make:
            schema = JobRequest.model_json_schema()
            extra["requestBody"] = {"content": {"application/json": {"schema": schema}}, "required": True}
        app.router.add_api_route(
            call.path,
            _endpoint(access, call.act),
            methods=[call.method],
            route_class_override=RawRoute,
            summary=call.summary,
            tags=["jobs"],
            openapi_extra=extra,
            responses={
                call.status: {"model": call.model, "description": call.summary},
                **error_answers(_MEANINGS, call.errors),
            },
            status_code=call.status,
        )


def _calls() -> tuple[_Call, ...]:
    common: tuple[Exception, ...] = (refusals.Forbidden(), worker.ClusterAway("_TRANSPORT"), job_errors.JobsNotHere())
    of_one: tuple[Exception, ...] = (*common, JobMissing(_EXAMPLE_ID))
    changing: tuple[Exception, ...] = (*of_one, worker.OutcomeUnknown(Position("_resend_jobs", 0, 0), "_MSG_TIMED_OUT"))
    making: tuple[Exception, ...] = (
        *changing[:-2],
        changing[-1],
        refusals.JobFieldRefused('the body has an unknown field "topics"'),
        worker.TopicMissing("topic-test"),
        worker.CompactedTopic("topic-test"),
        SelectionEmpty("topic-test"),
        job_errors.StoreUnusable("topic '_resend_jobs' has cleanup.policy=delete"),
    )
    return (
        _Call("POST", PATH, "Make a job", _make, making),
        _Call("GET", PATH, "List jobs, the newest first", _list, common, 200, JobsResponse),
        _Call("GET", JOB_PATH, "Look at a job", _show, of_one, 200),
        _Call("POST", f"{JOB_PATH}/cancel", "Have a job end", _control("cancel"), changing),
        _Call("POST", f"{JOB_PATH}/pause", "Have a job wait", _control("pause"), changing),
        _Call("POST", f"{JOB_PATH}/resume", "Have a job go on", _control("resume"), changing),
        _Call("POST", f"{JOB_PATH}/resend-failed", "Make a job of what failed", _resend_failed, changing),
    )


def _endpoint(access: Access, act: Act) -> Endpoint:
    """Return an endpoint that admits the caller, acts, and words what is refused."""

    async def endpoint(request: Request) -> Response:
        trail = trail_of(request.scope)
        try:
            admission = await access.admit(request, "jobs")
            trail.job = request.path_params.get("job_id")
            response = await act(request, admission)
        except (RequestRefused, ResendError) as error:
            trail.outcome = row_of(error).error_code
            trail.reason = getattr(error, "reason", None)
            return error_response(error)
        trail.outcome = trail.outcome or "told"
        return response

    return endpoint


async def _make(request: Request, admission: Admission) -> Response:
    check_content_type(request)
    wish = parse_job(await read_body(request, _MOST_BODY_BYTES), admission.project, admission.caller.name)
    return await _made(request, admission, wish)


async def _made(request: Request, admission: Admission, wish: Wish) -> Response:
    admission.require_topic(wish.topic)
    job = await admission.cluster.jobs.make(wish)
    trail = trail_of(request.scope)
    trail.job, trail.outcome = job.job_id, "accepted"
    project, instance = request.path_params["project_id"], request.path_params["instance_id"]
    location = PATH.format(project_id=project, instance_id=instance) + f"/{job.job_id}"
    return _answer(_one(job), 202, {"Location": location})


async def _list(request: Request, admission: Admission) -> Response:
    parameters = Parameters(request.scope["query_string"], ("state", "limit", "offset"))
    wanted = (parameters.text("state") or ",".join(_STATES)).split(",")
    for state in wanted:
        if state not in _STATES:
            raise ParameterNotChoice(f"state has {shown(state)}, not one of {', '.join(_STATES)}")
    limit = parameters.whole("limit", 1, _MAX_LIMIT) or _DEFAULT_LIMIT
    offset = parameters.whole("offset", 0, 10_000_000) or 0
    found = [job for job in admission.cluster.jobs.known() if _visible(job, admission) and job.state in wanted]
    page = [told(job, job.plan, whole=False) for job in found[offset : offset + limit] if job.plan is not None]
    return _answer({"jobs": page, "total": len(found), "size": len(page)}, 200)


async def _show(request: Request, admission: Admission) -> Response:
    return _answer(_one(await _found(request, admission)), 200)


def _control(action: str) -> Act:
    async def act(request: Request, admission: Admission) -> Response:
        job = await _found(request, admission)
        jobs = admission.cluster.jobs
        if action == "cancel":
            job = await jobs.cancel(job.job_id)
        else:
            job = await jobs.pause(job.job_id, paused=action == "pause")
        trail_of(request.scope).outcome = action
        return _answer(_one(job), 202)

    return act


async def _resend_failed(request: Request, admission: Admission) -> Response:
    job = await _found(request, admission)
    if job.plan is None or not job.progress.failures:
        raise SelectionEmpty("" if job.plan is None else job.plan.topic)
    wish = Wish(
        admission.project,
        admission.caller.name,
        job.plan.topic,
        positions=failed_positions(job),
        # They met the first job's filter; whether they are copies was decided there, too.
        filter=Filter(copies=True),
        consumer_key=job.plan.consumer_key,
        records_per_second=job.plan.records_per_second,
    )
    return await _made(request, admission, wish)


async def _found(request: Request, admission: Admission) -> Job:
    job_id: str = request.path_params["job_id"]
    job = await admission.cluster.jobs.get(job_id)
    if not _visible(job, admission):
        raise JobMissing(job_id)
    return job


def _visible(job: Job, admission: Admission) -> bool:
    """Whether the job exists for this caller: within their project, and its topic within their grants."""
    plan = job.plan
    return (
        plan is not None
        and plan.project == admission.project
        and plan.instance == admission.instance
        and admission.caller.may("jobs", admission.project, admission.instance, plan.topic)
    )


def _one(job: Job) -> dict[str, object]:
    if job.plan is None:
        raise JobMissing(job.job_id)
    return told(job, job.plan, whole=True)


def _answer(content: dict[str, object], status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(content), status, headers=headers, media_type="application/json")
