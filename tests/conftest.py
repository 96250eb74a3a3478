"""Fixtures that need a broker."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from copy import deepcopy
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from kafka.client.secrets import CONFIGURED
from tests.support.brokers import VERSION, Broker, ControlledBroker, StartBroker, new_broker, provider, wait_until_known
from tests.support.plain import PlainClient
from tests.support.topics import MakeTopic

pytest_plugins = ["tests.support.worker", "tests.support.acls", "tests.support.console", "tests.support.jobs"]

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")

_ANNOUNCED = pytest.StashKey[str]()
_SHARED = pytest.StashKey[ControlledBroker]()


@pytest.fixture(autouse=True)
def own_secrets() -> Iterator[None]:
    """What one test configures as a secret is not hidden in the log lines of the next: it may be a usual word."""
    before = deepcopy(vars(CONFIGURED))
    yield
    vars(CONFIGURED).update(before)


@pytest.fixture(scope="session")
def broker(pytestconfig: pytest.Config) -> Iterator[Broker]:
    """The broker that most tests share; each has topics of its own there."""
    if provider() == "external":
        external = Broker(os.environ["TEST_BOOTSTRAP_SERVERS"], "external", "unknown")
        pytestconfig.stash[_ANNOUNCED] = f"external, at {external.bootstrap}"
        yield external
        return
    pytestconfig.stash[_ANNOUNCED] = f"{provider()}, Apache Kafka {VERSION}"
    workerinput = getattr(pytestconfig, "workerinput", None)
    if workerinput is not None:
        # One of several processes that run the tests; the first of them has started it.
        yield Broker(workerinput["bootstrap"], provider(), VERSION)
        return
    own = new_broker()
    try:
        started(own)
        yield Broker(own.bootstrap, provider(), VERSION)
    finally:
        own.remove()


def started(broker: ControlledBroker) -> None:
    """Start the broker that most tests share."""
    broker.start()
    wait_until_known(broker.bootstrap)
    # A broker's first group and first transaction take seconds: the state of both is still to be loaded.
    PlainClient(broker.bootstrap).create_internal_topics()


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
            wait_until_known(own.bootstrap)
            return own

        yield start


_PARTS = ("faults", "frameworks", "integration", "e2e", "attacks", "contract", "unit")
"""The folders of the tests, those with the longest tests first: what is short fills the gaps at the end."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long tests first, where several processes share them."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: _PARTS.index(item.path.relative_to(Path(__file__).parent).parts[0]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Have one process run all tests of a file, whose fixtures they share, and one all of faults.

    Those have clusters of their own, and loads that keep a core busy: two at once would be in each other's way.
    """
    # Only there where several processes are asked for.
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # noqa: PLC0415

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return "faults" if nodeid.startswith("tests/faults/") else super()._split_scope(nodeid)

    config.option.loadscopereorder = False
    return Scheduling(config, log)


def pytest_configure() -> None:
    # A run that is told to end removes its brokers first, as at Ctrl-C: without this, SIGTERM runs no `finally`.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Have the processes that pytest-xdist starts share one broker."""
    config: pytest.Config = node.config
    if provider() == "external":
        return
    if _SHARED not in config.stash:
        config.stash[_SHARED] = new_broker()
        started(config.stash[_SHARED])
        config.stash[_ANNOUNCED] = f"{provider()}, Apache Kafka {VERSION}"
    node.workerinput["bootstrap"] = config.stash[_SHARED].bootstrap


def pytest_unconfigure(config: pytest.Config) -> None:
    """End that broker."""
    if (shared := config.stash.get(_SHARED, None)) is not None:
        shared.remove()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which broker the tests ran on."""
    announced = config.stash.get(_ANNOUNCED, None)
    if announced is not None:
        terminalreporter.write_line(f"broker: {announced}")
