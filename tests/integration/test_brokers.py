"""What the other tests take for granted: which broker they get, and a client that reads back what it wrote."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import KafkaException, Producer

from tests.support import brokers
from tests.support.brokers import Broker, StartBroker, new_broker
from tests.support.plain import PlainClient, Seen
from tests.support.rawproduce import produce_raw
from tests.support.topics import MakeTopic

ENGINE = "docker"
JAVA_17 = ("java 17.0.1", "mvn")

OfferOnly = Callable[..., None]


@pytest.fixture
def offer_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OfferOnly:
    """A function that makes a machine on which only these commands are found, with these variables of the tests."""

    def offer(commands: tuple[str, ...], variables: dict[str, str]) -> None:
        for command in commands:
            name, _, version = command.partition(" ")
            executable = tmp_path / name
            executable.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2021-10-19' >&2\n")
            executable.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        for name in ("TEST_KAFKA_PROVIDER", "TEST_BOOTSTRAP_SERVERS"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return offer


@pytest.mark.parametrize(
    ("commands", "variables", "chosen"),
    [
        ((ENGINE, *JAVA_17), {"TEST_BOOTSTRAP_SERVERS": "127.0.0.1:1"}, "external"),
        ((ENGINE, *JAVA_17), {}, "containers"),
        (JAVA_17, {}, "jars"),
        ((ENGINE, *JAVA_17), {"TEST_KAFKA_PROVIDER": "jars"}, "jars"),
        (
            (ENGINE, *JAVA_17),
            {"TEST_KAFKA_PROVIDER": "containers", "TEST_BOOTSTRAP_SERVERS": "127.0.0.1:1"},
            "containers",
        ),
    ],
)
def test_provider_is_the_first_that_the_machine_offers_unless_one_is_named(
    offer_only: OfferOnly, commands: tuple[str, ...], variables: dict[str, str], chosen: str
) -> None:
    """A broker that is there already comes before containers, and those before the jars."""
    offer_only(commands, variables)
    assert chosen == brokers.provider.__wrapped__()


@pytest.mark.parametrize(
    ("commands", "variables", "said"),
    [
        ((), {}, "install Java 17 and Maven"),
        (("java 11.0.2", "mvn"), {}, "install Java 17 and Maven"),
        (("java 1.8.0_402", "mvn"), {}, "install Java 17 and Maven"),
        (JAVA_17, {"TEST_KAFKA_PROVIDER": "containers"}, "start a Docker engine"),
        (JAVA_17, {"TEST_KAFKA_PROVIDER": "external"}, "TEST_BOOTSTRAP_SERVERS is not set"),
        (JAVA_17, {"TEST_KAFKA_PROVIDER": "jar"}, "external, containers, jars"),
    ],
)
def test_provider_that_is_not_there_ends_the_run_and_says_what_to_install(
    offer_only: OfferOnly, commands: tuple[str, ...], variables: dict[str, str], said: str
) -> None:
    """Without a broker nothing is skipped: the run ends as a failure."""
    offer_only(commands, variables)
    with pytest.raises(pytest.exit.Exception, match=said) as ended:
        brokers.provider.__wrapped__()
    assert ended.value.returncode == 4


def test_broker_is_of_the_chosen_provider(broker: Broker, plain: PlainClient) -> None:
    """The session's broker comes from where the run says it does, and answers at its address."""
    assert brokers.provider() == broker.provider
    assert broker.bootstrap == plain.bootstrap
    assert broker.version == ("unknown" if broker.provider == "external" else brokers.VERSION)


