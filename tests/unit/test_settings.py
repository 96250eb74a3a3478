"""Settings: what variables and the TOML file mean, what is refused, and in which words."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka.client.config import ClusterConfig, JobsConfig, Limits, QueryLimits
from kafka.model.copies import TimestampPolicy
from kafka.model.policy import ResendPolicy
from service.http.server.limits import ConnectionLimits
from service.settings.http import HttpSettings
from service.settings.model import Settings, demo_settings, load_settings
from service.settings.sections import JobsSettings, LimitSettings, PolicySettings, QuerySettings
from service.settings.variables import SettingsError, leaves, variable_of

SECRET = "hunter2-secret"
DIGEST = "ab" * 32
ONE = {"RESEND_KAFKA__BOOTSTRAP_SERVERS": "a:9092", "RESEND_AUTH__TOKEN_DIGEST": DIGEST}
DIALECT = "[redrive.dialects.a]\ntopic = 't'\npartition = 'p'\n"
OPEN = {"RESEND_KAFKA__BOOTSTRAP_SERVERS": "a:9092", "RESEND_AUTH__ALLOW_ANONYMOUS": "true"}


def refusal(environ: dict[str, str]) -> str:
    """Return the one line that this environment is refused with."""
    with pytest.raises(SettingsError) as refused:
        load_settings(environ)
    line = str(refused.value)
    assert 1 == len(line.splitlines())
    assert SECRET not in line
    assert SECRET not in repr(refused.value)
    assert refused.value.__context__ is None or SECRET not in repr(refused.value.__context__)
    return line


def written(folder: Path, text: str) -> dict[str, str]:
    """Return the environment of a TOML file with this text."""
    file = folder / "resend.toml"
    file.write_text(text, "utf-8")
    return {"RESEND_CONFIG": str(file)}


def test_settings_of_two_variables_are_one_cluster_with_the_defaults() -> None:
    """Brokers and a digest are enough; the rest are the worker's own defaults."""
    settings = load_settings(ONE)

    assert (ClusterConfig("default", ("a:9092",)),) == settings.clusters()
    assert {"default": ("*",)} == settings.owners()
    assert ("127.0.0.1", 8080, 1, 65536, 40) == (
        settings.http.host,
        settings.http.port,
        settings.http.workers,
        settings.http.max_body_bytes,
        settings.http.shutdown_seconds,
    )
    assert ("json", "info") == (settings.log.format, settings.log.level)
    assert Limits() == Limits(**LimitSettings().model_dump())


def test_settings_of_variables_reach_the_cluster() -> None:
    """Every kind of value has a spelling as a variable."""
    settings = load_settings(
        ONE
        | {
            "RESEND_KAFKA__ID": "prod-a",
            "RESEND_KAFKA__BOOTSTRAP_SERVERS": " kafka-1:9092, [::1]:9093 ",
            "RESEND_KAFKA__PROJECTS": "p1,p2",
            "RESEND_KAFKA__POLICY__TOPICS": '["orders.*", "a,b"]',
            "RESEND_KAFKA__POLICY__ALLOW_COMPACTED": "true",
            "RESEND_KAFKA__POLICY__TIMESTAMP": "now",
            "RESEND_KAFKA__POLICY__READ_ONLY": "1",
            "RESEND_KAFKA__LIMITS__DEADLINE_SECONDS": "10.5",
            "RESEND_KAFKA__LIMITS__DELIVERY_TIMEOUT_SECONDS": "5",
            "RESEND_KAFKA__LIMITS__MAX_QUEUED_REQUESTS": "7",
            "RESEND_LOG__LEVEL": "WARNING",
        }
    )

    assert (
        ClusterConfig(
            "prod-a",
            ("kafka-1:9092", "[::1]:9093"),
            limits=Limits(deadline_seconds=10.5, delivery_timeout_seconds=5, max_queued_requests=7),
            policy=ResendPolicy(
                ("orders.*", "a,b"), allow_compacted=True, timestamp=TimestampPolicy.NOW, read_only=True
            ),
        ),
    ) == settings.clusters()
    assert {"prod-a": ("p1", "p2")} == settings.owners()
    assert "warning" == settings.log.level


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("[::1]:9092", ("[::1]:9092",)),
        (" [::1]:9092,[::2]:9092", ("[::1]:9092", "[::2]:9092")),
        (' [ "[::1]:9092" ]', ("[::1]:9092",)),
    ],
)
def test_list_that_begins_with_a_bracket_need_not_be_json(text: str, items: tuple[str, ...]) -> None:
    """An IPv6 address in brackets may come first, as may a pattern."""
    variables = ONE | {"RESEND_KAFKA__BOOTSTRAP_SERVERS": text, "RESEND_KAFKA__POLICY__TOPICS": "[ab]-orders,[!c]*"}
    [config] = load_settings(variables).clusters()
    assert items == config.bootstrap_servers
    assert ("[ab]-orders", "[!c]*") == config.policy.topics


