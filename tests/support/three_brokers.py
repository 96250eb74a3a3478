"""A cluster of three brokers, which are their own controllers, for what must survive the loss of one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.support.brokers import ControlledBroker, free_port, new_broker

_BROKERS = 3


class BrokerCluster:
    """Three brokers; topics have three replicas, two of which must be in sync.

    Args:
        extra: broker properties to add to the usual ones.

    Attributes:
        brokers: to be stopped or killed one at a time.
        bootstrap: host:port of each, separated by commas.
    """

    def __init__(self, extra: dict[str, str] | None = None) -> None:
        ports = [free_port() for _ in range(_BROKERS)]
        controllers = [free_port() for _ in range(_BROKERS)]
        self.bootstrap = ",".join(f"127.0.0.1:{port}" for port in ports)
        voters = ",".join(f"{number + 1}@127.0.0.1:{port}" for number, port in enumerate(controllers))
        self.brokers: list[ControlledBroker] = [
            new_broker(
                {
                    "node.id": str(number + 1),
                    "controller.quorum.voters": voters,
                    "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
                    "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
                    "default.replication.factor": "3",
                    "min.insync.replicas": "2",
                    "offsets.topic.replication.factor": "3",
                    "transaction.state.log.replication.factor": "3",
                    "transaction.state.log.min.isr": "2",
                    "transaction.state.log.num.partitions": "3",
                    **(extra or {}),
                },
            )
            for number, (port, controller) in enumerate(zip(ports, controllers, strict=True))
        ]

    def start(self) -> None:
        """Start all; none is ready before most of them are there."""
        with ThreadPoolExecutor(_BROKERS) as pool:
            list(pool.map(lambda broker: broker.start(), self.brokers))

    def remove(self) -> None:
        """End all, and delete what they kept."""
        for broker in self.brokers:
            broker.remove()
