"""GET …/topics: the topics that a caller may look at, and whether their records can be resent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from kafka.client.config import ClusterConfig
from kafka.metadata.topic import is_internal
from kafka.metadata.topic_listing import Listed
from kafka.model.errors import InstanceReadOnly, ResendError, TopicMissing
from kafka.resend.service import refuse_topic
from service.api.access import Access, Admission
from service.api.parameters import Parameters
from service.api.schema.query import PartitionBounds, TopicItem, TopicsResponse
from service.api.schema.resend import ErrorResponse
from service.http.errors import error_body, error_response, row_of
from service.http.name_pattern import MAX_PATTERN_CHARACTERS, NamePattern
from service.http.refusals import Forbidden, ParameterTooLong, RequestRefused
from service.http.request_context import request_log_of

PATH = "/v2/{project_id}/mqs/instances/{instance_id}/topics"

NAMES = ("name", "limit", "offset", "internal", "app_name", "access_policy")
MAX_LIMIT = 1000

_HOUR_MS = 3_600_000
_MOST_TOPICS = 2**31 - 1


def topics_endpoint(access: Access) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint.

    Args:
        access: admits callers to instances.
    """

    async def topics(request: Request) -> Response:
        request_log = request_log_of(request.scope)
        try:
            admission = await access.admit(request, "read")
            parameters = Parameters(request.scope["query_string"], NAMES)
            parameters.choice("access_policy", ("all", "pub", "sub"))
            limit = parameters.whole("limit", 1, MAX_LIMIT) or MAX_LIMIT
            offset = parameters.whole("offset", 0, _MOST_TOPICS) or 0
            wanted = wanted_topics(admission, parameters.text("name"), internal=parameters.yes("internal") or False)
            total, page = await admission.cluster.topics(wanted, offset, limit, caller=admission.caller.name)
        except (RequestRefused, ResendError) as error:
            request_log.outcome = row_of(error).error_code
            request_log.reason = getattr(error, "reason", None)
            return error_response(error)
        request_log.outcome = "ok"
        body = TopicsResponse(
            total=total,
            size=len(page),
            permissions=list(admission.actions(None)),
            topics=[_item(listed, admission) for listed in page],
            remain_partitions=0,
            max_partitions=0,
        )
        return Response(body.model_dump_json(), media_type="application/json")

    return topics


def wanted_topics(admission: Admission, name: str | None, *, internal: bool) -> Callable[[str], bool]:
    """Return whether a topic belongs into the list.

    Args:
        admission: what is beyond its grants does not exist.
        name: a part of the topic's name, or a shell-style pattern of the whole; case does not count.
        internal: whether internal topics are listed, too.

    Raises:
        ParameterTooLong: the name is no part of any name, nor a useful pattern.
    """
    if name is None:
        return lambda topic: _visible(admission, topic, internal=internal)
    if len(name) > MAX_PATTERN_CHARACTERS:
        raise ParameterTooLong(f"name has {len(name)} characters, more than {MAX_PATTERN_CHARACTERS}")
    if "*" not in name and "?" not in name:
        part = name.lower()
        return lambda topic: part in topic.lower() and _visible(admission, topic, internal=internal)
    pattern = NamePattern(name)
    return lambda topic: pattern.matches(topic) and _visible(admission, topic, internal=internal)


def _visible(admission: Admission, topic: str, *, internal: bool) -> bool:
    return (internal or not is_internal(topic, admission.cluster.config)) and "read" in admission.actions(topic)


def _item(listed: Listed, admission: Admission) -> TopicItem:
    topic, name = listed.topic, listed.summary.name
    configured = topic if listed.configured else None
    refusal = _refusal(listed, admission)
    bounds = [
        PartitionBounds(
            partition=bounds.partition, log_start_offset=bounds.log_start_offset, high_watermark=bounds.high_watermark
        )
        for bounds in listed.bounds
    ]
    return TopicItem(
        name=name,
        partition=listed.summary.partitions,
        replication=listed.summary.replication,
        retention_time=None
        if configured is None or configured.retention_ms is None
        else -(-configured.retention_ms // _HOUR_MS),
        topic_type="NORMAL",
        permissions=list(admission.actions(name)),
        topic_id=topic.topic_id if topic is not None else None,
        compacted=configured.compacted if configured is not None else None,
        internal=topic.internal if topic is not None else is_internal(name, admission.cluster.config),
        timestamp_type=None if configured is None else "LogAppendTime" if configured.log_append_time else "CreateTime",
        partitions=bounds,
        record_count=_count(bounds),
        record_count_is_upper_bound=True,
        resend_allowed=refusal is None,
        resend_refusal=None if refusal is None else ErrorResponse.model_validate(error_body(refusal)),
    )


def _count(bounds: list[PartitionBounds]) -> int | None:
    total = 0
    for partition in bounds:
        if partition.log_start_offset is None or partition.high_watermark is None:
            return None
        total += partition.high_watermark - partition.log_start_offset
    return total


def _refusal(listed: Listed, admission: Admission) -> RequestRefused | ResendError | None:
    """Return what a resend of this topic's records would be refused with, in the order in which it is checked."""
    config: ClusterConfig = admission.cluster.config
    if "resend" not in admission.actions(listed.summary.name):
        return Forbidden()
    if config.policy.read_only:
        return InstanceReadOnly()
    if listed.topic is None:
        return listed.problem or TopicMissing(listed.summary.name)
    if listed.problem is not None and not listed.topic.internal:
        return listed.problem
    try:
        refuse_topic(listed.topic, config.policy)
    except ResendError as error:
        return error
    return None