def test_properties_of_variables_have_dots_and_win_over_json() -> None:
    """Underscores become dots, except in log_level; a variable for one property wins over the JSON of all."""
    settings = load_settings(
        ONE
        | {
            "RESEND_KAFKA__PROPERTIES": '{"sasl.mechanism": "PLAIN", "linger.ms": 3, "socket.keepalive.enable": true}',
            "RESEND_KAFKA__PROPERTIES__SASL_MECHANISM": "SCRAM-SHA-512",
            "RESEND_KAFKA__PROPERTIES__SASL_PASSWORD": "a,b=[",
            "RESEND_KAFKA__PROPERTIES__LOG_LEVEL": "3",
        }
    )

    assert {
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.password": "a,b=[",
        "linger.ms": "3",
        "socket.keepalive.enable": "true",
        "log_level": "3",
    } == dict(settings.clusters()[0].properties)


def test_toml_file_has_several_instances_and_variables_win_over_it(tmp_path: Path) -> None:
    """A variable changes one value of the file, or adds one, and leaves those beside it."""
    environ = written(
        tmp_path,
        f"""
        [auth]
        token_digest = "{DIGEST}"
        [http]
        port = 9000
        workers = 2
        [instances.prod-a]
        bootstrap_servers = ["a:1", "b:2"]
        [instances.prod-a.properties]
        "sasl.mechanism" = "PLAIN"
        security.protocol = "SASL_SSL"
        [instances."eu.1"]
        bootstrap_servers = ["c:3"]
        policy.read_only = true
        """,
    )
    settings = load_settings(
        environ
        | {
            "RESEND_HTTP__PORT": "9001",
            "RESEND_INSTANCES__PROD_A__PROPERTIES__SASL_PASSWORD": SECRET,
            "RESEND_INSTANCES__EU_1__POLICY__READ_ONLY": "false",
            "RESEND_INSTANCES__NEW__BOOTSTRAP_SERVERS": "d:4",
        }
    )

    clusters = {cluster.name: cluster for cluster in settings.clusters()}
    assert (9001, 2) == (settings.http.port, settings.http.workers)
    assert {"prod-a", "eu.1", "new"} == set(clusters)
    assert {"sasl.mechanism": "PLAIN", "security.protocol": "SASL_SSL", "sasl.password": SECRET} == dict(
        clusters["prod-a"].properties
    )
    assert not clusters["eu.1"].policy.read_only
    assert SECRET not in repr(settings)
    assert SECRET not in repr(clusters)
    assert DIGEST not in repr(settings)


def test_dialects_of_the_settings_reach_every_cluster(tmp_path: Path) -> None:
    """From the file, where a variable may set one field of them, or from variables alone."""
    environ = written(
        tmp_path,
        "[redrive.dialects.our-code]\ntopic = 'dead-topic'\npartition = 'dead-partition'\nreason = ['dead-class']\n"
        "remove = ['dead-*']\n",
    )
    more = {
        "RESEND_REDRIVE__DIALECTS__OUR_CODE__NUMBERS": "binary",
        "RESEND_REDRIVE__DIALECTS__OLD__TOPIC": "old-topic",
        "RESEND_REDRIVE__DIALECTS__OLD__PARTITION": "old-partition",
        "RESEND_REDRIVE__DIALECTS__OLD__REQUIRED": "old, older",
    }
    [cluster] = load_settings({**environ, **ONE, **more}).clusters()
    code, old = sorted(cluster.dialects.own, key=lambda dialect: dialect.name, reverse=True)

    assert ("our-code", "dead-topic", "dead-partition", "binary") == (
        code.name,
        code.topic,
        code.partition,
        code.numbers,
    )
    assert ("dead-topic", "dead-partition", "dead-class", "dead-*") == code.removes
    assert ("old", ("old", "older")) == (old.name, old.required)


def test_variable_that_could_mean_two_dialects_is_refused(tmp_path: Path) -> None:
    """Capitals and underscores do not tell a-b from a_b."""
    environ = written(tmp_path, "[redrive.dialects.a-b]\n[redrive.dialects.a_b]\n")

    line = refusal(environ | {"RESEND_REDRIVE__DIALECTS__A_B__TOPIC": "x"})
    assert "REDRIVE__DIALECTS__A_B in a variable could mean each of a-b, a_b" in line


def test_callers_file_of_the_toml_file_is_found_beside_it(tmp_path: Path) -> None:
    """A relative path in the TOML file does not depend on where the service is started."""
    everything = 'projects = ["*"]\ninstances = ["*"]\ntopics = ["*"]\nactions = ["*"]\n'
    (tmp_path / "callers.toml").write_text(f'[[callers]]\nname = "a"\ntoken_sha256 = "{DIGEST}"\n{everything}')
    environ = written(tmp_path, '[auth]\ncallers_file = "callers.toml"\n[kafka]\nbootstrap_servers = ["a:1"]\n')

    assert tmp_path / "callers.toml" == load_settings(environ).auth.callers_file


def test_nothing_configured_says_which_variables_to_set() -> None:
    """The first start tells all that is missing at once."""
    line = refusal({"PATH": "/bin"})

    for name in (
        "KAFKA__BOOTSTRAP_SERVERS",
        "CONFIG",
        "AUTH__TOKEN_DIGEST",
        "AUTH__CALLERS_FILE",
        "AUTH__ALLOW_ANONYMOUS=true",
    ):
        assert f"RESEND_{name}" in line


def test_no_callers_says_what_to_set_and_nothing_else() -> None:
    """Closed by default: a cluster alone is not enough."""
    line = refusal({"RESEND_KAFKA__BOOTSTRAP_SERVERS": "a:1"})

    assert "RESEND_AUTH__TOKEN_DIGEST" in line
    assert "RESEND_KAFKA__BOOTSTRAP_SERVERS" not in line
    assert "no callers are configured" in refusal(
        {"RESEND_KAFKA__BOOTSTRAP_SERVERS": "a:1", "RESEND_AUTH__ALLOW_ANONYMOUS": "false"}
    )


def test_no_instance_says_what_to_set_and_nothing_else() -> None:
    """Callers alone are not enough either."""
    line = refusal({"RESEND_AUTH__TOKEN_DIGEST": DIGEST})

    assert "RESEND_KAFKA__BOOTSTRAP_SERVERS" in line
    assert "RESEND_AUTH" not in line


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LocalHost"])
def test_open_access_on_loopback_is_taken(host: str) -> None:
    """Asked for by name, and only this machine can call."""
    assert load_settings(OPEN | {"RESEND_HTTP__HOST": host}).auth.allow_anonymous


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "resend.example.org", "localhost.example.org"])  # noqa: S104
def test_open_access_beyond_loopback_is_refused(host: str) -> None:
    """Whatever may not be loopback is not; both variables are named."""
    line = refusal(OPEN | {"RESEND_HTTP__HOST": host})

    assert line.startswith("RESEND_HTTP__HOST must be a loopback address")
    assert "RESEND_AUTH__ALLOW_ANONYMOUS" in line


