"""`kafka-resend job start`: resend a selection of a topic's records."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
    IdempotencyKey,
    Instance,
    Json,
    Project,
    Token,
    TokenFile,
    Url,
    require_idempotency_key,
    require_text,
    target,
)

if TYPE_CHECKING:
    from service.cli.client import Api

_RANGE = re.compile(r"([0-9]{1,9}):([0-9]{1,18})-([0-9]{0,18})")
_POSITION = re.compile(r"([0-9]{1,9})@([0-9]{1,18})")
_LINES = 10_000
_WAYS = {"start_time": "times", "offsets": "--offsets", "messages": "--position"}
_SELECTING = (*_WAYS, "partitions")


def start_command(
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="Topic to resend records of.")],
    *,
    partition: Annotated[
        list[int] | None,
        typer.Option("--partition", metavar="INTEGER", min=0, help="Only this partition; may be repeated."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="AGO", help="Records since then: 30s, 10m, 2h, 3d, 1w.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="Records from then on, by their own timestamps; ISO 8601 or ms."),
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Records before then.")] = None,
    offsets: Annotated[
        list[str] | None,
        typer.Option(
            "--offsets",
            metavar="P:START-END",
            help="Offsets of a partition, the end exclusive; without an end, to the log's end; may be repeated.",
        ),
    ] = None,
    position: Annotated[
        list[str] | None,
        typer.Option("--position", metavar="P@OFFSET", help="This record; may be repeated."),
    ] = None,
    positions_file: Annotated[
        Path | None,
        typer.Option(
            "--positions-file",
            metavar="FILE",
            help="The records in this file, - for standard input: a line each, P@OFFSET or as `messages` prints them.",
        ),
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
    consumer_key: Annotated[
        str | None,
        typer.Option("--consumer-key", metavar="KEY", help="The recipient of the copies. Default: everybody."),
    ] = None,
    rate: Annotated[
        float | None, typer.Option("--rate", metavar="NUMBER", help="Maximum number of records per second.")
    ] = None,
    max_failures: Annotated[
        int | None,
        typer.Option("--max-failures", metavar="INTEGER", min=1, help="Stop the job after this many failures."),
    ] = None,
    redrive: Annotated[
        str | None,
        typer.Option(
            "--redrive",
            metavar="DIALECT",
            help="Dead letters: copy to where headers say that a record came from: auto, or whose headers, such as "
            "spring, spring-retry-topic, spring-cloud-stream, x-original, connect or streams.",
        ),
    ] = None,
    keep_origin_headers: Annotated[
        bool, typer.Option("--keep-origin-headers", help="With --redrive: leave these headers on the copies.")
    ] = False,
    group_as_recipient: Annotated[
        bool,
        typer.Option(
            "--group-as-recipient",
            help="With --redrive: each copy is for the consumer group that its dead letter names.",
        ),
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="All records of the topic, where neither a selection nor a filter is given.")
    ] = False,
    name: Annotated[
        str | None, typer.Option("--name", metavar="TEXT", help="What to call the job, in lists of jobs.")
    ] = None,
    provenance: Annotated[
        bool | None,
        typer.Option(
            "--provenance/--no-provenance",
            help="Whether copies have headers that say what they are copies of. Default: with --redrive and "
            "--max-resends.",
        ),
    ] = None,
    max_resends: Annotated[
        int | None,
        typer.Option(
            "--max-resends", metavar="INTEGER", min=1, help="List a record that jobs have resent that often as failed."
        ),
    ] = None,
    allow_duplicate: Annotated[
        bool,
        typer.Option(
            "--allow-duplicate",
            help="Resend also what another job has resent for the same recipient, or is about to. Without it, such a "
            "job is refused, or you are asked.",
        ),
    ] = False,
    idempotency_key: IdempotencyKey = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing: count and show what would be resent.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Follow the job to its end, and exit with 1 unless it succeeds.")
    ] = False,
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", help="Skip the confirmation prompt; required without a terminal."),
    ] = False,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    token_file: TokenFile = None,
    project: Project = None,
    instance: Instance = None,
) -> None:
    """Resend a selection of a topic's records, each exactly once for consumers of committed records.

    The records are those of a range of times, of offsets or of positions, those of a partition, or those that a filter
    such as --key lets through; all records of the topic only with --all.

    Before anything is written, the records are counted, and you are asked. Where there is no terminal to ask on, --yes
    is needed. A worker does the job (`kafka-resend serve` runs one), also when this command has ended.
    """
    from service.cli.job import follow, print_made
    from service.cli.job_confirm import can_ask, confirmed_selection
    from service.cli.output import is_interactive, tell, write_json
    from service.cli.session import run
    from service.cli.times import range_text, times

    require_text(TOPIC=topic, consumer_key=consumer_key, name=name)
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
    )
    require_idempotency_key(idempotency_key)
    if consumer_key is not None and group_as_recipient:
        raise typer.BadParameter("the recipient is --consumer-key or --group-as-recipient, not both")
    if idempotency_key is not None and (since is not None or (start is not None and end is None)):
        raise typer.BadParameter(
            "with an --idempotency-key name both ends of the range, by --from and --to: other ones make another job, "
            "and --since means another time whenever it is run"
        )
    asked = target(url, token, token_file, project, instance)
    interactive = is_interactive(as_json=as_json)
    spec: dict[str, Any] = {"topic": topic, "dry_run": dry_run}
    found = times(since, start, end, datetime.now(UTC))
    if found is not None:
        spec |= {"start_time": found.start_ms, "end_time": found.end_ms}
        tell(range_text(found))
    positions = [*_positions(position or ()), *_file_positions(positions_file)]
    optional: dict[str, object] = {
        "name": name,
        "provenance": provenance,
        "max_resends": max_resends,
        "allow_duplicate": allow_duplicate or None,
        "partitions": partition,
        "offsets": [_range(text) for text in offsets or ()],
        "messages": positions,
        "filter": asked_filter.body(),
        "consumer_key": consumer_key,
        "records_per_second": rate,
        "max_failures": max_failures,
        "target": _target(redrive, keep_headers=keep_origin_headers, group_as_recipient=group_as_recipient),
    }
    spec |= {name: value for name, value in optional.items() if value not in (None, [], {})}
    if positions_file is not None and not positions:
        raise typer.BadParameter(f"--positions-file {positions_file} names no record")
    _require_selection(spec, everything=everything)
    if not (dry_run or yes):
        if not can_ask():
            raise typer.BadParameter(
                "a job writes a copy of each record, and without a terminal there is nobody to ask whether it may: add "
                "--yes, or count with --dry-run"
            )
        # With a key, the same command has to ask for the same: the ends of the log are others each time.
        spec = confirmed_selection(spec, asked, pin=idempotency_key is None)
    made = ""

    async def make(api: Api) -> None:
        nonlocal made
        job = await api.make_job(spec, idempotency_key)
        made = job["job_id"]
        if interactive:
            print_made(job, followed=dry_run or watch)
        elif not (dry_run or watch):
            write_json([job])

    run(make, asked, audited=True)
    if dry_run or watch:
        follow(made, asked, interactive=interactive)


def _require_selection(spec: Mapping[str, Any], *, everything: bool) -> None:
    """Refuse to resend a whole topic because an option was forgotten; a dry run may count it.

    Raises:
        BadParameter: nothing is selected without --all, or something with it, or in two ways.
    """
    selected = [name for name in _SELECTING if name in spec]
    ways = [_WAYS[name] for name in selected if name in _WAYS]
    if len(ways) > 1:
        raise typer.BadParameter(f"records are selected by {ways[0]} or by {ways[1]}, not by both")
    filtered = {name for name in spec.get("filter", {}) if name != "include_resent"}
    if everything and (selected or filtered):
        raise typer.BadParameter("--all means all records of the topic: it goes with no selection and no filter")
    if not (everything or selected or filtered or spec["dry_run"]):
        raise typer.BadParameter(
            f"this would resend all records of {spec['topic']}: select some (--since, --from, --to, --offsets, "
            "--position, --partition, --key, --header, --jmespath), or say --all"
        )


def _range(text: str) -> dict[str, object]:
    found = _RANGE.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"--offsets {text} is not such as 0:100-200, or 0:100- up to the end of the log")
    partition, start, end = found.groups()
    return {"partition": int(partition), "start": int(start), "end": int(end) if end else None}


def _positions(texts: Iterable[str]) -> list[dict[str, int]]:
    positions = []
    for text in texts:
        found = _POSITION.fullmatch(text)
        if found is None:
            raise typer.BadParameter(f"{text[:100]} is no position such as 0@4242")
        positions.append({"partition": int(found[1]), "message_offset": int(found[2])})
    return positions


def _file_positions(file: Path | None) -> list[dict[str, int]]:
    if file is None:
        return []
    try:
        content = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise typer.BadParameter(f"--positions-file {file} cannot be read: {reason}") from None
    lines = [line.strip() for line in content.splitlines() if line.strip()]
    if len(lines) > _LINES:
        raise typer.BadParameter(f"--positions-file {file} has {len(lines)} lines; a job takes {_LINES} positions")
    return _positions(_json_position(line) if line.startswith("{") else line for line in lines)


def _json_position(line: str) -> str:
    """Return the position that a line of `messages` names, as text."""
    try:
        record = json.loads(line)
        return f"{record['partition']}@{record['message_offset']}"
    except (ValueError, KeyError, RecursionError):
        raise typer.BadParameter(f"{line[:100]} has no partition and message_offset") from None


def _target(dialect: str | None, *, keep_headers: bool, group_as_recipient: bool) -> dict[str, object] | None:
    if dialect is None:
        if keep_headers or group_as_recipient:
            option = "--keep-origin-headers" if keep_headers else "--group-as-recipient"
            raise typer.BadParameter(f"{option} goes together with --redrive")
        return None
    asked: dict[str, object] = {"dialect": dialect, "remove_headers": not keep_headers}
    if group_as_recipient:
        asked["group_as_recipient"] = True
    return asked
