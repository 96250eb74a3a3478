"""Real Kafka brokers for tests, from three providers: one that is there already, containers, or the official jars."""

from __future__ import annotations

import fcntl
import os
import random
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Protocol

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

VERSION = os.environ.get("TEST_KAFKA_VERSION", "4.4.0")

START_SECONDS = 60.0
STARTED = "Kafka Server started"
"""In the line that a broker logs once its listeners are open."""

JVM = "-Xms256m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
"""Starts in a third of the time and with half the memory of the defaults."""


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker that answers.

    Attributes:
        bootstrap: host:port of its listener without a password.
        provider: `external`, `containers` or `jars`.
        version: of Apache Kafka; `unknown` where it was not started by the tests.
    """

    bootstrap: str
    provider: str
    version: str


class ControlledBroker(Protocol):
    """A broker of the test's own, always at the same address, which keeps its data when it is started again."""

    @property
    def bootstrap(self) -> str:
        """host:port of its listener."""

    @property
    def data(self) -> Path:
        """Where it keeps its logs, a folder of this machine."""

    def start(self) -> None:
        """Start it, for the first time or again; return when it answers."""

    def stop(self) -> None:
        """Stop it as an operator would."""

    def kill(self) -> None:
        """Kill it with SIGKILL."""

    def pause(self) -> None:
        """Let it hang."""

    def resume(self) -> None:
        """Let it continue."""

    def remove(self) -> None:
        """End it, and delete what it kept."""


StartBroker = Callable[..., ControlledBroker]
"""Starts a broker; takes a dict of broker properties to add to the usual ones, if any."""


def properties(listener: str, controller_port: int) -> dict[str, str]:
    """Return the properties of a broker that is its own controller, keeps little and cleans up often.

    It creates topics by itself, as many clusters do: a client that creates one by asking for it must be noticed.
    """
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{listener},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{listener}",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "num.partitions": "1",
        "default.replication.factor": "1",
        "auto.create.topics.enable": "true",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "log.cleaner.backoff.ms": "100",
        "log.retention.check.interval.ms": "500",
        "log.segment.delete.delay.ms": "500",
        "log.initial.task.delay.ms": "500",
    }


@cache
def provider() -> str:
    """Return where brokers come from here, or end the run with what to install."""
    wanted = os.environ.get("TEST_KAFKA_PROVIDER")
    known = ("external", "containers", "jars")
    if wanted is not None and wanted not in known:
        pytest.exit(f"TEST_KAFKA_PROVIDER is {wanted!r}; it may be one of {', '.join(known)}", returncode=4)
    if wanted == "external" or (wanted is None and os.environ.get("TEST_BOOTSTRAP_SERVERS")):
        if not os.environ.get("TEST_BOOTSTRAP_SERVERS"):
            pytest.exit("TEST_KAFKA_PROVIDER is external, but TEST_BOOTSTRAP_SERVERS is not set", returncode=4)
        return "external"
    return _own_provider()


def _own_provider() -> str:
    """Return how to start brokers here, which tests that stop one need also where the others use an external one."""
    wanted = os.environ.get("TEST_KAFKA_PROVIDER")
    if wanted != "jars" and docker_answers():
        return "containers"
    if wanted != "containers" and java_version() >= 17 and shutil.which("mvn"):
        return "jars"
    pytest.exit(
        "The tests need a real Kafka: start a Docker engine, or install Java 17 and Maven "
        "(Debian: openjdk-17-jre-headless, maven), or set TEST_BOOTSTRAP_SERVERS to a broker that may be written to.",
        returncode=4,
    )


def docker_answers() -> bool:
    """Whether a Docker engine answers."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    return subprocess.run([docker, "info"], capture_output=True, check=False, timeout=30).returncode == 0


def java_version() -> int:
    """Return the major version of the Java that is found first, 0 where there is none."""
    java = shutil.which("java")
    if java is None:
        return 0
    said = subprocess.run([java, "-version"], capture_output=True, check=False, text=True, timeout=30).stderr
    # 8 and older call themselves 1.8.
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found[1]) if found else 0


def new_broker(extra: dict[str, str] | None = None, jvm: str = JVM) -> ControlledBroker:
    """Return a broker that is not started yet.

    Args:
        extra: broker properties to add to the usual ones.
        jvm: options of its Java machine.
    """
    if _own_provider() == "containers":
        from tests.support.containers import ContainerBroker  # noqa: PLC0415 not wanted where there is no engine

        return ContainerBroker(extra or {}, jvm)
    from tests.support.jars import JarBroker  # noqa: PLC0415 as above

    return JarBroker(extra or {}, jvm)


_PORTS = range(20_000, 32_000)
"""Below those that the kernel gives to clients (net.ipv4.ip_local_port_range), which could take a free one any time."""

_taken_ports: list[IO[bytes]] = []


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on, and that no other run of tests gets meanwhile."""
    folder = Path(tempfile.gettempdir(), f"kafka-resend-test-ports-{os.getuid()}")
    folder.mkdir(exist_ok=True)
    for port in random.sample(_PORTS, len(_PORTS)):
        # Locked until this process ends.
        lock = (folder / str(port)).open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
        else:
            _taken_ports.append(lock)
            return port
    raise AssertionError(f"no free port from {_PORTS.start} on")


def wait_until_known(bootstrap: str) -> None:
    """Wait until a broker that has started names itself in its answers, which may be a moment later.

    A client that asks in that moment takes the answer without brokers for the truth, drops the one that it has, and
    never asks again (librdkafka issue 5301). One that has learnt the advertised address before this thread's question
    has only that address left, where a test may not have started its proxy yet. So each try is a client of its own.
    """
    deadline = time.monotonic() + START_SECONDS
    while not _names_itself(AdminClient({"bootstrap.servers": bootstrap})):
        assert time.monotonic() < deadline, f"the broker at {bootstrap} does not name itself after {START_SECONDS} s"


def _names_itself(client: AdminClient) -> bool:
    try:
        return bool(client.list_topics(timeout=5.0).brokers)
    except KafkaException as error:
        if error.args[0].code() not in (KafkaError._TRANSPORT, KafkaError._TIMED_OUT):
            raise
        return False