@pytest.mark.parametrize(
    ("name", "text", "may_be"),
    [
        ("RESEND_HTTP__PORT", "65536", "a whole number from 0 to 65535"),
        ("RESEND_HTTP__PORT", "-1", "a whole number from 0 to 65535"),
        ("RESEND_HTTP__PORT", SECRET, "a whole number from 0 to 65535"),
        ("RESEND_HTTP__PORT", "", "a whole number from 0 to 65535"),
        ("RESEND_HTTP__HOST", "http://x", "an IP address or a host name"),
        ("RESEND_HTTP__HOST", "", "an IP address or a host name"),
        ("RESEND_HTTP__HOST", "10.0.0.256", "an IP address or a host name"),
        ("RESEND_HTTP__WORKERS", "0", "a whole number from 1"),
        ("RESEND_HTTP__MAX_BODY_BYTES", "1", "a whole number from 1024"),
        ("RESEND_HTTP__SHUTDOWN_SECONDS", "0", "a whole number from 1"),
        ("RESEND_HTTP__SHUTDOWN_SECONDS", "30", "more than every deadline_seconds, the longest of which is 30"),
        ("RESEND_AUTH__ALLOW_ANONYMOUS", SECRET, "true or false"),
        ("RESEND_AUTH__TOKEN_DIGEST", SECRET, "64 hexadecimal digits"),
        ("RESEND_AUTH__TOKEN_DIGEST", "", "64 hexadecimal digits"),
        ("RESEND_KAFKA__ID", "a/b", "1 to 64 of the characters"),
        ("RESEND_KAFKA__ID", "a" * 65, "1 to 64 of the characters"),
        ("RESEND_KAFKA__ID", "a\n", "1 to 64 of the characters"),
        ("RESEND_KAFKA__BOOTSTRAP_SERVERS", SECRET, "one or more host:port"),
        ("RESEND_KAFKA__BOOTSTRAP_SERVERS", "a:0", "one or more host:port"),
        ("RESEND_KAFKA__BOOTSTRAP_SERVERS", "a:65536", "one or more host:port"),
        ("RESEND_KAFKA__BOOTSTRAP_SERVERS", "SSL://a:1", "one or more host:port"),
        ("RESEND_KAFKA__BOOTSTRAP_SERVERS", f"u:{SECRET}@a:1", "one or more host:port"),
        ("RESEND_KAFKA__BOOTSTRAP_SERVERS", "", "a list separated by commas"),
        ("RESEND_KAFKA__BOOTSTRAP_SERVERS", "a:1,,b:2", "a list separated by commas"),
        ("RESEND_KAFKA__BOOTSTRAP_SERVERS", '["a:1"', "a list separated by commas, or a JSON list"),
        ("RESEND_KAFKA__PROJECTS", '["a", 1]', "a list separated by commas, or a JSON list"),
        ("RESEND_KAFKA__PROJECTS", "[]", "a list separated by commas, without empty items"),
        ("RESEND_KAFKA__PROPERTIES", SECRET, "a JSON object"),
        ("RESEND_KAFKA__PROPERTIES", f'{{"sasl.password": ["{SECRET}"]}}', "properties of librdkafka"),
        ("RESEND_KAFKA__POLICY__TIMESTAMP", SECRET, "original or now"),
        ("RESEND_KAFKA__LIMITS__MAX_QUEUED_REQUESTS", "0", "a whole number from 1"),
        ("RESEND_KAFKA__LIMITS__READERS", "1.5", "a whole number from 1 to 64"),
        ("RESEND_KAFKA__LIMITS__MAX_IN_FLIGHT_PER_READER", "0", "a whole number from 1"),
        ("RESEND_KAFKA__LIMITS__DEADLINE_SECONDS", "nan", "a number of seconds above 0"),
        ("RESEND_KAFKA__LIMITS__DEADLINE_SECONDS", "inf", "a number of seconds above 0"),
        ("RESEND_KAFKA__LIMITS__DELIVERY_TIMEOUT_SECONDS", "0", "a number of seconds from 0.1"),
        ("RESEND_KAFKA__LIMITS__DELIVERY_TIMEOUT_SECONDS", "30", "less than deadline_seconds, which is 30"),
        ("RESEND_QUERY__MAX_SCAN_RECORDS", "999", "a whole number from 1000"),
        ("RESEND_QUERY__MAX_SCAN_SECONDS", "nan", "a number of seconds from 0.1 to 60"),
        ("RESEND_QUERY__MAX_CONCURRENT_SCANS", "0", "a whole number from 1 to 64"),
        ("RESEND_LOG__FORMAT", "xml", "json or console"),
        ("RESEND_LOG__LEVEL", "all", "debug, info, warning, error or critical"),
        ("RESEND_CONFIG", "", "the path of a TOML file"),
        ("RESEND_CONFIG", "/nowhere/resend.toml", "the path of a TOML file"),
    ],
)
def test_value_out_of_range_is_refused_by_the_variables_name(name: str, text: str, may_be: str) -> None:
    """The line begins with the variable, says what it may be, and does not repeat what it was."""
    line = refusal(ONE | {name: text})

    assert re.match(rf"{name} must be ", line), line
    assert may_be in line


