"""What `kafka-resend job start` asks before it writes: it counts first, by a dry run."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from service.cli.job_output import (
    counts_text,
    done_offsets,
    filter_problems,
    progress_bar,
    would_resend,
)
from service.cli.job_target import headers_text, recipient_text
from service.cli.output import fitted, tell
from service.cli.terminal import PROBLEM
from service.visible import visible

if TYPE_CHECKING:
    from service.cli.client import Api
    from service.cli.options import Endpoint
    from service.cli.output import Json

_LOOK_AGAIN_SECONDS = 0.2
_COUNT_SECONDS = 60.0
"""How long to count before asking: a question that comes after minutes finds nobody at the terminal."""

_NOT_PREVIEWED = frozenset({"name", "allow_duplicate", "records_per_second", "max_failures"})
_NAMED_TARGETS = 5


@dataclass(frozen=True, slots=True)
class Preview:
    """What a dry run has found.

    Attributes:
        job: the dry run, as the API told it last.
        complete: it went through the whole selection.
    """

    job: Json
    complete: bool

    @property
    def matching(self) -> int:
        """How many records would be resent; of a count that is not complete, as far as it came."""
        return would_resend(self.job)


def can_ask() -> bool:
    """Whether there is a terminal to ask on, and one to answer from."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def confirmed_selection(asked: Mapping[str, object], target: Endpoint, *, pin: bool) -> dict[str, object]:
    """Count what would be resent, ask whether to resend it, and return what to ask the API for.

    Args:
        asked: the body of the job, as the API has it.
        target: which API to open.
        pin: resend nothing that is written between the count and the job.

    Returns:
        The same body; pinned, with the ends that the count had. Only a range of times, which cannot have them too,
        stays as it is.

    Raises:
        Exit: the answer was no, or there is nothing to resend.
    """
    from service.cli.session import run

    found: list[Preview] = []

    async def count(api: Api) -> None:
        found.append(await _preview(api, asked))

    run(count, target)
    [preview] = found
    if preview.complete and not preview.matching:
        matched = preview.job["counts"]["matched"]
        why = "there is nothing to resend" if not matched else "none of them can be resent"
        tell(f"{matched:,} records match: {why} ({counts_text(preview.job)})")
        for problem in filter_problems(preview.job):
            tell(problem)
        raise typer.Exit
    if not _agreed(question(asked, preview)):
        tell("nothing was started")
        raise typer.Exit(PROBLEM)
    agreed = _pinned(asked, preview.job) if pin else dict(asked)
    if preview.job.get("overlaps") is not None:
        # That was part of the question.
        agreed["allow_duplicate"] = True
    return agreed


async def _preview(api: Api, asked: Mapping[str, object]) -> Preview:
    """Return what a dry run finds, as far as it comes in the time that there is.

    Raises:
        ApiError: one of its kinds.
        Exit: the dry run failed.
    """
    from service.cli.job import NO_WORKER_SECONDS, waiting_words

    body = {name: value for name, value in asked.items() if name not in _NOT_PREVIEWED}
    job = await api.make_job({**body, "dry_run": True})
    bar = progress_bar()
    clock = asyncio.get_running_loop().time
    begun, told = clock(), False
    try:
        with bar:
            task = bar.add_task("counting", total=max(1, job["counts"]["selected"]), pace="")
            while job["ended_at"] is None and clock() - begun < _COUNT_SECONDS:
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
                job = await api.job(job["job_id"])
                bar.update(task, completed=done_offsets(job))
                if not told and job["state"] == "pending" and clock() - begun > NO_WORKER_SECONDS:
                    tell(waiting_words(job))
                    told = True
    finally:
        if job["ended_at"] is None:
            # Also when Ctrl-C ends the counting: nobody needs it any more.
            with suppress(Exception):
                await api.ask_of_job(job["job_id"], "cancel")
    if job["state"] == "failed":
        tell(f"the records could not be counted: {job['reason']}")
        raise typer.Exit(PROBLEM)
    return Preview(job, complete=job["state"] == "succeeded")


def question(asked: Mapping[str, object], preview: Preview) -> str:
    """Return what is asked: how many records of which topic, where their copies go, and the recipient."""
    other = preview.job.get("overlaps")
    again = "" if other is None else f"Job {other} has resent some of these for the same recipient, or is about to. "
    where = _where(asked, preview)
    return f"{again}Resend {_count(preview)} of {asked['topic']} {where}, for {recipient_text(asked)}?"


def _count(preview: Preview) -> str:
    counts: Json = preview.job["counts"]
    if not preview.complete:
        return f"up to {counts['selected']:,} records (not counted to the end; {preview.matching:,} so far)"
    records = "record" if preview.matching == 1 else "records"
    failed = f" ({counts['failed']:,} more cannot be resent)" if counts["failed"] else ""
    return f"{preview.matching:,} {records}{failed}"


def _where(asked: Mapping[str, object], preview: Preview) -> str:
    target: Any = asked.get("target")
    if target is None:
        return f"to the same topic and partition{'' if preview.matching == 1 else 's'}"
    report: Json = preview.job.get("report") or {}
    named = [f"{found['topic']}: {found['would_resend']:,}" for found in report.get("targets") or ()]
    more = [] if len(named) <= _NAMED_TARGETS else [f"{len(named) - _NAMED_TARGETS} more"]
    topics = f" ({', '.join([*named[:_NAMED_TARGETS], *more])})" if named else ""
    return f"to the topics that {headers_text(target['dialect'])} name{topics}"


def _agreed(words: str) -> bool:
    """Ask on standard error: standard output is for the result."""
    sys.stderr.write(f"{fitted(f'{visible(words)} [y/N]')} ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _pinned(asked: Mapping[str, object], job: Json) -> dict[str, object]:
    if "messages" in asked or "start_time" in asked:
        return dict(asked)
    rest = {name: value for name, value in asked.items() if name != "partitions"}
    return {**rest, "offsets": job["selection"]["spans"]}
