"""GET …/dead-letters: what is in a dead-letter topic, by what the headers of its records say."""

from __future__ import annotations

from starlette.responses import Response

from kafka.redrive.known import Dialects
from kafka.search.grouping import Group
from kafka.search.selection import DeadLettersQuery
from service.api.access import Admission
from service.api.call import Call
from service.api.http_disconnect import while_connected
from service.api.messages import CURSOR, PARTITION, TOPIC
from service.api.parameters import Parameters, Text
from service.api.schema.dead_letters import (
    DeadLetterGroupItem,
    DeadLettersResponse,
    ExamplePositionItem,
    GroupingScanItem,
)
from service.http.refusals import ParameterNotChoice, shown

DIALECT = Text("dialect", "Only messages of this dialect.", most_characters=64)

PARAMETERS = (TOPIC, PARTITION, DIALECT, CURSOR)


async def group_dead_letters(call: Call[Admission]) -> Response:
    """Groups the messages of a dead-letter topic by dialect, origin topic, consumer group and class of the exception.

    Each answer has the groups of what it has read, and a `cursor` for the rest: send it back until it is null, and add
    the counts of groups that are the same. Messages that are no dead letters are groups with the dialect null.
    """
    admission, cursors = call.admitted, call.context.cursors
    dialects = admission.cluster.config.dialects
    asked = _asked(call.parameters, dialects)
    admission.require_topic(asked.topic)
    cursor = call.parameters.get(CURSOR)
    rest = None if cursor is None else cursors.rest(asked, cursor, 0)
    page = await while_connected(
        call.request,
        lambda abandoned: admission.cluster.dead_letters(asked, rest, abandoned, caller=admission.caller.name),
    )
    grouped = page.grouped
    body = DeadLettersResponse(
        groups=[_item(group) for group in grouped.groups],
        size=len(grouped.groups),
        cursor=None if page.rest is None else cursors.cursor(asked, page.rest),
        scan=GroupingScanItem(
            records=grouped.read,
            milliseconds=round(page.seconds * 1000, 1),
            complete=page.rest is None,
            stopped_by=grouped.stopped_by,
            left=page.left,
        ),
    )
    return Response(body.model_dump_json(), media_type="application/json")


def _asked(parameters: Parameters, dialects: Dialects) -> DeadLettersQuery:
    topic, partition, dialect = parameters.require(TOPIC), parameters.get(PARTITION), parameters.get(DIALECT)
    if dialect is not None and dialect not in dialects.each_name:
        raise ParameterNotChoice(f"dialect is {shown(dialect)}, not one of {', '.join(dialects.each_name)}")
    return DeadLettersQuery(topic, partition, dialect)


def _item(group: Group) -> DeadLetterGroupItem:
    partition, offset = group.example
    return DeadLetterGroupItem(
        **group.said._asdict(),
        count=group.count,
        already_resent=group.already_resent,
        first_time=group.first_ms,
        last_time=group.last_ms,
        example=ExamplePositionItem(partition=partition, message_offset=offset),
    )