def test_query_settings_reach_every_cluster_and_leave_time_to_stop() -> None:
    """How much may be read is one setting for all instances; a search that was accepted is finished at the stop."""
    scans = {"RESEND_QUERY__MAX_SCAN_RECORDS": "5000", "RESEND_QUERY__MAX_CONCURRENT_SCANS": "2"}
    (cluster,) = load_settings(ONE | scans).clusters()
    line = refusal(ONE | {"RESEND_QUERY__MAX_SCAN_SECONDS": "20"})

    assert QueryLimits(max_scan_records=5000, max_concurrent_scans=2) == cluster.query
    assert line.startswith("RESEND_HTTP__SHUTDOWN_SECONDS must be more than three times RESEND_QUERY__MAX_SCAN_SECONDS")


def test_deadline_below_the_default_delivery_timeout_names_what_must_be_lowered_too() -> None:
    """A default may become wrong by another setting; then the setting to change is named."""
    line = refusal(ONE | {"RESEND_KAFKA__LIMITS__DEADLINE_SECONDS": "10"})

    assert line.startswith("RESEND_KAFKA__LIMITS__DELIVERY_TIMEOUT_SECONDS must be less than deadline_seconds")


def test_delivery_timeout_that_is_no_number_is_told_all_that_it_may_be(tmp_path: Path) -> None:
    """Whatever is wrong with it; only where another setting is its bound, that is named."""
    line = refusal(ONE | written(tmp_path, "[kafka.limits]\ndelivery_timeout_seconds = true\n"))

    assert line.endswith(
        "kafka.limits.delivery_timeout_seconds must be a number of seconds from 0.1 to below deadline_seconds"
    )


