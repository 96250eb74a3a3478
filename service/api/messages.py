"""GET …/messages: find records, or look at one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.responses import Response

from kafka.filter.conditions import Filter
from kafka.model.records import MAX_OFFSET, MAX_PARTITION, Position, Record
from kafka.redrive.known import DialectRefused
from kafka.search.selection import Page, Paging, Selection
from service.api.access import Admission
from service.api.call import Call
from service.api.http_disconnect import while_connected
from service.api.parameters import Flag, Parameters, Tag, Text, TopicName, Whole
from service.api.schema.filter import parse_filter, require_known_dialect
from service.api.schema.query import MessageItem, MessagesResponse, listed_message, whole_message
from service.api.schema.scan import ScanItem, scan_item, scan_of_one
from service.http.refusals import (
    DownloadRefused,
    FilterRefused,
    MessageIdNotLegal,
    ParameterMissing,
    RangeRefused,
    shown,
)

_MAX_SKIP = 10_000
_MAX_PREVIEW = 200
_UTF8_BYTES = 4
_MESSAGE_ID = re.compile(r"([0-9]{1,10})-([0-9]{1,19})")

TOPIC = TopicName("topic", "Topic name.", required=True)
START_TIME = Whole("start_time", "First timestamp, Unix milliseconds.")
END_TIME = Whole("end_time", "First timestamp after the range.")
PARTITION = Whole("partition", "The only partition.", most=MAX_PARTITION)
MESSAGE_OFFSET = Whole("message_offset", "Offset of the one message.")
START_OFFSET = Whole("start_offset", "First offset of a list.")
END_OFFSET = Whole("end_offset", "First offset after the list.")
ASC = Flag("asc", "The oldest first, or the newest.")
LIMIT = Whole("limit", "Messages a page.", least=1, most=1000, default=100)
OFFSET = Whole("offset", "How many to leave out.", most=_MAX_SKIP, default=0)
CURSOR = Text("cursor", "Of the page before.")
KEY = Text("key", "Exactly this key, as UTF-8; not together with filter.")
FILTER = Text(
    "filter", "As the filter of a job, in JSON; without include_resent, copies are left out.", most_characters=16_384
)
MESSAGE_ID = Text("message_id", "Exactly this message, such as 0-4.")
TAG = Tag("tag", "Only empty: Kafka's records have none.")
PREVIEW = Whole("preview", "Characters of each value to show in a list.", most=_MAX_PREVIEW, default=0)
VALUES = Flag("values", "Each message of a list with its value and its headers.")
SECONDS = Whole("seconds", "How long to read at most; then it is answered with what was found.", least=1, most=60)
DOWNLOAD = Flag("download", "By position: the value's bytes as a file.")

PARAMETERS = (
    TOPIC,
    START_TIME,
    END_TIME,
    PARTITION,
    MESSAGE_OFFSET,
    START_OFFSET,
    END_OFFSET,
    ASC,
    LIMIT,
    OFFSET,
    CURSOR,
    KEY,
    FILTER,
    MESSAGE_ID,
    TAG,
    PREVIEW,
    VALUES,
    SECONDS,
    DOWNLOAD,
)


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


async def find_messages(call: Call[Admission]) -> Response:
    """Finds messages, or shows one.

    By time (`start_time` and `end_time`), by position (`partition` and `message_offset`: the message with its content),
    from an offset on (`partition` and `start_offset`), or else the newest. Send each answer's `cursor` back until it is
    null: a page may be empty although more follows, when one request has read as much as it may.
    """
    asked = parse_query(call.parameters)
    call.admitted.require_topic(asked.selection.topic)
    try:
        require_known_dialect(asked.selection.filter, call.admitted.cluster.config.dialects)
    except DialectRefused as error:
        raise FilterRefused(f"filter.dead_letters.dialect is {shown(error.name)}, {error.reason}") from None
    if asked.position is None:
        return await _list(asked, call)
    call.log.position = asked.position
    return await _one(asked, asked.position, call)


def parse_query(parameters: Parameters) -> Asked:
    """Return what a query asks for.

    By time goes before by position, that before a range of offsets; with none of these it is the newest records.

    Args:
        parameters: as they were sent.

    Raises:
        ParameterRefused, TopicNotLegal: it is none that can be answered.
    """
    topic = parameters.require(TOPIC)
    times_ms = times_of(parameters)
    partition = parameters.get(PARTITION)
    message_offset = parameters.get(MESSAGE_OFFSET)
    offsets = _offsets(parameters)
    for parameter in (MESSAGE_OFFSET, START_OFFSET):
        if parameter in parameters and partition is None and times_ms is None:
            raise ParameterMissing(f"the query has a {parameter.name}, but no partition")
    if times_ms is not None:
        message_offset, offsets = None, None
    position = None
    if message_offset is not None and partition is not None:
        position = Position(topic, partition, message_offset)
        offsets = None
    ascending = parameters.get(ASC)
    if ascending is None:
        ascending = times_ms is not None or offsets is not None
    parameters.get(TAG)
    download = parameters.get(DOWNLOAD) or False
    if download and position is None:
        raise DownloadRefused("the query asks for a download, but not of one record")
    preview = parameters.require(PREVIEW)
    selection = Selection(topic, partition, times_ms, offsets, ascending, _filter(parameters), _message_id(parameters))
    paging = Paging(
        parameters.require(LIMIT),
        parameters.require(OFFSET),
        preview * _UTF8_BYTES,
        parameters.get(VALUES) or False,
        parameters.get(SECONDS),
    )
    return Asked(selection, position, download, paging, preview, parameters.get(CURSOR))


def times_of(parameters: Parameters) -> tuple[int, int] | None:
    """Return the range of times that a query asks for, in milliseconds, the end not part of it; None for none.

    Raises:
        RangeRefused: it has only one end, or nothing within.
        ParameterRefused: an end is no time.
    """
    start = parameters.get(START_TIME)
    end = parameters.get(END_TIME)
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise RangeRefused(f"the query has no {'start_time' if start is None else 'end_time'}")
    if start >= end:
        raise RangeRefused(f"start_time {start} must be before end_time {end}")
    return start, end


def _offsets(parameters: Parameters) -> tuple[int, int | None] | None:
    start = parameters.get(START_OFFSET)
    end = parameters.get(END_OFFSET)
    if start is None:
        if end is not None:
            raise RangeRefused("the query has an end_offset, but no start_offset")
        return None
    if end is not None and start >= end:
        raise RangeRefused(f"start_offset {start} must be below end_offset {end}")
    return start, end


def _filter(parameters: Parameters) -> Filter | None:
    """Return which records a query asks for; None for all, copies too."""
    key, text = parameters.get(KEY), parameters.get(FILTER)
    if text is None:
        return None if key is None else Filter(key=key, include_resent=True)
    if key is not None:
        raise FilterRefused("the query has a key and a filter; the filter may have the key")
    return parse_filter(text)


def _message_id(parameters: Parameters) -> tuple[int, int] | None:
    text = parameters.get(MESSAGE_ID)
    if text is None:
        return None
    found = _MESSAGE_ID.fullmatch(text)
    if found is None or int(found[1]) > MAX_PARTITION or int(found[2]) >= MAX_OFFSET:
        raise MessageIdNotLegal(f"message_id {shown(text)} is not a partition and an offset")
    return int(found[1]), int(found[2])


async def _list(asked: Asked, call: Call[Admission]) -> Response:
    selection, cursors, admission = asked.selection, call.context.cursors, call.admitted
    rest = None if asked.cursor is None else cursors.rest(selection, asked.cursor, _MAX_SKIP)
    page: Page = await while_connected(
        call.request,
        lambda abandoned: admission.cluster.find(
            selection, asked.paging, rest, abandoned, caller=admission.caller.name
        ),
    )
    max_value_bytes = call.context.settings.query.max_value_bytes
    messages = [listed_message(selection.topic, found, max_value_bytes, asked.preview) for found in page.found]
    return _answer(
        messages,
        total=page.total,
        exact=page.exact,
        cursor=None if page.rest is None else cursors.cursor(selection, page.rest),
        scan=scan_item(page, selection.filter),
    )


async def _one(asked: Asked, position: Position, call: Call[Admission]) -> Response:
    _, record = await call.admitted.cluster.read(position)
    if asked.download:
        return _download(record)
    max_value_bytes = call.context.settings.query.max_value_bytes
    scan = scan_of_one(record, asked.selection, call.admitted.cluster.config.dialects)
    messages = [whole_message(record, max_value_bytes)] if scan.counts.matched else []
    return _answer(messages, total=len(messages), exact=True, cursor=None, scan=scan)


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
