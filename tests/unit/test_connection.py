"""Which of what the clients report of their connections is told as the reason why a cluster is away."""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from confluent_kafka import KafkaError, KafkaException

from kafka.client.admin import Admin
from kafka.client.config import ClusterConfig
from kafka.client.connection import ConnectionErrors, advertised_address
from kafka.model.errors import AwayKind, ClusterAway

NUMBERED = "broker:9092/1: Connect to ipv4#127.0.0.1:9092 failed: Connection refused"
BOOTSTRAP = "seed:9092/bootstrap: Connect to ipv4#127.0.0.1:9093 failed: Connection refused"
NO_ANSWER = ClusterAway("_TIMED_OUT: Local: Timed out")


@pytest.mark.parametrize(
    ("reported", "used", "kind"),
    [
        # A broker gave its address, and nothing but that address fails.
        ([NUMBERED], False, "advertised"),
        # An outage: the brokers were reached before, or their bootstrap addresses do not answer either.
        ([NUMBERED], True, "unreachable"),
        ([NUMBERED, BOOTSTRAP], False, "unreachable"),
        ([BOOTSTRAP], False, "unreachable"),
        ([], False, None),
    ],
)
def test_metadata_without_an_answer_is_the_advertised_address_where_only_that_fails(
    reported: list[str], kind: AwayKind | None, *, used: bool
) -> None:
    """Bootstrap servers are given up for what they advertise, and then metadata often has no answer."""
    errors = ConnectionErrors()
    if used:
        errors.used()
    for text in reported:
        errors(KafkaError(KafkaError._TRANSPORT, text))
    explained = errors.explain(NO_ANSWER)
    assert explained.kind == kind
    assert (NUMBERED if NUMBERED in reported else "") in explained.reason


@pytest.mark.parametrize(
    ("reported", "broker"),
    [
        (NUMBERED, (1, "broker", 9092)),
        ("sasl_ssl://broker:9093/2: SASL authentication error", (2, "broker", 9093)),
        ("[::1]:9092/3: Connect to ipv6#[::1]:9092 failed: Connection refused", (3, "::1", 9092)),
        (BOOTSTRAP, None),
        ("1/1 brokers are down", None),
    ],
)
def test_error_of_a_connection_names_the_advertised_address(reported: str, broker: tuple[int, str, int] | None) -> None:
    assert advertised_address(KafkaError(KafkaError._TRANSPORT, reported)) == broker


def test_wait_for_an_answer_ends_when_what_asks_is_stopped() -> None:
    """A cluster that is away does not hold up the end of a service or of a worker."""
    admin = Admin(ClusterConfig("away", ("127.0.0.1:1",)))
    admin.stopped.set()
    with pytest.raises(KafkaException, match="_DESTROY"):
        admin.wait_for(Future())
