"""A client of the HTTP API, which turns its answers into values and its errors into words and exit codes.

    ApiError
    ├── Refused            what was asked for is refused, and nothing was written           exit code 1
    ├── Misunderstood      the options do not name one instance, or no API is there         exit code 1
    ├── NotNow             nothing was written, and the same may be asked again             exit code 3
    └── OutcomeUnknown     whether a copy was written is not known                          exit code 4

Each carries its words and its exit code.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from service.cli.output import Json

if TYPE_CHECKING:
    import httpx

_GAVE_UP = (408, 499)
"""What proxies answer when they stopped waiting for the service, which may have gone on."""

_PROXY_WAITS = (502, 503, 504)
"""What proxies answer while there is no service behind them."""

_COPY_DOUBT = "whether a copy was written is not known: look at the end of the partition before you try again"
_JOB_DOUBT = "whether the job was accepted is not known: look at the list of jobs before you try again"
_NOT_WRITTEN_CODES = ("RESEND.00503", "RESEND.00504001")


class ApiError(Exception):
    """The root of the tree. Its text is for the person at the terminal and holds no token.

    Attributes:
        error_code: the API's, if it was the API that answered.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, words: str, error_code: str | None = None) -> None:
        super().__init__(words)
        self.error_code = error_code


class Refused(ApiError):
    """What was asked for is refused, and nothing was written."""


class Misunderstood(ApiError):
    """The options do not name one instance, or no API is there."""


class NotNow(ApiError):
    """Nothing was written, and the same may be asked again."""

    exit_code = 3


class OutcomeUnknown(ApiError):
    """Whether a copy was written is not known."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class Copy:
    """Where a copy went, as the answer's headers tell.

    Attributes:
        partition: of the copy.
        offset: of the copy; None where Kafka acknowledged it without telling.
        timestamp: whose time it has: `original`, `now` or `broker`.
    """

    partition: int | None
    offset: int | None
    timestamp: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of records.

    Attributes:
        records: as the API tells them.
        cursor: where to go on; None when nothing follows.
        read: how many records were read for this page.
        stopped_by: what ended the page: `limit`, `records`, `seconds`; None when nothing follows.
    """

    records: Sequence[Json]
    cursor: str | None
    read: int
    stopped_by: str | None


class Api:
    """One instance, as the API tells of it.

    Args:
        http: sends requests, with the caller's token.
        instance: path of the instance.
    """

    def __init__(self, http: httpx.AsyncClient, instance: str) -> None:
        self._http = http
        self._instance = instance

    async def topics(self, name: str | None, *, internal: bool) -> AsyncIterator[Json]:
        """Yield the topics whose names match, in the order of their names.

        Args:
            name: a part of the name, or a shell pattern; None: all.
            internal: Kafka's own topics, too.

        Raises:
            ApiError: one of its kinds.
        """
        asked = {
            "limit": "1000",
            "internal": "true" if internal else "false",
            **({} if name is None else {"name": name}),
        }
        offset = 0
        while True:
            answer = await self._read("/topics", {**asked, "offset": str(offset)})
            topics: list[Json] = field(answer, "topics", list)
            for topic in topics:
                yield topic
            offset += len(topics)
            if not topics or offset >= field(answer, "total", int):
                return

    async def topic(self, name: str) -> Json | None:
        """Return the topic of exactly this name, or None when there is none that the caller may see.

        Raises:
            ApiError: one of its kinds.
        """
        # A part of the name finds others as well.
        async for topic in self.topics(name, internal=True):
            if topic["name"] == name:
                return topic
        return None

    async def record(self, topic: str, partition: int, offset: int) -> Json:
        """Return the one record at a position, with its headers and its value.

        Raises:
            ApiError: one of its kinds.
        """
        answer = await self._read(
            "/messages", {"topic": topic, "partition": str(partition), "message_offset": str(offset)}
        )
        records: list[Json] = field(answer, "messages", list)
        if len(records) != 1:
            raise Misunderstood(f"the answer has {len(records)} records instead of one; is --url right?")
        return records[0]

    async def records(self, asked: Mapping[str, str]) -> Page:
        """Return a page of records without their contents.

        Args:
            asked: the query's parameters, as the API names them.

        Raises:
            ApiError: one of its kinds.
        """
        answer = await self._read("/messages", asked)
        scan = field(answer, "scan", dict)
        cursor = field(answer, "cursor", str, type(None))
        return Page(field(answer, "messages", list), cursor, scan["records"], scan["stopped_by"])

    async def resend(self, topic: str, partition: int, offset: int, consumer_key: str | None) -> Copy:
        """Have one copy of a record written, and return where it is.

        Args:
            topic: of the record.
            partition: of the record.
            offset: of the record.
            consumer_key: whom the copy is for; None leaves the record's headers alone. An empty text is not None.

        Raises:
            ApiError: one of its kinds.
        """
        body: dict[str, object] = {"topic": topic, "partition": partition, "message_offset": offset}
        if consumer_key is not None:
            body["consumer_key"] = consumer_key
        request = self._http.build_request(
            "POST", f"{self._instance}/messages/action", params={"action_id": "resend"}, json=body
        )
        answer = await _answered(self._http, request, _COPY_DOUBT)
        if (_object(answer) or {}).get("message_offset") != offset:
            raise OutcomeUnknown("the answer is not one of kafka-resend's; is --url right? Look for the copy, too")
        headers = answer.headers
        return Copy(
            _whole(headers.get("X-Resend-Partition")),
            _whole(headers.get("X-Resend-Offset")),
            headers.get("X-Resend-Timestamp"),
        )

    async def make_job(self, wish: Json) -> Json:
        """Have a job accepted, and return it.

        Args:
            wish: the body, as the API has it.

        Raises:
            ApiError: one of its kinds.
        """
        return await self._ask_of_jobs("", wish)

    async def jobs(self, states: str | None, limit: int) -> Sequence[Json]:
        """Return the newest jobs.

        Args:
            states: only these, with commas between; None: all.
            limit: at most so many.

        Raises:
            ApiError: one of its kinds.
        """
        found: list[Json] = []
        while len(found) < limit:
            asked = {"limit": str(min(limit - len(found), 1000)), "offset": str(len(found))}
            answer = await self._read("/resend-jobs", {**asked, **({} if states is None else {"state": states})})
            page: list[Json] = field(answer, "jobs", list)
            found += page
            if not page or len(found) >= field(answer, "total", int):
                break
        return found

    async def job(self, job_id: str) -> Json:
        """Return one job.

        Raises:
            ApiError: one of its kinds.
        """
        answer = await self._read(f"/resend-jobs/{quote(job_id, safe='')}", {})
        field(answer, "state", str)
        return answer

    async def ask_of_job(self, job_id: str, action: str) -> Json:
        """Have something done with a job, and return it, or the new one.

        Args:
            job_id: which job.
            action: cancel, pause, resume or resend-failed.

        Raises:
            ApiError: one of its kinds.
        """
        return await self._ask_of_jobs(f"/{quote(job_id, safe='')}/{action}", {})

    async def _ask_of_jobs(self, path: str, body: Json) -> Json:
        request = self._http.build_request("POST", f"{self._instance}/resend-jobs{path}", json=body)
        answer: Json = (await _answered(self._http, request, _JOB_DOUBT)).json()
        if not isinstance(answer.get("job_id"), str):
            raise OutcomeUnknown("the answer is not one of kafka-resend's; is --url right?")
        return answer

    async def _read(self, path: str, asked: Mapping[str, str]) -> Json:
        return await get(self._http, self._instance + path, asked)


