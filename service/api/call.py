"""A call of the API, from its row in the table of routes to its answer.

What every call needs is done here, in one order, and the first thing wrong is the answer:

1. path and method (404, 405), by the router; length of the ids in the path (400)
2. open access only: Host, presence of X-Auth-Token (403)
3. token, instance, the instance's project, the caller's grants as far as they can be compared without the body (403)
4. the query: names of its parameters, or the action_id (400)
5. Content-Encoding, Content-Type (415); Idempotency-Key (400)
6. size of the body (413)

Then comes what only the handler knows: the values of the parameters or the body, the grant for the topic (403), and
what only the cluster can tell (400, 503, 504).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from inspect import getdoc
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from kafka.model.errors import ResendError
from service.api.access import Access
from service.api.bodies import check_content_type, read_body
from service.api.keys import idempotency_key
from service.api.parameters import NO_PARAMETERS, Parameter, Parameters
from service.api.schema.job_request import parse_nothing
from service.auth import Action
from service.http.cursors import Cursors
from service.http.errors import error_response, row_of
from service.http.fast_path import Endpoint
from service.http.refusals import RequestRefused
from service.http.request_context import RequestLog, request_log_of
from service.instances import Instances
from service.settings.model import Settings

Needs = Action | Literal["token", "nothing"]
"""What is asked of a caller: a grant to do this to an instance, a token whatever it is for, or nothing."""

INSTANCE_PATH = "/v2/{project_id}/mqs/instances/{instance_id}"
"""What the paths of all calls on an instance begin with."""

Admitted = TypeVar("Admitted")


@dataclass(frozen=True, slots=True)
class ApiContext:
    """What the calls of one application share.

    Attributes:
        settings: all that the deployment sets.
        instances: what there is.
        access: knows callers, and admits them to instances.
        cursors: makes cursors, and knows them again.
        problem: returns what is wrong with the callers, None for nothing.
    """

    settings: Settings
    instances: Instances
    access: Access
    cursors: Cursors
    problem: Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class Call(Generic[Admitted]):
    """One request, as its handler gets it.

    Attributes:
        context: what it shares with others.
        request: its body has been read.
        log: what is known about it.
        admitted: an Admission to an instance; a Caller where only a token is needed; None where nothing is.
        parameters: of the query; of known names only.
        body: all of it; nothing where the call takes none.
        idempotency_key: if the call takes one, and one was sent.
    """

    context: ApiContext
    request: Request
    log: RequestLog
    admitted: Admitted
    parameters: Parameters = NO_PARAMETERS
    body: bytes = b""
    idempotency_key: str | None = None


Handler = Callable[[Call[Any]], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class DocumentedAnswer:
    """An answer that a call may give, for the OpenAPI document.

    Attributes:
        status: of HTTP.
        description: when it is given.
        model: its body as JSON; None for another or none.
        more: what else the document says of it.
    """

    status: int
    description: str
    model: type[BaseModel] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One call: how it is addressed, who may make it, who carries it out, and what the OpenAPI document says of it.

    Attributes:
        method: of HTTP; a POST has a body, if only an empty one.
        path: with its parameters in braces.
        name: of the operation; stable.
        needs: what is asked of the caller.
        handler: carries it out; its docstring is the description.
        summary: what it does, in a few words.
        tag: what it belongs to.
        answers: those that are no error, the usual one first.
        errors: one of each kind that it may be refused with.
        meanings: what each status of an error means here.
        parameters: of the query.
        read_query: what to do with the query instead of reading these parameters.
        body: what a POST says; None for nothing.
        body_required: whether nothing at all is refused.
        least_body_bytes: as large as the body may always be, whatever is set.
        once: whether it takes an Idempotency-Key.
        outcome: of a success, in the log.
        job_action: what is asked of jobs, in the log.
    """

    method: Literal["GET", "POST"] = "GET"
    path: str
    name: str
    needs: Needs
    handler: Handler
    summary: str
    tag: str
    answers: tuple[DocumentedAnswer, ...]
    errors: tuple[Exception, ...] = ()
    meanings: Mapping[int, str] = field(default_factory=dict)
    parameters: tuple[Parameter[Any], ...] = ()
    read_query: Callable[[bytes], Parameters] | None = None
    body: type[BaseModel] | None = None
    body_required: bool = True
    least_body_bytes: int = 0
    once: bool = False
    outcome: str = "ok"
    job_action: str | None = None

    @property
    def description(self) -> str:
        """What the call does."""
        return " ".join((getdoc(self.handler) or "").split())


def endpoint_of(route: Route, context: ApiContext) -> Endpoint:
    """Return the endpoint of a route. It never raises what a client may cause."""
    if route.needs == "nothing":
        return _open_endpoint(route, context)
    needs: Action | Literal["token"] = route.needs
    max_body_bytes = max(context.settings.http.max_body_bytes, route.least_body_bytes)
    read_query = route.read_query or (lambda query: Parameters(query, route.parameters))

    async def endpoint(request: Request) -> Response:
        log = request_log_of(request.scope)
        log.action, log.job = route.job_action, request.path_params.get("job_id")
        try:
            admitted: object
            if needs == "token":
                admitted = await context.access.identify(request)
            else:
                admitted = await context.access.admit(request, needs)
            parameters = read_query(request.scope["query_string"])
            body, key = b"", None
            if route.method == "POST":
                check_content_type(request)
                if route.once:
                    key = idempotency_key(request)
                body = await read_body(request, max_body_bytes)
                if route.body is None:
                    parse_nothing(body)
            response = await route.handler(Call(context, request, log, admitted, parameters, body, key))
        except (RequestRefused, ResendError) as error:
            log.outcome = row_of(error).error_code
            log.reason = getattr(error, "reason", None)
            return error_response(error)
        log.outcome = route.outcome
        return response

    return endpoint


def _open_endpoint(route: Route, context: ApiContext) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        log = request_log_of(request.scope)
        log.quiet = True
        return await route.handler(Call(context, request, log, None))

    return endpoint
