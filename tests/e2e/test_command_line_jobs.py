"""kafka-resend job on a real broker, against a service whose own worker runs the jobs."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.brokers import Broker, free_port
from tests.support.command_line import TOKEN, CommandLine, serving
from tests.support.plain import PlainClient
from tests.support.topics import MakeTopic
from tests.support.worker import eventually


@dataclass(frozen=True)
class Served:
    """A running service.

    Attributes:
        pid: its process.
        command_line: commands that ask it.
    """

    pid: int
    command_line: CommandLine


@pytest.fixture(scope="module")
def served(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with its worker."""
    url = f"http://127.0.0.1:{free_port()}"
    with serving(broker.bootstrap, url, tmp_path_factory.mktemp("service") / "log") as pid:
        yield Served(pid, CommandLine({"KAFKA_RESEND_URL": url, "KAFKA_RESEND_TOKEN": TOKEN}))


@pytest.fixture
def job(served: Served) -> CommandLine:
    """The commands, of which `job` is the first word."""
    return served.command_line


def worker_of(pid: int) -> int | None:
    """Return the process of the worker beside a service."""
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text("ascii").split()):
            if b"worker" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
                return child
    return None


def test_job_is_started_and_followed_to_its_end(job: CommandLine, make_topic: MakeTopic, plain: PlainClient) -> None:
    """The last line is the job as the API tells it; the copies are where it says."""
    topic = make_topic(2)
    for partition in range(2):
        plain.produce_many(topic, [b"x"] * 30, partition=partition)
    selected = ["--offsets", "0@10-20", "--offsets", "1@25-", "--consumer-key", "keyA"]
    [done] = job.lines("job", "start", topic, *selected, "--watch")
    assert (done["state"], done["counts"]["resent"], done["consumer_key"]) == ("succeeded", 15, "keyA")
    logs = [plain.log(topic, partition, "read_committed") for partition in range(2)]
    assert [len(log) for log in logs] == [30 + 10, 30 + 5]
    [shown] = job.lines("job", "show", done["job_id"])
    assert shown == done
    assert done["job_id"] in {found["job_id"] for found in job.lines("job", "list", "--state", "succeeded")}


def test_dry_run_shows_what_would_be_resent(job: CommandLine, make_topic: MakeTopic, plain: PlainClient) -> None:
    """Filters are the API's; on a terminal there is a table, and nothing is written."""
    topic = make_topic()
    for number in range(10):
        plain.produce(topic, b'{"total": %d}' % number, headers=[("kind", b"odd" if number % 2 else b"even")])
    selected = ["--header", "kind=odd", "--without-header", "trace", "--jmespath", "total > `3`"]
    [done] = job.lines("job", "start", topic, *selected, "--dry-run")
    assert [place["message_offset"] for place in done["report"]["first"]] == [5, 7, 9]
    shown = job.on_a_terminal("job", "start", topic, *selected, "--dry-run")
    assert f"3 records of {topic} would be resent" in shown
    assert "0@5, 0@7, 0@9" in shown
    assert plain.high_watermark(topic, 0) == 10


def test_what_messages_prints_is_what_a_job_takes(
    job: CommandLine, make_topic: MakeTopic, plain: PlainClient, tmp_path: Path
) -> None:
    """Records that were found become a job, by a file or by a pipe."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 5)
    found, _ = job("messages", topic, "--limit", "3")
    file = tmp_path / "found"
    file.write_text(f"{found}\n0@0\n")
    [done] = job.lines("job", "start", topic, "--positions-file", str(file), "--watch")
    assert (done["selection"]["positions"], done["counts"]["resent"]) == (4, 4)


def test_job_on_a_terminal_is_followed_and_shown(job: CommandLine, make_topic: MakeTopic, plain: PlainClient) -> None:
    """With --yes nothing is asked; the end is told with its counts."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 20)
    shown = job.on_a_terminal("job", "start", topic, "--yes", "--watch")
    assert "20 offsets of" in shown
    assert "succeeded: 20 read, 20 resent, 0 left out, 0 failed" in shown
    job_id = re.findall(r"job ([0-9]+-[0-9a-f]{24})", shown)[0]
    assert job_id in job.on_a_terminal("job", "list")
    assert "next offset" in job.on_a_terminal("job", "show", job_id)


