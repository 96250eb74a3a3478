"""The command line in processes of its own, and a service for it to ask."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from typer.testing import CliRunner

from service.cli import app

REPOSITORY = Path(__file__).parents[2]
TOKEN = "token-of-the-command-line"


def clean_environment() -> dict[str, str]:
    """Return this process's variables without those of a service or a client."""
    ours = ("RESEND_", "KAFKA_RESEND_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {"NO_COLOR": "1"}


def settings(bootstrap: str) -> dict[str, str]:
    """Return the settings of a service on one cluster."""
    return {
        "RESEND_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
        "RESEND_AUTH__TOKEN_DIGEST": hashlib.sha256(TOKEN.encode()).hexdigest(),
    }


@dataclass(frozen=True)
class CommandLine:
    """kafka-resend, in a process of its own for each command that is started, or that runs on a terminal.

    One that only asks a service and ends runs within the process of the tests: to import what a command needs takes
    most of its time. With settings instead of a service it would open clusters and set up the log there.

    Attributes:
        environ: which tell it what to ask.
    """

    environ: Mapping[str, str]

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        """Start a command; what else is given goes to Popen, `environ` to its variables."""
        return subprocess.Popen(
            # Where the tests run in the background, an interrupt may be ignored, and a child would inherit that.
            ["env", "--default-signal=INT", sys.executable, "-m", "service", *arguments],
            cwd=REPOSITORY,
            env={**clean_environment(), **self.environ, **more.pop("environ", {})},
            text=True,
            # Ctrl-C in the terminal of the tests must not end it; a test sends its own.
            start_new_session=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more},
        )

    def __call__(self, *arguments: str, exits: int = 0, environ: Mapping[str, str] | None = None) -> tuple[str, str]:
        """Run a command to its end, which must have this exit code; return what it printed and what it said."""
        if "KAFKA_RESEND_URL" in self.environ:
            printed, said, code = self._run(*arguments, environ=environ or {})
        else:
            process = self.start(*arguments, environ=environ or {})
            printed, said = process.communicate(timeout=60)
            code = process.returncode
        assert exits == code, said
        assert TOKEN not in printed + said
        assert "Traceback" not in said
        return printed, said

    def _run(self, *arguments: str, environ: Mapping[str, str]) -> tuple[str, str, int]:
        """Run a command in this process; return what it printed, what it said and its exit code."""
        variables = {**clean_environment(), **self.environ, **environ}
        none = dict.fromkeys(os.environ.keys() - variables.keys())
        # A command starts an event loop, and the test may run in one.
        thread = ThreadPoolExecutor(1)
        try:
            done = thread.submit(
                CliRunner().invoke, app, arguments, env={**none, **variables}, prog_name="kafka-resend"
            ).result(60)
        finally:
            thread.shutdown(wait=False)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.stdout, done.stderr, done.exit_code

    def lines(self, *arguments: str) -> list[dict[str, Any]]:
        """Run a command and return the JSON objects that it printed, one a line."""
        printed, _ = self(*arguments)
        return [json.loads(line) for line in printed.splitlines()]

    def on_a_terminal(
        self, *arguments: str, typed: str | None = None, exits: int = 0, columns: int = 120, **more: Any
    ) -> str:
        """Run a command on a terminal that knows no colours, and return what reached it.

        Args:
            arguments: the command.
            typed: the answer to its question.
            exits: its exit code.
            columns: how wide the terminal is.
            more: for Popen, such as a standard output that is no terminal.
        """
        ours, theirs = pty.openpty()
        streams = {"stdout": theirs, "stderr": theirs, "stdin": theirs, **more}
        process = self.start(*arguments, **streams, environ={"TERM": "dumb", "COLUMNS": str(columns)})
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
                if typed is not None and b"[y/N]" in shown:
                    os.write(ours, f"{typed}\n".encode())
                    typed = None
        except OSError:
            # The other end of a terminal is closed by an error.
            pass
        finally:
            os.close(ours)
        assert exits == process.wait(60), shown
        return shown.decode().replace("\r\n", "\n")


def log_lines(log: Path) -> list[dict[str, Any]]:
    """Return the lines that a service has logged as JSON."""
    return [json.loads(line) for line in log.read_text("utf-8").splitlines() if line.startswith("{")]


@contextmanager
def serving(bootstrap: str, url: str, log: Path, environ: Mapping[str, str] | None = None) -> Iterator[int]:
    """Run a service in a process of its own at this address, from when it answers until the end; yield its id.

    It has to live until then.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "serve", "--port", url.rpartition(":")[2]],
            cwd=REPOSITORY,
            env=clean_environment() | settings(bootstrap) | dict(environ or {}),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 30
        while not _ready(url):
            assert time.monotonic() < deadline, log.read_text()
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        yield process.pid
        assert process.poll() is None, log.read_text()[-3000:]
    finally:
        process.terminate()
        process.wait(timeout=60)


def _ready(url: str) -> bool:
    try:
        found: str = httpx.get(f"{url}/readyz").json()["instances"]["default"]["state"]
    except httpx.TransportError:
        return False
    return found == "ready"
