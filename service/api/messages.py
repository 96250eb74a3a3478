"""GET …/messages and GET …/messages/histogram: find records, look at one, count them by time.

A request is checked in the order of a resend: path, token and grants, then the parameters, each one's name first, then
the grant for the topic, then what only the cluster can tell.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from kafka.model.errors import ResendError
from kafka.model.records import Position, Record
from kafka.search.selection import HistogramQuery, Page, Paging, Selection
from service.api.access import Access, Admission
from service.api.http_disconnect import while_connected
from service.api.parameters import Parameters
from service.api.schema.query import (
    BucketItem,
    HistogramResponse,
    MessageItem,
    MessagesResponse,
    ScanItem,
    listed_message,
    whole_message,
)
from service.api.schema.resend import MAX_OFFSET, MAX_PARTITION
from service.http.cursors import Cursors
from service.http.errors import error_response, row_of
from service.http.refusals import (
    DownloadRefused,
    MessageIdNotLegal,
    ParameterMissing,
    RangeRefused,
    RequestRefused,
    TagRefused,
    shown,
)
from service.http.request_context import RequestLog, request_log_of
from service.settings.sections import QuerySettings

PATH = "/v2/{project_id}/mqs/instances/{instance_id}/messages"
HISTOGRAM_PATH = f"{PATH}/histogram"

NAMES = (
    "topic",
    "start_time",
    "end_time",
    "partition",
    "message_offset",
    "start_offset",
    "end_offset",
    "asc",
    "limit",
    "offset",
    "cursor",
    "key",
    "message_id",
    "tag",
    "preview",
    "download",
)
HISTOGRAM_NAMES = ("topic", "start_time", "end_time", "partition", "buckets")

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100
MAX_SKIP = 10_000
MAX_PREVIEW = 200
MAX_BUCKETS = 100
DEFAULT_BUCKETS = 60
# As far as timestamps go: microseconds written as milliseconds are in the year 57,000.
MAX_TIME_MS = 2**63 - 1
_UTF8_BYTES = 4
_MESSAGE_ID = re.compile(r"([0-9]{1,10})-([0-9]{1,19})")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for.

    Attributes:
        selection: which records.
        position: the one to be shown whole; then nothing but the selection's filters counts.
        download: its value as bytes instead.
    """

    selection: Selection
    position: Position | None
    download: bool
    paging: Paging
    preview: int
    cursor: str | None


def messages_endpoint(
    access: Access, settings: QuerySettings, cursors: Cursors
) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that finds records.

    Args:
        access: admits callers to instances.
        settings: from which size on a value is huge.
        cursors: makes them, and knows them again.
    """

    async def messages(request: Request) -> Response:
        request_log = request_log_of(request.scope)
        try:
            admission = await access.admit(request, "read")
            asked = parse_query(request.scope["query_string"])
            admission.require_topic(asked.selection.topic)
            if asked.position is not None:
                request_log.position = asked.position
                return await _one(asked, asked.position, admission, settings, request_log)
            response = await _list(asked, request, admission, settings, cursors)
        except (RequestRefused, ResendError) as error:
            return _refused(error, request_log)
        request_log.outcome = "ok"
        return response

    return messages


def histogram_endpoint(access: Access) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that counts records by time.

    Args:
        access: admits callers to instances.
    """

    async def histogram(request: Request) -> Response:
        request_log = request_log_of(request.scope)
        try:
            admission = await access.admit(request, "read")
            parameters = Parameters(request.scope["query_string"], HISTOGRAM_NAMES)
            topic = parameters.topic()
            times_ms = _times(parameters)
            if times_ms is None:
                raise ParameterMissing("the query has no start_time and end_time")
            partition = parameters.whole("partition", 0, MAX_PARTITION)
            number = parameters.whole("buckets", 1, MAX_BUCKETS) or DEFAULT_BUCKETS
            admission.require_topic(topic)
            asked = HistogramQuery(topic, partition, times_ms, number)
            counted = await while_connected(
                request,
                lambda abandoned: admission.cluster.histogram(asked, abandoned, caller=admission.caller.name),
            )
        except (RequestRefused, ResendError) as error:
            return _refused(error, request_log)
        request_log.outcome = "ok"
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

    return histogram


