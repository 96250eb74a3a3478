"""GET …/messages/histogram: count records by time."""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import Response

from kafka.search.selection import HistogramQuery
from service.api.access import Admission
from service.api.call import Call
from service.api.http_disconnect import while_connected
from service.api.messages import END_TIME, PARTITION, START_TIME, TOPIC, times_of
from service.api.parameters import Whole
from service.api.schema.query import BucketItem, HistogramResponse
from service.http.refusals import ParameterMissing

BUCKETS = Whole("buckets", "How many stretches.", least=1, most=100, default=60)

PARAMETERS = (TOPIC, replace(START_TIME, required=True), replace(END_TIME, required=True), PARTITION, BUCKETS)


async def count_messages(call: Call[Admission]) -> Response:
    """Counts messages by time.

    By every record's own time where that is not much to read, else by the brokers' index of times; `approximate` tells.
    A partition that can be counted neither way is named in `uncounted_partitions`.
    """
    parameters, admission = call.parameters, call.admitted
    topic = parameters.require(TOPIC)
    times_ms = times_of(parameters)
    if times_ms is None:
        raise ParameterMissing("the query has no start_time and end_time")
    asked = HistogramQuery(topic, parameters.get(PARTITION), times_ms, parameters.require(BUCKETS))
    admission.require_topic(topic)
    counted = await while_connected(
        call.request,
        lambda abandoned: admission.cluster.histogram(asked, abandoned, caller=admission.caller.name),
    )
    body = HistogramResponse(
        buckets=[
            BucketItem(start_time=bucket.start_ms, end_time=bucket.end_ms, count=bucket.count)
            for bucket in counted.buckets
        ],
        approximate=not counted.exact,
        total=sum(bucket.count for bucket in counted.buckets),
        uncounted_partitions=list(counted.uncounted),
    )
    return Response(body.model_dump_json(), media_type="application/json")