async def test_job_waits_goes_on_and_ends_when_told(
    job: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """pause, resume, cancel; whoever watches learns of the end by the exit code."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 1000)
    [made] = job.lines("job", "start", topic, "--rate", "20")
    job_id = made["job_id"]
    watching = job.start("job", "watch", job_id)

    async def state(wanted: str) -> bool:
        return bool(job.lines("job", "show", job_id)[0]["state"] == wanted)

    await eventually(lambda: state("running"), seconds=30)
    assert job.lines("job", "pause", job_id)[0]["state"] == "paused"
    assert job.lines("job", "resume", job_id)[0]["state"] in {"running", "pending"}
    job("job", "cancel", job_id)
    printed, said = watching.communicate(timeout=30)
    assert (watching.returncode, json.loads(printed)["state"]) == (1, "cancelled")
    assert "cancelled:" in said
    _, said = job("job", "pause", job_id, exits=1)
    assert "RESEND.00400605" in said


async def test_interrupted_watch_leaves_the_job_alone(
    job: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Ctrl-C ends the watching, and says how to end the job."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 1000)
    [made] = job.lines("job", "start", topic, "--rate", "20")
    job_id = made["job_id"]
    watching = job.start("job", "watch", job_id)

    async def running() -> bool:
        return bool(job.lines("job", "show", job_id)[0]["counts"]["resent"])

    await eventually(running, seconds=30)
    watching.send_signal(signal.SIGINT)
    _, said = watching.communicate(timeout=30)
    assert watching.returncode == 130
    assert f"kafka-resend job cancel {job_id}" in said
    assert job.lines("job", "show", job_id)[0]["state"] == "running"
    job("job", "cancel", job_id)


def test_what_failed_is_shown_and_resent(job: CommandLine, make_topic: MakeTopic, plain: PlainClient) -> None:
    """The failure has its place and its reason; once that is mended, a new job resends it."""
    topic = make_topic()
    plain.produce(topic, os.urandom(5000))
    plain.set_config(topic, {"max.message.bytes": "1000"})
    [first] = job.lines("job", "start", topic, "--watch")
    assert first["counts"]["failed"] == 1
    assert "0@0" in job.on_a_terminal("job", "show", first["job_id"])
    plain.set_config(topic, {"max.message.bytes": "100000"})
    [again] = job.lines("job", "resend-failed", first["job_id"])
    [done] = job.lines("job", "watch", again["job_id"])
    assert done["counts"]["resent"] == 1


def test_job_that_cannot_be_is_refused_and_exits_with_1(job: CommandLine, make_topic: MakeTopic) -> None:
    """The API's words and its code say why."""
    topic = make_topic()
    for arguments, code in (
        ([make_topic.unused_name()], "RESEND.00400101"),
        ([topic], "RESEND.00400602"),
        ([topic, "--offsets", "7@0-"], "RESEND.00400102"),
        ([topic, "--jmespath", "total >"], "RESEND.00400604"),
        ([topic, "--rate", "0"], "RESEND.00400042"),
        ([topic, "--to-origin", "rabbit"], "RESEND.00400042"),
    ):
        _, said = job("job", "start", *arguments, exits=1)
        assert code in said
    _, said = job("job", "show", "0-" + "0" * 24, exits=1)
    assert "RESEND.00404002" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["--offsets", "0:1-2"],
        ["--offsets", "0@2"],
        ["--position", "0@"],
        ["--positions-file", "no-such-file"],
        ["--positions-file", os.devnull],
        ["--remove-origin-headers"],
        ["--since", "yesterday"],
    ],
    ids=" ".join,
)
def test_options_that_cannot_be_meant_exit_with_2(job: CommandLine, arguments: list[str]) -> None:
    """Nothing is asked of the service then."""
    job("job", "start", "topic", *arguments, exits=2)


async def test_worker_that_is_killed_is_started_again_and_ends_its_job(
    served: Served, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A service looks after its worker: the job goes on in the next one, and each record is resent once."""
    topic, job = make_topic(), served.command_line
    plain.produce_many(topic, [f"{number}".encode() for number in range(300)])
    [made] = job.lines("job", "start", topic, "--rate", "50")

    async def begun() -> bool:
        return bool(job.lines("job", "show", made["job_id"])[0]["counts"]["resent"])

    await eventually(begun, seconds=30)
    worker = worker_of(served.pid)
    assert worker is not None
    os.kill(worker, signal.SIGKILL)
    [done] = job.lines("job", "watch", made["job_id"])
    assert (done["state"], done["counts"]["resent"]) == ("succeeded", 300)
    copies = [seen.value for seen in plain.log(topic, 0, "read_committed", 300)]
    assert copies == [f"{number}".encode() for number in range(300)]
