"""Which librdkafka properties can be configured: what is accepted takes effect, the rest is refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from kafka.client.config import ClusterConfig, Properties, PropertyReserved
from kafka.client.properties import (
    admin_properties,
    group_properties,
    job_writer_properties,
    reader_properties,
    scanner_properties,
    source_properties,
    store_reader_properties,
    worker_properties,
    writer_properties,
)

READ_AHEAD = {"max.partition.fetch.bytes", "queued.max.messages.kbytes"}
"""Configured for resends and searches; what jobs and the store read ahead is bounded by settings of their own."""

PropertiesOf = Callable[[ClusterConfig], Properties]
CLIENTS: dict[str, tuple[PropertiesOf, set[str]]] = {
    "reader": (reader_properties, set()),
    "scanner": (scanner_properties, set()),
    "writer": (partial(writer_properties, batching=False), set()),
    "batching writer": (partial(writer_properties, batching=True), set()),
    "reader of the store": (store_reader_properties, READ_AHEAD),
    "source": (partial(source_properties, slow=False), READ_AHEAD | {"fetch.max.bytes"}),
    "slow source": (partial(source_properties, slow=True), READ_AHEAD | {"fetch.max.bytes"}),
    # A transaction is sent when it is flushed, however long single resends may linger.
    "writer of jobs": (partial(job_writer_properties, transactional_id="t", batch_bytes=1), {"linger.ms"}),
    "writer of jobs, one by one": (partial(job_writer_properties, transactional_id="t", batch_bytes=0), {"linger.ms"}),
    "worker": (worker_properties, set()),
    # What it would log the others log.
    "admin": (admin_properties, {"log_level"}),
    "groups": (partial(group_properties, group="g"), {"log_level"}),
}


def with_property(name: str) -> ClusterConfig | None:
    """Return a cluster for which a property is configured, None where that is refused."""
    try:
        return ClusterConfig("default", ("127.0.0.1:1",), {name: "configured"})
    except PropertyReserved:
        return None


@pytest.mark.parametrize("client", CLIENTS)
def test_property_that_can_be_configured_takes_effect(client: str) -> None:
    """One that the program would set over it is refused: nothing that an operator writes is dropped silently."""
    properties_of, own = CLIENTS[client]
    dropped = {
        name
        for name in properties_of(ClusterConfig("default", ("127.0.0.1:1",)))
        if (config := with_property(name)) is not None and properties_of(config)[name] != "configured"
    }

    assert own == dropped


def test_property_of_the_operator_reaches_every_client() -> None:
    """One that the program does not know, such as for TLS."""
    config = ClusterConfig("default", ("127.0.0.1:1",), {"ssl.ca.location": "configured"})

    assert {"configured"} == {properties_of(config)["ssl.ca.location"] for properties_of, _ in CLIENTS.values()}
