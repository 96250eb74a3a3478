"""What is done for each of the calls on jobs. A docstring here is what the OpenAPI document says of the call."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import get_args
from urllib.parse import quote

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from kafka.jobs.errors import JobMissing, JobUnreadable, NoFailures
from kafka.jobs.filter import Filter
from kafka.jobs.job import Job
from kafka.jobs.progress import State
from kafka.jobs.spec import JobSpec
from service.api.access import Admission
from service.api.bodies import parsed
from service.api.keys import REPLAYED, key_of
from service.api.parameters import Parameters
from service.api.prefix import prefix_of
from service.api.schema.job_request import parse_job
from service.api.schema.job_response import failed_positions, to_response
from service.api.schema.resend import MAX_OFFSET
from service.http.refusals import ParameterNotChoice, shown
from service.http.request_context import request_log_of
from service.http.strict_json import read_json

PATH = "/v2/{project_id}/mqs/instances/{instance_id}/resend-jobs"


MAX_LIMIT = 1000


DEFAULT_LIMIT = 100


STATES: tuple[str, ...] = get_args(State)


@dataclass(frozen=True, slots=True)
class JobsRequest:
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


async def create_job(asked: JobsRequest) -> Response:
    """Resends a selection of a topic's messages, each exactly once for consumers of committed records.

    All is checked and every end is fixed before the answer; a worker does the rest. `dry_run` counts and reports
    instead.
    """
    project, created_by = asked.admission.project, asked.admission.caller.name
    spec = await parsed(asked.body, lambda body: parse_job(body, project, created_by))
    return await _created(asked, spec, None, None)


async def _created(asked: JobsRequest, spec: JobSpec, topic_id: str | None, of_job: str | None) -> Response:
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


async def list_jobs(asked: JobsRequest) -> Response:
    """The newest first, of the caller's project and topics. Failures and reports are left out."""
    parameters = Parameters(asked.request.scope["query_string"], ("state", "limit", "offset"))
    wanted = (parameters.text("state") or ",".join(STATES)).split(",")
    for state in wanted:
        if state not in STATES:
            raise ParameterNotChoice(f"state has {shown(state)}, not one of {', '.join(STATES)}")
    limit = parameters.whole("limit", 1, MAX_LIMIT) or DEFAULT_LIMIT
    offset = parameters.whole("offset", 0, MAX_OFFSET) or 0
    jobs = asked.admission.cluster.jobs
    known = await jobs.known()
    found = [job for job in known if job.state in wanted and _visible(job, asked.admission)]
    page = [
        to_response(job, job.summary, waits_for=jobs.waits_for(job), whole=False)
        for job in found[offset : offset + limit]
        if job.summary is not None
    ]
    return _answer({"jobs": page, "total": len(found), "size": len(page)}, 200)


async def show_job(asked: JobsRequest) -> Response:
    """Counts, progress by partition, failures, and the report of a dry run."""
    return _answer(_one(asked, await _found(asked)), 200)


async def cancel_job(asked: JobsRequest) -> Response:
    """Takes effect within seconds; what was resent stays. A job that has ended stays as it is."""
    job = await _found(asked)
    return _answer(_one(asked, await asked.admission.cluster.jobs.cancel(job.job_id)), 202)


async def pause_job(asked: JobsRequest) -> Response:
    """Until it is resumed, or cancelled."""
    job = await _found(asked)
    return _answer(_one(asked, await asked.admission.cluster.jobs.pause(job.job_id, paused=True)), 202)


async def resume_job(asked: JobsRequest) -> Response:
    """From where it was paused."""
    job = await _found(asked)
    return _answer(_one(asked, await asked.admission.cluster.jobs.pause(job.job_id, paused=False)), 202)


async def resend_failed(asked: JobsRequest) -> Response:
    """Makes a new job of the failures that are listed, for the same consumer_key and as fast.

    Of a dry run, another one.
    """
    job = await _found(asked)
    plan = job.plan
    if plan is None:
        raise JobUnreadable(job.job_id, job.unsupported_reason or "it is being removed")
    if not job.progress.failures:
        raise NoFailures(job.job_id)
    spec = JobSpec(
        project=asked.admission.project,
        created_by=asked.admission.caller.name,
        topic=plan.topic,
        positions=failed_positions(job),
        # They met the first job's filter; whether they are copies was decided there, too.
        filter=Filter(include_resent=True),
        consumer_key=plan.consumer_key,
        records_per_second=plan.records_per_second,
        dry_run=plan.dry_run,
        target=plan.target,
    )
    return await _created(asked, spec, plan.topic_id, job.job_id)


async def _found(asked: JobsRequest) -> Job:
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


def _one(asked: JobsRequest, job: Job) -> dict[str, object]:
    if job.summary is None:
        raise JobMissing(job.job_id)
    return to_response(job, job.summary, waits_for=asked.admission.cluster.jobs.waits_for(job), whole=True)


def _answer(content: dict[str, object], status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(content), status, headers=headers, media_type="application/json")
