"""`kafka-resend tail`: records as they are written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from kafka.backoff import Backoff
from kafka.search.order import merged_by_time
from service.cli.options import (
    Instance,
    Json,
    Project,
    Token,
    TokenFile,
    Url,
    require_text,
    target,
)

if TYPE_CHECKING:
    from service.cli.client import Api
    from service.cli.output import Json as JsonObject

_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0
_PREVIEW = 60
_PAGE = 1000
_AT_ONCE = 4
"""As many searches as the service runs at once for an instance, unless its settings say otherwise."""

_EXPIRED = "RESEND.00400103"


def tail_command(
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="Topic to follow.")],
    *,
    partition: Annotated[
        int | None, typer.Option("--partition", metavar="INTEGER", min=0, help="Only this partition.")
    ] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="KEY", help="Records with exactly this key only.")] = None,
    preview: Annotated[
        int | None,
        typer.Option(
            "--preview",
            metavar="INTEGER",
            min=0,
            max=200,
            help="Number of characters to show of each value. Default: 60 on a terminal, none in JSON.",
        ),
    ] = None,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    token_file: TokenFile = None,
    project: Project = None,
    instance: Instance = None,
) -> None:
    """Show each record that is written from now on, once, until Ctrl-C, which ends this with exit code 130.

    The records of a partition come in their order. Those of a transaction come when it has ended. While the service or
    the cluster is away, it is asked again, and nothing is left out but what Kafka deletes meanwhile, which is told.
    """
    from service.cli.output import is_interactive, record_line, write, write_json
    from service.cli.session import run

    require_text(TOPIC=topic, key=key)
    interactive = is_interactive(as_json=as_json)
    shown = preview if preview is not None else _PREVIEW if interactive else 0

    def show(records: list[JsonObject]) -> None:
        # Asked for all keys: how far a search without a result has come is not told.
        chosen = [
            record for record in records if key is None or (record["key"], record["key_encoding"]) == (key, "utf-8")
        ]
        if interactive:
            for record in chosen:
                write(record_line(record, preview=shown > 0))
        elif chosen:
            write_json(chosen)

    async def follow(api: Api) -> None:
        following = Following(api, topic, partition, shown)
        await following.start()
        pause = _PAUSE_SECONDS
        while True:
            await asyncio.sleep(pause)
            pause = await following.again(show)

    run(follow, target(url, token, token_file, project, instance))


@dataclass(frozen=True, slots=True)
class _Ends:
    """Where the partitions of a topic begin and end.

    Attributes:
        topic_id: tells a topic from a later one of the same name.
        bounds: log start offset and high watermark by partition.
    """

    topic_id: str | None
    bounds: dict[int, tuple[int, int]]


class Following:
    """Finds what was written to a topic since it was asked before.

    Args:
        api: where to ask.
        topic: which topic.
        partition: the only one to look at; None: all, later ones too.
        preview: how many characters of each value to bring along.
    """

    def __init__(self, api: Api, topic: str, partition: int | None, preview: int) -> None:
        self._api = api
        self._topic = topic
        self._partition = partition
        self._preview = preview
        self._topic_id: str | None = None
        self._next: dict[int, int] = {}
        self._away = False
        self._pauses = Backoff(2 * _PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
        self._searches = asyncio.Semaphore(_AT_ONCE)

    async def start(self) -> None:
        """Begin at the end, as it is now.

        Raises:
            ApiError: one of its kinds.
        """
        from service.cli.output import tell

        ends = await self._ends()
        self._topic_id = ends.topic_id
        self._next = {partition: end for partition, (_, end) in ends.bounds.items()}
        tell(f"following {self._topic} from its end, on {len(self._next)} partition(s); Ctrl-C ends this")

    async def again(self, show: Callable[[list[JsonObject]], None]) -> float:
        """Show what has come since, and return how many seconds to wait before the next time.

        Args:
            show: is given records, each once, those of a partition in their order.

        Raises:
            ApiError: one that waiting does not fix.
        """
        from service.cli.answers import Retryable
        from service.cli.output import tell

        try:
            full = await self._look(show)
        except Retryable as error:
            if not self._away:
                tell(f"{error}; asking again until it answers")
            self._away = True
            return self._pauses.begin()
        if self._away:
            tell("it answers again")
        self._away = False
        self._pauses.reset()
        return 0 if full else _PAUSE_SECONDS

    async def _look(self, show: Callable[[list[JsonObject]], None]) -> bool:
        """Show what has come since; return whether there is likely more at once."""
        ends = await self._ends()
        self._begin_anew(ends)
        waiting = [partition for partition, (_, end) in sorted(ends.bounds.items()) if self._next[partition] < end]
        pages = await asyncio.gather(*(self._page(partition) for partition in waiting))
        # By time as far as that goes: the order within a partition stays.
        show(merged_by_time(pages, _time_ms, ascending=True))
        for partition, page in zip(waiting, pages, strict=True):
            if page:
                self._next[partition] = page[-1]["message_offset"] + 1
        return any(len(page) >= _PAGE for page in pages)

    def _begin_anew(self, ends: _Ends) -> None:
        """Take in what became of the topic: made again, more partitions, records deleted before they were read."""
        from service.cli.output import tell

        # While its leader changes, a topic's id may not be known.
        if ends.topic_id is not None and ends.topic_id != self._topic_id:
            tell(f"topic {self._topic} was made again: its records are shown from the first on")
            self._topic_id = ends.topic_id
            self._next = {}
        for partition, (start, _) in ends.bounds.items():
            # A partition that was not there before is new, and all of its records are.
            begin = self._next.setdefault(partition, 0)
            if begin < start:
                tell(f"Kafka has deleted records of partition {partition} unread, from offset {begin} to {start - 1}")
                self._next[partition] = start

    async def _page(self, partition: int) -> list[JsonObject]:
        """Return the next records of a partition; none where there is only what consumers do not get to see."""
        from service.cli.answers import Refused

        asked = {
            "topic": self._topic,
            "partition": str(partition),
            "start_offset": str(self._next[partition]),
            "limit": str(_PAGE),
            **({"preview": str(self._preview)} if self._preview else {}),
        }
        cursor: dict[str, str] = {}
        async with self._searches:
            while True:
                try:
                    page = await self._api.records({**asked, **cursor})
                except Refused as error:
                    if error.error_code != _EXPIRED:
                        raise
                    # Deleted just now: the next look tells.
                    return []
                if page.records or page.cursor is None:
                    return list(page.records)
                # A long stretch without records that can be seen.
                cursor = {"cursor": page.cursor}

    async def _ends(self) -> _Ends:
        """Return where the partitions begin and end.

        Raises:
            UsageError: there is no such topic or partition.
            Retryable: the ends are not known.
            ApiError: another of its kinds.
        """
        from service.cli.answers import Retryable, UsageError

        found = await self._api.topic(self._topic)
        if found is None:
            raise UsageError(f"topic {self._topic} is not there, or is not granted to this caller")
        bounds = {
            bound["partition"]: (bound["log_start_offset"], bound["high_watermark"])
            for bound in found["partitions"] or ()
            if self._partition is None or bound["partition"] == self._partition
        }
        if not bounds:
            raise UsageError(f"topic {self._topic} has no partition {self._partition}")
        if any(start is None or end is None for start, end in bounds.values()):
            # The cluster may be choosing new leaders.
            raise Retryable(f"the service does not know where all partitions of topic {self._topic} end")
        return _Ends(found["topic_id"], bounds)


def _time_ms(record: JsonObject) -> int:
    """Return a record's timestamp as merged_by_time takes it."""
    time_ms: int | None = record["timestamp"]
    return -1 if time_ms is None else time_ms
