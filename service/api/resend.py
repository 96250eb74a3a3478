"""POST …/messages/action?action_id=resend: put one record back on its topic."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs

from starlette.responses import Response

from kafka.model.records import Position
from kafka.resend.service import Resent
from service.api.access import Admission
from service.api.call import Call
from service.api.keys import REPLAYED, key_of
from service.api.parameters import MOST_PARAMETERS, NO_PARAMETERS, Choice, Parameters
from service.api.schema.resend import ResendRequest, ResendResponse, parse_resend
from service.http.refusals import ActionMissing, ActionRepeated, ActionUnknown, shown

ACTION_ID = Choice("action_id", "What to do.", required=True, default="resend", choices=("resend",))

_RESEND_QUERY = b"action_id=resend"


async def resend(call: Call[Admission]) -> Response:
    """Puts one record back on its topic.

    Reads the record at exactly this position, sets its header `consumer_key` if one is given, writes it to the end of
    the same partition, and answers once all in-sync replicas have acknowledged the copy.
    """
    asked, admission, log = parse_resend(call.body), call.admitted, call.log
    position = Position(asked.topic, asked.partition, asked.message_offset)
    log.position = position
    log.has_consumer_key = asked.consumer_key is not None
    admission.require_topic(asked.topic)
    if call.idempotency_key is None:
        resent = await admission.cluster.resend(position, asked.consumer_key)
    else:
        once = key_of(call.idempotency_key, admission, asked.model_dump())
        resent, log.replayed = await admission.cluster.resend_once(position, asked.consumer_key, once)
    return _answer(asked, resent, REPLAYED if log.replayed else {})


def read_action(query: bytes) -> Parameters:
    """Accept exactly one action_id, whose value is resend; other parameters are ignored.

    Args:
        query: as it came, without the question mark.

    Raises:
        ActionMissing, ActionRepeated, ActionUnknown: it is not so.
    """
    if query == _RESEND_QUERY:
        return NO_PARAMETERS
    try:
        parameters = parse_qs(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise ActionRepeated(f"the query has more than {MOST_PARAMETERS} parameters") from None
    actions = parameters.get("action_id", [])
    if not actions:
        raise ActionMissing("the query has no action_id")
    if len(actions) > 1:
        raise ActionRepeated(f"the query has {len(actions)} action_ids")
    if actions[0] != "resend":
        raise ActionUnknown(f"action_id {shown(actions[0])} does not exist")
    return NO_PARAMETERS


def _answer(asked: ResendRequest, resent: Resent, more: Mapping[str, str]) -> Response:
    body = ResendResponse.model_construct(
        topic=asked.topic,
        partition=asked.partition,
        message_offset=asked.message_offset,
        consumer_key=asked.consumer_key,
    )
    headers = {"X-Resend-Partition": str(resent.partition), "X-Resend-Timestamp": resent.timestamp, **more}
    if resent.offset is not None:
        headers["X-Resend-Offset"] = str(resent.offset)
    return Response(body.model_dump_json(exclude_none=True), headers=headers, media_type="application/json")
