"""What is told of a cluster that cannot be used, or not as it is configured: by the worker, by /readyz, by `check`."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import ClusterMetadata

from kafka.checks.diagnose import diagnose
from kafka.checks.results import Finding
from kafka.client.admin import Admin
from kafka.client.config import ClusterConfig
from kafka.client.connection import ConnectionErrors
from kafka.cluster import Cluster
from kafka.metadata.probe import LeaderProbe
from kafka.model.errors import ClusterAway
from kafka.model.records import Position
from service.api.health import readiness_of
from tests.support.acls import Administrator, sasl
from tests.support.brokers import Broker, ControlledBroker, StartBroker, free_port, new_broker
from tests.support.certificates import Authority, broker_with_tls, client_with_tls
from tests.support.plain import PlainClient
from tests.support.proxy import proxied
from tests.support.topics import MakeTopic
from tests.support.worker import OpenCluster, eventually


class OnHost:
    """A broker at the host's loopback address, whose controller can be reached as well.

    Args:
        advertised: host:port that it gives to clients; None: the one that it listens at.

    Attributes:
        bootstrap: where it listens.
        controller: where its controller does.
    """

    def __init__(self, advertised: str | None = None) -> None:
        self.bootstrap, self.controller = (f"127.0.0.1:{free_port()}" for _ in range(2))
        self.broker = new_broker(
            {
                "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{self.controller}",
                "controller.quorum.voters": f"1@{self.controller}",
                "advertised.listeners": f"PLAINTEXT://{advertised or self.bootstrap}",
            },
        )


@pytest.fixture
def on_host() -> Iterator[Callable[..., OnHost]]:
    """A function that starts such a broker."""
    with ExitStack() as removals:

        def start(advertised: str | None = None) -> OnHost:
            made = OnHost(advertised)
            removals.callback(made.broker.remove)
            made.broker.start()
            return made

        yield start


def findings_of(*servers: str, properties: dict[str, str] | None = None) -> dict[str, Finding]:
    """Return what `check` finds, by subject."""
    found = diagnose(ClusterConfig("tested", servers, properties or {}), timeout_seconds=10)
    return {finding.subject: finding for finding in found}


async def told(cluster: Cluster, state: str, kind: str | None) -> None:
    """Wait until the worker says so of the cluster; the first attempt may be too early on a busy machine."""

    async def is_told() -> bool:
        return (state, kind) == (cluster.availability.state, cluster.availability.kind)

    await eventually(is_told, seconds=30)


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
async def test_advertised_address_that_leads_nowhere_is_not_ready_and_is_named(
    open_cluster: OpenCluster, on_host: Callable[..., OnHost], host: str
) -> None:
    """The bootstrap server answers all metadata, and no record can be read: that is told with the address, at once."""
    advertised = f"{host}:{free_port()}"
    broker = on_host(advertised)
    cluster = await open_cluster(bootstrap=broker.bootstrap)

    await told(cluster, "away", "advertised")
    assert advertised in (cluster.availability.reason or "")
    readiness = readiness_of(cluster.availability)
    assert "no broker can be reached at the address that it advertises (advertised.listeners)" == readiness.reason
    with pytest.raises(ClusterAway) as refused:
        await cluster.resend(Position("topic", 0, 0), None)
    assert advertised in refused.value.reason

    found = findings_of(broker.bootstrap)
    assert ["connection", "brokers"] == list(found)
    assert found["connection"].ok
    assert f"broker 1 at {advertised}" in found["brokers"].detail
    assert "advertised.listeners" in (found["brokers"].remedy or "")


async def test_advertised_address_that_leads_nowhere_is_named_by_a_slow_cluster(on_host: Callable[..., OnHost]) -> None:
    """The client's own first request takes the only answer of a bootstrap server, before the one of `check`."""
    advertised = f"127.0.0.1:{free_port()}"
    broker = on_host(advertised)
    port = free_port()
    async with proxied(broker.bootstrap, port) as proxy:
        proxy.delay_seconds = 0.2
        found = await asyncio.to_thread(findings_of, f"127.0.0.1:{port}")
    assert found["connection"].ok
    assert f"broker 1 at {advertised}" in found["brokers"].detail


async def test_controller_among_the_bootstrap_servers_is_left_out_and_named(
    open_cluster: OpenCluster, on_host: Callable[..., OnHost]
) -> None:
    """Whatever address a client would take first, resends work, and `check` always says which address is wrong."""
    broker = on_host()
    plain = PlainClient(broker.bootstrap)
    plain.create_topic("topic", 1)
    plain.produce("topic", b"0")
    for number in range(1, 4):
        cluster = await open_cluster(bootstrap=f"{broker.controller},{broker.bootstrap}")
        await told(cluster, "ready", None)
        assert number == (await cluster.resend(Position("topic", 0, 0), None)).offset
    for _ in range(3):
        found = findings_of(broker.controller, broker.bootstrap)
        assert not found["bootstrap_servers"].ok
        assert found["bootstrap_servers"].detail.endswith(broker.controller)
        assert found["connection"].ok
        assert found["ACLs"].ok


async def test_controller_alone_is_told_as_what_it_is(
    open_cluster: OpenCluster, on_host: Callable[..., OnHost]
) -> None:
    """Nothing can be done with it, and both /readyz and `check` say why."""
    broker = on_host()
    cluster = await open_cluster(bootstrap=broker.controller)
    await told(cluster, "away", "controller")
    assert "KRaft controller" in (readiness_of(cluster.availability).reason or "")
    assert "not the listeners of KRaft controllers" in (findings_of(broker.controller)["connection"].remedy or "")


