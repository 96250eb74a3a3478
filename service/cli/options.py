"""The options that every command which looks into Kafka through the API has, and where they come from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")

URL_VARIABLE = "KAFKA_RESEND_URL"
TOKEN_VARIABLE = "KAFKA_RESEND_TOKEN"  # noqa: S105 - a variable's name
PROJECT_VARIABLE = "KAFKA_RESEND_PROJECT"
INSTANCE_VARIABLE = "KAFKA_RESEND_INSTANCE"

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar=URL_VARIABLE,
        metavar="URL",
        help="The service to ask, such as https://resend.example.org. Without it, the RESEND_* settings in this "
        "environment are used: the same application is opened inside this command, for a caller named operator who may "
        "do everything.",
    ),
]
Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar=TOKEN_VARIABLE,
        metavar="TOKEN",
        help="The caller's token for the service at --url. Better set the variable, or use --token-file: others on "
        "this machine can see the words of a command.",
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="FILE", help="Read the token from this file, instead of --token."),
]
Project = Annotated[
    str | None,
    typer.Option(
        "--project", envvar=PROJECT_VARIABLE, metavar="ID", help="Project id. Default: the one that the API tells."
    ),
]
Instance = Annotated[
    str | None,
    typer.Option(
        "--instance",
        envvar=INSTANCE_VARIABLE,
        metavar="ID",
        help="Instance id, which is the name of a Kafka cluster in the service's settings. Default: the only one.",
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print JSON Lines (default when the output is not a terminal)."),
]


IdempotencyKey = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key",
        metavar="KEY",
        help="A text of your own, such as a UUID. The same command with the same key is carried out once, however "
        "often it is run.",
    ),
]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Which API to ask, and about what.

    Attributes:
        url: of the service; None opens the application in this process.
        token: of the caller; None sends none.
        project: project id; None asks the API.
        instance: instance id; None takes the only one.
    """

    url: str | None
    token: str | None = field(repr=False)
    project: str | None
    instance: str | None


def target(
    url: str | None, token: str | None, token_file: Path | None, project: str | None, instance: str | None
) -> Endpoint:
    """Return what the options name.

    Args:
        url: value of --url.
        token: value of --token, or of its variable.
        token_file: value of --token-file, which goes before the variable.
        project: value of --project.
        instance: value of --instance.

    Raises:
        BadParameter: they do not go together, or cannot be used. Its text never holds the token.
    """
    if url is None and (token_file is not None or token is not None):
        raise typer.BadParameter(f"a token is for the service at a --url ({URL_VARIABLE}), and none is named")
    if token_file is not None:
        try:
            token = token_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise typer.BadParameter(f"--token-file {token_file} cannot be read: {reason}") from None
        if not token:
            raise typer.BadParameter(f"--token-file {token_file} is empty")
    if token is not None and not (token.isascii() and token.isprintable() and token.strip() == token):
        # A header could not carry it, and the client library's error would show it.
        raise typer.BadParameter("the token holds characters that no token has, such as a line's end or an umlaut")
    require_text(project=project, instance=instance)
    return Endpoint(None if url is None else _base(url), token, project, instance)


def require_text(**given: str | None) -> None:
    """Refuse what is no text: words of a command may hold any bytes, a request only UTF-8.

    Raises:
        BadParameter: naming the first.
    """
    for name, value in given.items():
        try:
            (value or "").encode()
        except UnicodeEncodeError:
            raise typer.BadParameter(f"{name.replace('_', '-')} is not UTF-8") from None


def require_idempotency_key(key: str | None) -> None:
    """Refuse a key that no header carries as it is.

    Raises:
        BadParameter: it has other than 1 to 255 visible ASCII characters.
    """
    if key is not None and _IDEMPOTENCY_KEY.fullmatch(key) is None:
        raise typer.BadParameter("--idempotency-key has 1 to 255 visible ASCII characters, such as a UUID")


def _base(url: str) -> str:
    """Return the address without what does not belong there.

    Raises:
        BadParameter: it is no address of a service.
    """
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise typer.BadParameter("--url is not an address") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise typer.BadParameter("--url must be such as https://resend.example.org or http://127.0.0.1:8080")
    if parts.username is not None or parts.query or parts.fragment:
        raise typer.BadParameter("--url must not hold a user, a query or a fragment")
    return url.rstrip("/")
