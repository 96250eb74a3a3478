"""kafka-resend dead-letters on a real broker, and the commands that it prints."""

from __future__ import annotations

import shlex
import struct
from collections.abc import Iterator

import pytest

from tests.support.brokers import Broker, free_port
from tests.support.command_line import TOKEN, CommandLine, serving
from tests.support.plain import Header, PlainClient
from tests.support.topics import MakeTopic


@pytest.fixture(scope="module")
def resend(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """Commands that ask a service with its worker, which reads few records at once."""
    url = f"http://127.0.0.1:{free_port()}"
    log = tmp_path_factory.mktemp("service") / "log"
    with serving(broker.bootstrap, url, log, {"RESEND_QUERY__MAX_SCAN_RECORDS": "1000"}):
        yield CommandLine({"KAFKA_RESEND_URL": url, "KAFKA_RESEND_TOKEN": TOKEN})


def spring(topic: str, reason: bytes) -> list[Header]:
    """Return the headers of a record that Spring's recoverer has published."""
    return [
        ("kafka_dlt-original-topic", topic.encode()),
        ("kafka_dlt-original-partition", struct.pack(">i", 0)),
        ("kafka_dlt-exception-fqcn", reason),
        ("kafka_dlt-original-consumer-group", b"billing"),
    ]


def test_command_of_each_group_resends_it(resend: CommandLine, make_topic: MakeTopic, plain: PlainClient) -> None:
    """Pages are added up; the printed words, given to a shell, make the job, however strange the headers are."""
    dead, topic = make_topic(2), make_topic()
    reasons = {b"java.io.IOException": 1200, b"it's \n$(odd)": 3}
    for reason, count in reasons.items():
        plain.produce_many(dead, [reason] * count, headers=spring(topic, reason), partition=count % 2)
    plain.produce(dead, b"none")
    large, small, none = resend.lines("dead-letters", dead)
    assert [(each["dialect"], each["count"]) for each in (large, small)] == [("spring", 1200), ("spring", 3)]
    assert (none["dialect"], none["command"]) == (None, None)
    for group in (small, large):
        words = shlex.split(group["command"])
        assert words[0] == "kafka-resend"
        [done] = resend.lines(*words[1:], "--group-as-recipient", "--watch", "--yes")
        assert (done["state"], done["counts"]["resent"], done["counts"]["failed"]) == ("succeeded", group["count"], 0)
    copies = plain.log(topic, 0, "read_committed")
    assert [copy.value for copy in copies[:3]] == [b"it's \n$(odd)"] * 3
    kept = [[header for header in copy.headers if not header[0].startswith("resend.")] for copy in copies]
    assert kept == [[("consumer_key", b"billing")]] * 1203
    assert len(copies) == 1203


def test_dead_letters_on_a_terminal_are_lines_and_their_commands(
    resend: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """What cannot be shown is not sent, and no command is changed by that; what matches nothing says so."""
    dead = make_topic()
    for reason in (b"E", b"E", b"\x1b[31mred"):
        plain.produce(dead, b"x", headers=spring("orders", reason))
    shown = resend.on_a_terminal("dead-letters", dead)
    assert "\x1b[31mred" not in shown
    words = " ".join(shown.split())
    assert "1 2 records of topic orders, group billing reason: E spring, " in words
    assert f"such as 0@0 kafka-resend job start {dead} --redrive=spring --dead-letter-dialect=spring" in words
    assert "2 1 record of topic orders, group billing" in words
    assert "such as 0@2 its command has characters that cannot be shown: --json has it" in words
    assert "no records found" in resend.on_a_terminal("dead-letters", make_topic())
    [only] = resend.lines("dead-letters", dead, "--partition", "0", "--dialect", "spring")[:1]
    assert "--partition=0" in only["command"]
    _, said = resend("dead-letters", dead, "--dialect", "any", exits=1)
    assert "RESEND.00400036" in said
