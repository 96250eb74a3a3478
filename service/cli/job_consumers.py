"""How far consumer groups have committed past the copies of a job, in a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.options import require_text
from service.cli.streams import OutputClosed

if TYPE_CHECKING:
    from service.cli.client import Api
    from service.cli.output import Json as JsonObject

_LOOK_AGAIN_SECONDS = 1.0

Consumers = Annotated[
    bool,
    typer.Option("--consumers", help="Also show how many of its copies consumer groups have committed past."),
]
Groups = Annotated[
    list[str] | None,
    typer.Option(
        "--group",
        metavar="GROUP",
        help="Only this consumer group (several times for several); without it, those that the cluster names. "
        "Implies --consumers.",
    ),
]
UntilConsumed = Annotated[
    str | None,
    typer.Option(
        "--until-consumed",
        metavar="GROUP",
        help="Once the job has succeeded, wait until this consumer group has committed past all copies.",
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout", metavar="SECONDS", min=0.1, help="With --until-consumed: end after that long, with exit code 1."
    ),
]


def require_groups(groups: Sequence[str] | None) -> Sequence[str]:
    """Return the groups that are named.

    Raises:
        BadParameter: one is empty, or no text.
    """
    for group in groups or ():
        require_text(group=group)
        if not group:
            raise typer.BadParameter("--group is empty")
    return groups or ()


def require_until_consumed(group: str | None, timeout: float | None) -> None:
    """Refuse what does not go together.

    Raises:
        BadParameter: it says what.
    """
    require_text(until_consumed=group)
    if group is None and timeout is not None:
        raise typer.BadParameter("--timeout goes with --until-consumed")
    if group is not None and not group:
        raise typer.BadParameter("--until-consumed is empty")


def print_consumers(found: JsonObject) -> None:
    """Print the groups as a table, and what is missing."""
    from service.cli.output import Column, print_table, safe
    from service.cli.terminal import output

    console = output()
    console.print()
    if found["groups"]:
        columns = (Column("group"), Column("state", whole=True), Column("committed past", whole=True), Column("why"))
        print_table(
            columns,
            (
                (group["group"], group["state"].replace("_", " "), passed_text(group, found), group.get("reason") or "")
                for group in found["groups"]
            ),
        )
    else:
        console.print("no consumer group is known to have committed anything where the copies are")
    if not found["complete"]:
        console.print(safe(f"groups may be missing: {found['reason']}"))


def passed_text(group: JsonObject, found: JsonObject) -> str:
    """Return how many of the copies a group has committed past."""
    passed = group.get("copies_passed")
    if passed is None:
        return ""
    at_least = "" if group["passed_relation"] == "exact" else "at least "
    words = f"{at_least}{passed:,} of {found['copies']:,} copies"
    deleted = group.get("copies_deleted")
    return words if deleted is None else f"{words}, {deleted:,} deleted before"


async def wait_until_consumed(api: Api, job: JsonObject, group: str, *, interactive: bool) -> int:
    """Wait until a group has committed past all copies of a job that has ended; return the exit code.

    Raises:
        ApiError: one that waiting does not fix.
    """
    from service.cli.output import tell, write_json
    from service.cli.retrying import until_answered
    from service.cli.waiting import Waiting

    job_id = job["job_id"]
    if not job["counts"]["resent"]:
        tell(f"job {job_id} has no copies that {group} could pass")
        return 0
    async with Waiting(f"waiting for {group}") as waiting:
        while True:
            found = await until_answered(lambda: api.consumers_of_job(job_id, [group]))
            [consumer] = found["groups"]
            if consumer["state"] not in {"not_started", "passing"}:
                break
            waiting.tell(f"waiting for {group}: {passed_text(consumer, found)} passed")
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    # The exit code says whether it is past them, whether or not the rest is read.
    with suppress(OutputClosed):
        if not interactive:
            write_json([found])
    if consumer["state"] == "passed":
        tell(f"{group} has committed past all copies of job {job_id}: {found['copies']:,}")
        return 0
    tell(f"how far {group} has committed is not known: {consumer.get('reason') or found.get('reason')}")
    return 1
