"""Who is asking, and what they may touch.

    AuthError
    └── CallersFileRefused     the callers file cannot be read, or an entry is invalid

A wrong token is no error: the answer is None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.auth.authenticators import Authenticator, Credentials, OpenAuthenticator, TokenAuthenticator
from service.auth.callers import (
    DEFAULT_CALLER,
    EVERYTHING,
    Action,
    AuthError,
    Caller,
    CallerEntry,
    CallersFileRefused,
    Grants,
    by_digest,
    digest_of,
    parse_callers,
    read_callers,
)
from service.auth.grants_by_name import GrantsByName, grants_by_name
from service.auth.watching import WatchedCallers
from service.auth.wrong_tokens import WrongTokens

if TYPE_CHECKING:
    # The settings read the callers file once, to refuse a broken one at the start; this would close a circle.
    from service.settings.http import AuthSettings

__all__ = [
    "EVERYTHING",
    "Action",
    "AuthError",
    "Authenticator",
    "Caller",
    "CallerEntry",
    "CallersFileRefused",
    "Credentials",
    "Grants",
    "GrantsByName",
    "OpenAuthenticator",
    "TokenAuthenticator",
    "WatchedCallers",
    "WrongTokens",
    "authenticator",
    "digest_of",
    "grants_by_name",
    "operator_authenticator",
    "parse_callers",
    "read_callers",
]


def authenticator(settings: AuthSettings) -> Authenticator:
    """Return the authenticator that the settings ask for.

    Args:
        settings: as load_settings checked them: exactly one way of authentication is chosen, and open access only
            together with a loopback address.

    Raises:
        CallersFileRefused: the callers file is broken or names nobody.
    """
    if settings.allow_anonymous:
        return OpenAuthenticator()
    if settings.callers_file is not None:
        watched = WatchedCallers(settings.callers_file)
        return TokenAuthenticator(watched.current, watched.problem)
    if settings.token_digest is None:
        raise AuthError("no callers are configured, and access is not open")
    default = CallerEntry(Caller(DEFAULT_CALLER, EVERYTHING), bytes.fromhex(settings.token_digest), expires=None)
    only = by_digest([default])
    return TokenAuthenticator(lambda: only)


def operator_authenticator(token: str) -> Authenticator:
    """Return the authenticator of an application that is opened for one command, inside its process.

    Args:
        token: which cannot be guessed, and which nobody else is told; its sender is the caller `operator`, who
            may do everything.
    """
    digest = digest_of(token)
    if digest is None:
        raise AuthError("the operator's token is not one that a header can carry")
    only = by_digest([CallerEntry(Caller("operator", EVERYTHING, operator=True), digest, expires=None)])
    return TokenAuthenticator(lambda: only)
