"""`kafka-resend topics`: the topics of an instance, and whether their records can be resent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.hints import worded
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


def topics_command(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="Part of the topic's name, in any case, or a pattern such as 'orders.*'."
        ),
    ] = None,
    *,
    internal: Annotated[bool, typer.Option("--internal", help="Include Kafka's own topics.")] = False,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    token_file: TokenFile = None,
    project: Project = None,
    instance: Instance = None,
) -> None:
    """List topics: how many partitions and records they have, and whether a record of theirs can be resent.

    The number of records is that of the offsets in use; compaction and transactions leave gaps, so there may be fewer.
    """
    from service.cli.output import Column, is_interactive, print_table, write_json
    from service.cli.session import run
    from service.cli.waiting import Waiting

    require_text(name=name)
    interactive = is_interactive(as_json=as_json)

    async def show(api: Api) -> None:
        async with Waiting("asking for the topics") as waiting:
            found = [topic async for topic in api.topics(name, internal=internal)]
            waiting.step_aside()
        if not interactive:
            write_json(found)
            return
        columns = (
            Column("topic"),
            Column("partitions", number=True, whole=True),
            Column("records", number=True, whole=True),
            Column("resend"),
        )
        print_table(columns, (_row(topic) for topic in found))

    run(show, target(url, token, token_file, project, instance))


def _row(topic: JsonObject) -> tuple[str, ...]:
    refusal: JsonObject | None = topic["resend_refusal"]
    count = topic["record_count"]
    return (
        topic["name"],
        str(topic["partition"]),
        "-" if count is None else f"≤ {count}",
        "yes" if refusal is None and topic["resend_allowed"] else _refusal(refusal),
    )


def _refusal(refusal: JsonObject | None) -> str:
    if refusal is None:
        return "no"
    code = str(refusal["error_code"])
    return f"no: {worded(code, str(refusal['error_msg']))} [{code}]"
