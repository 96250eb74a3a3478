"""kafka-resend job on a real broker, against a service whose own worker runs the jobs."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.support.brokers import Broker, free_port
from tests.support.command_line import TOKEN, CommandLine, log_lines, serving
from tests.support.plain import PlainClient
from tests.support.topics import MakeTopic
from tests.support.worker import eventually


@dataclass(frozen=True)
class Served:
    """A running service.

    Attributes:
        pid: its process.
        log: what it writes.
        command_line: commands that ask it.
    """

    pid: int
    log: Path
    command_line: CommandLine

    async def was_asked_about(self, job_id: str) -> bool:
        """Whether a client has asked it to show a job."""
        return any((line.get("action"), line.get("job")) == ("show", job_id) for line in log_lines(self.log))


@pytest.fixture(scope="module")
def served(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with its worker."""
    url = f"http://127.0.0.1:{free_port()}"
    log = tmp_path_factory.mktemp("service") / "log"
    with serving(broker.bootstrap, url, log) as pid:
        yield Served(pid, log, CommandLine({"KAFKA_RESEND_URL": url, "KAFKA_RESEND_TOKEN": TOKEN}))


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
    selected = ["--offsets", "0:10-20", "--offsets", "1:25-", "--consumer-key", "keyA"]
    [done] = job.lines("job", "start", topic, *selected, "--watch", "--yes")
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
    [done] = job.lines("job", "start", topic, "--positions-file", str(file), "--watch", "--yes")
    assert (done["selection"]["positions"], done["counts"]["resent"]) == (4, 4)


def test_job_on_a_terminal_is_followed_and_shown(job: CommandLine, make_topic: MakeTopic, plain: PlainClient) -> None:
    """With --yes nothing is asked; the end is told with its counts."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 20)
    shown = job.on_a_terminal("job", "start", topic, "--all", "--yes", "--watch")
    assert "up to 20 records of" in shown
    assert "succeeded: 20 scanned, 20 matched, 20 resent, 0 failed" in shown
    job_id = re.findall(r"job ([0-9]+-[0-9a-f]{24})", shown)[0]
    assert f"{job_id}  succeeded  {topic} for everybody  100 %, 20 resent, 0 failed" in job.on_a_terminal(
        "job", "list", columns=140
    )
    assert job_id in job.on_a_terminal("job", "list", columns=200)
    assert job_id not in job.on_a_terminal("job", "list", "--dry-runs")
    assert "state     succeeded" in job.on_a_terminal("job", "show", job_id)


@pytest.mark.parametrize("arguments", [["--all"], ["--offsets", "0:0-2"], ["--key", "a", "--json"]], ids=" ".join)
def test_job_start_without_a_terminal_writes_only_with_yes(
    job: CommandLine, make_topic: MakeTopic, plain: PlainClient, arguments: list[str]
) -> None:
    """Nobody can be asked there: it is refused, says how to continue, and nothing is written."""
    topic = make_topic()
    plain.produce(topic, b"x", b"a")
    _, said = job("job", "start", topic, *arguments, exits=2)
    assert "--yes" in said
    assert plain.high_watermark(topic, 0) == 1
    assert topic not in {made["topic"] for made in job.lines("job", "list")}


def test_job_start_of_a_whole_topic_is_asked_for_by_all(
    job: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A forgotten option does not resend everything, even with --yes; to count everything is harmless."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 3)
    _, said = job("job", "start", topic, "--yes", exits=2)
    assert "--all" in said
    [counted] = job.lines("job", "start", topic, "--dry-run")
    assert counted["dry_run"]
    assert plain.high_watermark(topic, 0) == 3
    [done] = job.lines("job", "start", topic, "--yes", "--all", "--watch")
    assert done["counts"]["resent"] == 3


def test_job_start_asks_with_count_topic_recipient_and_target(
    job: CommandLine, make_topic: MakeTopic, plain: PlainClient, tmp_path: Path
) -> None:
    """The count is that of a dry run; without yes nothing is written, also where the output is no terminal."""
    topic = make_topic()
    for number in range(9):
        plain.produce(topic, b"x", b"even" if number % 2 == 0 else b"odd")
    asked = ["job", "start", topic, "--key", "even", "--consumer-key", "billing"]
    question = f"Resend 5 records of {topic} to the same topic and partitions, for billing? [y/N]"

    shown = job.on_a_terminal(*asked, typed="", exits=1)
    assert question in " ".join(shown.split())
    with (tmp_path / "piped").open("w") as piped:
        said = job.on_a_terminal(*asked, typed="n", exits=1, stdout=piped)
    assert question in " ".join(said.split())
    assert [] == [made for made in job.lines("job", "list") if made["topic"] == topic and not made["dry_run"]]

    with (tmp_path / "piped").open("w+") as piped:
        job.on_a_terminal(*asked, "--watch", typed="y", stdout=piped)
        piped.seek(0)
        [done] = map(json.loads, piped)
    assert (done["topic"], done["counts"]["resent"], plain.high_watermark(topic, 0)) == (topic, 5, 9 + 5 + 1)


def test_job_start_resends_no_more_than_was_counted(
    job: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """What is written between the count and the answer is not resent unseen."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 4)
    shown = job.on_a_terminal("job", "start", topic, "--all", "--watch", typed="y")
    assert "Resend 4 records" in shown
    made = next(found for found in job.lines("job", "list") if found["topic"] == topic and not found["dry_run"])
    assert [{"partition": 0, "start": 0, "end": 4}] == made["selection"]["spans"]


