"""What the errors of a Consumer's messages mean; real ones come in tests/integration and tests/faults."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from kafka.client.messages import ConsumerEvent, event_of


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (KafkaError(KafkaError._PARTITION_EOF), ConsumerEvent.END),
        (KafkaError(KafkaError._AUTO_OFFSET_RESET), ConsumerEvent.OUT_OF_RANGE),
        (KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), ConsumerEvent.DENIED),
        (KafkaError(KafkaError._BAD_MSG), ConsumerEvent.DAMAGED),
        (KafkaError(KafkaError._TRANSPORT), ConsumerEvent.PASSING),
        (KafkaError(KafkaError._FATAL, "gone", fatal=True), ConsumerEvent.FATAL),
        (KafkaError(KafkaError.FENCED_INSTANCE_ID, "fenced", fatal=True), ConsumerEvent.FATAL),
    ],
)
def test_error_of_a_message_means_one_event(error: KafkaError, expected: ConsumerEvent) -> None:
    """Whatever is not known passes by itself, unless the client says that it is of no use any more."""
    assert expected is event_of(error)
