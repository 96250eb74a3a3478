"""topics, messages, resend and tail on a real broker: as clients of a service, and with the application in process."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import subprocess
import sys
import threading
import time
import unicodedata
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.brokers import Broker, free_port
from tests.support.command_line import TOKEN, CommandLine, clean_environment, serving, settings
from tests.support.plain import PlainClient
from tests.support.topics import MakeTopic

OLD = {"retention.ms": "-1"}
"""The configuration of a topic whose records may be from years ago."""

HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\x7f\u202e[red]x[/red]"
SHOWN = r"\x1b[2J\x1b]0;owned\x07\x9b31m\x7f\u202e[red]x[/red]"
QUOTED = f'"{SHOWN}"'


@pytest.fixture(scope="module")
def service(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service in a process of its own; returns its address."""
    url = f"http://127.0.0.1:{free_port()}"
    with serving(broker.bootstrap, url, tmp_path_factory.mktemp("service") / "log"):
        yield url


@pytest.fixture(params=["of a service", "in process"])
def command_line(request: pytest.FixtureRequest, broker: Broker) -> CommandLine:
    """The command line, once as a client of a service, and once with the settings alone."""
    if request.param == "in process":
        return CommandLine(settings(broker.bootstrap))
    client: CommandLine = request.getfixturevalue("of_service")
    return client


@pytest.fixture
def of_service(service: str) -> CommandLine:
    return CommandLine({"KAFKA_RESEND_URL": service, "KAFKA_RESEND_TOKEN": TOKEN})


@pytest.fixture
def in_process(broker: Broker) -> CommandLine:
    return CommandLine(settings(broker.bootstrap))


