"""All that a deployment can set, one class per concern, from RESEND_* variables and a TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from kafka.config import ClusterConfig, JobsConfig, Limits, QueryLimits
from kafka.policy import ResendPolicy
from kafka.records import TimestampPolicy
from service.auth.callers import CallersFileRefused, read_callers
from service.setting_values import ID_MAY_BE, Host, InstanceId, Patterns, Properties, Seconds, Servers, Whole, lower
from service.settings_sources import About, Given, Sources
from service.variables import SettingsError

__all__ = [
    "AuthSettings",
    "HttpSettings",
    "InstanceSettings",
    "KafkaSettings",
    "LimitSettings",
    "LogSettings",
    "PolicySettings",
    "QuerySettings",
    "Settings",
    "SettingsError",
    "demo_settings",
    "load_settings",
]


_LIMITS = Limits()
_QUERY = QueryLimits()
_JOBS = JobsConfig()


class _Section(BaseModel):
    # The values in an error may be secret.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class HttpSettings(_Section):
    """Where and how the HTTP API is served."""

    host: Annotated[
        Host,
        About(
            "Address to listen on. `0.0.0.0` and `::` are all addresses of the machine; with open access only a "
            "loopback address is taken.",
            "an IP address or a host name, without a port",
        ),
    ] = "127.0.0.1"
    port: Annotated[
        Whole,
        Field(ge=0, le=65535),
        About("TCP port to listen on; 0 takes any free one.", "a whole number from 0 to 65535"),
    ] = 8080
    workers: Annotated[
        Whole,
        Field(ge=1, le=256),
        About("Processes that serve. Each has its own connections to every cluster.", "a whole number from 1 to 256"),
    ] = 1
    max_body_bytes: Annotated[
        Whole,
        Field(ge=1024, le=16_777_216),
        About(
            "How large the body of a request may be; a larger one gets a 413.", "a whole number from 1024 to 16777216"
        ),
    ] = 65536
    shutdown_seconds: Annotated[
        Whole,
        Field(ge=1, le=3600),
        About(
            "How long accepted requests may take after SIGTERM. More than every instance's `deadline_seconds`, and "
            "less than whatever kills the process waits.",
            "a whole number from 1 to 3600",
        ),
    ] = 40


class AuthSettings(_Section):
    """Who may call. Exactly one of the three must be set."""

    open: Annotated[
        bool,
        About(
            "Everybody may do everything. Only with a loopback `http.host`; requests still need an `X-Auth-Token` "
            "header, of any value, and a loopback `Host`.",
            "true or false",
        ),
    ] = False
    callers_file: Annotated[
        Path | None,
        About(
            "File with the callers, see [callers.md](callers.md). Read again when it changes. In the TOML file a "
            "relative path begins at that file's folder.",
            "the path of a callers file",
        ),
    ] = None
    token_digest: Annotated[
        Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{64}$")] | None,
        Field(repr=False),
        About(
            "SHA-256 digest of the token of the only caller, named `default`, who may do everything.",
            "the SHA-256 digest of a token in 64 hexadecimal digits, as `kafka-resend token` prints it",
        ),
    ] = None


class PolicySettings(_Section):
    """What may be resent on an instance, and how."""

    topics: Annotated[
        Patterns,
        About(
            "Shell-style patterns (`*`, `?`, `[ab]`) of the topics that may be resent, whoever asks. Case counts. "
            "Internal topics are always refused.",
            "a list of topic names or patterns, at least one",
        ),
    ] = ("*",)
    allow_compacted: Annotated[
        bool,
        About(
            "Whether compacted topics are resent, where a copy replaces the newest value of its key.", "true or false"
        ),
    ] = False
    timestamp: Annotated[
        TimestampPolicy,
        About(
            "Which time a copy gets: its original's, or the present. Where the topic says LogAppendTime, the broker's "
            "time is taken either way.",
            "original or now",
        ),
    ] = TimestampPolicy.ORIGINAL
    frozen: Annotated[bool, About("Stops all resends of this instance; requests get a 400.", "true or false")] = False


class LimitSettings(_Section):
    """How much, how many and how long, on an instance; the defaults are those of kafka.config.Limits."""

    deadline_seconds: Annotated[
        Seconds,
        Field(gt=0, le=3600),
        About("How long one resend may take altogether.", "a number of seconds above 0, at most 3600"),
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
    queue: Annotated[
        Whole,
        Field(ge=1, le=1_000_000),
        About("How many requests may wait for a reader; more get a 503.", "a whole number from 1 to 1000000"),
    ] = _LIMITS.queue
    readers: Annotated[
        Whole,
        Field(ge=1, le=64),
        About("Threads that read, each with a connection of its own to every broker.", "a whole number from 1 to 64"),
    ] = _LIMITS.readers
    positions_per_reader: Annotated[
        Whole,
        Field(ge=1, le=1000),
        About("How many positions, of distinct partitions, a reader reads at once.", "a whole number from 1 to 1000"),
    ] = _LIMITS.positions_per_reader

    @field_validator("delivery_timeout_seconds")
    @classmethod
    def _leaves_time_to_read(cls, seconds: float, info: ValidationInfo) -> float:
        deadline = info.data.get("deadline_seconds")
        if deadline is not None and seconds >= deadline:
            raise ValueError(f"less than deadline_seconds, which is {deadline:g}")
        return seconds


class QuerySettings(_Section):
    """How much may be read to find records, on every instance; the defaults are those of kafka.config.QueryLimits."""

    max_scan_records: Annotated[
        Whole,
        Field(ge=1000, le=100_000_000),
        About(
            "How many records one request may read; then it is answered with what was found and a cursor to go on.",
            "a whole number from 1000 to 100000000",
        ),
    ] = _QUERY.max_scan_records
    max_scan_seconds: Annotated[
        Seconds,
        Field(ge=0.1, le=60),
        About(
            "How long one request may read; likewise. As long may it wait for its turn.",
            "a number of seconds from 0.1 to 60",
        ),
    ] = _QUERY.max_scan_seconds
    max_scans: Annotated[
        Whole,
        Field(ge=1, le=64),
        About(
            "Searches at once on an instance, each with connections of its own; more wait, then get a 503.",
            "a whole number from 1 to 64",
        ),
    ] = _QUERY.max_scans
    max_value_bytes: Annotated[
        Whole,
        Field(ge=1, le=1_000_000_000),
        About(
            "The largest value that is shown; a larger one can only be downloaded.",
            "a whole number from 1 to 1000000000",
        ),
    ] = 1_048_576


class JobsSettings(_Section):
    """Where jobs are kept and how they run, on every instance; the defaults are those of kafka.config.JobsConfig."""

    worker: Annotated[
        bool,
        About("`serve` runs a worker of jobs beside it; otherwise `kafka-resend worker` is to run.", "true or false"),
    ] = True
    topic: Annotated[
        str,
        Field(pattern=r"^[a-zA-Z0-9._-]{1,249}$"),
        About("Topic that keeps jobs. Two deployments on one cluster need different ones.", "a name that Kafka allows"),
    ] = _JOBS.topic
    group: Annotated[
        str,
        Field(min_length=1, max_length=249),
        About("Consumer group of the workers; likewise.", "text"),
    ] = _JOBS.group
    transactional_prefix: Annotated[
        str,
        Field(min_length=1, max_length=200),
        About("What the workers' transactional ids begin with; likewise.", "text"),
    ] = _JOBS.transactional_prefix
    partitions: Annotated[
        Whole,
        Field(ge=1, le=1000),
        About(
            "How many partitions the topic gets when it is made: so many jobs run at once.",
            "a whole number from 1 to 1000",
        ),
    ] = _JOBS.partitions
    batch_records: Annotated[
        Whole,
        Field(ge=1, le=100_000),
        About("Records that one transaction copies, at most.", "a whole number from 1 to 100000"),
    ] = _JOBS.batch_records
    keep_seconds: Annotated[
        Seconds,
        Field(ge=60, le=10 * 365 * 24 * 3600),
        About("How long finished jobs are kept.", "a number of seconds from 60 to 315360000"),
    ] = _JOBS.keep_seconds
    max_records: Annotated[
        Whole,
        Field(ge=1, le=10**15),
        About("How many offsets one job may select.", "a whole number from 1 to 1000000000000000"),
    ] = _JOBS.max_records
    keep_keys_seconds: Annotated[
        Seconds,
        Field(ge=60, le=10 * 365 * 24 * 3600),
        About(
            "How long the answer to a single resend with an `Idempotency-Key` is kept; each takes memory, see "
            "[idempotency.md](idempotency.md).",
            "a number of seconds from 60 to 315360000",
        ),
    ] = _JOBS.keep_keys_seconds


class InstanceSettings(_Section):
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
    ] = {}
    policy: PolicySettings = PolicySettings()
    limits: LimitSettings = LimitSettings()

    def cluster(self, name: str, query: QuerySettings, jobs: JobsSettings) -> ClusterConfig:
        """Return the worker's configuration of this instance.

        Args:
            name: the instance's id.
            query: how much may be read there to find records.
            jobs: where jobs are kept, and how they run.
        """
        return ClusterConfig(
            name,
            self.bootstrap_servers,
            dict(self.properties),
            Limits(**self.limits.model_dump()),
            ResendPolicy(**self.policy.model_dump()),
            QueryLimits(**query.model_dump(exclude={"max_value_bytes"})),
            JobsConfig(**jobs.model_dump(exclude={"worker"})),
            embedded=self.embedded,
        )


class KafkaSettings(InstanceSettings):
    """The short form for one cluster."""

    id: Annotated[InstanceId, About("The instance's id in the path of a request.", ID_MAY_BE)] = "default"


class _EmbeddedInstance(InstanceSettings):
    embedded: ClassVar[bool] = True


class LogSettings(_Section):
    """The log, written to standard error."""

    format: Annotated[
        Literal["json", "console"],
        BeforeValidator(lower),
        About("A JSON object a line, or lines for people.", "json or console"),
    ] = "json"
    level: Annotated[
        Literal["debug", "info", "warning", "error", "critical"],
        BeforeValidator(lower),
        About(
            "What is at least this important is logged. `info` has a line per request, `debug` also those for health.",
            "debug, info, warning, error or critical",
        ),
    ] = "info"


class Settings(BaseSettings):
    """Everything. Made in code it takes what it is given; load_settings reads variables and the TOML file."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, case_sensitive=True)

    http: HttpSettings = HttpSettings()
    auth: AuthSettings = AuthSettings()
    kafka: KafkaSettings | None = None
    instances: Annotated[
        dict[InstanceId, InstanceSettings], About("Instances by id.", f"tables, each named by {ID_MAY_BE}")
    ] = {}
    query: QuerySettings = QuerySettings()
    jobs: JobsSettings = JobsSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take nothing from this process's environment unasked."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    def all_instances(self) -> dict[str, InstanceSettings]:
        """Return the instances by id, that of the short form among them."""
        short = {} if self.kafka is None else {self.kafka.id: self.kafka}
        return {**short, **self.instances}

    def clusters(self) -> tuple[ClusterConfig, ...]:
        """Return the worker's configurations, each named as its instance."""
        return tuple(instance.cluster(name, self.query, self.jobs) for name, instance in self.all_instances().items())

    def owners(self) -> dict[str, tuple[str, ...]]:
        """Return for each instance's id the patterns of the projects that own it."""
        return {name: instance.projects for name, instance in self.all_instances().items()}


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings of this environment, checked against each other too.

    Args:
        environ: variables by name. RESEND_CONFIG names a TOML file; any other RESEND_* variable sets one setting, and
            wins over the file.

    Raises:
        SettingsError: the first thing that is not as it may be.
    """
    sources = Sources.read(environ, Settings)

    class Loaded(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            del init_settings, env_settings, dotenv_settings, file_secret_settings
            return Given(settings_cls, sources.variables.values), Given(settings_cls, sources.table)

    try:
        settings = Loaded()
    except ValidationError as error:
        reason = sources.worded(error)
    else:
        _check_together(settings, sources)
        return settings
    # Outside of the handler: the original, although it hides the values, is no help to whoever reads this.
    raise SettingsError(reason)


def demo_settings(bootstrap: str, instance: str, port: int) -> Settings:
    """Return the settings of the demo: open on loopback, one instance on the embedded broker.

    Args:
        bootstrap: host:port of the embedded broker.
        instance: the instance's id.
        port: where the HTTP API is served.
    """
    return Settings(
        http=HttpSettings(port=port),
        auth=AuthSettings(open=True),
        instances={instance: _EmbeddedInstance(bootstrap_servers=(bootstrap,))},
        log=LogSettings(format="console"),
    )


def _check_together(settings: Settings, sources: Sources) -> None:
    """Refuse what is wrong only because of another setting."""
    missing = []
    instances = settings.all_instances()
    if not instances:
        missing.append(
            "no Kafka cluster is configured: set RESEND_KAFKA__BOOTSTRAP_SERVERS=host:port,host:port, "
            "or RESEND_CONFIG to a TOML file that has [instances.NAME]"
        )
    auth = settings.auth
    chosen = [key for key in ("open", "callers_file", "token_digest") if getattr(auth, key)]
    if not chosen:
        missing.append(
            "nobody may call: set RESEND_AUTH__TOKEN_DIGEST to the digest of a token (`kafka-resend token` makes "
            "both), or RESEND_AUTH__CALLERS_FILE to a file of callers, or RESEND_AUTH__OPEN=true to let everybody on "
            "this machine do everything"
        )
    if missing:
        raise SettingsError("; ".join(missing))
    if len(chosen) > 1:
        first, second = (sources.place(("auth", key)) for key in chosen[:2])
        raise SettingsError(f"{second} must not be set together with {first}: choose one")
    if auth.open and not _is_loopback(settings.http.host):
        raise SettingsError(
            f"{sources.place(('http', 'host'))} must be a loopback address (127.0.0.1, ::1, localhost) "
            f"while {sources.place(('auth', 'open'))} is true"
        )
    if settings.kafka is not None and settings.kafka.id in settings.instances:
        raise SettingsError(f"{sources.place(('kafka', 'id'))} must differ from the ids of the other instances")
    slowest = max(instance.limits.deadline_seconds for instance in instances.values())
    if settings.http.shutdown_seconds <= slowest:
        raise SettingsError(
            f"{sources.place(('http', 'shutdown_seconds'))} must be more than every deadline_seconds, "
            f"the longest of which is {slowest:g}: requests that were accepted are finished"
        )
    if settings.http.shutdown_seconds <= 2 * settings.query.max_scan_seconds:
        raise SettingsError(
            f"{sources.place(('http', 'shutdown_seconds'))} must be more than twice "
            f"{sources.place(('query', 'max_scan_seconds'))}, which is {settings.query.max_scan_seconds:g}: "
            "searches that were accepted are finished"
        )
    if auth.callers_file is not None:
        _check_callers(auth.callers_file, sources)


def _check_callers(callers_file: Path, sources: Sources) -> None:
    try:
        reason = None if read_callers(callers_file) else f"{callers_file}: names no callers"
    except CallersFileRefused as error:
        reason = str(error)
    if reason is not None:
        raise SettingsError(f"{sources.place(('auth', 'callers_file'))}: {reason}")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
