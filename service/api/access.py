"""Who may do what to which instance: asked by every resource, before the body is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import get_args

from starlette.requests import Request

from kafka.cluster import Cluster
from service.auth import Action, Authenticator, Caller, Credentials, WrongTokens
from service.http.refusals import Forbidden, HostNotLoopback, PathIdRefused, TokenHeaderMissing, TooManyWrongTokens
from service.http.request_context import RequestLog, request_log_of
from service.instances import Instances

_TOKEN_HEADER = b"x-auth-token"
_MAX_ID_CHARACTERS = 128
_LOOPBACK_HOST = re.compile(rb"(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Admission:
    """A caller who may do something to an instance; whether to this topic is still to be asked.

    Attributes:
        caller: who asks.
        action: what for.
        project: project id of the path.
        instance: instance id of the path.
        cluster: the worker behind the instance.
    """

    caller: Caller
    action: Action
    project: str
    instance: str
    cluster: Cluster

    def require_topic(self, topic: str) -> None:
        """Raise Forbidden unless the caller's grants reach this topic."""
        if not self.caller.may(self.action, self.project, self.instance, topic):
            raise Forbidden

    def actions(self, topic: str | None) -> list[Action]:
        """Return all that the caller may do here.

        Args:
            topic: None asks for what they may do to some topic or other.
        """
        return actions_of(self.caller, self.project, self.instance, topic)


class Access:
    """Admits requests to instances.

    Args:
        authenticator: tells who a token belongs to.
        instances: what there is.
        wrong_tokens: slows down their senders.
        open_to_all: no callers are configured; then the token header must still be there, and the Host be a loopback
            name: a page elsewhere can send neither by itself.
    """

    def __init__(
        self, authenticator: Authenticator, instances: Instances, wrong_tokens: WrongTokens, *, open_to_all: bool
    ) -> None:
        self._authenticator = authenticator
        self._wrong_tokens = wrong_tokens
        self._instances = instances
        self._open_to_all = open_to_all

    async def admit(self, request: Request, action: Action) -> Admission:
        """Return who asks for which instance, all compared that can be compared before the body is read.

        Raises:
            PathIdRefused: an id is absurd, for every caller.
            HostNotLoopback, TokenHeaderMissing: open access only.
            TooManyWrongTokens: one more, after a wait.
            Forbidden: no token, a wrong one, no such instance, not this project's, or no grant: not told apart.
        """
        request_log = request_log_of(request.scope)
        project = _path_id(request, "project_id")
        instance = _path_id(request, "instance_id")
        request_log.project, request_log.instance = project, instance
        caller = await self._caller(request, request_log)
        cluster = self._instances.find(project, instance)
        if cluster is None or not caller.may(action, project, instance, None):
            raise Forbidden
        return Admission(caller, action, project, instance, cluster)

    async def identify(self, request: Request) -> Caller:
        """Return who asks, whatever for.

        Raises:
            HostNotLoopback, TokenHeaderMissing: open access only.
            Forbidden: no token, or a wrong one.
        """
        return await self._caller(request, request_log_of(request.scope))

    async def _caller(self, request: Request, request_log: RequestLog) -> Caller:
        headers = request.scope["headers"]
        tokens = [value for name, value in headers if name == _TOKEN_HEADER]
        if self._open_to_all:
            hosts = [value for name, value in headers if name == b"host"]
            if len(hosts) != 1 or _LOOPBACK_HOST.fullmatch(hosts[0]) is None:
                raise HostNotLoopback("the Host header is not a loopback name, and access is open")
            if not tokens:
                raise TokenHeaderMissing("the X-Auth-Token header is missing")
        if len(tokens) > 1:
            raise Forbidden
        token = tokens[0].decode("latin-1") if tokens else None
        caller = await self._authenticator.authenticate(Credentials(token, request.headers))
        if caller is None:
            if token is None:
                raise Forbidden
            client = request.scope.get("client")
            error = await self._wrong_tokens.refusal(client[0] if client else None)
            # Counted in one line with others.
            request_log.quiet = isinstance(error, TooManyWrongTokens)
            raise error
        request_log.caller = caller.name
        return caller


def actions_of(caller: Caller, project: str, instance: str, topic: str | None) -> list[Action]:
    """Return all that a caller may do there, in a fixed order; None asks about some topic or other."""
    return [action for action in get_args(Action) if caller.may(action, project, instance, topic)]


def _path_id(request: Request, name: str) -> str:
    return check_id(name, request.path_params[name])


def check_id(name: str, value: str) -> str:
    """Return a project or instance id.

    Args:
        name: what to call it.
        value: the id.

    Raises:
        PathIdRefused: it is absurd, for every caller.
    """
    if len(value) > _MAX_ID_CHARACTERS:
        raise PathIdRefused(f"the {name} has {len(value)} characters")
    if not value.isprintable():
        raise PathIdRefused(f"the {name} holds characters that cannot be shown")
    return value
