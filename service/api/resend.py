"""POST …/messages/action?action_id=resend: put one record back on its topic.

A request is checked in this order, and the first thing wrong is the answer:

1. path and method (404, 405), length of the ids in the path (400)
2. open access only: Host, presence of X-Auth-Token (403)
3. token, instance, the instance's project, the caller's grants as far as they can be compared without the body (403)
4. action_id (400)
5. Content-Encoding, Content-Type (415); Idempotency-Key (400)
6. size of the body (413)
7. the body: empty, UTF-8, JSON, repeated fields, an object, unknown fields, missing fields, each field (400)
8. the caller's grant for the topic (403)
9. what only the cluster can tell (400, 503, 504)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from urllib.parse import parse_qs

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from kafka.model.errors import ResendError
from kafka.model.records import Position
from kafka.resend.service import Resent
from service.api.access import Access
from service.api.bodies import check_content_type, read_body
from service.api.keys import REPLAYED, idempotency_key, key_of
from service.api.schema.resend import ResendRequest, ResendResponse, parse_resend
from service.http.errors import error_response, row_of
from service.http.refusals import ActionMissing, ActionRepeated, ActionUnknown, RequestRefused, shown
from service.http.request_context import RequestLog, request_log_of

PATH = "/v2/{project_id}/mqs/instances/{instance_id}/messages/action"

_RESEND_QUERY = b"action_id=resend"
_MOST_PARAMETERS = 100


class RawRoute(APIRoute):
    """A route that hands the request to its endpoint as it came; FastAPI only documents it.

    FastAPI's own reading and validating of parameters halves what one process can answer (measured).
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[object, object, Response]]:
        """Return the endpoint itself."""
        endpoint: Callable[[Request], Coroutine[object, object, Response]] = self.endpoint
        return endpoint


def resend_endpoint(access: Access, max_body_bytes: int) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint.

    Args:
        access: admits callers to instances.
        max_body_bytes: how large a body may be.
    """

    async def resend(request: Request) -> Response:
        request_log = request_log_of(request.scope)
        try:
            admission = await access.admit(request, "resend")
            check_action(request.scope["query_string"])
            check_content_type(request)
            key = idempotency_key(request)
            asked = parse_resend(await read_body(request, max_body_bytes))
            position = Position(asked.topic, asked.partition, asked.message_offset)
            request_log.position = position
            request_log.has_consumer_key = asked.consumer_key is not None
            admission.require_topic(asked.topic)
            if key is None:
                resent = await admission.cluster.resend(position, asked.consumer_key)
            else:
                once = key_of(key, admission, asked.model_dump())
                resent, request_log.replayed = await admission.cluster.resend_once(position, asked.consumer_key, once)
        except (RequestRefused, ResendError) as error:
            return _refused(error, request_log)
        request_log.outcome = "resent"
        return _answer(asked, resent, REPLAYED if request_log.replayed else {})

    return resend


def check_action(query: bytes) -> None:
    """Accept exactly one action_id, whose value is resend; other parameters are ignored.

    Args:
        query: as it came, without the question mark.

    Raises:
        ActionMissing, ActionRepeated, ActionUnknown: it is not so.
    """
    if query == _RESEND_QUERY:
        return
    try:
        parameters = parse_qs(query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise ActionRepeated(f"the query has more than {_MOST_PARAMETERS} parameters") from None
    actions = parameters.get("action_id", [])
    if not actions:
        raise ActionMissing("the query has no action_id")
    if len(actions) > 1:
        raise ActionRepeated(f"the query has {len(actions)} action_ids")
    if actions[0] != "resend":
        raise ActionUnknown(f"action_id {shown(actions[0])} does not exist")


def _refused(error: RequestRefused | ResendError, request_log: RequestLog) -> Response:
    request_log.outcome = row_of(error).error_code
    request_log.reason = getattr(error, "reason", None)
    return error_response(error)


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
