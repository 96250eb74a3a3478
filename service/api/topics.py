"""GET …/topics: the topics that a caller may look at, and whether their records can be resent."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from kafka.client.config import ClusterConfig
from kafka.metadata.topic import is_internal
from kafka.metadata.topic_listing import Listed
from kafka.model.errors import InstanceReadOnly, ResendError, TopicMissing
from kafka.resend.service import refuse_topic
from service.api.access import Admission
from service.api.call import Call
from service.api.parameters import Choice, Flag, Text, Whole
from service.api.schema.query import PartitionBounds, TopicItem, TopicsResponse
from service.api.schema.resend import ErrorResponse
from service.http.errors import error_body
from service.http.name_pattern import MAX_PATTERN_CHARACTERS, NamePattern
from service.http.refusals import Forbidden, RequestRefused

NAME = Text("name", "Part of the name, or a pattern with * and ?.", most_characters=MAX_PATTERN_CHARACTERS)
LIMIT = Whole("limit", "How many; all without.", least=1, most=1000)
OFFSET = Whole("offset", "How many to leave out.", most=2**31 - 1, default=0)
INTERNAL = Flag("internal", "Whether internal topics are listed, too.", default=False)
APP_NAME = Text("app_name", "Accepted and ignored.")
ACCESS_POLICY = Choice("access_policy", "Accepted and ignored.", choices=("all", "pub", "sub"))

PARAMETERS = (NAME, LIMIT, OFFSET, INTERNAL, APP_NAME, ACCESS_POLICY)

_HOUR_MS = 3_600_000


async def list_topics(call: Call[Admission]) -> Response:
    """Topics within the caller's grants, by name, with bounds, and whether their records can be resent."""
    parameters, admission = call.parameters, call.admitted
    parameters.get(ACCESS_POLICY)
    limit = parameters.get(LIMIT) or LIMIT.most
    offset = parameters.require(OFFSET)
    wanted = wanted_topics(admission, parameters.get(NAME), internal=parameters.require(INTERNAL))
    total, page = await admission.cluster.topics(wanted, offset, limit, caller=admission.caller.name)
    body = TopicsResponse(
        total=total,
        size=len(page),
        permissions=list(admission.actions(None)),
        topics=[_item(listed, admission) for listed in page],
        remain_partitions=0,
        max_partitions=0,
    )
    return Response(body.model_dump_json(), media_type="application/json")


def wanted_topics(admission: Admission, name: str | None, *, internal: bool) -> Callable[[str], bool]:
    """Return whether a topic belongs into the list.

    Args:
        admission: what is beyond its grants does not exist.
        name: a part of the topic's name, or a shell-style pattern of the whole; case does not count.
        internal: whether internal topics are listed, too.
    """
    if name is None:
        return lambda topic: _visible(admission, topic, internal=internal)
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
