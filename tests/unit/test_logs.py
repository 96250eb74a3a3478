"""What the log looks like: our own lines and those of libraries, and never a value of a local variable."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog

from service.logs import TurnBuffer, configure_logs
from service.settings_sections import LogSettings


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
    """Each line is one JSON object with its time and level, whoever wrote it."""
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
