"""Fixtures that need a broker."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.brokers import VERSION, Broker, ControlledBroker, StartBroker, new_broker, provider
from tests.support.plain import PlainClient
from tests.support.topics import MakeTopic

pytest_plugins = ["tests.support.worker", "tests.support.acls", "tests.support.console", "tests.support.jobs"]

_ANNOUNCED = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def broker(pytestconfig: pytest.Config) -> Iterator[Broker]:
    """The broker that most tests share; each has topics of its own there."""
    if provider() == "external":
        external = Broker(os.environ["TEST_BOOTSTRAP_SERVERS"], "external", "unknown")
        pytestconfig.stash[_ANNOUNCED] = f"external, at {external.bootstrap}"
        yield external
        return
    own = new_broker()
    try:
        own.start()
        # A broker's first group and first transaction take seconds: the state of both is still to be loaded.
        PlainClient(own.bootstrap).create_internal_topics()
        pytestconfig.stash[_ANNOUNCED] = f"{provider()}, Apache Kafka {VERSION}"
        yield Broker(own.bootstrap, provider(), VERSION)
    finally:
        own.remove()


@pytest.fixture(scope="session")
def plain(broker: Broker) -> PlainClient:
    """A client that shares no code with ours."""
    return PlainClient(broker.bootstrap)


@pytest.fixture
def make_topic(plain: PlainClient, request: pytest.FixtureRequest) -> Iterator[MakeTopic]:
    """A function that creates topics for this test alone."""
    topics = MakeTopic(plain, request.node.name)
    yield topics
    topics.delete()


@pytest.fixture
def controlled_broker() -> Iterator[StartBroker]:
    """A function that starts a broker which the test may stop, kill or let hang."""
    with ExitStack() as removals:

        def start(extra: dict[str, str] | None = None) -> ControlledBroker:
            own = new_broker(extra)
            removals.callback(own.remove)
            own.start()
            return own

        yield start


def pytest_configure() -> None:
    # A run that is told to end removes its brokers first, as at Ctrl-C: without this, SIGTERM runs no `finally`.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which broker the tests ran on."""
    announced = config.stash.get(_ANNOUNCED, None)
    if announced is not None:
        terminalreporter.write_line(f"broker: {announced}")
