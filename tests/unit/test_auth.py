"""Callers: what a grant covers, what a callers file may be, which caller a token stands for, and when no longer."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from hypothesis import example, given
from hypothesis import strategies as st

from service import auth
from service.auth import (
    EVERYTHING,
    Authenticator,
    Caller,
    CallerEntry,
    CallersFileRefused,
    Credentials,
    Grants,
    OpenAuthenticator,
    TokenAuthenticator,
    WatchedCallers,
    authenticator,
    authenticators,
    digest_of,
    parse_callers,
    read_callers,
)
from service.settings.http import AuthSettings

GRANTS = 'projects = ["*"]\ninstances = ["*"]\ntopics = ["*"]\nactions = ["resend"]\n'
TOKEN = "resend_a-token"


def hexadecimal(token: str) -> str:
    """Return the digest of a token as files have it."""
    digest = digest_of(token)
    assert digest is not None
    return digest.hex()


def entry(name: str, token: str, rest: str = GRANTS) -> str:
    """Return an entry of a callers file."""
    return f'[[callers]]\nname = "{name}"\ntoken_sha256 = "{hexadecimal(token)}"\n{rest}'


def replace(path: Path, text: str) -> None:
    """Put another file at that path, as an operator should."""
    new = path.with_suffix(".new")
    new.write_text(text, "utf-8")
    new.replace(path)


def rewrite_within_its_time(path: Path, text: str) -> None:
    """Write into the file itself, and give it the modification time that it had."""
    stamp = path.stat().st_mtime_ns
    path.write_text(text, "utf-8")
    os.utime(path, ns=(stamp, stamp))


def break_file(path: Path, breakage: str) -> None:
    """Make the file unusable."""
    if breakage == "gone":
        path.unlink()
    else:
        replace(path, entry("c", "token-c") + "oops")


async def name_of(found: TokenAuthenticator, token: str | None) -> str | None:
    """Return the name of the caller with this token."""
    caller = await found.authenticate(Credentials(token, {}))
    return None if caller is None else caller.name


@pytest.fixture
def callers_file(tmp_path: Path) -> Path:
    """A callers file with the callers a and b."""
    path = tmp_path / "callers.toml"
    path.write_text(entry("a", "token-a") + entry("b", "token-b"), "utf-8")
    return path


def test_grants_must_all_agree() -> None:
    """A caller may do what action, project, instance and topic all cover, and nothing beside."""
    caller = Caller("ci", Grants(("p1", "shop-*"), ("prod-?",), ("orders.*", "a"), ("resend",)))

    assert caller.may("resend", "shop-1", "prod-a", "orders.eu")
    assert caller.may("resend", "p1", "prod-a", "a")
    assert not caller.may("read", "p1", "prod-a", "a")
    assert not caller.may("resend", "p2", "prod-a", "a")
    assert not caller.may("resend", "p1", "prod-ab", "a")
    assert not caller.may("resend", "p1", "prod-a", "ab")
    assert not caller.may("resend", "p1", "prod-a", "Orders.eu")


def test_grants_before_the_topic_is_known_tell_the_rest() -> None:
    """Without a topic the answer is about action, project and instance."""
    caller = Caller("ci", Grants(("p1",), ("*",), ("orders",), ("*",)))

    assert caller.may("jobs", "p1", "i", None)
    assert not caller.may("jobs", "p2", "i", None)


@given(st.text(), st.text(), st.text())
def test_grants_of_everything_cover_everything(project: str, instance: str, topic: str) -> None:
    """A lone star leaves nothing out, whatever the names hold."""
    assert Caller("default", EVERYTHING).may("resend", project, instance, topic)


def test_callers_file_entry_is_read_whole() -> None:
    """Every key of an entry arrives."""
    text = entry(
        "ci",
        TOKEN,
        'projects = ["p"]\ninstances = ["i"]\ntopics = ["t.*"]\nactions = ["resend", "*"]\n'
        "expires = 2030-01-31T01:00:00+01:00\n",
    )

    assert (
        CallerEntry(
            Caller("ci", Grants(("p",), ("i",), ("t.*",), ("resend", "*"))),
            digest_of(TOKEN) or b"",
            datetime(2030, 1, 31, tzinfo=UTC),
        ),
    ) == parse_callers(text)


def test_callers_file_may_name_a_caller_twice() -> None:
    """One token replaces another without a gap."""
    assert ["a", "a"] == [found.caller.name for found in parse_callers(entry("a", "old") + entry("a", "new"))]


ENTRY = entry("ci", TOKEN)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("callers = 1", "callers must be a list of tables"),
        ("callers = [1]", "callers must be a list of tables"),
        ("[[caller]]", "'caller' is unknown"),
        ("[[callers]", "is not TOML"),
        (ENTRY + "topic = []", "callers entry 1 ('ci'): 'topic' is unknown; the keys are name,"),
        (ENTRY.replace("name =", "# name ="), "callers entry 1: name is missing"),
        (ENTRY.replace("actions =", "# "), "callers entry 1 ('ci'): actions is missing"),
        (ENTRY.replace('"ci"', '""'), "name must be text"),
        (ENTRY.replace('"ci"', '"a\\nb"'), "name must be text"),
        (ENTRY.replace('"ci"', "1"), "name must be text"),
        (ENTRY.replace('"ci"', f'"{"n" * 65}"'), "name must be text of 1 to 64"),
        (ENTRY.replace(hexadecimal(TOKEN), TOKEN), "token_sha256 must be"),
        (ENTRY.replace(hexadecimal(TOKEN), hexadecimal(TOKEN)[2:]), "token_sha256 must be"),
        (ENTRY.replace(hexadecimal(TOKEN), " " + hexadecimal(TOKEN)), "token_sha256 must be"),
        (ENTRY.replace(f'"{hexadecimal(TOKEN)}"', "1"), "token_sha256 must be"),
        (ENTRY.replace('topics = ["*"]', 'topics = "*"'), "topics must be a list"),
        (ENTRY.replace('topics = ["*"]', "topics = []"), "topics must be a list"),
        (ENTRY.replace('topics = ["*"]', 'topics = [""]'), "topics must be a list"),
        (ENTRY.replace('["resend"]', '["resnd"]'), "actions must be a list of some of resend, read, jobs, *"),
        (ENTRY + "expires = 2030-01-31", "expires must be a date and time with an offset"),
        (ENTRY + "expires = 2030-01-31T00:00:00", "expires must be a date and time with an offset"),
        (ENTRY + 'expires = "tomorrow"', "expires must be a date and time with an offset"),
        (ENTRY + "expires = 1900000000", "expires must be a date and time with an offset"),
        (ENTRY + ENTRY, "callers entry 2 ('ci'): token_sha256 is that of an earlier entry"),
    ],
)
def test_callers_file_that_is_wrong_is_refused_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    """The line names the file, the entry and the key, and holds neither a digest nor a token put in its place."""
    path = tmp_path / "callers.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(CallersFileRefused) as refused:
        read_callers(path)
    line = str(refused.value)

    assert line.startswith(f"{path}: ")
    assert reason in line
    assert 1 == len(line.splitlines())
    assert TOKEN not in line
    assert hexadecimal(TOKEN) not in line


def test_callers_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Missing, a folder, or not text: each has its reason."""
    (tmp_path / "latin").write_bytes(b'name = "\xe4"')

    for name, reason in [("gone", "No such file"), (".", "Is a directory"), ("latin", "is not UTF-8")]:
        with pytest.raises(CallersFileRefused, match=reason):
            read_callers(tmp_path / name)


