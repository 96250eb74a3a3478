"""`kafka-resend check`: what works on each configured Kafka cluster, and what is missing."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from service.cli.streams import OutputClosed
from service.cli.terminal import MISCONFIGURED, OK, PROBLEM, output, refuse, settings_or_exit

if TYPE_CHECKING:
    from rich.console import Console

    from kafka.checks.results import Finding


def check_command(
    instance: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Look at this instance only; may be given several times.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.5, help="How long to wait for each cluster.")
    ] = 10.0,
    jobs: Annotated[
        bool | None,
        typer.Option(
            "--jobs/--no-jobs", help="Look at what jobs need, too. Default: as RESEND_JOBS__WORKER says, which is yes."
        ),
    ] = None,
) -> None:
    """Connect to each configured Kafka cluster and say what works and which Kafka ACLs are missing.

    No topic is written to. What is missing comes with what to do about it, such as the kafka-acls.sh command for it.

    What could not be seen is told as UNKNOWN, with the command that grants it. It does not
    count as missing.

    Exit code 0: nothing is missing. 1: something is. 2: the settings are wrong.
    """
    from kafka.checks.diagnose import diagnose

    settings = settings_or_exit()
    configs = {config.name: config for config in settings.clusters()}
    with_jobs = settings.jobs.worker if jobs is None else jobs
    unknown = [name for name in instance or () if name not in configs]
    if unknown:
        refuse(f"no instance {unknown[0]!r} is configured; there is {', '.join(configs)}", MISCONFIGURED)
    console = output()
    complete = True
    for name in instance or configs:
        findings = diagnose(configs[name], timeout, jobs=with_jobs)
        # The exit code is the finding, whether or not the words are read.
        with suppress(OutputClosed):
            show(console, name, findings)
        complete = complete and all(finding.ok for finding in findings)
    raise typer.Exit(OK if complete else PROBLEM)


def show(console: Console, instance: str, findings: tuple[Finding, ...]) -> None:
    """Print the findings of one instance, each remedy below what it is for."""
    console.print(Text.assemble("instance ", (instance, "bold")))
    for finding in findings:
        mark = ("  ok       ", "green") if finding.ok else ("  MISSING  ", "bold red")
        if finding.unseen:
            mark = ("  UNKNOWN  ", "yellow")
        console.print(Text.assemble(mark, (f"{finding.subject}: ", "bold"), finding.detail))
        for line in (finding.remedy or "").splitlines():
            console.print(Text(f"           {line}"))
