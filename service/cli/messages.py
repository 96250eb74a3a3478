"""`kafka-resend messages`: find records, and look at one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.count_words import matched_words
from service.cli.filter_options import (
    AskedFilter,
    DeadLetterDialect,
    DeadLetterGroup,
    DeadLetterReason,
    DeadLetterTopic,
    IncludeResent,
    Jmespath,
    Key,
    KeyContains,
    KeyPrefix,
    WithHeader,
    WithoutHeader,
)
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
    from service.cli.client import Api, RecordsPage

_LIMIT = 100
_PAGE = 1000
_PREVIEW = 80
_TELL_SECONDS = 2
"""A search to the end says that often how far it is."""


def messages_command(
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="Topic to search.")],
    *,
    since: Annotated[
        str | None, typer.Option("--since", metavar="AGO", help="Records of the last 30s, 10m, 2h, 3d or 1w.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TIME",
            help="Records from this time on: 2026-01-31T13:45:00+01:00 (without a zone: local time), or Unix "
            "milliseconds.",
        ),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Records before this time, in the same form as --from.")
    ] = None,
    partition: Annotated[
        int | None, typer.Option("--partition", metavar="INTEGER", min=0, help="Only this partition.")
    ] = None,
    offset: Annotated[
        int | None,
        typer.Option(
            "--offset", metavar="OFFSET", min=0, help="The one record there, with headers and value; needs --partition."
        ),
    ] = None,
    start_offset: Annotated[
        int | None,
        typer.Option("--start-offset", metavar="OFFSET", min=0, help="Records from this offset on; needs --partition."),
    ] = None,
    key: Key = None,
    key_prefix: KeyPrefix = None,
    key_contains: KeyContains = None,
    header: WithHeader = None,
    without_header: WithoutHeader = None,
    jmespath: Jmespath = None,
    include_resent: IncludeResent = False,
    dead_letter_dialect: DeadLetterDialect = None,
    dead_letter_topic: DeadLetterTopic = None,
    dead_letter_group: DeadLetterGroup = None,
    dead_letter_reason: DeadLetterReason = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="INTEGER", min=1, help="Maximum number of records. Default: 100.")
    ] = None,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Search to the end, however much the service has to read; no limit but --limit."),
    ] = False,
    cursor: Annotated[
        str | None,
        typer.Option("--cursor", metavar="TEXT", help="Continue where the same search stopped, which told this text."),
    ] = None,
    values: Annotated[
        bool, typer.Option("--values", help="JSON lines, each record with its whole value and its headers.")
    ] = False,
    preview: Annotated[
        int | None,
        typer.Option(
            "--preview",
            metavar="INTEGER",
            min=0,
            max=200,
            help="Number of characters to show of each value. Default: 80 in a table, none in JSON.",
        ),
    ] = None,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    token_file: TokenFile = None,
    project: Project = None,
    instance: Instance = None,
) -> None:
    """Find records: the newest ones first, or those of a range of times, or those from an offset on.

    Times are the records' own timestamps. A copy that was resent has, as a rule, that of its original.

    Options such as --key and --jmespath choose records as those of `job start` do: copies are left out, and counted,
    unless --include-resent is there.

    With --partition and --offset, show the one record there with its headers and its value.

    A search that reads more than the service allows for one request stops there and says so; --all continues.
    """
    from service.cli.output import is_interactive, tell
    from service.cli.times import range_text, times

    require_text(TOPIC=topic, cursor=cursor)
    asked_filter = AskedFilter(
        key=key,
        key_prefix=key_prefix,
        key_contains=key_contains,
        headers=header or (),
        without_headers=without_header or (),
        jmespath=jmespath,
        include_resent=include_resent,
        dead_letter_dialect=dead_letter_dialect,
        dead_letter_topic=dead_letter_topic,
        dead_letter_group=dead_letter_group,
        dead_letter_reason=dead_letter_reason,
    ).body()
    asked = target(url, token, token_file, project, instance)
    between = times(since, start, end, datetime.now(UTC))
    wanted = _Wanted(
        most=limit if limit is not None else None if everything else _LIMIT,
        everything=everything,
        interactive=is_interactive(as_json=as_json or values),
        filtered=bool(asked_filter),
    )
    _check_places(partition, offset, start_offset, by_time=between is not None)
    if offset is not None and (asked_filter or limit is not None or everything or values or cursor is not None):
        raise typer.BadParameter("--offset shows the one record there, with all of it: it takes no other choice")
    if set(asked_filter) == {"include_resent"}:
        raise typer.BadParameter("--include-resent has nothing to say without a filter: copies are listed then, too")
    shown = preview if preview is not None else _PREVIEW if wanted.interactive else 0
    from service.cli.session import run

    if offset is not None and partition is not None:
        one = partition, offset

        async def show(api: Api) -> None:
            await _show_one(api, topic, *one, interactive=wanted.interactive)

        run(show, asked)
        return
    query = {"topic": topic}
    optional = {
        "partition": partition,
        "start_offset": start_offset,
        "filter": json.dumps(asked_filter, ensure_ascii=False) if asked_filter else None,
        "preview": shown or None,
        "values": "true" if values else None,
        "seconds": _TELL_SECONDS if everything else None,
        "cursor": cursor,
    }
    query |= {name: str(value) for name, value in optional.items() if value is not None}
    if between is not None:
        query |= {"start_time": str(between.start_ms), "end_time": str(between.end_ms)}
        if wanted.interactive or between.zone_assumed:
            tell(range_text(between))

    async def find(api: Api) -> None:
        await _find(api, query, wanted, preview=shown > 0)

    run(find, asked)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is wanted of a search.

    Attributes:
        most: how many records at most; None: no limit.
        everything: continue where a bound of the service stopped a search.
        interactive: print tables.
        filtered: only records that meet a filter.
    """

    most: int | None
    everything: bool
    interactive: bool
    filtered: bool


