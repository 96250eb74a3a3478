"""The command line whose output nobody reads to its end, or that cannot be written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import clean_environment

REPOSITORY = Path(__file__).parents[2]
NOWHERE = {"RESEND_AUTH__ALLOW_ANONYMOUS": "true", "RESEND_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"}


def run_into(output: int, *arguments: str) -> tuple[int, str]:
    """Run the command line with this standard output; return its exit code and its words."""
    done = subprocess.run(
        [sys.executable, "-m", "service", *arguments],
        cwd=REPOSITORY,
        env=clean_environment() | NOWHERE,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.fixture
def closed_pipe() -> int:
    """A pipe whose reader is gone already."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("--help", 0),
        ("--version", 0),
        ("job start --help", 0),
        ("config", 0),
        ("token", 0),
        ("check --timeout 1 --no-jobs", 1),
    ],
)
def test_pipe_that_is_closed_changes_no_exit_code(closed_pipe: int, command: str, code: int) -> None:
    """`| head` may end before the command: 0, silently; where the exit code is a finding it stays that."""
    ended, said = run_into(closed_pipe, *command.split())
    os.close(closed_pipe)

    assert code == ended, said
    assert "Broken pipe" not in said
    assert "Traceback" not in said


def test_words_into_a_closed_pipe_change_no_exit_code(closed_pipe: int) -> None:
    """Standard error may go into the same pipe: a wrong command is still told by exit code 2."""
    done = subprocess.run(
        [sys.executable, "-m", "service", "mesages"],
        cwd=REPOSITORY,
        env=clean_environment(),
        stdout=closed_pipe,
        stderr=closed_pipe,
        timeout=60,
        check=False,
    )
    os.close(closed_pipe)

    assert 2 == done.returncode


def test_output_that_cannot_be_written_is_told_in_one_line() -> None:
    """A full disk is neither success nor a refusal: one line, and an exit code of its own."""
    with Path("/dev/full").open("wb") as full:
        ended, said = run_into(full.fileno(), "config")

    assert 5 == ended
    assert "kafka-resend: the output cannot be written: No space left on device\n" == said


def test_command_without_standard_output_ends_as_if_it_had_one() -> None:
    """A process may be started with its output closed (`>&-`)."""
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m service config >&-"],
        cwd=REPOSITORY,
        env=clean_environment() | NOWHERE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_worker_beside_a_service_ends_with_0_when_it_is_stopped() -> None:
    """It waits in a thread for the end of its input; the shutdown of the interpreter is not aborted by that."""
    with subprocess.Popen(
        [sys.executable, "-m", "service", "worker", "--with-parent"],
        cwd=REPOSITORY,
        env=clean_environment() | NOWHERE,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stderr is not None
        # Its first line comes when it works: nobody listens where it looks for a broker.
        worker.stderr.readline()
        worker.terminate()
        _, said = worker.communicate(timeout=60)

    assert (0, False) == (worker.returncode, "Fatal Python error" in said)
