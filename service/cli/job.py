"""`kafka-resend job list`, `show` and `watch`. `start` is in job_start, what is asked of a job in job_ask."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.job_consumers import (
    Consumers,
    Groups,
    Timeout,
    UntilConsumed,
    require_groups,
    require_until_consumed,
)
from service.cli.options import (
    Endpoint,
    Instance,
    Json,
    Project,
    Token,
    TokenFile,
    Url,
    require_text,
    target,
)
from service.cli.streams import OutputClosed

if TYPE_CHECKING:
    from service.cli.client import Api
    from service.cli.output import Json as JsonObject

_LOOK_AGAIN_SECONDS = 0.5
_FIRST_RECORDS = 5
NO_WORKER_SECONDS = 10.0
NO_WORKER = "no worker has taken the job yet; does one run? (kafka-resend worker)"

JobId = Annotated[str, typer.Argument(metavar="JOB", help="Id of the job, such as 3-5f0c…")]


def list_command(
    *,
    state: Annotated[
        str | None,
        typer.Option(
            "--state",
            metavar="STATES",
            help="Only these, with commas between: pending, running, paused, succeeded, failed, cancelled.",
        ),
    ] = None,
    dry_runs: Annotated[
        bool, typer.Option("--dry-runs", help="Dry runs, which write nothing, instead of jobs.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", metavar="INTEGER", min=1, help="Maximum number of jobs.")] = 100,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    token_file: TokenFile = None,
    project: Project = None,
    instance: Instance = None,
) -> None:
    """List jobs, the newest first: those of this project, over topics that the caller may resend."""
    from service.cli.job_output import print_jobs
    from service.cli.output import is_interactive, write_json
    from service.cli.session import run

    require_text(state=state)
    interactive = is_interactive(as_json=as_json)

    async def show(api: Api) -> None:
        found = await api.jobs(state, limit, dry_runs=dry_runs)
        if interactive:
            print_jobs(found)
        else:
            write_json(found)

    run(show, target(url, token, token_file, project, instance))


def show_command(
    job: JobId,
    *,
    consumers: Consumers = False,
    group: Groups = None,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    token_file: TokenFile = None,
    project: Project = None,
    instance: Instance = None,
) -> None:
    """Show all about one job: counts, partitions, what failed and why, and what a dry run has found.

    With --consumers also how many of its copies each consumer group has committed past. That it has processed them is
    not said: it may have skipped them.
    """
    from service.cli.output import is_interactive
    from service.cli.session import run

    require_text(JOB=job)
    groups = require_groups(group)
    interactive = is_interactive(as_json=as_json)

    async def show(api: Api) -> None:
        found = await api.job(job)
        asked = consumers or groups
        _print(found, interactive=interactive, consumers=await api.consumers_of_job(job, groups) if asked else None)

    run(show, target(url, token, token_file, project, instance))


def watch_command(
    job: JobId,
    *,
    until_consumed: UntilConsumed = None,
    timeout: Timeout = None,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    token_file: TokenFile = None,
    project: Project = None,
    instance: Instance = None,
) -> None:
    """Follow a job to its end, with its rate and the time left; exit code 0 when it succeeded, else 1.

    With --until-consumed, 0 when in addition that consumer group has committed past all copies, else 1. While the
    service or the cluster is away, it is asked again. Ctrl-C ends the watching, not the job.
    """
    from service.cli.output import is_interactive

    require_text(JOB=job)
    require_until_consumed(until_consumed, timeout)
    asked = target(url, token, token_file, project, instance)
    interactive = is_interactive(as_json=as_json)
    follow(job, asked, interactive=interactive, until_consumed=until_consumed, timeout_seconds=timeout)


def waiting_words(job: JsonObject) -> str:
    """Return why no worker has taken a job yet."""
    waits_for = job.get("waits_for")
    return NO_WORKER if waits_for is None else f"the job waits for {waits_for} (kafka-resend worker)"


def print_made(job: JsonObject, *, followed: bool = False) -> None:
    """Say that a job was accepted, and how to follow it, unless that comes by itself."""
    from service.cli.output import safe
    from service.cli.terminal import output

    counts: JsonObject = job["counts"]
    output().print(
        safe(f"job {job['job_id']} accepted; up to {counts['selected']:,} records of {job['topic']} to scan"),
        soft_wrap=False,
    )
    if not followed:
        output().print(safe(f"follow it with: kafka-resend job watch {job['job_id']}"))


def follow(
    job_id: str,
    asked: Endpoint,
    *,
    interactive: bool,
    until_consumed: str | None = None,
    timeout_seconds: float | None = None,
) -> None:
    """Follow a job to its end, and exit with the code for that.

    Args:
        job_id: which job.
        asked: where.
        interactive: the output goes to a terminal.
        until_consumed: then wait until this consumer group has committed past its copies.
        timeout_seconds: for all of that; None: any time.

    Raises:
        Exit: it did not succeed, or time ran out.
    """
    from service.cli.output import tell
    from service.cli.session import run

    code = 0

    async def work(api: Api) -> None:
        nonlocal code
        try:
            async with asyncio.timeout(timeout_seconds):
                code = await _follow(api, job_id, interactive=interactive, until_consumed=until_consumed)
        except TimeoutError:
            tell(f"{until_consumed} has not committed past all copies of job {job_id} within {timeout_seconds:g} s")
            code = 1

    try:
        run(work, asked)
    except KeyboardInterrupt:
        tell(f"interrupted; the job continues, until `kafka-resend job cancel {job_id}`")
        raise
    if code:
        raise typer.Exit(code)


async def _follow(api: Api, job_id: str, *, interactive: bool, until_consumed: str | None) -> int:
    from service.cli.job_consumers import wait_until_consumed
    from service.cli.job_output import done_offsets, pace_text, progress_bar, tell_end
    from service.cli.output import tell
    from service.cli.retrying import until_answered
    from service.visible import visible

    job = await api.job(job_id)
    bar = progress_bar()
    bar.disable = not bar.console.is_terminal
    waited = 0.0
    with bar:
        task = bar.add_task(visible(job["topic"]), total=max(1, job["counts"]["selected"]), pace="")
        while job["ended_at"] is None:
            words = job["state"] if job["state"] != "running" else visible(job["topic"])
            bar.update(task, description=words, completed=done_offsets(job), pace=pace_text(job))
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            waited += _LOOK_AGAIN_SECONDS
            if waited == NO_WORKER_SECONDS and job["state"] == "pending":
                tell(waiting_words(job))
            job = await until_answered(lambda: api.job(job_id))
    # The exit code is how the job ended, whether or not the rest is read.
    with suppress(OutputClosed):
        _print(job, interactive=interactive)
        if interactive and job.get("report") is not None:
            await _print_first(api, job)
    code = tell_end(job)
    if code or until_consumed is None:
        return code
    return await wait_until_consumed(api, job, until_consumed, interactive=interactive)


async def _print_first(api: Api, job: JsonObject) -> None:
    """Print the first records that a dry run has found, with key and value, for callers who may read them."""
    from service.cli.answers import ApiError
    from service.cli.output import print_records
    from service.cli.terminal import output

    found: list[JsonObject] = []
    for place in job["report"]["first"][:_FIRST_RECORDS]:
        one = {"partition": place["partition"], "start_offset": place["message_offset"], "limit": 1, "preview": 80}
        try:
            page = await api.records({"topic": job["topic"], **{name: str(value) for name, value in one.items()}})
        except ApiError:
            # What a dry run has found is told without them.
            return
        found += page.records
    if found:
        output().print()
        print_records(found, preview=True)


def _print(job: JsonObject, *, interactive: bool, consumers: JsonObject | None = None) -> None:
    from service.cli.job_consumers import print_consumers
    from service.cli.job_output import print_job
    from service.cli.output import write_json

    if not interactive:
        write_json([job if consumers is None else {**job, "consumers": consumers}])
        return
    print_job(job)
    if consumers is not None:
        print_consumers(consumers)
