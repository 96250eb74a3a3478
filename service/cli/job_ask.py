"""`kafka-resend job cancel`, `pause`, `resume` and `resend-failed`: what is asked of a job that is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.job import JobId, print_made
from service.cli.options import (
    Endpoint,
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
    from service.cli.output import Json as JsonObject


def _action(action: str, about: str) -> Callable[..., None]:
    """Return the command that asks for something to be done with a job.

    Args:
        action: the last part of its path in the API.
        about: for `--help`.
    """

    def command(
        job: JobId,
        *,
        as_json: Json = False,
        url: Url = None,
        token: Token = None,
        token_file: TokenFile = None,
        project: Project = None,
        instance: Instance = None,
    ) -> None:
        _ask(job, action, target(url, token, token_file, project, instance), as_json=as_json)

    command.__doc__ = about
    return command


cancel_command = _action(
    "cancel", "Cancel a job, within seconds; what was resent stays. A job that has ended stays as it is."
)
pause_command = _action("pause", "Pause a job until `kafka-resend job resume`.")
resume_command = _action("resume", "Resume a paused job from where it was.")


def resend_failed_command(
    job: JobId,
    *,
    allow_duplicate: Annotated[
        bool, typer.Option("--allow-duplicate", help="Resend them although another job has, for the same recipient.")
    ] = False,
    idempotency_key: IdempotencyKey = None,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    token_file: TokenFile = None,
    project: Project = None,
    instance: Instance = None,
) -> None:
    """Start a new job that resends the failures that a job lists, once their reason is fixed.

    Run twice, the second one is refused, or, with the same --idempotency-key, answered with the first one's job.
    """
    require_idempotency_key(idempotency_key)
    asked = target(url, token, token_file, project, instance)
    body = {"allow_duplicate": True} if allow_duplicate else {}
    _ask(job, "resend-failed", asked, body, as_json=as_json, idempotency_key=idempotency_key)


def _ask(
    job_id: str,
    action: str,
    asked: Endpoint,
    body: JsonObject | None = None,
    *,
    as_json: bool,
    idempotency_key: str | None = None,
) -> None:
    from service.cli.output import is_interactive, write_json
    from service.cli.session import run

    require_text(JOB=job_id)
    interactive = is_interactive(as_json=as_json)

    async def work(api: Api) -> None:
        answer = await api.ask_of_job(job_id, action, body or {}, idempotency_key)
        if interactive:
            _print_accepted(answer, action)
        else:
            write_json([answer])

    run(work, asked, audited=True)


def _print_accepted(job: JsonObject, action: str) -> None:
    from service.cli.job_output import counts_text, state_text
    from service.cli.output import safe
    from service.cli.terminal import output

    if action == "resend-failed":
        print_made(job)
    else:
        output().print(safe(f"job {job['job_id']}: {state_text(job)}; so far {counts_text(job)}"))
