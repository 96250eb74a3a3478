"""`kafka-resend demo`: the whole service on a broker in memory, for a first try."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from service.cli.serve import SWITCH_INTERVAL_SECONDS, exit_cleanly_on_signals, listen, run, server_config
from service.cli.streams import OutputClosed
from service.cli.terminal import output

if TYPE_CHECKING:
    from rich.console import Console

PROJECT, INSTANCE, TOKEN = "demo-project", "demo", "demo"
"""What the printed call uses. Any project and any token do; the instance has to be this one."""

EXAMPLE_BODY = {"topic": "topic-test", "partition": 0, "message_offset": 4, "consumer_key": "keyA"}
"""The body of the API document's example request."""


def demo_command(
    port: Annotated[
        int, typer.Option(metavar="INTEGER", min=0, max=65535, help="Port to listen on; 0 takes any free one.")
    ] = 8080,
) -> None:
    """Serve on 127.0.0.1 with a Kafka broker in memory and sample records in topic-test, for a first try.

    Needs no Kafka and no settings, and prints a curl command that works as it is. Everybody on this machine may
    call it, and nothing is kept: Ctrl-C ends the service, the broker and its records.
    """
    exit_cleanly_on_signals()
    listening = listen("127.0.0.1", port)
    bound_port: int = listening.getsockname()[1]

    # Only now, so that a port that is taken is told at once.
    from kafka.demo.embedded import EmbeddedBroker
    from service.app import create_app
    from service.logs import configure_logs
    from service.settings.model import demo_settings

    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    with EmbeddedBroker() as broker:
        bootstrap = broker.start()
        settings = demo_settings(bootstrap, INSTANCE, bound_port)
        configure_logs(settings.log)
        config = server_config(create_app(settings), settings.http, factory=False)
        run(config, listening, started=lambda: _introduce(bound_port, bootstrap))


def _introduce(port: int, bootstrap: str) -> None:
    # It serves on, whether or not this is read.
    with suppress(OutputClosed):
        introduce(output(), port, bootstrap)


def call(port: int) -> str:
    """Return the curl command that resends the record of the API document's example."""
    path = f"/v2/{PROJECT}/mqs/instances/{INSTANCE}/messages/action?action_id=resend"
    return (
        f"curl -i -X POST 'http://127.0.0.1:{port}{path}' \\\n"
        f"  -H 'X-Auth-Token: {TOKEN}' -H 'Content-Type: application/json' \\\n"
        f"  -d '{json.dumps(EXAMPLE_BODY)}'"
    )


def command_line(port: int) -> list[str]:
    """Return the lines that make `kafka-resend` ask this service, in another terminal and any folder."""
    folder = Path(sys.executable).parent
    known = shutil.which("kafka-resend")
    # In a virtual environment that is not activated, as `make run` makes it, the shell does not find the command.
    found = known is not None and Path(known).parent.resolve() == folder.resolve()
    variables = f"KAFKA_RESEND_URL=http://127.0.0.1:{port} KAFKA_RESEND_TOKEN={TOKEN}"
    return [
        *([] if found else [f'export PATH="{folder}:$PATH"']),
        f"export {variables}",
        "kafka-resend messages topic-test",
    ]


def introduce(console: Console, port: int, bootstrap: str) -> None:
    """Print what can be tried, and how."""
    lines = [
        ("kafka-resend is running on a Kafka broker in memory. Resend a sample record:", "bold"),
        ("", ""),
        (call(port), "cyan"),
        ("", ""),
        ("The answer's X-Resend-Partition and X-Resend-Offset say where the copy is. To see it:", ""),
        ("", ""),
        (f"kcat -b {bootstrap} -C -t topic-test -p 0 -o -1 -e -f '%o %k %h %s\\n'", "cyan"),
        ("", ""),
        ("The same on the command line, in another terminal:", ""),
        ("", ""),
        *((line, "cyan") for line in command_line(port)),
        ("", ""),
        (f"Records, to look at and resend:     http://127.0.0.1:{port}/console", ""),
        (f"The API, to read and to try:        http://127.0.0.1:{port}/docs", ""),
        (f"The broker, for kcat and the like:  {bootstrap} (Java's client needs a real broker)", ""),
        ("Nothing is kept. Ctrl-C ends the service, the broker and its records.", ""),
    ]
    for line, style in lines:
        console.print(Text(line, style))