async def test_wrong_password_is_the_reason_that_readyz_tells(
    open_cluster: OpenCluster, with_acls: tuple[str, Administrator]
) -> None:
    """The brokers answer, and refuse the login: /readyz says no less."""
    address, _ = with_acls
    cluster = await open_cluster(bootstrap=address, properties=sasl("full", "wrong"))
    await told(cluster, "away", "credentials")
    assert "the brokers do not accept the service's credentials" == readiness_of(cluster.availability).reason


async def test_cluster_without_any_visible_topic_is_ready(
    open_cluster: OpenCluster, with_acls: tuple[str, Administrator]
) -> None:
    """Where there is no leader to ask, or none that may be seen, a broker's answer of any kind will do."""
    address, _ = with_acls
    cluster = await open_cluster(bootstrap=address, properties=sasl("blind"))
    await told(cluster, "ready", None)


@pytest.fixture(scope="module")
def with_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ControlledBroker, Authority]]:
    """A broker that asks for a certificate, and the authority that it trusts."""
    authority = Authority(tmp_path_factory.mktemp("tls"))
    broker = new_broker(broker_with_tls(authority))
    try:
        broker.start()
        yield broker, authority
    finally:
        broker.remove()


@pytest.mark.parametrize(("wrong", "remedy"), [("client", "ssl.certificate.location"), ("broker", "ssl.ca.location")])
async def test_refused_certificate_is_told_as_such(
    open_cluster: OpenCluster,
    with_tls: tuple[ControlledBroker, Authority],
    tmp_path: Path,
    wrong: str,
    remedy: str,
) -> None:
    """Ours, which the broker refuses by breaking the connection, as well as the broker's, which the client refuses."""
    broker, authority = with_tls
    other = Authority(tmp_path, f"other-{uuid.uuid4().hex}")
    certificate = (other if wrong == "client" else authority).issue("client")
    trusted = other if wrong == "broker" else authority
    properties = client_with_tls(trusted, *certificate)
    cluster = await open_cluster(bootstrap=broker.bootstrap, properties=properties)
    await told(cluster, "away", "tls")
    assert "TLS with the brokers cannot be established" == readiness_of(cluster.availability).reason
    assert remedy in (findings_of(broker.bootstrap, properties=properties)["connection"].remedy or "")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("away_before", [True, False])
async def test_changed_certificates_are_used_without_a_restart(
    open_cluster: OpenCluster, with_tls: tuple[ControlledBroker, Authority], tmp_path: Path, *, away_before: bool
) -> None:
    """Files are replaced one after the other: what worked continues working, and what did not begins to."""
    broker, authority = with_tls
    name = uuid.uuid4().hex
    other = Authority(tmp_path, f"other-{name}")
    good, bad = authority.issue(f"good-{name}"), other.issue("bad")
    used = tmp_path / "client.pem", tmp_path / "client.key"

    def put(pair: tuple[Path, Path]) -> None:
        for source, target in zip(pair, used, strict=True):
            new = target.with_suffix(".new")
            new.write_bytes(source.read_bytes())
            new.rename(target)

    put(bad if away_before else good)
    cluster = await open_cluster(bootstrap=broker.bootstrap, properties=client_with_tls(authority, *used))
    await told(cluster, *(("away", "tls") if away_before else ("ready", None)))
    before = cluster._watch.clients
    put(good if away_before else authority.issue(f"better-{name}"))

    async def renewed() -> bool:
        return cluster._watch.clients is not before and cluster.availability.state == "ready"

    await eventually(renewed, seconds=90)
    # A certificate that the broker does not take is no reason to give up one that works.
    working = cluster._watch.clients
    put(bad)

    async def tried() -> bool:
        return not cluster._watch._files.changed() and not cluster._watch._retired

    await eventually(tried, seconds=90)
    assert cluster._watch.clients is working
    await told(cluster, "ready", None)


async def test_leader_that_is_gone_names_itself_in_the_refusal(
    open_cluster: OpenCluster, controlled_broker: StartBroker
) -> None:
    """A resend that meets the outage first says which broker could not be reached, not only that time ran out."""
    broker = controlled_broker()
    plain = PlainClient(broker.bootstrap)
    plain.create_topic("topic", 1)
    plain.produce("topic", b"0")
    cluster = await open_cluster(bootstrap=broker.bootstrap)
    broker.kill()
    with pytest.raises(ClusterAway) as refused:
        await cluster.resend(Position("topic", 0, 0), None)
    assert broker.bootstrap in refused.value.reason


async def test_topic_deleted_between_metadata_and_question_makes_no_cluster_away(
    broker: Broker, make_topic: MakeTopic, plain: PlainClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client library looks for the leader of such a topic until time runs out: others are asked about as well."""
    gone, kept = f"gone-{uuid.uuid4()}", make_topic()
    plain.create_topic(gone, 1)
    admin = Admin(ClusterConfig("default", (broker.bootstrap,)))
    metadata = admin.list_topics(timeout=10)
    metadata.topics = {name: metadata.topics[name] for name in (gone, kept)}
    plain.delete_topic(gone)
    of_one = admin.list_topics

    def list_topics(*of: Any, **timeout: float) -> ClusterMetadata:
        return of_one(*of, **timeout) if of else metadata

    monkeypatch.setattr(admin, "list_topics", list_topics)

    await LeaderProbe(admin, ConnectionErrors()).require(2.0)
