"""What the log looks like: our own lines and those of libraries, and never a value of a local variable."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog

from service.logs import TurnBuffer, configure_logs
from service.settings.sections import LogSettings


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """Let the other tests have the log that they had."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def fail_with_a_secret() -> None:
    """Raise, with something secret in a local variable."""
    password = "hunter2" * 2
    raise KeyError(len(password))


def test_json_log_has_a_line_for_each_event_of_ours_and_of_libraries(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line is one JSON object with its time and level, from any source."""
    configure_logs(LogSettings(format="json", level="info"))
    structlog.get_logger("service").info("request", status=200)
    logging.getLogger("kafka").warning("%s is away", "broker-1")
    logging.getLogger("kafka").debug("not shown")

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    facts = [{key: value for key, value in line.items() if key != "timestamp"} for line in lines]

    assert [
        {"event": "request", "level": "info", "status": 200},
        {"event": "broker-1 is away", "level": "warning", "logger": "kafka"},
    ] == facts
    assert all(line["timestamp"].endswith("Z") for line in lines)


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_log_of_an_exception_shows_no_local_variables(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    """A traceback names the lines that it came by, and no values."""
    configure_logs(LogSettings.model_validate({"format": log_format, "level": "info"}))
    try:
        fail_with_a_secret()
    except KeyError:
        structlog.get_logger("service").exception("ours")
        logging.getLogger("library").exception("a library's")

    written = capsys.readouterr().err
    assert 2 == written.count("in fail_with_a_secret")
    assert "hunter2hunter2" not in written


async def test_buffered_lines_are_written_once_a_turn_and_in_order() -> None:
    """What one turn of the event loop logs comes out together; outside of a loop a line comes out at once."""
    written: list[str] = []

    class Stream(StringIO):
        def write(self, text: str) -> int:
            written.append(text)
            return len(text)

    buffer = TurnBuffer(Stream())
    buffer.write("one\n")
    buffer.write("two\n")
    assert written == []
    await asyncio.sleep(0)
    assert written == ["one\ntwo\n"]
    await asyncio.to_thread(buffer.write, "three\n")
    assert written[1:] == ["three\n"]
    buffer.write("four\n")
    buffer.write_out()
    assert written[2:] == ["four\n"]


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_line_of_the_command_line_is_written_at_once(unbuffered: str) -> None:
    """What a process has said is there when it is killed, also where a container sets PYTHONUNBUFFERED."""
    said = "import os, sys; from service.cli.streams import install_streams; install_streams(); "
    said += "sys.stderr.write('line\\n'); os._exit(0)"
    environ = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    ended = subprocess.run([sys.executable, "-c", said], env=environ, stderr=subprocess.PIPE, check=True)

    assert b"line\n" == ended.stderr


def test_console_log_shows_control_characters_and_sends_none(capsys: pytest.CaptureFixture[str]) -> None:
    """A path with an escape sequence cannot drive the terminal that shows the log, nor begin a line of its own."""
    configure_logs(LogSettings(format="console", level="info"))
    hostile = "/\x1b]0;title\x07\x9b31m\u202e\nrequest outcome=resent"
    structlog.get_logger("service").info("request", path=hostile, names=[hostile])
    logging.getLogger("kafka").warning("said: %s", hostile)
    try:
        int(hostile)
    except ValueError as error:
        error.add_note(hostile)
        structlog.get_logger("service").exception("unexpected error")

    written = capsys.readouterr().err
    assert all(character.isprintable() or character == "\n" for character in written)
    ours, of_library, *of_exception = written.splitlines()
    assert "x1b]0;title" in ours
    assert r"said: /\x1b]0;title\x07\x9b31m\u202e\x0arequest" in of_library
    assert r"/\x1b]0;title\x07\x9b31m\u202e" in of_exception
