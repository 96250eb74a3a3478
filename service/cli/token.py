"""`kafka-resend token`: a new token, and what to configure for it."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

PREFIX = "resend_"
"""What every token made here begins with, so that scanners for leaked secrets can know it."""

_DURATION = re.compile(r"([1-9][0-9]{0,5})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def token_command(
    name: Annotated[str, typer.Option(metavar="NAME", help="What the log calls the caller.")] = "default",
    project: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN", help="Project ids the caller may use; may be given several times. Default: all."
        ),
    ] = None,
    instance: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Allowed instance ids. Default: all."),
    ] = None,
    topic: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Allowed topics, such as 'orders.*'. Default: all."),
    ] = None,
    action: Annotated[
        list[str] | None,
        typer.Option(metavar="ACTION", help="Allowed actions: resend, read, jobs or '*'. Default: resend."),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN", help="90d, 12h, 4w, or a time such as 2030-01-31T00:00:00Z. Default: it does not expire."
        ),
    ] = None,
) -> None:
    """Make a token for a caller, and print the token and the entry to configure.

    The entry goes to standard output, so that `kafka-resend token --name ci >> callers.toml` adds it to the file that
    RESEND_AUTH__CALLERS_FILE names. It holds a digest only. The token itself is shown once, on standard error, and kept
    nowhere: give it to the caller, who sends it as X-Auth-Token.
    """
    from service.auth import CallersFileRefused, parse_callers

    until = None if expires is None else expiry(expires, datetime.now(UTC))
    token = PREFIX + secrets.token_urlsafe(32)
    digest = hashlib.sha256(token.encode("ascii")).hexdigest()
    grants = {
        "projects": project or ["*"],
        "instances": instance or ["*"],
        "topics": topic or ["*"],
        "actions": action or ["resend"],
    }
    entry = caller_entry(name, digest, grants, until)
    try:
        parse_callers(entry)
    except CallersFileRefused as error:
        # Without the entry's place in a file: this is no file yet.
        raise typer.BadParameter(str(error).partition(": ")[2]) from None
    _say(f"The token, shown only this once; the caller sends it as X-Auth-Token:\n\n    {token}\n")
    if sys.stdout.isatty():
        _say("The entry for the callers file that RESEND_AUTH__CALLERS_FILE names:\n")
    else:
        _say("The entry for the callers file that RESEND_AUTH__CALLERS_FILE names went to standard output.")
    sys.stdout.write(entry)
    sys.stdout.flush()
    _say(
        "\nOr, if this is to be the only caller, who may do everything and never expires, no file is needed:\n\n"
        f"    RESEND_AUTH__TOKEN_DIGEST={digest}"
    )


def expiry(text: str, now: datetime) -> datetime:
    """Return the moment that the option --expires names, to the second.

    Args:
        text: a number of hours, days or weeks, or a date and time with an offset.
        now: the current time.

    Raises:
        BadParameter: it is neither, or it is past.
    """
    found = _DURATION.fullmatch(text)
    try:
        moment = now + int(found[1]) * _UNITS[found[2]] if found else datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise typer.BadParameter("--expires must be such as 90d, 12h, 4w or 2030-01-31T00:00:00Z")
    if moment <= now:
        raise typer.BadParameter("--expires must be in the future")
    return moment.replace(microsecond=0)


def caller_entry(name: str, digest: str, grants: dict[str, list[str]], until: datetime | None) -> str:
    """Return an entry of the callers file.

    Args:
        name: of the caller.
        digest: of the token, in hexadecimal digits.
        grants: lists of patterns by key.
        until: when the token expires; None for never.
    """
    # A JSON string that is not escaped to ASCII is a basic string of TOML too, DEL apart, which is refused anyway.
    lines = ["[[callers]]", f"name = {_toml(name)}", f"token_sha256 = {_toml(digest)}"]
    lines += [f"{key} = {_toml(patterns)}" for key, patterns in grants.items()]
    if until is not None:
        lines.append(f"expires = {until.isoformat().replace('+00:00', 'Z')}")
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201