def test_job_start_with_an_idempotency_key_makes_one_job(
    job: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The same command again is the same job, also when it asks and the log has grown; it needs fixed times."""
    topic = make_topic()
    plain.produce(topic, b"x")
    command = ("job", "start", topic, "--all", "--idempotency-key", topic)
    [first] = job.lines(*command, "--yes", "--watch")
    shown = job.on_a_terminal(*command, typed="y")
    assert first["job_id"] in shown
    made = [found for found in job.lines("job", "list") if found["topic"] == topic and not found["dry_run"]]
    assert len(made) == 1
    for times in (["--since", "2h"], ["--from", "2026-01-01"]):
        _, said = job("job", "start", topic, *times, "--yes", "--idempotency-key", "a", exits=2)
        assert "--to" in said


def test_job_start_with_nothing_to_resend_asks_nothing(
    job: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """No record matches: that is said, and no job is made."""
    topic = make_topic()
    plain.produce(topic, b"x", b"a")
    assert "0 records match" in job.on_a_terminal("job", "start", topic, "--key", "b")


def test_dry_run_of_many_partitions_shows_its_answer_first_and_last(
    job: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A table that nobody reads to its end does not bury the answer."""
    topic = make_topic(100)
    for partition in range(100):
        plain.produce(topic, b"x", partition=partition)
    lines = job.on_a_terminal("job", "start", topic, "--dry-run").splitlines()
    answer = f"100 records of {topic} would be resent"
    assert answer in " ".join(lines[:14])
    assert "100 of 100 records match; nothing was written" in " ".join(lines[-4:])
    assert len(lines) < 60
    assert "and 80 more partitions" in " ".join(lines)


async def test_job_waits_goes_on_and_ends_when_told(
    job: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """pause, resume, cancel; a watcher learns of the end by the exit code."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 1000)
    [made] = job.lines("job", "start", topic, "--all", "--yes", "--rate", "20")
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
    served: Served, job: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Ctrl-C ends the watching, and says how to end the job."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 1000)
    [made] = job.lines("job", "start", topic, "--all", "--yes", "--rate", "20")
    job_id = made["job_id"]
    watching = job.start("job", "watch", job_id)
    await eventually(lambda: served.was_asked_about(job_id), seconds=30)
    watching.send_signal(signal.SIGINT)
    _, said = watching.communicate(timeout=30)
    assert watching.returncode == 130
    assert f"kafka-resend job cancel {job_id}" in said
    assert job.lines("job", "show", job_id)[0]["state"] in {"pending", "running"}
    job("job", "cancel", job_id)


def test_what_failed_is_shown_and_resent(job: CommandLine, make_topic: MakeTopic, plain: PlainClient) -> None:
    """The failure has its place and its reason; once that is fixed, a new job resends it."""
    topic = make_topic()
    plain.produce(topic, os.urandom(5000))
    plain.set_config(topic, {"max.message.bytes": "1000"})
    [first] = job.lines("job", "start", topic, "--all", "--yes", "--watch")
    assert first["counts"]["failed"] == 1
    assert "0@0" in job.on_a_terminal("job", "show", first["job_id"])
    plain.set_config(topic, {"max.message.bytes": "100000"})
    [again] = job.lines("job", "resend-failed", first["job_id"], "--idempotency-key", topic)
    [same] = job.lines("job", "resend-failed", first["job_id"], "--idempotency-key", topic)
    assert same["job_id"] == again["job_id"]
    [done] = job.lines("job", "watch", again["job_id"])
    assert done["counts"]["resent"] == 1


def test_job_whose_end_nobody_reads_still_tells_it_by_its_exit_code(
    job: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """With the reader of the output gone, `job watch` ends with 0 after a job that succeeded, else with 1."""
    topic = make_topic()
    plain.produce(topic, b"x")
    [made] = job.lines("job", "start", topic, "--offsets", "0:0-1", "--yes")
    reading, writing = os.pipe()
    os.close(reading)
    watching = job.start("job", "watch", made["job_id"], stdout=writing)
    _, said = watching.communicate(timeout=60)
    assert watching.returncode == 0, said
    assert "succeeded:" in said
    listing = job.start("job", "list", stdout=writing)
    _, said = listing.communicate(timeout=60)
    assert (listing.returncode, said) == (0, "")
    os.close(writing)


def test_job_that_cannot_be_is_refused_and_exits_with_1(job: CommandLine, make_topic: MakeTopic) -> None:
    """The API's words and its code say why."""
    topic = make_topic()
    for arguments, code in (
        ([make_topic.unused_name(), "--all"], "RESEND.00400101"),
        ([topic, "--all"], "RESEND.00400602"),
        ([topic, "--offsets", "7:0-"], "RESEND.00400102"),
        ([topic, "--jmespath", "total >"], "RESEND.00400604"),
        ([topic, "--all", "--rate", "0"], "RESEND.00400042"),
        ([topic, "--all", "--redrive", "rabbit"], "RESEND.00400042"),
    ):
        _, said = job("job", "start", *arguments, "--yes", exits=1)
        assert code in said
    _, said = job("job", "show", "0-" + "0" * 24, exits=1)
    assert "RESEND.00404002" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["--offsets", "0@1-2"],
        ["--offsets", "0:2"],
        ["--position", "0@"],
        ["--positions-file", "no-such-file"],
        ["--positions-file", os.devnull],
        ["--keep-origin-headers"],
        ["--group-as-recipient"],
        ["--redrive", "auto", "--group-as-recipient", "--consumer-key", "billing"],
        ["--since", "yesterday"],
        [],
        ["--include-resent"],
        ["--all", "--since", "2h"],
        ["--all", "--key", "a"],
        ["--offsets", "0:1-2", "--position", "0@1"],
        ["--since", "2h", "--offsets", "0:1-2"],
    ],
    ids=" ".join,
)
def test_options_that_cannot_be_meant_exit_with_2(job: CommandLine, arguments: list[str]) -> None:
    """Nothing is asked of the service then."""
    job("job", "start", "topic", "--yes", *arguments, exits=2)