def field(answer: Json, name: str, *kinds: type) -> Any:
    """Return a field of an answer.

    Raises:
        Misunderstood: it is not there, or of another kind: whoever answered is not this API.
    """
    if name not in answer or not isinstance(answer[name], kinds):
        raise Misunderstood(f"the answer has no {name} as kafka-resend's has; is --url right?")
    return answer[name]


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


async def get(http: httpx.AsyncClient, path: str, asked: Mapping[str, str]) -> Json:
    """Return the object that a request for reading is answered with.

    Args:
        http: sends it.
        path: on the service.
        asked: the query's parameters.

    Raises:
        ApiError: one of its kinds.
    """
    answer = await _answered(http, http.build_request("GET", path, params=dict(asked)), None)
    body: Json = answer.json()
    return body


async def _answered(http: httpx.AsyncClient, request: httpx.Request, doubt: str | None) -> httpx.Response:
    """Return the answer with status 200 or 202 to a request.

    Args:
        http: sends it.
        request: what to send.
        doubt: what is not known without an answer; None: the request changes nothing.

    Raises:
        ApiError: one of its kinds.
    """
    import httpx

    request_id = secrets.token_hex(16)
    request.headers["X-Request-Id"] = request_id
    lost: type[ApiError] = NotNow if doubt is None else OutcomeUnknown
    doubted = "" if doubt is None else f"; {doubt} (the service's log has the request as {request_id})"
    try:
        answer = await http.send(request)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
        raise NotNow(f"cannot connect to {_origin(request)}: {_reason(error)}; nothing was written") from None
    except httpx.HTTPError as error:
        raise lost(f"the connection to {_origin(request)} was lost: {_reason(error)}{doubted}") from None
    body = _object(answer)
    if answer.status_code in {200, 202} and body is not None:
        return answer
    code, words = (None, None) if body is None else (_text(body, "error_code"), _text(body, "error_msg"))
    if code is None or words is None:
        what = f"{_origin(request)} answered with status {answer.status_code}, but not as kafka-resend does"
        if doubt is None and answer.status_code in _PROXY_WAITS:
            raise NotNow(what)
        if doubt is None or (300 <= answer.status_code < 500 and answer.status_code not in _GAVE_UP):
            raise Misunderstood(f"{what}; is --url right?")
        raise OutcomeUnknown(f"{what}{doubted}")
    said = f"{words} [{code}]"
    if answer.status_code < 500:
        raise Refused(said, code)
    if doubt is None or code.startswith(_NOT_WRITTEN_CODES):
        raise NotNow(said, code)
    raise OutcomeUnknown(f"{said}; its X-Request-Id is {request_id}", code)


def _object(answer: httpx.Response) -> Json | None:
    """Return the JSON object that the body is, or None."""
    try:
        body = json.loads(answer.content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _text(body: Json, name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) else None


def _origin(request: httpx.Request) -> str:
    # Without the path, and never with what a URL may hold besides.
    return f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
