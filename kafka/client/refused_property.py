"""Whether the client library takes the configured properties."""

from __future__ import annotations

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from kafka.client.config import ClusterConfig
from kafka.client.properties import admin_properties, reader_properties, writer_properties
from kafka.client.secrets import secrets_of
from kafka.model.translation import cause


def refused_property(config: ClusterConfig) -> str | None:
    """Return why the client library does not take the configured properties, or None when it does. Connects to nothing.

    Only the library knows all of its properties and their values, the SASL mechanisms it was built with, and whether it
    can read a file of certificates: it is asked by making a client of each kind.

    Args:
        config: the cluster.
    """
    alone: dict[str, str | int | float | bool] = {"bootstrap.servers": "", "log_level": 0}
    try:
        AdminClient({**admin_properties(config), **alone})
        Producer({**writer_properties(config, batching=True), **alone})
        Consumer({**reader_properties(config), **alone}).close()
    except KafkaException as exception:
        return secrets_of(config).mask(cause(exception).str())
    return None
