"""What heartbeats of workers say, and for how long."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException
from hypothesis import given
from hypothesis import strategies as st

from kafka.client.config import ClusterConfig
from kafka.jobs.worker.liveness import (
    HANDING_OVER,
    Heartbeat,
    Liveness,
    alive,
    decode_heartbeat,
    encode_heartbeat,
    problem_of,
)

CONFIG = ClusterConfig("test", ("127.0.0.1:1",))


@given(st.integers(0, 24 * 3600 * 1000), st.none() | st.text())
def test_heartbeat_is_read_as_it_was_written(valid_ms: int, problem: str | None) -> None:
    """Whatever the problem's words are."""
    for heartbeat in (Heartbeat(valid_ms, problem), Heartbeat(valid_ms, problem, {"3-ab": "its turn"})):
        assert decode_heartbeat(encode_heartbeat(heartbeat)) == heartbeat


@given(st.none() | st.binary())
def test_anything_else_is_no_heartbeat(content: bytes | None) -> None:
    """A tombstone, what is no JSON, and what is JSON of another kind change nothing."""
    liveness = Liveness()
    liveness.take(0, content, 0.0)
    assert (liveness.alive(0), liveness.problem(0)) == (False, None)


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"7",
        b"{}",
        b'{"format": 2, "valid_ms": 9000, "problem": null}',
        b'{"format": 1, "valid_ms": true, "problem": null}',
        b'{"format": 1, "valid_ms": 9000, "problem": 7}',
        b'{"format": 1, "valid_ms": 1e999, "problem": null}',
        b'{"format": 1, "valid_ms": 1' + b"0" * 400 + b', "problem": null}',
        b'{"format": 1, "valid_ms": 9000, "problem": "\\ud800"}',
        b"[" * 100_000,
    ],
)
def test_heartbeat_of_another_form_is_left_alone(content: bytes) -> None:
    """Another version may have written it."""
    assert decode_heartbeat(content) is None


def test_heartbeat_holds_for_its_time_from_when_it_was_written() -> None:
    """An old one that is read only now says nothing any more; what is in the future counts from now."""
    liveness = Liveness()
    liveness.take(0, encode_heartbeat(alive({})), 11.0)
    liveness.take(1, encode_heartbeat(alive({})), 13.0)
    liveness.take(2, encode_heartbeat(HANDING_OVER), 6.0)
    liveness.take(3, encode_heartbeat(Heartbeat(0)), -3600.0)
    assert [liveness.alive(partition) for partition in range(5)] == [True, False, False, False, False]
    assert [liveness.expected(partition) for partition in range(5)] == [True, True, True, True, False]


def test_problem_holds_until_an_owner_works() -> None:
    """A worker that cannot be the owner does not hide one that is."""
    liveness = Liveness()
    liveness.take(0, encode_heartbeat(Heartbeat(60_000, "no rights")), 1.0)
    assert (liveness.alive(0), liveness.problem(0)) == (False, "no rights")
    liveness.take(0, encode_heartbeat(alive({})), 0.0)
    assert (liveness.alive(0), liveness.problem(0)) == (True, None)
    liveness.take(0, encode_heartbeat(Heartbeat(60_000, "no rights")), 61.0)
    assert (liveness.alive(0), liveness.problem(0)) == (True, None)


def test_missing_acl_is_named() -> None:
    """With the operation and the resource, as `kafka-acls.sh` has them; anything else in the library's words."""
    words = {
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "Write on transactional ids 'kafka-resend-jobs*'",
        KafkaError.GROUP_AUTHORIZATION_FAILED: "Read on group 'kafka-resend-jobs'",
        KafkaError.TOPIC_AUTHORIZATION_FAILED: "Read and Write on topic '_resend_jobs'",
        KafkaError._TRANSPORT: "a worker fails: _TRANSPORT",
    }
    for code, expected in words.items():
        assert expected in problem_of(KafkaException(KafkaError(code)), CONFIG)
