"""`kafka-resend job start`: resend a selection of a topic's records."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.options import Instance, Json, Project, Token, TokenFile, Url, require_text, target

if TYPE_CHECKING:
    from service.cli.client import Api

_RANGE = re.compile(r"([0-9]{1,9})@([0-9]{1,18})-([0-9]{0,18})")
_POSITION = re.compile(r"([0-9]{1,9})@([0-9]{1,18})")
_LINES = 10_000


def start_command(
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="Topic whose records are meant.")],
    *,
    partition: Annotated[
        list[int] | None,
        typer.Option("--partition", metavar="NUMBER", min=0, help="These partitions only; may be given repeatedly."),
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
            metavar="P@START-END",
            help="These offsets of a partition, the end not included and may be left out; may be given repeatedly.",
        ),
    ] = None,
    position: Annotated[
        list[str] | None,
        typer.Option("--position", metavar="P@OFFSET", help="This record; may be given repeatedly."),
    ] = None,
    positions_file: Annotated[
        Path | None,
        typer.Option(
            "--positions-file",
            metavar="FILE",
            help="The records in this file, - for standard input: a line each, P@OFFSET or as `messages` prints them.",
        ),
    ] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="KEY", help="Records with exactly this key only.")] = None,
    header: Annotated[
        list[str] | None,
        typer.Option("--header", metavar="NAME[=VALUE]", help="Records with this header only; may be repeated."),
    ] = None,
    without_header: Annotated[
        list[str] | None,
        typer.Option("--without-header", metavar="NAME", help="Records without this header only; may be repeated."),
    ] = None,
    jmespath: Annotated[
        str | None,
        typer.Option("--jmespath", metavar="EXPRESSION", help="Records for whose JSON value this is true only."),
    ] = None,
    copies: Annotated[
        bool, typer.Option("--copies", help="Also records that carry a consumer_key: most of these are copies.")
    ] = False,
    consumer_key: Annotated[
        str | None,
        typer.Option("--consumer-key", metavar="KEY", help="Whom the copies are for. Default: for everybody."),
    ] = None,
    rate: Annotated[
        float | None, typer.Option("--rate", metavar="NUMBER", help="At most so many records a second.")
    ] = None,
    stop_after_failures: Annotated[
        int | None,
        typer.Option("--stop-after-failures", metavar="NUMBER", min=1, help="End when so many could not be resent."),
    ] = None,
    to_origin: Annotated[
        str | None,
        typer.Option(
            "--to-origin",
            metavar="WHOSE",
            help="Dead letters: copy to where the headers of spring, connect or any say that a record came from.",
        ),
    ] = None,
    remove_origin_headers: Annotated[
        bool, typer.Option("--remove-origin-headers", help="With --to-origin: leave these headers away.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing: count what would be resent, and show it.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the job to its end.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before.")] = False,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    token_file: TokenFile = None,
    project: Project = None,
    instance: Instance = None,
) -> None:
    """Resend a selection of a topic's records, each exactly once for consumers of committed records.

    Without --since, --from, --to, --offsets or positions, all records of the topic are meant. On a terminal the command
    asks before it writes. A worker does the job (`kafka-resend serve` runs one), also when this command has ended.
    """
    from service.cli.job import follow, print_made
    from service.cli.opening import run
    from service.cli.output import for_person, tell, write_json
    from service.cli.times import range_text, times

    require_text(
        TOPIC=topic, key=key, jmespath=jmespath, consumer_key=consumer_key, header="".join(header or ()) or None
    )
    asked = target(url, token, token_file, project, instance)
    person = for_person(as_json=as_json)
    wish: dict[str, object] = {"topic": topic, "dry_run": dry_run}
    found = times(since, start, end, datetime.now(UTC))
    if found is not None:
        wish |= {"start_time": found.start_ms, "end_time": found.end_ms}
        tell(range_text(found))
    positions = [*_positions(position or ()), *_file_positions(positions_file)]
    optional: dict[str, object] = {
        "partitions": partition,
        "offsets": [_range(text) for text in offsets or ()],
        "messages": positions,
        "filter": _filter(key, header or (), without_header or (), jmespath, copies=copies),
        "consumer_key": consumer_key,
        "records_per_second": rate,
        "stop_after_failures": stop_after_failures,
        "target": _target(to_origin, remove_headers=remove_origin_headers),
    }
    wish |= {name: value for name, value in optional.items() if value not in (None, [], {})}
    if positions_file is not None and not positions:
        raise typer.BadParameter(f"--positions-file {positions_file} names no record")
    if person and not dry_run and not yes and sys.stdin.isatty():
        _ask(topic, consumer_key)
    made = ""

    async def make(api: Api) -> None:
        nonlocal made
        job = await api.make_job(wish)
        made = job["job_id"]
        if person:
            print_made(job)
        elif not (dry_run or watch):
            write_json([job])

    run(make, asked, audited=True)
    if dry_run or watch:
        follow(made, asked, person=person)


def _ask(topic: str, consumer_key: str | None) -> None:
    whom = "everybody" if consumer_key is None else consumer_key
    question = f"Resend what is selected of {topic}, for {whom}? With --dry-run it would only be counted."
    typer.confirm(question, abort=True, err=True)


def _range(text: str) -> dict[str, object]:
    found = _RANGE.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"--offsets {text} is not such as 0@100-200, or 0@100- up to the end of the log")
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


def _filter(
    key: str | None, headers: Iterable[str], without: Iterable[str], jmespath: str | None, *, copies: bool
) -> dict[str, object]:
    conditions: list[dict[str, object]] = []
    for text in headers:
        name, sign, value = text.partition("=")
        conditions.append({"name": name, "value": value} if sign else {"name": name})
    conditions += [{"name": name, "absent": True} for name in without]
    wanted: dict[str, object] = {}
    if key is not None:
        wanted["key"] = key
    if conditions:
        wanted["headers"] = conditions
    if jmespath is not None:
        wanted["jmespath"] = jmespath
    if copies:
        wanted["copies"] = True
    return wanted


def _target(origin: str | None, *, remove_headers: bool) -> dict[str, object] | None:
    if origin is None:
        if remove_headers:
            raise typer.BadParameter("--remove-origin-headers goes together with --to-origin")
        return None
    return {"origin": origin, "remove_headers": remove_headers}
