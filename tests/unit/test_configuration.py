"""What `kafka-resend config` shows of the settings, and what docs/configuration.md says of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kafka.model.copies import TimestampPolicy
from service.cli.config import SHOWN_SETTINGS, config_command
from service.settings.model import Settings, load_settings
from service.settings.sources import About
from service.settings.variables import leaves, variable_of

SECRET = "hunter2-secret"
DIGEST = "ab" * 32
DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_config_prints_the_effective_settings_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is printed is TOML; passwords, digests and unlisted properties are hidden."""
    file = tmp_path / "resend.toml"
    file.write_text("[instances.'eu.1']\nbootstrap_servers = ['c:3']\npolicy.read_only = true\n", "utf-8")
    environ = {
        "RESEND_CONFIG": str(file),
        "RESEND_KAFKA__BOOTSTRAP_SERVERS": "a:9092",
        "RESEND_AUTH__TOKEN_DIGEST": DIGEST,
        "RESEND_KAFKA__PROPERTIES__SASL_PASSWORD": SECRET,
        "RESEND_KAFKA__PROPERTIES__SASL_USERNAME": SECRET,
        "RESEND_KAFKA__PROPERTIES__SSL_KEY_PASSWORD": SECRET,
        "RESEND_KAFKA__PROPERTIES__UNHEARD_OF": SECRET,
        "RESEND_KAFKA__PROPERTIES__SECURITY_PROTOCOL": "SASL_SSL",
    }
    for name, text in environ.items():
        monkeypatch.setenv(name, text)
    config_command()
    printed = capsys.readouterr().out

    assert SECRET not in printed
    assert DIGEST not in printed
    for line in (
        '"security.protocol" = "SASL_SSL"',
        '"sasl.password" = "(set)"',
        '"unheard.of" = "(set)"',
        'token_digest = "(set)"',
        '[instances."eu.1".policy]',
        "read_only = true",
        "port = 8080  # default",
    ):
        assert line in printed.splitlines()
    again = tmp_path / "printed.toml"
    again.write_text(printed.replace('token_digest = "(set)"', f'token_digest = "{DIGEST}"'))
    assert {"default", "eu.1"} == set(load_settings({"RESEND_CONFIG": str(again)}).all_instances())


def test_config_shows_every_setting_but_secrets() -> None:
    """Nothing but the digest and the properties is hidden, and the list names no setting that is gone."""
    paths = {".".join(key for key in keys if key != "NAME") for keys, _ in leaves(Settings) if keys[0] != "kafka"}

    assert {"auth.token_digest", "instances.properties", "query.cursor_key"} == paths - SHOWN_SETTINGS
    assert set() == SHOWN_SETTINGS - paths


def documented(keys: tuple[str, ...]) -> str:
    """Return the row of docs/configuration.md for a setting, made from its field."""
    described = dict(leaves(Settings))[keys]
    about = next(item for item in described.metadata if isinstance(item, About))
    default = described.get_default(call_default_factory=True) if not described.is_required() else None
    if isinstance(default, TimestampPolicy):
        default = default.value
    if isinstance(default, tuple):
        default = ", ".join(default)
    shown = "" if default in (None, {}) else f"`{json.dumps(default) if not isinstance(default, str) else default}`"
    variable = variable_of(keys) + ("__..." if keys[-1] == "properties" else "")
    toml = keys if keys[0] != "kafka" or keys[-1] == "id" else ("instances", "NAME", *keys[1:])
    return f"| `{variable}` | `{'.'.join(toml)}` | {shown} | {about.may_be} | {about.meaning} |"


def test_documentation_has_every_setting_and_no_other() -> None:
    """The list in docs/configuration.md is what the code says."""
    expected = [documented(keys) for keys, _ in leaves(Settings) if keys[0] != "instances"]
    rows = [line for line in DOCUMENT.read_text("utf-8").splitlines() if line.startswith("| `RESEND_")]

    assert sorted(expected) == sorted(row for row in rows if not row.startswith("| `RESEND_CONFIG`"))
