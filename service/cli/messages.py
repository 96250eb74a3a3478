"""`kafka-resend messages`: find records, and look at one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

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

_LIMIT = 100
_PAGE = 1000
_PREVIEW = 80


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
    key: Annotated[str | None, typer.Option("--key", metavar="KEY", help="Records with exactly this key only.")] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="INTEGER", min=1, help="Maximum number of records. Default: 100.")
    ] = None,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Search to the end, however much the service has to read; no limit but --limit."),
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

    With --partition and --offset, show the one record there with its headers and its value.

    A search that reads more than the service allows for one request stops there and says so; --all continues.
    """
    from service.cli.output import is_interactive, tell
    from service.cli.times import range_text, times

    require_text(TOPIC=topic, key=key)
    asked = target(url, token, token_file, project, instance)
    between = times(since, start, end, datetime.now(UTC))
    _check(partition, offset, start_offset, key, limit, by_time=between is not None, everything=everything)
    interactive = is_interactive(as_json=as_json)
    shown = preview if preview is not None else _PREVIEW if interactive else 0
    from service.cli.session import run

    if offset is not None and partition is not None:
        one = partition, offset

        async def show(api: Api) -> None:
            await _show_one(api, topic, *one, interactive=interactive)

        run(show, asked)
        return
    query = {"topic": topic}
    optional = {"partition": partition, "start_offset": start_offset, "key": key, "preview": shown or None}
    query |= {name: str(value) for name, value in optional.items() if value is not None}
    if between is not None:
        query |= {"start_time": str(between.start_ms), "end_time": str(between.end_ms)}
        if interactive or between.zone_assumed:
            tell(range_text(between))
    most = limit if limit is not None else None if everything else _LIMIT

    async def find(api: Api) -> None:
        await _find(api, query, most, everything=everything, interactive=interactive, preview=shown > 0)

    run(find, asked)


def _check(
    partition: int | None,
    offset: int | None,
    start_offset: int | None,
    key: str | None,
    limit: int | None,
    *,
    by_time: bool,
    everything: bool,
) -> None:
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
    if offset is not None and (key is not None or limit is not None or everything):
        raise typer.BadParameter("--offset shows the one record there: --key, --limit and --all have nothing to say")
    if key == "":
        raise typer.BadParameter("an empty --key cannot be looked for")


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


async def _find(
    api: Api, query: dict[str, str], most: int | None, *, everything: bool, interactive: bool, preview: bool
) -> None:
    """Print the records that a query finds, page by page.

    Args:
        api: where to ask.
        query: what to ask for.
        most: how many records at most; None: no limit.
        everything: continue where a bound of the service stopped a search.
        interactive: print tables.
        preview: the tables have a column for the value.
    """
    from service.cli.output import print_records, tell, write_json
    from service.cli.waiting import Waiting

    found = read = 0
    cursor: str | None = None
    async with Waiting("searching") as waiting:
        while True:
            wanted = _PAGE if most is None else min(most - found, _PAGE)
            page = await api.records({**query, "limit": str(wanted), **({} if cursor is None else {"cursor": cursor})})
            found += len(page.records)
            read += page.read
            if page.records:
                waiting.step_aside()
                if interactive:
                    print_records(page.records, preview=preview)
                else:
                    write_json(page.records)
            cursor = page.cursor
            bound = page.stopped_by in {"records", "seconds"}
            if cursor is None or found == most or (bound and not everything):
                break
            waiting.tell(f"{found} records found, {read} read")
    if cursor is not None and found != most:
        tell(f"{found} records found; stopped after {read} were read, and there are more to look at: --all continues")
    elif interactive and not found:
        tell("no records found")
    elif interactive and cursor is not None:
        tell(f"{found} records shown; there may be more: --limit or --all shows them")
