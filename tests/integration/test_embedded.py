"""The embedded broker and its sample records, read by a bare consumer."""

from __future__ import annotations

import json
import time
from threading import Event
from typing import TYPE_CHECKING

import pytest

from kafka.client.config import ClusterConfig
from kafka.cluster import Cluster
from kafka.demo.embedded import EMBEDDED_PARTITIONS, EmbeddedBroker
from kafka.demo.samples import SAMPLE_RECORDS, SAMPLE_TOPIC, SamplesNotWritten, ensure_sample_topic
from tests.support.reading import read_to_end

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Give the address of an embedded broker."""
    with EmbeddedBroker() as broker:
        yield broker.start()


def test_embedded_broker_sample_topic_has_partitions_and_ten_offsets(address: str) -> None:
    """The sample topic has several partitions, and partition 0 has a record at each of the offsets 0 to 9."""
    found = read_to_end(address, SAMPLE_TOPIC)

    assert list(range(EMBEDDED_PARTITIONS)) == sorted(found)
    assert list(range(10)) == [message.offset() for message in found[0]][:10]


def test_embedded_broker_sample_records_arrive_byte_for_byte(address: str) -> None:
    """Keys, values, nulls and headers are those of the samples, in their order."""
    found = read_to_end(address, SAMPLE_TOPIC)

    expected = [(s.key, s.value, list(s.headers) or None) for s in SAMPLE_RECORDS if s.partition == 0]
    assert expected == [(m.key(), m.value(), m.headers()) for m in found[0]]


def test_embedded_broker_sample_timestamps_are_of_the_last_minutes(address: str) -> None:
    """No sample is older than a quarter of an hour when it is written, and none is from the future."""
    now_ms = time.time() * 1000
    ages = [now_ms - m.timestamp()[1] for messages in read_to_end(address, SAMPLE_TOPIC).values() for m in messages]

    assert 0 < min(ages)
    # A quarter of an hour, and as much again for a suite that started the broker some time ago.
    assert max(ages) < 2 * 15 * 60 * 1000


def test_embedded_broker_stopped_refuses_connections() -> None:
    """A stopped broker is gone: clients cannot connect any more."""
    broker = EmbeddedBroker()
    bootstrap_servers = broker.start()
    broker.stop()

    with pytest.raises(SamplesNotWritten):
        ensure_sample_topic(bootstrap_servers, timeout_seconds=1)


def test_samples_show_every_shape_of_a_record() -> None:
    """Among the samples are a null key, a null and an empty value, JSON, binary, a repeated header, a consumer_key."""
    names = [[name for name, _ in sample.headers] for sample in SAMPLE_RECORDS]

    assert any(sample.key is None for sample in SAMPLE_RECORDS)
    assert any(sample.value is None for sample in SAMPLE_RECORDS)
    assert any(sample.value == b"" for sample in SAMPLE_RECORDS)
    assert any(b"\xff\x00" in (sample.value or b"") for sample in SAMPLE_RECORDS)
    assert any(len(set(listed)) < len(listed) for listed in names)
    assert any("consumer_key" in listed for listed in names)
    assert any(value is None for sample in SAMPLE_RECORDS for _, value in sample.headers)
    assert "paid" == json.loads([s for s in SAMPLE_RECORDS if s.partition == 0][4].value or b"")["state"]


async def test_embedded_broker_tells_of_a_named_group_and_lists_none(address: str) -> None:
    """The answer says that it may lack some."""
    cluster = Cluster(ClusterConfig("demo", (address,), embedded=True))
    await cluster.open()
    try:
        named = await cluster.consumers_of(SAMPLE_TOPIC, ["billing"], Event(), caller="me")
        listed = await cluster.consumers_of(SAMPLE_TOPIC, [], Event(), caller="me")
    finally:
        await cluster.close()

    assert [(each.group, each.state) for each in named.groups] == [("billing", "not_started")]
    assert (listed.groups, listed.incomplete) == ([], "the embedded broker does not name its groups; name them")
