"""…/resend-jobs: resend many records. What a caller does not see does not exist: 404, as for any unknown id."""

from __future__ import annotations

import json
from typing import get_args
from urllib.parse import quote

from msgspec.structs import replace
from starlette.responses import Response

from kafka.filter.conditions import Filter
from kafka.jobs.errors import JobMissing, JobUnreadable, NoFailures
from kafka.jobs.job import Job
from kafka.jobs.progress import State
from kafka.jobs.spec import JobSpec
from kafka.redrive.known import DialectRefused, Dialects
from service.api.access import Admission
from service.api.bodies import parsed
from service.api.call import INSTANCE_PATH, Call
from service.api.keys import REPLAYED, key_of
from service.api.parameters import Flag, Whole, Words
from service.api.prefix import prefix_of
from service.api.schema.filter import require_known_dialect
from service.api.schema.job_request import parse_job, parse_resend_failed
from service.api.schema.job_response import failed_positions, to_response
from service.http.refusals import JobFieldRefused, shown
from service.http.strict_json import read_json

PATH = f"{INSTANCE_PATH}/resend-jobs"

STATES: tuple[str, ...] = get_args(State)

STATE = Words(
    "state", f"Only these, with commas between: {', '.join(STATES)}; all without.", default=STATES, choices=STATES
)
LIMIT = Whole("limit", "Jobs a page.", least=1, most=1000, default=100)
OFFSET = Whole("offset", "How many to leave out.", default=0)

DRY_RUN = Flag("dry_run", "Only dry runs, or only jobs that write; both without.")

LIST_PARAMETERS = (STATE, DRY_RUN, LIMIT, OFFSET)


async def create_job(call: Call[Admission]) -> Response:
    """Resends a selection of a topic's messages, each exactly once for consumers of committed records.

    All is checked and every end is fixed before the answer; a worker does the rest. `dry_run` counts and reports
    instead.
    """
    project, created_by = call.admitted.project, call.admitted.caller.name
    spec = await parsed(call.body, lambda body: parse_job(body, project, created_by))
    return await _created(call, spec, None, None)


async def _created(call: Call[Admission], spec: JobSpec, topic_id: str | None, of_job: str | None) -> Response:
    """Make a job, once if the request has a key.

    Args:
        call: the request.
        spec: what it asks for.
        topic_id: see Jobs.make.
        of_job: id of the job whose failures are meant.
    """
    call.admitted.require_topic(spec.topic)
    _require_dialects(spec, call.admitted.cluster.config.dialects)
    if spec.target is not None:
        # Also of a job made of another one's failures, whose creator may have been another caller.
        spec = replace(spec, target=replace(spec.target, by_operator=call.admitted.caller.operator))
    jobs, log = call.admitted.cluster.jobs, call.log

    def others(job: Job) -> bool:
        # What a caller does not see is not told, and so not looked at either.
        return job.job_id != of_job and _visible(job, call.admitted)

    if call.idempotency_key is None:
        job = await jobs.make(spec, topic_id, others)
    else:
        content = await parsed(call.body, _object_of) if call.body else {}
        # Whether another job has come before is no part of what is asked for: that one may be this request's own.
        asked = {name: value for name, value in content.items() if name != "allow_duplicate"}
        key = key_of(call.idempotency_key, call.admitted, [of_job, asked])
        job, log.replayed = await jobs.make_once(spec, topic_id, key, others)
    log.job = job.job_id
    project, instance = (quote(name, safe="") for name in (call.admitted.project, call.admitted.instance))
    path = PATH.format(project_id=project, instance_id=instance)
    location = f"{prefix_of(call.request.scope)}{path}/{job.job_id}"
    return _answer(_one(call, job), 202, {"Location": location, **(REPLAYED if log.replayed else {})})


def _require_dialects(spec: JobSpec, dialects: Dialects) -> None:
    """Raise JobFieldRefused unless a job of this instance may have the dialects that this one names."""
    field = "filter.dead_letters.dialect"
    try:
        require_known_dialect(spec.filter, dialects)
        if spec.target is not None:
            field = "target.dialect"
            dialects.require_known(spec.target.dialect)
    except DialectRefused as error:
        raise JobFieldRefused(f"{field} is {shown(error.name)}, {error.reason}") from None