@pytest.mark.parametrize("content", [None, b"", b"\x00\xff\n binary", b"x" * 100_000])
def test_plain_record_is_read_back_byte_for_byte(
    make_topic: MakeTopic, plain: PlainClient, content: bytes | None
) -> None:
    """Key, value, repeated headers in their order, nulls, partition and timestamp arrive as they were given."""
    topic = make_topic(partitions=2)
    headers = (("b", b"1"), ("a", content), ("b", None), ("", b""), ("ä", b"\xff"))
    timestamp_ms = time.time_ns() // 1_000_000 - 60_000
    offset = plain.produce(topic, content, content, headers, partition=1, timestamp_ms=timestamp_ms)
    expected = Seen(topic, 1, offset, content, content, headers, timestamp_ms, 1)
    assert expected == plain.read(topic, 1, offset)
    assert ([], [expected]) == (plain.log(topic, 0), plain.log(topic, 1))
    assert (0, 1) == (plain.high_watermark(topic, 0), plain.high_watermark(topic, 1))


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_plain_batch_is_read_back_in_order(make_topic: MakeTopic, plain: PlainClient, codec: str) -> None:
    """Records of one batch are all there, whichever codec compressed it."""
    topic = make_topic()
    values = [b"%d" % number * 100 for number in range(100)]
    plain.produce_many(topic, values, compression_type=codec)
    assert list(enumerate(values)) == [(seen.offset, seen.value) for seen in plain.log(topic)]


def test_plain_refused_record_is_an_error(make_topic: MakeTopic, plain: PlainClient) -> None:
    """A record that the broker does not take never goes unnoticed, whichever way it was written."""
    topic = make_topic(config={"max.message.bytes": "1000"})
    large = b"x" * 2000
    for write in (
        lambda: plain.produce(topic, large),
        lambda: plain.produce_many(topic, [large]),
        lambda: plain.transaction(topic, 0, [large], "abort"),
    ):
        with pytest.raises(KafkaException, match="MSG_SIZE_TOO_LARGE"):
            write()
    assert [] == plain.log(topic)


def test_plain_writes_to_a_missing_topic_fail_and_create_nothing(make_topic: MakeTopic, plain: PlainClient) -> None:
    """An unknown topic in a test is an error, although the broker would create it."""
    name = make_topic.unused_name()
    for write in (
        lambda: plain.produce(name, b"value"),
        lambda: plain.produce_many(name, [b"value"]),
        lambda: plain.transaction(name, 0, [b"value"], "commit"),
    ):
        with pytest.raises(AssertionError, match="does not exist"):
            write()
    assert name not in plain.topics()


@pytest.mark.parametrize("timestamp_ms", [-1, 0, 1, 1_700_000_000_000])
def test_raw_record_has_the_timestamp_and_headers_it_was_given(
    broker: Broker, make_topic: MakeTopic, plain: PlainClient, timestamp_ms: int
) -> None:
    """What no client library writes is in the log, a timestamp of 0 and a missing one (-1) included."""
    topic = make_topic(config={"retention.ms": "-1"})
    headers = (("ä", b"1"), ("n", None))
    written = [(name.encode(), value) for name, value in headers]
    offset = produce_raw(broker.bootstrap, topic, 0, b"value", headers=written, timestamp_ms=timestamp_ms)
    assert Seen(topic, 0, offset, None, b"value", headers, timestamp_ms, 1) == plain.read(topic, 0, offset)


@pytest.mark.parametrize(("outcome", "committed"), [("commit", [b"1", b"2"]), ("abort", [])])
def test_transaction_that_ended_is_visible_if_committed(
    make_topic: MakeTopic, plain: PlainClient, outcome: str, committed: list[bytes]
) -> None:
    """Its records and its marker take offsets either way; only committed ones reach a read_committed consumer."""
    topic = make_topic()
    plain.transaction(topic, 0, [b"1", b"2"], "commit" if outcome == "commit" else "abort")
    assert 3 == plain.high_watermark(topic, 0)
    assert [b"1", b"2"] == [seen.value for seen in plain.log(topic)]
    assert committed == [seen.value for seen in plain.log(topic, isolation="read_committed")]


@pytest.mark.parametrize(("end", "committed"), [("commit", [b"1", b"2"]), ("abort", [b"2"])])
def test_transaction_left_open_hides_all_behind_it_until_it_ends(
    make_topic: MakeTopic, plain: PlainClient, end: str, committed: list[bytes]
) -> None:
    """While it is open a read_committed consumer sees neither its records nor later ones."""
    topic = make_topic()
    transaction = plain.transaction(topic, 0, [b"1"], "open")
    plain.produce(topic, b"2")
    assert [] == plain.log(topic, isolation="read_committed")
    transaction.commit() if end == "commit" else transaction.abort()
    assert committed == [seen.value for seen in plain.log(topic, isolation="read_committed")]


