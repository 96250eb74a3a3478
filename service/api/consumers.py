"""…/consumers: how far consumer groups have committed, past copies or in a topic."""

from __future__ import annotations

from starlette.responses import Response

from kafka.consumers.passed import Copies, one_copy
from kafka.jobs.errors import JobUnreadable
from kafka.jobs.job import Job
from kafka.model.records import MAX_PARTITION, Position
from service.api.access import Admission
from service.api.call import Call
from service.api.http_disconnect import while_connected
from service.api.jobs import found_job
from service.api.parameters import GroupId, TopicName, Whole
from service.api.schema.consumers import ConsumersResponse, consumers_response
from service.http.refusals import ParameterMissing

GROUP = GroupId(
    "group", "Only this group; may be named several times. Without it, those that the cluster names.", repeated=True
)
TOPIC = TopicName("topic", "Topic name.", required=True)
PARTITION = Whole("partition", "Partition of the copy.", most=MAX_PARTITION)
MESSAGE_OFFSET = Whole("message_offset", "Offset of the copy.")

OF_JOB = (GROUP,)
OF_MESSAGE = (TOPIC, PARTITION, MESSAGE_OFFSET, GROUP)


async def consumers_of_job(call: Call[Admission]) -> Response:
    """How many of the job's copies each consumer group has committed past.

    A group that is past a copy has skipped it or processed it: that is not told apart. The copies are those of the last
    commit, also while the job runs.
    """
    groups = call.parameters.all(GROUP)
    job = await found_job(call)
    plan = job.plan
    if plan is None or "state" in job.decode_errors:
        raise JobUnreadable(job.job_id, job.unsupported_reason or "it is being removed")
    # Of another target's topics the ids are not known.
    topic_ids = {plan.topic: plan.topic_id} if plan.target is None else dict.fromkeys(job.progress.copies, "")
    return await _past(call, _copies_of(job), topic_ids, groups)


async def consumers_of_messages(call: Call[Admission]) -> Response:
    """Whether each consumer group has committed past one copy, or, without a position, which groups read a topic.

    A group that has committed nothing in the topic is not listed unless it is named.
    """
    parameters = call.parameters
    topic, partition = parameters.require(TOPIC), parameters.get(PARTITION)
    offset, groups = parameters.get(MESSAGE_OFFSET), parameters.all(GROUP)
    if (partition is None) is not (offset is None):
        missing = PARTITION if partition is None else MESSAGE_OFFSET
        raise ParameterMissing(f"the query has no {missing.name}, which names a copy together with the other one")
    call.admitted.require_topic(topic)
    if partition is not None and offset is not None:
        position = call.log.position = Position(topic, partition, offset)
        return await _past(call, one_copy(position), {topic: ""}, groups)
    admission = call.admitted
    found = await while_connected(
        call.request,
        lambda abandoned: admission.cluster.consumers_of(topic, groups, abandoned, caller=admission.caller.name),
    )
    return _answer(consumers_response(found, None))


def _copies_of(job: Job) -> Copies:
    return Copies(job.progress.counts.resent, job.progress.copies)


async def _past(call: Call[Admission], copies: Copies, topic_ids: dict[str, str], groups: tuple[str, ...]) -> Response:
    admission = call.admitted
    found = await while_connected(
        call.request,
        lambda abandoned: admission.cluster.consumers_past(
            copies, topic_ids, groups, abandoned, caller=admission.caller.name
        ),
    )
    return _answer(consumers_response(found, copies))


def _answer(body: ConsumersResponse) -> Response:
    # Fields that do not belong are left out; null is said.
    return Response(body.model_dump_json(exclude_defaults=True), media_type="application/json")
