"""What callers may do now, asked by name, as the worker of jobs asks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from service.auth import AuthError, CallersFileRefused, GrantsByName, WatchedCallers, grants_by_name
from service.settings.http import AuthSettings


def entry(name: str, token: str, topics: str = '["*"]', rest: str = "", actions: str = '["jobs"]') -> str:
    """Return an entry of a callers file."""
    return (
        f'[[callers]]\nname = "{name}"\ntoken_sha256 = "{hashlib.sha256(token.encode()).hexdigest()}"\n'
        f'projects = ["shop"]\ninstances = ["prod"]\ntopics = {topics}\nactions = {actions}\n{rest}'
    )


@pytest.fixture
def callers_file(tmp_path: Path) -> Path:
    """A callers file."""
    return tmp_path / "callers.toml"


def now(path: Path) -> GrantsByName:
    """Return what is known of the callers in this file, which is looked at each time."""
    return GrantsByName(WatchedCallers(path, check_seconds=0).current)


@pytest.mark.parametrize(
    ("caller", "project", "instance", "topic", "may"),
    [
        ("ci", "shop", "prod", "orders.eu", True),
        ("ci", "shop", "prod", "payments", False),
        ("ci", "shop", "test", "orders.eu", False),
        ("ci", "bank", "prod", "orders.eu", False),
        ("reader", "shop", "prod", "orders.eu", False),
        ("expired", "shop", "prod", "orders.eu", False),
        ("nobody", "shop", "prod", "orders.eu", False),
        ("operator", "shop", "prod", "orders.eu", False),
    ],
)
def test_grants_of_a_name_are_those_of_its_entry(
    callers_file: Path, caller: str, project: str, instance: str, topic: str, *, may: bool
) -> None:
    """All of project, instance, topic and the action jobs must agree; a name that is not there may nothing."""
    callers_file.write_text(
        entry("ci", "a", '["orders.*"]')
        + entry("reader", "b", actions='["read", "resend"]')
        + entry("expired", "c", rest="expires = 2020-01-01T00:00:00Z\n"),
        "utf-8",
    )
    assert now(callers_file)(caller, project, instance, topic) is may


def test_grants_are_those_of_this_moment(callers_file: Path) -> None:
    """A caller who is taken out of the file may nothing from then on."""
    callers_file.write_text(entry("ci", "a") + entry("other", "b"), "utf-8")
    may = now(callers_file)
    before = may("ci", "shop", "prod", "orders")
    callers_file.write_text(entry("other", "b"), "utf-8")

    assert (before, may("ci", "shop", "prod", "orders"), may("other", "shop", "prod", "orders")) == (True, False, True)


def test_several_tokens_of_a_caller_must_all_allow_it(callers_file: Path) -> None:
    """Which of them has made the job is not known: the less decides, but for those that have expired."""
    callers_file.write_text(
        entry("ci", "a")
        + entry("ci", "b", '["orders.*"]')
        + entry("ci", "c", '["invoices"]', "expires = 2020-01-01T00:00:00Z\n"),
        "utf-8",
    )
    assert [now(callers_file)("ci", "shop", "prod", topic) for topic in ("orders.eu", "invoices")] == [True, False]


def test_standing_follows_the_way_of_authentication(callers_file: Path) -> None:
    """Open access allows all; a digest alone allows its one caller; a file decides by itself."""
    callers_file.write_text(entry("ci", "a"), "utf-8")
    by_file = grants_by_name(AuthSettings(callers_file=callers_file))
    by_digest = grants_by_name(AuthSettings(token_digest="ab" * 32))
    opened = grants_by_name(AuthSettings(allow_anonymous=True))
    names = ("ci", "default", "anyone")

    assert [by_file(name, "shop", "prod", "orders") for name in names] == [True, False, False]
    assert [by_digest(name, "shop", "prod", "orders") for name in names] == [False, True, False]
    assert [opened(name, "shop", "prod", "orders") for name in names] == [True, True, True]


def test_standing_without_callers_is_refused(callers_file: Path) -> None:
    """Closed by default: nobody configured is no configuration, and neither is a broken file."""
    callers_file.write_text("[[callers]]", "utf-8")
    with pytest.raises(AuthError, match="no callers are configured"):
        grants_by_name(AuthSettings())
    with pytest.raises(CallersFileRefused):
        grants_by_name(AuthSettings(callers_file=callers_file))