def parse_query(query: bytes) -> Asked:
    """Return what a query asks for.

    By time goes before by position, that before a range of offsets; with none of these it is the newest records.

    Args:
        query: as it came, without the question mark.

    Raises:
        ParameterRefused, TopicNotLegal: it is none that can be answered.
    """
    parameters = Parameters(query, NAMES)
    topic = parameters.topic()
    times_ms = _times(parameters)
    partition = parameters.whole("partition", 0, MAX_PARTITION)
    message_offset = parameters.whole("message_offset", 0, MAX_OFFSET)
    offsets = _offsets(parameters)
    for name in ("message_offset", "start_offset"):
        if name in parameters and partition is None and times_ms is None:
            raise ParameterMissing(f"the query has a {name}, but no partition")
    if times_ms is not None:
        message_offset, offsets = None, None
    position = None
    if message_offset is not None and partition is not None:
        position = Position(topic, partition, message_offset)
        offsets = None
    ascending = parameters.yes("asc")
    if ascending is None:
        ascending = times_ms is not None or offsets is not None
    key = parameters.text("key")
    if "tag" in parameters:
        raise TagRefused("the query asks for a tag")
    download = parameters.yes("download") or False
    if download and position is None:
        raise DownloadRefused("the query asks for a download, but not of one record")
    preview = parameters.whole("preview", 0, MAX_PREVIEW) or 0
    selection = Selection(
        topic, partition, times_ms, offsets, ascending, None if key is None else key.encode(), _message_id(parameters)
    )
    return Asked(
        selection,
        position,
        download,
        Paging(
            parameters.whole("limit", 1, MAX_LIMIT) or DEFAULT_LIMIT,
            parameters.whole("offset", 0, MAX_SKIP) or 0,
            preview * _UTF8_BYTES,
        ),
        preview,
        parameters.text("cursor"),
    )


def _times(parameters: Parameters) -> tuple[int, int] | None:
    start = parameters.whole("start_time", 0, MAX_TIME_MS)
    end = parameters.whole("end_time", 0, MAX_TIME_MS)
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise RangeRefused(f"the query has no {'start_time' if start is None else 'end_time'}")
    if start >= end:
        raise RangeRefused(f"start_time {start} must be before end_time {end}")
    return start, end


def _offsets(parameters: Parameters) -> tuple[int, int | None] | None:
    start = parameters.whole("start_offset", 0, MAX_OFFSET)
    end = parameters.whole("end_offset", 0, MAX_OFFSET)
    if start is None:
        if end is not None:
            raise RangeRefused("the query has an end_offset, but no start_offset")
        return None
    if end is not None and start >= end:
        raise RangeRefused(f"start_offset {start} must be below end_offset {end}")
    return start, end


def _message_id(parameters: Parameters) -> tuple[int, int] | None:
    text = parameters.text("message_id")
    if text is None:
        return None
    found = _MESSAGE_ID.fullmatch(text)
    if found is None or int(found[1]) > MAX_PARTITION or int(found[2]) >= MAX_OFFSET:
        raise MessageIdNotLegal(f"message_id {shown(text)} is not a partition and an offset")
    return int(found[1]), int(found[2])


async def _list(
    asked: Asked, request: Request, admission: Admission, settings: QuerySettings, cursors: Cursors
) -> Response:
    selection = asked.selection
    rest = None if asked.cursor is None else cursors.rest(selection, asked.cursor, MAX_SKIP)
    page: Page = await while_connected(
        request,
        lambda abandoned: admission.cluster.find(
            selection, asked.paging, rest, abandoned, caller=admission.caller.name
        ),
    )
    messages = [listed_message(selection.topic, found, settings.max_value_bytes, asked.preview) for found in page.found]
    return _answer(
        messages,
        total=page.total,
        exact=page.exact,
        cursor=None if page.rest is None else cursors.cursor(selection, page.rest),
        scan=ScanItem(
            records=page.read,
            milliseconds=round(page.seconds * 1000, 1),
            complete=page.rest is None,
            stopped_by=page.stopped_by,
        ),
    )


async def _one(
    asked: Asked, position: Position, admission: Admission, settings: QuerySettings, request_log: RequestLog
) -> Response:
    _, record = await admission.cluster.read(position)
    if asked.download:
        request_log.outcome = "ok"
        return _download(record)
    request_log.outcome = "ok"
    messages = [whole_message(record, settings.max_value_bytes)] if _matches(record, asked.selection) else []
    scan = ScanItem(records=1, milliseconds=0, complete=True, stopped_by=None)
    return _answer(messages, total=len(messages), exact=True, cursor=None, scan=scan)


def _matches(record: Record, selection: Selection) -> bool:
    position = (record.position.partition, record.position.offset)
    return selection.key in (None, record.key) and selection.position in (None, position)


def _download(record: Record) -> Response:
    """Return the value as it is, never as something that a browser would show."""
    if record.value is None:
        return Response(status_code=204, headers={"X-Resend-Null": "true"})
    position = record.position
    # A topic's name has nothing that a header or a file's name must not have.
    name = f"{position.topic}-{position.partition}-{position.offset}.bin"
    return Response(
        record.value,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _answer(messages: list[MessageItem], *, total: int, exact: bool, cursor: str | None, scan: ScanItem) -> Response:
    body = MessagesResponse(
        messages=messages,
        total=total,
        total_relation="exact" if exact else "upper_bound",
        size=len(messages),
        cursor=cursor,
        scan=scan,
    )
    # Fields that only some messages have are left out of the others; null is said.
    return Response(body.model_dump_json(exclude_unset=True), media_type="application/json")


def _refused(error: RequestRefused | ResendError, request_log: RequestLog) -> Response:
    request_log.outcome = row_of(error).error_code
    request_log.reason = getattr(error, "reason", None)
    return error_response(error)
