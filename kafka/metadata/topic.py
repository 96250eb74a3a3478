"""What a topic is: its partitions, whether it is internal or compacted, and what its configuration lets a copy be."""

from __future__ import annotations

from dataclasses import dataclass

from kafka.client.config import ClusterConfig, JobsConfig
from kafka.model.errors import PartitionMissing, TopicReplaced

_INTERNAL_TOPICS = frozenset(
    {"__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata", JobsConfig().topic}
)
"""Topics that Kafka or this service keeps state in, also where the broker does not mark them internal."""


def is_internal(name: str, config: ClusterConfig) -> bool:
    """Whether a topic is Kafka's own or this service's by its name: neither read for a caller nor resent.

    That is the job store under its configured name, and under the default one, which another deployment may use.
    """
    return name in _INTERNAL_TOPICS or name == config.jobs.topic


@dataclass(frozen=True, slots=True)
class Topic:
    """The facts of a topic that decide whether and how its records are resent.

    Attributes:
        name: as Kafka has it.
        topic_id: changes when the topic is deleted and made again.
        partitions: how many; they are numbered from 0.
        internal: Kafka's own or this service's.
        compacted: its cleanup.policy contains compact.
        log_append_time: the broker sets the timestamps.
        max_message_bytes: largest record batch, after compression.
        retention_ms: age after which records are deleted; None: never for their age.
        timestamp_before_max_ms: greatest age that a record may have when it is written; None: any.
        timestamp_after_max_ms: how far ahead its timestamp may lie then; None: any.
        leaders: number of the broker that leads each partition, as far as is known; -1 where none does.

    Source: Kafka's topic configuration; KIP-937 for the two bounds of a timestamp.
    """

    name: str
    topic_id: str
    partitions: int
    internal: bool = False
    compacted: bool = False
    log_append_time: bool = False
    max_message_bytes: int = 1_048_588
    retention_ms: int | None = None
    timestamp_before_max_ms: int | None = None
    timestamp_after_max_ms: int | None = None
    leaders: tuple[int, ...] = ()

    def leader(self, partition: int) -> int | None:
        """Return the number of the broker that leads a partition; None where it is not known."""
        return self.leaders[partition] if partition < len(self.leaders) else None

    def require_id(self, topic_id: str) -> None:
        """Raise TopicReplaced if this is another topic of the same name, whose offsets name other records."""
        if self.topic_id != topic_id:
            raise TopicReplaced(self.name)

    def require_partition(self, partition: int) -> None:
        """Raise PartitionMissing if the topic has no such partition."""
        if not 0 <= partition < self.partitions:
            raise PartitionMissing(self.name, partition, self.partitions)