@given(st.text())
@example("a = " + "[" * 5000)
def test_callers_file_of_any_text_is_read_or_refused(text: str) -> None:
    """No content whatsoever is an error of another kind."""
    try:
        parse_callers(text)
    except CallersFileRefused as error:
        assert 1 == len(str(error).splitlines())  # noqa: PT017 - it may be taken as well


async def test_token_stands_for_its_caller(callers_file: Path) -> None:
    """Each token finds its own caller, and no other text finds anybody."""
    found = TokenAuthenticator(WatchedCallers(callers_file).current)

    assert ["a", "b"] == [await name_of(found, "token-a"), await name_of(found, "token-b")]
    for wrong in (None, "", "token-", "token-A", "token-a ", hexadecimal("token-a"), "a", "*", "\u20ac", "\udc80"):
        assert await name_of(found, wrong) is None


async def test_token_that_is_not_ascii_is_compared_by_its_bytes(tmp_path: Path) -> None:
    """A header's bytes arrive as ISO 8859-1; the digest of the UTF-8 bytes that were sent is what counts."""
    path = tmp_path / "callers.toml"
    sent = "gehe\u00efm\u20ac".encode().decode("latin-1")
    path.write_text(entry("a", sent), "utf-8")

    assert "a" == await name_of(TokenAuthenticator(WatchedCallers(path).current), sent)


