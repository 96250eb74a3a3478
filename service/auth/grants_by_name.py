"""What callers may do now, asked by name: a worker knows the name of a job's creator, and no token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING

from service.auth.callers import DEFAULT_CALLER, AuthError, CallerEntry
from service.auth.watching import WatchedCallers

if TYPE_CHECKING:
    from kafka.jobs.worker.rules import MayResend
    from service.settings.http import AuthSettings


class GrantsByName:
    """Knows callers by their names. Several threads may ask.

    Args:
        current: returns the entries, as they are now; called by one thread at a time.
    """

    def __init__(self, current: Callable[[], Mapping[bytes, CallerEntry]]) -> None:
        self._current = current
        self._lock = Lock()

    def __call__(self, caller: str, project: str, instance: str, topic: str) -> bool:
        """Whether the caller may do jobs there.

        With which of their tokens a caller has made a job is not kept: where they have several, all must allow it.
        """
        with self._lock:
            entries = self._current()
        now = datetime.now(UTC)
        valid = [
            entry.caller
            for entry in entries.values()
            if entry.caller.name == caller and (entry.expires is None or entry.expires > now)
        ]
        return bool(valid) and all(found.may("jobs", project, instance, topic) for found in valid)


def grants_by_name(settings: AuthSettings) -> MayResend:
    """Return what tells the grants of the callers that the settings name.

    Args:
        settings: as load_settings checked them: exactly one way of authentication is chosen.

    Raises:
        CallersFileRefused: the callers file is broken or names nobody.
    """
    if settings.allow_anonymous:
        return _everybody
    if settings.callers_file is not None:
        return GrantsByName(WatchedCallers(settings.callers_file).current)
    if settings.token_digest is None:
        raise AuthError("no callers are configured, and access is not open")
    return _default_caller


def _everybody(caller: str, project: str, instance: str, topic: str) -> bool:
    del caller, project, instance, topic
    return True


def _default_caller(caller: str, project: str, instance: str, topic: str) -> bool:
    del project, instance, topic
    return caller == DEFAULT_CALLER
