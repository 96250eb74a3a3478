"""What jobs look like in a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from service.cli.output import Column, Json, print_table, safe, tell, time_text, visible, write
from service.cli.terminal import PROBLEM

if TYPE_CHECKING:
    from rich.progress import Progress

_BAR_CHARACTERS = 40
_TABLE_WIDTH = 110
_FIRST_POSITIONS = 10


def print_jobs(jobs: Iterable[Json]) -> None:
    """Print jobs as a table; a line for each where a table would have no room."""
    from service.cli.terminal import output

    if output().width < _TABLE_WIDTH:
        for job in jobs:
            job_id, state, topic, done, failed, made = _row(job)
            write(visible(f"{job_id}  {state}  {topic}  {done}, {failed} failed  {made}"))
        return
    columns = (
        Column("job", whole=True),
        Column("state", whole=True),
        Column("topic"),
        Column("done", number=True, whole=True),
        Column("failed", number=True, whole=True),
        Column("made", whole=True),
    )
    print_table(columns, (_row(job) for job in jobs))


def _row(job: Json) -> tuple[str, ...]:
    counts: Json = job["counts"]
    return (
        job["job_id"],
        f"{job['state']} (dry run)" if job["dry_run"] else job["state"],
        job["topic"],
        f"{_percent(job)} %",
        _number(counts["failed"]),
        time_text(job["made_at"]),
    )


def print_job(job: Json) -> None:
    """Print all about one job."""
    from service.cli.terminal import output

    console = output()
    for name, fact in _facts(job):
        console.print(safe(f"{name:<10}", "bold"), safe(fact), sep="")
    progress: list[Json] = job["progress"]
    print_table(
        (Column("partition", number=True), Column("next offset", number=True), Column("end offset", number=True)),
        ((str(part["partition"]), str(part["next_offset"]), str(part["end_offset"])) for part in progress),
    )
    print_failures(job)
    if job.get("report") is not None:
        print_report(job)


def _facts(job: Json) -> list[tuple[str, str]]:
    for_whom = job.get("consumer_key")
    facts = [
        ("job", job["job_id"]),
        ("state", state_text(job)),
        ("topic", job["topic"]),
        ("for", "everybody" if for_whom is None else str(for_whom)),
        ("made", f"{time_text(job['made_at'])} by {job['made_by']}"),
        ("counts", counts_text(job)),
    ]
    if job["started_at"] is not None:
        facts.append(("time", f"{time_text(job['started_at'])} to {time_text(job['ended_at'])}"))
    if job["rate"]:
        facts.append(("rate", f"{job['rate']:,.0f} records a second"))
    target: Json | None = job.get("target")
    if target is not None:
        facts.append(("target", f"where the headers of {target['origin']} say"))
    return facts


def state_text(job: Json) -> str:
    """Return the state of a job, and why it is in it where that is told."""
    words = [job["state"]]
    if job["dry_run"]:
        words.append("dry run")
    if job["cancel_requested"] and job["ended_at"] is None:
        words.append("to be cancelled")
    text = words[0] if len(words) == 1 else f"{words[0]} ({', '.join(words[1:])})"
    reason = job["reason"] or job["not_understood"]
    return text if reason is None else f"{text}: {reason}"


def counts_text(job: Json) -> str:
    """Return what has become of the records so far."""
    counts: Json = job["counts"]
    told = [f"{_number(counts['read'])} read"]
    if not job["dry_run"]:
        told.append(f"{_number(counts['resent'])} resent")
    told += [f"{_number(counts['skipped'])} left out", f"{_number(counts['failed'])} failed"]
    if counts["expired"]:
        told.append(f"{_number(counts['expired'])} expired before they were read")
    return ", ".join(told)


def print_failures(job: Json) -> None:
    """Print the failures that are listed, if there are any."""
    from service.cli.terminal import output

    failures: list[Json] = job.get("failures", [])
    if not failures:
        return
    output().print()
    print_table(
        (Column("failed", number=True, whole=True), Column("why")),
        ((f"{failure['partition']}@{failure['message_offset']}", failure["reason"]) for failure in failures),
    )
    if not job["failures_listed_all"]:
        output().print(f"These are the first {len(failures)} of {_number(job['counts']['failed'])}.")
    if job["ended_at"] is not None:
        output().print(safe(f"Once it is mended: kafka-resend job resend-failed {job['job_id']}"))


def print_report(job: Json) -> None:
    """Print what a dry run has found."""
    from service.cli.terminal import output

    console, report = output(), job["report"]
    matching, size = _number(report["matching"]), _size(report["size_bytes"])
    console.print(safe(f"{matching} records of {job['topic']} would be resent, {size} of keys and values."))
    if not report["matching"]:
        return
    console.print()
    print_table(
        (Column("partition", number=True), Column("records", number=True)),
        ((str(part["partition"]), _number(part["matching"])) for part in report["partitions"]),
    )
    targets: list[Json] = report.get("targets") or []
    if targets:
        console.print()
        print_table(
            (Column("to"), Column("records", number=True)),
            ((target["topic"], _number(target["matching"])) for target in targets),
        )
    console.print()
    histogram: list[Json] = report["histogram"]
    most = max((bucket["count"] for bucket in histogram), default=1)
    print_table(
        (Column("time", whole=True), Column("records", number=True, whole=True), Column("", whole=True)),
        (
            (
                time_text(bucket["start_time"]),
                _number(bucket["count"]),
                "█" * max(1, round(bucket["count"] / most * _BAR_CHARACTERS)),
            )
            for bucket in histogram
        ),
    )
    first = [f"{place['partition']}@{place['message_offset']}" for place in report["first"][:_FIRST_POSITIONS]]
    console.print()
    console.print(safe(f"The first: {', '.join(first)}"))


def done_offsets(job: Json) -> int:
    """Return how many of the selected offsets are dealt with."""
    reached = {part["partition"]: part["next_offset"] for part in job["progress"]}
    left = 0
    for span in job["selection"]["spans"]:
        left += max(0, span["end"] - max(span["start"], reached.get(span["partition"], 0)))
    selected: int = job["counts"]["selected"]
    return max(0, selected - left)


def progress_bar() -> Progress:
    """Return a bar with rate and time left, on standard error, for `show_progress`."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}", markup=False),
        console=Console(stderr=True, highlight=False),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )


def pace_text(job: Json) -> str:
    """Return how fast a job is, and how long it may take on."""
    if not job["rate"]:
        return ""
    pace = f"{job['rate']:,.0f}/s"
    left = job["seconds_left"]
    return pace if left is None else f"{pace}, {_duration(left)} left"


def tell_end(job: Json) -> int:
    """Say how a job ended; return the exit code for it."""
    tell(f"job {job['job_id']}: {state_text(job)}: {counts_text(job)}")
    return 0 if job["state"] == "succeeded" else PROBLEM


def _percent(job: Json) -> int:
    selected = int(job["counts"]["selected"])
    return 100 if not selected else done_offsets(job) * 100 // selected


def _number(count: int) -> str:
    return f"{count:,}"


def _size(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
