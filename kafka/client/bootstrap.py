"""Which of the bootstrap servers are KRaft controllers: they take connections, and answer almost nothing of a client.

A client that has connected to one asks it for metadata again and again, and may never get to a broker.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from kafka.client.clients import log
from kafka.client.config import ClusterConfig
from kafka.client.properties import admin_properties
from kafka.model.translation import cause

_ANSWER_SECONDS = 1.0


def without_controllers(config: ClusterConfig) -> ClusterConfig:
    """Return the configuration without those bootstrap servers that say to be controllers; blocks for a second at most.

    As it is where no other server would be left.
    """
    controllers = controllers_among(config, _ANSWER_SECONDS)
    found = without(config, controllers)
    if found is not config:
        log.warning(
            "%s: left out of bootstrap_servers, as no broker but a KRaft controller: %s",
            config.name,
            ", ".join(sorted(controllers)),
        )
    return found


def without(config: ClusterConfig, servers: frozenset[str]) -> ClusterConfig:
    """Return the configuration without these bootstrap servers; as it is where no other one would be left."""
    left = tuple(server for server in config.bootstrap_servers if server not in servers)
    return replace(config, bootstrap_servers=left) if servers and left else config


def controllers_among(config: ClusterConfig, timeout_seconds: float) -> frozenset[str]:
    """Return the bootstrap servers that are controllers, as far as they answer; a single one the library itself asks.

    Args:
        config: the cluster.
        timeout_seconds: how long all may take.
    """
    servers = config.bootstrap_servers
    if config.embedded or len(servers) < 2:
        return frozenset()

    def is_controller(server: str) -> bool:
        client = AdminClient(admin_properties(replace(config, bootstrap_servers=(server,))))
        try:
            client.list_topics(config.jobs.topic, timeout_seconds)
        except KafkaException as exception:
            return cause(exception).code() == KafkaError._UNSUPPORTED_FEATURE
        return False

    with ThreadPoolExecutor(len(servers)) as pool:
        found = pool.map(is_controller, servers)
        return frozenset(server for server, controller in zip(servers, found, strict=True) if controller)
