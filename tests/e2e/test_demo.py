"""`kafka-resend demo` as a first-time user meets it: start it, copy the command, look for the copy, press Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from kafka.demo.samples import SAMPLE_RECORDS
from tests.support.reading import read_to_end

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[2]
LAST_LINE = "Nothing is kept."


@dataclass
class Demo:
    """A demo that runs in a process of its own."""

    process: subprocess.Popen[str]
    printed: str = ""
    ready: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        """Collect what it prints, until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line
            if LAST_LINE in line:
                self.ready.set()
        self.ready.set()

    def command(self) -> list[str]:
        """Return the words of the curl command that it printed."""
        found = re.search(r"^curl (?:.*\\\n)*.*$", self.printed, re.MULTILINE)
        assert found is not None, self.printed
        return shlex.split(found[0].replace("\\\n", " "))

    def bootstrap(self) -> str:
        """Return the broker's address as printed."""
        found = re.search(r"kcat -b (\S+)", self.printed)
        assert found is not None, self.printed
        return found[1]


@pytest.fixture
def demo() -> Iterator[Demo]:
    """Start the demo at a free port, and wait for its last line."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("RESEND_")}
    # The shell of a first-time user does not know the command.
    environ["PATH"] = "/usr/bin:/bin"
    with subprocess.Popen(
        [sys.executable, "-m", "service", "demo", "--port", "0"],
        cwd=REPOSITORY,
        # What somebody has set for a real service must not change the demo.
        env={**environ, "RESEND_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1", "RESEND_HTTP__WORKERS": "3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Ctrl-C in the terminal of the tests must not end it; the test sends its own.
        start_new_session=True,
    ) as process:
        running = Demo(process)
        reading = threading.Thread(target=running.read)
        reading.start()
        try:
            running.ready.wait(30)
            assert LAST_LINE in running.printed, running.printed
            yield running
        finally:
            if process.poll() is None:
                process.kill()
            reading.join()


def run(words: list[str]) -> httpx.Response:
    """Do what the curl command says, without curl."""
    assert ["curl", "-i", "-X", "POST"] == words[:4]
    url, rest = words[4], words[5:]
    options = list(zip(rest[::2], rest[1::2], strict=True))
    headers = dict(value.split(": ", 1) for option, value in options if option == "-H")
    [body] = [value for option, value in options if option == "-d"]
    return httpx.post(url, headers=headers, content=body.encode(), timeout=30)


def test_demo_printed_command_resends_the_documents_example(demo: Demo) -> None:
    """The command works as it is: 200, the echo, and a copy at the told offset that differs by the header alone."""
    answer = run(demo.command())

    assert 200 == answer.status_code, answer.text
    assert {"topic": "topic-test", "partition": 0, "message_offset": 4, "consumer_key": "keyA"} == answer.json()
    assert "0" == answer.headers["X-Resend-Partition"]
    messages = read_to_end(demo.bootstrap(), "topic-test")[0]
    copy = messages[int(answer.headers["X-Resend-Offset"])]
    original = messages[4]
    assert len([sample for sample in SAMPLE_RECORDS if sample.partition == 0]) + 1 == len(messages)
    assert (original.key(), original.value(), original.timestamp()) == (copy.key(), copy.value(), copy.timestamp())
    assert [*(original.headers() or []), ("consumer_key", b"keyA")] == copy.headers()


def test_demo_is_asked_on_the_command_line_as_it_says_and_as_the_readme_has_it(demo: Demo) -> None:
    """The printed lines work in a shell that does not know the command, and then the README's do, word for word."""
    printed = re.search(r"^export PATH=.*\nexport KAFKA_RESEND_URL=.*\nkafka-resend .*$", demo.printed, re.MULTILINE)
    assert printed is not None, demo.printed
    readme = (REPOSITORY / "README.md").read_text()
    [block] = [found for found in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) if "kafka-resend tail" in found]
    commands = [line for line in block.splitlines() if line.startswith("kafka-resend")]
    assert "kafka-resend tail topic-test" == commands[-1]
    assert 'export PATH="$PWD/.venv/bin:$PATH"' in block
    where: dict[str, Any] = {"env": {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}, "cwd": "/", "text": True}

    done = subprocess.run(
        ["bash", "-c", "\n".join(["set -e", printed[0], *commands[:-1]])],
        capture_output=True,
        timeout=90,
        check=False,
        **where,
    )

    assert 0 == done.returncode, done.stderr
    assert '"message_offset": 4' in done.stdout
    assert '"consumer_key": "keyA", "copy_partition": 0' in done.stdout
    exports = printed[0].rpartition("\n")[0]
    with subprocess.Popen(["bash", "-c", f"{exports}\nexec {commands[-1]}"], stderr=subprocess.PIPE, **where) as tail:
        assert tail.stderr is not None
        assert "following topic-test from its end" in tail.stderr.readline()
        tail.terminate()


def test_demo_serves_its_documentation_and_every_sample(demo: Demo) -> None:
    """The printed /docs is there, and each of the samples can be resent, the null and the binary ones too."""
    docs = re.search(r"http://\S+/docs", demo.printed)
    assert docs is not None, demo.printed
    assert 200 == httpx.get(docs[0]).status_code
    words = demo.command()
    for offset in range(10):
        words[-1] = json.dumps({"topic": "topic-test", "partition": 0, "message_offset": offset})
        answer = run(words)
        assert (200, offset) == (answer.status_code, answer.json().get("message_offset")), answer.text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_demo_stopped_ends_with_code_0_and_no_traceback(demo: Demo, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM are how it ends: code 0, nothing alarming on the screen."""
    run(demo.command())
    demo.process.send_signal(number)
    code = demo.process.wait(timeout=30)
    assert demo.process.stderr is not None
    errors = demo.process.stderr.read()

    assert 0 == code, errors
    assert "Traceback" not in errors