async def test_worker_that_is_killed_is_started_again_and_ends_its_job(
    served: Served, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A service looks after its worker: the job continues in the next one, and each record is resent once."""
    topic, job = make_topic(), served.command_line
    plain.produce_many(topic, [f"{number}".encode() for number in range(300)])
    [made] = job.lines("job", "start", topic, "--all", "--yes", "--rate", "50")

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


def test_job_is_watched_until_a_group_has_committed_past_its_copies(
    job: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The exit code says whether; that the group has processed them is not said."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 5)
    [made] = job.lines("job", "start", topic, "--offsets", "0:0-5", "--consumer-key", "billing", "--watch", "--yes")
    job_id, group = made["job_id"], f"group-{topic[-8:]}"
    _, said = job("job", "watch", job_id, "--until-consumed", group, "--timeout", "3", exits=1)
    assert f"{group} has not committed past all copies of job {job_id} within 3 s" in said

    with closing(Consumer({"bootstrap.servers": plain.bootstrap, "group.id": group})) as consumer:
        offsets = [seen.offset for seen in plain.log(topic, 0, "read_committed", 5)]
        consumer.commit(offsets=[TopicPartition(topic, 0, offsets[3])], asynchronous=False)
        [shown] = job.lines("job", "show", job_id, "--group", group)
        assert [each["copies_passed"] for each in shown["consumers"]["groups"]] == [3]
        # By its name: of a broker with many groups, some are not asked about.
        assert "3 of 5 copies" in job.on_a_terminal("job", "show", job_id, "--group", group)

        watching = job.start("job", "watch", job_id, "--until-consumed", group, "--timeout", "60")
        consumer.commit(offsets=[TopicPartition(topic, 0, offsets[4] + 1)], asynchronous=False)
        printed, said = watching.communicate(timeout=60)
    assert watching.returncode == 0, said
    assert f"{group} has committed past all copies of job {job_id}: 5" in said
    assert [line.get("state") for line in map(json.loads, printed.splitlines())] == ["succeeded", None]


@pytest.mark.parametrize(
    "arguments",
    [["--timeout", "3"], ["--until-consumed", ""], ["--until-consumed", "g", "--timeout", "0"]],
    ids=" ".join,
)
def test_watch_that_cannot_be_meant_exits_with_2(job: CommandLine, arguments: list[str]) -> None:
    """Nothing is asked of the service then."""
    job("job", "watch", "0-" + "0" * 24, *arguments, exits=2)


async def test_watch_for_a_group_continues_when_the_service_is_back(
    served: Served, make_topic: MakeTopic, plain: PlainClient, broker: Broker, tmp_path: Path
) -> None:
    """It says that it asks again, and ends when the group is past the copies."""
    topic = make_topic()
    plain.produce(topic, b"x")
    [made] = served.command_line.lines("job", "start", topic, "--offsets", "0:0-1", "--watch", "--yes")
    group, url, log = f"group-{topic[-8:]}", f"http://127.0.0.1:{free_port()}", tmp_path / "log"
    other = CommandLine({"KAFKA_RESEND_URL": url, "KAFKA_RESEND_TOKEN": TOKEN})

    async def asked_about() -> bool:
        return any((line.get("action"), line.get("outcome")) == ("consumers", "ok") for line in log_lines(log))

    with serving(broker.bootstrap, url, log):
        watching = other.start("job", "watch", made["job_id"], "--until-consumed", group, "--timeout", "120")
        await eventually(asked_about, seconds=60)
    with closing(Consumer({"bootstrap.servers": plain.bootstrap, "group.id": group})) as consumer:
        past = TopicPartition(topic, 0, made["copies"][0]["last_offset"] + 1)
        consumer.commit(offsets=[past], asynchronous=False)
    with serving(broker.bootstrap, url, log):
        _, said = await asyncio.to_thread(watching.communicate, timeout=90)
    assert watching.returncode == 0, said
    assert "asking again until it answers" in said
    assert f"{group} has committed past all copies of job {made['job_id']}: 1" in said