@given(st.text())
async def test_token_of_any_text_finds_nobody(token: str) -> None:
    """Nothing that a caller can send is an error, and guessing finds nobody."""
    known = CallerEntry(Caller("a", EVERYTHING), b"\0" * 32, None)

    assert await name_of(TokenAuthenticator(lambda: {known.digest: known}), token) is None


async def test_token_is_refused_from_its_expiry_on() -> None:
    """The wall clock decides at each request, not when the file was read."""
    digest = digest_of(TOKEN) or b""
    until = datetime.now(UTC) + timedelta(seconds=0.2)
    short = CallerEntry(Caller("a", EVERYTHING), digest, until)
    found = TokenAuthenticator(lambda: {digest: short})
    answers = [(datetime.now(UTC), await name_of(found, TOKEN), datetime.now(UTC))]
    while answers[-1][1] is not None and answers[-1][0] < until + timedelta(seconds=5):
        answers.append((datetime.now(UTC), await name_of(found, TOKEN), datetime.now(UTC)))

    assert "a" == answers[0][1]
    assert answers[-1][1] is None
    assert answers[-1][2] >= until
    assert all(before < until for before, name, _ in answers if name)


async def test_callers_file_that_loses_an_entry_revokes_it(callers_file: Path) -> None:
    """Within a moment, without a restart, and those who stay are not touched."""
    found = TokenAuthenticator(WatchedCallers(callers_file, check_seconds=0.05).current)
    assert "b" == await name_of(found, "token-b")
    replace(callers_file, entry("a", "token-a") + entry("c", "token-c"))
    deadline = time.monotonic() + 5
    while await name_of(found, "token-b") is not None:
        assert time.monotonic() < deadline, "still admitted after 5 s"

    assert ["a", "c"] == [await name_of(found, "token-a"), await name_of(found, "token-c")]


async def test_callers_file_is_looked_at_once_a_second_at_most(callers_file: Path) -> None:
    """Between two looks a change is not seen, so requests do not wait for the disk."""
    watched = WatchedCallers(callers_file, check_seconds=3600)
    replace(callers_file, entry("c", "token-c"))

    assert "a" == await name_of(TokenAuthenticator(watched.current), "token-a")


async def test_callers_file_changed_in_place_within_its_time_and_size_is_noticed(callers_file: Path) -> None:
    """A file written a moment ago is read again even if it looks the same: its modification time may be coarse."""
    found = TokenAuthenticator(WatchedCallers(callers_file, check_seconds=0).current)
    rewrite_within_its_time(callers_file, entry("a", "token-x") + entry("b", "token-b"))

    assert [None, "a"] == [await name_of(found, "token-a"), await name_of(found, "token-x")]


async def test_callers_file_that_everybody_may_write_is_refused(callers_file: Path) -> None:
    """Whoever can write the file can do everything: it is refused at the start, and not read again while it is so."""
    watched = WatchedCallers(callers_file, check_seconds=0)
    found = TokenAuthenticator(watched.current, watched.problem)
    callers_file.write_text(entry("c", "token-c"), "utf-8")
    callers_file.chmod(0o666)
    while_writable = [await name_of(found, token) for token in ("token-a", "token-c")]
    problem = found.problem()
    with pytest.raises(CallersFileRefused, match=f"chmod o-w {callers_file}"):
        read_callers(callers_file)
    callers_file.chmod(0o664)

    assert (["a", None], "the callers file cannot be read: the grants read before stay in effect") == (
        while_writable,
        problem,
    )
    assert [None, "c"] == [await name_of(found, token) for token in ("token-a", "token-c")]
    assert found.problem() is None