@pytest.mark.parametrize(
    "name", ["ACKS", "ENABLE_IDEMPOTENCE", "ISOLATION_LEVEL", "AUTO_OFFSET_RESET", "BOOTSTRAP_SERVERS", "TEST_MOCK_X"]
)
def test_property_that_a_promise_rests_on_is_refused_with_the_reason(name: str) -> None:
    """The variable is named, and why it cannot be set."""
    line = refusal(ONE | {f"RESEND_KAFKA__PROPERTIES__{name}": "1"})

    assert line.startswith(f"RESEND_KAFKA__PROPERTIES__{name}: {name.lower().replace('_', '.')} cannot be set: ")
    for reserved in ("acks", "error_cb", "delivery.report.only.error", "test.mock.num.brokers"):
        said = refusal(ONE | {"RESEND_KAFKA__PROPERTIES": f'{{"{reserved}": "1"}}'})
        assert said.startswith(f"RESEND_KAFKA__PROPERTIES: {reserved} cannot be set")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("RESEND_HTTP__PROT", "RESEND_HTTP__PORT"),
        ("RESEND_HTTP_PORT", "RESEND_HTTP__PORT"),
        ("RESEND_KAFKA_BOOTSTRAP_SERVERS", "RESEND_KAFKA__BOOTSTRAP_SERVERS"),
        ("resend_http__port", "RESEND_HTTP__PORT"),
        ("RESEND_KAFKA__BOOTSTRAP_SERVER", "RESEND_KAFKA__BOOTSTRAP_SERVERS"),
        ("RESEND_CONFG", "RESEND_CONFIG"),
        ("RESEND_SERVICE_HOST", "enableServiceLinks"),
        ("RESEND_PORT_8080_TCP_ADDR", "enableServiceLinks"),
        ("RESEND_", ""),
        ("RESEND_KAFKA__EMBEDDED", ""),
        ("RESEND_KAFKA__PROPERTIES__SSL__CA", ""),
        ("RESEND_HTTP__PORT__X", ""),
        ("RESEND_INSTANCES", ""),
        ("RESEND_INSTANCES__A", ""),
        ("RESEND_TEST_BOOTSTRAP_SERVERS", ""),
    ],
)
def test_unknown_variable_is_refused_by_name(name: str, hint: str) -> None:
    """An unknown variable must not pass in silence; where a setting has nearly that name, it is told."""
    line = refusal(ONE | {name: SECRET})

    assert line.startswith(f"{name} is not a setting")
    assert hint in line


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[http]\nprot = 1", ": http.prot is not a setting; did you mean port?"),
        ("htp.port = 1", ": htp is not a setting; did you mean http?"),
        ("[http]\nport = 70000", ": http.port must be a whole number"),
        ("[http]\nport = true", ": http.port must be a whole number"),
        (f'[kafka]\nbootstrap_servers = "{SECRET}"', ": kafka.bootstrap_servers must be one or more"),
        ('http = "x"', ": http must be a table"),
        ("instances = 1", ": instances must be tables"),
        ("[instances.a]\nprojects = ['*']", ": instances.a.bootstrap_servers is missing"),
        ("[instances.'a b']\nbootstrap_servers = ['a:1']", ': instances."a b" must be tables, each named by'),
        ("redrive.dialects = 1", ": redrive.dialects must be at most 100 tables"),
        ("[redrive]\ndialect = {}", ": redrive.dialect is not a setting; did you mean dialects?"),
        ("[redrive.dialects.a]\ntopic = 't'", ": redrive.dialects.a.partition is missing; it must be text of 1 to"),
        ("[redrive.dialects.a]\ntopic = 't'\npartition = ''", ": redrive.dialects.a.partition must be text of 1 to"),
        (f"{DIALECT}numbers = 'int32'", ": redrive.dialects.a.numbers must be binary, text or either"),
        (f"{DIALECT}offsets = 'o'", ": redrive.dialects.a.offsets is not a setting; did you mean offset?"),
        (f"{DIALECT}pointer = true", ": redrive.dialects.a.pointer is not a setting"),
        (f"{DIALECT}reason = 'r'", ": redrive.dialects.a.reason must be a list of names of headers"),
        (
            f"{DIALECT}remove = ['*']",
            ": redrive.dialects.a must be a dialect with names of headers to remove, a * only",
        ),
        (
            f"{DIALECT}remove = ['c*']",
            ": redrive.dialects.a must be a dialect with no headers to remove that would take",
        ),
        (f"{DIALECT}group = 'consumer_key'", ": redrive.dialects.a must be a dialect with no headers to remove that"),
        (f"{DIALECT}offset = 't'", ": redrive.dialects.a must be a dialect with topic, partition, offset and group in"),
        ("[redrive.dialects.spring]\ntopic = 't'\npartition = 'p'", ": redrive.dialects.spring must be at most 100 "),
        ("[redrive.dialects.Ours]\ntopic = 't'\npartition = 'p'", ": redrive.dialects.Ours must be at most 100 tables"),
        ("[instances.a]\nbootstrap_server = ['a:1']", ": instances.a.bootstrap_server is not a setting"),
        ("[instances.a]\nbootstrap_servers = ['a:1']\nembedded = true", ": instances.a.embedded is not a setting"),
        (
            "[instances.a]\nbootstrap_servers = ['a:1']\npolicy.topics = []",
            ": instances.a.policy.topics must be a list",
        ),
        (
            "[instances.a]\nbootstrap_servers = ['a:1']\nproperties.acks = 1",
            ": instances.a.properties.acks: acks cannot be set",
        ),
        (f"[http\n{SECRET} = 1", " is not TOML"),
    ],
)
def test_toml_key_that_is_wrong_is_refused_by_file_and_key(tmp_path: Path, text: str, place: str) -> None:
    """Whoever wrote the file is told the file and the key as TOML has it."""
    environ = written(tmp_path, text)

    assert f"{environ['RESEND_CONFIG']}{place}" in refusal(environ)


