"""Callers, their grants, and the file that lists them."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, cast, get_args

from kafka.model.policy import matches
from service.files import writable_by_everybody

Action = Literal["resend", "read", "jobs"]
"""What a caller may be allowed to do."""

DEFAULT_CALLER = "default"
"""Name of the only caller, where there is a digest and no callers file."""

_ACTIONS = (*get_args(Action), "*")
_KEYS = ("name", "token_sha256", "projects", "instances", "topics", "actions", "expires")
_LARGEST_FILE_BYTES = 10_000_000
_LONGEST_NAME = 64


class AuthError(Exception):
    """The root of the tree."""


class CallersFileRefused(AuthError):
    """The callers file cannot be read, or an entry is invalid. Its text holds no digest."""


@dataclass(frozen=True, slots=True)
class Grants:
    """What a caller may touch: all four must agree to a request.

    Attributes:
        projects: shell-style patterns of project ids; so for instances and topics.
        actions: names of actions; `*` stands for all, those of later versions too.
    """

    projects: tuple[str, ...]
    instances: tuple[str, ...]
    topics: tuple[str, ...]
    actions: tuple[str, ...]


EVERYTHING = Grants(("*",), ("*",), ("*",), ("*",))


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller that was recognised.

    Attributes:
        name: what the log calls them.
        grants: what they may touch.
        operator: not one of the configured callers, whatever the name, but the command line with the settings.
    """

    name: str
    grants: Grants
    operator: bool = False

    def may(self, action: Action, project: str, instance: str, topic: str | None) -> bool:
        """Whether the grants cover this.

        Args:
            action: what is to be done.
            project: project id of the request.
            instance: instance id of the request.
            topic: None asks for what can be told before the topic is known; ask again when it is.
        """
        grants = self.grants
        return (
            (action in grants.actions or "*" in grants.actions)
            and matches(project, grants.projects)
            and matches(instance, grants.instances)
            and (topic is None or matches(topic, grants.topics))
        )


@dataclass(frozen=True, slots=True)
class CallerEntry:
    """One token of a caller.

    Attributes:
        caller: whose it is; a caller may have several, for the time in which one replaces another.
        digest: SHA-256 of the token's bytes.
        expires: the first moment at which the token is no longer taken; None for never.
    """

    caller: Caller
    digest: bytes = field(repr=False)
    expires: datetime | None


def digest_of(token: str) -> bytes | None:
    """Return the SHA-256 digest of a token, or None for text that no HTTP header can have carried.

    Args:
        token: with a character for each byte of the header (ISO 8859-1), as ASGI servers and clients have it.
    """
    try:
        return hashlib.sha256(token.encode("latin-1")).digest()
    except UnicodeEncodeError:
        return None


def by_digest(entries: Iterable[CallerEntry]) -> Mapping[bytes, CallerEntry]:
    """Return the entries by the digests of their tokens."""
    return {entry.digest: entry for entry in entries}


def read_callers(path: Path) -> tuple[CallerEntry, ...]:
    """Return the entries of a callers file.

    Raises:
        CallersFileRefused: it cannot be read, or an entry is invalid.
    """
    try:
        with path.open("rb") as file:
            if writable_by_everybody(file):
                raise CallersFileRefused(f"{path}: everybody on this machine may write it: chmod o-w {path}")
            content = file.read(_LARGEST_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise CallersFileRefused(f"{path}: cannot be read: {reason or 'it cannot be a path'}") from None
    if len(content) > _LARGEST_FILE_BYTES:
        raise CallersFileRefused(f"{path}: is larger than {_LARGEST_FILE_BYTES} bytes")
    try:
        return parse_callers(content.decode())
    except UnicodeDecodeError:
        raise CallersFileRefused(f"{path}: is not UTF-8") from None
    except CallersFileRefused as error:
        raise CallersFileRefused(f"{path}: {error}") from None


def parse_callers(text: str) -> tuple[CallerEntry, ...]:
    """Return the entries that a callers file of this text has.

    Raises:
        CallersFileRefused: the first thing that is invalid.
    """
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        # Its words name lines and columns, and at most one character of the text.
        raise CallersFileRefused(f"is not TOML: {' '.join(str(error).split())}") from None
    unknown = [key for key in tables if key != "callers"]
    if unknown:
        raise CallersFileRefused(f"{_shown(unknown[0])} is unknown; it may hold [[callers]] only")
    listed = tables.get("callers", [])
    if not isinstance(listed, list) or not all(isinstance(table, dict) for table in listed):
        raise CallersFileRefused("callers must be a list of tables, each headed [[callers]]")
    entries: dict[bytes, CallerEntry] = {}
    for number, table in enumerate(listed, 1):
        try:
            entry = _entry(table)
        except CallersFileRefused as error:
            raise CallersFileRefused(f"{_place(number, table)}: {error}") from None
        if entry.digest in entries:
            raise CallersFileRefused(f"{_place(number, table)}: token_sha256 is that of an earlier entry")
        entries[entry.digest] = entry
    return tuple(entries.values())


def _place(number: int, table: dict[str, object]) -> str:
    name = table.get("name")
    return f"callers entry {number}" + (f" ({_shown(name)})" if isinstance(name, str) and name.isprintable() else "")


def _shown(key: str) -> str:
    return repr(key if len(key) <= _LONGEST_NAME else f"{key[:_LONGEST_NAME]}...")


def _entry(table: dict[str, object]) -> CallerEntry:
    unknown = [key for key in table if key not in _KEYS]
    if unknown:
        raise CallersFileRefused(f"{_shown(unknown[0])} is unknown; the keys are {', '.join(_KEYS)}")
    missing = [key for key in _KEYS if key not in table and key != "expires"]
    if missing:
        raise CallersFileRefused(f"{missing[0]} is missing")
    name = table["name"]
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise CallersFileRefused(f"name must be text of 1 to {_LONGEST_NAME} printable characters")
    grants = Grants(
        _patterns(table, "projects"), _patterns(table, "instances"), _patterns(table, "topics"), _actions(table)
    )
    return CallerEntry(Caller(name, grants), _digest(table["token_sha256"]), _expires(table.get("expires")))


def _digest(value: object) -> bytes:
    try:
        digest = bytes.fromhex(cast("str", value))
    except (TypeError, ValueError):
        digest = b""
    if len(digest) != hashlib.sha256().digest_size or len(cast("str", value)) != 2 * len(digest):
        raise CallersFileRefused("token_sha256 must be the token's SHA-256 digest in 64 hexadecimal digits")
    return digest


def _patterns(table: dict[str, object], key: str) -> tuple[str, ...]:
    value = table[key]
    if (
        not isinstance(value, list)
        or not value
        or not all(isinstance(item, str) and item and item.isprintable() for item in value)
    ):
        raise CallersFileRefused(f'{key} must be a list of names or patterns, such as ["orders.*"] or ["*"]')
    return tuple(value)


def _actions(table: dict[str, object]) -> tuple[str, ...]:
    actions = _patterns(table, "actions")
    if not set(actions) <= set(_ACTIONS):
        raise CallersFileRefused(f"actions must be a list of some of {', '.join(_ACTIONS)}")
    return actions


def _expires(value: object) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise CallersFileRefused("expires must be a date and time with an offset, such as 2030-01-31T00:00:00Z")
    return value
