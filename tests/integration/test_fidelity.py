"""A copy is its original, byte for byte, whatever is in it."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kafka.cluster import Cluster
from kafka.model.copies import TimestampPolicy
from kafka.model.errors import HeaderNameNotUtf8, TimestampNotCarriable
from kafka.model.policy import ResendPolicy
from kafka.model.records import Position
from tests.support.plain import PlainClient, Seen
from tests.support.rawproduce import produce_raw
from tests.support.topics import MakeTopic
from tests.support.worker import OpenCluster

contents = st.none() | st.binary(max_size=2000)
# The client library ends a header's name at a NUL, already in what the test would write: a documented limit.
names = st.just("consumer_key") | st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20
)
headers = st.lists(st.tuples(names, st.none() | st.binary(max_size=50)), max_size=10)
codecs = st.sampled_from(["none", "gzip", "snappy", "lz4", "zstd"])


def without_place(seen: Seen) -> tuple[object, ...]:
    return (seen.key, seen.value, seen.headers, seen.timestamp_ms, seen.timestamp_type)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=contents,
    value=contents,
    headers=headers,
    age_ms=st.integers(-3_000_000, 500_000_000),
    codec=codecs,
    consumer_key=st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
)
async def test_copy_is_its_original_but_for_the_consumer_key(
    cluster: Cluster,
    fidelity_topic: str,
    plain: PlainClient,
    key: bytes | None,
    value: bytes | None,
    headers: list[tuple[str, bytes | None]],
    age_ms: int,
    codec: str,
    consumer_key: str | None,
) -> None:
    """Key, value, nulls, headers with their order and repetitions, and the timestamp arrive unchanged."""
    timestamp_ms = time.time_ns() // 1_000_000 - age_ms
    offset = plain.produce(
        fidelity_topic, value, key, tuple(headers), timestamp_ms=timestamp_ms, compression_type=codec
    )
    resent = await cluster.resend(Position(fidelity_topic, 0, offset), consumer_key)
    assert resent.offset is not None
    copy = plain.read(fidelity_topic, 0, resent.offset)
    expected = tuple(headers)
    if consumer_key is not None:
        kept = [header for header in headers if header[0] != "consumer_key"]
        expected = (*kept, ("consumer_key", consumer_key.encode()))
    assert without_place(copy) == (key, value, expected, timestamp_ms, 1)


@pytest.fixture
def fidelity_topic(make_topic: MakeTopic) -> str:
    return make_topic()


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_record_inside_a_compressed_batch_is_found(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient, codec: str
) -> None:
    """Every record of a compressed batch can be resent, the first, the last and those between."""
    topic = make_topic()
    values = [f"record {number} ".encode() * 20 for number in range(50)]
    plain.produce_many(topic, values, compression_type=codec)
    for offset in (0, 1, 25, 48, 49):
        resent = await cluster.resend(Position(topic, 0, offset), None)
        assert resent.offset is not None
        assert plain.read(topic, 0, resent.offset).value == values[offset]


async def test_header_name_that_is_not_utf8_is_refused(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """A record that the client library cannot read faithfully is refused, and its neighbours are not."""
    topic = make_topic()
    produce_raw(plain.bootstrap, topic, 0, b"value", headers=[(b"\xff\xfe", b"1")])
    plain.produce(topic, b"good", headers=(("name", b"1"),))
    # Often enough for the interpreter to specialise the reader's code, which then misses what it saw before.
    for _ in range(50):
        with pytest.raises(HeaderNameNotUtf8):
            await cluster.resend(Position(topic, 0, 0), None)
    assert plain.high_watermark(topic, 0) == 2
    for offset in range(2, 20):
        await cluster.resend(Position(topic, 0, 1), None)
        assert plain.read(topic, 0, offset).headers == (("name", b"1"),)


@pytest.mark.parametrize("timestamp_ms", [0, -1])
async def test_timestamp_that_cannot_be_written_is_refused_unless_the_policy_is_now(
    open_cluster: OpenCluster, make_topic: MakeTopic, plain: PlainClient, timestamp_ms: int
) -> None:
    """A timestamp of 0, or none, is refused; with the policy now the copy gets the present."""
    topic = make_topic(config={"retention.ms": "-1"})
    produce_raw(plain.bootstrap, topic, 0, b"value", timestamp_ms=timestamp_ms)
    with pytest.raises(TimestampNotCarriable):
        await (await open_cluster()).resend(Position(topic, 0, 0), None)
    assert plain.high_watermark(topic, 0) == 1
    begun = time.time_ns() // 1_000_000
    resent = await (await open_cluster(policy=ResendPolicy(timestamp=TimestampPolicy.NOW))).resend(
        Position(topic, 0, 0), None
    )
    assert resent.timestamp == "now"
    assert begun <= plain.read(topic, 0, 1).timestamp_ms <= time.time_ns() // 1_000_000


async def test_copy_in_a_log_append_time_topic_has_the_brokers_time(
    cluster: Cluster, make_topic: MakeTopic, plain: PlainClient
) -> None:
    """Where the broker sets the timestamps a resend works, and says whose time the copy has."""
    topic = make_topic(config={"message.timestamp.type": "LogAppendTime"})
    plain.produce(topic, b"value")
    resent = await cluster.resend(Position(topic, 0, 0), "keyA")
    assert (resent.offset, resent.timestamp) == (1, "broker")
    original, copy = plain.log(topic)
    assert (copy.value, copy.timestamp_type) == (b"value", 2)
    assert copy.timestamp_ms >= original.timestamp_ms