def test_two_ways_of_authentication_are_refused() -> None:
    """Open access beside callers would make the callers meaningless."""
    line = refusal(ONE | {"RESEND_AUTH__ALLOW_ANONYMOUS": "true"})

    assert "RESEND_AUTH__TOKEN_DIGEST must not be set together with RESEND_AUTH__ALLOW_ANONYMOUS: choose one" == line


def test_one_id_for_two_instances_is_refused(tmp_path: Path) -> None:
    """The short form must not hide an instance of the file."""
    environ = written(tmp_path, f"[auth]\ntoken_digest = '{DIGEST}'\n[instances.default]\nbootstrap_servers = ['a:1']")

    assert "RESEND_KAFKA__ID must differ" in refusal(environ | {"RESEND_KAFKA__BOOTSTRAP_SERVERS": "b:1"})


def test_variable_that_could_mean_two_instances_is_refused(tmp_path: Path) -> None:
    """Capitals and underscores do not tell a-b from a.b."""
    environ = written(tmp_path, "[instances.a-b]\n[instances.'a.b']\n")

    assert "a-b, a.b" in refusal(environ | {"RESEND_INSTANCES__A_B__PROJECTS": "x"})


@pytest.mark.parametrize("text", ["", "[[callers]]\nname = 'a'\n", SECRET])
def test_broken_callers_file_stops_the_start(tmp_path: Path, text: str) -> None:
    """A file that names nobody or is broken is told at the start, with the variable."""
    file = tmp_path / "callers.toml"
    file.write_text(text)
    line = refusal({"RESEND_KAFKA__BOOTSTRAP_SERVERS": "a:1", "RESEND_AUTH__CALLERS_FILE": str(file)})

    assert line.startswith(f"RESEND_AUTH__CALLERS_FILE: {file}: ")


