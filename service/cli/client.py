"""A client of the HTTP API: one instance, and what can be asked of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from service.cli.answers import OutcomeInDoubt, UsageError, answered, field, get, json_object
from service.cli.output import Json

if TYPE_CHECKING:
    import httpx

_COPY_DOUBT = "whether a copy was written is not known: look at the end of the partition before you try again"
_JOB_DOUBT = "whether the job was accepted is not known: look at the list of jobs before you try again"
_KEYED_DOUBT = (
    "whether it was done is not known: run the same command with the same --idempotency-key again, it is done once"
)


@dataclass(frozen=True, slots=True)
class CopyLocation:
    """Where a copy went, as the answer's headers tell.

    Attributes:
        partition: of the copy.
        offset: of the copy; None where Kafka acknowledged it without telling.
        timestamp: whose time it has: `original`, `now` or `broker`.
        replayed: an earlier request with the same Idempotency-Key has written it.
    """

    partition: int | None
    offset: int | None
    timestamp: str | None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class RecordsPage:
    """A page of records.

    Attributes:
        records: as the API tells them.
        cursor: where to continue; None when nothing follows.
        read: how many records were read for this page.
        stopped_by: what ended the page: `limit`, `records`, `seconds`, `bytes`; None when nothing follows.
        counts: what has become of what was scanned, by the API's names; those of all pages add up.
        left: how many offsets are still to be read.
        reached_ms: the time of the record that was read last; None where none has one.
        hint: what may be wrong with a filter that nothing in this page meets; None: nothing that is known.
    """

    records: Sequence[Json]
    cursor: str | None
    read: int
    stopped_by: str | None
    counts: Mapping[str, int]
    left: int
    reached_ms: int | None
    hint: str | None


@dataclass(frozen=True, slots=True)
class DeadLettersPage:
    """Groups of the dead letters that one request has read.

    Attributes:
        groups: as the API tells them.
        cursor: where to continue; None when nothing follows.
        read: how many records were read for this page.
        left: how many offsets are still to be read.
    """

    groups: Sequence[Json]
    cursor: str | None
    read: int
    left: int


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
            raise UsageError(f"the answer has {len(records)} records instead of one; is --url right?")
        return records[0]

    async def records(self, asked: Mapping[str, str]) -> RecordsPage:
        """Return a page of records; without their contents, unless `values` is asked for.

        Args:
            asked: the query's parameters, as the API names them.

        Raises:
            ApiError: one of its kinds.
        """
        answer = await self._read("/messages", asked)
        scan = field(answer, "scan", dict)
        cursor = field(answer, "cursor", str, type(None))
        counts: Mapping[str, int] = field(scan, "counts", dict)
        return RecordsPage(
            field(answer, "messages", list),
            cursor,
            scan["records"],
            scan["stopped_by"],
            counts,
            scan["left"],
            scan["reached_time"],
            scan["hint"],
        )

    async def dead_letters(self, asked: Mapping[str, str]) -> DeadLettersPage:
        """Return groups of some of a topic's dead letters.

        Args:
            asked: the query's parameters, as the API names them.

        Raises:
            ApiError: one of its kinds.
        """
        answer = await self._read("/dead-letters", asked)
        scan = field(answer, "scan", dict)
        cursor = field(answer, "cursor", str, type(None))
        return DeadLettersPage(field(answer, "groups", list), cursor, scan["records"], scan["left"])

    async def resend(
        self, topic: str, partition: int, offset: int, consumer_key: str | None, idempotency_key: str | None = None
    ) -> CopyLocation:
        """Have one copy of a record written, and return where it is.

        Args:
            topic: of the record.
            partition: of the record.
            offset: of the record.
            consumer_key: the recipient; None leaves the record's headers alone. An empty text is not None.
            idempotency_key: with the same one again nothing more is written; None sends none.

        Raises:
            ApiError: one of its kinds.
        """
        body: dict[str, object] = {"topic": topic, "partition": partition, "message_offset": offset}
        if consumer_key is not None:
            body["consumer_key"] = consumer_key
        request = self._http.build_request(
            "POST",
            f"{self._instance}/messages/action",
            params={"action_id": "resend"},
            json=body,
            headers=_key_header(idempotency_key),
        )
        answer = await answered(self._http, request, _COPY_DOUBT if idempotency_key is None else _KEYED_DOUBT)
        if (json_object(answer) or {}).get("message_offset") != offset:
            raise OutcomeInDoubt("the answer is not one of kafka-resend's; is --url right? Look for the copy, too")
        headers = answer.headers
        return CopyLocation(
            _whole(headers.get("X-Resend-Partition")),
            _whole(headers.get("X-Resend-Offset")),
            headers.get("X-Resend-Timestamp"),
            replayed=headers.get("Idempotency-Replayed") == "true",
        )

    async def make_job(self, spec: Json, idempotency_key: str | None = None) -> Json:
        """Create a job, and return it.

        Args:
            spec: the body, as the API has it.
            idempotency_key: with the same one again there is no second job, and the first one is returned.

        Raises:
            ApiError: one of its kinds.
        """
        return await self._ask_of_jobs("", spec, idempotency_key)

    async def jobs(self, states: str | None, limit: int, *, dry_runs: bool) -> Sequence[Json]:
        """Return the newest jobs.

        Args:
            states: only these, with commas between; None: all.
            limit: maximum number of them.
            dry_runs: those that write nothing, instead of the others.

        Raises:
            ApiError: one of its kinds.
        """
        found: list[Json] = []
        while len(found) < limit:
            asked = {
                "limit": str(min(limit - len(found), 1000)),
                "offset": str(len(found)),
                "dry_run": "true" if dry_runs else "false",
            }
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

    async def consumers_of_job(self, job_id: str, groups: Sequence[str]) -> Json:
        """Return how many of a job's copies consumer groups have committed past.

        Args:
            job_id: which job.
            groups: their ids; none: those that the cluster names.

        Raises:
            ApiError: one of its kinds.
        """
        answer = await self._read(f"/resend-jobs/{quote(job_id, safe='')}/consumers", {"group": list(groups)})
        found: list[Json] = field(answer, "groups", list)
        if groups and len(found) != len(set(groups)):
            raise UsageError(f"the answer has {len(found)} groups; is --url right?")
        return answer

    async def ask_of_job(
        self, job_id: str, action: str, body: Json | None = None, idempotency_key: str | None = None
    ) -> Json:
        """Have something done with a job, and return it, or the new one.

        Args:
            job_id: which job.
            action: cancel, pause, resume or resend-failed.
            body: what there is to say about it; None for nothing.
            idempotency_key: of resend-failed; with the same one again there is no second job.

        Raises:
            ApiError: one of its kinds.
        """
        return await self._ask_of_jobs(f"/{quote(job_id, safe='')}/{action}", body or {}, idempotency_key)

    async def _ask_of_jobs(self, path: str, body: Json, idempotency_key: str | None = None) -> Json:
        request = self._http.build_request(
            "POST", f"{self._instance}/resend-jobs{path}", json=body, headers=_key_header(idempotency_key)
        )
        doubt = _JOB_DOUBT if idempotency_key is None else _KEYED_DOUBT
        answer: Json = (await answered(self._http, request, doubt)).json()
        if not isinstance(answer.get("job_id"), str):
            raise OutcomeInDoubt("the answer is not one of kafka-resend's; is --url right?")
        return answer

    async def _read(self, path: str, asked: Mapping[str, str | list[str]]) -> Json:
        return await get(self._http, self._instance + path, asked)


def _key_header(idempotency_key: str | None) -> dict[str, str]:
    return {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