def test_messages_print_the_api_s_objects_one_a_line(
    command_line: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """On no terminal, standard output is JSON to the byte, printable ASCII alone, null and empty told apart."""
    topic = make_topic(config=OLD)
    plain.produce(topic, b"one", HOSTILE.encode(), timestamp_ms=1_700_000_000_001)
    plain.produce(topic, None, None, [("consumer_key", b"keyA")], timestamp_ms=1_700_000_000_002)
    plain.produce(topic, b"", b"", timestamp_ms=1_700_000_000_003)
    shared = '"message_id": "0-%d", "app_id": "", "tag": "", "huge_message": false, '
    begin = f'{{"topic": "{topic}", "partition": 0, "message_offset": %d, "timestamp": 170000000000%d, '
    created = '"timestamp_type": "CreateTime", '
    size = len(HOSTILE.encode()) + 3
    none, some = (f'"consumer_key_encoding": "utf-8", "has_consumer_key": {there}' for there in ("false", "true"))
    exact = '"preview_lossy": false'

    printed, said = command_line("messages", topic, "--partition", "0", "--start-offset", "0", "--preview", "2")

    assert "" == said
    key = r'"\u001b[2J\u001b]0;owned\u0007\u009b31m\u007f\u202e[red]x[/red]"'
    assert (
        f'{begin % (0, 1)}{created}"key": {key}, "key_encoding": "utf-8", "size": {size}, "value_size": 3, '
        f'{shared % 0}"consumer_key": null, {none}, "preview": "on", {exact}}}\n'
        f'{begin % (1, 2)}{created}"key": null, "key_encoding": "utf-8", "size": 16, "value_size": null, '
        f'{shared % 1}"consumer_key": "keyA", {some}, "preview": null, {exact}}}\n'
        f'{begin % (2, 3)}{created}"key": "", "key_encoding": "utf-8", "size": 0, "value_size": 0, '
        f'{shared % 2}"consumer_key": null, {none}, "preview": "", {exact}}}\n'
    ) == printed


def test_messages_at_a_position_print_the_record_with_headers_and_value(
    command_line: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Headers in their order, repeated ones and nulls too; bytes that are no text in base64."""
    topic = make_topic()
    plain.produce(topic, b"\xff\x00", b"k", [("a", b"1"), ("a", None), ("b", b"\xfe")])

    (record,) = command_line.lines("messages", topic, "--partition", "0", "--offset", "0")

    assert ("/wA=", "base64", "k") == (record["value"], record["value_encoding"], record["key"])
    assert [("a", "1", "utf-8"), ("a", None, "utf-8"), ("b", "/g==", "base64")] == [
        (header["name"], header["value"], header["encoding"]) for header in record["headers"]
    ]


def test_messages_by_time_key_and_number_print_what_matches(
    command_line: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Half-open times, an exact key, a limit; without any of these the newest come first."""
    topic = make_topic(partitions=2, config=OLD)
    start = 1_700_000_000_000
    for second in range(10):
        key = b"even" if second % 2 == 0 else b"odd"
        plain.produce(topic, b"x", key, partition=second % 2, timestamp_ms=start + 1000 * second)

    def seconds(*options: str) -> list[int]:
        return [(found["timestamp"] - start) // 1000 for found in command_line.lines("messages", topic, *options)]

    assert [2, 3, 4] == seconds("--from", str(start + 2000), "--to", str(start + 5000))
    assert [3] == seconds("--from", "2023-11-14T22:13:22Z", "--to", "2023-11-14T23:13:25+01:00", "--key", "odd")
    assert [0, 2] == seconds("--to", str(start + 100_000), "--partition", "0", "--limit", "2")
    assert [9, 8, 7] == seconds("--limit", "3")
    assert [] == seconds("--since", "10m")


def test_messages_all_prints_every_page(command_line: CommandLine, make_topic: MakeTopic, plain: PlainClient) -> None:
    """More than a page: nothing twice, nothing left out, in order; a limit holds over pages, too."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 2300)

    def offsets(*options: str) -> list[int]:
        found = command_line.lines("messages", topic, "--partition", "0", "--start-offset", "0", *options)
        return [record["message_offset"] for record in found]

    assert list(range(2300)) == offsets("--all")
    assert list(range(1500)) == offsets("--limit", "1500")
    assert list(range(100)) == offsets()


def test_messages_search_stopped_by_a_bound_says_so_and_all_goes_on(
    in_process: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A search that the service's bound has stopped is not mistaken for one that found nothing."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 2500)
    plain.produce(topic, b"x", b"rare")
    bounded = {"RESEND_QUERY__MAX_SCAN_RECORDS": "1000"}
    asked = ("messages", topic, "--partition", "0", "--start-offset", "0", "--key", "rare")

    nothing, said = in_process(*asked, environ=bounded)
    found, accounted = in_process(*asked, "--all", environ=bounded)

    assert "" == nothing
    assert "--all continues" in said
    assert [2500] == [json.loads(line)["message_offset"] for line in found.splitlines()]
    assert "kafka-resend: 1 of 2,501 records matches (2,500 not matched)\n" == accounted


def test_topics_prints_what_the_name_matches(
    command_line: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Each topic with its partitions' bounds, and whether a resend is allowed."""
    topic = make_topic(partitions=2)
    other = make_topic(name=f"{topic}.compacted", config={"cleanup.policy": "compact"})
    plain.produce_many(topic, [b"x"] * 3, partition=1)

    found = {line["name"]: line for line in command_line.lines("topics", topic.upper())}
    (matched,) = command_line.lines("topics", f"{topic}.*")

    assert {topic, other} == found.keys()
    assert [
        {"partition": 0, "log_start_offset": 0, "high_watermark": 0},
        {"partition": 1, "log_start_offset": 0, "high_watermark": 3},
    ] == found[topic]["partitions"]
    assert (3, True, None) == tuple(found[topic][name] for name in ("record_count", "resend_allowed", "resend_refusal"))
    assert (other, "RESEND.00400202") == (matched["name"], matched["resend_refusal"]["error_code"])


def test_resend_prints_where_the_copy_is(command_line: CommandLine, make_topic: MakeTopic, plain: PlainClient) -> None:
    """The line names the record and the copy, and the copy is there."""
    topic = make_topic()
    plain.produce(topic, b"value", b"key", [("a", b"1"), ("consumer_key", b"old")])

    for_one, _ = command_line("resend", topic, "0", "0", "--consumer-key", "billing")
    for_all, _ = command_line("resend", topic, "0", "0")

    line = (
        f'{{"topic": "{topic}", "partition": 0, "message_offset": 0, "consumer_key": %s, '
        '"copy_partition": 0, "copy_offset": %d, "copy_timestamp": "original"}\n'
    )
    assert (line % ('"billing"', 1), line % ("null", 2)) == (for_one, for_all)
    assert [(("a", b"1"), ("consumer_key", b"billing")), (("a", b"1"), ("consumer_key", b"old"))] == [
        copy.headers for copy in plain.log(topic)[1:]
    ]


def test_copy_just_made_is_on_the_first_page_and_in_tail(
    of_service: CommandLine, make_topic: MakeTopic, plain: PlainClient, tail_with: Callable[..., Tail]
) -> None:
    """With its original's old time it is the newest record of its partition: it hides nothing and is not hidden."""
    topic = make_topic(partitions=3)
    for partition in range(3):
        plain.produce_many(topic, [b"x"] * 50, partition=partition)
    following = tail_with(of_service, topic)

    [copy] = of_service.lines("resend", topic, "0", "0")
    following.wait_for(lambda: bool(following.records), "the copy")

    assert [(0, copy["copy_offset"])] == [(seen["partition"], seen["message_offset"]) for seen in following.records]
    found = of_service.lines("messages", topic, "--limit", "30")
    assert copy["copy_offset"] in {seen["message_offset"] for seen in found if seen["partition"] == 0}
    assert {0, 1, 2} == {seen["partition"] for seen in found}


def test_resend_with_an_idempotency_key_writes_one_copy(
    of_service: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The same command again answers as the first time; another one with that key is refused, and writes nothing."""
    topic, key = make_topic(), uuid.uuid4().hex
    plain.produce_many(topic, [b"x"] * 2)
    command = ("resend", topic, "0", "0", "--idempotency-key", key)

    [first] = of_service.lines(*command)
    [second] = of_service.lines(*command)
    shown = of_service.on_a_terminal(*command)
    _, said = of_service("resend", topic, "0", "1", "--idempotency-key", key, exits=1)
    of_service("resend", topic, "0", "0", "--idempotency-key", "two words", exits=2)

    assert {**first, "replayed": True} == second
    assert not first["replayed"]
    assert "was resent before" in shown
    assert f"{topic}/0@{first['copy_offset']}" in shown
    assert "[RESEND.00400702]" in said
    assert 3 == len(plain.log(topic, 0, "read_committed"))


def test_resend_that_is_refused_exits_with_1_and_writes_nothing(
    command_line: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A missing record, a missing topic, an empty consumer_key: the API's own words and code."""
    topic = make_topic()
    plain.produce(topic, b"value")

    beyond = command_line("resend", topic, "0", "7", exits=1)
    missing = command_line("resend", make_topic.unused_name(), "0", "0", exits=1)
    empty = command_line("resend", topic, "0", "0", "--consumer-key", "", exits=1)

    for (printed, said), code in zip((beyond, missing, empty), ("105", "101", "021"), strict=True):
        assert "" == printed
        assert f"[RESEND.00400{code}]" in said
    assert 1 == len(plain.log(topic))


def test_resend_in_process_is_logged_as_the_operator_s(
    in_process: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """The log line that a service would write stands on standard error, with the caller's name and no contents."""
    topic = make_topic()
    plain.produce(topic, b"secret-value", b"secret-key")

    _, said = in_process("resend", topic, "0", "0", "--consumer-key", "secret-name")

    (line,) = map(json.loads, said.splitlines())
    assert ("operator", f"{topic}/0@0", "resent") == (line["caller"], line["position"], line["outcome"])
    assert "secret" not in said


def test_wrong_token_exits_with_1_and_is_not_repeated(service: str) -> None:
    """The API's one wording for all who may not; what was sent is nowhere in it."""
    stranger = CommandLine({"KAFKA_RESEND_URL": service, "KAFKA_RESEND_TOKEN": "wrong-token"})

    for command in (("topics",), ("messages", "a"), ("resend", "a", "0", "0"), ("tail", "a")):
        printed, said = stranger(*command, exits=1)
        assert "" == printed
        assert "[RESEND.00403001]" in said
        assert "wrong-token" not in said


def test_cluster_that_is_away_exits_with_3() -> None:
    """Nothing was written, and the same command may be given again; in process as well."""
    away = CommandLine(settings("127.0.0.1:1"))

    printed, said = away("resend", "orders", "0", "4", exits=3)

    assert "" == printed
    assert "[RESEND.00503001]" in said


def test_without_settings_and_url_exits_with_2_and_asks_for_the_url() -> None:
    """Most have only forgotten the variable: it is named first, what a service needs only to its operator."""
    printed, said = CommandLine({})("topics", exits=2)

    assert "" == printed
    assert "set KAFKA_RESEND_URL" in said
    assert "RESEND_AUTH" not in said
    _, said = CommandLine({"RESEND_AUTH__ALLOW_ANONYMOUS": "true"})("topics", exits=2)
    assert "set KAFKA_RESEND_URL" in said
    assert "RESEND_KAFKA__BOOTSTRAP_SERVERS" in said


def test_several_instances_are_listed_until_one_is_named(broker: Broker, tmp_path: Path) -> None:
    """With more than one instance the command asks which."""
    file = tmp_path / "resend.toml"
    file.write_text(
        f'[auth]\ntoken_digest = "{hashlib.sha256(b"x").hexdigest()}"\n'
        f'[instances.here]\nbootstrap_servers = ["{broker.bootstrap}"]\n'
        f'[instances.there]\nbootstrap_servers = ["{broker.bootstrap}"]\n'
    )
    both = CommandLine({"RESEND_CONFIG": str(file)})

    _, said = both("topics", exits=1)
    both("topics", "--instance", "here")

    assert "name one with --instance: here, there" in said


def test_output_into_a_closed_pipe_ends_quietly(
    in_process: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """`| head` closes the pipe early, which is no error: exit code 0, without a word."""
    topic = make_topic()
    plain.produce_many(topic, [b"x"] * 3000)
    process = in_process.start("messages", topic, "--all")
    assert process.stdout is not None
    assert process.stderr is not None

    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    code = process.wait(60)
    process.stderr.close()

    assert (0, "") == (code, said)


def test_terminal_shows_hostile_records_and_is_not_driven_by_them(
    of_service: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Escape sequences, controls, direction marks and markup in key, headers, value and consumer_key are shown."""
    topic = make_topic(name=f"hostile-{uuid.uuid4().hex[:8]}")
    hostile = HOSTILE.encode()
    plain.produce(topic, hostile, hostile, [(HOSTILE, hostile), ("consumer_key", hostile)])
    plain.produce(topic, b'{"a": [1.50, null], "b": {}}')
    where = ("--partition", "0")

    tables = of_service.on_a_terminal("messages", topic), of_service.on_a_terminal("topics", topic)
    one = of_service.on_a_terminal("messages", topic, *where, "--offset", "0")
    folded = of_service.on_a_terminal("messages", topic, *where, "--offset", "1")
    resent = of_service.on_a_terminal("resend", topic, "0", "0")

    for shown in (*tables, one, folded, resent):
        controls = {letter for letter in shown if unicodedata.category(letter) in {"Cc", "Cf", "Zl", "Zp"}}
        assert controls <= {"\n"}, shown
    assert f"  {QUOTED}: {QUOTED}\n" in one
    assert f"as \\\\\n{SHOWN}\n" in one
    assert '{\n  "a": [\n    1.50,\n    null\n  ],\n  "b": {}\n}' in folded
    assert topic in tables[1]
    assert f"{topic}/0@0 was resent: the copy is {topic}/0@2" in resent
    assert f"It is for {QUOTED}" in resent


def test_terminal_is_told_who_gets_a_copy(of_service: CommandLine, make_topic: MakeTopic, plain: PlainClient) -> None:
    """With a consumer_key that one; without, all consumers, or the one that the record names itself."""
    topic = make_topic()
    plain.produce(topic, b"x")
    plain.produce(topic, b"x", headers=[("consumer_key", b"first"), ("consumer_key", b"shipping")])
    plain.produce(topic, b"x", headers=[("consumer_key", b"first"), ("consumer_key", None)])
    plain.produce(topic, b"x", headers=[("consumer_key", b"\xff\xfe")])

    assert "It is for billing." in of_service.on_a_terminal("resend", topic, "0", "0", "--consumer-key", "billing")
    assert "It is for everybody" in of_service.on_a_terminal("resend", topic, "0", "0")
    assert "It is for shipping: the record's own" in of_service.on_a_terminal("resend", topic, "0", "1")
    assert "It is for nobody: the record's own" in of_service.on_a_terminal("resend", topic, "0", "2")
    assert "It is for 0xfffe: the record's own" in of_service.on_a_terminal("resend", topic, "0", "3")


def test_terminal_tells_null_empty_text_and_bytes_apart(
    of_service: CommandLine, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A tombstone does not pass for the text null, nor bytes for the text that they would be shown as."""
    topic = make_topic()
    contents: list[bytes | None] = [None, b"null", b"", b"\xff", b"0xff"]
    for content in contents:
        plain.produce(topic, content, content, [("a", content), ("consumer_key", content)])
    plain.produce(topic, b"x", b"x")

    listed = of_service.on_a_terminal("messages", topic).splitlines()[-6:]
    alone = [
        of_service.on_a_terminal("messages", topic, "--partition", "0", "--offset", str(offset)) for offset in range(5)
    ]

    # Position, date, time, key, consumer_key, bytes, value; the newest first.
    cells = [line.split() for line in reversed(listed)]
    keys = ["null", '"null"', '""', "0xff", '"0xff"']
    assert [*keys, "x"] == [row[3] for row in cells]
    assert keys == [row[4] for row in cells[:5]]
    assert len(cells[5]) == 6
    assert ["null", '"null"', '""', "(bytes)", '"0xff"'] == [row[6] for row in cells[:5]]
    for text, record in zip(keys, alone, strict=True):
        assert f"key       {text}\n" in record
        assert f"  a: {text}\n" in record
    assert "value     null\n" in alone[0]
    assert "value     4 bytes of text\nnull\n" in alone[1]
    assert 'value     ""\n' in alone[2]
    assert "value     1 bytes that are not UTF-8" in alone[3]


@dataclass
class Tail:
    """A `tail` that runs."""

    process: subprocess.Popen[str]
    records: list[dict[str, Any]]
    said: list[str]

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 40
        while not condition():
            assert time.monotonic() < deadline, f"not within 40 s: {what}; said: {self.said}"
            assert self.process.poll() is None, f"it has ended: {self.said}"
            threading.Event().wait(0.02)


@pytest.fixture
def tail_with() -> Iterator[Callable[..., Tail]]:
    """A function that starts `tail` on a command line and returns once it follows."""
    started: list[tuple[subprocess.Popen[str], list[threading.Thread]]] = []

    def start(command_line: CommandLine, *arguments: str) -> Tail:
        process = command_line.start("tail", *arguments)
        running = Tail(process, [], [])

        def read_records() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                running.records.append(json.loads(line))

        def read_words() -> None:
            assert process.stderr is not None
            for line in process.stderr:
                running.said.append(line)

        readers = [threading.Thread(target=read_records), threading.Thread(target=read_words)]
        for reader in readers:
            reader.start()
        started.append((process, readers))
        running.wait_for(lambda: any("following" in line for line in running.said), "it follows")
        return running

    yield start
    for process, readers in started:
        if process.poll() is None:
            process.kill()
        process.wait(60)
        for reader in readers:
            reader.join()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


@pytest.fixture
def tail(command_line: CommandLine, tail_with: Callable[..., Tail]) -> Callable[..., Tail]:
    return partial(tail_with, command_line)


def test_tail_prints_each_record_once_while_records_are_written(
    tail: Callable[..., Tail], make_topic: MakeTopic, plain: PlainClient
) -> None:
    """From its start to Ctrl-C: all that is committed, nothing twice, each partition in order; nothing from before."""
    topic = make_topic(partitions=3)
    for partition in range(3):
        plain.produce_many(topic, [b"before"] * 5, partition=partition)
    following = tail(topic)

    for burst in range(4):
        for partition in range(3):
            plain.produce_many(topic, [b"x"] * (1200 if burst == 1 else 40), partition=partition)
        if burst == 2:
            plain.transaction(topic, 1, [b"aborted"] * 3, "abort")
            plain.transaction(topic, 1, [b"committed"] * 3, "commit")
            plain.transaction(topic, 2, [b"committed"] * 3, "commit")
    expected = {
        (partition, seen.offset)
        for partition in range(3)
        for seen in plain.log(topic, partition, "read_committed")
        if seen.offset >= 5
    }
    following.wait_for(lambda: len(following.records) >= len(expected), f"{len(expected)} records")
    following.process.send_signal(signal.SIGINT)
    code = following.process.wait(30)

    found = [(record["partition"], record["message_offset"]) for record in following.records]
    assert (130, len(expected), expected) == (code, len(found), set(found))
    for partition in range(3):
        offsets = [offset for number, offset in found if number == partition]
        assert sorted(offsets) == offsets
    assert not any("Traceback" in line for line in following.said)


def test_tail_waits_for_a_transaction_and_sees_resent_copies(
    tail: Callable[..., Tail], make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Records behind an open transaction come when it ends, none before and none lost; a key leaves the others out."""
    topic = make_topic()
    plain.produce(topic, b"x", b"other")
    following = tail(topic, "--key", "key", "--partition", "0")

    opened = plain.transaction(topic, 0, [b"first"] * 2, "open")
    plain.produce(topic, b"behind", b"key")
    plain.produce(topic, b"behind", b"other")
    assert [] == following.records
    opened.commit()
    plain.produce(topic, b"last", b"key")
    following.wait_for(lambda: len(following.records) >= 4, "four records")

    assert [1, 2, 3, 6] == [record["message_offset"] for record in following.records]


def test_tail_follows_partitions_that_are_added(
    tail: Callable[..., Tail], make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A partition that was not there before is read from its first record on; a topic that is deleted ends it."""
    topic = make_topic()
    plain.produce(topic, b"before")
    following = tail(topic)

    plain.add_partitions(topic, 2)
    plain.produce(topic, b"x", partition=1)
    following.wait_for(lambda: len(following.records) == 1, "the new partition's record")
    plain.produce(topic, b"x")
    following.wait_for(lambda: len(following.records) == 2, "the old partition's record")

    plain.delete_topic(topic)

    assert 1 == following.process.wait(30)
    assert [(1, 0), (0, 1)] == [(record["partition"], record["message_offset"]) for record in following.records]


def test_tail_goes_on_where_it_was_when_the_service_comes_back(
    broker: Broker, tail_with: Callable[..., Tail], make_topic: MakeTopic, plain: PlainClient, tmp_path: Path
) -> None:
    """What is written while the service is away is shown afterwards, and nothing a second time."""
    topic = make_topic()
    url = f"http://127.0.0.1:{free_port()}"
    with serving(broker.bootstrap, url, tmp_path / "log"):
        following = tail_with(CommandLine({"KAFKA_RESEND_URL": url, "KAFKA_RESEND_TOKEN": TOKEN}), topic)
        plain.produce_many(topic, [b"x"] * 3)
        following.wait_for(lambda: len(following.records) == 3, "the records from before")
    following.wait_for(lambda: any("asking again" in line for line in following.said), "it notices")
    plain.produce_many(topic, [b"x"] * 3)

    with serving(broker.bootstrap, url, tmp_path / "log"):
        following.wait_for(lambda: len(following.records) >= 6, "the records from meanwhile")

        assert list(range(6)) == [record["message_offset"] for record in following.records]


def test_completion_knows_the_commands_and_is_installed_on_request(tmp_path: Path) -> None:
    """The shell is offered the commands by their beginnings; --install-completion writes what makes it ask."""
    script = Path(sys.executable).parent / "kafka-resend"
    environ = clean_environment() | {"HOME": str(tmp_path), "SHELL": "/bin/bash"}

    def run(*arguments: str, **more: str) -> str:
        # Which shell asks is found among the processes above this one, whatever started the tests.
        bash: list[str | Path] = ["bash", "-c", '"$0" "$@"; exit $?', script, *arguments]
        done = subprocess.run(bash, env=environ | more, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout

    asked = {"_KAFKA_RESEND_COMPLETE": "complete_bash", "COMP_WORDS": "kafka-resend t", "COMP_CWORD": "1"}

    assert {"token", "topics", "tail"} == set(run(**asked).split())
    assert "_KAFKA_RESEND_COMPLETE=complete_bash" in run("--show-completion", "bash")
    run("--install-completion", "bash")
    assert re.search(r"kafka-resend", (tmp_path / ".bashrc").read_text())
