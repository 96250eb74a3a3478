"""What jobs look like in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from service.cli.count_words import COUNT_WORDS, matched_words
from service.cli.job_target import dialects_text, recipient_text, target_text
from service.cli.output import Column, Json, print_table, safe, tell, time_text, write
from service.cli.terminal import PROBLEM
from service.visible import visible

if TYPE_CHECKING:
    from rich.progress import Progress

_BAR_CHARACTERS = 30
_TABLE_WIDTH = 150
_FIRST_POSITIONS = 10
_ROWS = 20
"""Of a table about one job: the answer above it is still to be seen on most terminals."""


def print_jobs(jobs: Iterable[Json]) -> None:
    """Print jobs as a table; a line for each where a table would have no room."""
    from service.cli.terminal import output

    if output().width < _TABLE_WIDTH:
        for job in jobs:
            job_id, state, topic, recipient, done, resent, failed, made, name = _row(job)
            named = f"  {name}" if name else ""
            words = f"{done}, {resent} resent, {failed} failed"
            write(visible(f"{job_id}  {state}  {topic} for {recipient}  {words}  {made}{named}"))
        return
    columns = (
        Column("job", whole=True),
        Column("state", whole=True),
        Column("topic"),
        Column("for"),
        Column("done", number=True, whole=True),
        Column("resent", number=True, whole=True),
        Column("failed", number=True, whole=True),
        Column("made", whole=True),
        Column("name"),
    )
    print_table(columns, (_row(job) for job in jobs))


def _row(job: Json) -> tuple[str, ...]:
    counts: Json = job["counts"]
    return (
        job["job_id"],
        f"{job['state']} (dry run)" if job["dry_run"] else job["state"],
        job["topic"],
        recipient_text(job),
        f"{_percent(job)} %",
        _number(counts["resent"]),
        _number(counts["failed"]),
        time_text(job["created_at"]),
        job.get("name") or "",
    )


def print_job(job: Json) -> None:
    """Print all about one job that a screen has room for; where there is more of it, that is said."""
    from service.cli.terminal import output

    console = output()
    for name, fact in _facts(job):
        console.print(safe(f"{name:<10}", "bold"), safe(fact), sep="")
    if job["state"] != "succeeded":
        _print_progress(job)
    print_failures(job)
    if job.get("report") is not None:
        print_report(job)


def _print_progress(job: Json) -> None:
    """Print how far the partitions are that are not done, if any."""
    parts: list[Json] = [part for part in job["progress"] if part["next_offset"] < part["end_offset"]]
    columns = (Column("partition", number=True), Column("next offset", number=True), Column("end offset", number=True))
    _print_some(
        columns,
        [(str(part["partition"]), str(part["next_offset"]), str(part["end_offset"])) for part in parts],
        "partitions to continue with",
    )


def _print_some(columns: Sequence[Column], rows: Sequence[Sequence[str]], what: str) -> None:
    """Print as much of a table as is read, and say how much more there is."""
    from service.cli.terminal import output

    if not rows:
        return
    output().print()
    print_table(columns, rows[:_ROWS])
    if len(rows) > _ROWS:
        output().print(f"and {len(rows) - _ROWS:,} more {what}: --json has them all")


def _facts(job: Json) -> list[tuple[str, str]]:
    facts = [
        ("job", job["job_id"]),
        *([("name", job["name"])] if job.get("name") is not None else []),
        ("state", state_text(job)),
        ("topic", job["topic"]),
        ("for", recipient_text(job)),
        ("made", f"{time_text(job['created_at'])} by {job['created_by']}"),
        ("counts", counts_text(job)),
    ]
    if job["started_at"] is not None:
        facts.append(("time", f"{time_text(job['started_at'])} to {time_text(job['ended_at'])}"))
    if pace := _pace(job):
        facts.append(("rate", pace))
    target: Json | None = job.get("target")
    if target is not None:
        facts.append(("target", target_text(target)))
    if job.get("overlaps") is not None:
        facts.append(("again", f"records that {job['overlaps']} had resent, or was about to"))
    facts += [("filter", problem) for problem in filter_problems(job)]
    return facts


def filter_problems(job: Json) -> list[str]:
    """Return what may be wrong with the filter, as far as the records so far tell."""
    told = []
    if (first := job.get("first_not_evaluated")) is not None:
        place = f"{first['partition']}@{first['message_offset']}"
        told.append(f"not evaluated, first at {place}: {first['reason']}")
    if (hint := job.get("hint")) is not None:
        told.append(hint)
    return told


def state_text(job: Json) -> str:
    """Return the state of a job, and why it is in it where that is told."""
    words = [job["state"]]
    if job["dry_run"]:
        words.append("dry run")
    if job["cancel_requested"] and job["ended_at"] is None:
        words.append("to be cancelled")
    text = words[0] if len(words) == 1 else f"{words[0]} ({', '.join(words[1:])})"
    waits_for = job.get("waits_for")
    reason = job["reason"] or job["unsupported_reason"] or (waits_for and f"waits for {waits_for}")
    return text if reason is None else f"{text}: {reason}"


def counts_text(job: Json) -> str:
    """Return what has become of the records so far."""
    counts: Json = job["counts"]
    told = [f"{_number(counts['scanned'])} scanned", f"{_number(counts['matched'])} matched"]
    if not job["dry_run"]:
        told.append(f"{_number(counts['resent'])} resent")
    told.append(f"{_number(counts['failed'])} failed")
    told += [f"{_number(counts[name])} {words}" for name, words in COUNT_WORDS.items() if counts[name]]
    return ", ".join(told)


def print_failures(job: Json) -> None:
    """Print the failures that are listed, if there are any."""
    from service.cli.terminal import output

    failures: list[Json] = job.get("failures", [])
    if not failures:
        return
    _print_some(
        (Column("failed", number=True, whole=True), Column("why")),
        [(f"{failure['partition']}@{failure['message_offset']}", failure["reason"]) for failure in failures],
        "failures are listed",
    )
    if not job["failures_listed_all"]:
        output().print(f"Listed are the first {len(failures)} of {_number(job['counts']['failed'])}.")
    if job["ended_at"] is not None:
        output().print(safe(f"Once the reason is fixed: kafka-resend job resend-failed {job['job_id']}"))


def print_report(job: Json) -> None:
    """Print what a dry run has found: the answer first, and its details as far as they are read."""
    from service.cli.terminal import output

    console, report = output(), job["report"]
    console.print()
    console.print(safe(f"{answer_text(job)}, {_size(report['size_bytes'])} of keys and values"))
    if not would_resend(job):
        return
    if (dialects := dialects_text(report)) is not None:
        console.print(safe(f"dialects: {dialects}"))
    first = [f"{place['partition']}@{place['message_offset']}" for place in report["first"][:_FIRST_POSITIONS]]
    console.print(safe(f"the first: {', '.join(first)}"))
    _print_some(
        (Column("partition", number=True), Column("records", number=True)),
        [(str(part["partition"]), _number(part["would_resend"])) for part in report["partitions"]],
        "partitions",
    )
    targets: list[Json] = report.get("targets") or []
    _print_some(
        (Column("to"), Column("records", number=True)),
        [(target["topic"], _number(target["would_resend"])) for target in targets],
        "topics",
    )
    _print_histogram(report["histogram"])


def would_resend(job: Json) -> int:
    """Return how many records a dry run has found so far."""
    report: Json | None = job.get("report")
    return 0 if report is None else int(report["would_resend"])


def answer_text(job: Json) -> str:
    """Return the answer of a dry run."""
    count = would_resend(job)
    return f"{_number(count)} {'record' if count == 1 else 'records'} of {job['topic']} would be resent"


def _print_histogram(histogram: Sequence[Json]) -> None:
    from service.cli.terminal import output

    bars = _merged(histogram)
    most = max((count for _, count in bars), default=1)
    output().print()
    print_table(
        (Column("time", whole=True), Column("records", number=True, whole=True), Column("", whole=True)),
        (
            (time_text(start), _number(count), "█" * max(1, round(count / most * _BAR_CHARACTERS)))
            for start, count in bars
        ),
    )


def _merged(histogram: Sequence[Json]) -> list[tuple[int, int]]:
    """Return the stretches as start and count, neighbours together where there are more than a screen has room for."""
    together = 1
    while True:
        bars: dict[int, int] = {}
        for bucket in histogram:
            width = (bucket["end_time"] - bucket["start_time"]) * together
            start = bucket["start_time"] // width * width if together > 1 else bucket["start_time"]
            bars[start] = bars.get(start, 0) + bucket["count"]
        if len(bars) <= _ROWS:
            return sorted(bars.items())
        together *= 2


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
    pace, left = _pace(job), job["eta_seconds"]
    return ", ".join(words for words in (pace, "" if left is None else f"{_duration(left)} left") if words)


def _pace(job: Json) -> str:
    """Return how many records a job resends and scans a second; empty before there are any."""
    rates = (("rate", "resent/s"), ("scan_rate", "scanned/s"))
    return ", ".join(f"{job[name]:,.0f} {unit}" for name, unit in rates if job[name])


def tell_end(job: Json) -> int:
    """Say how a job ended; return the exit code for it."""
    found = counts_text(job)
    if job.get("report") is not None:
        failed = job["counts"]["failed"]
        refused = f"; {_number(failed)} of them cannot be resent" if failed else ""
        found = f"{matched_words(job['counts'])}{refused}; nothing was written"
    tell(f"job {job['job_id']}: {state_text(job)}: {found}")
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
