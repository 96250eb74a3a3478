"""The command line from outside: its words, its exit codes, and what it checks before anything else."""

from __future__ import annotations

import io
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from kafka.checks.results import Finding
from service.cli import _COMMANDS, _JOB_COMMANDS
from service.cli.check import show
from service.cli.demo import EXAMPLE_BODY, call, introduce
from service.cli.serve import listen

REPOSITORY = Path(__file__).parents[2]


CONFIGURED = {"RESEND_AUTH__ALLOW_ANONYMOUS": "true", "RESEND_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"}
"""Enough to start with, where nobody listens."""


def kafka_resend(
    *arguments: str, environ: Mapping[str, str] | None = None, cwd: Path = REPOSITORY
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, without the RESEND_ variables of this one."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RESEND_")}
    code = "import sys; from service.cli import main; sys.argv[0] = 'kafka-resend'; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env={**inherited, "NO_COLOR": "1", **(environ or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_lists_the_commands_a_stranger_needs() -> None:
    """--help names the commands and where to start, and leaves out the one that only compose needs."""
    done = kafka_resend("--help")

    assert 0 == done.returncode, done.stderr
    for command in ("serve", "demo", "check", "config", "token", "topics", "messages", "resend", "tail", "job"):
        assert f"  {command} " in done.stdout
    assert "kafka-resend demo" in done.stdout
    assert "sample-topic" not in done.stdout


@pytest.mark.parametrize(
    "command",
    [*_COMMANDS, *(f"job {name}" for name in _JOB_COMMANDS)],
)
def test_help_of_a_command_says_what_it_does(command: str) -> None:
    """Every command explains itself and exits with 0."""
    done = kafka_resend(*command.split(), "--help")

    assert 0 == done.returncode, done.stderr
    assert f"Usage: kafka-resend {command}" in done.stdout
    assert len(done.stdout.splitlines()) > 5


def test_commands_that_ask_the_api_are_documented() -> None:
    """docs/command-line.md has a row for each."""
    rows = [line for line in (REPOSITORY / "docs" / "command-line.md").read_text().splitlines() if line.startswith("|")]
    first_cells = " ".join(row.split("|")[1] for row in rows)
    asking = [name for name, known in _COMMANDS.items() if known.epilog is not None]
    for command in [*asking, *(f"job {name}" for name in _JOB_COMMANDS)]:
        assert f"{command} " in first_cells.replace("`", " "), command


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("serv", "No such command 'serv'. Did you mean 'serve'?"),
        ("mesages", "No such command 'mesages'. Did you mean 'messages'?"),
        ("job strat", "No such command 'strat'. Did you mean 'start'?"),
        ("sample-topics", "No such command 'sample-topics'. Did you mean 'topics'?"),
        ("nothing-like-it", "No such command 'nothing-like-it'."),
    ],
)
def test_unknown_command_exits_with_2_and_names_what_may_be_meant(command: str, words: str) -> None:
    """An unknown command is named with those that are close, none of them hidden, without a traceback."""
    done = kafka_resend(*command.split())

    assert 2 == done.returncode
    assert done.stderr.endswith(f"Error: {words}\n")


@pytest.mark.parametrize(
    ("command", "usage", "argument"),
    [
        ("topics", "[OPTIONS] [NAME]", "  [NAME]  "),
        ("messages", "[OPTIONS] TOPIC", "  TOPIC  "),
        ("resend", "[OPTIONS] TOPIC PARTITION OFFSET", "  PARTITION  "),
        ("job show", "[OPTIONS] JOB", "  JOB  "),
    ],
)
def test_help_names_arguments_as_they_are_written(command: str, usage: str, argument: str) -> None:
    """No braces, no types of Python, and every number an INTEGER or a NUMBER."""
    done = kafka_resend(*command.split(), "--help")

    assert f"Usage: kafka-resend {command} {usage}\n" in done.stdout
    assert argument in done.stdout
    assert "<str>" not in done.stdout
    assert "<int" not in done.stdout


def test_serve_without_settings_exits_with_2_and_one_line() -> None:
    """Nothing configured: no start, one line that says what to set, exit code 2."""
    done = kafka_resend("serve")

    assert 2 == done.returncode
    assert 1 == len(done.stderr.splitlines()), done.stderr
    assert "RESEND_" in done.stderr


def test_serve_option_that_is_no_setting_is_refused_like_the_setting() -> None:
    """--host passes the checks of RESEND_HTTP__HOST: open access beyond loopback does not start."""
    done = kafka_resend("serve", "--host", "192.0.2.1", environ=CONFIGURED)

    assert 2 == done.returncode
    assert 1 == len(done.stderr.splitlines()), done.stderr


