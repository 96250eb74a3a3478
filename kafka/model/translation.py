"""What the errors of the client library mean: from a KafkaError to one of ours."""

from __future__ import annotations

from confluent_kafka import KafkaError, KafkaException

from kafka.model.errors import (
    AccessDenied,
    AwayKind,
    ClusterAway,
    CopyRejected,
    CopyTooLarge,
    NothingWritten,
    OutcomeUnknown,
    ResendError,
    TopicMissing,
)
from kafka.model.records import Position

_AWAY = frozenset(
    {
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._TIMED_OUT,
        KafkaError._RESOLVE,
        KafkaError._AUTHENTICATION,
        KafkaError._SSL,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.SASL_AUTHENTICATION_FAILED,
    }
)


_AWAY_KINDS: dict[int, AwayKind] = {
    KafkaError._AUTHENTICATION: "credentials",
    KafkaError.SASL_AUTHENTICATION_FAILED: "credentials",
    KafkaError._SSL: "tls",
    KafkaError._RESOLVE: "unresolved",
}


REFUSED_RECORD = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_TIMESTAMP, KafkaError.INVALID_RECORD})
"""With these a broker has taken nothing of a batch, for what is in it."""

WRITE_DENIED = frozenset({KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED})
"""With these it has taken nothing for Kafka's ACLs."""


def cause(exception: KafkaException) -> KafkaError:
    """Return the KafkaError inside a KafkaException."""
    error = exception.args[0]
    if not isinstance(error, KafkaError):
        raise TypeError(f"a KafkaException without a KafkaError: {exception!r}") from exception
    return error


def from_lookup(error: KafkaError, topic: str, operation: str) -> NothingWritten:
    """Translate the failure of a request that reads facts or records of a topic.

    Args:
        error: as the client library gave it.
        topic: the topic that was asked about.
        operation: the ACL operation the request needs, for AccessDenied.
    """
    code = error.code()
    if code in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError.UNKNOWN_TOPIC_ID):
        return TopicMissing(topic)
    if code == KafkaError.TOPIC_AUTHORIZATION_FAILED:
        return AccessDenied(operation, f"topic {topic!r}")
    if code == KafkaError.CLUSTER_AUTHORIZATION_FAILED:
        return AccessDenied(operation, "the cluster")
    if code == KafkaError.TOPIC_EXCEPTION:
        # INVALID_TOPIC_EXCEPTION: no topic can have that name.
        return TopicMissing(topic)
    return ClusterAway(error.name() if code in _AWAY else f"{error.name()}: {error.str()}", away_kind(error))


def away_kind(error: KafkaError) -> AwayKind | None:
    """Return why a cluster cannot be used where a client reports this error; None where it does not tell."""
    code = error.code()
    # A certificate of ours that the broker refuses shows as a connection that breaks, with OpenSSL's words for why.
    if code == KafkaError._TRANSPORT and ":SSL routines:" in error.str():
        return "tls"
    return _AWAY_KINDS.get(code)


def from_delivery(error: KafkaError, position: Position, topic: str) -> ResendError:
    """Translate the failure of a produce request or of its delivery report.

    Only errors that prove that no copy was written become NothingWritten: the library does not tell whether a failed
    message may have been persisted (rd_kafka_message_status is not exposed by confluent-kafka).

    Args:
        error: as the client library gave it.
        position: where the original is.
        topic: where the copy was to go.
    """
    code = error.code()
    if code == KafkaError.MSG_SIZE_TOO_LARGE:
        return CopyTooLarge(position, None, None, "max.message.bytes or message.max.bytes")
    if code in WRITE_DENIED:
        return from_lookup(error, topic, "Write")
    if code in REFUSED_RECORD:
        return CopyRejected(position, error.name())
    # _PURGE_QUEUE is not among them: a message that waits for its retry is purged under that name, too.
    return OutcomeUnknown(position, error.name())