def _check_places(partition: int | None, offset: int | None, start_offset: int | None, *, by_time: bool) -> None:
    """Refuse options that do not go together: the API would go by one of them and not tell that it left out another.

    Raises:
        BadParameter: naming them.
    """
    if offset is not None and start_offset is not None:
        raise typer.BadParameter("--offset (one record) does not go together with --start-offset (from there on)")
    if (offset is not None or start_offset is not None) and partition is None:
        raise typer.BadParameter("an offset is one of a partition: name it with --partition")
    if (offset is not None or start_offset is not None) and by_time:
        raise typer.BadParameter("records are found by time or by offset, not by both")


async def _show_one(api: Api, topic: str, partition: int, offset: int, *, interactive: bool) -> None:
    from service.cli.output import print_record, write_json
    from service.cli.waiting import Waiting

    async with Waiting("reading the record") as waiting:
        record = await api.record(topic, partition, offset)
        waiting.step_aside()
    if interactive:
        print_record(record)
    else:
        write_json([record])


async def _find(api: Api, query: Mapping[str, str], wanted: _Wanted, *, preview: bool) -> None:
    """Print the records that a query finds, page by page.

    Args:
        api: where to ask.
        query: what to ask for.
        wanted: how much of it.
        preview: the tables have a column for the value.
    """
    from service.cli.output import print_records, tell, write_json
    from service.cli.waiting import Waiting

    found = read = 0
    counts: Counter[str] = Counter()
    asked = dict(query)
    async with Waiting("searching") as waiting:
        while True:
            limit = _PAGE if wanted.most is None else min(wanted.most - found, _PAGE)
            page = await api.records({**asked, "limit": str(limit)})
            found += len(page.records)
            read += page.read
            counts.update(page.counts)
            if page.records:
                waiting.step_aside()
                if wanted.interactive:
                    print_records(page.records, preview=preview)
                else:
                    write_json(page.records)
            bound = page.stopped_by not in {"limit", None}
            if page.cursor is None or found == wanted.most or (bound and not wanted.everything):
                break
            asked["cursor"] = page.cursor
            waiting.tell(_progress_words(found, counts, page))
    if wanted.filtered:
        tell(matched_words(counts))
        if not counts["matched"] and page.hint is not None:
            tell(page.hint)
    if page.cursor is not None and found != wanted.most:
        tell(
            f"{found:,} records found; stopped after {read:,} were read, and there are more to look at: --all "
            f"continues, and --cursor {page.cursor} from here"
        )
    elif wanted.interactive and not found and not wanted.filtered:
        tell("no records found")
    elif wanted.interactive and page.cursor is not None:
        tell(f"{found:,} records shown; there may be more: --limit or --all shows them")


def _progress_words(found: int, counts: Mapping[str, int], page: RecordsPage) -> str:
    """Return how far a search is: what was found and scanned, what is left, and the time that is reached."""
    from service.cli.output import time_text

    reached = "" if page.reached_ms is None else f", at {time_text(page.reached_ms)}"
    return f"{found:,} found, {counts['scanned']:,} scanned, at most {page.left:,} left{reached}"
