"""`kafka-resend dead-letters`: what is in a dead-letter topic, and the command that resends each part of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

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
    from service.cli.output import Json as JsonObject

_SAID = ("dialect", "topic", "group", "reason", "problem")
_NONE = "-"


def dead_letters_command(
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="Dead-letter topic.")],
    *,
    partition: Annotated[
        int | None, typer.Option("--partition", metavar="INTEGER", min=0, help="Only this partition.")
    ] = None,
    dialect: Annotated[
        str | None,
        typer.Option("--dialect", metavar="DIALECT", help="Only dead letters of this dialect, such as spring."),
    ] = None,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    token_file: TokenFile = None,
    project: Project = None,
    instance: Instance = None,
) -> None:
    """Group the records of a dead-letter topic by where they came from, consumer group and class of the exception.

    Reads the whole topic. Each group comes with the command that sends its records back to where they came from; the
    command counts, and asks, before it writes. Add --group-as-recipient to it to have each copy for the group alone.
    """
    from service.cli.output import is_interactive, tell, write_json
    from service.cli.session import run

    require_text(TOPIC=topic, dialect=dialect)
    interactive = is_interactive(as_json=as_json)
    asked = {"topic": topic, "partition": partition, "dialect": dialect}
    query = {name: str(value) for name, value in asked.items() if value is not None}

    async def show(api: Api) -> None:
        groups = await _read(api, query)
        if not interactive:
            write_json({**group, "command": command(topic, partition, group)} for group in groups)
        elif groups:
            _print(groups, [command(topic, partition, group) for group in groups])
        else:
            tell("no records found")

    run(show, target(url, token, token_file, project, instance))


async def _read(api: Api, query: dict[str, str]) -> list[JsonObject]:
    """Return the groups of all pages, those that are the same added up, the largest first."""
    from service.cli.waiting import Waiting

    groups: dict[tuple[str | None, ...], JsonObject] = {}
    read = 0
    cursor: str | None = None
    async with Waiting("reading the dead letters") as waiting:
        while True:
            page = await api.dead_letters({**query, **({} if cursor is None else {"cursor": cursor})})
            for group in page.groups:
                said = tuple(group[name] for name in _SAID)
                groups[said] = added(groups[said], group) if said in groups else group
            read, cursor = read + page.read, page.cursor
            if cursor is None:
                break
            waiting.tell(f"{read:,} records read, at most {page.left:,} to read")
        waiting.step_aside()
    return sorted(groups.values(), key=lambda group: -int(group["count"]))


def added(one: JsonObject, other: JsonObject) -> JsonObject:
    """Return the group that two groups of the same dead letters are together."""
    first = [group["first_time"] for group in (one, other) if group["first_time"] is not None]
    last = [group["last_time"] for group in (one, other) if group["last_time"] is not None]
    return {
        **one,
        "count": one["count"] + other["count"],
        "already_resent": one["already_resent"] + other["already_resent"],
        "first_time": min(first, default=None),
        "last_time": max(last, default=None),
        "example": min(one["example"], other["example"], key=_place),
    }


def command(topic: str, partition: int | None, group: JsonObject) -> str | None:
    """Return the command that resends a group to where its records came from, for a shell; None for no dead letters."""
    if group["dialect"] is None:
        return None
    words = ["kafka-resend", "job", "start", topic, f"--redrive={group['dialect']}"]
    if partition is not None:
        words.append(f"--partition={partition}")
    # Also what is empty: without it, the groups that name one would be selected, too.
    words += [f"--dead-letter-{name}={group[name] or ''}" for name in ("dialect", "topic", "group", "reason")]
    return shlex.join(words)


def _print(groups: Sequence[JsonObject], commands: Iterable[str | None]) -> None:
    """Print some lines for each group: a table has no room for names of topics, groups and classes side by side."""
    from service.cli.output import safe
    from service.cli.terminal import output

    console = output()
    for number, (group, text) in enumerate(zip(groups, commands, strict=True), 1):
        head, *more = _lines(group)
        console.print(safe(f"{number:>3}  {head}", "bold"))
        if text is not None:
            # What `safe` has to change would be another command.
            more.append(
                text if text.isprintable() else "its command has characters that cannot be shown: --json has it"
            )
        for line in more:
            console.print(safe(f"     {line}"), soft_wrap=True)


def _lines(group: JsonObject) -> list[str]:
    """Return what there is to say about a group, the most important first."""
    from service.cli.output import time_text
    from service.cli.values import shown

    def text(name: str) -> str:
        value: Any = group[name]
        return _NONE if value is None else shown(value, reserved={_NONE})

    records = f"{group['count']:,} {'record' if group['count'] == 1 else 'records'}"
    resent = f", {group['already_resent']:,} of them already resent" if group["already_resent"] else ""
    times = " to ".join(
        _NONE if group[name] is None else time_text(group[name]) for name in ("first_time", "last_time")
    )
    where = f"{times}, such as {'@'.join(map(str, _place(group['example'])))}"
    if group["problem"] is not None:
        return [f"{records}{resent}, no dead letters: {group['problem']}", where]
    return [
        f"{records}{resent} of topic {text('topic')}, group {text('group')}",
        f"reason: {text('reason')}",
        f"{text('dialect')}, {where}",
    ]


def _place(position: JsonObject) -> tuple[int, int]:
    return position["partition"], position["message_offset"]