def test_settings_made_in_code_do_not_look_at_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody has set for a real service does not change the demo."""
    monkeypatch.setenv("HTTP", '{"port": 1}')
    monkeypatch.setenv("RESEND_HTTP__WORKERS", "7")
    settings = demo_settings("127.0.0.1:5", "demo", 1234)

    (cluster,) = settings.clusters()
    assert (1234, 1, True) == (settings.http.port, settings.http.workers, settings.auth.allow_anonymous)
    assert ("demo", ("127.0.0.1:5",), True) == (cluster.name, cluster.bootstrap_servers, cluster.embedded)


NAMES = st.from_regex(r"\A[A-Za-z0-9._-]{1,20}\Z")


@given(st.lists(NAMES, min_size=1, max_size=5))
def test_list_of_a_variable_is_the_same_with_commas_and_as_json(items: list[str]) -> None:
    """Both spellings mean the same list, in its order."""
    both = [",".join(items), json.dumps(items)]

    assert [tuple(items)] * 2 == [
        load_settings(ONE | {"RESEND_KAFKA__POLICY__TOPICS": text}).clusters()[0].policy.topics for text in both
    ]


@given(st.sampled_from([variable_of(keys) for keys, _ in leaves(Settings)]), st.text(max_size=30))
def test_any_text_in_any_variable_is_taken_or_refused_in_one_line(name: str, text: str) -> None:
    """No value whatsoever ends in a traceback or is repeated at length."""
    line = ""
    try:
        load_settings(ONE | {name: f"{text}{SECRET}"})
    except SettingsError as error:
        line = str(error)

    assert len(line.splitlines()) <= 1
    assert SECRET not in line


@given(st.from_regex(r"\ARESEND_[A-Z_]{0,20}\Z"))
def test_any_variable_that_is_no_setting_is_named(name: str) -> None:
    """Whatever begins with RESEND_ is a setting or stops the start."""
    known = {variable_of(keys) for keys, _ in leaves(Settings)} | {"RESEND_CONFIG"}
    free = re.compile(r"RESEND_(KAFKA__PROPERTIES__|INSTANCES__).+")
    if name not in known and not free.match(name):
        assert refusal(ONE | {name: "x"}).startswith(f"{name} is not a setting")


def test_file_that_everybody_may_write_is_refused(tmp_path: Path) -> None:
    """Whoever can write the settings can let in whomever they like."""
    file = tmp_path / "resend.toml"
    file.write_text("[auth]\nopen = true\n", "utf-8")
    file.chmod(0o646)

    with pytest.raises(SettingsError, match=f"chmod o-w {file}"):
        load_settings({"RESEND_CONFIG": str(file)})


@pytest.mark.parametrize(
    ("worker", "section", "service_only"),
    [
        (Limits, LimitSettings, set()),
        (QueryLimits, QuerySettings, {"max_value_bytes", "cursor_key"}),
        (JobsConfig, JobsSettings, set()),
        (ResendPolicy, PolicySettings, set()),
    ],
)
def test_everything_that_the_worker_takes_can_be_set(worker: Any, section: Any, service_only: set[str]) -> None:
    """A section has a setting for each field of the worker's dataclass, with its default."""
    assert asdict(worker()) == section().model_dump(exclude=service_only)


def test_every_limit_of_connections_can_be_set() -> None:
    """Each reaches the server."""
    other: dict[str, Any] = {name: value + 1 for name, value in asdict(ConnectionLimits()).items()}

    assert ConnectionLimits(**other) == HttpSettings(**other).connection_limits()