def test_compacted_topic_gets_a_hole_between_records(make_topic: MakeTopic, plain: PlainClient) -> None:
    """Compaction takes one record away within seconds and leaves those around it."""
    topic = make_topic(config=plain.compacting)
    hole = plain.compact(topic, 0)
    offsets = [seen.offset for seen in plain.log(topic)]
    assert [hole - 1, hole + 1] == [offset for offset in offsets if abs(offset - hole) <= 1]


def test_deleted_records_are_gone_from_the_logs_start(make_topic: MakeTopic, plain: PlainClient) -> None:
    """After a deletion the log begins at the offset that was named, and a read below it fails at once."""
    topic = make_topic()
    plain.produce_many(topic, [b"0", b"1", b"2"])
    plain.delete_records(topic, 0, 2)
    assert [(2, b"2")] == [(seen.offset, seen.value) for seen in plain.log(topic)]
    with pytest.raises(AssertionError, match="has no offset 1"):
        plain.read(topic, 0, 1)


def test_log_append_time_topic_has_the_brokers_time(make_topic: MakeTopic, plain: PlainClient) -> None:
    """Where the topic says so the producer's timestamp is replaced."""
    topic = make_topic(config={"message.timestamp.type": "LogAppendTime"})
    before_ms = time.time_ns() // 1_000_000
    seen = plain.read(topic, 0, plain.produce(topic, b"value", timestamp_ms=1))
    assert 2 == seen.timestamp_type
    # The broker may be another machine.
    assert abs(seen.timestamp_ms - before_ms) < 60_000


def test_topics_of_a_test_are_deleted_at_its_end(plain: PlainClient) -> None:
    """They have legal names of their own, whatever the test is called, and none is left."""
    topics = MakeTopic(plain, "test_of[a/b ä]" + "x" * 300)
    made = {topics(), topics(partitions=3)}
    assert made <= plain.topics()
    topics.delete()
    assert made & plain.topics() == set()


def test_controlled_broker_keeps_address_and_records_over_outages(controlled_broker: StartBroker) -> None:
    """It hangs, continues, stops and comes back at its address; properties of the test's own are in force."""
    own = controlled_broker({"message.max.bytes": "1000"})
    plain = PlainClient(own.bootstrap)
    plain.create_topic("topic", 1)
    plain.produce("topic", b"0")
    with pytest.raises(KafkaException, match="MSG_SIZE_TOO_LARGE"):
        plain.produce("topic", b"x" * 2000)
    own.pause()
    with pytest.raises(KafkaException, match="_MSG_TIMED_OUT"):
        plain.produce("topic", b"lost", delivery_timeout_ms=300, socket_timeout_ms=200)
    own.resume()
    plain.produce("topic", b"1")
    address = own.bootstrap
    own.stop()
    assert not listens(own.bootstrap)
    own.start()
    assert address == own.bootstrap
    plain.produce("topic", b"2")
    assert {b"0", b"1", b"2"} <= {seen.value for seen in plain.log("topic")}


def test_controlled_broker_creates_a_topic_that_a_producer_names(controlled_broker: StartBroker) -> None:
    """Only on such a broker does it show that the service never creates one."""
    own = controlled_broker()
    producer = Producer({"bootstrap.servers": own.bootstrap, "log_level": 0})
    producer.produce("by-accident", b"value")
    assert 0 == producer.flush(30)
    assert "by-accident" in PlainClient(own.bootstrap).topics()


@pytest.mark.parametrize("state", ["hanging", "killed", "never started"])
def test_broker_in_any_state_is_removed(state: str) -> None:
    """Nothing listens at its address afterwards."""
    own = new_broker()
    try:
        if state != "never started":
            own.start()
            assert listens(own.bootstrap)
        if state == "hanging":
            own.pause()
        if state == "killed":
            own.kill()
            assert not listens(own.bootstrap)
    finally:
        own.remove()
    assert not listens(own.bootstrap)


def listens(bootstrap: str) -> bool:
    """Whether somebody takes connections at this address."""
    host, _, port = bootstrap.rpartition(":")
    with socket.socket() as caller:
        caller.settimeout(5)
        return caller.connect_ex((host, int(port))) == 0
