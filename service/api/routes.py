"""The table of all calls of the API, in the order of the OpenAPI document."""

from __future__ import annotations

from functools import partial
from typing import Any

from service.api import caller, consumers, dead_letters, health, histogram, jobs, messages, resend, topics
from service.api import documented_errors as errors
from service.api.call import INSTANCE_PATH, DocumentedAnswer, Handler, Route
from service.api.keys import REPLAYED_HEADER
from service.api.schema.consumers import ConsumersResponse
from service.api.schema.dead_letters import DeadLettersResponse
from service.api.schema.job_request import JobRequest, ResendFailedRequest
from service.api.schema.job_response import JobResponse, JobsResponse
from service.api.schema.query import CallerResponse, HistogramResponse, MessagesResponse, TopicsResponse
from service.api.schema.resend import Health, Readiness, ResendRequest, ResendResponse

_MESSAGES = f"{INSTANCE_PATH}/messages"
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
_health = partial(Route, needs="nothing", tag="health")


def _job(action: str, answer: DocumentedAnswer, **more: Any) -> Route:
    """Return a call on jobs; what changes them is accepted, and done by a worker."""
    changes = answer.status == 202
    return Route(
        method="POST" if changes else "GET",
        name=f"jobs-{action}",
        job_action=action,
        needs="jobs",
        tag="jobs",
        answers=(answer,),
        meanings=errors.JOBS_MEANINGS,
        outcome="accepted" if changes else "ok",
        **more,
    )


def _job_change(action: str, handler: Handler, summary: str, examples: tuple[Exception, ...]) -> Route:
    return _job(action, _JOB_ASKED, path=f"{_JOB}/{action}", handler=handler, summary=summary, errors=examples)


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
        path=f"{INSTANCE_PATH}/topics",
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
    _query(
        path=f"{_MESSAGES}/consumers",
        name="consumers",
        needs="read",
        handler=consumers.consumers_of_messages,
        summary="Show consumer groups of a topic, or past a copy",
        tag="messages",
        parameters=consumers.OF_MESSAGE,
        answers=(DocumentedAnswer(200, "The consumer groups.", ConsumersResponse),),
        errors=errors.CONSUMERS,
    ),
    _query(
        path=f"{INSTANCE_PATH}/dead-letters",
        name="dead-letters",
        needs="read",
        handler=dead_letters.group_dead_letters,
        summary="Group dead letters",
        tag="messages",
        parameters=dead_letters.PARAMETERS,
        answers=(DocumentedAnswer(200, "Groups of the messages that were read.", DeadLettersResponse),),
        errors=errors.DEAD_LETTERS,
    ),
    _job(
        "make",
        _JOB_MADE,
        path=jobs.PATH,
        handler=jobs.create_job,
        summary="Create job",
        body=JobRequest,
        least_body_bytes=_JOB_BODY_BYTES,
        once=True,
        errors=errors.CREATE_JOB,
    ),
    _job(
        "list",
        DocumentedAnswer(200, "The jobs.", JobsResponse),
        path=jobs.PATH,
        handler=jobs.list_jobs,
        summary="List jobs",
        parameters=jobs.LIST_PARAMETERS,
        errors=errors.LIST_JOBS,
    ),
    _job(
        "show",
        DocumentedAnswer(200, "The job.", JobResponse),
        path=_JOB,
        handler=jobs.show_job,
        summary="Show job",
        errors=errors.SHOW_JOB,
    ),
    _job(
        "consumers",
        DocumentedAnswer(200, "The consumer groups.", ConsumersResponse),
        path=f"{_JOB}/consumers",
        handler=consumers.consumers_of_job,
        summary="Show consumer groups past a job's copies",
        parameters=consumers.OF_JOB,
        errors=errors.CONSUMERS_OF_JOB,
    ),
    _job_change("cancel", jobs.cancel_job, "Cancel job", errors.CANCEL_JOB),
    _job_change("pause", jobs.pause_job, "Pause job", errors.PAUSE_JOB),
    _job_change("resume", jobs.resume_job, "Resume job", errors.PAUSE_JOB),
    _job(
        "resend-failed",
        _JOB_MADE,
        path=f"{_JOB}/resend-failed",
        handler=jobs.resend_failed,
        summary="Resend failed records",
        body=ResendFailedRequest,
        body_required=False,
        once=True,
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
