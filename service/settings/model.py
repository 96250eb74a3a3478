"""All that a deployment can set, from RESEND_* variables and a TOML file, checked together."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from pydantic import ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from kafka.client.config import ClusterConfig
from kafka.client.secrets import CONFIGURED
from service.auth.callers import CallersFileRefused, read_callers
from service.settings.about import About
from service.settings.http import AuthSettings, HttpSettings
from service.settings.redrive import RedriveSettings
from service.settings.sections import (
    EmbeddedInstance,
    InstanceSettings,
    JobsSettings,
    KafkaSettings,
    LogSettings,
    QuerySettings,
)
from service.settings.sources import Sources
from service.settings.values import ID_MAY_BE, InstanceId
from service.settings.variables import SettingsError


class Settings(BaseSettings):
    """All settings of a deployment. Made in code they are as given; load_settings reads variables and the TOML file."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, case_sensitive=True)

    http: HttpSettings = HttpSettings()
    auth: AuthSettings = AuthSettings()
    kafka: KafkaSettings | None = None
    instances: Annotated[
        dict[InstanceId, InstanceSettings], About("Instances by id.", f"tables, each named by {ID_MAY_BE}")
    ] = {}
    query: QuerySettings = QuerySettings()
    jobs: JobsSettings = JobsSettings()
    redrive: RedriveSettings = RedriveSettings()
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
        dialects = self.redrive.known()
        return tuple(
            instance.cluster(name, self.query, self.jobs, dialects) for name, instance in self.all_instances().items()
        )

    def owners(self) -> dict[str, tuple[str, ...]]:
        """Return for each instance's id the patterns of the projects that own it."""
        return {name: instance.projects for name, instance in self.all_instances().items()}


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings of this environment, checked against each other too.

    Args:
        environ: variables by name. RESEND_CONFIG names a TOML file; any other RESEND_* variable sets one setting, and
            wins over the file.

    Raises:
        SettingsError: the first thing that is invalid.
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
            return tuple(InitSettingsSource(settings_cls, given) for given in (sources.variables.values, sources.table))

    try:
        settings = Loaded()
    except ValidationError as error:
        reason = sources.worded(error)
    else:
        _check_together(settings, sources)
        for config in settings.clusters():
            CONFIGURED.add(config)
        return settings
    # Outside of the handler: the original, although it hides the values, is no help to the reader.
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
        auth=AuthSettings(allow_anonymous=True),
        instances={instance: EmbeddedInstance(bootstrap_servers=(bootstrap,))},
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
    chosen = [key for key in ("allow_anonymous", "callers_file", "token_digest") if getattr(auth, key)]
    if not chosen:
        missing.append(
            "no callers are configured: set RESEND_AUTH__TOKEN_DIGEST to the digest of a token (`kafka-resend token` "
            "makes both), or RESEND_AUTH__CALLERS_FILE to a file of callers, or RESEND_AUTH__ALLOW_ANONYMOUS=true to "
            "let everybody on this machine do everything"
        )
    if missing:
        raise SettingsError("; ".join(missing))
    if len(chosen) > 1:
        first, second = (sources.place(("auth", key)) for key in chosen[:2])
        raise SettingsError(f"{second} must not be set together with {first}: choose one")
    if auth.allow_anonymous and not _is_loopback(settings.http.host):
        raise SettingsError(
            f"{sources.place(('http', 'host'))} must be a loopback address (127.0.0.1, ::1, localhost) "
            f"while {sources.place(('auth', 'allow_anonymous'))} is true"
        )
    if settings.kafka is not None and settings.kafka.id in settings.instances:
        raise SettingsError(f"{sources.place(('kafka', 'id'))} must differ from the ids of the other instances")
    slowest = max(instance.limits.deadline_seconds for instance in instances.values())
    if settings.http.shutdown_seconds <= slowest:
        raise SettingsError(
            f"{sources.place(('http', 'shutdown_seconds'))} must be more than every deadline_seconds, "
            f"the longest of which is {slowest:g}: requests that were accepted are finished"
        )
    if settings.http.shutdown_seconds <= 3 * settings.query.max_scan_seconds:
        raise SettingsError(
            f"{sources.place(('http', 'shutdown_seconds'))} must be more than three times "
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
