"""Puts the calls of those who look into the application, and their part into the OpenAPI document."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from kafka.model import errors as worker
from kafka.model.records import Position
from service.api import caller, messages, topics
from service.api.access import Access
from service.api.documentation import error_answers, path_parameter, query_parameter
from service.api.resend import RawRoute
from service.api.schema.query import CallerResponse, HistogramResponse, MessagesResponse, TopicsResponse
from service.api.schema.resend import MAX_OFFSET, MAX_PARTITION
from service.http import refusals
from service.http.cursors import Cursors, cursor_key
from service.http.name_pattern import MAX_PATTERN_CHARACTERS
from service.instances import Instances
from service.settings.model import Settings

_TIME = {"type": "integer", "minimum": 0, "maximum": messages.MAX_TIME_MS}
_POSITION = Position("topic-test", 0, 4)

_COMMON_ERRORS: tuple[Exception, ...] = (
    refusals.ParameterUnknown('the query has an unknown parameter "topics"'),
    refusals.Forbidden(),
    worker.ClusterAway("_TRANSPORT"),
)
_MESSAGE_ERRORS: tuple[Exception, ...] = (
    *_COMMON_ERRORS,
    refusals.ParameterMissing("the query has no topic"),
    refusals.RangeRefused("start_time 2 must be before end_time 1"),
    refusals.CursorRefused("the cursor belongs to a search with other parameters"),
    worker.TopicMissing("topic-test"),
    worker.InternalTopic("__consumer_offsets"),
    worker.OffsetExpired(_POSITION, 1000),
    worker.NoLookupByTime(),
    worker.TooManyScans(4),
    worker.DeadlineExceeded("records of topic 'topic-test'"),
)
_MEANINGS = {
    400: "Something about the request has to be fixed first.",
    403: "No token, a wrong one, or no grant for this. Which of these is not told.",
    503: "The cluster is away, too many searches are under way, or the service is stopping. Try again.",
    504: "Time ran out before a single record came.",
}


def add_queries(app: FastAPI, access: Access, instances: Instances, settings: Settings) -> None:
    """Serve /v2/caller, topics, messages and their histogram.

    Args:
        app: the application.
        access: admits callers to instances.
        instances: what there is.
        settings: how records are shown, and what cursors are known by.
    """
    app.router.add_api_route(
        caller.PATH,
        caller.caller_endpoint(access, instances),
        methods=["GET"],
        route_class_override=RawRoute,
        summary="Who am I",
        description="Tells whose the token is, a project id for the paths, and the instances to do something on.",
        tags=["caller"],
        operation_id="caller",
        openapi_extra=_request([query_parameter("project", "Another project to look from.", {"type": "string"})]),
        responses=_responses(CallerResponse, "Who the token belongs to.", _COMMON_ERRORS[:2]),
    )
    app.router.add_api_route(
        topics.PATH,
        topics.topics_endpoint(access),
        methods=["GET"],
        route_class_override=RawRoute,
        summary="List topics",
        description="Topics within the caller's grants, by name, with bounds, and whether their records can be resent.",
        tags=["topics"],
        operation_id="topics",
        openapi_extra=_request([*_PATH_PARAMETERS, *_TOPICS_PARAMETERS]),
        responses=_responses(
            TopicsResponse,
            "The topics.",
            (*_COMMON_ERRORS, refusals.ParameterTooLong("name has 501 characters"), worker.TooManyScans(4)),
        ),
    )
    answers = _responses(MessagesResponse, "A page of messages, or the one asked for.", _MESSAGE_ERRORS)
    answers[200]["content"] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    answers[204] = {"description": "download=true of a record whose value is null."}
    app.router.add_api_route(
        messages.PATH,
        messages.messages_endpoint(access, settings.query, Cursors(cursor_key(settings))),
        methods=["GET"],
        route_class_override=RawRoute,
        summary="Find messages",
        description=(
            "By time (`start_time` and `end_time`), by position (`partition` and `message_offset`: the message with "
            "its content), from an offset on (`partition` and `start_offset`), or else the newest. Send each "
            "answer's `cursor` back until it is null: a page may be empty although more follows, when one request has "
            "read as much as it may."
        ),
        tags=["messages"],
        operation_id="messages",
        openapi_extra=_request([*_PATH_PARAMETERS, *_MESSAGES_PARAMETERS]),
        responses=answers,
    )
    app.router.add_api_route(
        messages.HISTOGRAM_PATH,
        messages.histogram_endpoint(access),
        methods=["GET"],
        route_class_override=RawRoute,
        summary="Count messages by time",
        description=(
            "By every record's own time where that is not much to read, else by the brokers' index of times; "
            "`approximate` tells. A partition that can be counted neither way is named in `uncounted_partitions`."
        ),
        tags=["messages"],
        operation_id="histogram",
        openapi_extra=_request([*_PATH_PARAMETERS, *_HISTOGRAM_PARAMETERS]),
        responses=_responses(HistogramResponse, "The counts.", _MESSAGE_ERRORS),
    )


def _whole(least: int, most: int, default: int | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "integer", "minimum": least, "maximum": most}
    return schema if default is None else {**schema, "default": default}


_PATH_PARAMETERS = [
    path_parameter("project_id", "The caller's project.", "default"),
    path_parameter("instance_id", "The Kafka cluster, by its configured name.", "default"),
]
_TOPICS_PARAMETERS = [
    query_parameter(
        "name", "Part of the name, or a pattern with * and ?.", {"type": "string", "maxLength": MAX_PATTERN_CHARACTERS}
    ),
    query_parameter("limit", "How many; all without.", _whole(1, topics.MAX_LIMIT)),
    query_parameter("offset", "How many to leave out.", {"type": "integer", "minimum": 0}),
    query_parameter("internal", "Whether internal topics are listed, too.", {"type": "boolean"}),
    query_parameter("app_name", "Accepted and ignored.", {"type": "string"}),
    query_parameter("access_policy", "Accepted and ignored.", {"type": "string", "enum": ["all", "pub", "sub"]}),
]
_TOPIC = query_parameter("topic", "Topic name.", {"type": "string"}, required=True)
_PARTITION = query_parameter("partition", "The only partition.", _whole(0, MAX_PARTITION))
_MESSAGES_PARAMETERS = [
    _TOPIC,
    query_parameter("start_time", "First timestamp, Unix milliseconds.", _TIME),
    query_parameter("end_time", "First timestamp after the range.", _TIME),
    _PARTITION,
    query_parameter("message_offset", "Offset of the one message.", _whole(0, MAX_OFFSET)),
    query_parameter("start_offset", "First offset of a list.", _whole(0, MAX_OFFSET)),
    query_parameter("end_offset", "First offset after the list.", _whole(0, MAX_OFFSET)),
    query_parameter("asc", "The oldest first, or the newest.", {"type": "boolean"}),
    query_parameter("limit", "Messages a page.", _whole(1, messages.MAX_LIMIT, messages.DEFAULT_LIMIT)),
    query_parameter("offset", "How many to leave out.", _whole(0, messages.MAX_SKIP, 0)),
    query_parameter("cursor", "Of the page before.", {"type": "string"}),
    query_parameter("key", "Exactly this key, as UTF-8.", {"type": "string"}),
    query_parameter("message_id", "Exactly this message, such as 0-4.", {"type": "string"}),
    query_parameter("tag", "Only empty: Kafka's records have none.", {"type": "string", "maxLength": 0}),
    query_parameter("preview", "Characters of each value to show in a list.", _whole(0, messages.MAX_PREVIEW, 0)),
    query_parameter("download", "By position: the value's bytes as a file.", {"type": "boolean"}),
]
_HISTOGRAM_PARAMETERS = [
    _TOPIC,
    query_parameter("start_time", "First timestamp, Unix milliseconds.", _TIME, required=True),
    query_parameter("end_time", "First timestamp after the range.", _TIME, required=True),
    _PARTITION,
    query_parameter("buckets", "How many stretches.", _whole(1, messages.MAX_BUCKETS, messages.DEFAULT_BUCKETS)),
]


def _request(parameters: list[dict[str, Any]]) -> dict[str, Any]:
    return {"security": [{"X-Auth-Token": []}], "parameters": parameters}


def _responses(model: type[BaseModel], meaning: str, errors: tuple[Exception, ...]) -> dict[int | str, dict[str, Any]]:
    return {200: {"model": model, "description": meaning}, **error_answers(_MEANINGS, errors)}
