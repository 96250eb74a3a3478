"""What can be asked of a cluster, whichever kind it is: of a real one, or of the embedded broker."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from confluent_kafka import KafkaException
from confluent_kafka.admin import ClusterMetadata

from kafka.metadata.topic import Topic
from kafka.model.errors import NothingWritten
from kafka.model.translation import cause, from_lookup

Partition = tuple[str, int]
"""A partition by topic and number."""


@dataclass(frozen=True, slots=True)
class TopicSummary:
    """What the cluster's metadata tell of a topic."""

    name: str
    partitions: int
    replication: int


Description = tuple[Topic | None, bool, NothingWritten | None]
"""The topic, whether its configuration is in it, and what is in the way of knowing more."""


class Metadata(Protocol):
    """What a cluster knows. Belongs to no event loop: each call is answered to the one that it comes from."""

    async def require(self, timeout_seconds: float) -> None:
        """Return if the cluster can be used.

        Args:
            timeout_seconds: how long metadata may take; a leader may take as long as that once more.

        Raises:
            ClusterAway: it cannot, with the most telling reason that there is.
        """

    async def topic(self, name: str) -> Topic:
        """Ask for the facts of one topic.

        Raises:
            TopicMissing: the cluster has none of that name.
            AccessDenied: Kafka's ACLs hide the topic's configuration.
            ClusterAway: no answer came in time.
        """

    async def summary(self, name: str) -> Topic:
        """Ask only for what a topic is called and how many partitions it has.

        Raises:
            TopicMissing, AccessDenied, ClusterAway: as topic.
        """

    async def summaries(self) -> list[TopicSummary]:
        """Return all topics that the cluster shows to this service, sorted by name.

        Raises:
            ClusterAway: no answer came in time.
        """

    async def descriptions(self, summaries: Sequence[TopicSummary]) -> Mapping[str, Description]:
        """Return the descriptions of these topics, by name."""

    async def starts(self, partitions: Collection[Partition]) -> dict[Partition, int | KafkaException]:
        """Return each partition's log start offset, or what is in the way of knowing it."""

    async def ends(
        self, partitions: Collection[Partition], *, committed: bool
    ) -> dict[Partition, int | KafkaException]:
        """Return each partition's end: the last stable offset if committed, else the high watermark."""

    async def at_time(self, partitions: Collection[Partition], time_ms: int) -> dict[Partition, int | KafkaException]:
        """Return for each partition the first offset whose record is not older than this; -1 where all are.

        Raises:
            NoLookupByTime: the broker has no index of times.
        """

    def close(self) -> None:
        """End the client."""


def of_topic(topic: str, answers: Mapping[Partition, int | KafkaException]) -> dict[int, int]:
    """Return the offsets of one topic by partition.

    Raises:
        TopicMissing, AccessDenied, ClusterAway: one of them is not known.
    """
    offsets: dict[int, int] = {}
    for (_, partition), answer in answers.items():
        if isinstance(answer, KafkaException):
            raise from_lookup(cause(answer), topic, "Describe") from answer
        offsets[partition] = answer
    return offsets


def summaries_of(metadata: ClusterMetadata) -> list[TopicSummary]:
    """Return all topics of the library's answer, sorted by name."""
    replicas = {
        name: [len(partition.replicas) for partition in topic.partitions.values()]
        for name, topic in metadata.topics.items()
    }
    return [TopicSummary(name, len(each), max(each, default=0)) for name, each in sorted(replicas.items())]
