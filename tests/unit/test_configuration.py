"""What `kafka-resend config` shows of the settings, and what docs/configuration.md says of them."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field
from pydantic.fields import FieldInfo

from kafka.model.copies import TimestampPolicy
from service.cli.config import SHOWN_SETTINGS, config_command
from service.settings.about import about, derived, may_be
from service.settings.model import Settings, load_settings
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
    said = about(described)
    assert said is not None
    default = described.get_default(call_default_factory=True) if not described.is_required() else None
    if isinstance(default, TimestampPolicy):
        default = default.value
    if isinstance(default, tuple):
        default = ", ".join(default)
    shown = "" if default in (None, {}) else f"`{json.dumps(default) if not isinstance(default, str) else default}`"
    variable = variable_of(keys) + ("__..." if keys[-1] == "properties" else "")
    toml = keys if keys[0] != "kafka" or keys[-1] == "id" else ("instances", "NAME", *keys[1:])
    return f"| `{variable}` | `{'.'.join(toml)}` | {shown} | {may_be(described)} | {said.meaning} |"


def test_documentation_has_every_setting_and_no_other() -> None:
    """The list in docs/configuration.md is what the code says."""
    expected = [documented(keys) for keys, _ in leaves(Settings) if keys[0] != "instances"]
    rows = [line for line in DOCUMENT.read_text("utf-8").splitlines() if line.startswith("| `RESEND_")]

    assert sorted(expected) == sorted(row for row in rows if not row.startswith("| `RESEND_CONFIG`"))


def test_what_a_setting_may_be_is_written_only_where_its_type_does_not_say_it() -> None:
    """Bounds are declared once. One setting writes them in spite of that: its highest value is another setting."""
    twice = []
    for keys, described in leaves(Settings):
        said = about(described)
        if said is not None and said.written is not None:
            with suppress(TypeError):
                derived(described)
                twice.append(keys[-1])

    assert {"delivery_timeout_seconds"} == set(twice)


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (Annotated[int, Field(ge=1, le=64)], "a whole number from 1 to 64"),
        (Annotated[float, Field(ge=0.1, le=60)], "a number of seconds from 0.1 to 60"),
        (Annotated[float, Field(gt=0, le=3600)], "a number of seconds above 0, at most 3600"),
        (Annotated[Annotated[str, Field(min_length=1, max_length=9)] | None, Field(repr=False)], "text of 1 to 9 char"),
        (Literal["a", "b", "c"], "a, b or c"),
        (TimestampPolicy, "original or now"),
        (bool, "true or false"),
    ],
)
def test_what_a_setting_may_be_follows_from_type_and_bounds(annotation: Any, words: str) -> None:
    """Each kind of value has its words."""
    assert may_be(FieldInfo.from_annotation(annotation)).startswith(words)


@pytest.mark.parametrize("annotation", [int, Annotated[int, Field(ge=1)], str, dict[str, str]])
def test_setting_whose_type_does_not_say_what_it_may_be_has_to_write_it(annotation: Any) -> None:
    """A setting without bounds is not passed over in silence."""
    with pytest.raises(TypeError, match="has to say"):
        may_be(FieldInfo.from_annotation(annotation))
