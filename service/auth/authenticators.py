"""The seam between a request and its caller."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from service.auth.callers import EVERYTHING, Caller, CallerEntry, digest_of

_OPEN_TO_ALL = Caller("anyone", EVERYTHING)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request brings along to say who sent it.

    Attributes:
        token: value of the X-Auth-Token header, a character for each byte (ISO 8859-1); None without that header.
        headers: all headers of the request, looked up without regard to case.
    """

    token: str | None = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


class Authenticator(Protocol):
    """Tells who sent a request.

    The seam for other kinds of callers. A token of a Keystone service or of an OpenID Connect provider is in the
    credentials already; looking it up takes a request to that service, which is why this is asynchronous, and wants a
    cache of its own. A signed request has its signature in the headers, and signs the method, the path and a digest of
    the body as well: those become fields of Credentials when the first such authenticator comes.
    """

    async def authenticate(self, credentials: Credentials) -> Caller | None:
        """Return who sent the request, or None when that is nobody who is known, for whatever reason."""
        ...


class TokenAuthenticator:
    """Knows callers by the SHA-256 digests of their tokens.

    Args:
        current: returns the entries by digest, as they are now.
        problem: returns why they may be out of date, in words for strangers; None while they are not.
    """

    def __init__(
        self,
        current: Callable[[], Mapping[bytes, CallerEntry]],
        problem: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._current = current
        self.problem = problem

    async def authenticate(self, credentials: Credentials) -> Caller | None:
        """Return the caller whose token it is, unless it has expired."""
        if credentials.token is None:
            return None
        digest = digest_of(credentials.token)
        if digest is None:
            return None
        # How long the look-up takes depends on the digest alone, which a guesser cannot steer towards a stored
        # one without inverting SHA-256: nothing about a token is to be learned from it. What is found is compared in
        # constant time.
        entry = self._current().get(digest)
        if entry is None or not hmac.compare_digest(entry.digest, digest):
            return None
        if entry.expires is not None and entry.expires <= datetime.now(UTC):
            return None
        return entry.caller


class OpenAuthenticator:
    """Takes everybody for the same caller, who may do everything. For loopback only, which load_settings sees to."""

    async def authenticate(self, credentials: Credentials) -> Caller | None:
        """Return the caller `anyone`."""
        del credentials
        return _OPEN_TO_ALL
