"""What a deployment can set, one class per concern; `model` puts them together and checks them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from kafka.client.config import ClusterConfig, JobsConfig, Limits, QueryLimits
from kafka.model.copies import TimestampPolicy
from kafka.model.policy import ResendPolicy
from kafka.redrive.known import Dialects
from service.settings.about import BOUND, About
from service.settings.http import Section
from service.settings.values import ID_MAY_BE, InstanceId, Patterns, Properties, Seconds, Servers, Whole, lower

_LIMITS = Limits()
_QUERY = QueryLimits()
_JOBS = JobsConfig()
_POLICY = ResendPolicy()


class PolicySettings(Section):
    """What may be resent on an instance, and how, with the defaults of kafka.model.policy.ResendPolicy."""

    topics: Annotated[
        Patterns,
        About(
            "Shell-style patterns (`*`, `?`, `[ab]`) of the topics that may be resent, by any caller. Case counts. "
            "Internal topics are always refused.",
            "a list of topic names or patterns, at least one",
        ),
    ] = _POLICY.topics
    allow_compacted: Annotated[
        bool,
        About("Whether compacted topics are resent, where a copy replaces the newest value of its key."),
    ] = _POLICY.allow_compacted
    timestamp: Annotated[
        TimestampPolicy,
        About(
            "Which time a copy gets: its original's, or the current time. Where the topic says LogAppendTime, the "
            "broker's time is taken either way."
        ),
    ] = _POLICY.timestamp
    read_only: Annotated[bool, About("Stops all resends of this instance; requests get a 400.")] = _POLICY.read_only
    consumer_keys: Annotated[
        Patterns,
        About(
            "Shell-style patterns of the recipients that a resend may name; copies for everybody are always allowed.",
            "a list of consumer_keys or patterns, at least one",
        ),
    ] = _POLICY.consumer_keys
    max_resends: Annotated[
        Annotated[Whole, Field(ge=1, le=1_000_000)] | None,
        About(
            "How often jobs may resend one record, by the `resend.count` of its headers; one that came back that often "
            "is listed as a failure."
        ),
    ] = _POLICY.max_resends


class LimitSettings(Section):
    """How much, how many and how long, on an instance, with the defaults of kafka.client.config.Limits."""

    deadline_seconds: Annotated[
        Seconds,
        Field(gt=0, le=3600),
        About("How long one resend may take altogether."),
    ] = _LIMITS.deadline_seconds
    delivery_timeout_seconds: Annotated[
        Seconds,
        Field(ge=0.1, le=3600, validate_default=True),
        About(
            "How long the cluster may take to acknowledge a copy; less than `deadline_seconds`. A copy is handed over "
            "only while at least this much of the deadline is left: the difference is the time for reading.",
            "a number of seconds from 0.1 to below deadline_seconds",
        ),
    ] = _LIMITS.delivery_timeout_seconds
    max_queued_requests: Annotated[
        Whole,
        Field(ge=1, le=1_000_000),
        About("How many requests may wait for a reader; more get a 503."),
    ] = _LIMITS.max_queued_requests
    readers: Annotated[
        Whole,
        Field(ge=1, le=64),
        About("Threads that read, each with a connection of its own to every broker."),
    ] = _LIMITS.readers
    max_in_flight_per_reader: Annotated[
        Whole,
        Field(ge=1, le=1000),
        About("How many positions, of distinct partitions, a reader reads at once."),
    ] = _LIMITS.max_in_flight_per_reader

    @field_validator("delivery_timeout_seconds")
    @classmethod
    def _leaves_time_to_read(cls, seconds: float, info: ValidationInfo) -> float:
        deadline = info.data.get("deadline_seconds")
        if deadline is not None and seconds >= deadline:
            raise PydanticCustomError(
                BOUND, "less than deadline_seconds, which is {deadline}", {"deadline": f"{deadline:g}"}
            )
        return seconds


class QuerySettings(Section):
    """How much may be read to find records, on every instance, with the defaults of kafka.client.config.QueryLimits."""

    max_scan_records: Annotated[
        Whole,
        Field(ge=1000, le=100_000_000),
        About(
            "How many records one request may read; then it is answered with what was found and a cursor to continue."
        ),
    ] = _QUERY.max_scan_records
    max_scan_seconds: Annotated[
        Seconds,
        Field(ge=0.1, le=60),
        About(
            "How long one request may read; then it is answered with what was found. It may wait twice as long for its "
            "turn."
        ),
    ] = _QUERY.max_scan_seconds
    max_concurrent_scans: Annotated[
        Whole,
        Field(ge=1, le=64),
        About(
            "Searches and histograms at once on an instance, each with connections of its own. One caller has at most "
            "half of them, rounded up, so that others find some free; callers take turns. More wait, then get a 503."
        ),
    ] = _QUERY.max_concurrent_scans
    max_value_bytes: Annotated[
        Whole,
        Field(ge=1, le=1_000_000_000),
        About("The largest value that is shown; a larger one can only be downloaded."),
    ] = 1_048_576
    cursor_key: Annotated[
        Annotated[str, Field(min_length=16, max_length=1000)] | None,
        Field(repr=False),
        About(
            "Secret by which the service knows the cursors that it has given; the same for all processes and replicas. "
            "Without it, it is made of `auth.token_digest` and the passwords and keys for Kafka: set it where there "
            "are neither, such as with a callers file and a Kafka without authentication."
        ),
    ] = None


class JobsSettings(Section):
    """Where jobs are kept and how they run, on every instance, with the defaults of kafka.client.config.JobsConfig."""

    worker: Annotated[
        bool,
        About("`serve` runs a worker of jobs beside it; otherwise `kafka-resend worker` is to run."),
    ] = _JOBS.worker
    topic: Annotated[
        str,
        Field(pattern=r"^[a-zA-Z0-9._-]{1,249}$"),
        About("Topic that keeps jobs. Two deployments on one cluster need different ones.", "a name that Kafka allows"),
    ] = _JOBS.topic
    group: Annotated[
        str,
        Field(min_length=1, max_length=249),
        About("Consumer group of the workers. The same for all that share a store."),
    ] = _JOBS.group
    transactional_prefix: Annotated[
        str,
        Field(min_length=1, max_length=200),
        About("What the workers' transactional ids start with. The same for all that share a store."),
    ] = _JOBS.transactional_prefix
    partitions: Annotated[
        Whole,
        Field(ge=1, le=1000),
        About("How many partitions the topic gets when it is created, which is how many jobs run at once."),
    ] = _JOBS.partitions
    batch_records: Annotated[
        Whole,
        Field(ge=1, le=100_000),
        About("Records that one transaction copies, at most."),
    ] = _JOBS.batch_records
    retention_seconds: Annotated[
        Seconds,
        Field(ge=60, le=10 * 365 * 24 * 3600),
        About("How long finished jobs are kept."),
    ] = _JOBS.retention_seconds
    max_records: Annotated[
        Whole,
        Field(ge=1, le=10**15),
        About("How many offsets one job may select."),
    ] = _JOBS.max_records
    idempotency_retention_seconds: Annotated[
        Seconds,
        Field(ge=60, le=10 * 365 * 24 * 3600),
        About(
            "How long the answer to a single resend with an `Idempotency-Key` is kept; each takes memory, see "
            "[idempotency.md](idempotency.md)."
        ),
    ] = _JOBS.idempotency_retention_seconds
    read_ahead_mb: Annotated[
        Whole,
        Field(ge=64, le=100_000),
        About(
            "Memory of a worker for what its jobs read ahead, in MB. Jobs that it does not suffice for wait for their "
            "turn, see [jobs.md](jobs.md#memory)."
        ),
    ] = _JOBS.read_ahead_mb


class InstanceSettings(Section):
    """One Kafka cluster, as callers address it."""

    embedded: ClassVar[bool] = False

    bootstrap_servers: Annotated[
        Servers,
        About(
            "Brokers to ask first for all others. Mandatory.",
            "one or more host:port, such as kafka-1:9092,kafka-2:9092",
        ),
    ]
    projects: Annotated[
        Patterns,
        About(
            "Shell-style patterns of the project ids that own the instance; to others it does not exist. With `*` the "
            "callers' grants alone decide.",
            "a list of project ids or patterns, at least one",
        ),
    ] = ("*",)
    properties: Annotated[
        Properties,
        Field(repr=False),
        About(
            "Properties of librdkafka, for TLS, SASL and the like; except those that the promises rest on.",
            "properties of librdkafka: text, numbers, true or false by name",
        ),
    ] = Field(default_factory=dict)
    policy: PolicySettings = PolicySettings()
    limits: LimitSettings = LimitSettings()

    def cluster(self, name: str, query: QuerySettings, jobs: JobsSettings, dialects: Dialects) -> ClusterConfig:
        """Return the worker's configuration of this instance.

        Args:
            name: the instance's id.
            query: how much may be read there to find records.
            jobs: where jobs are kept, and how they run.
            dialects: how dead letters may say where they came from.
        """
        return ClusterConfig(
            name,
            self.bootstrap_servers,
            dict(self.properties),
            Limits(**self.limits.model_dump()),
            ResendPolicy(**self.policy.model_dump()),
            QueryLimits(**query.model_dump(exclude={"max_value_bytes", "cursor_key"})),
            JobsConfig(**jobs.model_dump()),
            dialects,
            embedded=self.embedded,
        )


class KafkaSettings(InstanceSettings):
    """The short form for one cluster."""

    id: Annotated[InstanceId, About("The instance's id in the path of a request.", ID_MAY_BE)] = "default"


class EmbeddedInstance(InstanceSettings):
    """The broker in memory that the demo starts."""

    embedded: ClassVar[bool] = True


class LogSettings(Section):
    """The log, written to standard error."""

    format: Annotated[
        Literal["json", "console"],
        BeforeValidator(lower),
        About("A JSON object a line, or lines for people."),
    ] = "json"
    level: Annotated[
        Literal["debug", "info", "warning", "error", "critical"],
        BeforeValidator(lower),
        About(
            "What is at least this important is logged. `info` has a line per request, `debug` also those for health."
        ),
    ] = "info"
