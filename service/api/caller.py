"""GET /v2/caller: who a token belongs to, and what they may touch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from starlette.requests import Request
from starlette.responses import Response

from kafka.model.policy import matches
from service.api.access import Access, actions_of, check_id
from service.api.health import readiness_of
from service.api.parameters import Parameters
from service.api.schema.query import CallerInstance, CallerResponse
from service.auth import Caller
from service.http.errors import error_response, row_of
from service.http.refusals import RequestRefused
from service.http.request_context import request_log_of
from service.instances import Instances

PATH = "/v2/caller"

NAMES = ("project",)
DEMO_PROJECT = "demo-project"

_WILDCARDS = frozenset("*?[")


def caller_endpoint(access: Access, instances: Instances) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint.

    Args:
        access: knows callers.
        instances: what there is.
    """

    async def who(request: Request) -> Response:
        request_log = request_log_of(request.scope)
        try:
            caller = await access.identify(request)
            project = Parameters(request.scope["query_string"], NAMES).text("project")
            if project is not None:
                check_id("project", project)
        except RequestRefused as error:
            request_log.outcome = row_of(error).error_code
            return error_response(error)
        request_log.outcome = "ok"
        if project is None:
            project = own_project(caller, instances)
        body = CallerResponse(name=caller.name, project=project, instances=_instances(caller, project, instances))
        return Response(body.model_dump_json(), media_type="application/json")

    return who


def own_project(caller: Caller, instances: Instances) -> str:
    """Return a project id that works in the caller's paths, as far as one can be told.

    The first project granted by name that owns an instance; else the first that owns one by name and is granted; else
    any will do where the grants and the owners are patterns.
    """
    for project in _literal(caller.grants.projects):
        if any(matches(project, instance.projects) for _, instance in instances):
            return project
    for _, instance in instances:
        for project in _literal(instance.projects):
            if matches(project, caller.grants.projects):
                return project
    return DEMO_PROJECT if any(instance.cluster.config.embedded for _, instance in instances) else "default"


def _literal(patterns: Iterable[str]) -> list[str]:
    return [pattern for pattern in patterns if not _WILDCARDS & set(pattern)]


def _instances(caller: Caller, project: str, instances: Instances) -> list[CallerInstance]:
    """Return the instances of this project that the caller may do something to."""
    found = []
    for name, instance in instances:
        actions = actions_of(caller, project, name, None)
        if actions and matches(project, instance.projects):
            config = instance.cluster.config
            readiness = readiness_of(instance.cluster.availability)
            found.append(
                CallerInstance(
                    instance_id=name,
                    state=readiness.state,
                    reason=readiness.reason,
                    embedded=config.embedded,
                    read_only=config.policy.read_only,
                    actions=list(actions),
                )
            )
    return found