def _object_of(body: bytes) -> dict[str, object]:
    """Return the fields of a body that was read before."""
    content = read_json(body)
    return content if isinstance(content, dict) else {}


async def list_jobs(call: Call[Admission]) -> Response:
    """The newest first, of the caller's project and topics. Failures and reports are left out."""
    parameters = call.parameters
    wanted, limit, offset = (parameters.require(STATE), parameters.require(LIMIT), parameters.require(OFFSET))
    jobs = call.admitted.cluster.jobs
    known = await jobs.known()
    dry_run = parameters.get(DRY_RUN)
    found = [
        job
        for job in known
        if job.state in wanted
        and job.summary is not None
        and dry_run in {None, job.summary.dry_run}
        and _visible(job, call.admitted)
    ]
    page = [
        to_response(job, job.summary, waits_for=jobs.waits_for(job), whole=False)
        for job in found[offset : offset + limit]
        if job.summary is not None
    ]
    return _answer({"jobs": page, "total": len(found), "size": len(page)}, 200)


async def show_job(call: Call[Admission]) -> Response:
    """Counts, progress by partition, failures, and the report of a dry run."""
    return _answer(_one(call, await found_job(call)), 200)


async def cancel_job(call: Call[Admission]) -> Response:
    """Takes effect within seconds; what was resent stays. A job that has ended stays as it is."""
    job = await found_job(call)
    return _answer(_one(call, await call.admitted.cluster.jobs.cancel(job.job_id)), 202)


async def pause_job(call: Call[Admission]) -> Response:
    """Until it is resumed, or cancelled."""
    job = await found_job(call)
    return _answer(_one(call, await call.admitted.cluster.jobs.pause(job.job_id, paused=True)), 202)


async def resume_job(call: Call[Admission]) -> Response:
    """From where it was paused."""
    job = await found_job(call)
    return _answer(_one(call, await call.admitted.cluster.jobs.pause(job.job_id, paused=False)), 202)


async def resend_failed(call: Call[Admission]) -> Response:
    """Makes a new job of the failures that are listed, for the same consumer_key and as fast.

    Of a dry run, another one.
    """
    asked = await parsed(call.body, parse_resend_failed)
    # As it is now: what has failed since the service looked last counts.
    job = await found_job(call, fresh=True)
    plan = job.plan
    if plan is None:
        raise JobUnreadable(job.job_id, job.unsupported_reason or "it is being removed")
    if not job.progress.failures:
        raise NoFailures(job.job_id)
    spec = JobSpec(
        project=call.admitted.project,
        created_by=call.admitted.caller.name,
        topic=plan.topic,
        positions=failed_positions(job),
        allow_duplicate=asked.allow_duplicate,
        # They met the first job's filter; whether they are copies was decided there, too.
        filter=Filter(include_resent=True),
        consumer_key=plan.consumer_key,
        records_per_second=plan.records_per_second,
        dry_run=plan.dry_run,
        target=plan.target,
        provenance=plan.provenance,
        max_resends=plan.max_resends,
    )
    return await _created(call, spec, plan.topic_id, job.job_id)


async def found_job(call: Call[Admission], *, fresh: bool = False) -> Job:
    """Return the job that the path names, if it exists for the caller; see Jobs.get."""
    job_id: str = call.request.path_params["job_id"]
    return await call.admitted.cluster.jobs.get(job_id, lambda job: _visible(job, call.admitted), fresh=fresh)


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


def _one(call: Call[Admission], job: Job) -> dict[str, object]:
    if job.summary is None:
        raise JobMissing(job.job_id)
    return to_response(job, job.summary, waits_for=call.admitted.cluster.jobs.waits_for(job), whole=True)


def _answer(content: dict[str, object], status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(content), status, headers=headers, media_type="application/json")
