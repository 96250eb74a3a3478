"""The table of all calls of the API, in the order of the OpenAPI document."""

from __future__ import annotations

from functools import partial
from typing import Any

from service.api import caller, health, histogram, jobs, messages, resend, topics
from service.api import documented_errors as errors
from service.api.call import DocumentedAnswer, Route
from service.api.keys import REPLAYED_HEADER
from service.api.schema.job_request import JobRequest
from service.api.schema.job_response import JobResponse, JobsResponse
from service.api.schema.query import CallerResponse, HistogramResponse, MessagesResponse, TopicsResponse
from service.api.schema.resend import Health, Readiness, ResendRequest, ResendResponse

_INSTANCE = "/v2/{project_id}/mqs/instances/{instance_id}"
_MESSAGES = f"{_INSTANCE}/messages"
_JOB = f"{jobs.PATH}/{{job_id}}"

_JOB_BODY_BYTES = 2_000_000
"""As large as the body of a job may always be: ten thousand messages, or the ranges of many partitions."""

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
_RESENT = DocumentedAnswer(
    200,
    "One copy was written and all in-sync replicas have acknowledged it.",
    ResendResponse,
    {
        "headers": {**_COPY_HEADERS, **REPLAYED_HEADER},
        "content": {
            "application/json": {
                "example": {"topic": "topic-test", "partition": 0, "message_offset": 4, "consumer_key": "keyA"}
            }
        },
    },
)
_LOCATION: dict[str, Any] = {
    "Location": {"description": "Path of the job, with the proxy's prefix.", "schema": {"type": "string"}}
}
_JOB_MADE = DocumentedAnswer(202, "The job was accepted.", JobResponse, {"headers": {**_LOCATION, **REPLAYED_HEADER}})
_JOB_ASKED = DocumentedAnswer(202, "That was accepted; the job is as it was a moment ago.", JobResponse)

_query = partial(Route, meanings=errors.QUERY_MEANINGS)
_job = partial(Route, needs="jobs", tag="jobs", meanings=errors.JOBS_MEANINGS)
_job_change = partial(_job, method="POST", answers=(_JOB_ASKED,), outcome="accepted")
_job_start = partial(_job, method="POST", answers=(_JOB_MADE,), outcome="accepted", once=True)
_health = partial(Route, needs="nothing", tag="health")

RESEND = Route(
    method="POST",
    path=f"{_MESSAGES}/action",
    name="resend",
    needs="resend",
    handler=resend.resend,
    summary="Retransmit a message",
    tag="messages",
    parameters=(resend.ACTION_ID,),
    read_query=resend.read_action,
    body=ResendRequest,
    once=True,
    answers=(_RESENT,),
    errors=errors.RESEND,
    meanings=errors.RESEND_MEANINGS,
    outcome="resent",
)

ROUTES: tuple[Route, ...] = (
    RESEND,
    _query(
        path="/v2/caller",
        name="caller",
        needs="token",
        handler=caller.show_caller,
        summary="Who am I",
        tag="caller",
        parameters=caller.PARAMETERS,
        answers=(DocumentedAnswer(200, "Who the token belongs to.", CallerResponse),),
        errors=errors.CALLER,
    ),
    _query(
        path=f"{_INSTANCE}/topics",
        name="topics",
        needs="read",
        handler=topics.list_topics,
        summary="List topics",
        tag="topics",
        parameters=topics.PARAMETERS,
        answers=(DocumentedAnswer(200, "The topics.", TopicsResponse),),
        errors=errors.TOPICS,
    ),
    _query(
        path=_MESSAGES,
        name="messages",
        needs="read",
        handler=messages.find_messages,
        summary="Find messages",
        tag="messages",
        parameters=messages.PARAMETERS,
        answers=(
            DocumentedAnswer(
                200,
                "A page of messages, or the one asked for.",
                MessagesResponse,
                {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
            ),
            DocumentedAnswer(204, "download=true of a record whose value is null."),
        ),
        errors=errors.MESSAGES,
    ),
    _query(
        path=f"{_MESSAGES}/histogram",
        name="histogram",
        needs="read",
        handler=histogram.count_messages,
        summary="Count messages by time",
        tag="messages",
        parameters=histogram.PARAMETERS,
        answers=(DocumentedAnswer(200, "The counts.", HistogramResponse),),
        errors=errors.MESSAGES,
    ),
    _job_start(
        path=jobs.PATH,
        name="jobs-make",
        job_action="make",
        handler=jobs.create_job,
        summary="Create job",
        body=JobRequest,
        least_body_bytes=_JOB_BODY_BYTES,
        errors=errors.CREATE_JOB,
    ),
    _job(
        path=jobs.PATH,
        name="jobs-list",
        job_action="list",
        handler=jobs.list_jobs,
        summary="List jobs",
        parameters=jobs.LIST_PARAMETERS,
        answers=(DocumentedAnswer(200, "The jobs.", JobsResponse),),
        errors=errors.LIST_JOBS,
    ),
    _job(
        path=_JOB,
        name="jobs-show",
        job_action="show",
        handler=jobs.show_job,
        summary="Show job",
        answers=(DocumentedAnswer(200, "The job.", JobResponse),),
        errors=errors.SHOW_JOB,
    ),
    _job_change(
        path=f"{_JOB}/cancel",
        name="jobs-cancel",
        job_action="cancel",
        handler=jobs.cancel_job,
        summary="Cancel job",
        errors=errors.CANCEL_JOB,
    ),
    _job_change(
        path=f"{_JOB}/pause",
        name="jobs-pause",
        job_action="pause",
        handler=jobs.pause_job,
        summary="Pause job",
        errors=errors.PAUSE_JOB,
    ),
    _job_change(
        path=f"{_JOB}/resume",
        name="jobs-resume",
        job_action="resume",
        handler=jobs.resume_job,
        summary="Resume job",
        errors=errors.PAUSE_JOB,
    ),
    _job_start(
        path=f"{_JOB}/resend-failed",
        name="jobs-resend-failed",
        job_action="resend-failed",
        handler=jobs.resend_failed,
        summary="Resend failed records",
        errors=errors.RESEND_FAILED,
    ),
    _health(
        path="/healthz",
        name="healthz",
        handler=health.healthz,
        summary="Whether the process answers",
        answers=(DocumentedAnswer(200, "It does.", Health),),
    ),
    _health(
        path="/readyz",
        name="readyz",
        handler=health.readyz,
        summary="Whether requests should be sent here",
        answers=(
            DocumentedAnswer(200, "Yes; an instance that is away is told with its reason.", Readiness),
            DocumentedAnswer(503, "Not yet, or no more.", Readiness),
        ),
    ),
)
