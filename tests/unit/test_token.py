"""`kafka-resend token`: the entry it prints lets exactly its token in."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from service.auth import Credentials, Grants, TokenAuthenticator, WatchedCallers, authenticator, parse_callers
from service.cli.token import caller_entry, expiry, token_command
from service.settings.model import load_settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def token(*arguments: str) -> Result:
    """Run the command."""
    app = typer.Typer()
    app.command()(token_command)
    return CliRunner().invoke(app, arguments)


def secret_of(done: Result) -> str:
    """Return the token that was shown."""
    [found] = re.findall(r"^    (resend_\S+)$", done.stderr, re.MULTILINE)
    return str(found)


async def test_token_printed_is_let_in_by_the_entry_printed(tmp_path: Path) -> None:
    """Standard output is a callers file that knows the token by its digest and grants what was asked for."""
    done = token("--name", "ci", "--project", "p1", "--project", "p2", "--instance", "default", "--topic", "orders.*")
    assert 0 == done.exit_code, done.output
    path = tmp_path / "callers.toml"
    path.write_text(done.stdout)
    caller = await TokenAuthenticator(WatchedCallers(path).current).authenticate(Credentials(secret_of(done), {}))

    assert caller is not None
    assert ("ci", Grants(("p1", "p2"), ("default",), ("orders.*",), ("resend",))) == (caller.name, caller.grants)
    assert secret_of(done) not in done.stdout
    assert 1 == done.output.count(secret_of(done))


async def test_token_printed_is_let_in_by_the_digest_printed() -> None:
    """The one-caller case: the variable as printed is the whole configuration of callers."""
    done = token()
    [(name, digest)] = re.findall(r"(RESEND_\w+)=([0-9a-f]{64})", done.stderr)
    settings = load_settings({name: digest, "RESEND_KAFKA__BOOTSTRAP_SERVERS": "a:1"})
    caller = await authenticator(settings.auth).authenticate(Credentials(secret_of(done), {}))

    assert "RESEND_AUTH__TOKEN_DIGEST" == name
    assert caller is not None
    assert "default" == caller.name


def test_tokens_differ_and_are_long() -> None:
    """Each is 256 bits of the system's randomness."""
    tokens = {secret_of(token()) for _ in range(20)}

    assert 20 == len(tokens)
    assert {len("resend_") + 43} == {len(text) for text in tokens}


def test_entries_of_two_tokens_make_one_file() -> None:
    """Appending is enough to add a caller."""
    text = token("--name", "a").stdout + token("--name", "b", "--expires", "1h").stdout

    assert [("a", False), ("b", True)] == [(e.caller.name, e.expires is not None) for e in parse_callers(text)]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90d", NOW + timedelta(days=90)),
        ("12h", NOW + timedelta(hours=12)),
        ("4w", NOW + timedelta(weeks=4)),
        ("2030-01-31T00:00:00Z", datetime(2030, 1, 31, tzinfo=UTC)),
        ("2030-01-31T01:00:00+01:00", datetime(2030, 1, 31, tzinfo=UTC)),
    ],
)
def test_expires_is_a_duration_or_a_moment(text: str, moment: datetime) -> None:
    """Both forms name a moment."""
    assert moment == expiry(text, NOW)


@pytest.mark.parametrize(
    "text",
    ["", "90", "d", "0d", "-1d", "999999w", "2020-01-01T00:00:00Z", "2030-01-31T00:00:00", "2030-01-31", "never"],
)
def test_expires_that_is_no_moment_to_come_is_refused(text: str) -> None:
    """A token that would never be taken, or forever by mistake, is not made."""
    with pytest.raises(typer.BadParameter):
        expiry(text, NOW)


@pytest.mark.parametrize(
    "arguments", [("--action", "resnd"), ("--name", ""), ("--name", "a\nb"), ("--topic", ""), ("--expires", "90")]
)
def test_option_that_makes_no_entry_is_refused_with_2(arguments: tuple[str, str]) -> None:
    """No token is shown for an entry that the service would refuse."""
    done = token(*arguments)

    assert 2 == done.exit_code
    assert "resend_" not in done.output
    assert "" == done.stdout


PRINTABLE = st.text(min_size=1, max_size=40).filter(str.isprintable)


@given(PRINTABLE, st.lists(PRINTABLE, min_size=1, max_size=3))
def test_entry_of_any_printable_names_is_read_back_as_it_was(name: str, topics: list[str]) -> None:
    """Quotes, backslashes and other scripts survive TOML."""
    grants = {"projects": ["*"], "instances": ["*"], "topics": topics, "actions": ["*"]}
    [found] = parse_callers(caller_entry(name, "ab" * 32, grants, NOW))

    assert (name, tuple(topics), NOW) == (found.caller.name, found.caller.grants.topics, found.expires)


def test_token_with_its_entry_in_a_file_says_where_the_entry_went() -> None:
    """With standard output redirected, standard error has no heading without what it heads."""
    said = token().stderr

    assert "went to standard output" in said
    assert "names:" not in said