@pytest.mark.parametrize("breakage", ["broken", "gone"])
async def test_callers_file_that_breaks_keeps_those_read_before_and_says_so(callers_file: Path, breakage: str) -> None:
    """Nobody is locked out by a typing error; the log has one loud line, and another when the file is fixed."""
    found = TokenAuthenticator(WatchedCallers(callers_file, check_seconds=0).current)
    with structlog.testing.capture_logs() as lines:
        break_file(callers_file, breakage)
        names = [await name_of(found, token) for token in ("token-a", "token-b", "token-c", "token-a")]
        replace(callers_file, entry("c", "token-c"))
        fixed = [await name_of(found, token) for token in ("token-a", "token-c")]

    assert ["a", "b", None, "a"] == names
    assert [None, "c"] == fixed
    assert [("error", "callers file broken: the callers read before stay"), ("info", "callers file read again")] == [
        (line["log_level"], line["event"]) for line in lines
    ]
    assert str(callers_file) in lines[0]["reason"]
    assert hexadecimal("token-c") not in str(lines)


async def test_callers_file_emptied_revokes_everybody(callers_file: Path) -> None:
    """An empty list is an answer, not a mistake."""
    found = TokenAuthenticator(WatchedCallers(callers_file, check_seconds=0).current)
    replace(callers_file, "")

    assert [None, None] == [await name_of(found, "token-a"), await name_of(found, "token-b")]


def test_callers_file_without_callers_is_refused_at_the_start(tmp_path: Path) -> None:
    """Closed by default: nobody configured is no configuration."""
    path = tmp_path / "callers.toml"
    path.touch()
    with pytest.raises(CallersFileRefused, match="names no callers"):
        authenticator(AuthSettings(callers_file=path))


async def test_digest_alone_is_one_caller_who_may_do_everything() -> None:
    """The one-caller case takes no file; the digest may be in capitals."""
    found = authenticator(AuthSettings(token_digest=hexadecimal(TOKEN).upper()))

    assert Caller("default", EVERYTHING) == await found.authenticate(Credentials(TOKEN, {}))
    assert await found.authenticate(Credentials("other", {})) is None


async def test_open_access_takes_everybody_for_anyone() -> None:
    """With or without a token, everybody is the same caller."""
    found = authenticator(AuthSettings(allow_anonymous=True))

    assert isinstance(found, OpenAuthenticator)
    assert Caller("anyone", EVERYTHING) == await found.authenticate(Credentials(None, {}))


def test_authenticator_is_chosen_by_a_setting_and_documented(callers_file: Path) -> None:
    """Each can be chosen, and its setting is documented."""
    chosen = [
        authenticator(AuthSettings(allow_anonymous=True)),
        authenticator(AuthSettings(callers_file=callers_file)),
        authenticator(AuthSettings(token_digest=hexadecimal(TOKEN))),
    ]
    kinds = {
        kind
        for kind in vars(authenticators).values()
        if isinstance(kind, type) and hasattr(kind, "authenticate") and kind is not Authenticator
    }
    callers = (Path(__file__).parents[2] / "docs" / "callers.md").read_text("utf-8")

    assert kinds == {type(found) for found in chosen}
    assert {kind.__name__ for kind in kinds} <= set(auth.__all__)
    assert [] == [
        name
        for name in AuthSettings.model_fields
        if f"RESEND_AUTH__{name.upper()}" not in callers and f"auth.{name}" not in callers
    ]


def test_credentials_and_entries_show_no_secret() -> None:
    """Neither a token nor a digest is in what a traceback would print."""
    shown = repr(Credentials(TOKEN, {"x-auth-token": TOKEN})) + repr(parse_callers(ENTRY))

    assert TOKEN not in shown
    assert repr(digest_of(TOKEN)) not in shown


async def test_authentication_takes_microseconds(tmp_path: Path) -> None:
    """It is on the way of every request: with a thousand callers, the best of many rounds is far below 50 us."""
    path = tmp_path / "callers.toml"
    path.write_text("".join(entry(f"c{number}", f"token-{number}") for number in range(1000)), "utf-8")
    found = TokenAuthenticator(WatchedCallers(path).current)
    credentials = Credentials("token-500", {})
    best = float("inf")
    for _ in range(50):
        started = time.perf_counter()
        for _ in range(20):
            await found.authenticate(credentials)
        best = min(best, (time.perf_counter() - started) / 20)

    assert best < 50e-6