@pytest.mark.parametrize(
    ("variable", "value", "word"),
    [
        ("RESEND_KAFKA__PROPERTIES__SASL_PASWORD", "s3cr3t", "sasl.pasword"),
        ("RESEND_KAFKA__PROPERTIES__SECURITY_PROTOCOL", "tls", "security.protocol"),
        ("RESEND_KAFKA__PROPERTIES__FETCH_MIN_BYTES", "many", "fetch.min.bytes"),
    ],
)
def test_serve_with_a_property_that_librdkafka_refuses_exits_with_2_and_one_line(
    variable: str, value: str, word: str
) -> None:
    """A property that does not exist, or a value that it does not take, stops the start by name, not by a traceback."""
    done = kafka_resend("serve", environ={**CONFIGURED, variable: value})

    assert 2 == done.returncode
    assert 1 == len(done.stderr.splitlines()), done.stderr
    assert word in done.stderr
    assert "s3cr3t" not in done.stderr


def test_check_of_an_instance_that_is_not_configured_exits_with_2() -> None:
    """The option --instance names the instances that there are when it is given another."""
    done = kafka_resend("check", "--instance", "prod", environ=CONFIGURED)

    assert 2 == done.returncode
    assert "'prod'" in done.stderr
    assert "default" in done.stderr


def test_check_of_a_cluster_that_is_away_exits_with_1_and_says_why() -> None:
    """The command prints the library's reason and what to look at, and exits with 1."""
    done = kafka_resend("check", environ=CONFIGURED)

    assert 1 == done.returncode, done.stderr
    assert "MISSING  connection: " in done.stdout
    assert "127.0.0.1:1" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("merged", [False, True])
def test_start_with_a_foreign_package_kafka_exits_with_2(tmp_path: Path, *, merged: bool) -> None:
    """Another package named kafka, alone or installed over ours, is named before anything of it is imported."""
    foreign = tmp_path / "kafka"
    foreign.mkdir()
    (foreign / "__init__.py").write_text("raise RuntimeError('imported')")
    (foreign / "consumer").mkdir()
    (foreign / "consumer" / "__init__.py").touch()
    if merged:
        (foreign / "client_set.py").touch()
    done = kafka_resend("--help", cwd=tmp_path, environ={"PYTHONPATH": str(REPOSITORY)})

    assert 2 == done.returncode
    assert str(foreign) in done.stderr
    assert "kafka-python" in done.stderr
    assert "Traceback" not in done.stderr


def test_listen_on_a_port_that_is_taken_exits_with_1_and_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    """A port that another program has is told in one line, with the way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as stopped:
            listen("127.0.0.1", port)

    assert 1 == stopped.value.code
    assert f"127.0.0.1:{port}" in capsys.readouterr().err


def test_demo_call_is_the_documented_example() -> None:
    """The printed curl command carries the API document's example body, word for word, and a token."""
    words = shlex.split(call(8080).replace("\\\n", " "))

    assert '{"topic": "topic-test", "partition": 0, "message_offset": 4, "consumer_key": "keyA"}' == words[-1]
    assert {"topic": "topic-test", "partition": 0, "message_offset": 4, "consumer_key": "keyA"} == EXAMPLE_BODY
    assert "X-Auth-Token: demo" in words
    assert words[4].endswith("/v2/demo-project/mqs/instances/demo/messages/action?action_id=resend")


def test_demo_introduction_on_no_terminal_is_plain_text() -> None:
    """Where the output is no terminal, the command can be copied out of it as it is: no colours, no wrapping."""
    printed = io.StringIO()
    introduce(Console(file=printed, highlight=False, soft_wrap=True, width=40), 8080, "127.0.0.1:9092")

    assert call(8080) in printed.getvalue()
    assert "\x1b" not in printed.getvalue()


def test_check_output_has_each_cure_below_its_finding() -> None:
    """What is missing is followed by the command that fixes it, on a line that can be copied."""
    printed = io.StringIO()
    findings = (
        Finding("connection", ok=True, detail="connected to [::1]:9092"),
        Finding(
            "ACLs",
            ok=False,
            detail="Write missing on topic 'orders'",
            remedy="kafka-acls.sh --topic '*'\nkafka-acls.sh --topic a",
        ),
    )
    show(Console(file=printed, highlight=False, soft_wrap=True, width=20), "prod", findings)

    assert [
        "instance prod",
        "  ok       connection: connected to [::1]:9092",
        "  MISSING  ACLs: Write missing on topic 'orders'",
        "           kafka-acls.sh --topic '*'",
        "           kafka-acls.sh --topic a",
    ] == printed.getvalue().splitlines()
